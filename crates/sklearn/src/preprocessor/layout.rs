//! The columns of a request: the features in order, and possibly a label.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::artifact::builder::{Builder, Input, LabelPlace, RequestWidth, Shape, list_names, shorten};
use crate::columns::column_names::ColumnNames;
use crate::columns::readings::Origins;
use crate::columns::text_list::TextList;
use crate::preprocessor::assumption::Assumption;
use crate::preprocessor::columns_json::{ColumnsJson, ColumnsSource};
use crate::preprocessor::dtypes::Dtypes;
use crate::preprocessor::label::{self, FoundLabel};
use crate::preprocessor::readings::Readings;
use crate::preprocessor::request::{LabelOfRow, Request};
use crate::transformers::class::columns_used;
use crate::transformers::columns_used::ColumnsUsed;
use crate::version::Version;
use byoc_formats::error::{Error, Remedy, Result};
use byoc_formats::pickle::Value;
use byoc_formats::rows::missing_texts::Pandas;
use byoc_formats::rows::reading::Reading;

/// The maximum number of unused columns after the last used one, for a model that does not know the width of its rows.
/// It bounds the memory for columns that the model ignores.
const MAX_UNUSED: usize = 4096;

/// The longest name of a column of a request in bytes, because error messages contain the names.
const MAX_NAME_LENGTH: usize = 64 << 10;

/// The temporary memory of a column's dtype, in bytes.
const TYPE_BYTES: usize = 64;

/// The columns of a request.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The names of the features; empty if they have none.
    features: TextList,
    /// The label that a row may have.
    label: Option<RowLabel>,
    width: RequestWidth,
    /// The names of the columns, except the label, that no transformer uses.
    /// Sorted, for a binary search.
    unused: TextList,
    /// Why every request is refused, if it is.
    refusal: Option<Box<str>>,
    readings: Readings,
}

/// The label that a row may have.
#[derive(Debug)]
pub(crate) struct RowLabel {
    /// Its name; a label that the model was not fitted on need not have one.
    pub(crate) name: Option<Box<str>>,
    /// Its place in a row that has it.
    pub(crate) place: LabelPlace,
    /// Whether it is guessed: then it is the label only if it contains numbers.
    pub(crate) is_guessed: bool,
}

impl RowLabel {
    /// `the label PRICE last`, for messages.
    fn describe(&self) -> String {
        let name = self.name.as_deref().map(|name| format!(" {}", shorten(name))).unwrap_or_default();
        match self.place {
            LabelPlace::After(_) => format!("the label{name} as {}", self.place.describe()),
            LabelPlace::First | LabelPlace::Last => format!("the label{name} {}", self.place.describe()),
        }
    }
}

/// The names of a request's columns, while a model is built.
pub(crate) struct Names<'t> {
    /// Those of the features, followed by the label's if it has one.
    names: Option<ColumnNames<'t>>,
    label: Option<FoundLabel<'t>>,
    /// The columns that the first transformer was fitted on and does not use.
    unused: Vec<&'t str>,
    /// The document that gave them, unless the model did.
    from: Option<ColumnsSource>,
}

