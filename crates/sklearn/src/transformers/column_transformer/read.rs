//! Reads a ColumnTransformer from a pickled object.

use super::apply::{Branch, ColumnTransformer};
use super::selection::{self, Branches, By};
use super::unrecorded;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input, RequestWidth, Shape, list_names, shorten};
use crate::artifact::class_list::ClassNames;
use crate::artifact::work::Work;
use crate::columns::column_names::ColumnNames;
use crate::columns::readings::Origins;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use crate::transformers::class::{self, PickledClass};
use crate::transformers::columns_used::{ColumnsUsed, FittedColumns, Use};
use crate::transformers::shared::output::given_on;
use crate::transformers::shared::weight::Weights;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::Usage;
use byoc_formats::pickle::Value;
use std::collections::HashMap;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["ColumnTransformer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.compose._column_transformer"]
    }

    fn companions(&self) -> &'static [ClassNames] {
        &[ClassNames {
            modules: &["sklearn.compose._column_transformer"],
            names: &["make_column_selector", "_RemainderColsList"],
            usage: Usage::Object,
        }]
    }

    /// Reads `transformers_`, which columns each takes, and `transformer_weights`.
    fn build<'t>(
        &self,
        transformer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let read = Branches::read(transformer, builder.version, &builder.work)?;
        let _held = builder.allowance().hold(read.bytes())?;
        let weights = Weights::of(transformer, &builder.work)?;
        let by_name = demand(&read, input, builder, transformer)?;
        builder.keep_items::<Branch>(read.branches.len())?;
        let mut branches = Vec::with_capacity(read.branches.len());
        builder.use_scratch(read.branches.len().saturating_mul(size_of::<(Origins, usize)>()))?;
        if let (Some(_), Some(given)) = (&read.known, &input.names)
            && (by_name || read.branches.iter().any(|branch| branch.by == By::Name))
        {
            builder.use_scratch(ColumnNames::table_bytes(given.len()))?;
        }
        let mut given = Vec::with_capacity(read.branches.len());
        let mut width = Some(0usize);
        for branch in &read.branches {
            let context =
                |error: byoc_formats::error::Error| error.context(format!("transformer {:?}", shorten(branch.name)));
            let place = |position: usize, builder: &mut Builder<'t, '_>| match (&read.known, &input.names) {
                (Some(known), Some(given)) if by_name || branch.by == By::Name => {
                    let name = known.get(position).copied().unwrap_or_default();
                    find(name, given, input, builder, branch.name)
                }
                (Some(known), None) if branch.by == By::Name && !read.is_recorded => {
                    builder.note_column_mismatch(|| {
                        unrecorded::needs_names(known.get(position).copied().unwrap_or_default())
                    });
                    0
                }
                _ => place(position, &read, input),
            };
            let count = branch.positions.len();
            builder.keep_items::<u32>(count)?;
            // The positions of its columns, and their names.
            let allowance = builder.allowance();
            let names = if input.names.is_some() { ColumnNames::bytes(count) } else { 0 };
            let _held = allowance.hold(count.saturating_mul(size_of::<usize>()).saturating_add(names))?;
            let columns: Vec<usize> =
                branch.positions.iter().copied().map(|position| place(position, builder)).collect();
            let names = input.names.as_ref().map(|given| {
                let name = |column: &usize| given.get(*column).copied().unwrap_or_default();
                ColumnNames::new(columns.iter().map(name).collect())
            });
            let origins = match input.origins {
                Origins::Changed => Origins::Changed,
                _ => builder.origins(columns.iter().map(|column| input.origins.of(*column)), columns.len())?,
            };
            let own_input =
                Input { names, shape: Shape::Fixed(columns.len()), sparse: input.sparse, frame: input.frame, origins };
            let built = class::build(branch.transformer, &own_input, builder).map_err(context)?;
            width = match (width, built.output.shape) {
                (Some(width), Shape::Fixed(more)) => width.checked_add(more),
                _ => None,
            };
            let columns = columns.into_iter().map(|column| u32::try_from(column).unwrap_or(u32::MAX)).collect();
            let weight = weights.get(branch.name)?;
            given.push(given_on(&built.output, weight.is_some()));
            branches.push(Branch { transformer: built.transformer, columns, weight });
        }
        if !read.is_recorded && matches!(input.shape, Shape::Request { .. }) {
            // It takes narrower rows if only unused columns are missing.
            let used = branches.iter().flat_map(|branch: &Branch| branch.columns.iter().copied()).max();
            builder.require_width(RequestWidth::AtLeast(used.map_or(0, |last| last as usize + 1)));
        }
        let width = width.ok_or_else(|| transformer.error("the answer has too many columns"))?;
        let sparse = transformer.flag_or("sparse_output_", false)?;
        let frames = transformer.gives_frames();
        let transformer = ColumnTransformer { branches: branches.into(), width, sparse, frames };
        let origins = builder.side_by_side(&given)?;
        let output = Input { origins, ..Input::array(width) };
        Built::new(transformer, output, builder)
    }

    /// The names of the frame that it was fitted on, or those of its input.
    fn names_in(&self, transformer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let Branches { names, n_features, .. } = Branches::read(transformer, bounds.version, &bounds.work)?;
        names::choose(names.as_deref(), Some(n_features), given, bounds)
    }

    /// The branches, each with the names of its columns.
    fn parts<'t>(
        &self,
        transformer: Attributes<'t>,
        given: Option<&[Name]>,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<class::Part<'t>>> {
        let Branches { names, n_features, branches, .. } = Branches::read(transformer, bounds.version, &bounds.work)?;
        // Names that differ from those of fit are an error of the names, not of the columns.
        let columns = names::choose(names.as_deref(), Some(n_features), given, bounds)
            .or_else(|_| names::choose(None, Some(n_features), None, bounds));
        let columns = columns.unwrap_or_default();
        let part = |branch: &selection::BranchSpec<'t>| {
            let given = branch.positions.iter().filter_map(|position| columns.get(*position));
            let given = Some(bounds.copy(given)?);
            Ok(class::Part { name: branch.name, transformer: branch.transformer, given })
        };
        branches.iter().map(part).collect()
    }

    fn feature_names_out(&self, transformer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        self.names_in(transformer, given, bounds)?;
        let frame = FrameNames::of(transformer, &bounds.work)?;
        let mut named = Vec::new();
        for part in self.parts(transformer, given, bounds)? {
            let names = if class::has_feature_names_out(part.transformer) {
                class::feature_names_out(part.transformer, part.given.as_deref(), bounds)?
            } else {
                let names = frame.as_ref().and_then(|frame| frame.of_part(part.name)).ok_or_else(|| {
                    let class = part.transformer.class().map_or("str", |(_, class)| class);
                    NoNames::no_method(part.name, class, "get_feature_names_out")
                })?;
                bounds.collect(names.into_iter())?
            };
            named.push((part.name, names));
        }
        names::prefixed(transformer, named, bounds)
    }

    fn get_feature_names(&self, transformer: Attributes<'_>, bounds: &Bounds<'_>) -> Option<Names> {
        Some(get_feature_names(transformer, bounds))
    }

    fn dropped(&self, transformer: Attributes<'_>, columns: &[Name], bounds: &Bounds<'_>) -> Result<Vec<Name>> {
        let uses = Branches::read(transformer, bounds.version, &bounds.work)?.uses();
        let unused = columns.iter().zip(uses).filter(|(_, used)| *used != Use::Taken).map(|(name, _)| name);
        bounds.copy(unused)
    }

    fn columns_used<'t>(&self, transformer: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
        let branches = Branches::read(transformer, builder.version, &builder.work)?;
        let uses = branches.uses();
        let columns = branches.names.map(|names| FittedColumns { names, uses });
        Ok(columns.map_or(ColumnsUsed::Everything, ColumnsUsed::Columns))
    }

    /// The attribute is absent when all columns are dropped.
    fn gives_sparse(&self, object: Attributes<'_>, _input: &Input<'_>, _output: &Input<'_>) -> Result<bool> {
        object.flag_or("sparse_output_", false)
    }
}

