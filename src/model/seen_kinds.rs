//! What the columns of a job's payloads have been so far.
//!
//! A batch transform job cuts its input into payloads, and each payload's columns are typed by its own cells: a column of codes
//! is one of numbers in most payloads, and one of text in the payload that has an `x` in it. An encoder of numbers then knows
//! none of that payload's codes, and says nothing. So whoever answers a job looks, and warns once of each such column.

use std::sync::atomic::{AtomicU8, Ordering};

use super::Model;
use byoc_formats::rows::Frame;
use byoc_formats::rows::schema::Schema;
use byoc_formats::rows::schema::column_name;
use byoc_formats::rows::table::ValueKind;

/// How many columns are watched at most.
const MOST: usize = 4096;

/// The columns whose type changes an answer, with what they have been.
#[derive(Debug)]
pub struct SeenKinds(Box<[Seen]>);

#[derive(Debug)]
struct Seen {
    /// Its place among the features.
    column: usize,
    /// A bit for each kind that it has been, and one for whether that was warned of.
    bits: AtomicU8,
}

const NUMBERS: u8 = 1;
const TEXT: u8 = 2;
const TRUTHS: u8 = 4;
const WARNED: u8 = 8;

impl SeenKinds {
    /// Nothing seen yet of a model's columns.
    pub fn of(model: &Model) -> SeenKinds {
        let columns = match model {
            Model::LinearLearner(_) => Vec::new(),
            Model::Preprocessor(preprocessor) => preprocessor.columns_by_kind(),
            Model::Scorer(scorer) => scorer.preprocessor().columns_by_kind(),
        };
        let seen = |column| Seen { column, bits: AtomicU8::new(0) };
        SeenKinds(columns.into_iter().take(MOST).map(seen).collect())
    }

    /// Looks at the columns of a payload, and says which of them are of another kind than before, each once.
    pub(super) fn look(
        &self,
        frame: &Frame<'_>,
        schema: &dyn Schema,
        place: impl Fn(usize, usize) -> usize,
    ) -> Vec<String> {
        let width = frame.width();
        let mut changed = Vec::new();
        for seen in &self.0 {
            let place = place(seen.column, width);
            let Some(kind) = frame.kind(place) else { continue };
            let before = seen.bits.fetch_or(bit(kind), Ordering::Relaxed);
            let others = [ValueKind::Numbers, ValueKind::Text, ValueKind::Truths].into_iter();
            let other = others.filter(|other| *other != kind).find(|other| before & bit(*other) != 0);
            let Some(other) = other else { continue };
            if seen.bits.fetch_or(WARNED, Ordering::Relaxed) & WARNED == 0 {
                let name = column_name(schema, place, width).unwrap_or_else(|| place.to_string());
                changed.push(format!(
                    "column {name}: a payload of this job has {kind} there, and one before it {other}: the same cell may be answered \
                     otherwise, by which payload it lies in; say its type, such as \"dtypes\": {{{name:?}: \"str\"}} in \
                     columns.json, or by BYOC_DTYPES"
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
        ValueKind::Truths => TRUTHS,
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
    fn a_column_whose_type_differs_between_payloads_is_warned_of_once_with_its_name() {
        let seen = SeenKinds([0, 1].map(|column| Seen { column, bits: AtomicU8::new(0) }).into());
        let look = |body: &str| {
            let frame =
                read_frame(ContentType::of(MediaType::Csv), body.as_bytes(), &Named, &Allowance::unbounded()).unwrap();
            seen.look(&frame, &Named, |feature, _| feature)
        };
        // Integers and fractions are numbers, and a column without a value is of no kind.
        assert!(look("1,2\n").is_empty());
        assert!(look("1.5,\n,\n").is_empty());
        let warned = look("x,3\n2,4\n");
        assert_eq!(warned.len(), 1);
        assert!(
            warned[0].starts_with("column code: a payload of this job has text there, and one before it numbers"),
            "{warned:?}"
        );
        assert!(warned[0].contains(r#""dtypes": {"code": "str"}"#), "{warned:?}");
        assert!(look("7,True\n").len() == 1 && look("True,x\n").is_empty());
    }
}
