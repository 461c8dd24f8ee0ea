//! The preprocessor: fitted transformers, applied to rows as scikit-learn applies them.
//!
//! A [`Preprocessor`] is built from a pickle that was read as data ([`Preprocessor::from_pickle`]) and turns a
//! [`Table`] of request columns into a [`Table`] of features. As much as possible is decided when it is built: the use
//! of each column of a request, the behaviour of the scikit-learn version, the columns of categories.
//!
//! `layout` has the columns of a request, `label` and `guessed` its label, `readings` how each column is read, and
//! `columns_json` the document beside a model. `transformers` computes the features.

mod assumption;
mod columns_json;
mod dtypes;
#[cfg(test)]
mod edge_cases_test;
#[cfg(test)]
pub(crate) mod fixtures_test;
mod guessed;
mod label;
mod layout;
mod overrides;
pub(crate) mod readings;
mod request;
#[cfg(test)]
mod twin_test;

pub use assumption::Assumption;
pub use columns_json::{COLUMNS_JSON, ColumnsJson, twice};
pub use dtypes::{Dtypes, DtypesFrom};
pub use overrides::{LabelChoice, LabelSetting, Overrides};
pub use request::Request;

use crate::artifact::builder::{Builder, Input, LabelPlace};
use crate::artifact::version::version_of;
use crate::columns::demand::Demand;
use crate::columns::dtype::{Dtype, cast_label, stack, stack_frame};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::origin::Origin;
use crate::method::Method;
use crate::transformers::chain::chain;
use crate::transformers::steps::Step;
use crate::transformers::transformer::Transformer;
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Place, Result};
use byoc_formats::media_types::AnswerWriter;
use byoc_formats::pickle::Tree;
use byoc_formats::rows::reading::Reading;
use byoc_formats::rows::schema::{End, Schema};
use byoc_formats::rows::table::{Column, Table};
use byoc_formats::rows::{Block, Features, Frame};
use guessed::{GuessedSoFar, first_that_is_no_number, has_numbers};
use layout::{Layout, Names};
use std::borrow::Cow;

/// Fitted transformers of scikit-learn. Immutable: all threads may share one.
#[derive(Debug)]
pub struct Preprocessor {
    pub(crate) layout: Layout,
    transformer: Transformer,
    /// The memory that was kept while it was built, and for what was built after it with the same builder.
    kept: usize,
    /// Whether requests had the label that was guessed.
    guessed: GuessedSoFar,
}

impl std::fmt::Display for Preprocessor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.layout.describe())
    }
}

impl Preprocessor {
    /// Why every request will be refused, if `columns.json` and the model do not fit each other. scikit-learn also
    /// loads such a model, and raises at each call.
    pub fn refusal(&self) -> Option<&str> {
        self.layout.refusal()
    }

    /// Which column was guessed to be the label, why, and which setting changes it.
    pub fn guessed_label(&self) -> Option<Assumption> {
        self.layout.explain_guess()
    }

    /// Which columns were fitted on text that looks like numbers although nothing says that they are text, and how to
    /// say it.
    pub fn undecided_types(&self) -> Option<Assumption> {
        self.layout.explain_undecided()
    }