impl<'t> Names<'t> {
    /// The names from `columns.json`, else those that the artifact was fitted on; and the label.
    pub(crate) fn new(
        root: Value<'t>,
        json: Option<&'t ColumnsJson>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Names<'t>> {
        let written = json.and_then(|json| json.columns.as_deref());
        let fitted = match (columns_used(root, builder), written) {
            (Ok(ColumnsUsed::Columns(columns)), _) => Some(columns),
            (Ok(ColumnsUsed::PassedOn | ColumnsUsed::Everything), _) | (Err(_), Some(_)) => None,
            (Err(error), None) => return Err(error),
        };
        let label = label::find(json, fitted.as_ref())?;
        let name = label.and_then(|label| label.name);
        let from = label::source_of_columns(json);
        let all: Vec<&str> = match (written, &fitted) {
            (Some(written), _) => written.iter().map(String::as_str).collect(),
            (None, Some(fitted)) => fitted.names.to_vec(),
            (None, None) => return Ok(Names { names: None, label, unused: Vec::new(), from }),
        };
        builder.use_scratch(ColumnNames::bytes(all.len() + 1))?;
        let mut names = all;
        names.retain(|column| Some(*column) != name);
        names.extend(name);
        if let Some(long) = names.iter().find(|name| name.len() > MAX_NAME_LENGTH) {
            return Err(Error::bad_artifact(format!(
                "expected names of columns of at most {MAX_NAME_LENGTH} bytes, found {:?} of {}",
                shorten(long),
                long.len()
            )));
        }
        // From 1.0 on, scikit-learn does not require columns that no branch uses
        // (`sklearn.compose`).
        let may_be_absent = fitted.filter(|_| builder.version >= Version::new(1, 0));
        let unused = may_be_absent.map(|fitted| fitted.unused().collect()).unwrap_or_default();
        Ok(Names { names: Some(ColumnNames::new(names)), label, unused, from })
    }

    /// The input of a model's root.
    pub(crate) fn input(&self) -> Input<'t> {
        // A label without a name is not a column of the model.
        let label = self.label.filter(|label| label.name.is_some() && self.names.is_some()).map(|label| label.place);
        Input {
            names: self.names.clone(),
            shape: Shape::Request { label },
            sparse: false,
            frame: true,
            origins: Origins::Request,
        }
    }

    /// The layout, from the requirements that `builder` collected. A model that cannot answer any request still loads,
    /// as in scikit-learn, which raises at `transform` or `predict`.
    ///
    /// # Errors
    /// If the columns of a `preprocessor.json` do not fit its own transformer.
    pub(crate) fn layout(
        self,
        dtypes: Option<&Dtypes>,
        pandas: Pandas,
        mut builder: Builder<'t, '_>,
    ) -> Result<(Layout, usize)> {
        let Names { names, label, mut unused, from } = self;
        unused.sort_unstable();
        let unused = builder.packed_list(unused.iter().copied())?;
        let types = match dtypes {
            Some(dtypes) => {
                let table = names.as_ref().map_or(0, |names| ColumnNames::table_bytes(names.len()));
                builder.use_scratch(dtypes.len().saturating_mul(TYPE_BYTES).saturating_add(table))?;
                dtypes.columns(names.as_ref(), builder.request_width)?
            }
            None => BTreeMap::new(),
        };
        let readings = Readings::new(&types, pandas, &mut builder)?;
        let is_named = label.is_some_and(|label| label.name.is_some());
        let names = names.as_deref().unwrap_or_default();
        let features = names.get(..names.len().saturating_sub(usize::from(is_named))).unwrap_or_default();
        let features = builder.packed_list(features.iter().copied())?;
        builder.keep(label.and_then(|label| label.name).map_or(0, str::len))?;
        let row_label = |FoundLabel { name, place, is_guessed }: FoundLabel<'t>| RowLabel {
            name: name.map(Box::from),
            place,
            is_guessed,
        };
        let label = label.map(row_label);
        let width = builder.request_width;
        let mut layout = Layout { features, label, width, unused, refusal: None, readings };
        let mismatch = builder.column_mismatch.take().or_else(|| layout.width_mismatch());
        let refusal = match (from, mismatch, builder.refusal.take()) {
            (Some(ColumnsSource::PreprocessorJson), Some(mismatch), None) => {
                return Err(ColumnsSource::PreprocessorJson.mismatch(&mismatch));
            }
            (Some(ColumnsSource::ColumnsJson), Some(mismatch), None) => {
                Some(ColumnsSource::ColumnsJson.mismatch(&mismatch).message().to_owned())
            }
            (_, mismatch, refusal) => refusal.or(mismatch),
        };
        layout.refusal = refusal.map(String::into_boxed_str);
        builder.keep(layout.refusal.as_ref().map_or(0, |refusal| refusal.len()))?;
        Ok((layout, builder.finish()))
    }
}

