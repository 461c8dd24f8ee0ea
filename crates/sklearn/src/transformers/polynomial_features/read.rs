//! Reads a PolynomialFeatures from a pickled object.

use super::apply::{PolynomialFeatures, Product};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["PolynomialFeatures"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._polynomial", "sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `interaction_only`, `include_bias` and the degrees: `_min_degree` and `_max_degree` from 1.0 on, `degree`
    /// before.
    fn build<'t>(
        &self,
        polynomial: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let polynomial = read(polynomial, input, builder)?;
        let width = polynomial.width();
        Built::array(polynomial, width, builder)
    }

    /// A product of several factors is `x0 x1^2`, the empty product `1`.
    fn feature_names_out<'t>(&self, polynomial: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let given = names::names_in(polynomial, given, bounds)?;
        let mut builder = Builder::new(bounds.version, bounds.artifact_bytes, bounds.work.allowance);
        let polynomial = read(polynomial, &Input::unknown(), &mut builder)?;
        builder.finish();
        bounds.collect(polynomial.names(&given))
    }

    /// It gets no names from its parent: its input features are numbered.
    fn get_feature_names(&self, object: Attributes<'_>, bounds: &Bounds<'_>) -> Option<Names> {
        let numbered = || -> Names { Ok(bounds.numbered(names::names_in(object, None, bounds)?.len())?) };
        Some(numbered().and_then(|names| self.feature_names_out(object, Some(&names), bounds)))
    }
}

fn read<'t>(
    polynomial: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<PolynomialFeatures> {
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
    // Each is stored with the data for computing the next degree, twice while the lists grow.
    let expected = count_products(features, most, interaction_only).ok_or_else(too_many)?;
    // A file can refer to one of these many times.
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
    // Products of a degree below the lowest are only factors of others.
    let first_product = levels.iter().take(least.saturating_sub(2)).map(Vec::len).sum::<usize>();
    let products: Box<[Product]> = levels.concat().into();
    let polynomial = PolynomialFeatures {
        include_bias: polynomial.flag("include_bias")?,
        features,
        first_product: first_product.min(products.len()),
        products,
        gives_features: least <= 1 && most >= 1,
    };
    Ok(polynomial)
}

/// The most products that are built. Four hundred features of degree 2 have 80,000.
const MAX_PRODUCTS: usize = 1 << 20;

/// The number of products, without computing them; `None` for too many.
fn count_products(features: usize, most: usize, interaction_only: bool) -> Option<usize> {
    let mut count = 0usize;
    let mut of_degree = features;
    for degree in 2..=most {
        of_degree = count_degree(features, degree, of_degree, interaction_only)?;
        if of_degree == 0 {
            break;
        }
        count = count.checked_add(of_degree).filter(|count| *count <= MAX_PRODUCTS)?;
    }
    Some(count)
}

/// The number of products of a degree, from that of the degree below: the next binomial coefficient.
fn count_degree(features: usize, degree: usize, below: usize, interaction_only: bool) -> Option<usize> {
    let factor = match interaction_only {
        true => features.saturating_sub(degree - 1),
        false => features.checked_add(degree - 1)?,
    };
    let product = (below as u128).checked_mul(factor as u128)? / degree as u128;
    usize::try_from(product).ok().filter(|count| *count <= MAX_PRODUCTS)
}

/// Products by degree, from 2 on. Those of one degree come in the order of their first feature, and multiply it with
/// the terms of the degree below that begin with the same feature or a later one. `None` for too many.
pub(super) fn products(features: usize, most: usize, interaction_only: bool) -> Option<Vec<Vec<Product>>> {
    if features > MAX_PRODUCTS {
        return None;
    }
    // The first feature of each term of the degree below, and the term's number.
    let mut below: Vec<(usize, u32)> =
        (0..features).map(|feature| Some((feature, u32::try_from(feature).ok()?))).collect::<Option<_>>()?;
    let mut next = u32::try_from(features).ok()?;
    let mut levels = Vec::new();
    let mut count = 0usize;
    for degree in 2..=most {
        let terms_of_degree = count_degree(features, degree, below.len(), interaction_only)?;
        let mut level = Vec::with_capacity(terms_of_degree);
        let mut terms = Vec::with_capacity(terms_of_degree);
        for feature in 0..features {
            for (first, term) in &below {
                if *first > feature || (*first == feature && !interaction_only) {
                    level.push(Product { term: *term, feature: feature as u32 });
                    terms.push((feature, next));
                    next = next.checked_add(1)?;
                    count += 1;
                    if count > MAX_PRODUCTS {
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
