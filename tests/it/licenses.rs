//! The licences of the software that the program contains.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::support::program::byoc;

/// Name and version of each crate linked into the program on this machine, except patched crates and this workspace's
/// own.
fn linked() -> BTreeSet<String> {
    let arguments = "tree --locked --package byoc --edges normal,no-proc-macro --prefix none --no-dedupe --format {p}";
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(arguments.split(' ')).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let from_a_registry = listed.lines().filter(|line| !line.is_empty() && !line.contains('('));
    from_a_registry.map(|line| line.replace(" v", " ")).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn every_linked_crate_and_software_unknown_to_cargo_are_listed_with_their_licences() {
    let output = byoc(&["licenses"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let notices = String::from_utf8(output.stdout).unwrap();
    let crates = linked();
    assert!(crates.len() > 100, "{crates:?}");
    let missing: Vec<_> = crates.iter().filter(|name| !notices.contains(&format!("\n{name} ("))).collect();
    assert!(missing.is_empty(), "run .ci/notices; not named: {missing:?}");
    for part in [
        "The GNU C Library (LGPL-2.1-or-later)",
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "The Rust standard library (MIT OR Apache-2.0)",
        "Mozilla's list of certificate authorities",
        "webpki-root-certs",
        "Permission is hereby granted, free of charge",
        "Community Data License Agreement - Permissive - Version 2.0",
    ] {
        assert!(notices.contains(part), "{part}");
    }
}
