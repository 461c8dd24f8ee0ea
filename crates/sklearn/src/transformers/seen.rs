//! Which columns of a request a model looks at: those that some estimator uses that is given the request itself.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::Builder;
use crate::columns::column_names::ColumnNames;
use crate::transformers::fitted_columns;
use crate::transformers::steps::best;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The names of the frame that a model was fitted on, and what becomes of each of its columns.
pub(crate) struct FittedColumns<'t> {
    pub(crate) names: ColumnNames<'t>,
    /// What becomes of each.
    pub(crate) uses: Vec<Use>,
}

/// What becomes of a column that a model was fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A transformer takes it.
    Taken,
    /// It is one of the columns of a `('name', 'drop', [columns])`.
    Dropped,
    /// Nobody has it, so that `remainder='drop'` drops it.
    Left,
}

impl Use {
    /// What becomes of a column that two look at.
    fn and(self, other: Use) -> Use {
        match (self, other) {
            (Use::Taken, _) | (_, Use::Taken) => Use::Taken,
            (Use::Dropped, _) | (_, Use::Dropped) => Use::Dropped,
            (Use::Left, Use::Left) => Use::Left,
        }
    }
}

impl<'t> FittedColumns<'t> {
    /// Columns all of which are used.
    pub(crate) fn all_taken(names: ColumnNames<'t>) -> FittedColumns<'t> {
        let uses = vec![Use::Taken; names.len()];
        FittedColumns { names, uses }
    }

    /// The names of the columns that no transformer takes.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &'t str> {
        let unused = self.names.iter().zip(&self.uses).filter(|(_, used)| **used != Use::Taken);
        unused.map(|(name, _)| *name)
    }

    /// The same where another estimator is given the same frame.
    fn beside(mut self, other: &Seen<'t>) -> FittedColumns<'t> {
        match other {
            Seen::Columns(other) if *other.names == *self.names => {
                for (own, others) in self.uses.iter_mut().zip(&other.uses) {
                    *own = own.and(*others);
                }
            }
            Seen::Columns(_) | Seen::Everything | Seen::PassedOn => self.uses.fill(Use::Taken),
        }
        self
    }
}

/// What of a request an estimator looks at.
pub(crate) enum Seen<'t> {
    /// Nothing itself: the next one is given it as it came.
    PassedOn,
    /// All of it, as far as is known.
    Everything,
    /// Some columns of a frame whose names it knows.
    Columns(FittedColumns<'t>),
}

impl<'t> Seen<'t> {
    /// What a model looks at.
    ///
    /// # Errors
    /// Where the pickle is not what scikit-learn would write.
    pub(crate) fn by(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<Seen<'t>> {
        // 'passthrough' has no attributes, nor has None, which a Pipeline leaves out.
        let Some(object) = best(value).ok().and_then(Attributes::of) else { return Ok(Seen::PassedOn) };
        match object.class() {
            "Pipeline" => {
                for step in parts(object, "steps", builder)? {
                    match Seen::by(step, builder)? {
                        Seen::PassedOn => {}
                        seen => return Ok(seen),
                    }
                }
                Ok(Seen::PassedOn)
            }
            "FeatureUnion" => Seen::by_all(parts(object, "transformer_list", builder)?, builder),
            "FunctionTransformer" if object.present("func").is_none() => Ok(Seen::PassedOn),
            _ => Ok(fitted_columns(object, builder)?.map_or(Seen::Everything, Seen::Columns)),
        }
    }

    /// What parts look at that are all given the same. The names are those of the first that looks at anything; parts that pass
    /// all of it on use all of it too, if another part does anything.
    fn by_all(parts: Vec<Value<'t>>, builder: &mut Builder<'t, '_>) -> Result<Seen<'t>> {
        let mut all = Seen::PassedOn;
        let mut passes_on = false;
        for part in parts.into_iter().filter(|part| !part.is_none() && part.as_str() != Some("drop")) {
            let seen = Seen::by(part, builder)?;
            passes_on |= matches!(seen, Seen::PassedOn);
            all = match (all, seen) {
                (Seen::PassedOn, seen) | (seen, Seen::PassedOn) => seen,
                (Seen::Everything, _) => Seen::Everything,
                (Seen::Columns(columns), seen) => Seen::Columns(columns.beside(&seen)),
            };
        }
        Ok(match all {
            Seen::Columns(columns) if passes_on => Seen::Columns(columns.beside(&Seen::PassedOn)),
            all => all,
        })
    }
}

/// The parts of an estimator that is made of others.
fn parts<'t>(object: Attributes<'t>, attribute: &str, builder: &Builder<'t, '_>) -> Result<Vec<Value<'t>>> {
    let items = object.get(attribute).and_then(Value::items).into_iter().flatten();
    let mut parts = Vec::new();
    for item in items {
        builder.work.charge_items::<Value<'_>>(1)?;
        parts.extend(item.array_of::<2>().map(|[_, part]| part));
    }
    Ok(parts)
}
