//! How many rows a body can have, by a glance at it.

use crate::media_types::{MediaType, without_byte_order_mark};

/// The number at which a record of RecordIO begins (`MXNet`'s `kMagic`).
const RECORD: [u8; 4] = 0xced7_230a_u32.to_le_bytes();

/// The most rows of so many columns that a body can have. For text it is close to how many there are, and takes as long as
/// looking for a byte does.
pub fn most_rows(media_type: MediaType, body: &[u8], columns: usize) -> usize {
    let rows = match media_type {
        MediaType::Csv => memchr::memchr2_iter(b'\n', b'\r', body).count() + 1,
        MediaType::JsonLines => memchr::memchr_iter(b'\n', body).count() + 1,
        // A row is a list or an object; of one column it may be a number.
        MediaType::Json if columns <= 1 => body.len() / 2 + 1,
        // A frame of columns has all values of a column in one list.
        MediaType::Json if is_frame(body) => memchr::memchr_iter(b',', body).count() + 1,
        MediaType::Json => memchr::memchr2_iter(b'[', b'{', body).count() + 1,
        MediaType::RecordIoProtobuf => memchr::memmem::find_iter(body, &RECORD).count() + 1,
        // An item has a byte at least.
        MediaType::Npy => body.len() / columns.max(1) + 1,
    };
    rows.min(body.len() + 1)
}

/// Whether a document may be a frame column by column, or is another object whose rows are fewer than its commas.
fn is_frame(body: &[u8]) -> bool {
    let (text, _) = without_byte_order_mark(body);
    let members = text.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    members.is_some_and(|members| !members.starts_with(b"\"instances\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Frame;
    use crate::rows::features::Features;
    use crate::rows::table::{Column, Table};
    use crate::testing::unbounded;

    #[test]
    fn no_body_has_more_rows_than_a_glance_tells() {
        for columns in [1, 2, 5] {
            for rows in [1, 2, 7, 100] {
                let column = |index| Column::Float64((0..rows).map(|row| (row * columns + index) as f64).collect());
                let table = Table { rows, columns: (0..columns).map(column).collect() };
                let features = Features { label: None, table, sources: vec![None; columns] };
                for media_type in MediaType::ALL {
                    let mut body = Vec::new();
                    features.clone().write(*media_type, &mut body).unwrap();
                    let any_width = |_: usize| Ok(());
                    let frame = Frame::read(*media_type, &body, &any_width, unbounded()).unwrap();
                    assert_eq!(frame.rows(), rows);
                    let most = most_rows(*media_type, &body, columns);
                    assert!(most >= rows, "{media_type:?}: {most} for {rows}");
                    assert!(*media_type == MediaType::Npy || most <= 3 * rows + 20 * rows / columns + 4);
                }
            }
        }
    }

    #[test]
    fn lines_end_in_every_way_that_a_reader_takes() {
        assert!(most_rows(MediaType::Csv, b"1\r2\n3\r\n4", 1) >= 4);
        assert_eq!(most_rows(MediaType::Json, b"[1, 2, 3]", 3), 2);
        assert_eq!(most_rows(MediaType::Csv, b"", 3), 1);
    }

    #[test]
    fn a_frame_has_no_more_rows_than_a_glance_tells_either() {
        let read = |body: &str| {
            let any_width = |_: usize| Ok(());
            Frame::read(MediaType::Json, body.as_bytes(), &any_width, unbounded()).unwrap().rows()
        };
        let rows = "[1, 2, 3], ".repeat(99) + "[1, 2, 3]";
        let split = format!("\u{feff} {{ \"data\": [{rows}], \"columns\": [\"a\", \"b\", \"c\"] }}");
        assert_eq!(read(&split), 100);
        assert!((100..=400).contains(&most_rows(MediaType::Json, split.as_bytes(), 3)));
        let values = "5, ".repeat(99) + "5";
        let columns = format!("{{\"a\": [{values}], \"b\": [{values}]}}");
        assert!((100..=300).contains(&most_rows(MediaType::Json, columns.as_bytes(), 50)));
        let instances = format!("{{\"instances\": [{rows}]}}");
        assert!((100..=110).contains(&most_rows(MediaType::Json, instances.as_bytes(), 3)));
    }
}
