//! A table of weights, the largest first: one row per feature, one column per linear function.

use super::page::{Page, plain, short};
use byoc_sklearn::feature_names::name::Name;

/// The most features shown.
const MAX_FEATURES: usize = 30;
/// The most linear functions shown.
const MAX_FUNCTIONS: usize = 6;

/// One linear function of the features.
pub(super) struct Function<'w, T> {
    /// The header of its column.
    pub(super) name: String,
    /// The intercept.
    pub(super) constant: T,
    /// One weight per feature.
    pub(super) weights: &'w [T],
}

/// Adds the table to the page. `constant` is the name of its first row.
pub(super) fn table<T: Weight>(page: &mut Page, constant: &str, features: &[Name], functions: &[Function<'_, T>]) {
    let shown = &functions[..functions.len().min(MAX_FUNCTIONS)];
    let largest = |feature: usize| {
        let weights = functions.iter().filter_map(|function| function.weights.get(feature));
        weights.map(|weight| weight.number().abs()).fold(0.0, f64::max)
    };
    let mut order: Vec<(f64, usize)> = (0..features.len()).map(|feature| (largest(feature), feature)).collect();
    order.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let row = |first: String, cell: &dyn Fn(&Function<'_, T>) -> Option<String>| {
        let cells = shown.iter().map(|function| cell(function).unwrap_or_default());
        std::iter::once(first).chain(cells).collect::<Vec<String>>()
    };
    let header = row(String::new(), &|function| Some(plain(&function.name)));
    let mut rows = vec![row(constant.to_owned(), &|function| Some(short(function.constant.number())))];
    for (_, feature) in order.iter().take(MAX_FEATURES) {
        let name = features.get(*feature).map(|name| plain(name)).unwrap_or_default();
        rows.push(row(name, &|function| Some(short(function.weights.get(*feature)?.number()))));
    }
    page.table(2, &header, rows.into_iter());
    if order.len() > MAX_FEATURES {
        page.line(2, &format!("and {} smaller ones (--json has all)", order.len() - MAX_FEATURES));
    }
    if functions.len() > MAX_FUNCTIONS {
        page.line(2, &format!("and {} more classes (--json has all)", functions.len() - MAX_FUNCTIONS));
    }
}

/// A weight in single or double precision.
pub(super) trait Weight: Copy {
    /// The double with the same shortest decimal digits.
    fn number(self) -> f64;
}

impl Weight for f32 {
    fn number(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::from(self))
    }
}

impl Weight for f64 {
    fn number(self) -> f64 {
        self
    }
}
