//! Which column of a row is the label: from a setting, else from the document beside the model, else guessed.
//!
//! A label is guessed if exactly one of the columns that a model was fitted on is used by no transformer, it is the
//! first or the last, and no branch drops it by name. That is the result of a fit on a frame that still contains the
//! target. A column with the dtype str or bool is never guessed. Whether a request contains the label is decided by the
//! cells of that column (`guessed`).

use crate::artifact::builder::{LabelPlace, shorten};
use crate::preprocessor::assumption::Assumption;
use crate::preprocessor::columns_json::{ColumnsJson, ColumnsSource, Label};
use crate::preprocessor::dtypes::Dtypes;
use crate::preprocessor::overrides::{LabelChoice, LabelSetting};
use crate::transformers::columns_used::{FittedColumns, Use};
use byoc_formats::error::{Cause, Error, Remedy, Result};
use byoc_formats::rows::reading::ReadAs;
use byoc_formats::suggest::{did_you_mean, listed};

/// The label of a row while a model is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundLabel<'t> {
    /// Its name; a label that the model was not fitted on need not have one.
    pub(crate) name: Option<&'t str>,
    /// Its place in a row that has it.
    pub(crate) place: LabelPlace,
    /// Whether it is a guess.
    pub(crate) is_guessed: bool,
}

impl<'t> FoundLabel<'t> {
    fn named(name: &'t str, place: LabelPlace) -> FoundLabel<'t> {
        FoundLabel { name: Some(name), place, is_guessed: false }
    }
}

/// The label of a model's rows. `fitted` are the columns that the model was fitted on, if it has their names; `json` is
/// the document beside it.
///
/// # Errors
/// [`Cause::BadSetting`] for a setting that names a column that does not exist.
pub(crate) fn find<'t>(
    json: Option<&'t ColumnsJson>,
    fitted: Option<&FittedColumns<'t>>,
) -> Result<Option<FoundLabel<'t>>> {
    let columns = json.and_then(|json| json.columns.as_deref());
    let guess = || fitted.filter(|_| columns.is_none()).and_then(guess_among);
    // The known or guessed label; otherwise a column that the model was not fitted on.
    let at_an_end = |known: Option<FoundLabel<'t>>, place| {
        let known = known.or_else(guess).and_then(|label| label.name);
        FoundLabel { name: known, place, is_guessed: false }
    };
    let written = match json.map(|json| &json.label) {
        Some(Label::Named(name, position)) => Some(FoundLabel::named(name, (*position).into())),
        Some(Label::AtEnd(position)) => Some(at_an_end(None, (*position).into())),
        Some(Label::None | Label::Unspecified) | None => None,
    };
    let Some(setting) = json.and_then(|json| json.label_setting.as_ref()) else {
        let may_guess = json.is_none_or(|json| json.label == Label::Unspecified);
        let dtypes = json.and_then(|json| json.dtypes.as_ref());
        return Ok(written.or_else(|| guess().filter(|label| may_guess && may_be_numbers(label, dtypes))));
    };
    match &setting.choice {
        LabelChoice::None => Ok(None),
        LabelChoice::First => Ok(Some(at_an_end(written, LabelPlace::First))),
        LabelChoice::Last => Ok(Some(at_an_end(written, LabelPlace::Last))),
        LabelChoice::Named(name) => match written.filter(|label| label.name == Some(name)) {
            Some(label) => Ok(Some(label)),
            None => named(name, columns, fitted).map(Some).ok_or_else(|| {
                let mut known: Vec<&str> = match (columns, fitted) {
                    (Some(columns), _) => columns.iter().map(String::as_str).collect(),
                    (None, fitted) => fitted.map(|fitted| fitted.names.to_vec()).unwrap_or_default(),
                };
                known.extend(written.and_then(|label| label.name).filter(|name| !known.contains(name)));
                unknown(setting, name, &known)
            }),
        },
    }
}

/// The column that is guessed to be the label.
fn guess_among<'t>(fitted: &FittedColumns<'t>) -> Option<FoundLabel<'t>> {
    let mut unused = fitted.uses.iter().enumerate().filter(|(_, used)| **used != Use::Taken);
    let (index, used) = unused.next()?;
    let last = fitted.names.len().checked_sub(1).filter(|last| *last > 0)?;
    let place = match index {
        0 => LabelPlace::First,
        index if index == last => LabelPlace::Last,
        _ => return None,
    };
    let is_label = *used == Use::Left && unused.next().is_none();
    let name = fitted.names.get(index).filter(|_| is_label)?;
    Some(FoundLabel { name: Some(name), place, is_guessed: true })
}

/// Whether a label may be a column of numbers: its dtype is not set to str or bool.
fn may_be_numbers(label: &FoundLabel<'_>, dtypes: Option<&Dtypes>) -> bool {
    let dtype = label.name.and_then(|name| dtypes?.of(name));
    !matches!(dtype, Some(ReadAs::Str | ReadAs::Bool))
}

/// A column of the model that a setting names as the label, with its place among the columns of a row, or at fit.
fn named<'t>(name: &'t str, columns: Option<&[String]>, fitted: Option<&FittedColumns<'t>>) -> Option<FoundLabel<'t>> {
    let place = |at: usize, count: usize| match at {
        // The only column: a row without it would have none.
        _ if count < 2 => None,
        0 => Some(LabelPlace::First),
        at if at + 1 == count => Some(LabelPlace::Last),
        at => Some(LabelPlace::After(at)),
    };
    let of_fit = || {
        let fitted = fitted?;
        let place = place(fitted.names.position(name)?, fitted.names.len())?;
        Some(match columns {
            // Its position among other columns is known only at an end.
            Some(_) if place != LabelPlace::First => LabelPlace::Last,
            _ => place,
        })
    };
    let at = columns.and_then(|columns| columns.iter().position(|column| column == name).map(|at| (at, columns.len())));
    let place = at.map_or_else(of_fit, |(at, count)| place(at, count))?;
    Some(FoundLabel::named(name, place))
}

/// The error for a name that is not a column of the model.
fn unknown(setting: &LabelSetting, name: &str, known: &[&str]) -> Error {
    let columns = match known {
        [] => "the columns of the model have no names".to_owned(),
        known if known == [name] => format!("the model has no other column than {}", shorten(name)),
        known => {
            let meant = did_you_mean(name, known.iter().copied());
            let columns = listed(name, known.iter().copied());
            let its = if meant.is_empty() { "its" } else { "Its" };
            format!("no column of the model has that name; {meant}{its} columns are {columns}")
        }
    };
    Error::new(
        Cause::BadSetting,
        format!(
            "{} is {:?}: {columns}. For rows with a label that the model was not fitted on, say first or last; for \
             rows without a label, say none",
            setting.source,
            shorten(name)
        ),
    )
}

/// Explains a guessed label and how to override it.
pub(crate) fn explain_guess(name: &str, place: LabelPlace) -> Assumption {
    let end = if place == LabelPlace::First { "first" } else { "last" };
    let text = format!(
        "the column {name} is treated as the label if it contains numbers, because it comes {end} and is the only one \
         that no transformer uses: rows may come with or without it"
    );
    Assumption { text, remedy: Remedy::IsLabel(name.to_owned()) }
}

/// The document that gives the names of columns, if there is one.
pub(crate) fn source_of_columns(json: Option<&ColumnsJson>) -> Option<ColumnsSource> {
    let json = json?;
    let says = json.columns.is_some() || matches!(json.label, Label::Named(..));
    says.then_some(json.source)
}
