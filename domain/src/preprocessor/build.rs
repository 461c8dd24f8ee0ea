//! What transformers know about their input while they are built, and what they demand of the request.

use super::attributes::Attributes;
use super::transformers::Transformer;
use super::version::Version;
use crate::error::Result;

/// What a transformer is given.
#[derive(Clone, Debug)]
pub(crate) struct Input<'t> {
    /// The names of the columns of a frame; `None` for a bare array.
    pub(crate) names: Option<Vec<&'t str>>,
    pub(crate) shape: Shape,
    /// Whether scikit-learn has a sparse matrix here. The numbers are the same, but not all is done to one that is done to
    /// an array, and not all of it is looked at.
    pub(crate) sparse: bool,
}

impl Input<'_> {
    /// A bare array of so many columns.
    pub(super) fn array(width: usize) -> Input<'static> {
        Input { names: None, shape: Shape::Fixed(width), sparse: false }
    }

    /// Any columns: for a transformer that is built on its own.
    pub(super) fn unknown() -> Input<'static> {
        Input { names: None, shape: Shape::Request { label: None }, sparse: false }
    }
}

/// How many columns a transformer is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// The request itself: as many as it has. The label, if there is one, is the last of the names and may be left out.
    Request { label: Option<LabelPosition> },
    /// Always as many as this.
    Fixed(usize),
}

/// Where in a row the label stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelPosition {
    /// Before all other columns.
    First,
    /// After all other columns.
    Last,
}

/// How many columns a request must have, the label included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestWidth {
    Any,
    AtLeast(usize),
    Exactly(usize),
}

/// A transformer with what it gives to the next.
pub(super) struct Built<'t> {
    pub(super) transformer: Transformer,
    pub(super) output: Input<'t>,
}

impl Built<'_> {
    /// A transformer that gives a bare array.
    pub(super) fn array(transformer: Transformer, width: usize) -> Built<'static> {
        Built { transformer, output: Input::array(width) }
    }
}

/// Collects, over the whole model, what it demands of the request.
pub(crate) struct Builder {
    pub(crate) version: Version,
    pub(super) request_width: RequestWidth,
    /// Why no request can be answered, where scikit-learn would fail at each one: the first reason found.
    pub(super) refusal: Option<String>,
    /// Why the names of a row's columns do not fit the model: the first reason found.
    pub(super) misfit: Option<String>,
    /// How many bytes the transformers may still take.
    memory_left: usize,
}

/// What a model may take in memory beyond a multiple of its file.
const SPARE_MEMORY: usize = 64 << 20;

impl Builder {
    /// A builder of a model whose artifact has this many bytes.
    pub(super) fn new(version: Version, artifact_bytes: usize) -> Builder {
        let memory_left = artifact_bytes.saturating_mul(8).saturating_add(SPARE_MEMORY);
        Builder { version, request_width: RequestWidth::Any, refusal: None, misfit: None, memory_left }
    }

    /// Counts the memory of a transformer. A small file can name one large transformer many times.
    ///
    /// # Errors
    /// When all together take far more than their artifact.
    pub(crate) fn take_memory(&mut self, transformer: Attributes<'_>, bytes: usize) -> Result<()> {
        let left = self.memory_left.checked_sub(bytes);
        self.memory_left =
            left.ok_or_else(|| transformer.error("the model would take far more memory than its file"))?;
        Ok(())
    }

    /// Notes why every request must be refused. The model loads none the less, as it does in scikit-learn.
    pub(super) fn refuse(&mut self, reason: impl Into<String>) {
        self.refusal.get_or_insert_with(|| reason.into());
    }

    /// Notes that the names of a row's columns do not fit the model. Whoever gave the names is to blame: a file beside the
    /// model, or the model itself, which loads none the less.
    pub(super) fn misfit(&mut self, reason: impl Into<String>) {
        self.misfit.get_or_insert_with(|| reason.into());
    }

    /// Notes how wide requests must be.
    pub(super) fn require_width(&mut self, width: RequestWidth) {
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

    /// Checks that an estimator that takes all of its input in the order of fit is given what it was fitted on.
    ///
    /// # Errors
    /// When the parts of the model do not fit each other.
    pub(crate) fn accept(&mut self, input: &Input<'_>, estimator: Attributes<'_>, width: usize) -> Result<()> {
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
            Shape::Request { .. } => self.require_width(RequestWidth::Exactly(width)),
        }
        let (Some(given), Some(fitted)) = (&input.names, estimator.feature_names_in()?) else { return Ok(()) };
        if fitted.len() != width {
            return Err(
                estimator.error(format_args!("feature_names_in_ has {} names for {width} features", fitted.len()))
            );
        }
        // Until 1.1 other names, or another order, were only warned of.
        if given.get(..width) != Some(&fitted) && self.version >= Version::new(1, 2) {
            self.misfit(format!(
                "the columns of a row are {}, but {} was fitted on {}, in this order",
                list_names(given),
                estimator.class(),
                list_names(&fitted)
            ));
        }
        Ok(())
    }
}

/// Names as a message shows them.
pub fn list_names(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
