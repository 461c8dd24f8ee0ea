//! What a fitted model shows of how the columns of its requests were read.
//!
//! A body of CSV does not say what its columns are, so they are typed as `pandas.read_csv` types them, by all their
//! cells together. But an encoder whose categories are all text of digits (`01234`) was given a column that somebody
//! had said to be text: by itself pandas had made numbers of it. And a category `None` was no missing value when it
//! was fitted. While a model is built, each transformer that is given a column of the request as it came notes what it
//! shows of it ([`Seen`]).

use std::rc::Rc;
use std::sync::Arc;

use byoc_formats::media_types::csv::TextKind;
use byoc_formats::rows::missing_texts::MissingTexts;

/// Which column of the request each column is that a transformer is given.
#[derive(Clone, Debug)]
pub(crate) enum Origins {
    /// The columns of the request, in order, its label last.
    Request,
    /// These, or [`Origins::CHANGED`].
    Columns(Rc<[u32]>),
    /// None of them is one any more.
    Changed,
}

impl Origins {
    /// A column that is not one of the request.
    pub(crate) const CHANGED: u32 = u32::MAX;

    /// The column of the request that a column is.
    pub(crate) fn of(&self, column: usize) -> u32 {
        match self {
            Origins::Request => u32::try_from(column).unwrap_or(Origins::CHANGED),
            Origins::Columns(columns) => columns.get(column).copied().unwrap_or(Origins::CHANGED),
            Origins::Changed => Origins::CHANGED,
        }
    }
}

/// What the transformers show of one column that they are given as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Something that only a column has that was said to be text.
    pub(crate) is_text: bool,
    /// Text that looks like numbers, as a column also has it without being said to be text: then numbers alone are
    /// numbers, as to pandas.
    pub(crate) is_undecided: bool,
    /// What was text, though pandas has it for missing.
    pub(crate) text: MissingTexts,
    /// The constant that an imputer puts where a value is missing: as a category it says nothing of the cells.
    pub(crate) fill: Option<Arc<str>>,
    /// A number and its text are not the same to some transformer, or come out of it as they are.
    pub(crate) tells_kinds_apart: bool,
}

/// What texts show that were the values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) numbers: bool,
    pub(crate) truths: bool,
    /// One of them is not the text that its number or bool would be written as: `01234`.
    pub(crate) some_never_come_back: bool,
    pub(crate) others: Others,
    /// Those that pandas has for missing.
    pub(crate) missing: MissingTexts,
}

/// What texts say of how their column was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That it was said to be text.
    Text,
    /// Nothing, though some look like numbers or truths: pandas may have made text of them by itself, beside others.
    Undecided,
}

impl Proof {
    /// What one value says that was text.
    pub(crate) fn of_value(text: &str) -> Option<Proof> {
        match TextKind::of(text) {
            TextKind::Text => None,
            _ if TextKind::round_trips(text) => Some(Proof::Undecided),
            _ => Some(Proof::Text),
        }
    }
}

/// How many texts look like neither numbers nor truths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Others {
    #[default]
    None,
    /// The one of this number.
    One(u32),
    Several,
}

impl Texts {
    /// What texts show that were the values of a column, each with its number.
    pub(crate) fn of<'t>(texts: impl Iterator<Item = (u32, &'t str)>) -> Texts {
        let mut all = Texts::default();
        for (number, text) in texts {
            let missing = MissingTexts::only(text);
            all.some_never_come_back |= !TextKind::round_trips(text);
            match TextKind::of(text) {
                TextKind::Number => all.numbers = true,
                TextKind::Bool => all.truths = true,
                TextKind::Text if missing != MissingTexts::default() => all.missing = all.missing.with(missing),
                TextKind::Text => {
                    all.others = match all.others {
                        Others::None => Others::One(number),
                        Others::One(_) | Others::Several => Others::Several,
                    }
                }
            }
        }
        all
    }

    /// Whether one of them looks like a number or a truth.
    pub(crate) fn some_look_otherwise(self) -> bool {
        self.numbers || self.truths
    }

    /// What they say; `None` where none of them looks like a number or a truth. `is_fill` tells whether the text of a
    /// number was only put where a value was missing.
    ///
    /// Text of one kind alone would be numbers, or truths, if nobody had said that it is text. Beside others (`01234`,
    /// `missing`) pandas makes text of it by itself; but a number that is another text (1234) would never be found
    /// again among what was fitted, so there it is text too.
    pub(crate) fn proof(&self, is_fill: impl Fn(u32) -> bool) -> Option<Proof> {
        let is_one_kind = self.numbers != self.truths;
        let are_alone = match self.others {
            Others::None => is_one_kind,
            Others::One(number) => is_one_kind && is_fill(number),
            Others::Several => false,
        };
        let is_text = are_alone || self.some_never_come_back;
        self.some_look_otherwise().then_some(if is_text { Proof::Text } else { Proof::Undecided })
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
    fn texts_show_that_they_were_said_to_be_text_where_pandas_would_read_numbers_or_truths() {
        for (texts, fill, expected) in [
            (&["01234", "10115"][..], None, Some(true)),
            (&["1.50", "1e3", " 7", "-2"], None, Some(true)),
            (&["18446744073709551616", "1"], None, Some(true)),
            (&["False", "TRUE"], None, Some(true)),
            // Missing to pandas, and so no sign of text.
            (&["7", "", "NA"], None, Some(true)),
            (&["7", "unknown"], Some("unknown"), Some(true)),
            (&["7", "unknown"], Some("none"), Some(false)),
            (&["7", "A1", "unknown"], Some("unknown"), Some(false)),
            // One of them is no number that anybody would write again.
            (&["01234", "10115", "missing"], None, Some(true)),
            (&["+49", "x", "y"], None, Some(true)),
            (&["1.50", "True", "x"], None, Some(true)),
            (&["TRUE", "maybe"], None, Some(true)),
            // Text by itself.
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
