//! What the columns of a request are: features in order, and perhaps a label.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::build::{Builder, Input, LabelPosition, RequestWidth, Shape, shorten};
use super::column_names::ColumnNames;
use super::columns_json::{ColumnsJson, Label, Told};
use super::dtypes::Dtypes;
use super::readings::{Origins, Readings};
use super::steps::best;
use super::text_list::TextList;
use super::transformers::{FittedColumns, fitted_columns};
use crate::artifact::pickle::Value;
use crate::error::{Error, Result};
use crate::payload::csv::Pandas;
use crate::payload::reading::Reading;

/// A model that says only which column is the last that it uses takes so many columns behind it, for which it has no use. More
/// of them are no row of a table, and their memory would be for nothing.
const MOST_UNUSED: usize = 4096;

/// The longest name of a column of a request: what is wrong with a row is said with the names.
const LONGEST_NAME: usize = 64 << 10;

/// What a type takes that is said of a column, on its way to it.
const TOLD_BYTES: usize = 64;

/// The columns of a request.
#[derive(Debug)]
pub(super) struct Layout {
    /// The names of the features, then that of the label; empty when nobody named them.
    names: TextList,
    label: Option<LabelPosition>,
    width: RequestWidth,
    /// Whether nobody said which column is the label.
    is_guessed: bool,
    /// The names of the columns that no transformer uses, the label aside.
    /// In order, so that they are searched by halves.
    unused: TextList,
    /// Why every request is refused, if it is.
    refusal: Option<Box<str>>,
    readings: Readings,
}

/// The names of a request's columns while a model is built.
pub(super) struct Names<'t> {
    names: Option<ColumnNames<'t>>,
    label: Option<LabelPosition>,
    is_guessed: bool,
    /// What the first transformer was fitted on and does not use.
    unused: Vec<&'t str>,
    /// The document that gave them, if it was not the model.
    from: Option<Told>,
}

