//! A first record that names the columns: `text/csv; header=present` (RFC 4180 §3).
//!
//! pandas would read it with `header=0`: the names are not among the values, which are typed without them.

use super::column_type::typed_column;
use super::fields::Fields;
use super::in_column;
use crate::error::{Error, Place, Result};
use crate::excerpt::excerpt;
use crate::rows::Frame;
use crate::rows::schema::{End, Schema};
use crate::rows::series::Series;
use crate::rows::table::Column;
use crate::suggest;
use byoc_account::Allowance;
use std::collections::HashMap;

/// The largest number of columns of a header line that are not columns of the model.
const MAX_OTHERS: usize = 4096;

/// A longer line is not a forgotten header line, and is not parsed for a message.
const MAX_ADVISED_LENGTH: usize = 64 << 10;

/// Reads a body whose first record holds the names of its columns. The names select the columns of a model
/// with named columns, in any order and among others; other models ignore them.
///
/// # Errors
/// Those of [`super::read`], where rows count without the header line; and for a column that the model uses and the
/// header line does not have.
pub(super) fn read_with_header<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
    let names = schema.names();
    let is_bounded = |columns: usize| !names.is_empty() && columns <= names.len().saturating_add(MAX_OTHERS);
    let check_width = |columns| if is_bounded(columns) { Ok(()) } else { schema.check_width(columns) };
    let (header, fields) = Fields::find(body, None, &check_width, allowance).map_err(without_header)?.split_first();
    let rows = fields.rows();
    if rows == 0 {
        return Err(Error::bad_payload("expected at least one row after the header line, found none"));
    }
    if names.is_empty() {
        let width = fields.width();
        let column = |column| {
            let reading = schema.reading(column, width);
            let read = typed_column(&fields, column, reading, allowance);
            read.map(Series::Dense).map_err(|error| in_column(error, schema, column, width))
        };
        let columns = (0..width).map(column).collect::<Result<_>>()?;
        fields.give_back(allowance);
        return Ok(Frame::new(rows, columns));
    }
    let label = schema.label().and_then(|label| names.get(label));
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(header.len());
    for (column, name) in header.iter().enumerate() {
        places.entry(name).or_insert(column);
    }
    let mut columns = Vec::with_capacity(names.len() + 1);
    let has_label = label.is_none_or(|label| places.contains_key(label));
    // A label without a name is the first or the last column of the line, unless that is a column of the model.
    let end = schema.unnamed_label();
    let at_end = if end == Some(End::First) { header.first() } else { header.last() };
    let unnamed = end.filter(|_| at_end.is_some_and(|name| !names.contains(&name.as_str())));
    let width = names.len() - usize::from(!has_label) + usize::from(unnamed.is_some());
    let read = |place: usize, column: usize| {
        let read = typed_column(&fields, place, schema.reading(column, width), allowance);
        read.map(Series::Dense).map_err(|error| in_column(error, schema, column, width))
    };
    if unnamed == Some(End::First) {
        columns.push(read(0, 0)?);
    }
    for name in &names {
        match places.get(name) {
            Some(place) => columns.push(read(*place, columns.len())?),
            None if label == Some(name) => {}
            None if !schema.uses(name) => {
                columns.push(Series::Sparse { rows: Vec::new(), values: Column::Object(Vec::new()) });
            }
            None => {
                let near = suggest::nearest(name, header.iter().map(String::as_str));
                let others = header.iter().map(String::as_str).filter(|other| Some(*other) != near).take(20);
                let mut found: Vec<_> = others.map(|name| excerpt(name.as_bytes())).collect();
                if let Some(near) = near {
                    found.insert(0, format!("{} (did you mean it?)", excerpt(near.as_bytes())));
                }
                let more = if header.len() > found.len() { ", ..." } else { "" };
                let message = format!(
                    "expected the column {name} in the header line, found {}{more}; without a header line the \
                     Content-Type is text/csv alone",
                    found.join(", ")
                );
                return Err(Error::bad_payload(message));
            }
        }
    }
    if unnamed == Some(End::Last) {
        columns.push(read(header.len().saturating_sub(1), columns.len())?);
    }
    schema.check_width(columns.len())?;
    fields.give_back(allowance);
    Ok(Frame::new(rows, columns))
}