impl Layout {
    /// Checks the number of columns of a request, and finds out whether the label is among them.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](byoc_formats::error::Cause::BadPayload) with the columns that were expected.
    pub(crate) fn accept(&self, found: usize) -> Result<Request> {
        // If the model takes rows of any width, rows with and without the label look the same: all are assumed to have
        // it.
        let label = self.label.as_ref().filter(|_| self.label_in(found).is_some());
        let is_named = self.features.len() > 0;
        let others = self.row_width();
        if (is_named || self.label.is_some()) && label.is_none() && others.is_some_and(|others| others != found) {
            return Err(self.wrong_width(found));
        }
        if let Some(refusal) = &self.refusal {
            return Err(Error::bad_payload(&**refusal));
        }
        let fits = |found: usize| match self.width {
            RequestWidth::Any => true,
            RequestWidth::AtLeast(least) => found >= least && found - least <= MAX_UNUSED,
            RequestWidth::Exactly(exact) => found == exact,
        };
        match label {
            Some(label) if fits(found - 1) => Ok(Request::new(found, LabelOfRow::Apart(label.place))),
            Some(label) if fits(found) => Ok(Request::new(found, LabelOfRow::Used(label.place))),
            None if fits(found) => Ok(Request::new(found, LabelOfRow::None)),
            _ => Err(self.wrong_width(found)),
        }
    }

    /// Why the number of named columns never fits the model; `None` if it does.
    fn width_mismatch(&self) -> Option<String> {
        let count = self.features.len();
        let with_label = count + usize::from(self.label.is_some());
        let (is_fit, demanded) = match self.width {
            RequestWidth::Any => return None,
            RequestWidth::AtLeast(least) => (with_label >= least, format!("at least {least}")),
            RequestWidth::Exactly(exact) => (count == exact || with_label == exact, exact.to_string()),
        };
        if is_fit || count == 0 {
            return None;
        }
        let label = self.label.as_ref().and_then(|label| label.name.as_deref());
        let label = label.map(|label| format!(" and the label {label}")).unwrap_or_default();
        let names = list_names(&self.features());
        let count = if count == 1 { "1 column".to_owned() } else { format!("{count} columns") };
        Some(format!("a row has {count} by name ({names}){label}, but the model was fitted on {demanded}"))
    }

    fn wrong_width(&self, found: usize) -> Error {
        let features = self.features();
        let label = self.label.as_ref().map(RowLabel::describe);
        let names = list_names(&features);
        // The model may need the label as a feature, or have been fitted on other columns than a row has.
        let demanded = match self.width {
            RequestWidth::Any => None,
            RequestWidth::AtLeast(width) | RequestWidth::Exactly(width) => Some(width),
        };
        let expected = match (demanded, features.len(), label) {
            (Some(width), 0, Some(label)) => format!("{width} columns, or {} with {label}", width + 1),
            (Some(width), 0, None) => format!("{width} columns"),
            (Some(width), count, Some(label)) if width == count + 1 => {
                format!("{width} columns ({names}), with {label}")
            }
            (Some(width), count, _) if width != count => {
                format!("{width} columns, as the model was fitted on; but a row has {count} by its names ({names})")
            }
            (_, count, Some(label)) => format!("{count} columns ({names}), or {} with {label}", count + 1),
            (_, count, None) => format!("{count} columns ({names})"),
        };
        // Rows with a label, as for training, or rows without the dropped columns.
        let remedy = match (&self.label, self.row_width()) {
            (None, Some(width)) if found == width + 1 && !features.is_empty() => Some(Remedy::LabelAtAnEnd),
            (None, Some(width)) if found + 1 == width && self.unused.len() > 0 => Some(Remedy::LabelByName),
            _ => None,
        };
        let error = Error::bad_payload(format!("expected rows of {expected}, found {found}"));
        match remedy {
            Some(remedy) => error.remedied_by(remedy),
            None => error,
        }
    }

    /// The minimum number of columns of a row, without its label.
    pub(crate) fn row_width(&self) -> Option<usize> {
        match (self.features.len(), self.width) {
            (0, RequestWidth::Any) => None,
            (0, RequestWidth::AtLeast(width) | RequestWidth::Exactly(width)) => Some(width),
            (named, _) => Some(named),
        }
    }

    /// The names of the features of a row, without its label; empty if they have none.
    pub(crate) fn features(&self) -> Vec<&str> {
        self.features.iter().collect()
    }

