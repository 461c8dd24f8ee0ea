//! How the columns of a request are read, as far as what was fitted shows it, or somebody says it.
//!
//! A body of CSV does not say what its columns are, so they are typed as `pandas.read_csv` types them, by all their cells
//! together. But an encoder that was fitted on text of digits (`01234`) was given text, however few rows a request has; and a
//! category `None` was no missing value when it was fitted. While a model is built, each transformer that is given a column
//! of the request as it came notes what it shows of it ([`Seen`]).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::build::{Builder, Input, Shape};
use super::categories::Categories;
use crate::artifact::pickle::Tree;
use crate::error::Result;
use crate::payload::csv::{MissingTexts, Pandas, looks_like_no_text};
use crate::payload::reading::{ReadAs, Reading};
use crate::preprocessor::version::Version;

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
    pub(super) const CHANGED: u32 = u32::MAX;

    /// The column of the request that a column is.
    pub(super) fn of(&self, column: usize) -> u32 {
        match self {
            Origins::Request => u32::try_from(column).unwrap_or(Origins::CHANGED),
            Origins::Columns(columns) => columns.get(column).copied().unwrap_or(Origins::CHANGED),
            Origins::Changed => Origins::CHANGED,
        }
    }

    /// Those of the columns of several transformers side by side, each of which gives so many.
    pub(super) fn side_by_side(parts: &[(Origins, usize)], builder: &mut Builder<'_, '_>) -> Result<Origins> {
        if parts.iter().all(|(origins, _)| matches!(origins, Origins::Changed)) {
            return Ok(Origins::Changed);
        }
        let all = parts.iter().flat_map(|(origins, width)| (0..*width).map(|column| origins.of(column)));
        Origins::columns(all, parts.iter().map(|(_, width)| *width).fold(0, usize::saturating_add), builder)
    }

    /// Columns, so many of them.
    pub(super) fn columns(
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It was text, though some of it looks like numbers or truths.
    is_text: bool,
    /// What was text, though pandas has it for missing.
    text: MissingTexts,
    /// What may have been missing all the same: an imputer put it there.
    filled: MissingTexts,
    /// A number and its text are not the same to some transformer, or come out of it as they are.
    tells_kinds_apart: bool,
}

/// What a text shows, or several, that were the values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// One of them looks like a number or a truth.
    some_look_otherwise: bool,
    /// Those that pandas has for missing.
    missing: MissingTexts,
}

impl Texts {
    /// What texts show that were the values of a column.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Texts {
        let mut all = Texts::default();
        for text in texts {
            all.some_look_otherwise = all.some_look_otherwise || looks_like_no_text(text);
            all.missing = all.missing.with(MissingTexts::only(text));
        }
        all
    }
}

/// What a table of what was seen takes for each column.
const ENTRY: usize = 64;

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
    pub(super) fn note_categories(&mut self, input: &Input<'_>, column: usize, categories: &Categories) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.tells_kinds_apart = true;
            if let Some(texts) = categories.texts() {
                seen.is_text |= texts.some_look_otherwise;
                seen.text = seen.text.with(texts.missing);
            }
        }
        Ok(())
    }

    /// Notes that a text was the most frequent value of a column.
    pub(super) fn note_frequent_text(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        let texts = Texts::of(std::iter::once(text));
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.is_text |= texts.some_look_otherwise;
            seen.text = seen.text.with(texts.missing);
        }
        Ok(())
    }

    /// Notes that a text stands for what is missing of a column: as its mark, or put in its place. What is put in the place of
    /// a missing value is read as that value, unless somebody asks which values were missing.
    pub(super) fn note_mark(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.text = seen.text.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes that a text was put where a value was missing, and a column says where that was.
    pub(super) fn note_indicated_fill(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.filled = seen.filled.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes which columns of the request come out of all transformers as they are.
    pub(super) fn note_answer(&mut self, answer: &Input<'_>) -> Result<()> {
        // As many as the request has, where it is passed through whole: then there is nobody to whom a type matters but the
        // caller, who sees it.
        let Shape::Fixed(width) = answer.shape else { return Ok(()) };
        if matches!(answer.origins, Origins::Changed) {
            return Ok(());
        }
        (0..width).try_for_each(|column| self.note_as_it_is(&answer.origins, column))
    }

    /// Notes that the values of a column are taken as they are, whatever they are.
    pub(super) fn note_as_it_is(&mut self, origins: &Origins, column: usize) -> Result<()> {
        if let Some(seen) = self.seen(origins.of(column))? {
            seen.tells_kinds_apart = true;
        }
        Ok(())
    }
}

/// How each column of a request is read.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Those of which there is something to say, in order; a label is the last column.
    columns: Box<[ColumnReading]>,
    /// The missing texts of all others.
    missing: MissingTexts,
}

