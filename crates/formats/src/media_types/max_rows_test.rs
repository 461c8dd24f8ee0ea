//! [`MediaType::max_rows`] against the number of rows that are read.

use super::answer::write_features;
use super::content_type::ContentType;
use super::media_type::MediaType;
use super::read::read_frame;
use crate::rows::Features;
use crate::rows::table::{Column, Table};
use crate::testing::unbounded;

#[test]
fn the_estimate_of_rows_is_an_upper_bound() {
    for columns in [1, 2, 5] {
        for rows in [1, 2, 7, 100] {
            let column = |index| Column::Float64((0..rows).map(|row| (row * columns + index) as f64).collect());
            let table = Table { rows, columns: (0..columns).map(column).collect() };
            let features = Features { label: None, table, sources: vec![None; columns] };
            for media_type in MediaType::ALL {
                let mut body = Vec::new();
                write_features(features.clone(), *media_type, &mut body).unwrap();
                let any_width = |_: usize| Ok(());
                let frame = read_frame(ContentType::of(*media_type), &body, &any_width, unbounded()).unwrap();
                assert_eq!(frame.rows(), rows);
                let most = media_type.max_rows(&body, columns);
                assert!(most >= rows, "{media_type:?}: {most} for {rows}");
                assert!(*media_type == MediaType::Npy || most <= 3 * rows + 20 * rows / columns + 4);
            }
        }
    }
}

#[test]
fn lines_end_in_every_way_that_a_reader_takes() {
    assert!(MediaType::Csv.max_rows(b"1\r2\n3\r\n4", 1) >= 4);
    assert_eq!(MediaType::Json.max_rows(b"[1, 2, 3]", 3), 2);
    assert_eq!(MediaType::Csv.max_rows(b"", 3), 1);
}

#[test]
fn the_estimate_of_a_frames_rows_is_an_upper_bound() {
    let read = |body: &str| {
        let any_width = |_: usize| Ok(());
        read_frame(ContentType::of(MediaType::Json), body.as_bytes(), &any_width, unbounded()).unwrap().rows()
    };
    let rows = "[1, 2, 3], ".repeat(99) + "[1, 2, 3]";
    let split = format!("\u{feff} {{ \"data\": [{rows}], \"columns\": [\"a\", \"b\", \"c\"] }}");
    assert_eq!(read(&split), 100);
    assert!((100..=400).contains(&MediaType::Json.max_rows(split.as_bytes(), 3)));
    let values = "5, ".repeat(99) + "5";
    let columns = format!("{{\"a\": [{values}], \"b\": [{values}]}}");
    assert!((100..=300).contains(&MediaType::Json.max_rows(columns.as_bytes(), 50)));
    let instances = format!("{{\"instances\": [{rows}]}}");
    assert!((100..=110).contains(&MediaType::Json.max_rows(instances.as_bytes(), 3)));
}
