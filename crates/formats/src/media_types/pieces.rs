//! Cuts a body that is too large to hold in memory into pieces of whole records while it arrives.
//!
//! Each piece is read like a separate body. For a model that takes rows one by one this changes nothing. Columns,
//! however, have one dtype for all rows of a body (`csv`), and here for all rows of a piece. A piece of CSV is a chunk
//! of pandas: with `low_memory`, its default, `read_csv` infers dtypes for chunks of the largest power of two of rows
//! below 2^20 divided by the number of columns (`pandas/io/parsers/c_parser_wrapper.py`). pandas then joins chunks of
//! different dtypes into one column, which is not done here.

/// The size of a chunk of pandas, in cells (`TextReader.set_buffer_lines` of `pandas/_libs/parsers.pyx`).
const CELLS: usize = 1 << 20;
/// A piece ends here even if it has fewer rows, so that long rows take no more memory than short ones, in bytes.
const BYTES: usize = 8 << 20;

/// Finds where a body may be cut.
#[derive(Debug)]
pub struct Pieces {
    is_csv: bool,
    /// The number of rows of a piece; unknown before the first record has arrived.
    rows: Option<usize>,
    scan: Scan,
}

/// How far the arriving piece has been searched.
#[derive(Debug, Default)]
struct Scan {
    /// All line ends before this byte have been found.
    searched: usize,
    /// Where the arriving line begins.
    line: usize,
    /// Whether that line begins within a quoted field.
    is_quoted: bool,
    /// The number of complete records, and where the last one ends.
    rows: usize,
    end: usize,
}

impl Pieces {
    /// Pieces of CSV, each as large as a chunk of pandas.
    pub(crate) fn of_csv() -> Pieces {
        Pieces { is_csv: true, rows: None, scan: Scan::default() }
    }

    /// Pieces of JSON Lines.
    pub(crate) fn of_lines() -> Pieces {
        Pieces { is_csv: false, rows: Some(usize::MAX), scan: Scan::default() }
    }

    /// Pieces of `rows` rows, whatever their size: small ones, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_rows(self, rows: usize) -> Pieces {
        Pieces { rows: Some(rows), ..self }
    }

    /// Where the piece ends, if it is complete. `arrived` is everything that has arrived of it so far.
    pub fn cut(&mut self, arrived: &[u8]) -> Option<usize> {
        loop {
            let scan = &mut self.scan;
            let is_full = self.rows.is_some_and(|rows| scan.rows >= rows) || scan.end >= BYTES;
            if is_full {
                let end = scan.end;
                self.scan = Scan::default();
                return Some(end);
            }
            let rest = arrived.get(scan.searched..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', rest) else {
                scan.searched = arrived.len();
                return None;
            };
            let line = arrived.get(scan.line..scan.searched + at).unwrap_or_default();
            scan.searched += at + 1;
            scan.line = scan.searched;
            if self.is_csv {
                scan.is_quoted = ends_in_quotes(line, scan.is_quoted);
                if scan.is_quoted {
                    continue;
                }
            }
            let record = arrived.get(scan.end..scan.line).unwrap_or_default();
            scan.end = scan.line;
            if !record.trim_ascii().is_empty() {
                scan.rows += 1;
                self.rows.get_or_insert_with(|| rows_of_a_piece(record));
            }
        }
    }
}

/// Whether a line of CSV ends within a quoted field, given whether it begins in one.
fn ends_in_quotes(line: &[u8], mut is_quoted: bool) -> bool {
    if !is_quoted && memchr::memchr(b'"', line).is_none() {
        return false;
    }
    let mut at = 0;
    loop {
        if !is_quoted && line.get(at) == Some(&b'"') {
            is_quoted = true;
            at += 1;
        }
        while is_quoted {
            match memchr::memchr(b'"', line.get(at..).unwrap_or_default()) {
                None => return true,
                Some(quote) if line.get(at + quote + 1) == Some(&b'"') => at += quote + 2,
                Some(quote) => {
                    at += quote + 1;
                    is_quoted = false;
                }
            }
        }
        // A quote elsewhere in a field is text.
        match memchr::memchr(b',', line.get(at..).unwrap_or_default()) {
            None => return false,
            Some(comma) => at += comma + 1,
        }
    }
}