    /// Builds a preprocessor from a pickle of scikit-learn 0.20 to 1.9.
    ///
    /// The names of a row's columns come from `columns`, else from the artifact; then a label may be guessed (`label`).
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] for classes that are not supported (an estimator among
    /// them), for attributes that are missing, wrong, or do not fit each other, and for another method than
    /// `transform`.
    pub fn from_pickle(tree: &Tree, columns: Option<ColumnsJson>, allowance: &Allowance) -> Result<Preprocessor> {
        let method = columns.as_ref().and_then(|columns| columns.method).unwrap_or(Method::Transform);
        if method != Method::Transform {
            return Err(Error::new(
                Cause::NoSuchMethod,
                format!(
                    "the method is {}, which a transformer does not have: expected \"transform\", or no method",
                    method.name()
                ),
            ));
        }
        let whole = Step::whole(tree.root());
        let built = Preprocessor::before(tree, columns.as_ref(), vec![whole], allowance, |_, _| Ok(()));
        built.map(|(preprocessor, ())| preprocessor)
    }

    /// Builds the transformers before an estimator, and the estimator for their output.
    ///
    /// # Errors
    /// As [`Preprocessor::from_pickle`], and those of `estimator`.
    pub(crate) fn before<'t, T>(
        tree: &'t Tree,
        columns: Option<&'t ColumnsJson>,
        steps: Vec<Step<'t>>,
        allowance: &Allowance,
        estimator: impl FnOnce(&Input<'t>, &mut Builder<'t, '_>) -> Result<T>,
    ) -> Result<(Preprocessor, T)> {
        let root = tree.root();
        let version = version_of(root)?;
        let mut builder = Builder::new(version, tree.plain_bytes(), allowance);
        let pandas = readings::pandas_of(tree, version);
        let names = Names::new(root, columns, &mut builder)?;
        let built = chain(steps, &names.input(), &mut builder)?;
        builder.note_answer(&built.output)?;
        let estimator = estimator(&built.output, &mut builder)?;
        let transformer = built.transformer;
        let dtypes = columns.and_then(|columns| columns.dtypes.as_ref());
        let (layout, kept) = names.layout(dtypes, pandas, builder)?;
        Ok((Preprocessor { layout, transformer, kept, guessed: GuessedSoFar::default() }, estimator))
    }

    /// Decides whether the rows of a body have their label; `before` is the decision for earlier pieces of the same
    /// body.
    ///
    /// A column that was only guessed to be the label is the label if it has numbers and otherwise only missing
    /// values. Of a body in pieces the first piece decides for all rows, so that they all have as many features.
    ///
    /// # Errors
    /// [`Cause::BadPayload`] for rows of a wrong width, and for text in a column that was taken for the label in the
    /// rows before.
    pub fn enter(&self, frame: &Frame<'_>, before: Option<Request>) -> Result<Request> {
        let request = self.layout.accept(frame.width())?;
        let no_number = |label| frame.values(label).and_then(first_that_is_no_number);
        match (self.guessed(&request), before) {
            (None, _) => Ok(request),
            (Some(_), Some(before)) if !before.has_label() => Ok(request.without_label()),
            (Some(label), None) => {
                let is_label = frame.values(label).is_some_and(has_numbers);
                self.guessed.note(is_label, || self.layout.explain_guess().map(|guess| guess.text));
                Ok(if is_label { request } else { request.without_label() })
            }
            (Some(label), Some(_)) => match no_number(label) {
                None => Ok(request),
                Some(value) => {
                    let name = self.layout.row().0.get(label).copied().unwrap_or_default().to_owned();
                    let row = frame.row_of(label, value).unwrap_or_default() + 1;
                    let expected = "expected a number, as in the rows before";
                    let error = match self.guessed_label() {
                        Some(Assumption { text, remedy }) => {
                            Error::bad_payload(format!("{expected}, for which {text}")).remedied_by(remedy)
                        }
                        None => Error::bad_payload(expected),
                    };
                    Err(error.at(Place::cell(row, label + 1).named(name)))
                }
            },
        }
    }

    /// The position in a row of the column that was guessed to be the label, if the request has it.
    fn guessed(&self, request: &Request) -> Option<usize> {
        request.label().filter(|_| self.layout.label().is_some_and(|label| label.is_guessed))
    }

    /// Transforms all rows of a body. If they have their label, the answer has it too.
    ///
    /// The answer has one type for all its columns and the label, as numpy promotes them.
    ///
    /// # Errors
    /// [`Cause::BadPayload`] for rows of a wrong width and for values that the model
    /// does not take, with row, column and the column's name; and where scikit-learn raises.
    pub fn transform<'a>(&'a self, table: Table<'a>) -> Result<Features<'a>> {
        let request = self.layout.accept(table.columns.len())?;
        let guessed = self.guessed(&request).and_then(|label| table.columns.get(label));
        let is_label = guessed.is_none_or(has_numbers);
        self.transform_block(table.into(), &if is_label { request } else { request.without_label() })
    }

    /// Transforms some rows of a body that was taken.
    fn transform_block<'a>(&'a self, block: Block<'a>, request: &Request) -> Result<Features<'a>> {
        let Block { table: Table { rows, mut columns }, first_row, has_values } = block;
        let apart = request.take_label(&mut columns);
        let place = |origin: Origin| self.place(origin, request);
        let has_values = |column: usize| request.has_values(has_values, column);
        let transformed = self.features(&columns, rows, has_values);
        let transformed = transformed.map_err(|fault| fault.shifted(first_row).into_error(place))?;
        let source = |feature: &Feature<'_, '_>| self.layout.name(feature.origin.index()?);
        let sources = transformed.iter().map(source).collect();
        let transformed: Vec<_> = transformed.into_iter().map(|feature| feature.data.into_owned()).collect();
        let label = match request.has_label() {
            false => None,
            true => {
                let origin = Origin::column(columns.len().saturating_sub(usize::from(apart.is_none())));
                let label = apart.or_else(|| columns.pop()).unwrap_or(Column::Float64(Vec::new()));
                let dtype = transformed.first().map_or(Dtype::Float64, Dtype::of);
                let label =
                    cast_label(label, dtype, origin).map_err(|fault| fault.shifted(first_row).into_error(place));
                Some(label.map_err(|error| self.explain_label(error))?)
            }
        };
        Ok(Features { label, table: Table { rows, columns: transformed }, sources })
    }

    /// Transforms rows, without their label if they come with one, and hands the features on.
    ///
    /// # Errors
    /// As [`Preprocessor::transform`], and those of `then`.
    pub(crate) fn transform_then<'a, T>(
        &'a self,
        block: Block<'a>,
        then: impl FnOnce(Vec<Feature<'_, 'a>>, usize) -> Result<T, Fault>,
    ) -> Result<T> {
        let Block { table: Table { rows, mut columns }, first_row, has_values } = block;
        let request = self.layout.accept(columns.len())?;
        request.take_label(&mut columns);
        let has_values = |column: usize| request.has_values(has_values, column);
        let done = self.features(&columns, rows, has_values).and_then(|features| then(features, rows));
        done.map_err(|fault| fault.shifted(first_row).into_error(|origin| self.place(origin, &request)))
    }

    /// An error about the label, with why the column is one.
    fn explain_label(&self, error: Error) -> Error {
        let Some(Assumption { text, remedy }) = self.guessed_label() else { return error };
        let message = format!("{}: {text}", error.message());
        Error::new(error.cause(), message).remedied_by(remedy).at(error.place().cloned().unwrap_or_default())
    }

    fn place(&self, origin: Origin, request: &Request) -> Option<(usize, Option<String>)> {
        Some(self.layout.column(origin.index()?, request))
    }

    fn features<'c, 'a>(
        &'a self,
        columns: &'c [Column<'a>],
        rows: usize,
        has_values: impl Fn(usize) -> bool,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let feature = |(index, column)| Feature {
            origin: Origin::column(index),
            data: Cow::Borrowed(column),
            has_values: has_values(index) || self.layout.readings().is_text(index),
            imputed: false,
        };
        let features = columns.iter().enumerate().map(feature).collect();
        let transformed = self.transformer.apply(features, rows)?;
        Ok(if self.transformer.keeps_frames() { stack_frame(transformed) } else { stack(transformed) })
    }

    /// The memory and time that a row of this many columns takes.
    pub fn demand(&self, columns: usize) -> Demand {
        // At the end all columns become one array, of one type.
        let demand = self.transformer.demand(columns);
        Demand::of_columns(columns).then(demand).then(Demand::of_columns(demand.width))
    }

    /// The columns whose types are inferred from the cells of a body and for which a transformer treats a number and
    /// its text differently, by their indices among the features.
    pub fn columns_by_kind(&self) -> Vec<usize> {
        let columns = self.layout.readings().columns().iter();
        let is_by_kind = |known: &&readings::ColumnReading| known.tells_kinds_apart && known.reading.dtype.is_none();
        columns.filter(is_by_kind).map(|known| known.column as usize).collect()
    }

    /// The position of a feature in a row of this width, or of the label, which counts after the features.
    pub fn place_in_row(&self, feature: usize, width: usize) -> usize {
        self.layout.place_in_row(feature, width)
    }

    /// How many columns a row has, if the model determines it.
    pub fn row_width(&self) -> Option<usize> {
        self.layout.row_width()
    }

    /// Writes the features of the rows of a body that was taken, block by block.
    ///
    /// # Errors
    /// As [`Preprocessor::transform`]; and if there is not enough memory or time to answer.
    pub fn answer(
        &self,
        frame: Frame<'_>,
        request: &Request,
        writer: &mut AnswerWriter<'_>,
        allowance: &Allowance,
    ) -> Result<()> {
        let demand = self.demand(frame.width());
        demand.each_block(frame, allowance, |block| writer.features(self.transform_block(block, request)?))
    }

    /// How many bytes it takes in memory, heap and own size.
    pub fn bytes(&self) -> u64 {
        (size_of::<Preprocessor>() as u64).saturating_add(self.kept as u64)
    }

    /// The names of the columns of a row without its label, in order; none if neither the artifact nor `columns.json`
    /// has names.
    pub fn feature_names(&self) -> Vec<&str> {
        self.layout.features()
    }
}

impl Schema for Preprocessor {
    fn check_width(&self, columns: usize) -> Result<()> {
        self.layout.accept(columns).map(drop)
    }

    fn names(&self) -> Vec<&str> {
        self.layout.row().0
    }

    fn uses(&self, name: &str) -> bool {
        self.layout.uses(name)
    }

    fn label(&self) -> Option<usize> {
        self.layout.row().1
    }

    fn reading(&self, column: usize, width: usize) -> Reading {
        self.layout.reading(column, width)
    }

    fn unnamed_label(&self) -> Option<End> {
        let label = self.layout.label().filter(|label| label.name.is_none())?;
        Some(if label.place == LabelPlace::First { End::First } else { End::Last })
    }
}
