//! Detects columns whose type differs between the payloads of a batch transform job.
//!
//! A batch transform job splits its input into payloads, and the cells of each payload decide the types of its columns.
//! A column of codes may be numeric in most payloads, but text in a payload where one code is `x`. An encoder that was
//! fitted on numbers then silently treats all codes of that payload as unknown. So the job logs one warning for each
//! such column.

use std::sync::atomic::{AtomicU8, Ordering};

use super::Model;
use byoc_formats::rows::Frame;
use byoc_formats::rows::schema::Schema;
use byoc_formats::rows::schema::column_name;
use byoc_formats::rows::table::ValueKind;

/// The most columns that are watched.
const MAX_COLUMNS: usize = 4096;

/// The columns whose type affects the answer, with the types that they have had so far.
#[derive(Debug)]
pub struct SeenColumnTypes(Box<[ColumnTypes]>);

#[derive(Debug)]
struct ColumnTypes {
    /// The column's index among the features.
    column: usize,
    /// One bit for each type that it has had, and one bit that is set once the warning was given.
    bits: AtomicU8,
}

const NUMBERS: u8 = 1;
const TEXT: u8 = 2;
const BOOLEANS: u8 = 4;
const WARNED: u8 = 8;

impl SeenColumnTypes {
    /// The columns of a model, before the first payload.
    pub fn of(model: &Model) -> SeenColumnTypes {
        let columns = match model {
            Model::LinearLearner(_) => Vec::new(),
            Model::Preprocessor(preprocessor) => preprocessor.columns_by_kind(),
            Model::Scorer(scorer) => scorer.preprocessor().columns_by_kind(),
        };
        let seen = |column| ColumnTypes { column, bits: AtomicU8::new(0) };
        SeenColumnTypes(columns.into_iter().take(MAX_COLUMNS).map(seen).collect())
    }

    /// Compares the column types of a payload with those of earlier payloads. Returns a warning for each column whose
    /// type has changed for the first time. `position` maps a feature's index and the row's width to an index in the
    /// row.
    pub(super) fn compare(
        &self,
        frame: &Frame<'_>,
        schema: &dyn Schema,
        position: impl Fn(usize, usize) -> usize,
    ) -> Vec<String> {
        let width = frame.width();
        let mut changed = Vec::new();
        for seen in &self.0 {
            let position = position(seen.column, width);
            let Some(kind) = frame.kind(position) else { continue };
            let before = seen.bits.fetch_or(bit(kind), Ordering::Relaxed);
            let others = [ValueKind::Numbers, ValueKind::Text, ValueKind::Booleans].into_iter();
            let other = others.filter(|other| *other != kind).find(|other| before & bit(*other) != 0);
            let Some(other) = other else { continue };
            if seen.bits.fetch_or(WARNED, Ordering::Relaxed) & WARNED == 0 {
                let name = column_name(schema, position, width).unwrap_or_else(|| position.to_string());
                changed.push(format!(
                    "column {name}: this payload of the job has {kind} there, an earlier one has {other}, so equal \
                     cells may get different answers; set the type of the column, for example \
                     \"dtypes\": {{{name:?}: \"str\"}} in columns.json, or with BYOC_DTYPES"
                ));
            }
        }
        changed
    }
}

const fn bit(kind: ValueKind) -> u8 {
    match kind {
        ValueKind::Numbers => NUMBERS,
        ValueKind::Text => TEXT,
        ValueKind::Booleans => BOOLEANS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_account::Allowance;
    use byoc_formats::media_types::read::read_frame;
    use byoc_formats::media_types::{ContentType, MediaType};

    struct Named;

    impl Schema for Named {
        fn check_width(&self, _columns: usize) -> byoc_formats::error::Result<()> {
            Ok(())
        }

        fn names(&self) -> Vec<&str> {
            vec!["code", "age"]
        }
    }

    #[test]
    fn a_column_whose_type_differs_between_payloads_gets_one_warning_with_its_name() {
        let seen = SeenColumnTypes([0, 1].map(|column| ColumnTypes { column, bits: AtomicU8::new(0) }).into());
        let compare = |body: &str| {
            let frame =
                read_frame(ContentType::of(MediaType::Csv), body.as_bytes(), &Named, &Allowance::unbounded()).unwrap();
            seen.compare(&frame, &Named, |feature, _| feature)
        };
        // Integers and fractions are both numbers, and a column without values has no type.
        assert!(compare("1,2\n").is_empty());
        assert!(compare("1.5,\n,\n").is_empty());
        let warned = compare("x,3\n2,4\n");
        assert_eq!(warned.len(), 1);
        assert!(
            warned[0].starts_with("column code: this payload of the job has text there, an earlier one has numbers"),
            "{warned:?}"
        );
        assert!(warned[0].contains(r#""dtypes": {"code": "str"}"#), "{warned:?}");
        assert!(compare("7,True\n").len() == 1 && compare("True,x\n").is_empty());
    }
}