impl<'t> Names<'t> {
    /// The names that `columns.json` gives, else those that the artifact was fitted on, where a last one that no
    /// transformer uses is the label.
    pub(super) fn new(
        root: Value<'t>,
        json: Option<&'t ColumnsJson>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Names<'t>> {
        let own_label = match json.map(|json| &json.label) {
            Some(Label::Named(label, position)) => Some((label.as_str(), *position)),
            Some(Label::None | Label::Unsaid) | None => None,
        };
        let may_guess = json.is_none_or(|json| json.label == Label::Unsaid);
        let from = json.filter(|json| json.columns.is_some() || own_label.is_some()).map(|json| json.told);
        let fitted = first_to_see_the_request(root, builder)?.map(|first| fitted_columns(first, builder)).transpose();
        if let Some(columns) = json.and_then(|json| json.columns.as_ref()) {
            let fitted = fitted.ok().flatten().flatten();
            let unused =
                fitted.map_or(Ok(Vec::new()), |fitted| unused(root, fitted, builder).map(|(_, unused)| unused))?;
            builder.use_scratch(ColumnNames::bytes(columns.len() + 1))?;
            let columns = columns.iter().map(String::as_str).collect();
            return Ok(Names { unused, from, ..Names::of(columns, own_label)? });
        }
        let Some(fitted) = fitted?.flatten() else {
            return Ok(Names { names: None, label: None, is_guessed: false, unused: Vec::new(), from: None });
        };
        builder.use_scratch(ColumnNames::bytes(fitted.names.len() + 1))?;
        let (FittedColumns { names, uses_last, .. }, unused) = unused(root, fitted, builder)?;
        let mut names = names.to_vec();
        let label = match own_label {
            Some((label, position)) => {
                names.retain(|name| *name != label);
                Some((label, position))
            }
            None if uses_last || names.len() < 2 || !may_guess => None,
            None => names.pop().map(|label| (label, LabelPosition::Last)),
        };
        Ok(Names { is_guessed: own_label.is_none() && label.is_some(), unused, from, ..Names::of(names, label)? })
    }

    fn of(mut names: Vec<&'t str>, label: Option<(&'t str, LabelPosition)>) -> Result<Names<'t>> {
        names.extend(label.map(|(label, _)| label));
        if let Some(long) = names.iter().find(|name| name.len() > LONGEST_NAME) {
            return Err(Error::bad_artifact(format!(
                "expected names of columns of at most {LONGEST_NAME} bytes, found {:?} of {}",
                shorten(long),
                long.len()
            )));
        }
        let label = label.map(|(_, position)| position);
        Ok(Names { names: Some(ColumnNames::new(names)), label, is_guessed: false, unused: Vec::new(), from: None })
    }

    /// What the root of a model is given.
    pub(super) fn input(&self) -> Input<'t> {
        Input {
            names: self.names.clone(),
            shape: Shape::Request { label: self.label },
            sparse: false,
            frame: true,
            origins: Origins::Request,
        }
    }

    /// The layout that comes of what the model demanded. A model that can answer no request loads all the same, as in
    /// scikit-learn, which raises when it is asked.
    ///
    /// # Errors
    /// When a `preprocessor.json` contradicts itself in this: it was written for nothing else.
    pub(super) fn layout(
        self,
        dtypes: Option<&Dtypes>,
        pandas: Pandas,
        mut builder: Builder<'t, '_>,
    ) -> Result<(Layout, usize)> {
        let Names { names, label, is_guessed, mut unused, from } = self;
        unused.sort_unstable();
        let unused = builder.packed_list(unused.iter().copied())?;
        let told = match dtypes {
            Some(dtypes) => {
                builder.use_scratch(dtypes.len().saturating_mul(TOLD_BYTES))?;
                dtypes.columns(names.as_ref(), builder.request_width)?
            }
            None => BTreeMap::new(),
        };
        let readings = Readings::new(&told, pandas, &mut builder)?;
        let names = builder.packed_list(names.as_deref().unwrap_or_default().iter().copied())?;
        let width = builder.request_width;
        let mut layout = Layout { names, label, width, is_guessed, unused, refusal: None, readings };
        let misfit = builder.misfit.take().or_else(|| layout.misfit());
        let refusal = match (from, misfit, builder.refusal.take()) {
            (Some(Told::Document), Some(misfit), None) => return Err(Told::Document.misfit(&misfit)),
            (Some(Told::ColumnsJson), Some(misfit), None) => {
                Some(Told::ColumnsJson.misfit(&misfit).message().to_owned())
            }
            (_, misfit, refusal) => refusal.or(misfit),
        };
        layout.refusal = refusal.map(String::into_boxed_str);
        builder.keep(layout.refusal.as_ref().map_or(0, |refusal| refusal.len()))?;
        Ok((layout, builder.finish()))
    }
}

/// The estimator that sees the columns of a request first: steps that only pass them on are skipped.
fn first_to_see_the_request<'t>(value: Value<'t>, builder: &Builder<'t, '_>) -> Result<Option<Attributes<'t>>> {
    let Some(object) = best(value).ok().and_then(Attributes::of) else { return Ok(None) };
    let parts = match object.class() {
        "Pipeline" => "steps",
        "FeatureUnion" => "transformer_list",
        _ => return Ok(Some(object)),
    };
    for part in object.get(parts).and_then(Value::items).into_iter().flatten() {
        builder.work.charge_items::<Value<'_>>(1)?;
        let Some([_, part]) = part.array_of::<2>() else { continue };
        if let Some(first) = first_to_see_the_request(part, builder)?.filter(|first| !passes_on(first)) {
            return Ok(Some(first));
        }
    }
    Ok(None)
}

/// Whether a step only passes columns on.
fn passes_on(step: &Attributes<'_>) -> bool {
    step.class() == "FunctionTransformer" && step.present("func").is_none()
}

