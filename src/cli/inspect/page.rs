//! Text for people: lines, lists and tables within 100 columns, and values as Python's interpreter shows them.

use crate::telemetry::printable;
use byoc_sklearn::feature_names::values::python_float;
use serde_json::Value as Json;
use std::borrow::Cow;

/// The width of a page in characters.
const WIDTH: usize = 100;

/// The most items shown of a list.
const MAX_ITEMS: usize = 100;
/// The most rows shown of a table.
const MAX_ROWS: usize = 40;

/// The most characters shown of a name or value.
const MAX_CHARACTERS: usize = 60;

/// The most items shown of a list within a table or another list.
const MAX_NESTED: usize = 12;

/// The text of the page.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// The finished text, without control characters. Names have no control characters before either, by [`plain`], so
    /// that widths are correct.
    pub(super) fn into_text(self) -> String {
        match printable::lines(&self.text) {
            Cow::Borrowed(_) => self.text,
            Cow::Owned(text) => text,
        }
    }

    /// Adds an empty line.
    pub(super) fn blank_line(&mut self) {
        self.text.push('\n');
    }

    /// Adds a line, wrapped between words if it is too long.
    pub(super) fn line(&mut self, indent: usize, line: &str) {
        self.wrapped(indent, line.split(' ').map(str::to_owned), " ");
    }

    /// Adds a label and comma-separated items, wrapped between items.
    pub(super) fn list(&mut self, indent: usize, label: &str, items: impl ExactSizeIterator<Item = String>) {
        self.list_of(indent, label, items, MAX_ITEMS);
    }

    /// Adds a list of the first few items only.
    pub(super) fn short_list(&mut self, indent: usize, label: &str, items: impl ExactSizeIterator<Item = String>) {
        self.list_of(indent, label, items, MAX_NESTED);
    }

    fn list_of(&mut self, indent: usize, label: &str, items: impl ExactSizeIterator<Item = String>, most: usize) {
        let left_out = items.len().saturating_sub(most);
        let mut items: Vec<String> = items.take(most).map(|item| format!("{item},")).collect();
        match (left_out, items.last_mut()) {
            (0, Some(last)) => {
                last.pop();
            }
            (0, None) => items.push("none".into()),
            _ => items.push(format!("and {left_out} more")),
        }
        if let Some(first) = items.first_mut() {
            first.insert_str(0, label);
        }
        self.wrapped(indent, items, " ");
    }

    /// Adds pieces on as many lines as they need. Continuation lines are indented further.
    fn wrapped(&mut self, indent: usize, pieces: impl IntoIterator<Item = String>, between: &str) {
        let mut used = 0;
        for piece in pieces {
            let length = piece.chars().count();
            if used == 0 {
                self.text.push_str(&" ".repeat(indent));
                used = indent;
            } else if used + between.len() + length > WIDTH {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(indent + 2));
                used = indent + 2;
            } else {
                self.text.push_str(between);
                used += between.len();
            }
            self.text.push_str(&piece);
            used += length;
        }
        self.text.push('\n');
    }

    /// Adds a table. The first column is left-aligned, the others are right-aligned. Columns that do not fit continue
    /// in another table below. Rows beyond [`MAX_ROWS`] are only counted.
    pub(super) fn table(&mut self, indent: usize, header: &[String], rows: impl ExactSizeIterator<Item = Vec<String>>) {
        let left_out = rows.len().saturating_sub(MAX_ROWS);
        let shown: Vec<Vec<String>> = rows.take(MAX_ROWS).collect();
        let width = |column: usize| {
            let cells = shown.iter().map(|row| row.get(column)).chain([header.get(column)]);
            cells.flatten().map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let first = width(0);
        let mut next = 1;
        loop {
            let begin = next;
            let mut used = indent + first;
            while next < header.len() && (next == begin || used + 2 + width(next) <= WIDTH) {
                used += 2 + width(next);
                next += 1;
            }
            for row in std::iter::once(header).chain(shown.iter().map(Vec::as_slice)) {
                let mut line = format!("{:indent$}{:first$}", "", row.first().map_or("", String::as_str));
                for column in begin..next {
                    let cell = row.get(column).map_or("", String::as_str);
                    line.push_str(&format!("  {cell:>width$}", width = width(column)));
                }
                self.text.push_str(line.trim_end());
                self.text.push('\n');
            }
            if next >= header.len() {
                break;
            }
        }
        if left_out > 0 {
            self.line(indent, &format!("and {left_out} more (--json has all)"));
        }
    }
}

/// The most characters shown of a path: Linux's limit in bytes (PATH_MAX).
const MAX_PATH_CHARACTERS: usize = 4096;

/// A name without control characters, shortened if it is long.
pub(super) fn plain(name: &str) -> String {
    shown(name, MAX_CHARACTERS)
}

