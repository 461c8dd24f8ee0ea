//! A folder of archives, such as that of a multi-model endpoint: a line for each, or a JSON document for all.

use std::io::Write;
use std::path::{Path, PathBuf};

use byoc_account::Allowance;
use serde::Serialize;

use super::failure::Failure;
use super::page::{Page, path};
use super::place::Place;
use super::preprocessor::printable as sentence;
use super::{Ended, bytes, say, title};
use crate::error::Error;
use crate::model::{Inspection, Refusal};
use crate::telemetry::printable;
use byoc_formats::error::chain;
use byoc_sklearn::preprocessor::Overrides;

/// The archives.
pub(super) struct Models<'a> {
    pub(super) folder: &'a Place,
    pub(super) archives: Vec<PathBuf>,
    pub(super) overrides: &'a Overrides,
}

/// One of them, as JSON.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    seen: T,
}

impl Models<'_> {
    /// Looks into one after the other, so that only one is in memory.
    ///
    /// # Errors
    /// That of the first that is refused, once all are told.
    pub(super) fn tell(
        &self,
        stdout: &mut impl Write,
        as_json: bool,
        allowance: &dyn Fn() -> Allowance,
    ) -> Result<(), Ended> {
        let mut refused = None;
        let folder = self.folder.name();
        if as_json {
            let mut lines = printable::JsonLines::new(stdout);
            lines.write_all(b"{\n\"models\": [")?;
            for (index, archive) in self.archives.iter().enumerate() {
                lines.write_all(if index == 0 { b"\n" } else { b",\n" })?;
                let (name, seen) = (self.name(archive), self.look(archive, &allowance()));
                let written = match &seen {
                    Ok(inspection) => {
                        serde_json::to_writer_pretty(&mut lines, &Named { name: &name, seen: inspection })
                    }
                    Err(refusal) => {
                        serde_json::to_writer_pretty(&mut lines, &Named { name: &name, seen: Failure::of(refusal) })
                    }
                };
                written.map_err(std::io::Error::from)?;
                note(&mut refused, seen);
            }
            lines.write_all(b"\n]\n}\n")?;
        } else {
            let mut page = Page::default();
            page.line(
                0,
                &format!("{} archives in {}; byoc inspect of one says more", self.archives.len(), sentence(folder)),
            );
            for archive in &self.archives {
                let (name, seen) = (self.name(archive), self.look(archive, &allowance()));
                let said = match &seen {
                    Ok(seen) => {
                        let passed_over = match seen.passed_over.as_slice() {
                            [] => String::new(),
                            others => format!("; passed over: {}", sentence(&others.join(", "))),
                        };
                        format!("{}, {} in memory{passed_over}", title(seen), bytes(seen.memory_bytes))
                    }
                    Err(refusal) => format!("refused: {}", sentence(&chain(&refusal.error).to_string())),
                };
                page.line(2, &format!("{}: {said}", path(&name)));
                note(&mut refused, seen);
            }
            say(stdout, &page.into_text())?;
        }
        refused.map_or(Ok(()), |error| Err(Ended::Told(error)))
    }

    fn name(&self, archive: &Path) -> String {
        archive.strip_prefix(&self.folder.path).unwrap_or(archive).to_string_lossy().into_owned()
    }

    fn look(&self, archive: &Path, allowance: &Allowance) -> Result<Inspection, Box<Refusal>> {
        Inspection::or_refusal(archive, self.overrides, allowance).map_err(|mut refusal| {
            refusal.error = self.folder.said_of(refusal.error);
            refusal
        })
    }
}

/// Keeps the first refusal.
fn note(refused: &mut Option<Error>, seen: Result<Inspection, Box<Refusal>>) {
    if let (None, Err(refusal)) = (&refused, seen) {
        *refused = Some(refusal.error);
    }
}
