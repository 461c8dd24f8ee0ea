//! How the columns of a request are read, as far as what was fitted shows it, or somebody says it.
//!
//! A body of CSV does not say what its columns are, so they are typed as `pandas.read_csv` types them, by all their cells
//! together. But an encoder whose categories are all text of digits (`01234`) was given a column that somebody had said to be
//! text: by itself pandas had made numbers of it. And a category `None` was no missing value when it was fitted. While a model is built, each transformer that is given a column
//! of the request as it came notes what it shows of it ([`Seen`]).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use crate::artifact::builder::{Builder, Input, Shape};
use crate::columns::categories::Categories;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::media_types::csv::TextKind;
use byoc_formats::pickle::Tree;
use byoc_formats::rows::missing_texts::{MissingTexts, Pandas};
use byoc_formats::rows::reading::{ReadAs, Reading};

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
    /// A column that is none of the request.
    pub(crate) const CHANGED: u32 = u32::MAX;

    /// The column of the request that a column is.
    pub(crate) fn of(&self, column: usize) -> u32 {
        match self {
            Origins::Request => u32::try_from(column).unwrap_or(Origins::CHANGED),
            Origins::Columns(columns) => columns.get(column).copied().unwrap_or(Origins::CHANGED),
            Origins::Changed => Origins::CHANGED,
        }
    }

    /// Those of the columns of several transformers side by side, each of which gives so many.
    pub(crate) fn side_by_side(parts: &[(Origins, usize)], builder: &mut Builder<'_, '_>) -> Result<Origins> {
        if parts.iter().all(|(origins, _)| matches!(origins, Origins::Changed)) {
            return Ok(Origins::Changed);
        }
        let all = parts.iter().flat_map(|(origins, width)| (0..*width).map(|column| origins.of(column)));
        Origins::columns(all, parts.iter().map(|(_, width)| *width).fold(0, usize::saturating_add), builder)
    }

    /// Columns, so many of them.
    pub(crate) fn columns(
        columns: impl Iterator<Item = u32>,
        count: usize,
        builder: &mut Builder<'_, '_>,
    ) -> Result<Origins> {
        builder.work.charge_items::<u32>(count)?;
        builder.use_scratch(2 * size_of::<usize>() + count.saturating_mul(size_of::<u32>()))?;
        Ok(Origins::Columns(columns.collect()))
    }
}

/// What the transformers show of one column that they are given as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Something that only a column has that was said to be text.
    is_text: bool,
    /// Text that looks like numbers, as a column also has it without being said to be text: then numbers alone are numbers, as
    /// to pandas.
    is_undecided: bool,
    /// What was text, though pandas has it for missing.
    text: MissingTexts,
    /// The constant that an imputer puts where a value is missing: as a category it says nothing of the cells.
    fill: Option<Arc<str>>,
    /// A number and its text are not the same to some transformer, or come out of it as they are.
    tells_kinds_apart: bool,
}

/// What texts show that were the values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    numbers: bool,
    truths: bool,
    /// One of them is none that a number or a truth would be written as: `01234`.
    some_never_come_back: bool,
    others: Others,
    /// Those that pandas has for missing.
    missing: MissingTexts,
}

/// What texts say of how their column was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// That it was said to be text.
    Text,
    /// Nothing, though some look like numbers or truths: pandas may have made text of them by itself, beside others.
    Undecided,
}

impl Proof {
    /// What one value says that was text.
    fn of_value(text: &str) -> Option<Proof> {
        match TextKind::of(text) {
            TextKind::Text => None,
            _ if TextKind::round_trips(text) => Some(Proof::Undecided),
            _ => Some(Proof::Text),
        }
    }
}

