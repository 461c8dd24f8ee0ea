//! A folder of archives, such as that of a multi-model endpoint: one line per archive, or one JSON document.

use std::io::Write;
use std::path::{Path, PathBuf};

use byoc_account::Allowance;
use serde::Serialize;

use super::local_artifact::LocalArtifact;
use super::page::{Page, path};
use super::preprocessor::printable_sentence;
use super::refusal::RefusalDocument;
use super::{InspectError, bytes, title, write_text};
use crate::error::Error;
use crate::model::{Inspection, Refusal};
use crate::telemetry::printable;
use byoc_formats::error::chain;
use byoc_sklearn::preprocessor::Overrides;

/// The archives of a folder.
pub(super) struct Models<'a> {
    pub(super) folder: &'a LocalArtifact,
    pub(super) archives: Vec<PathBuf>,
    pub(super) overrides: &'a Overrides,
}

/// An archive as JSON.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    inspection: T,
}

impl Models<'_> {
    /// Inspects the archives one by one, so that only one is in memory at a time.
    ///
    /// # Errors
    /// The error of the first refused archive, after all archives have been written.
    pub(super) fn write(
        &self,
        stdout: &mut impl Write,
        as_json: bool,
        allowance: &dyn Fn() -> Allowance,
    ) -> Result<(), InspectError> {
        let mut refused = None;
        let folder = self.folder.place.name();
        if as_json {
            let mut lines = printable::JsonLines::new(stdout);
            lines.write_all(b"{\n\"models\": [")?;
            for (index, archive) in self.archives.iter().enumerate() {
                lines.write_all(if index == 0 { b"\n" } else { b",\n" })?;
                let (name, inspected) = (self.name(archive), self.inspect(archive, &allowance()));
                let written = match &inspected {
                    Ok(inspection) => serde_json::to_writer_pretty(&mut lines, &Named { name: &name, inspection }),
                    Err(refusal) => serde_json::to_writer_pretty(
                        &mut lines,
                        &Named { name: &name, inspection: RefusalDocument::of(refusal) },
                    ),
                };
                written.map_err(std::io::Error::from)?;
                keep_first(&mut refused, inspected);
            }
            lines.write_all(b"\n]\n}\n")?;
        } else {
            let mut page = Page::default();
            page.line(
                0,
                &format!(
                    "{} archives in {}; inspect one of them for more",
                    self.archives.len(),
                    printable_sentence(folder)
                ),
            );
            for archive in &self.archives {
                let (name, inspected) = (self.name(archive), self.inspect(archive, &allowance()));
                let line = match &inspected {
                    Ok(inspection) => {
                        let passed_over = match inspection.passed_over.as_slice() {
                            [] => String::new(),
                            others => format!("; not served: {}", printable_sentence(&others.join(", "))),
                        };
                        format!("{}, {} in memory{passed_over}", title(inspection), bytes(inspection.memory_bytes))
                    }
                    Err(refusal) => format!("refused: {}", printable_sentence(&chain(&refusal.error).to_string())),
                };
                page.line(2, &format!("{}: {line}", path(&name)));
                keep_first(&mut refused, inspected);
            }
            write_text(stdout, &page.into_text())?;
        }
        refused.map_or(Ok(()), |error| Err(InspectError::Reported(error)))
    }

    fn name(&self, archive: &Path) -> String {
        archive.strip_prefix(self.folder.place.path()).unwrap_or(archive).to_string_lossy().into_owned()
    }

    fn inspect(&self, archive: &Path, allowance: &Allowance) -> Result<Inspection, Box<Refusal>> {
        Inspection::or_refusal(&self.folder.place.below(archive), self.overrides, allowance)
    }
}

/// Keeps the error of the first refused archive.
fn keep_first(refused: &mut Option<Error>, inspected: Result<Inspection, Box<Refusal>>) {
    if let (None, Err(refusal)) = (&refused, inspected) {
        *refused = Some(refusal.error);
    }
}