    /// The name of a column, counted from 0, of a row whose label has been moved after the features.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        let label = || self.label.as_ref()?.name.as_deref();
        match self.features.len() {
            0 => None,
            features if index == features => label(),
            _ => self.features.get(index),
        }
    }

    /// The number of a column in the request, counted from 1, and its name. `index` counts the label as the last
    /// column.
    pub(crate) fn column(&self, index: usize, request: &Request) -> (usize, Option<String>) {
        (request.place_in_row(index) + 1, self.name(index).map(str::to_owned))
    }

    /// The names of the columns of a row with its label, in the order of the row, and the index of the label.
    pub(crate) fn row(&self) -> (Vec<&str>, Option<usize>) {
        let mut names = self.features();
        let label = self.label.as_ref().filter(|_| !names.is_empty());
        let label = label.and_then(|label| Some((label.place.index(names.len()), label.name.as_deref()?)));
        if let Some((place, name)) = label {
            names.insert(place, name);
        }
        (names, label.map(|(place, _)| place))
    }

    /// How a column of a row of this width is read.
    pub(crate) fn reading(&self, column: usize, width: usize) -> Reading {
        self.readings.of(self.feature(column, width))
    }

    /// The index of a row's column among the features, with the label as the last.
    fn feature(&self, column: usize, width: usize) -> usize {
        match self.label_in(width) {
            Some(label) if column == label => width - 1,
            Some(label) if column > label => column - 1,
            _ => column,
        }
    }

    /// The place of a feature in a row of this width.
    pub(crate) fn place_in_row(&self, feature: usize, width: usize) -> usize {
        match self.label_in(width) {
            Some(label) if feature + 1 == width => label,
            Some(label) if feature >= label => feature + 1,
            _ => feature,
        }
    }

    /// The index of the label in a row of this width, if such a row has it.
    fn label_in(&self, width: usize) -> Option<usize> {
        let others = width.checked_sub(1)?;
        let is_labelled = match self.row_width() {
            Some(features) => features == others,
            None => others > 0,
        };
        Some(self.label.as_ref().filter(|_| is_labelled)?.place.index(others))
    }

    /// How columns are read.
    pub(crate) fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Whether the model uses the column of a name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        let (mut low, mut high) = (0, self.unused.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.unused.get(middle).unwrap_or_default().cmp(name) {
                Ordering::Equal => return false,
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        true
    }

    /// The label that a row may have.
    pub(crate) fn label(&self) -> Option<&RowLabel> {
        self.label.as_ref()
    }

    /// For a guessed label: why it was guessed, and how to override it.
    pub(crate) fn explain_guess(&self) -> Option<Assumption> {
        let label = self.label.as_ref().filter(|label| label.is_guessed)?;
        Some(label::explain_guess(label.name.as_deref()?, label.place))
    }

    /// Names the columns that are typed by their cells although they were fitted on text that looks like numbers, and
    /// explains how to set a type.
    pub(crate) fn explain_undecided(&self) -> Option<Assumption> {
        let columns = self.readings.columns().iter().filter(|known| known.is_undecided);
        let places: Vec<String> = columns.clone().map(|known| known.column.to_string()).collect();
        let names: Vec<&str> =
            columns.zip(&places).map(|(known, place)| self.name(known.column as usize).unwrap_or(place)).collect();
        let first = names.first()?;
        let (what, was, them) =
            if names.len() == 1 { ("column", "was", "they are") } else { ("columns", "were", "those of a column are") };
        let text = format!(
            "{what} {} {was} fitted on text, some of which looks like numbers; if all cells of a request look like \
             numbers, {them} read as numbers, as in pandas, and do not match the fitted text",
            list_names(&names)
        );
        Some(Assumption { text, remedy: Remedy::IsText(Some((*first).to_owned())) })
    }

    /// Describes a row for the log at start.
    pub(crate) fn describe(&self) -> String {
        let features = self.features();
        let mut text = match (features.as_slice(), &self.width) {
            ([], RequestWidth::Any) => "columns by position".to_owned(),
            ([], RequestWidth::AtLeast(width) | RequestWidth::Exactly(width)) => format!("{width} columns by position"),
            (names, _) => format!("{} columns: {}", names.len(), list_names(names)),
        };
        if let Some(label) = &self.label {
            let name = label.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            text.push_str(&format!("; a row may have its label{name}, {}", label.place.describe()));
        }
        text
    }

    /// Why every request is refused, if it is.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }
}
