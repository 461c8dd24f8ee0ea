//! Which columns of a request a model uses: those used by an estimator whose input is the request itself.

use crate::columns::column_names::ColumnNames;
use byoc_formats::error::Result;

/// The names of the frame that a model was fitted on, and the use of each of its columns.
pub(crate) struct FittedColumns<'t> {
    pub(crate) names: ColumnNames<'t>,
    /// The use of each.
    pub(crate) uses: Vec<Use>,
}

/// How a model uses a column that it was fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A transformer takes it.
    Taken,
    /// A branch `('name', 'drop', [columns])` drops it.
    Dropped,
    /// No branch has it, so `remainder='drop'` drops it.
    Left,
}

impl Use {
    /// The combined use of a column by two transformers.
    fn and(self, other: Use) -> Use {
        match (self, other) {
            (Use::Taken, _) | (_, Use::Taken) => Use::Taken,
            (Use::Dropped, _) | (_, Use::Dropped) => Use::Dropped,
            (Use::Left, Use::Left) => Use::Left,
        }
    }
}

impl<'t> FittedColumns<'t> {
    /// Columns that are all used.
    pub(crate) fn all_taken(names: ColumnNames<'t>) -> FittedColumns<'t> {
        let uses = vec![Use::Taken; names.len()];
        FittedColumns { names, uses }
    }

    /// The names of the columns that no transformer takes.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &'t str> {
        let unused = self.names.iter().zip(&self.uses).filter(|(_, used)| **used != Use::Taken);
        unused.map(|(name, _)| *name)
    }

    /// Combines this with the use by another estimator of the same frame.
    fn beside(mut self, other: &ColumnsUsed<'t>) -> FittedColumns<'t> {
        match other {
            ColumnsUsed::Columns(other) if *other.names == *self.names => {
                for (own, others) in self.uses.iter_mut().zip(&other.uses) {
                    *own = own.and(*others);
                }
            }
            ColumnsUsed::Columns(_) | ColumnsUsed::Everything | ColumnsUsed::PassedOn => self.uses.fill(Use::Taken),
        }
        self
    }
}

/// Which columns of a request an estimator uses.
pub(crate) enum ColumnsUsed<'t> {
    /// None itself: the next one gets the request unchanged.
    PassedOn,
    /// All of them, as far as is known.
    Everything,
    /// Some columns of a frame whose names it knows.
    Columns(FittedColumns<'t>),
}

impl<'t> ColumnsUsed<'t> {
    /// The columns used by estimators that are all given the same. The names are those of the first that uses any; one
    /// that passes all columns on uses all of them too, if another one does anything.
    pub(crate) fn side_by_side(parts: impl Iterator<Item = Result<ColumnsUsed<'t>>>) -> Result<ColumnsUsed<'t>> {
        let mut all = ColumnsUsed::PassedOn;
        let mut passes_on = false;
        for used in parts {
            let used = used?;
            passes_on |= matches!(used, ColumnsUsed::PassedOn);
            all = match (all, used) {
                (ColumnsUsed::PassedOn, used) | (used, ColumnsUsed::PassedOn) => used,
                (ColumnsUsed::Everything, _) => ColumnsUsed::Everything,
                (ColumnsUsed::Columns(columns), used) => ColumnsUsed::Columns(columns.beside(&used)),
            };
        }
        Ok(match all {
            ColumnsUsed::Columns(columns) if passes_on => ColumnsUsed::Columns(columns.beside(&ColumnsUsed::PassedOn)),
            all => all,
        })
    }
}
