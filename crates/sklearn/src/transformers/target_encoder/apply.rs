//! Applies a fitted TargetEncoder to columns.

use crate::columns::categories::Categories;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// Encodings for each feature and class, and that of an unknown category.
#[derive(Debug)]
pub(super) struct TargetEncoder {
    pub(super) categories: Box<[Arc<Categories>]>,
    /// Feature by feature, the classes of each together.
    pub(super) encodings: Box<[Arc<[f64]>]>,
    /// The mean target of each class; of one, unless the target is multiclass.
    pub(super) means: Arc<[f64]>,
}

impl Apply for TargetEncoder {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*features;
        let mut answer = Vec::with_capacity(self.encodings.len());
        let by_feature = self.encodings.chunks(self.means.len().max(1));
        for ((categories, encodings), feature) in self.categories.iter().zip(by_feature).zip(features) {
            let mut codes = Vec::with_capacity(feature.data.len());
            let cannot_be_unknown = categories.begins_below_zero() && matches!(*feature.data, Column::UInt64(_));
            categories.encode(feature, |row, category| {
                if category.is_none() && cannot_be_unknown {
                    // scikit-learn replaces an unknown category by the first one, and raises an IndexError
                    // for what a negative number becomes there.
                    let message = format!(
                        "the column has integers beyond 9223372036854775807, among which scikit-learn does not encode \
                         an unknown one where a category is negative: expected one of {}",
                        categories.some()
                    );
                    return Err(Fault::of_value(feature.origin, row, message));
                }
                codes.push(category);
                Ok(())
            })?;
            for (encoding, mean) in encodings.iter().zip(self.means.iter()) {
                let value = |category: &Option<u32>| {
                    category.and_then(|category| encoding.get(category as usize)).copied().unwrap_or(*mean)
                };
                answer.push(Feature::new(feature.origin, Column::Float64(codes.iter().map(value).collect())));
            }
        }
        Ok(answer)
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, 0, cost::SEARCH).then(Demand::of(0, self.encodings.len(), cost::ARITHMETIC))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{columns_of, texts};
    use crate::version::Version;

    #[test]
    fn each_class_has_a_column_and_an_unknown_category_gets_the_mean_of_the_class() {
        let encoder = TargetEncoder {
            categories: [Categories::of_texts(&[Some("a"), Some("b")], Version::new(1, 9)).into()].into(),
            encodings: [[0.1, 0.2].into(), [0.9, 0.8].into()].into(),
            means: [0.15, 0.85].into(),
        };
        let columns = columns_of(encoder.apply(vec![texts(&[Some("b"), Some("x")])], 2));
        assert_eq!(columns, [Column::Float64(vec![0.2, 0.15]), Column::Float64(vec![0.8, 0.85])]);
    }
}
