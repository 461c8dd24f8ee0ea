//! Records to bytes.

use super::frame::MAGIC;

/// Writes a record of float32 tensors in a frame: `features` and `labels` by name. A tensor without keys is dense.
pub fn write_record(out: &mut Vec<u8>, features: &[(&str, Parts<'_>)], labels: &[(&str, Parts<'_>)]) {
    let mut record = Vec::new();
    for (number, tensors) in [(1, features), (2, labels)] {
        for (name, parts) in tensors {
            let mut value = Vec::new();
            write_bytes(&mut value, 2, &tensor(parts));
            let mut entry = Vec::new();
            write_bytes(&mut entry, 1, name.as_bytes());
            write_bytes(&mut entry, 2, &value);
            write_bytes(&mut record, number, &entry);
        }
    }
    write_frame(out, &record);
}

/// Values, keys and shape of a tensor.
type Parts<'a> = (&'a [f32], &'a [u64], &'a [u64]);

/// Writes a payload in a frame.
pub fn write_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend(MAGIC.to_le_bytes());
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
    out.resize(out.len() + payload.len().next_multiple_of(4) - payload.len(), 0);
}

fn tensor((values, keys, shape): &Parts<'_>) -> Vec<u8> {
    let mut message = Vec::with_capacity(values.len() * 4 + 8);
    if !values.is_empty() {
        write_varint(&mut message, 1 << 3 | 2);
        write_varint(&mut message, values.len() as u64 * 4);
        message.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    for (number, places) in [(2, keys), (3, shape)] {
        if !places.is_empty() {
            let mut packed = Vec::new();
            places.iter().for_each(|&place| write_varint(&mut packed, place));
            write_bytes(&mut message, number, &packed);
        }
    }
    message
}

pub(super) fn write_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    write_varint(out, number << 3 | 2);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