/// A path or a file name without control characters. It is not shortened, because a part of it would be useless.
pub(super) fn path(name: &str) -> String {
    shown(name, MAX_PATH_CHARACTERS)
}

fn shown(name: &str, most: usize) -> String {
    let mut characters = name.chars();
    let start: String = characters.by_ref().take(most).collect();
    // A line break in a name must not break the page's line.
    let mut shown = printable::lines(&start).replace('\n', "\\n");
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A name in a comma-separated list. It is quoted if it is empty, has a comma or a quote, or begins or ends with a
/// space.
pub(super) fn listed(name: &str) -> String {
    let is_plain = !name.is_empty() && name.trim() == name && !name.contains([',', '\'']);
    if is_plain { plain(name) } else { format!("'{}'", plain(&name.replace('\'', "\\'"))) }
}

/// A number with eight significant digits, as `%.8g` prints it.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return python_float(number).trim_end_matches(".0").to_owned();
    }
    let scientific = format!("{number:.7e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    match exponent {
        -4..8 => {
            let decimals = usize::try_from(7 - exponent).unwrap_or(0);
            let text = format!("{number:.decimals$}");
            if decimals == 0 { text } else { trim(&text) }
        }
        _ => format!("{}e{exponent:+03}", if digits.contains('.') { trim(digits) } else { digits.to_owned() }),
    }
}

/// A value as Python shows it.
pub(super) fn value(json: &Json) -> String {
    match json {
        Json::Null => "None".into(),
        Json::Bool(flag) => if *flag { "True" } else { "False" }.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (None, Some(float)) => short(float),
            _ => number.to_string(),
        },
        Json::String(text) => format!("'{}'", plain(text)),
        Json::Array(items) => {
            let mut shown: Vec<String> = items.iter().take(MAX_NESTED).map(value).collect();
            if items.len() > MAX_NESTED {
                shown.push(format!("and {} more", items.len() - MAX_NESTED));
            }
            format!("[{}]", shown.join(", "))
        }
        Json::Object(entries) => match entries.get("float").and_then(Json::as_str) {
            Some(float) if entries.len() == 1 => float.to_owned(),
            _ => {
                let mut shown: Vec<String> = entries
                    .iter()
                    .take(MAX_NESTED)
                    .map(|(key, item)| format!("{}: {}", plain(key), value(item)))
                    .collect();
                if entries.len() > MAX_NESTED {
                    shown.push(format!("and {} more", entries.len() - MAX_NESTED));
                }
                format!("{{{}}}", shown.join(", "))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_eight_significant_digits_as_in_c() {
        for (number, expected) in [
            (0.0, "0"),
            (1990.0, "1990"),
            (0.1 + 0.2, "0.3"),
            (-123456.789, "-123456.79"),
            (12345678.0, "12345678"),
            (123456789.0, "1.2345679e+08"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (1e300, "1e+300"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (99999999.9, "1e+08"),
        ] {
            assert_eq!(short(number), expected, "{number}");
        }
    }

    #[test]
    fn values_are_shown_as_python_shows_them() {
        let list = json!([null, true, 1, 0.5, "it", {"float": "nan"}]);
        assert_eq!(value(&list), "[None, True, 1, 0.5, 'it', nan]");
        assert_eq!(value(&json!({"a": 1})), "{a: 1}");
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        let names = ["YEAR", "two words", "sq, ft", "", " a", "it's"].map(listed);
        assert_eq!(names.join(", "), r"YEAR, two words, 'sq, ft', '', ' a', 'it\'s'");
        let long = format!("/{}/model.tar.gz:", "x".repeat(90));
        assert_eq!(path(&long), long);
        assert_eq!(path("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert!(plain(&"x".repeat(100)).chars().count() <= MAX_CHARACTERS + 1);
    }

    #[test]
    fn long_lines_are_wrapped_and_long_lists_are_shortened() {
        let mut page = Page::default();
        page.list(2, "names: ", (0..150).map(|number| format!("name {number}")));
        let text = page.into_text();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.starts_with("  names: name 0, name 1, "), "{text}");
        assert!(text.ends_with("name 99, and 50 more\n"), "{text}");
        let mut page = Page::default();
        page.list(0, "names: ", [].into_iter());
        assert_eq!(page.into_text(), "names: none\n");
    }

    #[test]
    fn a_wide_table_continues_below() {
        let mut page = Page::default();
        let header: Vec<String> = ["", "one", "two"].map(str::to_owned).into();
        page.table(1, &header, [vec!["a".into(), "x".repeat(60), "y".repeat(60)]].into_iter());
        let text = page.into_text();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let mut page = Page::default();
        page.table(0, &header, std::iter::repeat_n(vec!["a".into(), "1".into(), "2".into()], 45));
        assert!(page.into_text().ends_with("and 5 more (--json has all)\n"));
    }
}