/// How many texts look like neither numbers nor truths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
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

    /// What they say; `None` where none of them looks like a number or a truth. `is_fill` tells whether the text of a number was
    /// only put where a value was missing.
    ///
    /// Text of one kind alone would be numbers, or truths, if nobody had said that it is text. Beside others (`01234`,
    /// `missing`) pandas makes text of it by itself; but a number that is another text (1234) would never be found again among
    /// what was fitted, so there it is text too.
    fn proof(&self, is_fill: impl Fn(u32) -> bool) -> Option<Proof> {
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

/// What a table of what was seen takes for each column: a `BTreeMap` that is filled in order has nodes for eleven with six in
/// them.
const ENTRY: usize = (size_of::<Seen>() + size_of::<u32>()) * 11 / 6;

impl Seen {
    fn note(&mut self, proof: Option<Proof>) {
        match proof {
            Some(Proof::Text) => self.is_text = true,
            Some(Proof::Undecided) => self.is_undecided = true,
            None => {}
        }
    }
}

impl Builder<'_, '_> {
    fn seen(&mut self, origin: u32) -> Result<Option<&mut Seen>> {
        if origin == Origins::CHANGED {
            return Ok(None);
        }
        Ok(Some(match self.seen.entry(origin) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) => {
                self.work.allowance.take(ENTRY)?;
                self.scratch = self.scratch.saturating_add(ENTRY);
                place.insert(Seen::default())
            }
        }))
    }

    /// Notes that a column is looked up among categories.
    pub(crate) fn note_categories(&mut self, input: &Input<'_>, column: usize, categories: &Categories) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.tells_kinds_apart = true;
            if let Some(texts) = categories.texts() {
                let is_fill = |number| seen.fill.as_deref().is_some_and(|fill| categories.text(number) == Some(fill));
                let proof = texts.proof(is_fill);
                let filled = seen.fill.as_deref().map(MissingTexts::only).unwrap_or_default();
                seen.note(proof);
                seen.text = seen.text.with(texts.missing.without(filled));
            }
        }
        Ok(())
    }

    /// Notes that a text was the most frequent value of a column.
    pub(crate) fn note_frequent_text(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.note(Proof::of_value(text));
            seen.text = seen.text.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes that a text is the mark of what is missing of a column.
    pub(crate) fn note_mark(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.text = seen.text.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes that a text is put where a value is missing. It was none of the cells, so that `NA` may be missing all the same. But
    /// scikit-learn puts no text into a column of numbers: whoever fills with `00000` has text.
    pub(crate) fn note_fill(&mut self, input: &Input<'_>, column: usize, text: &Arc<str>) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.note(Proof::of_value(text));
            seen.fill = Some(Arc::clone(text));
        }
        Ok(())
    }

    /// Notes which columns of the request come out of all transformers as they are.
    pub(crate) fn note_answer(&mut self, answer: &Input<'_>) -> Result<()> {
        // As many as the request has, where it is passed through whole: then there is nobody to whom a type matters but the
        // caller, who sees it.
        let Shape::Fixed(width) = answer.shape else { return Ok(()) };
        if matches!(answer.origins, Origins::Changed) {
            return Ok(());
        }
        (0..width).try_for_each(|column| self.note_as_it_is(&answer.origins, column))
    }

    /// Notes that the values of a column are taken as they are, whatever they are.
    pub(crate) fn note_as_it_is(&mut self, origins: &Origins, column: usize) -> Result<()> {
        if let Some(seen) = self.seen(origins.of(column))? {
            seen.tells_kinds_apart = true;
        }
        Ok(())
    }
}

/// How each column of a request is read.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// Those of which there is something to say, in order; a label is the last column.
    columns: Box<[ColumnReading]>,
    /// The missing texts of all others.
    missing: MissingTexts,
}

/// How one column is read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnReading {
    pub(crate) column: u32,
    pub(crate) reading: Reading,
    pub(crate) is_told: bool,
    /// It was fitted on text that looks like numbers, and nothing says that a request's numbers are text.
    pub(crate) is_undecided: bool,
    pub(crate) tells_kinds_apart: bool,
}

