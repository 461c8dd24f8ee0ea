//! A PolynomialFeatures in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, State, entry, parameters};
use crate::parameters::values::{AtLeast, Degrees, words};
use crate::transformers::specification::Leaf;

parameters! {
    PolynomialFeatures / PolynomialFeaturesFit in "sklearn.preprocessing._polynomial" {
        degree: Degrees = Degrees::UpTo(AtLeast(2)),
        interaction_only: bool = false,
        include_bias: bool = true,
        order: Order = Order::C,
    } fitted {
        n_output_features_: usize,
    }
}

words! {
    /// `order`
    Order { C = "C", F = "F" }
}

impl Leaf for PolynomialFeatures {
    fn width(fitted: &Fitted<Self>, _inputs: usize) -> usize {
        fitted.attributes.n_output_features_
    }

    fn private(fitted: &Fitted<Self>) -> State {
        private(fitted)
    }
}

fn private(fitted: &Fitted<PolynomialFeatures>) -> State {
    let (lowest, highest) = fitted.parameters.degrees();
    let all = fitted.parameters.count(fitted.features.count, 0, highest);
    let state = [
        entry("_min_degree", lowest),
        entry("_max_degree", highest),
        entry("_n_out_full", all.unwrap_or(fitted.attributes.n_output_features_)),
    ];
    state.into_iter().flatten().collect()
}

impl PolynomialFeatures {
    /// The lowest and the highest degree.
    pub(crate) fn degrees(&self) -> (usize, usize) {
        match self.degree {
            Degrees::UpTo(highest) => (0, highest.count()),
            Degrees::Between(lowest, highest) => (lowest.count(), highest.count()),
        }
    }

    /// The number of output features (`PolynomialFeatures._num_combinations`); `None` for too many.
    pub(crate) fn count(&self, features: usize, lowest: usize, highest: usize) -> Option<usize> {
        let bias = usize::from(self.include_bias);
        if self.interaction_only {
            let degrees = lowest.max(1)..=highest.min(features);
            let sum =
                degrees.map(|degree| choose(features, degree)).try_fold(0usize, |sum, count| sum.checked_add(count?));
            return sum?.checked_add(bias);
        }
        let up_to = |degree: usize| choose(features.checked_add(degree)?, degree)?.checked_sub(1);
        let lower = if lowest > 0 { up_to(lowest - 1)? } else { 0 };
        up_to(highest)?.checked_sub(lower)?.checked_add(bias)
    }
}

/// The binomial coefficient.
fn choose(of: usize, chosen: usize) -> Option<usize> {
    let chosen = chosen.min(of.checked_sub(chosen)?);
    let mut product: u128 = 1;
    for step in 1..=chosen {
        product = product.checked_mul((of - chosen + step) as u128)? / step as u128;
    }
    usize::try_from(product).ok()
}