/// How one column is read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ColumnReading {
    pub(super) column: u32,
    pub(super) reading: Reading,
    pub(super) is_told: bool,
    pub(super) tells_kinds_apart: bool,
}

impl Readings {
    /// What was seen of columns while a model was built, and what is said of them: the number of a column and its type.
    pub(super) fn new(told: &BTreeMap<u32, ReadAs>, pandas: Pandas, builder: &mut Builder<'_, '_>) -> Result<Readings> {
        let missing = MissingTexts::of(pandas);
        let seen = std::mem::take(&mut builder.seen);
        builder.keep_items::<ColumnReading>(seen.len().saturating_add(told.len()))?;
        let mut columns = BTreeMap::new();
        for (column, seen) in seen {
            let dtype = seen.is_text.then_some(ReadAs::Str);
            let reading = Reading { dtype, missing: missing.without(seen.text.without(seen.filled)) };
            let is_plain = reading == Reading { dtype: None, missing } && !seen.tells_kinds_apart;
            if !is_plain {
                let tells_kinds_apart = seen.tells_kinds_apart;
                columns.insert(column, ColumnReading { column, reading, is_told: false, tells_kinds_apart });
            }
        }
        for (column, dtype) in told {
            let reading = Reading { dtype: None, missing };
            let plain = ColumnReading { column: *column, reading, is_told: false, tells_kinds_apart: false };
            let known = columns.entry(*column).or_insert(plain);
            known.reading.dtype = Some(*dtype);
            known.is_told = true;
        }
        Ok(Readings { columns: columns.into_values().collect(), missing })
    }

    /// How a column is read.
    pub(super) fn of(&self, column: usize) -> Reading {
        let found = self.columns.binary_search_by_key(&column, |known| known.column as usize);
        let found = found.ok().and_then(|at| self.columns.get(at));
        found.map_or(Reading { dtype: None, missing: self.missing }, |known| known.reading)
    }

    /// Whether a column is read as text, also where it has no value.
    pub(super) fn is_text(&self, column: usize) -> bool {
        self.of(column).dtype == Some(ReadAs::Str)
    }

    /// The columns of which there is something to say.
    pub(super) fn columns(&self) -> &[ColumnReading] {
        &self.columns
    }

    /// The missing texts of all others.
    pub(super) fn missing(&self) -> MissingTexts {
        self.missing
    }
}

/// The release of pandas that a model was fitted beside, by what its pickle shows.
///
/// scikit-learn 1.3 is the first that came after pandas 2.0 (June and April 2023), 0.22 the first of the time of pandas 1.0; AWS's
/// images up to 1.2-1 have pandas 1.1.3. Indexes of numbers of their own class went with pandas 2.
pub(super) fn pandas_of(tree: &Tree, version: Version) -> Pandas {
    if version < Version::new(0, 22) {
        Pandas::V0
    } else if version < Version::new(1, 3) || tree.names("pandas.core.indexes.numeric") {
        Pandas::V1
    } else {
        Pandas::V2
    }
}