impl Readings {
    /// What was seen of columns while a model was built, and what is said of them: the number of a column and its type.
    pub(crate) fn new(told: &BTreeMap<u32, ReadAs>, pandas: Pandas, builder: &mut Builder<'_, '_>) -> Result<Readings> {
        let missing = MissingTexts::of(pandas);
        let seen = std::mem::take(&mut builder.seen);
        builder.keep_items::<ColumnReading>(seen.len().saturating_add(told.len()))?;
        let mut columns = BTreeMap::new();
        for (column, seen) in seen {
            let dtype = seen.is_text.then_some(ReadAs::Str);
            let reading = Reading { dtype, missing: missing.without(seen.text) };
            let is_plain = reading == Reading { dtype: None, missing } && !seen.tells_kinds_apart;
            if !is_plain {
                let tells_kinds_apart = seen.tells_kinds_apart;
                let is_undecided = seen.is_undecided && !seen.is_text && tells_kinds_apart;
                let known = ColumnReading { column, reading, is_told: false, is_undecided, tells_kinds_apart };
                columns.insert(column, known);
            }
        }
        for (column, dtype) in told {
            let reading = Reading { dtype: None, missing };
            let plain = ColumnReading {
                column: *column,
                reading,
                is_told: false,
                is_undecided: false,
                tells_kinds_apart: false,
            };
            let known = columns.entry(*column).or_insert(plain);
            known.reading.dtype = Some(*dtype);
            known.is_told = true;
            known.is_undecided = false;
        }
        Ok(Readings { columns: columns.into_values().collect(), missing })
    }

    /// How a column is read.
    pub(crate) fn of(&self, column: usize) -> Reading {
        let found = self.columns.binary_search_by_key(&column, |known| known.column as usize);
        let found = found.ok().and_then(|at| self.columns.get(at));
        found.map_or(Reading { dtype: None, missing: self.missing }, |known| known.reading)
    }

    /// Whether a column is read as text, also where it has no value.
    pub(crate) fn is_text(&self, column: usize) -> bool {
        self.of(column).dtype == Some(ReadAs::Str)
    }

    /// The columns of which there is something to say.
    pub(crate) fn columns(&self) -> &[ColumnReading] {
        &self.columns
    }

    /// The missing texts of all others.
    pub(crate) fn missing(&self) -> MissingTexts {
        self.missing
    }
}

/// The release of pandas that a model was fitted beside, by what its pickle shows.
///
/// scikit-learn 1.3 is the first that came after pandas 2.0 (June and April 2023), 0.22 the first of the time of pandas 1.0; AWS's
/// images up to 1.2-1 have pandas 1.1.3. Indexes of numbers of their own class went with pandas 2.
pub(crate) fn pandas_of(tree: &Tree, version: Version) -> Pandas {
    if version < Version::new(0, 22) {
        Pandas::V0
    } else if version < Version::new(1, 3) || tree.names("pandas.core.indexes.numeric") {
        Pandas::V1
    } else {
        Pandas::V2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::ScikitLearn;

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

    #[test]
    fn the_age_of_pandas_goes_by_the_version_and_by_classes_that_pandas_2_has_no_more() {
        let allowance = byoc_account::Allowance::unbounded();
        let tree = |pickle: &[u8]| byoc_formats::pickle::read(pickle.to_vec(), &ScikitLearn, &allowance).unwrap();
        let plain = tree(b"\x80\x02N.");
        for (version, pandas) in [
            ((0, 20), Pandas::V0),
            ((0, 21), Pandas::V0),
            ((0, 22), Pandas::V1),
            ((1, 2), Pandas::V1),
            ((1, 3), Pandas::V2),
            ((1, 9), Pandas::V2),
        ] {
            assert_eq!(pandas_of(&plain, Version::new(version.0, version.1)), pandas, "{version:?}");
        }
        let index = tree(b"\x80\x02cpandas.core.indexes.numeric\nInt64Index\n.");
        assert_eq!(pandas_of(&index, Version::new(1, 3)), Pandas::V1);
    }
}
