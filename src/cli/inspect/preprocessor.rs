//! A preprocessor as text: the tree of its transformers and the names of its features.

use super::page::{Page, listed, path, plain, short, value};
use byoc_formats::counted::counted;
use byoc_formats::rows::reading::ReadAs;
use byoc_sklearn::describe::{ColumnReadAs, PreprocessorDescription, TransformerDescription};
use byoc_sklearn::feature_names::name::Name;
use serde_json::Value as Json;

/// Settings that do not change the output.
const SETTINGS_WITHOUT_EFFECT: &[&str] = &["copy", "n_jobs", "verbose"];

pub(super) fn describe(page: &mut Page, preprocessor: &PreprocessorDescription) {
    row(page, preprocessor);
    page.blank_line();
    transformer(page, 0, &preprocessor.transformer);
    page.blank_line();
    features(page, &preprocessor.transformer);
}

/// Describes the columns of a row.
pub(super) fn row(page: &mut Page, preprocessor: &PreprocessorDescription) {
    match preprocessor.columns.len() {
        0 => page.line(2, "a row: columns by position"),
        count => page.list(2, &format!("a row: {}: ", counted(count, "column")), names(&preprocessor.columns)),
    }
    if let Some(label) = &preprocessor.label {
        let name = label.name.as_deref().map(|name| format!(" {}", plain(name))).unwrap_or_default();
        let guessed = if label.guessed { " (guessed)" } else { "" };
        page.line(2, &format!("a row may have its label{name}, {}{guessed}", label.position));
        if let Some(note) = &label.note {
            page.line(4, &printable_sentence(&note.text));
        }
    }
    read_as(page, preprocessor);
    if let Some(refusal) = &preprocessor.refusal {
        page.line(2, &format!("every request is refused: {}", printable_sentence(refusal)));
    }
}

/// Lists the column types that do not depend on the cells alone.
fn read_as(page: &mut Page, preprocessor: &PreprocessorDescription) {
    for (by, why) in [("fitted", "since it was fitted on text"), ("told", "as dtypes says")] {
        for dtype in ReadAs::ALL.map(ReadAs::name) {
            let of_type = |column: &&ColumnReadAs| column.by == by && column.dtype == Some(dtype);
            let columns: Vec<_> =
                preprocessor.read_as.iter().filter(of_type).map(|column| listed(&column.column)).collect();
            if !columns.is_empty() {
                page.list(2, &format!("read as {dtype}, {why}: "), columns.into_iter());
            }
        }
    }
    for ColumnReadAs { column, no_missing_values, .. } in &preprocessor.read_as {
        if !no_missing_values.is_empty() {
            let texts = no_missing_values.iter().map(|text| format!("{text:?}"));
            page.list(
                2,
                &format!("text in {}, not a missing value, since it was fitted on that text: ", plain(column)),
                texts,
            );
        }
    }
    if let Some(undecided) = &preprocessor.undecided_types {
        page.line(2, &printable_sentence(&undecided.text));
    }
    if !preprocessor.no_missing_values.is_empty() {
        let texts = preprocessor.no_missing_values.iter().map(|text| format!("{text:?}"));
        page.list(2, "text in all columns, not a missing value, as in pandas when the model was fitted: ", texts);
    }
}

fn features(page: &mut Page, whole: &TransformerDescription) {
    match (&whole.feature_names_out, &whole.feature_names_out_error) {
        (Some(features), _) => page.list(0, &format!("{}: ", counted(features.len(), "feature")), names(features)),
        (None, reason) => {
            let reason = reason.as_deref().unwrap_or_default();
            page.line(0, &format!("its features have no names; scikit-learn says: {}", printable_sentence(reason)));
        }
    }
    if let Some(note) = &whole.note {
        page.line(2, &printable_sentence(note));
    }
}

fn names(names: &[Name]) -> impl ExactSizeIterator<Item = String> {
    names.iter().map(|name| listed(name))
}

/// A sentence without control characters. Paths in it are not shortened.
pub(super) fn printable_sentence(text: &str) -> String {
    text.split(' ').map(path).collect::<Vec<_>>().join(" ")
}

