//! A refused artifact: as much of it as could be read, as text or JSON. The reason is also on standard error.

use std::io::Write;

use serde::Serialize;

use super::page::{Page, plain};
use super::{not_run, passed_over, preprocessor, sizes, write_text};
use crate::cli::hints;
use crate::model::{FileSize, Refusal, Script};
use crate::telemetry::printable;
use byoc_formats::error::chain;
use byoc_sklearn::describe::RefusedDescription;

/// A refusal as a JSON document.
#[derive(Serialize)]
pub(super) struct RefusalDocument<'a> {
    error: ErrorDocument<'a>,
    #[serde(skip_serializing_if = "<[FileSize]>::is_empty")]
    files: &'a [FileSize],
    #[serde(skip_serializing_if = "<[Script]>::is_empty")]
    not_run: &'a [Script],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    passed_over: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a RefusedDescription>,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    message: String,
    hint: &'a str,
    exit_code: u8,
}

impl<'a> RefusalDocument<'a> {
    pub(super) fn of(refusal: &'a Refusal) -> RefusalDocument<'a> {
        let cause = refusal.error.cause();
        RefusalDocument {
            error: ErrorDocument {
                message: chain(&refusal.error).to_string(),
                hint: hints::inspect_hint(cause).unwrap_or(cause.row().hint),
                exit_code: cause.row().exit_code,
            },
            files: &refusal.files,
            not_run: &refusal.not_run,
            passed_over: &refusal.passed_over,
            refused: refusal.outline.as_ref(),
        }
    }
}

/// Writes the parts of the artifact that could be read.
pub(super) fn write(stdout: &mut impl Write, refusal: &Refusal, as_json: bool) -> std::io::Result<()> {
    if as_json {
        let mut lines = printable::JsonLines::new(stdout);
        serde_json::to_writer_pretty(&mut lines, &RefusalDocument::of(refusal))?;
        return lines.write_all(b"\n");
    }
    let mut page = Page::default();
    match &refusal.outline {
        Some(outline) => {
            page.line(0, &format!("refused; made by scikit-learn {}", plain(&outline.scikit_learn)));
            sizes(&mut page, &refusal.files);
            not_run(&mut page, &refusal.not_run);
            passed_over(&mut page, &refusal.passed_over);
            page.blank_line();
            preprocessor::transformer(&mut page, 0, &outline.transformer);
        }
        None if !refusal.not_run.is_empty() || !refusal.passed_over.is_empty() => {
            page.line(0, "refused");
            not_run(&mut page, &refusal.not_run);
            passed_over(&mut page, &refusal.passed_over);
        }
        None => return Ok(()),
    }
    write_text(stdout, &page.into_text())
}