/// The number of rows of a chunk of pandas, by the number of columns of the first record.
fn rows_of_a_piece(record: &[u8]) -> usize {
    let mut columns = 1;
    let mut start = 0;
    for comma in memchr::memchr_iter(b',', record) {
        if !ends_in_quotes(record.get(start..comma).unwrap_or_default(), false) {
            columns += 1;
            start = comma + 1;
        }
    }
    // The largest power of two below it.
    match (CELLS - 1) / columns {
        0 => 1,
        most => 1 << most.ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_types::MediaType;
    use proptest::prelude::*;

    #[test]
    fn a_piece_has_the_number_of_rows_of_a_pandas_chunk() {
        for (record, rows) in [("1,2,3,4,5,6,7,8", 65_536), ("1", 524_288), ("\"a,b\",2", 262_144), ("1,2,3", 262_144)]
        {
            assert_eq!(rows_of_a_piece(record.as_bytes()), rows, "{record}");
        }
        let mut pieces = MediaType::Csv.pieces().unwrap();
        let record = "1,2,3,4,5,6,7,8\n";
        let body = record.repeat(65_537);
        let whole = record.len() * 65_536;
        assert_eq!(pieces.cut(body.as_bytes()), Some(whole));
        assert_eq!(pieces.cut(&body.as_bytes()[whole..]), None);
    }

    #[test]
    fn a_piece_of_long_rows_has_few_rows() {
        let body = format!("{},1\n", "x".repeat(1 << 20)).repeat(10);
        for media_type in [MediaType::Csv, MediaType::JsonLines] {
            let end = media_type.pieces().unwrap().cut(body.as_bytes()).unwrap();
            assert_eq!(end, ((1 << 20) + 3) * 8);
        }
        assert!(MediaType::Json.pieces().is_none());
    }

    proptest! {
        /// The pieces equal those of the whole body however it arrives, and never end within quotes.
        #[test]
        fn the_pieces_do_not_depend_on_how_the_body_arrives(
            body in "[ab\",\n\r]{0,60}",
            steps in prop::collection::vec(1_usize..9, 1..60),
        ) {
            let ends = |arrivals: &[usize]| {
                let mut pieces = Pieces::of_csv().with_rows(2);
                let (mut start, mut ends) = (0, Vec::new());
                for &arrived in arrivals {
                    while let Some(end) = pieces.cut(&body.as_bytes()[start..arrived]) {
                        start += end;
                        ends.push(start);
                    }
                }
                ends
            };
            let mut arrivals: Vec<usize> = steps
                .iter()
                .scan(0, |at, step| { *at += step; Some(*at) })
                .take_while(|at| *at < body.len())
                .collect();
            arrivals.push(body.len());
            let found = ends(&arrivals);
            prop_assert_eq!(&found, &ends(&[body.len()]));
            // The reference implementation reads character by character.
            let (mut expected, mut rows, mut quoted, mut field_start, mut record) = (Vec::new(), 0, false, true, String::new());
            let characters: Vec<char> = body.chars().collect();
            let mut index = 0;
            while index < characters.len() {
                let character = characters[index];
                record.push(character);
                if quoted {
                    if character == '"' && characters.get(index + 1) == Some(&'"') {
                        index += 1;
                    } else if character == '"' {
                        quoted = false;
                    }
                } else if character == '"' && field_start {
                    quoted = true;
                } else if character == '\n' {
                    rows += usize::from(!record.trim().is_empty());
                    record.clear();
                    if rows == 2 {
                        expected.push(index + 1);
                        rows = 0;
                    }
                }
                field_start = !quoted && matches!(character, ',' | '\n');
                index += 1;
            }
            prop_assert_eq!(found, expected);
        }
    }
}