/// The columns that a model was fitted on by name and does not use. scikit-learn misses no column that only an absent or
/// dropped branch of a ColumnTransformer would take (`ColumnTransformer.transform`, from 1.0 on); beside others in a
/// FeatureUnion it would have to ask each of them, which is not done here.
fn unused<'t>(
    root: Value<'t>,
    mut fitted: FittedColumns<'t>,
    builder: &Builder<'t, '_>,
) -> Result<(FittedColumns<'t>, Vec<&'t str>)> {
    let mut value = Some(root);
    while let Some(object) = value.and_then(|value| Attributes::of(best(value).ok()?)) {
        match object.class() {
            "FeatureUnion" => return Ok((fitted, Vec::new())),
            "Pipeline" => {
                let steps = object.get("steps").and_then(Value::items).into_iter().flatten();
                value = None;
                for step in steps.filter_map(|step| step.array_of::<2>().map(|[_, step]| step)) {
                    if first_to_see_the_request(step, builder)?.is_some_and(|first| !passes_on(&first)) {
                        value = Some(step);
                        break;
                    }
                }
            }
            _ => {
                let unused = std::mem::take(&mut fitted.unused);
                return Ok((fitted, unused));
            }
        }
    }
    Ok((fitted, Vec::new()))
}

/// A request whose columns were found to be what the model takes.
pub(super) struct Request {
    /// The label's place among the features, when the row has one: it is moved behind them.
    pub(super) label: Option<LabelPosition>,
}

impl Request {
    /// Whether a column has a value in some row of the body, of which the blocks of its rows are told by its place in a row; the
    /// column is counted as the transformers count it, a label that comes first as the last one.
    pub(super) fn has_values(&self, of_row: Option<&[bool]>, column: usize) -> bool {
        let Some(of_row) = of_row else { return false };
        let place = match self.label {
            Some(LabelPosition::First) => (column + 1) % of_row.len().max(1),
            _ => column,
        };
        of_row.get(place).copied().unwrap_or(false)
    }
}

impl Layout {
    /// Checks how many columns a request has, and tells whether the label is among them.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](crate::error::Cause::BadPayload) with the columns that were expected.
    pub(super) fn accept(&self, found: usize) -> Result<Request> {
        let expected = self.features().len();
        let named = self.names.len() > 0;
        let labelled = named && self.label.is_some() && found == expected + 1;
        if named && found != expected && !labelled {
            return Err(self.wrong_width(found));
        }
        if let Some(refusal) = &self.refusal {
            return Err(Error::bad_payload(&**refusal));
        }
        let fits = match self.width {
            RequestWidth::Any => true,
            RequestWidth::AtLeast(least) => found >= least && found - least <= MOST_UNUSED,
            RequestWidth::Exactly(exact) => found == exact,
        };
        if !fits {
            return Err(self.wrong_width(found));
        }
        Ok(Request { label: self.label.filter(|_| labelled) })
    }

    /// Why rows of the columns that are named are never as wide as the model takes them, if that is so.
    fn misfit(&self) -> Option<String> {
        let features = self.features();
        let with_label = features.len() + usize::from(self.label.is_some());
        let (is_fit, demanded) = match self.width {
            RequestWidth::Any => return None,
            RequestWidth::AtLeast(least) => (with_label >= least, format!("at least {least}")),
            RequestWidth::Exactly(exact) => (features.len() == exact || with_label == exact, exact.to_string()),
        };
        if is_fit || self.names.len() == 0 {
            return None;
        }
        let label = self.names.get(features.len()).map(|label| format!(" and the label {label}")).unwrap_or_default();
        let names = super::build::list_names(&features);
        let count = if features.len() == 1 { "1 column".to_owned() } else { format!("{} columns", features.len()) };
        Some(format!("a row has {count} by name ({names}){label}, but the model was fitted on {demanded}"))
    }

    fn wrong_width(&self, found: usize) -> Error {
        let features = self.features();
        let label = self.label.and_then(|position| {
            let end = if position == LabelPosition::First { "first" } else { "last" };
            Some(format!("the label {} {end}", self.names.get(features.len())?))
        });
        let names = super::build::list_names(&features);
        // The model may need the label as a feature, or have been fitted on other columns than a row has.
        let demanded = match self.width {
            RequestWidth::Any => None,
            RequestWidth::AtLeast(width) | RequestWidth::Exactly(width) => Some(width),
        };
        let expected = match (demanded, features.len(), label) {
            (Some(width), 0, _) => format!("{width} columns"),
            (Some(width), count, Some(label)) if width == count + 1 => {
                format!("{width} columns ({names}), with {label}")
            }
            (Some(width), count, _) if width != count => {
                format!("{width} columns, as the model was fitted on; but a row has {count} by its names ({names})")
            }
            (None, count, Some(label)) => format!("{count} columns ({names}), or {} with {label}", count + 1),
            (_, count, _) => format!("{count} columns ({names})"),
        };
        Error::bad_payload(format!("expected rows of {expected}, found {found}"))
    }

