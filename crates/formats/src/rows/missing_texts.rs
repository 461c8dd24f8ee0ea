//! The texts that are missing values.
//!
//! `pandas.read_csv` has a list of them (`STR_NA_VALUES` of `pandas/_libs/parsers.pyx`), and it has grown: `<NA>` is on
//! it since 1.0, `None` since 2.0. `tests/fixtures/pandas/tokens.csv` has what each version makes of them, recorded
//! from the versions themselves. Quotes do not protect a text from being missing.

/// All texts that are missing in some version, in the order of the bits of a [`MissingTexts`].
const TEXTS: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// The release of pandas whose list of missing texts holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pandas {
    /// Up to 0.25.
    V0,
    /// 1.0 to 1.5.
    V1,
    /// 2.0 and later.
    #[default]
    V2,
}

impl Pandas {
    /// The texts that are missing in later versions but not in this one.
    const fn lacks(self) -> &'static [&'static str] {
        match self {
            Pandas::V0 => &["<NA>", "None"],
            Pandas::V1 => &["None"],
            Pandas::V2 => &[],
        }
    }
}

/// The texts that are missing values in a column; all others are text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissingTexts(u32);

impl MissingTexts {
    /// Those of the newest pandas: all.
    pub const NEWEST: MissingTexts = MissingTexts((1 << TEXTS.len()) - 1);

    /// Those of a release of pandas.
    pub fn of(pandas: Pandas) -> MissingTexts {
        pandas.lacks().iter().fold(MissingTexts::NEWEST, |texts, text| texts.without(MissingTexts::only(text)))
    }

    /// Only this text, if it is missing in some version; otherwise no text.
    pub fn only(text: &str) -> MissingTexts {
        let bit = TEXTS.iter().position(|known| *known == text);
        MissingTexts(bit.map_or(0, |bit| 1 << bit))
    }

    /// These and others.
    #[must_use]
    pub const fn with(self, others: MissingTexts) -> MissingTexts {
        MissingTexts(self.0 | others.0)
    }

    /// These without others.
    #[must_use]
    pub const fn without(self, others: MissingTexts) -> MissingTexts {
        MissingTexts(self.0 & !others.0)
    }

    /// The texts themselves.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        (0..).zip(TEXTS).filter(move |(bit, _)| self.0 & 1 << bit != 0).map(|(_, text)| text)
    }

    /// Whether a field is a missing value.
    pub(crate) fn has(self, field: &[u8]) -> bool {
        // Most fields are numbers, and none of these ends in a digit; but for the empty one, none is a single letter.
        if field.len() < 2 || field.last().is_some_and(u8::is_ascii_digit) {
            return field.is_empty() && self.0 & 1 != 0;
        }
        let bit = match field {
            b"#N/A" => 1,
            b"#N/A N/A" => 2,
            b"#NA" => 3,
            b"-1.#IND" => 4,
            b"-1.#QNAN" => 5,
            b"-NaN" => 6,
            b"-nan" => 7,
            b"1.#IND" => 8,
            b"1.#QNAN" => 9,
            b"<NA>" => 10,
            b"N/A" => 11,
            b"NA" => 12,
            b"NULL" => 13,
            b"NaN" => 14,
            b"None" => 15,
            b"n/a" => 16,
            b"nan" => 17,
            b"null" => 18,
            _ => return false,
        };
        self.0 & 1 << bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// pandas' answers: version, token as JSON, and its value in columns of four types.
    fn recorded() -> Vec<(Pandas, String, bool)> {
        let table = include_str!("../../../../tests/fixtures/pandas/tokens.csv");
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        let record = |record: Result<::csv::StringRecord, _>| {
            let record = record.unwrap();
            let pandas = match record[0].split('.').next().unwrap() {
                "0" => Pandas::V0,
                "1" => Pandas::V1,
                _ => Pandas::V2,
            };
            let kinds: Vec<&str> = record.iter().skip(2).collect();
            assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{record:?}: one text, two readings");
            (pandas, serde_json::from_str(&record[1]).unwrap(), kinds[0] == "missing")
        };
        reader.records().map(record).collect()
    }

    #[test]
    fn each_version_has_the_missing_texts_that_pandas_has() {
        let recorded = recorded();
        for (pandas, token, is_missing) in &recorded {
            assert_eq!(MissingTexts::of(*pandas).has(token.as_bytes()), *is_missing, "{pandas:?} {token:?}");
        }
        let asked: BTreeSet<&str> = recorded.iter().map(|(_, token, _)| token.as_str()).collect();
        assert!(TEXTS.iter().all(|text| asked.contains(text)));
    }

    #[test]
    fn removing_a_text_from_a_columns_list_removes_no_other() {
        for text in TEXTS {
            let others = MissingTexts::NEWEST.without(MissingTexts::only(text));
            for other in TEXTS {
                assert_eq!(others.has(other.as_bytes()), other != text, "{text:?} {other:?}");
            }
            assert_eq!(MissingTexts::only(text).iter().collect::<Vec<_>>(), [text]);
        }
        assert_eq!(MissingTexts::only("none"), MissingTexts::default());
    }
}
