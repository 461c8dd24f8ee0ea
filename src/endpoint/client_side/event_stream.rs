//! The frames of `application/vnd.amazon.eventstream`, in which a response is streamed
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html).
//!
//! A frame is: its length, the length of its headers, the CRC-32 of these eight bytes, the headers, the payload, the
//! CRC-32 of all before. Numbers are big-endian. There is no final frame: the response body ends.

use actix_web::web::Bytes;
use crc32fast::hash;

/// The kind of a header's value: text. No other is used here.
const TEXT: u8 = 7;
/// The lengths and the two checksums.
const AROUND: usize = 16;

/// A piece of the response.
pub(super) fn payload_part(payload: &[u8]) -> Bytes {
    let headers =
        [(":event-type", "PayloadPart"), (":content-type", "application/octet-stream"), (":message-type", "event")];
    frame(headers, payload)
}

/// The end of an interrupted response, as an exception of the API.
pub(super) fn exception(kind: &str, json: &[u8]) -> Bytes {
    let headers = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    frame(headers, json)
}

fn frame(headers: [(&str, &str); 3], payload: &[u8]) -> Bytes {
    let headers_length: usize = headers.iter().map(|(name, value)| 1 + name.len() + 1 + 2 + value.len()).sum();
    let length = AROUND + headers_length + payload.len();
    let mut frame = Vec::with_capacity(length);
    // Names and values are a few bytes, and a piece is the result of one read, so no length is truncated.
    frame.extend_from_slice(&(length as u32).to_be_bytes());
    frame.extend_from_slice(&(headers_length as u32).to_be_bytes());
    frame.extend_from_slice(&hash(&frame).to_be_bytes());
    for (name, value) in headers {
        frame.push(name.len() as u8);
        frame.extend_from_slice(name.as_bytes());
        frame.push(TEXT);
        frame.extend_from_slice(&(value.len() as u16).to_be_bytes());
        frame.extend_from_slice(value.as_bytes());
    }
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&hash(&frame).to_be_bytes());
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Frames that botocore's own parser reads correctly (botocore 1.44.5, `eventstream.py`).
    #[test]
    fn frames_match_those_that_botocore_reads() {
        assert_eq!(
            hex(&payload_part(b"he")),
            "0000006b00000059997770650b3a6576656e742d7479706507000b5061796c6f6164506172740d3a636f6e74656e742d7479706507\
             00186170706c69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700056576656e746865f957463d"
        );
        assert_eq!(
            hex(&exception("ModelStreamError", br#"{"ErrorCode":"StreamBroken","Message":"m"}"#)),
            "000000980000005e0887cf4b0f3a657863657074696f6e2d747970650700104d6f64656c53747265616d4572726f720d3a636f6e74\
             656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e\
             7b224572726f72436f6465223a2253747265616d42726f6b656e222c224d657373616765223a226d227d422c6dca"
        );
    }

    #[test]
    fn a_piece_may_have_any_bytes_and_any_length() {
        for length in [0, 1, 255, 65_536] {
            let payload = vec![0xff; length];
            let frame = payload_part(&payload);
            assert_eq!(frame.len(), 0x59 + 16 + length);
            assert_eq!(frame[..4], (frame.len() as u32).to_be_bytes());
            assert_eq!(frame[frame.len() - 4 - length..frame.len() - 4], payload);
            assert_eq!(frame[frame.len() - 4..], hash(&frame[..frame.len() - 4]).to_be_bytes());
        }
    }
}
