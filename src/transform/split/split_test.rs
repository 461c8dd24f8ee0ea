use proptest::prelude::*;

use super::*;
use crate::platform::batch_strategy::BatchStrategy::{MultiRecord, SingleRecord};
use crate::transform::processing::JoinSource;
use byoc_formats::media_types::MediaType;
use byoc_formats::media_types::recordio::write_frame;

fn packing(split: SplitType, strategy: BatchStrategy, most: usize) -> Packing {
    Packing { split, strategy, most, fill: most, header: Header::Absent, processing: None }
}

fn cut(object: &[u8], packing: &Packing) -> Result<Vec<Payload>> {
    let mut cutter = Cutter::new(object, packing.clone());
    let mut payloads = Vec::new();
    while let Some(payload) = cutter.next()? {
        payloads.push(payload);
    }
    Ok(payloads)
}

fn bodies(object: &[u8], packing: &Packing) -> Vec<String> {
    let payloads = cut(object, packing).unwrap_or_else(|error| panic!("{error}"));
    payloads.iter().map(|payload| String::from_utf8_lossy(&payload.body).into_owned()).collect()
}

#[test]
fn lines_are_packed_greedily_and_single_records_have_no_line_end() {
    let object = b"aa\nbb\r\n\ncccc\n \t\nd";
    assert_eq!(bodies(object, &packing(SplitType::Line, SingleRecord, 4)), ["aa", "bb", "cccc", "d"]);
    assert_eq!(bodies(object, &packing(SplitType::Line, MultiRecord, 5)), ["aa\nbb", "cccc", "d"]);
    assert_eq!(bodies(object, &packing(SplitType::Line, MultiRecord, 100)), ["aa\nbb\ncccc\nd"]);
    assert_eq!(bodies(b"aa\nbb\r\ncc\r\n", &packing(SplitType::Line, MultiRecord, 100)), ["aa\nbb\r\ncc"]);
    assert_eq!(bodies(b"\naa\n\n", &packing(SplitType::Line, MultiRecord, 100)), ["aa"]);
    assert_eq!(bodies(b"", &packing(SplitType::Line, MultiRecord, 5)), [""; 0]);
    assert_eq!(bodies(b"\n\r\n  \n", &packing(SplitType::Line, MultiRecord, 2)), [""; 0]);
}

#[test]
fn a_payload_is_filled_to_its_target_and_a_longer_record_is_sent_alone() {
    let object = b"aa\nbb\ncccccc\r\nd\ne\nffffff";
    let filled = |strategy, most| Packing { fill: 5, ..packing(SplitType::Line, strategy, most) };
    assert_eq!(bodies(object, &filled(MultiRecord, 6)), ["aa\nbb", "cccccc", "d\ne", "ffffff"]);
    assert_eq!(bodies(object, &filled(SingleRecord, 6)), ["aa", "bb", "cccccc", "d", "e", "ffffff"]);
    assert!(cut(object, &filled(MultiRecord, 5)).is_err());
}

#[test]
fn payloads_know_their_records_and_positions() {
    let payloads = cut(b"aa\n\nbb\ncc\n", &packing(SplitType::Line, MultiRecord, 6)).unwrap();
    let places: Vec<_> = payloads.iter().map(|one| (one.first, one.count, one.from, one.to)).collect();
    assert_eq!(places, [(1, 2, 0, 7), (3, 1, 7, 10)]);
    assert_eq!((payloads[0].byte_of(0), payloads[0].byte_of(1), payloads[0].byte_of(2)), (Some(0), Some(4), None));
    assert_eq!(payloads[1].byte_of(0), Some(7));
    let filter = DataProcessing::new(MediaType::Csv, Some("$[1]"), JoinSource::None, None).unwrap().map(Arc::new);
    let filtered = Packing { processing: filter, ..packing(SplitType::Line, MultiRecord, 100) };
    let payloads = cut(b"a,1\r\n\nb,\n", &filtered).unwrap();
    assert_eq!(&payloads[0].body[..], b"1\n\"\"", "a blank line is not a record, an empty cell is");
    assert_eq!((payloads[0].byte_of(0), payloads[0].byte_of(1), payloads[0].byte_of(2)), (Some(0), Some(6), None));
}

