//! Applies a fitted PolynomialFeatures to columns.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, FloatColumn, Floats, Refuses};
use crate::columns::origin::Origin;
use crate::feature_names::name::Name;

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;

/// Products, each of one feature and an earlier product.
#[derive(Debug)]
pub(super) struct PolynomialFeatures {
    pub(super) include_bias: bool,
    /// All products of degree 2 and more, including those that are only factors of others.
    pub(super) products: Box<[Product]>,
    pub(super) features: usize,
    /// The first product in the output, if the features themselves are not part of it.
    pub(super) first_product: usize,
    pub(super) gives_features: bool,
}

/// Operands are numbered with the features first, then the products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) term: u32,
    pub(super) feature: u32,
}

impl Apply for PolynomialFeatures {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
        let single = floats.single();
        for product in &self.products {
            let operand = |index: u32| floats.columns.get(index as usize);
            let (Some(term), Some(feature)) = (operand(product.term), operand(product.feature)) else { continue };
            let pairs = term.values.iter().zip(&feature.values);
            let values = pairs.map(|(term, value)| term * value);
            let values = if single { values.map(|value| f64::from(value as f32)).collect() } else { values.collect() };
            floats.columns.push(FloatColumn { origin: Origin::NONE, values });
        }
        floats.columns.drain(self.features..self.features + self.first_product);
        if !self.gives_features {
            floats.columns.drain(..self.features);
        }
        let mut answer = floats.into_features();
        if self.include_bias {
            let ones = if single { Column::Float32(vec![1.0; rows]) } else { Column::Float64(vec![1.0; rows]) };
            answer.insert(0, Feature::new(Origin::NONE, ones));
        }
        Ok(answer)
    }

    fn demand(&self, given: usize) -> Demand {
        Demand { width: self.width(), ..Demand::of(given, self.all_terms(), cost::ARITHMETIC) }
    }
}

impl PolynomialFeatures {
    /// How many terms are computed, including those that are only factors of others.
    pub(super) fn all_terms(&self) -> usize {
        self.features.saturating_add(self.products.len()).saturating_add(1)
    }

    pub(super) fn width(&self) -> usize {
        let features = if self.gives_features { self.features } else { 0 };
        usize::from(self.include_bias) + features + self.products.len() - self.first_product
    }
}

impl PolynomialFeatures {
    pub(super) fn names(&self, features: &[Name]) -> impl Iterator<Item = Name> {
        let bias = self.include_bias.then(|| Name::from("1"));
        let own = features.iter().take(if self.gives_features { self.features } else { 0 }).cloned();
        let products = (self.first_product..self.products.len()).map(|product| self.name(product, features).into());
        bias.into_iter().chain(own).chain(products)
    }

    /// The factors of a product come in the order of the features.
    fn name(&self, product: usize, features: &[Name]) -> String {
        let mut name = String::new();
        let mut factors = self.factors(product).peekable();
        while let Some(factor) = factors.next() {
            let mut power = 1;
            while factors.next_if_eq(&factor).is_some() {
                power += 1;
            }
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(features.get(factor as usize).map_or("", |name| name));
            if power > 1 {
                name.push_str(&format!("^{power}"));
            }
        }
        name
    }

    /// A product is its own feature times a term, which is a feature or an earlier product.
    fn factors(&self, product: usize) -> impl Iterator<Item = u32> {
        let mut next = Some((self.features + product) as u32);
        std::iter::from_fn(move || {
            let term = next?;
            match (term as usize).checked_sub(self.features).and_then(|product| self.products.get(product)) {
                Some(product) => {
                    next = Some(product.term);
                    Some(product.feature)
                }
                None => next.take(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::products;
    use super::*;
    use crate::transformers::shared::testing::apply_floats;

    fn polynomial(least: usize, most: usize, interaction_only: bool, include_bias: bool) -> PolynomialFeatures {
        let levels = products(3, most, interaction_only).unwrap();
        let first_product = levels.iter().take(least.saturating_sub(2)).map(Vec::len).sum();
        let products = levels.concat().into();
        PolynomialFeatures { include_bias, products, features: 3, first_product, gives_features: least <= 1 }
    }

    fn row(polynomial: PolynomialFeatures) -> Vec<f64> {
        let columns = vec![vec![2.0], vec![3.0], vec![5.0]];
        apply_floats(|features| polynomial.apply(features, 1), columns).concat()
    }

    #[test]
    fn products_are_ordered_by_degree_and_then_by_feature() {
        assert_eq!(row(polynomial(0, 2, false, true)), [1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 10.0, 9.0, 15.0, 25.0]);
        assert_eq!(row(polynomial(2, 3, true, false)), [6.0, 10.0, 15.0, 30.0]);
        assert_eq!(row(polynomial(3, 3, true, false)), [30.0]);
        assert_eq!(row(polynomial(2, 2, true, true)), [1.0, 6.0, 10.0, 15.0]);
    }

    #[test]
    fn products_are_named_by_their_factors_and_powers() {
        let features = ["a", "b c", "d"].map(Name::from);
        let named = |it: PolynomialFeatures| it.names(&features).map(|name| name.to_string()).collect::<Vec<_>>();
        let names = named(polynomial(0, 3, false, true));
        assert_eq!(names[..6], ["1", "a", "b c", "d", "a^2", "a b c"]);
        assert_eq!(names[10..13], ["a^3", "a^2 b c", "a^2 d"]);
        assert_eq!(names.last().unwrap(), "d^3");
        assert_eq!(named(polynomial(3, 3, true, false)), ["a b c d"]);
    }

    #[test]
    fn a_degree_with_too_many_products_is_refused_before_they_are_computed() {
        assert!(products(1000, 5, false).is_none());
        assert!(products(usize::MAX, 1, false).is_none());
        assert_eq!(products(3, usize::MAX, true).unwrap().len(), 2);
    }
}
