//! Columns that pass through a model: their types, numpy's promotion, scikit-learn's checks of arrays, the lookup of
//! values among categories, and the memory and time of columns.
//!
//! This folder knows neither transformers nor the objects of a pickle.

pub(crate) mod categories;
pub(crate) mod check_array;
pub(crate) mod column_names;
pub mod demand;
pub(crate) mod dtype;
pub(crate) mod fault;
pub(crate) mod feature;
pub(crate) mod origin;
pub(crate) mod python_number;
pub(crate) mod readings;
pub(crate) mod text_list;