#[test]
fn a_record_larger_than_a_payload_is_refused_with_its_number_and_position() {
    for strategy in [SingleRecord, MultiRecord] {
        let error = cut(b"aa\nbbbbb\nc\n", &packing(SplitType::Line, strategy, 4)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 2, byte 3: expected records of at most 4 bytes (MaxPayloadInMB), found a larger one"
        );
    }
    let error = cut(b"aaaaa", &packing(SplitType::None, MultiRecord, 4)).unwrap_err();
    assert!(error.message().contains("give a SplitType"), "{error}");
    assert_eq!(bodies(b"aaaa", &packing(SplitType::None, MultiRecord, 4)), ["aaaa"]);
}

#[test]
fn an_input_filter_is_applied_before_packing_and_the_records_are_kept_for_the_join() {
    let processing = DataProcessing::new(MediaType::Csv, Some("$[1:]"), JoinSource::Input, None).unwrap().unwrap();
    let processing = Some(Arc::new(processing));
    let filtered = |split, strategy, most| Packing { processing: processing.clone(), ..packing(split, strategy, most) };
    let object = b"id1,a\r\nid2,b\n\nid3,c";
    for (packing, expected) in [
        (filtered(SplitType::Line, MultiRecord, 3), &["a\nb", "c"][..]),
        (filtered(SplitType::Line, SingleRecord, 3), &["a", "b", "c"]),
        (filtered(SplitType::None, MultiRecord, 100), &["a\nb\nc\n"]),
    ] {
        assert_eq!(bodies(object, &packing), expected);
        let payloads = cut(object, &packing).unwrap();
        let processing = packing.processing.as_ref().unwrap();
        let records: Vec<_> = payloads.iter().flat_map(|payload| payload.records(processing).unwrap()).collect();
        assert_eq!(records, [&b"id1,a"[..], b"id2,b", b"id3,c"]);
    }
    let error = cut(
        b"a,1\nb\n",
        &Packing {
            processing: DataProcessing::new(MediaType::Csv, Some("$[1]"), JoinSource::None, None)
                .unwrap()
                .map(Arc::new),
            ..packing(SplitType::Line, MultiRecord, 10)
        },
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "row 2, byte 4: InputFilter $[1]: [1] is beyond the 1 elements of the record");
}

fn csv(input: &str, join: JoinSource) -> Option<Arc<DataProcessing>> {
    DataProcessing::new(MediaType::Csv, Some(input), join, Some("$[0]")).unwrap().map(Arc::new)
}

#[test]
fn a_header_line_is_expected_if_the_content_type_has_header_present() {
    for present in [
        "text/csv; header=present",
        "Text/CSV;label_size=1 ; HEADER = \"Present\"",
        "text/csv;charset=x;header=present",
    ] {
        assert_eq!(Header::of(Some(present)).unwrap(), Header::Present, "{present}");
    }
    for absent in [
        "text/csv",
        "text/csv; header=absent",
        "text/csv; header",
        "application/json; header=present",
        "",
        ";header=present",
    ] {
        assert_eq!(Header::of(Some(absent)).unwrap(), Header::Absent, "{absent}");
    }
    assert_eq!(Header::of(None).unwrap(), Header::Absent);
    for both in ["text/csv; header=present; header=absent", "text/csv;header=absent;Header=PRESENT"] {
        assert!(Header::of(Some(both)).is_err(), "{both}");
    }
}