    /// How many columns a row has at least, its label aside.
    pub(super) fn row_width(&self) -> Option<usize> {
        match (self.features().len(), self.width) {
            (0, RequestWidth::Any) => None,
            (0, RequestWidth::AtLeast(width) | RequestWidth::Exactly(width)) => Some(width),
            (named, _) => Some(named),
        }
    }

    /// The names of the features of a row, without its label; none when nobody named them.
    pub(super) fn features(&self) -> Vec<&str> {
        let label = usize::from(self.label.is_some());
        self.names.iter().take(self.names.len().saturating_sub(label)).collect()
    }

    /// The number of a column in the request, counted from 1, and its name; the label counts as the last one here.
    pub(super) fn column(&self, index: usize, request: &Request) -> (usize, Option<String>) {
        let name = self.names.get(index).map(str::to_owned);
        match request.label {
            Some(LabelPosition::First) if index + 1 == self.names.len() => (1, name),
            Some(LabelPosition::First) => (index + 2, name),
            Some(LabelPosition::Last) | None => (index + 1, name),
        }
    }

    /// The name of a column of a row whose label has been moved behind the features, counted from 0.
    pub(super) fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index)
    }

    /// The names of the columns of a row that has its label, in the row's own order, and which of them is the label.
    pub(super) fn row(&self) -> (Vec<&str>, Option<usize>) {
        let mut names: Vec<_> = self.names.iter().collect();
        let label = match self.label.filter(|_| !names.is_empty()) {
            Some(LabelPosition::First) => {
                names.rotate_right(1);
                Some(0)
            }
            Some(LabelPosition::Last) => Some(names.len() - 1),
            None => None,
        };
        (names, label)
    }

    /// How a column of a row is read that has so many.
    pub(super) fn reading(&self, column: usize, width: usize) -> Reading {
        self.readings.of(self.feature(column, width))
    }

    /// The place of a column of a row among the features, where a label is the last.
    fn feature(&self, column: usize, width: usize) -> usize {
        match self.label {
            Some(LabelPosition::First) if self.names.len() > 0 && width == self.names.len() => {
                column.checked_sub(1).unwrap_or(width - 1)
            }
            _ => column,
        }
    }

    /// The place of a feature in a row that has so many columns.
    pub(super) fn place_in_row(&self, feature: usize, width: usize) -> usize {
        match self.label {
            Some(LabelPosition::First) if self.names.len() > 0 && width == self.names.len() => (feature + 1) % width,
            _ => feature,
        }
    }

    /// How columns are read.
    pub(super) fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Whether the model looks at the column of a name.
    pub(super) fn uses(&self, name: &str) -> bool {
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

    /// The label, where it is one only because it comes last and is not used.
    pub(super) fn guessed_label(&self) -> Option<&str> {
        self.names.get(self.names.len().checked_sub(1)?).filter(|_| self.is_guessed)
    }

    /// Where in a row the label stands, if it may have one.
    pub(super) fn label(&self) -> Option<LabelPosition> {
        self.label
    }

    /// What a row is, for the person who starts a container.
    pub(super) fn describe(&self) -> String {
        let features = self.features();
        let mut text = match (features.as_slice(), &self.width) {
            ([], RequestWidth::Any) => "columns by position".to_owned(),
            ([], RequestWidth::AtLeast(width) | RequestWidth::Exactly(width)) => format!("{width} columns by position"),
            (names, _) => format!("{} columns: {}", names.len(), super::build::list_names(names)),
        };
        if let (Some(position), Some(label)) = (self.label, self.names.get(features.len())) {
            let end = if position == LabelPosition::First { "first" } else { "last" };
            text.push_str(&format!("; a row may have its label {label}, {end}"));
        }
        text
    }

    /// Why every request is refused, if it is.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }
}
