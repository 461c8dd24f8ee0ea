//! What a fitted model shows about how the columns of its training data were read.
//!
//! A CSV body does not declare the types of its columns, so they are typed as `pandas.read_csv` types them, by all
//! their cells together. But if all categories of an encoder are text of digits (`01234`), its column was read with
//! `dtype=str`: otherwise pandas would have made numbers of it. And a category `None` was not read as a missing value.
//! While a model is built, each transformer that takes a column of the request unchanged notes what it shows about it
//! ([`Seen`]).

use std::rc::Rc;
use std::sync::Arc;

use byoc_formats::media_types::csv::TextKind;
use byoc_formats::rows::missing_texts::MissingTexts;

/// The column of the request behind each input column of a transformer.
#[derive(Clone, Debug)]
pub(crate) enum Origins {
    /// The columns of the request, in order, its label last.
    Request,
    /// These columns; [`Origins::CHANGED`] for a computed column.
    Columns(Rc<[u32]>),
    /// All columns are computed.
    Changed,
}

impl Origins {
    /// Marks a column that is not an unchanged column of the request.
    pub(crate) const CHANGED: u32 = u32::MAX;

    /// The column of the request behind an input column.
    pub(crate) fn of(&self, column: usize) -> u32 {
        match self {
            Origins::Request => u32::try_from(column).unwrap_or(Origins::CHANGED),
            Origins::Columns(columns) => columns.get(column).copied().unwrap_or(Origins::CHANGED),
            Origins::Changed => Origins::CHANGED,
        }
    }
}

/// What the transformers show about one column of the request that they take unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The column was read with `dtype=str`: only then can it have these values.
    pub(crate) is_text: bool,
    /// The column has text that looks like numbers, but may have it without `dtype=str` too: then numbers alone are
    /// read as numbers, as in pandas.
    pub(crate) is_undecided: bool,
    /// Texts that were values, although pandas reads them as missing values by default.
    pub(crate) text: MissingTexts,
    /// The constant of an imputer for missing values: as a category it shows nothing about the cells.
    pub(crate) fill: Option<Arc<str>>,
    /// Some transformer treats a number and its text differently, or passes them through.
    pub(crate) tells_kinds_apart: bool,
}

/// A summary of the texts that were the values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) numbers: bool,
    pub(crate) booleans: bool,
    /// One of them differs from how its number or bool would be written: `01234`.
    pub(crate) some_do_not_round_trip: bool,
    pub(crate) plain: PlainTexts,
    /// Those that pandas reads as missing values by default.
    pub(crate) missing: MissingTexts,
}

/// What texts show about how their column was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// With `dtype=str`.
    Text,
    /// Not known, although some look like numbers or bools: pandas keeps them as text beside other text.
    Undecided,
}

impl Proof {
    /// What one text value shows.
    pub(crate) fn of_value(text: &str) -> Option<Proof> {
        match TextKind::of(text) {
            TextKind::Text => None,
            _ if TextKind::round_trips(text) => Some(Proof::Undecided),
            _ => Some(Proof::Text),
        }
    }
}

/// The texts that look like neither numbers nor bools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PlainTexts {
    #[default]
    None,
    /// Only the one of this index.
    One(u32),
    Several,
}

impl Texts {
    /// Summarises the values of a column, each with its index.
    pub(crate) fn of<'t>(texts: impl Iterator<Item = (u32, &'t str)>) -> Texts {
        let mut all = Texts::default();
        for (number, text) in texts {
            let missing = MissingTexts::only(text);
            all.some_do_not_round_trip |= !TextKind::round_trips(text);
            match TextKind::of(text) {
                TextKind::Number => all.numbers = true,
                TextKind::Bool => all.booleans = true,
                TextKind::Text if missing != MissingTexts::default() => all.missing = all.missing.with(missing),
                TextKind::Text => {
                    all.plain = match all.plain {
                        PlainTexts::None => PlainTexts::One(number),
                        PlainTexts::One(_) | PlainTexts::Several => PlainTexts::Several,
                    }
                }
            }
        }
        all
    }

    /// Whether one of them looks like a number or a bool.
    pub(crate) fn has_numbers_or_bools(self) -> bool {
        self.numbers || self.booleans
    }

    /// What they show; `None` if none of them looks like a number or a bool. `is_fill` tells whether the text of an
    /// index is only an imputer's constant.
    ///
    /// If all texts look like numbers, or all like bools, pandas would have read them as such without `dtype=str`.
    /// Beside other texts (`01234`, `missing`) pandas keeps them as text. But if a number is written differently
    /// (1234), it would not match the fitted text, so such a column was read with `dtype=str` too.
    pub(crate) fn proof(&self, is_fill: impl Fn(u32) -> bool) -> Option<Proof> {
        let is_one_kind = self.numbers != self.booleans;
        let are_alone = match self.plain {
            PlainTexts::None => is_one_kind,
            PlainTexts::One(number) => is_one_kind && is_fill(number),
            PlainTexts::Several => false,
        };
        let is_text = are_alone || self.some_do_not_round_trip;
        self.has_numbers_or_bools().then_some(if is_text { Proof::Text } else { Proof::Undecided })
    }
}

impl Seen {
    pub(crate) fn note(&mut self, proof: Option<Proof>) {
        match proof {
            Some(Proof::Text) => self.is_text = true,
            Some(Proof::Undecided) => self.is_undecided = true,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: &[&str], fill: Option<&str>) -> Option<bool> {
        let numbered = (0..).zip(texts.iter().copied());
        let is_fill = |number: u32| texts.get(number as usize).copied() == fill && fill.is_some();
        Texts::of(numbered).proof(is_fill).map(|proof| proof == Proof::Text)
    }

    #[test]
    fn texts_that_pandas_would_read_as_numbers_or_bools_show_a_dtype_of_str() {
        for (texts, fill, expected) in [
            (&["01234", "10115"][..], None, Some(true)),
            (&["1.50", "1e3", " 7", "-2"], None, Some(true)),
            (&["18446744073709551616", "1"], None, Some(true)),
            (&["False", "TRUE"], None, Some(true)),
            // Pandas reads "" and "NA" as missing values, so they do not show a column of text.
            (&["7", "", "NA"], None, Some(true)),
            (&["7", "unknown"], Some("unknown"), Some(true)),
            (&["7", "unknown"], Some("none"), Some(false)),
            (&["7", "A1", "unknown"], Some("unknown"), Some(false)),
            // One of them is not how its number would be written.
            (&["01234", "10115", "missing"], None, Some(true)),
            (&["+49", "x", "y"], None, Some(true)),
            (&["1.50", "True", "x"], None, Some(true)),
            (&["TRUE", "maybe"], None, Some(true)),
            // Text without a dtype.
            (&["1", "2", "x"], None, Some(false)),
            (&["1.5", "-2", "1e+20", "99999999999999999999", "x"], None, Some(false)),
            (&["1", "True"], None, Some(false)),
            (&["n", "y"], None, None),
            (&["NA", "None"], None, None),
            (&[], None, None),
        ] {
            assert_eq!(shown(texts, fill), expected, "{texts:?} {fill:?}");
        }
        let texts = Texts::of([(0, "NA"), (1, "x"), (2, "None")].into_iter());
        assert_eq!(texts.missing.iter().collect::<Vec<_>>(), ["NA", "None"]);
    }
}