#[test]
fn each_payload_begins_with_the_header_line_of_its_object_and_counts_it() {
    let with = |split, strategy, most| Packing { header: Header::Present, ..packing(split, strategy, most) };
    let object = b"\n \na,b\r\n1,2\n\n3,4\r\n5,6";
    for (packing, expected) in [
        (with(SplitType::Line, MultiRecord, 100), &["a,b\n1,2\n3,4\n5,6"][..]),
        // The blank line between the two counts towards the size.
        (with(SplitType::Line, MultiRecord, 12), &["a,b\n1,2\n3,4", "a,b\n5,6"]),
        (with(SplitType::Line, MultiRecord, 11), &["a,b\n1,2", "a,b\n3,4", "a,b\n5,6"]),
        (with(SplitType::Line, MultiRecord, 7), &["a,b\n1,2", "a,b\n3,4", "a,b\n5,6"]),
        (Packing { fill: 5, ..with(SplitType::Line, MultiRecord, 9) }, &["a,b\n1,2", "a,b\n3,4", "a,b\n5,6"]),
        (with(SplitType::Line, SingleRecord, 100), &["a,b\n1,2", "a,b\n3,4", "a,b\n5,6"]),
    ] {
        assert_eq!(bodies(object, &packing), expected, "{packing:?}");
        let payloads = cut(object, &packing).unwrap();
        let places: Vec<_> =
            payloads.iter().flat_map(|one| (0..one.count as usize).map(|index| one.byte_of(index))).collect();
        assert_eq!(places, [Some(8), Some(13), Some(18)], "{packing:?}");
        assert_eq!((payloads[0].first, payloads.last().unwrap().to), (1, object.len() as u64));
        let lines: Vec<_> = payloads.iter().map(|one| one.of_object(6)).collect();
        assert_eq!(lines[0], Some((10, Some(0))), "{packing:?}");
        assert_eq!(payloads[0].of_object(2), Some((5, None)), "the header line's own");
    }
    let whole = with(SplitType::None, MultiRecord, 100);
    assert_eq!(bodies(object, &whole), [String::from_utf8_lossy(object)]);
    assert_eq!(cut(object, &whole).unwrap()[0].of_object(10), Some((10, None)));
    let error = cut(object, &with(SplitType::Line, MultiRecord, 6)).unwrap_err();
    let expected = "row 1, byte 8: beside the header line of 4 bytes: expected records of at most 2 bytes";
    assert!(error.to_string().starts_with(expected), "{error}");
    for most in [2, 3] {
        assert!(cut(object, &with(SplitType::Line, SingleRecord, most)).is_err(), "{most}");
    }
    for object in ["", "\n \n", "a,b", "a,b\n", "a,b\r\n\n"] {
        assert_eq!(bodies(object.as_bytes(), &with(SplitType::Line, MultiRecord, 9)), [""; 0], "{object:?}");
    }
    // A quoted name may contain a line break; then the header line spans several lines.
    let named = with(SplitType::Line, MultiRecord, 12);
    assert_eq!(bodies(b"\"a\nx\",b\n1,2\n3,4\n", &named), ["\"a\nx\",b\n1,2", "\"a\nx\",b\n3,4"]);
    let error = cut(b"\"a,b\n1,2\n3,4\n5,6\n", &named).unwrap_err();
    let expected = "byte 0: the header line: a quote does not close (column 1, byte 0)";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn a_header_line_that_does_not_end_is_refused_with_its_quote() {
    let present = |most| Packing { header: Header::Present, ..packing(SplitType::Line, MultiRecord, most) };
    let open = "a quote does not close";
    let after = "text after the quote that closes a field";
    for (object, from, fault, column, byte) in [
        ("a,b,\"note\n1,2,3\n4,5,6\n", 0, open, 3, 4),
        ("\n\na,\"b\r\n1,2\r\n", 2, open, 2, 4),
        ("a,\"b\r1,2\r", 0, open, 2, 2),
        ("\u{feff}a,\"b\n1,2\n", 3, open, 2, 5),
        ("a,\"b", 0, open, 2, 2),
        ("a,\"b\n1,\"\"\n", 0, open, 2, 2),
        // The quote is closed within a record.
        ("a,\"b\n1,\"x\"\n2,y\n", 0, after, 2, 8),
        ("a,\"b\r1,\"x\"\r2,y\r", 0, after, 2, 8),
    ] {
        for most in [100, 3] {
            let error = cut(object.as_bytes(), &present(most)).unwrap_err().to_string();
            let expected = format!("byte {from}: the header line: {fault} (column {column}, byte {byte}): expected");
            assert!(error.starts_with(&expected), "{object:?} {most}: {error}");
        }
    }
    // Containers read other quotes as part of the name.
    assert_eq!(bodies(b"a\"b,\"c\" \n1,2\n", &present(100)), ["a\"b,\"c\" \n1,2"]);
}

#[test]
fn a_header_line_may_end_in_a_carriage_return_alone() {
    let present = |split, most| Packing { header: Header::Present, ..packing(split, MultiRecord, most) };
    for (object, expected) in [
        ("a,b\r1,2\r3,4\r", &["a,b\n1,2\r3,4"][..]),
        ("\r \ra,b\r1,2", &["a,b\n1,2"]),
        ("a,b\r1,2\n3,4\n", &["a,b\n1,2\n3,4"]),
        ("a,b\r\r\n1,2\n", &["a,b\n1,2"]),
        ("\"a\rx\",b\r1,2\r", &["\"a\rx\",b\n1,2"]),
        ("a,b\r", &[]),
        ("a,b\r\r\r", &[]),
        ("\r\r", &[]),
    ] {
        assert_eq!(bodies(object.as_bytes(), &present(SplitType::Line, 100)), expected, "{object:?}");
        let mut cutter = Cutter::new(Trickle(object.as_bytes(), 1), present(SplitType::Line, 100));
        assert_eq!(cutter.next().unwrap().map(|payload| payload.body.to_vec()).is_some(), !expected.is_empty());
    }
    let whole = cut(b"a,b\r1,2\r", &present(SplitType::None, 100)).unwrap();
    assert_eq!(whole[0].of_object(5), Some((5, None)));
    // A filter that sees one row where the container sees two would mix them.
    for (split, row) in [(SplitType::Line, "row 1, byte 4"), (SplitType::None, "row 1, byte 0")] {
        let packing = Packing { processing: csv("$[0]", JoinSource::None), ..present(split, 100) };
        let error = cut(b"a,b\r1,2\r3,4\r", &packing).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{row}: a carriage return without a line feed")), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_row() {
    let with = |split, header, processing| Packing { header, processing, ..packing(split, MultiRecord, 100) };
    let rows = "\u{feff}\"a\",\"b\"\n\"1\",\"2\"\n".as_bytes();
    for (split, header, body, records) in [
        (SplitType::Line, Header::Present, "\"a\"\n\"1\"", &["\"1\",\"2\""][..]),
        (SplitType::Line, Header::Absent, "\"a\"\n\"1\"", &["\"a\",\"b\"", "\"1\",\"2\""]),
        (SplitType::None, Header::Present, "\"a\"\n\"1\"\n", &["\"1\",\"2\""]),
        (SplitType::None, Header::Absent, "\"a\"\n\"1\"\n", &["\"a\",\"b\"", "\"1\",\"2\""]),
    ] {
        let packing = with(split, header, csv("$[0]", JoinSource::Input));
        assert_eq!(bodies(rows, &packing), [body], "{split:?} {header:?}");
        let payloads = cut(rows, &packing).unwrap();
        let found = payloads[0].records(packing.processing.as_ref().unwrap()).unwrap();
        assert_eq!(found, records.iter().map(|record| record.as_bytes()).collect::<Vec<_>>());
        assert_eq!(payloads[0].to, rows.len() as u64);
        let error = cut("\u{feff}\"a\",b\n1,x\"\n".as_bytes(), &packing).unwrap_err().to_string();
        assert!(error.contains("column 2, byte 12)"), "{error}");
    }
    // A name may contain a line break, and the mark comes before its quote.
    let lines = with(SplitType::Line, Header::Present, None);
    assert_eq!(bodies("\u{feff}\"a\nx\",b\n1,2\n".as_bytes(), &lines), ["\"a\nx\",b\n1,2"]);
    let json = DataProcessing::new(MediaType::JsonLines, Some("$.a"), JoinSource::None, None).unwrap().map(Arc::new);
    let json = with(SplitType::Line, Header::Absent, json);
    assert_eq!(bodies("\u{feff}{\"a\": 1}\n{\"a\": 2}".as_bytes(), &json), ["1\n2"]);
    for empty in ["\u{feff}", "\u{feff}\n", "\u{feff}a,b\n"] {
        assert_eq!(bodies(empty.as_bytes(), &lines), [""; 0], "{empty:?}");
    }
    // Without processing the object is sent unchanged.
    let as_it_is = with(SplitType::Line, Header::Absent, None);
    assert_eq!(bodies("\u{feff}1,2\n".as_bytes(), &as_it_is), ["\u{feff}1,2"]);
}

#[test]
fn a_header_line_is_filtered_as_its_records_are_and_never_joined() {
    let object = b"id,a,b\nx,1,2\ny,3,4\n";
    for (split, strategy, most, expected) in [
        (SplitType::Line, MultiRecord, 11, &["a,b\n1,2\n3,4"][..]),
        (SplitType::Line, MultiRecord, 10, &["a,b\n1,2", "a,b\n3,4"]),
        (SplitType::Line, SingleRecord, 100, &["a,b\n1,2", "a,b\n3,4"]),
        (SplitType::None, MultiRecord, 100, &["a,b\n1,2\n3,4\n"]),
    ] {
        let processing = csv("$[1:]", JoinSource::Input);
        let packing = Packing { header: Header::Present, processing, ..packing(split, strategy, most) };
        assert_eq!(bodies(object, &packing), expected);
        let payloads = cut(object, &packing).unwrap();
        let processing = packing.processing.as_ref().unwrap();
        let records: Vec<_> = payloads.iter().flat_map(|payload| payload.records(processing).unwrap()).collect();
        assert_eq!(records, [&b"x,1,2"[..], b"y,3,4"]);
        assert_eq!(payloads[0].of_object(5), None, "filtered bytes have no position in the object");
    }
    for split in [SplitType::Line, SplitType::None] {
        let processing = csv("$", JoinSource::Input);
        let packing = Packing { header: Header::Present, processing, ..packing(split, MultiRecord, 100) };
        let payloads = cut(object, &packing).unwrap();
        let records = payloads[0].records(packing.processing.as_ref().unwrap()).unwrap();
        assert_eq!(records, [&b"x,1,2"[..], b"y,3,4"], "{split:?}");
    }
    let processing = csv("$[3]", JoinSource::None);
    let packing = Packing { header: Header::Present, processing, ..packing(SplitType::Line, MultiRecord, 100) };
    let error = cut(object, &packing).unwrap_err();
    let expected = "byte 0: the header line: InputFilter $[3]: [3] is beyond the 3 elements of the record";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn rows_with_wrong_quotes_are_never_processed() {
    let object = b"a,b\n1,2\n\n3,say \"hi\"\n";
    let bare = "bare \" in non quoted field (column 2, byte 15): expected a field with a quote in it";
    for (input, join) in [("$", JoinSource::Input), ("$[1]", JoinSource::None), ("$", JoinSource::None)] {
        for strategy in [MultiRecord, SingleRecord] {
            let lines = Packing { processing: csv(input, join), ..packing(SplitType::Line, strategy, 100) };
            for (header, row) in [(Header::Absent, 3), (Header::Present, 2)] {
                let mut cutter = Cutter::new(&object[..], Packing { header, ..lines.clone() });
                let error = loop {
                    if let Err(error) = cutter.next() {
                        break error;
                    }
                };
                assert!(error.to_string().starts_with(&format!("row {row}, byte 9: {bare}")), "{error}");
            }
            let error = cut(b"1,2\n3,\"a\nb\"\n", &lines).unwrap_err();
            let expected = "row 2, byte 4: a quote does not close (column 2, byte 6)";
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        for (header, row) in [(Header::Absent, 3), (Header::Present, 2)] {
            let processing = csv(input, join);
            let whole = Packing { header, processing, ..packing(SplitType::None, MultiRecord, 100) };
            let error = cut(object, &whole).unwrap_err();
            let expected = format!("row 1, byte 0: {}", bare.replace("(column", &format!("(row {row}, column")));
            assert!(error.to_string().starts_with(&expected), "{error}");
            assert!(cut(b"a,b\n3,\"a\nb\"\n", &whole).is_ok(), "the line break is part of the field");
        }
        let processing = csv(input, join);
        let named = Packing { header: Header::Present, processing, ..packing(SplitType::Line, MultiRecord, 100) };
        let error = cut(b"\na,\"b\"c\n1,2\n", &named).unwrap_err();
        let expected = "byte 1: the header line: text after the quote that closes a field (column 2, byte 6)";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    // Quotes are not checked if there is no processing.
    assert_eq!(bodies(object, &packing(SplitType::Line, MultiRecord, 100)).len(), 1);
}

#[test]
fn positions_in_a_payload_are_converted_to_positions_in_the_object() {
    let object = b"aa\r\n\nbb\ncc\ndd\n";
    for (strategy, most) in [(MultiRecord, 100), (MultiRecord, 5), (SingleRecord, 100)] {
        for payload in cut(object, &packing(SplitType::Line, strategy, most)).unwrap() {
            for (at, byte) in payload.body.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic()) {
                let (place, index) = payload.of_object(at).unwrap();
                assert_eq!(object[place as usize], *byte, "{payload:?} {at}");
                let start = payload.byte_of(index.unwrap()).unwrap();
                assert!((start..start + 2).contains(&place), "{payload:?} {at}");
            }
        }
    }
    let framed = [record_io(b"abcd"), record_io(b"efgh")].concat();
    let multi = cut(&framed, &packing(SplitType::RecordIo, MultiRecord, 12)).unwrap();
    assert_eq!(multi[1].of_object(8), Some((20, None)));
    let single = cut(&framed, &packing(SplitType::RecordIo, SingleRecord, 12)).unwrap();
    assert_eq!(single[1].of_object(0), None);
}

/// A record in RecordIO frames as dmlc writes it: split at each magic number.
fn record_io(record: &[u8]) -> Vec<u8> {
    let magic = 0xCED7_230A_u32.to_le_bytes();
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    for at in (0..record.len().saturating_sub(3)).step_by(4) {
        if record[at..at + 4] == magic && at >= start {
            parts.push(&record[start..at]);
            start = at + 4;
        }
    }
    parts.push(&record[start..]);
    let mut framed = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let flag = match (index, parts.len()) {
            (_, 1) => 0_u32,
            (0, _) => 1,
            (index, count) if index + 1 == count => 3,
            _ => 2,
        };
        framed.extend(magic);
        framed.extend((flag << 29 | part.len() as u32).to_le_bytes());
        framed.extend_from_slice(part);
        framed.resize(framed.len().next_multiple_of(4), 0);
    }
    framed
}

fn tf_record(record: &[u8]) -> Vec<u8> {
    let length = (record.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| super::record::masked(bytes).to_le_bytes();
    [&length[..], &checksum(&length), record, &checksum(record)].concat()
}

#[test]
fn a_record_that_contains_the_magic_number_is_joined_again() {
    let magic = 0xCED7_230A_u32.to_le_bytes();
    let record = [&b"abcd"[..], &magic, b"efgh", &magic, b"i"].concat();
    let framed = record_io(&record);
    assert_eq!(framed.len(), 3 * 8 + 4 + 4 + 4);
    let single = cut(&framed, &packing(SplitType::RecordIo, SingleRecord, 100)).unwrap();
    assert_eq!(single[0].body, record);
    let multi = cut(&framed, &packing(SplitType::RecordIo, MultiRecord, 100)).unwrap();
    assert_eq!(multi[0].body, framed);
}

#[test]
fn invalid_frames_are_refused_with_their_position() {
    let mut good = Vec::new();
    write_frame(&mut good, b"abc");
    for (tail, expected) in [
        (&b"1,2,3\n4,5,6\n"[..], "byte 12: expected the number 0xced7230a at the start of a RecordIO frame"),
        (&[0x0a], "byte 12: expected a RecordIO frame, found 1 bytes to the end"),
        (&[0x0a, 0x23, 0xd7, 0xce, 9, 0, 0, 0], "byte 12: expected a record of 9 bytes, found 0 to the end"),
        (&[0x0a, 0x23, 0xd7, 0xce, 0, 0, 0, 0x40], "byte 12: expected a RecordIO frame, found one with the flag 2"),
    ] {
        let error = cut(&[&good, tail].concat(), &packing(SplitType::RecordIo, SingleRecord, 100)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let good = tf_record(b"abc");
    for (object, expected) in [
        ([&good[..], b"x"].concat(), "byte 19: expected a TFRecord, found 1 bytes to the end"),
        ([&good[..], &[0; 16]].concat(), "a length whose checksum is wrong"),
        (
            good[..17].to_vec(),
            "expected a TFRecord of 3 bytes and the 4 bytes of its checksum, found 2 of the checksum to the end",
        ),
        (good[..14].to_vec(), "expected a TFRecord of 3 bytes, found 2 to the end"),
        ([&good[..14], b"x", &good[15..]].concat(), "the TFRecord is damaged"),
    ] {
        let error = cut(&object, &packing(SplitType::TfRecord, SingleRecord, 100)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// The reference implementation: adds records one by one, and starts a new payload when the next one does not fit.
fn pack(records: &[Vec<u8>], separator: &[u8], strategy: BatchStrategy, fill: usize) -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    for record in records {
        match payloads.last_mut() {
            Some(payload) if strategy == MultiRecord && payload.len() + separator.len() + record.len() <= fill => {
                payload.extend_from_slice(separator);
                payload.extend_from_slice(record);
            }
            _ => payloads.push(record.clone()),
        }
    }
    payloads
}

fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'a'), Just(0), any::<u8>()], 1..12), 0..20)
}

/// Returns a few bytes at a time, as a network does.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

proptest! {
    #[test]
    fn payloads_match_the_reference_implementation(
        records in records(),
        most in 30_usize..60,
        fill in 1_usize..60,
        single in any::<bool>(),
        ended in any::<bool>(),
        step in 1_usize..9,
    ) {
        let strategy = if single { SingleRecord } else { MultiRecord };
        let fill = fill.min(most);
        let magic = 0xCED7_230A_u32.to_le_bytes();
        let lines: Vec<Vec<u8>> = records
            .iter()
            .map(|record| record.iter().map(|&byte| if is_blank(&[byte]) { b'x' } else { byte }).collect())
            .collect();
        let mut text = lines.join(&b"\n"[..]);
        if ended && !text.is_empty() {
            text.push(b'\n');
        }
        let framed = |frame: &dyn Fn(&[u8]) -> Vec<u8>| records.iter().map(|record| frame(record)).collect::<Vec<_>>();
        let (record_io, tf_record) = (framed(&record_io), framed(&tf_record));
        prop_assume!(records.iter().all(|record| !record.windows(4).any(|window| window == magic)));
        for (split, object, whole, separator) in [
            (SplitType::Line, text, lines.clone(), &b"\n"[..]),
            (SplitType::RecordIo, record_io.concat(), record_io.clone(), b""),
            (SplitType::TfRecord, tf_record.concat(), tf_record.clone(), b""),
        ] {
            let alone = if split == SplitType::Line { &lines } else { &records };
            let expected = pack(if single { alone } else { &whole }, separator, strategy, fill);
            let mut cutter = Cutter::new(Trickle(&object, step), Packing { fill, ..packing(split, strategy, most) });
            let (mut found, mut next, mut at) = (Vec::new(), 1, 0);
            while let Some(payload) = cutter.next().unwrap() {
                prop_assert_eq!((payload.first, payload.from), (next, at));
                next += payload.count;
                at = payload.to;
                found.push(payload.body.to_vec());
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!((next, at), (records.len() as u64 + 1, object.len() as u64));
        }
    }

    #[test]
    fn no_object_makes_the_splitter_panic_and_no_line_is_lost(
        object in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'\r'), any::<u8>()], 0..80),
        most in 1_usize..40,
    ) {
        // Of two carriage returns before a line feed, one is text.
        prop_assume!(!object.windows(2).any(|window| window == b"\r\r"));
        for split in [SplitType::None, SplitType::RecordIo, SplitType::TfRecord] {
            let _ = cut(&object, &packing(split, MultiRecord, most));
        }
        let lines: Vec<&[u8]> = payload::lines(&object).map(|(_, line)| line).collect();
        for strategy in [SingleRecord, MultiRecord] {
            match cut(&object, &packing(SplitType::Line, strategy, most)) {
                Ok(payloads) => {
                    let found: Vec<Vec<u8>> = payloads
                        .iter()
                        .flat_map(|payload| payload::lines(&payload.body).map(|(_, line)| line.to_vec()))
                        .collect();
                    prop_assert_eq!(&found, &lines);
                    prop_assert!(payloads.iter().all(|payload| payload.body.len() <= most));
                }
                Err(_) => prop_assert!(lines.iter().any(|line| line.len() + 1 > most) || object.len() > most),
            }
        }
    }
}
