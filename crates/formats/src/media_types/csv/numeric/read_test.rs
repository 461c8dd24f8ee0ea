use super::*;
use crate::rows::batch::Row;
use crate::testing::unbounded;
use proptest::prelude::*;

fn request(label_size: usize) -> Origin {
    Origin::Request { label_size }
}

fn rows(batch: &Batch) -> Vec<Vec<f32>> {
    batch
        .rows()
        .map(|row| match row {
            Row::Dense(values) => values.to_vec(),
            Row::Sparse { .. } => panic!("a sparse row in CSV"),
        })
        .collect()
}

#[test]
fn line_ends_blank_lines_spaces_and_quotes_do_not_matter() {
    for body in [
        "1,-2.5\n3e2,.5\n",
        "1,-2.5\n3e2,.5",
        "1,-2.5\r\n3e2,.5\r\n",
        "1,-2.5\r3e2,.5\r",
        "\n\n1,-2.5\n \t\n\r\n3e2,.5\n\n  ",
        " 1 ,\t-2.5 \n +3e2 , .5",
        "\"1\",-2.5\n3e2,\" .5\"\n",
        "\u{feff}1,-2.5\n3e2,.5\n",
        "\u{feff}1,-2.5\n\"3e2\",.5\n",
        "\n  \n\"1\",-2.5\r\n\r\n3e2,.5\n \n",
    ] {
        assert_eq!(
            rows(&read(body.as_bytes(), 2, request(0), unbounded()).unwrap()),
            [[1.0, -2.5], [300.0, 0.5]],
            "{body:?}"
        );
    }
}

#[test]
fn leading_label_columns_are_skipped_unread() {
    for body in ["house,1,2\n,3,4\n", "\"a house\",1,2\n\"\",3,4"] {
        assert_eq!(
            rows(&read(body.as_bytes(), 2, request(1), unbounded()).unwrap()),
            [[1.0, 2.0], [3.0, 4.0]],
            "{body:?}"
        );
    }
    assert_eq!(
        read(b"x,1\n", 2, request(1), unbounded()).unwrap_err().to_string(),
        "row 1, byte 0: after 1 label column (label_size): expected 2 features, found 1"
    );
    assert_eq!(
        read(b"x\n", 1, request(3), unbounded()).unwrap_err().message(),
        "after 3 label columns (label_size): expected 1 feature, found 0"
    );
}

#[test]
fn an_error_names_the_row_the_column_the_byte_and_what_was_found() {
    for (body, expected) in [
        ("1,2\n3,abc\n", "row 2, column 2, byte 6: expected a number, found \"abc\""),
        ("1,2\n\n3\n", "row 2, byte 5: expected 2 features, found 1"),
        ("1,2,3\n", "row 1, byte 0: expected 2 features, found 3"),
        ("1,\n", "row 1, column 2, byte 2: expected a number, found nothing"),
        ("nan,1\n", "row 1, column 1, byte 0: expected a number, found \"nan\""),
        ("1,inf\n", "row 1, column 2, byte 2: expected a number, found \"inf\""),
        ("1,abc\n", "row 1, column 2, byte 2: expected a number, found \"abc\""),
        ("1,2\n-inf,1\n", "row 2, column 1, byte 4: expected a number, found \"-inf\""),
        ("1,1e39\n", "row 1, column 2, byte 2: expected a finite float32, found 1e39"),
        ("1,0x10\n", "row 1, column 2, byte 2: expected a number, found \"0x10\""),
        ("1,1 2\n", "row 1, column 2, byte 2: expected a number, found \"1 2\""),
        (
            "SQUARE_FEET,BEDROOMS\n1,2\n",
            "row 1, column 1, byte 0: expected a number, found \"SQUARE_FEET\" (if this is a header line: \
             send it as text/csv; header=present)",
        ),
        ("1,2\n\"3\",x\n", "row 2, column 2, byte 4: expected a number, found \"x\""),
        ("1\n\"\"\n", "row 2, column 1, byte 2: expected a number, found nothing"),
        ("", "expected at least one record of text/csv, found an empty body"),
        (" \r\n", "expected at least one record of text/csv, found an empty body"),
    ] {
        let width = if body.starts_with("1\n") { 1 } else { 2 };
        assert_eq!(
            read(body.as_bytes(), width, request(0), unbounded()).unwrap_err().to_string(),
            expected,
            "{body:?}"
        );
    }
}

