//! Which column of a row is the label: said by a setting, else by the document beside the model, else guessed.
//!
//! A label is guessed where exactly one of the columns that a model was fitted on is used by no transformer, it is the
//! last or the first of them, and no part drops it by its name. That is what remains of a fit on a frame that still
//! has its target. A column that is said to be text or truths is none. Whether a request that has the column has it as
//! its label is seen from its cells (`guessed`).

use crate::artifact::builder::{LabelPlace, shorten};
use crate::preprocessor::assumption::Assumption;
use crate::preprocessor::columns_json::{ColumnsJson, Label, Told};
use crate::preprocessor::dtypes::Dtypes;
use crate::preprocessor::overrides::{LabelChoice, ToldLabel};
use crate::transformers::columns_used::{FittedColumns, Use};
use byoc_formats::error::{Cause, Error, Remedy, Result};
use byoc_formats::rows::reading::ReadAs;
use byoc_formats::suggest::{did_you_mean, listed};

/// The label of a row while a model is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundLabel<'t> {
    /// Its name; a label that the model was not fitted on need not have one.
    pub(crate) name: Option<&'t str>,
    /// Where in a row that has it it stands.
    pub(crate) place: LabelPlace,
    /// Whether it is a guess.
    pub(crate) is_guessed: bool,
}

impl<'t> FoundLabel<'t> {
    fn said(name: &'t str, place: LabelPlace) -> FoundLabel<'t> {
        FoundLabel { name: Some(name), place, is_guessed: false }
    }
}

/// The label of a model's rows: of a model that was fitted on these columns, if it knows their names, with this
/// document beside it.
///
/// # Errors
/// [`Cause::BadSetting`] for a setting that names a column that does not exist.
pub(crate) fn find<'t>(
    json: Option<&'t ColumnsJson>,
    fitted: Option<&FittedColumns<'t>>,
) -> Result<Option<FoundLabel<'t>>> {
    let columns = json.and_then(|json| json.columns.as_deref());
    let guess = || fitted.filter(|_| columns.is_none()).and_then(guess_among);
    // The column that is known, or looks like it; else one that the model was not fitted on.
    let at_an_end = |known: Option<FoundLabel<'t>>, place| {
        let known = known.or_else(guess).and_then(|label| label.name);
        FoundLabel { name: known, place, is_guessed: false }
    };
    let written = match json.map(|json| &json.label) {
        Some(Label::Named(name, position)) => Some(FoundLabel::said(name, (*position).into())),
        Some(Label::AtEnd(position)) => Some(at_an_end(None, (*position).into())),
        Some(Label::None | Label::Unsaid) | None => None,
    };
    let Some(told) = json.and_then(|json| json.told_label.as_ref()) else {
        let may_guess = json.is_none_or(|json| json.label == Label::Unsaid);
        let dtypes = json.and_then(|json| json.dtypes.as_ref());
        return Ok(written.or_else(|| guess().filter(|label| may_guess && may_be_numbers(label, dtypes))));
    };
    match &told.choice {
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
                known.extend(written.and_then(|label| label.name));
                unknown(told, name, &known)
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

/// Whether no setting says that a column is text or bool.
fn may_be_numbers(label: &FoundLabel<'_>, dtypes: Option<&Dtypes>) -> bool {
    let told = label.name.and_then(|name| dtypes?.of(name));
    !matches!(told, Some(ReadAs::Str | ReadAs::Bool))
}

/// A column of the model's that is named as the label: it stands where it does among the columns of a row, or stood at
/// fit.
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
            // It is not known where else than at an end it would stand among other columns.
            Some(_) if place != LabelPlace::First => LabelPlace::Last,
            _ => place,
        })
    };
    let at = columns.and_then(|columns| columns.iter().position(|column| column == name).map(|at| (at, columns.len())));
    let place = at.map_or_else(of_fit, |(at, count)| place(at, count))?;
    Some(FoundLabel::said(name, place))
}

/// The error of a name that is no column of the model.
fn unknown(told: &ToldLabel, name: &str, known: &[&str]) -> Error {
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
            "{} is {:?}: {columns}. For rows with a label that the model was not fitted on say first or last, for rows \
             without a label none",
            told.source,
            shorten(name)
        ),
    )
}

/// What a label was taken for one by, and how to say otherwise.
pub(crate) fn explain_guess(name: &str, place: LabelPlace) -> Assumption {
    let end = if place == LabelPlace::First { "first" } else { "last" };
    let text = format!(
        "the column {name} is taken for the label where it has numbers, since it comes {end} and is the only one that no \
         transformer uses: rows may come with it or without"
    );
    Assumption { text, remedy: Remedy::IsLabel(name.to_owned()) }
}

/// Who gave the names of columns that do not fit the model.
pub(crate) fn told_by(json: Option<&ColumnsJson>) -> Option<Told> {
    let json = json?;
    let says = json.columns.is_some() || matches!(json.label, Label::Named(..));
    says.then_some(json.told)
}