/// Describes a transformer, its fitted attributes and its parts.
pub(super) fn transformer(page: &mut Page, indent: usize, described: &TransformerDescription) {
    let name = described.name.as_ref().map(|name| format!("{}: ", plain(name))).unwrap_or_default();
    let weight = described.weight.as_ref().map(|weight| format!(", times {}", value(weight))).unwrap_or_default();
    let features = described.feature_names_out.as_ref().map(|features| counted(features.len(), "feature"));
    let refused = described.not_read.as_ref().map(|class| format!(" ({}, not read)", plain(class))).unwrap_or_default();
    let head = format!("{name}{}{refused}{weight}", plain(&described.class));
    let to = features.map(|features| format!(" to {features}")).unwrap_or_default();
    match described.columns.len() {
        0 => page.line(indent, &head),
        // The artifact's columns are listed above, and a composite's at its parts.
        count if indent == 0 || !described.parts.is_empty() => {
            page.line(indent, &format!("{head}, {}{to}", counted(count, "column")));
        }
        count => {
            page.list(indent, &format!("{head}, {}{to}: ", counted(count, "column")), names(&described.columns));
        }
    }
    let shown =
        |(name, value): &(&String, &Json)| !SETTINGS_WITHOUT_EFFECT.contains(&name.as_str()) && !value.is_null();
    let settings: Vec<_> = described.settings.iter().filter(shown).collect();
    if !settings.is_empty() {
        page.list(
            indent + 2,
            "",
            settings.into_iter().map(|(name, setting)| format!("{}={}", plain(name), value(setting))),
        );
    }
    fitted(page, indent + 2, described);
    for part in &described.parts {
        transformer(page, indent + 2, part);
    }
    if !described.dropped.is_empty() {
        page.list(indent + 2, "dropped: ", names(&described.dropped));
    }
}

/// Describes the fitted attributes: those with one value per column in a table, those with several values per column as
/// one list per column, and those of all columns together on a line each.
fn fitted(page: &mut Page, indent: usize, described: &TransformerDescription) {
    let by_column = |name: &String| described.by_column.contains(name);
    let (mut numbers, mut lists) = (Vec::new(), Vec::new());
    for (name, fitted) in &described.fitted {
        match fitted.as_array() {
            Some(values) if by_column(name) => {
                let nested = values.iter().any(Json::is_array);
                if nested { lists.push((name, values)) } else { numbers.push((name, values)) }
            }
            _ if fitted.is_null() => {}
            _ => page.line(indent, &format!("{} {}", plain(name), whole(fitted))),
        }
    }
    if !numbers.is_empty() {
        let header: Vec<String> =
            std::iter::once(String::new()).chain(numbers.iter().map(|(name, _)| plain(name))).collect();
        let row = |(index, column): (usize, &Name)| {
            let cells = numbers.iter().map(|(_, values)| values.get(index).map(value).unwrap_or_default());
            std::iter::once(plain(column)).chain(cells).collect()
        };
        page.table(indent, &header, described.columns.iter().enumerate().map(row));
    }
    for (name, values) in lists {
        page.line(indent, &plain(name));
        for (column, own) in described.columns.iter().zip(values).take(40) {
            match own.as_array() {
                Some(items) => page.short_list(indent + 2, &format!("{}: ", plain(column)), items.iter().map(value)),
                None => page.line(indent + 2, &format!("{}: {}", plain(column), value(own))),
            }
        }
        if values.len() > 40 {
            page.line(indent + 2, &format!("and {} more (--json has all)", values.len() - 40));
        }
    }
}

/// An attribute of all columns together. A large table is shown by its shape only.
fn whole(fitted: &Json) -> String {
    match fitted.as_array() {
        Some(rows) if rows.first().is_some_and(Json::is_array) && rows.len() > 3 => {
            let columns = rows.first().and_then(Json::as_array).map_or(0, Vec::len);
            format!("{} x {columns} (--json has all)", rows.len())
        }
        _ => fitted.as_f64().filter(|_| fitted.as_i64().is_none()).map_or_else(|| value(fitted), short),
    }
}
