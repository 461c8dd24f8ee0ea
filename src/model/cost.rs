//! Estimates how long an answer takes, so that long ones are not computed on a thread that answers `/ping`.

use super::{Exchange, Model};
use byoc_sklearn::columns::demand::Demand;

/// The time that a model's answers take on a slow core. It is a rough estimate that tells short answers from long ones.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The number of columns of a row; 1 if it is not fixed.
    columns: usize,
    /// Nanoseconds for a row, including the text of its answer.
    row: u64,
    /// Nanoseconds for a byte of the body, in addition to those for its rows.
    byte: u64,
}

/// Nanoseconds to parse a byte with the slowest parser, which reads 100 MB/s.
const NANOSECONDS_PER_BYTE: u64 = 10;
/// Nanoseconds to store a value in its column.
const NANOSECONDS_PER_VALUE: u64 = 15;
/// Nanoseconds to write a number as text.
const NANOSECONDS_PER_NUMBER: u64 = 40;
/// Nanoseconds for a multiplication and an addition in the linear learner.
const NANOSECONDS_PER_PRODUCT: u64 = 1;

impl Cost {
    /// The cost of a model's answers.
    pub fn of(model: &Model) -> Cost {
        let transformed = |width: Option<usize>, demand: &dyn Fn(usize) -> Demand| match width {
            Some(columns) => {
                let Demand { width, nanoseconds, .. } = demand(columns);
                let row = nanoseconds
                    .saturating_add(NANOSECONDS_PER_VALUE.saturating_mul(columns as u64))
                    .saturating_add(NANOSECONDS_PER_NUMBER.saturating_mul(width as u64));
                Cost { columns, row, byte: NANOSECONDS_PER_BYTE }
            }
            // The body's bytes bound the number of columns, so the cost of a column is counted for each byte.
            None => {
                let one = demand(1).nanoseconds;
                Cost {
                    columns: 1,
                    row: one,
                    byte: NANOSECONDS_PER_BYTE.saturating_add(one).saturating_add(NANOSECONDS_PER_NUMBER),
                }
            }
        };
        match model {
            Model::LinearLearner(learner) => {
                let (columns, outputs) = (learner.feature_dim(), learner.outputs() as u64);
                // There is one product for each value, and a value has at least one byte.
                let row = outputs.saturating_add(2).saturating_mul(NANOSECONDS_PER_NUMBER);
                Cost {
                    columns,
                    row,
                    byte: NANOSECONDS_PER_BYTE.saturating_add(outputs.saturating_mul(NANOSECONDS_PER_PRODUCT)),
                }
            }
            Model::Preprocessor(preprocessor) => {
                transformed(preprocessor.row_width(), &|columns| preprocessor.demand(columns))
            }
            Model::Scorer(scorer) => transformed(scorer.row_width(), &|columns| scorer.demand(columns)),
        }
    }

    /// An upper estimate of the time that an answer takes, in nanoseconds.
    pub fn nanoseconds(&self, exchange: Exchange, body: &[u8]) -> u64 {
        let rows = exchange.reads.media_type.max_rows(body, self.columns) as u64;
        self.row.saturating_mul(rows).saturating_add(self.byte.saturating_mul(body.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use byoc_account::Allowance;

    use super::*;
    use crate::model::Artifact;
    use byoc_sklearn::preprocessor::Overrides;

    fn model(fixture: &str) -> Model {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        Artifact::find(&fixtures.join(fixture))
            .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
            .unwrap()
    }

    #[test]
    fn the_cost_depends_on_the_number_of_rows_not_only_on_the_bodys_length() {
        let housing = model("sklearn/1.4.2/housing");
        let cost = Cost::of(&housing);
        let csv = housing.negotiate(Some("text/csv"), Some("text/csv"), None).unwrap();
        let row = "1993,2728,6,3.0,0.7,1,y,y\n";
        let one = cost.nanoseconds(csv, row.as_bytes());
        assert!(one < 20_000, "{one}");
        let many = cost.nanoseconds(csv, row.repeat(1000).as_bytes());
        assert!((200 * one..1000 * one).contains(&many), "{many} for {one}");
        // Empty objects are rows of only three bytes.
        let json = housing.negotiate(Some("application/json"), None, None).unwrap();
        let empty = format!("[{}{{}}]", "{},".repeat(5000));
        let heavy = cost.nanoseconds(json, empty.as_bytes());
        assert!(heavy > 5000 * 500, "{heavy}");
    }
}
