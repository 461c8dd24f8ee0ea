//! A transformer in `preprocessor.json`: its specification and its fitted form.

use super::fitting::Node;
use super::learn::{FitInput, Learn};
use crate::parameters::class::{Fitted, Parameters, State, object};
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;

/// The specification of a transformer of one class: its parameters.
pub(crate) trait Specify: Plan + Clone {
    /// The result of a fit.
    type Fitted: FittedDocument<Parameters = Self>;

    /// The object that scikit-learn would have before `fit`.
    fn to_python(&self) -> Python;
}

/// How a transformer of one class is fitted.
pub(crate) trait Plan {
    /// The transformer before it is fitted; `path` is its path in the document.
    ///
    /// # Errors
    /// [`Cause::BadSetting`](byoc_formats::error::Cause::BadSetting) for parts, names and weights that cannot stand
    /// where they do.
    fn node(&self, path: &str) -> Result<Node>;
}

/// A fitted transformer of one class: its parameters and attributes.
pub(crate) trait FittedDocument {
    /// The specification that it was fitted from.
    type Parameters;

    fn parameters(&self) -> Self::Parameters;

    /// The object that scikit-learn would have after `fit`.
    fn to_python(&self) -> Python;

    /// The number of output features for `inputs` features.
    fn width(&self, inputs: usize) -> usize;

    /// Whether scikit-learn's output is a sparse matrix, for an input that is one or not.
    fn gives_sparse(&self, is_given: bool) -> bool {
        is_given
    }

    /// Whether the output for a frame is a frame whose columns keep their names.
    fn keeps_names(&self) -> bool {
        false
    }

    /// Refuses documents that no fit could have written although each value is allowed: people edit documents.
    /// `path` is that of the transformer.
    ///
    /// # Errors
    /// [`Cause::BadDocument`](byoc_formats::error::Cause::BadDocument) with the path.
    fn check(&self, path: &str) -> Result<()> {
        let _ = path;
        Ok(())
    }
}

/// How a transformer without parts learns from rows.
pub(crate) trait Fit: Parameters {
    /// The learner for this input.
    fn learner(self, input: &FitInput) -> Box<dyn Learn>;
}

/// A transformer without parts, described by [`parameters!`](crate::parameters::class::parameters). The defaults are
/// for one with an output feature for each input feature.
pub(crate) trait Leaf: Fit {
    /// As [`FittedDocument::width`].
    fn width(fitted: &Fitted<Self>, inputs: usize) -> usize {
        let _ = fitted;
        inputs
    }

    /// As [`FittedDocument::gives_sparse`].
    fn gives_sparse(fitted: &Fitted<Self>, is_given: bool) -> bool {
        let _ = fitted;
        is_given
    }

    /// As [`FittedDocument::keeps_names`].
    fn keeps_names(fitted: &Fitted<Self>) -> bool {
        let _ = fitted;
        false
    }

    /// The private attributes of the object in Python, which its methods need.
    fn private(fitted: &Fitted<Self>) -> State {
        let _ = fitted;
        State::new()
    }

    /// As [`FittedDocument::check`].
    ///
    /// # Errors
    /// As [`FittedDocument::check`].
    fn check(fitted: &Fitted<Self>, path: &str) -> Result<()> {
        let _ = (fitted, path);
        Ok(())
    }

    /// The fitted object in Python.
    fn python(fitted: &Fitted<Self>) -> Python {
        fitted.object(Self::private(fitted))
    }
}

impl<L: Leaf + 'static> Specify for L {
    type Fitted = Fitted<L>;

    fn to_python(&self) -> Python {
        object(L::MODULE, L::NAME, Parameters::parameters(self))
    }
}

impl<L: Leaf + 'static> Plan for L {
    fn node(&self, _path: &str) -> Result<Node> {
        let parameters = self.clone();
        Ok(Node::Waiting(L::NAME, Box::new(move |input| parameters.learner(input))))
    }
}

impl<L: Leaf + 'static> FittedDocument for Fitted<L> {
    type Parameters = L;

    fn parameters(&self) -> L {
        self.parameters.clone()
    }

    fn to_python(&self) -> Python {
        L::python(self)
    }

    fn width(&self, inputs: usize) -> usize {
        L::width(self, inputs)
    }

    fn gives_sparse(&self, is_given: bool) -> bool {
        L::gives_sparse(self, is_given)
    }

    fn keeps_names(&self) -> bool {
        L::keeps_names(self)
    }

    fn check(&self, path: &str) -> Result<()> {
        L::check(self, path)
    }
}