/// The byte at which a field of a body begins, its row counted from 1 without the header line.
pub(super) fn byte_with_header(body: &[u8], row: usize, name: Option<&str>, column: usize) -> Option<usize> {
    let (header, fields) = Fields::find(body, None, &|_| Ok(()), &Allowance::unbounded()).ok()?.split_first();
    let named = name.and_then(|name| header.iter().position(|known| known == name));
    fields.start(row.checked_sub(1)?, named.or(column.checked_sub(1))?)
}

/// An error of a record, whose row counts without the header line.
fn without_header(error: Error) -> Error {
    let Some(place) = error.place().cloned() else { return error };
    match place.row {
        Some(row) if row > 1 => {
            let place = Place { row: Some(row - 1), ..place };
            error.without_place().at(place)
        }
        _ => error,
    }
}

/// Advice for an error in a body that seems to begin with a header line although the Content-Type does not say so: its
/// first record holds names of the model's columns, or, if those have no names, text above a number.
pub(super) fn advice(body: &[u8], names: &[&str]) -> Option<&'static str> {
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut record = || {
        let line = lines.next().filter(|line| line.len() <= MAX_ADVISED_LENGTH)?;
        Fields::find(line, None, &|_| Ok(()), &Allowance::unbounded()).ok().map(|fields| fields.split_first().0)
    };
    let first = record()?;
    let is_number = |field: &String| field.trim().parse::<f64>().is_ok();
    let is_header = if names.is_empty() {
        let is_text = |field: &String| !field.trim().is_empty() && !is_number(field);
        first.iter().all(is_text) && record()?.iter().any(is_number)
    } else {
        first.iter().all(|field| names.contains(&field.trim()))
    };
    is_header.then_some(
        "the first line looks like a header line: leave it out, or send it with Content-Type: text/csv; header=present",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::reading::{ReadAs, Reading};

    struct Named;

    impl Schema for Named {
        fn check_width(&self, columns: usize) -> Result<()> {
            if matches!(columns, 3 | 4) { Ok(()) } else { Err(Error::bad_payload(format!("{columns} columns"))) }
        }

        fn names(&self) -> Vec<&str> {
            vec!["a", "b", "c", "y"]
        }

        fn uses(&self, name: &str) -> bool {
            name != "b"
        }

        fn label(&self) -> Option<usize> {
            Some(3)
        }
    }

    fn columns(body: &str, schema: &dyn Schema) -> std::result::Result<String, String> {
        let frame = read_with_header(body.as_bytes(), schema, &Allowance::unbounded());
        let table = frame.map_err(|error| error.to_string())?.into_table();
        Ok(format!("{:?}", table.columns))
    }

    #[test]
    fn names_pick_columns_in_any_order_and_values_are_typed_without_them() {
        let expected = "[Int64([1, 2]), Object([Missing, Missing]), Object([Text(\"x\"), Missing])]";
        assert_eq!(columns("c,other,a\nx,0,1\n,0,2\n", &Named).as_deref(), Ok(expected));
        let expected = "[Int64([1]), Int64([2]), Int64([3]), Float64([0.5])]";
        assert_eq!(columns("\u{feff}\"y\",a,b,c\r\n0.5,1,2,3\r\n", &Named).as_deref(), Ok(expected));
        let unnamed = |columns: usize| if columns == 2 { Ok(()) } else { Err(Error::bad_payload("two")) };
        assert_eq!(columns("p,q\n1,x\n", &unnamed).as_deref(), Ok("[Int64([1]), Object([Text(\"x\")])]"));
        assert_eq!(columns("p,q,r\n1,x,2\n", &unnamed).unwrap_err(), "row 1, byte 0: two");
    }

    /// The column `c` is text, and so is the label, which comes first.
    struct Text;

    impl Schema for Text {
        fn check_width(&self, _columns: usize) -> Result<()> {
            Ok(())
        }

        fn names(&self) -> Vec<&str> {
            vec!["y", "a", "c"]
        }

        fn label(&self) -> Option<usize> {
            Some(0)
        }

        fn reading(&self, column: usize, width: usize) -> Reading {
            let dtype = match (column, width) {
                (0, 3) | (2, 3) | (1, 2) => Some(ReadAs::Str),
                _ => Some(ReadAs::Int64),
            };
            Reading { dtype, ..Reading::default() }
        }
    }

    struct LabelledAt(End);

    impl Schema for LabelledAt {
        fn check_width(&self, columns: usize) -> Result<()> {
            if matches!(columns, 2 | 3) { Ok(()) } else { Err(Error::bad_payload(format!("{columns} columns"))) }
        }

        fn names(&self) -> Vec<&str> {
            vec!["a", "b"]
        }

        fn unnamed_label(&self) -> Option<End> {
            Some(self.0)
        }
    }

    #[test]
    fn a_column_has_the_dtype_of_its_name_with_and_without_the_label() {
        let expected = "[Int64([1]), Object([Text(\"007\")])]";
        assert_eq!(columns("c,a\n007,1\n", &Text).as_deref(), Ok(expected));
        let expected = "[Object([Text(\"1.0\")]), Int64([1]), Object([Text(\"007\")])]";
        assert_eq!(columns("c,y,a\n007,1.0,1\n", &Text).as_deref(), Ok(expected));
        let message = columns("c,y,a\n007,1.0,1\n007,1.0,\n", &Text).unwrap_err();
        assert!(message.starts_with("row 2, column 2 (a), byte 24: expected a whole number"), "{message}");
        let message = columns("c,a\n007,1.5\n", &Text).unwrap_err();
        assert!(message.starts_with("row 1, column 1 (a), byte 8: expected a whole number"), "{message}");
    }

    #[test]
    fn a_label_without_a_name_is_the_unknown_column_at_its_end() {
        let (labelled, features) = ("[Int64([1]), Int64([2]), Int64([9])]", "[Int64([1]), Int64([2])]");
        assert_eq!(columns("b,a,PRICE\n2,1,9\n", &LabelledAt(End::Last)).as_deref(), Ok(labelled));
        assert_eq!(columns("b,other,a\n2,9,1\n", &LabelledAt(End::Last)).as_deref(), Ok(features));
        assert_eq!(columns("b,a,PRICE\n2,1,9\n", &LabelledAt(End::First)).as_deref(), Ok(features));
        let first = "[Int64([9]), Int64([1]), Int64([2])]";
        assert_eq!(columns("PRICE,other,b,a\n9,0,2,1\n", &LabelledAt(End::First)).as_deref(), Ok(first));
    }

    #[test]
    fn errors_count_rows_without_the_header_line() {
        let message = columns("A,c\n1,2\n", &Named).unwrap_err();
        let found = "expected the column a in the header line, found \"A\" (did you mean it?), \"c\"; without";
        assert!(message.starts_with(found), "{message}");
        let message = columns("a,c\n", &Named).unwrap_err();
        assert_eq!(message, "expected at least one row after the header line, found none");
        let message = columns("a,c\n1,2\n1,2,3\n", &Named).unwrap_err();
        assert!(message.starts_with("row 2, byte 8"), "{message}");
        assert_eq!(byte_with_header(b"c,a\n1,2\n3,4\n", 2, Some("a"), 1), Some(10));
        assert_eq!(byte_with_header(b"p,q\n1,2\n", 1, None, 2), Some(6));
        let wide = format!("{}\n1\n", ",".repeat(10_000));
        assert!(columns(&wide, &Named).unwrap_err().contains("10001 columns"));
    }

    #[test]
    fn an_unannounced_header_line_is_recognised() {
        assert!(advice(b"a, b\n1,2\n", &["a", "b", "c"]).is_some());
        assert!(advice(b"a,x\n1,2\n", &["a", "b", "c"]).is_none());
        assert!(advice(b"p,q\n1,x\n", &[]).is_some());
        assert!(advice(&b"a,".repeat(MAX_ADVISED_LENGTH), &["a", ""]).is_none());
        for body in ["1,q\n1,2\n", "p,q\nr,s\n", "p,\n1,2\n", "p,q\n", ""] {
            assert!(advice(body.as_bytes(), &[]).is_none(), "{body}");
        }
    }
}