/// Notes the required width and names of a request; returns whether columns are found by name.
fn demand<'t>(
    read: &Branches<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
    transformer: Attributes<'t>,
) -> Result<bool> {
    let by_name = builder.version >= Version::new(1, 0) && read.names.is_some() && input.names.is_some();
    if let Shape::Fixed(given) = input.shape {
        if given != read.n_features && !by_name && read.is_recorded {
            let expected = read.n_features;
            return Err(transformer.error(format_args!("it was fitted on {expected} features, but is given {given}")));
        }
        return Ok(by_name);
    }
    if by_name {
        return Ok(true);
    }
    // From 0.20.4 and 0.21.3 to 0.23 rows might be wider, in 0.24 not. What those before take depends on the columns
    // that are used.
    if builder.version >= Version::new(0, 24) {
        builder.require_width(RequestWidth::Exactly(read.n_features));
    } else if read.is_recorded {
        builder.require_width(RequestWidth::AtLeast(read.n_features));
    }
    if let (Some(fitted), Some(given)) = (&read.names, &input.names)
        && (Version::new(0, 24)..Version::new(1, 0)).contains(&builder.version)
        && !is_in_order(fitted, given, label_at_fit(read, input))
    {
        builder.note_column_mismatch(|| {
            let (given, fitted) = (list_names(given), list_names(fitted));
            format!("the columns of a row are {given}, but the model was fitted on {fitted}, in this order")
        });
    }
    Ok(false)
}

