//! What a container can load, and one call: request body in, response body out.
//!
//! A container does not need to be told what it is: the artifact says. [`Artifact::find`] looks for, in order,
//! `model_algo-1` (linear learner), then one `*.joblib`, `*.pkl` or `*.pickle` (scikit-learn). Anything else is an error
//! that lists what was found and what would have been accepted.
