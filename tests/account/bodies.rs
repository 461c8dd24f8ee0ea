//! Hostile bodies in every media type that can be read, for rows of every shape: a size that a body only claims takes
//! no memory, and the values that it contains take memory in proportion to its bytes.

use allocation_counter::measure;
use byoc_account::{Allowance, Purpose};
use byoc_formats::media_types::read::{read_batch, read_frame};
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_formats::rows::schema::Schema;

/// Rows of named columns.
struct Named(Vec<String>);

impl Named {
    fn columns(count: usize) -> Named {
        Named((0..count).map(|number| format!("c{number}")).collect())
    }
}

impl Schema for Named {
    fn check_width(&self, columns: usize) -> byoc_formats::error::Result<()> {
        match columns == self.0.len() {
            true => Ok(()),
            false => Err(byoc_formats::error::Error::bad_payload(format!("expected {} columns", self.0.len()))),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    fn uses(&self, _: &str) -> bool {
        true
    }

    fn label(&self) -> Option<usize> {
        None
    }
}

/// Any number of columns, without names.
fn any_width(_: usize) -> byoc_formats::error::Result<()> {
    Ok(())
}

/// How often the hostile part of a body is repeated, if at all.
const MANY: usize = 20_000;

/// Bodies of a media type that claim more than they contain, or expand to more. A new media type must be added here.
fn claims(media_type: MediaType) -> Vec<(&'static str, Vec<u8>)> {
    match media_type {
        MediaType::Csv => vec![
            ("many columns", ",".repeat(MANY).into_bytes()),
            ("empty rows", format!("{}\n", ",".repeat(999)).repeat(100).into_bytes()),
            ("a quote that does not end", format!("\"{}", "a,\n".repeat(MANY)).into_bytes()),
            ("one wide row and many narrow ones", format!("{}\n{}", ",".repeat(999), "1\n".repeat(MANY)).into_bytes()),
            ("blank lines", "\n".repeat(MANY).into_bytes()),
            ("a long number", format!("1{}", "0".repeat(MANY)).into_bytes()),
            ("a wide exponent", "1e999999999\n".repeat(MANY).into_bytes()),
        ],
        MediaType::Json => {
            let list = |item: &str| format!("[{}{item}]", format!("{item},").repeat(MANY)).into_bytes();
            vec![
                ("missing members", list(r#"{"c0":1}"#)),
                ("missing members in instances", [b"{\"instances\":", list(r#"{"c0":1}"#).as_slice(), b"}"].concat()),
                ("a different member in each row", {
                    let rows: Vec<String> = (0..MANY).map(|row| format!("{{\"c{}\":{row}}}", row % 1000)).collect();
                    format!("[{}]", rows.join(",")).into_bytes()
                }),
                ("one member many times", format!("[{{{}\"c0\":1}}]", "\"c0\":1,".repeat(MANY)).into_bytes()),
                ("unknown members", format!("[{{{}\"x\":1}}]", "\"x\":1,".repeat(MANY)).into_bytes()),
                ("empty rows", list("[]")),
                ("empty objects", list("{}")),
                ("depth", "[".repeat(MANY).into_bytes()),
                ("depth of objects", "{\"a\":".repeat(MANY).into_bytes()),
                ("empty text", list("\"\"")),
                ("numbers", list("1")),
                ("numbers that become text at the end", format!("[{}[\"a\"]]", "[1],".repeat(MANY)).into_bytes()),
                ("sparse vectors", list(r#"{"data":{"features":{"keys":[999],"shape":[1000],"values":[1]}}}"#)),
                (
                    "a shape",
                    br#"{"instances":[{"data":{"features":{"keys":[],"shape":[1000000000000],"values":[]}}}]}"#
                        .to_vec(),
                ),
                ("one instance of many members", format!("{{{}\"c0\":1}}", "\"x\":1,".repeat(MANY)).into_bytes()),
                (
                    "one instance of one member many times",
                    format!("{{{}\"c0\":1}}", "\"c0\":1,".repeat(MANY)).into_bytes(),
                ),
                ("a frame of many names", [b"{\"data\":[],\"columns\":", list("\"c0\"").as_slice(), b"}"].concat()),
                ("a frame with its names twice", {
                    let names = list("0");
                    [b"{\"columns\":", names.as_slice(), b",\"columns\":", &names, b",\"data\":[[1]]}"].concat()
                }),
                ("a frame of narrow rows", [b"{\"columns\":[\"c0\"],\"data\":", list("[1]").as_slice(), b"}"].concat()),
                ("a column of many values", [b"{\"c0\":", list("1").as_slice(), b"}"].concat()),
                ("a column of empty text", [b"{\"c0\":", list("\"\"").as_slice(), b"}"].concat()),
                ("a column of named rows", format!("{{\"c0\":{{{}\"a\":1}}}}", "\"\":1,".repeat(MANY)).into_bytes()),
                (
                    "a column of rows with escaped names",
                    format!("{{\"c0\":{{{}\"a\":1}}}}", "\"\\u0041\":1,".repeat(MANY)).into_bytes(),
                ),
                ("escapes", format!("[\"{}\"]", "\\u0041".repeat(MANY)).into_bytes()),
            ]
        }
        MediaType::JsonLines => {
            let lines = |line: &str| format!("{line}\n").repeat(MANY).into_bytes();
            vec![
                ("missing members", lines(r#"{"c0":1}"#)),
                ("empty rows", lines("[]")),
                ("empty objects", lines("{}")),
                ("empty features", lines(r#"{"features":[]}"#)),
                ("depth", lines("[[[[[[[[[[")),
                ("sparse vectors", lines(r#"{"data":{"features":{"keys":[999],"shape":[1000],"values":[1]}}}"#)),
                ("a line that becomes text at the end", [lines("[1]"), b"[\"a\"]".to_vec()].concat()),
            ]
        }
        MediaType::Npy => {
            let array = |descr: &str, shape: &str| {
                let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
                let mut body = b"\x93NUMPY\x01\x00".to_vec();
                body.extend((header.len() as u16).to_le_bytes());
                body.extend(header.as_bytes());
                body
            };
            vec![
                ("no rows of many columns", array("<f8", "(0, 1000000000000)")),
                ("no rows of fewer columns", array("<f8", "(0, 100000000)")),
                ("many rows without columns", array("<f8", "(1000000000000, 0)")),
                ("many rows", array("<f8", "(1000000000, 1)")),
                ("a row of many columns", array("<f8", "(1, 1000000000)")),
                ("a size beyond 64 bits", array("<f8", "(18446744073709551615, 18446744073709551615)")),
                ("missing bytes", array("|b1", "(9223372036854775807, 2)")),
                ("many dimensions", array("<f8", &format!("({})", "1, ".repeat(10_000)))),
                ("a missing header", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'".to_vec()),
                ("items of long text", array("<U1000000000", "(1, 1)")),
                ("small items", [array("|i1", "(20000, 1)"), vec![1; MANY]].concat()),
            ]
        }
        MediaType::RecordIoProtobuf => {
            let record = |length: u32, bytes: &[u8]| {
                let mut record = 0xced7_230a_u32.to_le_bytes().to_vec();
                record.extend(length.to_le_bytes());
                record.extend(bytes);
                record.resize(record.len().next_multiple_of(4), 0);
                record
            };
            // features {"values": float32_tensor {keys: 0, shape: 2^40, values: 1.0}}
            let sparse = |shape: &[u8]| {
                let tensor =
                    [b"\x0a\x04\x00\x00\x80\x3f\x12\x01\x00\x1a".as_slice(), &[shape.len() as u8], shape].concat();
                let value = [&[0x12, tensor.len() as u8], tensor.as_slice()].concat();
                let entry = [b"\x0a\x06values\x12".as_slice(), &[value.len() as u8], &value].concat();
                let message = [&[0x0a, entry.len() as u8], entry.as_slice()].concat();
                record(message.len() as u32, &message)
            };
            vec![
                ("a missing record", record(0x1fff_ffff, &[])),
                ("empty records", record(0, &[]).repeat(MANY)),
                ("a length beyond the record", record(12, b"\x0a\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x00\x00")),
                ("a sparse row of many columns", sparse(b"\x80\x80\x80\x80\x80\x20")),
                ("sparse rows of 1000 columns", sparse(b"\xe8\x07").repeat(MANY / 10)),
            ]
        }
    }
}

/// The most bytes of memory for each byte of a body. In rows of any width, each comma adds a column with capacity for
/// its first cells.
const MAX_PER_BYTE: u64 = 128;
const SMALL: u64 = 128 << 10;

fn check(what: &str, body: &[u8], read: impl Fn(&Allowance)) -> Result<(), String> {
    let allowance = Allowance::unbounded();
    let allocated = measure(|| read(&allowance)).bytes_max;
    if allocated > SMALL + MAX_PER_BYTE * body.len() as u64 {
        return Err(format!("{what}: {allocated} bytes for a body of {}", body.len()));
    }
    let taken = allowance.max_taken();
    if allocated > taken + taken / 10 + SMALL {
        return Err(format!(
            "{what}: took {taken} bytes from its allowance, allocated {allocated}, for a body of {}",
            body.len()
        ));
    }
    // With too small an allowance, it fails before it allocates more than that.
    let allowance = Allowance::of_bytes(taken / 2, Purpose::Answer);
    let allocated = measure(|| read(&allowance)).bytes_max;
    match allocated <= taken / 2 + taken / 10 + SMALL {
        true => Ok(()),
        false => Err(format!("{what}: {allocated} bytes of an allowance of {}", taken / 2)),
    }
}

#[test]
fn a_body_of_any_media_type_takes_memory_in_proportion_to_its_size_and_within_its_allowance() {
    let named = Named::columns(1000);
    let mut wrong = Vec::new();
    for media_type in MediaType::ALL {
        let content_type = ContentType::of(*media_type);
        for (claim, body) in claims(*media_type) {
            let mut check = |rows: &str, read: &dyn Fn(&Allowance)| {
                wrong.extend(check(&format!("{media_type:?} with {claim}, {rows}"), &body, read).err());
            };
            check("by name", &|allowance| drop(read_frame(ContentType::of(*media_type), &body, &named, allowance)));
            check("of any width", &|allowance| {
                drop(read_frame(ContentType::of(*media_type), &body, &any_width, allowance))
            });
            for width in [1, 1000] {
                check(&format!("{width} features"), &|allowance| {
                    drop(read_batch(content_type, &body, width, allowance));
                });
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
