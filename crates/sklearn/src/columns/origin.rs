//! The part of a request from which a feature comes.

/// The column of the request from which a feature was computed, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u32);

impl Origin {
    /// A feature computed from several columns or from none.
    pub(crate) const NONE: Origin = Origin(u32::MAX);

    /// A column, counted from 0.
    pub(crate) fn column(index: usize) -> Origin {
        u32::try_from(index).map_or(Origin::NONE, Origin)
    }

    /// The column, counted from 0.
    pub(crate) fn index(self) -> Option<usize> {
        (self != Origin::NONE).then_some(self.0 as usize)
    }
}
