//! What transformers know about their input while they are built, and what they require of requests.

mod categories;
mod observations;
mod shared;

use byoc_account::Allowance;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::artifact::attributes::Attributes;
use crate::artifact::work::{MAX_COLUMNS, Work};
use crate::columns::column_names::ColumnNames;
use crate::columns::readings::{Origins, Seen};
use crate::version::Version;
use byoc_formats::error::{Error, Result};
use shared::Shared;

/// The input of a transformer.
#[derive(Clone, Debug)]
pub(crate) struct Input<'t> {
    /// The names of the columns of a frame; `None` for a bare array.
    pub(crate) names: Option<ColumnNames<'t>>,
    pub(crate) shape: Shape,
    /// Whether scikit-learn has a sparse matrix here. The numbers are the same, but some checks and operations on
    /// arrays are skipped for it.
    pub(crate) sparse: bool,
    /// Whether it is a frame, with names or without.
    pub(crate) frame: bool,
    /// Where the columns come from.
    pub(crate) origins: Origins,
}

impl<'t> Input<'t> {
    /// A bare array of `width` columns.
    pub(crate) fn array(width: usize) -> Input<'t> {
        Input { names: None, shape: Shape::Fixed(width), sparse: false, frame: false, origins: Origins::Changed }
    }

    /// Any columns: for a transformer that is built separately.
    pub(crate) fn unknown() -> Input<'t> {
        Input {
            names: None,
            shape: Shape::Request { label: None },
            sparse: false,
            frame: true,
            origins: Origins::Changed,
        }
    }
}

/// The number of columns of a transformer's input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// The request itself: all of its columns. The label, if it has a name, is the last of the names and may be
    /// missing.
    Request { label: Option<LabelPlace> },
    /// Always as many as this.
    Fixed(usize),
}

/// The position of the label in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelPosition {
    /// Before all other columns.
    First,
    /// After all other columns.
    Last,
}

/// The same, for a label that a setting names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelPlace {
    /// Before all other columns.
    First,
    /// After this number of them, and before the rest.
    After(usize),
    /// After all other columns.
    Last,
}

impl From<LabelPosition> for LabelPlace {
    fn from(position: LabelPosition) -> LabelPlace {
        match position {
            LabelPosition::First => LabelPlace::First,
            LabelPosition::Last => LabelPlace::Last,
        }
    }
}

impl LabelPlace {
    /// Its index in a row with `others` other columns.
    pub(crate) fn index(self, others: usize) -> usize {
        match self {
            LabelPlace::First => 0,
            LabelPlace::After(before) => before.min(others),
            LabelPlace::Last => others,
        }
    }

    /// For messages, after a name.
    pub(crate) fn describe(self) -> Cow<'static, str> {
        match self {
            LabelPlace::First => "first".into(),
            LabelPlace::After(before) => format!("column {}", before + 1).into(),
            LabelPlace::Last => "last".into(),
        }
    }
}

/// How many columns a request must have, the label included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestWidth {
    Any,
    AtLeast(usize),
    Exactly(usize),
}

/// Collects what the whole model requires of requests and keeps in memory.
pub(crate) struct Builder<'t, 'a> {
    pub(crate) version: Version,
    pub(crate) request_width: RequestWidth,
    /// Why no request can be answered, where scikit-learn would fail at each one: the first reason found.
    pub(crate) refusal: Option<String>,
    /// Why the names of a row's columns do not fit the model: the first reason found.
    pub(crate) column_mismatch: Option<String>,
    pub(crate) work: Work<'a>,
    /// How many transformers may still be built.
    transformers_left: usize,
    /// How many products of features transformers may still compute.
    products_left: usize,
    /// Bytes that the model keeps.
    kept: usize,
    /// Bytes that are needed until it is built.
    pub(crate) scratch: usize,
    /// Converted values to which the file may refer again.
    pub(crate) shared: Shared<'t>,
    /// What transformers show about the columns of a request.
    pub(crate) seen: BTreeMap<u32, Seen>,
}

/// What any file may have built beyond what its bytes justify: a position for each of the most columns.
const ALWAYS: usize = MAX_COLUMNS * size_of::<usize>();

/// The most products of features in a model. Four hundred features of degree 2 have 80,000.
const MAX_PRODUCTS: usize = 1 << 21;

impl<'t, 'a> Builder<'t, 'a> {
    /// A builder of a model whose artifact has this many bytes, uncompressed.
    pub(crate) fn new(version: Version, artifact_bytes: usize, allowance: &'a Allowance) -> Builder<'t, 'a> {
        Builder {
            version,
            request_width: RequestWidth::Any,
            refusal: None,
            column_mismatch: None,
            work: Work::of_file(artifact_bytes, ALWAYS, allowance),
            // A transformer has a name, a class and attributes.
            transformers_left: artifact_bytes / 16 + 64,
            products_left: MAX_PRODUCTS,
            kept: 0,
            scratch: 0,
            shared: Shared::default(),
            seen: BTreeMap::new(),
        }
    }