#[test]
fn a_long_cell_is_shown_in_part() {
    let body = "x".repeat(10_000);
    assert!(read(body.as_bytes(), 1, request(0), unbounded()).unwrap_err().message().len() < 150);
}

/// The rows, or the message and the place but for its byte.
fn outcome(result: Result<Batch>) -> Result<Vec<Vec<f32>>, (String, Place)> {
    result.map(|batch| rows(&batch)).map_err(|error| {
        let place = Place { byte: None, ..error.place().cloned().unwrap_or_default() };
        (error.message().to_owned(), place)
    })
}

proptest! {
    #[test]
    fn both_readers_agree_on_anything_without_quotes(
        body in "([-+0-9.eE]{0,4}[, \t\r\n]{0,2}|[0-9]{1,3},|nan|inf|x|[0-9]\n){0,24}",
        width in 1..4_usize,
        label_size in 0..3_usize,
    ) {
        let plain = outcome(plain::read(body.as_bytes(), width, request(label_size), unbounded()));
        let quoted = outcome(quoted::read(body.as_bytes(), width, request(label_size), unbounded()));
        prop_assert_eq!(plain, quoted);
    }

    #[test]
    fn both_readers_agree_on_well_formed_rows(
        cells in proptest::collection::vec(any::<f32>().prop_filter("finite", |value| value.is_finite()), 1..40),
        width in 1..5_usize,
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    ) {
        let lines = cells.chunks_exact(width).map(|row| {
            row.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
        });
        let body = lines.collect::<Vec<_>>().join(end);
        let expected: Vec<Vec<f32>> = cells.chunks_exact(width).map(<[f32]>::to_vec).collect();
        prop_assert_eq!(outcome(plain::read(body.as_bytes(), width, request(0), unbounded())), Ok(expected.clone()));
        prop_assert_eq!(outcome(quoted::read(body.as_bytes(), width, request(0), unbounded())), Ok(expected));
    }

    #[test]
    fn no_body_makes_a_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..200), width in 1..4_usize) {
        let _ = read(&body, width, request(1), unbounded());
        let _ = plain::read(&body, width, request(0), unbounded());
        let _ = quoted::read(&body, width, request(0), unbounded());
    }
}

#[test]
fn a_byte_order_mark_counts_in_the_bytes_of_errors() {
    for (body, expected) in [
        ("\u{feff}1,2\n3,x\n", "row 2, column 2, byte 9: "),
        ("\u{feff}\"1\",2\n3,x\n", "row 2, column 2, byte 9: "),
        ("\u{feff}1,2\n3\n", "row 2, byte 7: "),
    ] {
        let error = read(body.as_bytes(), 2, request(0), crate::testing::unbounded()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{body}: {error}");
    }
}

#[test]
fn only_the_start_of_a_file_of_a_channel_may_be_a_header() {
    let message = |is_start| {
        let error = read(b"price,1\n", 2, Origin::Channel { is_start }, unbounded()).unwrap_err();
        (error.message().to_owned(), error.place().cloned())
    };
    let place = Some(Place::cell(1, 1).at_byte(0));
    let header = "expected a number, found \"price\" (if this is a header line: set the channel's ContentType to \
                  text/csv;header=present)";
    let text = "expected a number, found \"price\" (a linear learner reads numbers only: fit a preprocessor on the \
                text first)";
    assert_eq!(message(true), (header.to_owned(), place.clone()));
    assert_eq!(message(false), (text.to_owned(), place));
    assert_eq!(
        read(b"1,2\n3\n", 2, Origin::Channel { is_start: true }, unbounded()).unwrap_err().to_string(),
        "row 2, byte 4: expected 2 columns as in the first record, the label and 1 feature, found 1"
    );
}