/// The position of a column of this name.
fn find<'t>(
    name: &str,
    given: &ColumnNames<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
    branch: &str,
) -> usize {
    let Some(position) = given.position(name) else {
        builder.note_column_mismatch(|| {
            let (branch, name, given) = (shorten(branch), shorten(name), list_names(given));
            format!("transformer {branch:?} uses the column {name}, but the columns of a row are {given}")
        });
        return 0;
    };
    if matches!(input.shape, Shape::Request { label: Some(_) }) && position + 1 == given.len() {
        // Only a row with the label has this column.
        builder.require_width(RequestWidth::AtLeast(given.len()));
    }
    position
}

/// Where a column that is known by its position at fit is given: the label, if it was there at fit, is counted last
/// here.
fn place(position: usize, read: &Branches<'_>, input: &Input<'_>) -> usize {
    match label_at_fit(read, input) {
        Some(label) if position == label => read.n_features - 1,
        Some(label) if position > label => position - 1,
        _ => position,
    }
}

/// The position of the label of a request among the columns at fit, if it was one of them.
fn label_at_fit(read: &Branches<'_>, input: &Input<'_>) -> Option<usize> {
    let (Shape::Request { label: Some(place) }, Some(given)) = (input.shape, &input.names) else { return None };
    match &read.names {
        Some(fitted) => fitted.position(given.last()?),
        None => (given.len() == read.n_features).then(|| place.index(read.n_features.saturating_sub(1))),
    }
}

/// Whether the columns of a row are in the order of fit, whatever the position of the label.
fn is_in_order(fitted: &ColumnNames<'_>, given: &ColumnNames<'_>, label: Option<usize>) -> bool {
    match label {
        None => given.get(..fitted.len()) == Some(&**fitted),
        Some(label) => {
            let others = fitted.iter().enumerate().filter(|(position, _)| *position != label);
            given.len() == fitted.len() && given.iter().zip(others).all(|(given, (_, fitted))| given == fitted)
        }
    }
}

/// The names of parts that returned a frame at fit, which some versions store for parts that cannot name their
/// features.
struct FrameNames<'t> {
    all: Vec<Value<'t>>,
    /// The positions of each part's names.
    slices: HashMap<&'t str, Value<'t>>,
}

impl<'t> FrameNames<'t> {
    fn of(transformer: Attributes<'t>, work: &Work<'_>) -> Result<Option<FrameNames<'t>>> {
        let all = transformer.present("_transformers_feature_names_out").and_then(Value::as_array);
        let (Some(all), Some(slices)) = (all, transformer.get("output_indices_")) else { return Ok(None) };
        let count = slices.entries().map_or(0, |entries| entries.len());
        work.charge_items::<Value<'_>>(all.len().saturating_add(count.saturating_mul(2)))?;
        let (Some(all), Some(slices)) = (all.objects(), slices.by_text()) else { return Ok(None) };
        Ok(Some(FrameNames { all: all.collect(), slices }))
    }

    fn of_part(&self, part: &str) -> Option<Vec<&'t str>> {
        let [start, stop, _]: [Value<'_>; 3] = self.slices.get(part)?.arguments()?.array_of()?;
        let (start, stop) = (usize::try_from(start.as_i64()?).ok()?, usize::try_from(stop.as_i64()?).ok()?);
        let end = stop.min(self.all.len());
        stop.checked_sub(start)?;
        self.all.get(start.min(end)..end)?.iter().map(|name| name.as_str()).collect()
    }
}

/// The names before 1.0. `'passthrough'` raised before 0.23, and has no prefix since.
fn get_feature_names(transformer: Attributes<'_>, bounds: &Bounds<'_>) -> Names {
    let mut all = Vec::new();
    for part in Class.parts(transformer, None, bounds)? {
        if part.transformer.as_str() != Some("passthrough") {
            all.extend(class::get_feature_names_of_part(part.name, part.transformer, bounds)?);
        } else if bounds.version >= Version::new(0, 23) {
            all.extend(part.given.unwrap_or_default());
        } else {
            return Err(NoNames::raised(
                "NotImplementedError: get_feature_names is not yet supported when using a 'passthrough' transformer.",
            ));
        }
    }
    Ok(all)
}