    /// The memory that is left for it.
    pub(crate) fn allowance(&self) -> &'a Allowance {
        self.work.allowance
    }

    /// Takes bytes that the model is about to keep.
    ///
    /// # Errors
    /// If they are not available.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<()> {
        self.allowance().take(bytes)?;
        self.kept = self.kept.saturating_add(bytes);
        Ok(())
    }

    /// Takes the bytes of items that the model is about to keep.
    ///
    /// # Errors
    /// As [`Builder::keep`].
    pub(crate) fn keep_items<T>(&mut self, count: usize) -> Result<()> {
        self.keep(count.saturating_mul(size_of::<T>()))
    }

    /// Takes bytes that are needed until the model is built.
    ///
    /// # Errors
    /// As [`Builder::keep`].
    pub(crate) fn use_scratch(&mut self, bytes: usize) -> Result<()> {
        self.allowance().take(bytes)?;
        self.scratch = self.scratch.saturating_add(bytes);
        Ok(())
    }

    /// Ends building: gives back temporary memory, and returns the number of bytes that the model keeps.
    pub(crate) fn finish(self) -> usize {
        let Builder { kept, scratch, shared, work, .. } = self;
        // Numbers that were only used to compute others are not kept.
        let unused = shared.only_here();
        drop(shared);
        work.allowance.give_back(scratch.saturating_add(unused));
        kept.saturating_sub(unused)
    }

    /// Counts a transformer that is about to be built. A small file can name one transformer many times: unions of two,
    /// nested ten deep, have a thousand.
    ///
    /// # Errors
    /// For more than the file has bytes for.
    pub(crate) fn count_transformer(&mut self) -> Result<()> {
        let left = self.transformers_left.checked_sub(1);
        self.transformers_left = left.ok_or_else(|| {
            Error::bad_artifact(
                "the model refers to the same transformers over and over: more often than its file size allows",
            )
        })?;
        Ok(())
    }

    /// Takes products that are about to be computed; `None` for more than a model may have.
    pub(crate) fn count_products(&mut self, count: usize) -> Option<()> {
        self.products_left = self.products_left.checked_sub(count)?;
        Some(())
    }

    /// Notes why every request must be refused. The model still loads, as it does in scikit-learn.
    pub(crate) fn refuse(&mut self, reason: impl Into<String>) {
        self.refusal.get_or_insert_with(|| reason.into());
    }

    /// Notes that the names of a row's columns do not fit the model. The caller reports it for the file that gives the
    /// names; if they come from the model itself, the model still loads.
    pub(crate) fn note_column_mismatch(&mut self, reason: impl FnOnce() -> String) {
        self.column_mismatch.get_or_insert_with(reason);
    }

    /// Notes how wide requests must be.
    pub(crate) fn require_width(&mut self, width: RequestWidth) {
        use RequestWidth::{Any, AtLeast, Exactly};
        self.request_width = match (self.request_width, width) {
            (Any, width) | (width, Any) => width,
            (AtLeast(one), AtLeast(other)) => AtLeast(one.max(other)),
            (Exactly(exact), AtLeast(least)) | (AtLeast(least), Exactly(exact)) if exact >= least => Exactly(exact),
            (Exactly(one), Exactly(other)) if one == other => Exactly(one),
            (one, _) => {
                self.refuse("the transformers of the model were fitted on rows of different widths");
                one
            }
        };
    }

    /// Checks that an estimator that takes all of its input in the order of fit gets the columns that it was fitted on.
    ///
    /// # Errors
    /// When the parts of the model do not fit each other.
    pub(crate) fn accept(&mut self, input: &Input<'_>, estimator: Attributes<'t>, width: usize) -> Result<()> {
        estimator.check_width("features", width)?;
        if let Some(n_features_in) = estimator.n_features_in()?.filter(|found| *found != width) {
            return Err(
                estimator.error(format_args!("n_features_in_ is {n_features_in}, but {width} features were fitted"))
            );
        }
        match input.shape {
            Shape::Fixed(found) if found != width => {
                return Err(estimator.error(format_args!("it was fitted on {width} features, but is given {found}")));
            }
            Shape::Fixed(_) => {}
            Shape::Request { label } => {
                self.require_width(RequestWidth::Exactly(width));
                self.check_order_of_label(label, input, estimator, width);
            }
        }
        let Some(given) = &input.names else { return Ok(()) };
        let Some(fitted) = self.feature_names_in(estimator)? else { return Ok(()) };
        if fitted.len() != width {
            return Err(
                estimator.error(format_args!("feature_names_in_ has {} names for {width} features", fitted.len()))
            );
        }
        // Until 1.1 other names or another order only caused a warning.
        if self.version < Version::new(1, 2) || given.is_same(&fitted) {
            return Ok(());
        }
        self.work.charge_items::<&str>(width)?;
        if given.get(..width) != Some(&*fitted) {
            self.note_column_mismatch(|| {
                format!(
                    "the columns of a row are {}, but {} was fitted on {}, in this order",
                    list_names(given),
                    estimator.class(),
                    list_names(&fitted)
                )
            });
        }
        Ok(())
    }

    /// Notes where an estimator takes the label of a row as one of its columns, and not as the last: here the label
    /// follows the other columns, since a row may lack it.
    fn check_order_of_label(
        &mut self,
        label: Option<LabelPlace>,
        input: &Input<'_>,
        estimator: Attributes<'t>,
        width: usize,
    ) {
        let (Some(place), Some(names)) = (label, &input.names) else { return };
        if names.len() == width && place.index(width.saturating_sub(1)) + 1 != width {
            let name = names.last().copied().unwrap_or_default();
            self.note_column_mismatch(|| {
                let (class, name, place) = (estimator.class(), shorten(name), place.describe());
                format!("{class} was fitted on the label {name} ({place}) as one of its features")
            });
        }
    }
}

/// Names as a message shows them.
pub fn list_names(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut text = names.iter().take(SHOWN).map(|name| shorten(name)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// A name as a message shows it.
pub(crate) fn shorten(name: &str) -> Cow<'_, str> {
    const MAX_LENGTH: usize = 200;
    match name.char_indices().nth(MAX_LENGTH) {
        None => name.into(),
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()).into(),
    }
}
