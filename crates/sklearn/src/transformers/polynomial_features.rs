//! `sklearn.preprocessing.PolynomialFeatures`: products of features up to a degree.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, FloatColumn, Floats, Origin, Refuses};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names};
use crate::transformers::Transformer;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;

/// Products, each of one feature and an earlier product.
#[derive(Debug)]
pub(crate) struct PolynomialFeatures {
    include_bias: bool,
    /// All products of degree 2 and more, also those that are not given but needed for others.
    products: Box<[Product]>,
    features: usize,
    /// The first product that is given, when the features themselves are not.
    first_product: usize,
    gives_features: bool,
}

/// Operands are counted with the features first, then the products.
#[derive(Clone, Copy, Debug)]
struct Product {
    term: u32,
    feature: u32,
}

/// The most products that are built. Four hundred features of degree 2 have 80,000.
const MOST_PRODUCTS: usize = 1 << 20;

/// Reads `interaction_only`, `include_bias` and the degrees: `_min_degree` and `_max_degree` from 1.0 on, `degree`
/// before.
pub(crate) fn build<'t>(
    polynomial: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let features = match polynomial.n_features_in()? {
        Some(features) => features,
        None => polynomial.columns("n_input_features_")?,
    };
    builder.accept(input, polynomial, features)?;
    let (least, most) = match polynomial.get("_max_degree") {
        Some(_) => (polynomial.count("_min_degree")?, polynomial.count("_max_degree")?),
        None => (0, polynomial.count("degree")?),
    };
    let interaction_only = polynomial.flag("interaction_only")?;
    let too_many = || polynomial.error(format_args!("degree {most} of {features} features has too many products"));
    // Each is made with what is needed to make those of the next degree of it, twice while the lists grow.
    let expected = count_products(features, most, interaction_only).ok_or_else(too_many)?;
    // A file can name one of these again and again.
    builder
        .count_products(expected)
        .ok_or_else(|| polynomial.error("the model would take far more memory than its file"))?;
    let (count, allowance) = (most.min(expected), builder.allowance());
    let of_levels = count * size_of::<Vec<Product>>() + expected * size_of::<Product>();
    let of_terms = allowance.hold((expected + features) * size_of::<(usize, u32)>())?;
    let _of_levels = allowance.hold(of_levels)?;
    let levels = products(features, most, interaction_only).ok_or_else(too_many)?;
    drop(of_terms);
    builder.keep_items::<Product>(expected)?;
    // Products of a degree below the least are needed for others only.
    let first_product = levels.iter().take(least.saturating_sub(2)).map(Vec::len).sum::<usize>();
    let products: Box<[Product]> = levels.concat().into();
    let polynomial = PolynomialFeatures {
        include_bias: polynomial.flag("include_bias")?,
        features,
        first_product: first_product.min(products.len()),
        products,
        gives_features: least <= 1 && most >= 1,
    };
    let width = polynomial.width();
    Ok(Built::array(Transformer::PolynomialFeatures(polynomial), width))
}

/// How many products there are, without making them; `None` for too many.
fn count_products(features: usize, most: usize, interaction_only: bool) -> Option<usize> {
    let mut count = 0usize;
    let mut of_degree = features;
    for degree in 2..=most {
        of_degree = count_degree(features, degree, of_degree, interaction_only)?;
        if of_degree == 0 {
            break;
        }
        count = count.checked_add(of_degree).filter(|count| *count <= MOST_PRODUCTS)?;
    }
    Some(count)
}

/// How many products of a degree there are, by how many there are of the degree below: the next binomial coefficient.
fn count_degree(features: usize, degree: usize, below: usize, interaction_only: bool) -> Option<usize> {
    let factor = match interaction_only {
        true => features.saturating_sub(degree - 1),
        false => features.checked_add(degree - 1)?,
    };
    let product = (below as u128).checked_mul(factor as u128)? / degree as u128;
    usize::try_from(product).ok().filter(|count| *count <= MOST_PRODUCTS)
}

/// Products by degree, from 2 on. Those of one degree come in the order of their first feature, and multiply it with
/// the terms of the degree below that begin with the same feature or a later one. `None` for too many.
fn products(features: usize, most: usize, interaction_only: bool) -> Option<Vec<Vec<Product>>> {
    if features > MOST_PRODUCTS {
        return None;
    }
    // The first feature of each term of the degree below, and the term's number.
    let mut below: Vec<(usize, u32)> =
        (0..features).map(|feature| Some((feature, u32::try_from(feature).ok()?))).collect::<Option<_>>()?;
    let mut next = u32::try_from(features).ok()?;
    let mut levels = Vec::new();
    let mut count = 0usize;
    for degree in 2..=most {
        let room = count_degree(features, degree, below.len(), interaction_only)?;
        let mut level = Vec::with_capacity(room);
        let mut terms = Vec::with_capacity(room);
        for feature in 0..features {
            for (first, term) in &below {
                if *first > feature || (*first == feature && !interaction_only) {
                    level.push(Product { term: *term, feature: feature as u32 });
                    terms.push((feature, next));
                    next = next.checked_add(1)?;
                    count += 1;
                    if count > MOST_PRODUCTS {
                        return None;
                    }
                }
            }
        }
        if level.is_empty() {
            break;
        }
        levels.push(level);
        below = terms;
    }
    Some(levels)
}

impl PolynomialFeatures {
    /// How many terms are made, those that only others need included.
    pub(crate) fn all_terms(&self) -> usize {
        self.features.saturating_add(self.products.len()).saturating_add(1)
    }

    pub(crate) fn width(&self) -> usize {
        let features = if self.gives_features { self.features } else { 0 };
        usize::from(self.include_bias) + features + self.products.len() - self.first_product
    }

    pub(crate) fn apply<'c, 'a>(
        &self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
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
}

/// A product of several is `x0 x1^2`, that of none `1`.
pub(crate) fn feature_names_out<'t>(polynomial: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let given = names::names_in(polynomial, given, bounds)?;
    let mut builder = Builder::new(bounds.version, bounds.artifact_bytes, bounds.work.allowance);
    let built = build(polynomial, &Input::unknown(), &mut builder)?;
    builder.finish();
    match built.transformer {
        Transformer::PolynomialFeatures(polynomial) => bounds.collect(polynomial.names(&given)),
        _ => Ok(given),
    }
}

impl PolynomialFeatures {
    fn names(&self, features: &[Name]) -> impl Iterator<Item = Name> {
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
    use super::*;
    use crate::transformers::testing::apply_floats;

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
    fn products_come_degree_by_degree_in_the_order_of_their_features() {
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
    fn a_degree_with_too_many_products_is_refused_before_they_are_made() {
        assert!(products(1000, 5, false).is_none());
        assert!(products(usize::MAX, 1, false).is_none());
        assert_eq!(products(3, usize::MAX, true).unwrap().len(), 2);
    }
}
