//! Settings that change how data are read.

/// What a caller may set so that the same data are read differently. Only the program knows the names of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Say at which end of a row the label is, for rows that have one.
    LabelAtAnEnd,
    /// Name the column that is the label, for rows without it.
    LabelByName,
    /// Say whether this column, which was taken for the label, is one.
    IsLabel(String),
    /// Say that this column is text, whatever its cells look like; no name if the message has it.
    IsText(Option<String>),
    /// Fit the specification, and use the document that the fit writes.
    FitSpecification,
}
