//! Which module imports which: no cycles, and no contract that imports another.
//!
//! The tests read paths that begin with `crate::`, `super::` or `self::` from the source text, in `use` lines and in
//! code, except in tests. A parent module may import its children and they may import it. Among the children of one
//! module (files, or folders with all their modules), imports must not form a cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The packages, by their folders.
const PACKAGES: [&str; 7] = [
    ".",
    "crates/account",
    "crates/allocator",
    "crates/fake-container",
    "crates/formats",
    "crates/linear-learner",
    "crates/sklearn",
];

/// The folders of `src/` that each implement one SageMaker contract.
const CONTRACTS: [&str; 4] = ["container", "endpoint", "training", "transform"];

type ModulePath = Vec<String>;

/// The modules of a package, each with its source.
fn modules(package: &str) -> BTreeMap<ModulePath, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join("src");
    let mut modules = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                modules.insert(module_path(&root, &path), without_tests(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    modules
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    name.ends_with("_test") || name.ends_with("_tests") || name == "testing" || name == "tests"
}

fn module_path(root: &Path, file: &Path) -> ModulePath {
    let relative = file.strip_prefix(root).unwrap().with_extension("");
    let mut path: ModulePath = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// The source without comments, and without the test module at its end.
fn without_tests(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod ").unwrap_or(source.len());
    let lines = source[..end].lines().map(|line| line.find("//").map_or(line, |comment| &line[..comment]));
    lines.collect::<Vec<_>>().join("\n")
}

/// All paths in a source that begin at a module of this package, with `use` groups expanded.
fn paths(source: &str) -> Vec<ModulePath> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in source.match_indices(start) {
            let is_inside = source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$');
            if !is_inside {
                take_path(&source[at..], &mut Vec::new(), &mut paths);
            }
        }
    }
    paths
}

/// Takes one path or group from the start of a text and returns what follows it.
fn take_path<'a>(mut text: &'a str, before: &mut ModulePath, paths: &mut Vec<ModulePath>) -> &'a str {
    let depth = before.len();
    loop {
        text = text.trim_start();
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = take_path(group, before, paths).trim_start();
                match group.strip_prefix(',') {
                    Some(rest) if !rest.trim_start().starts_with('}') => group = rest,
                    rest => {
                        before.truncate(depth);
                        return rest.unwrap_or(group).trim_start().trim_start_matches('}');
                    }
                }
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        before.push(text[..end].to_owned());
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => {
                paths.push(before.clone());
                before.truncate(depth);
                let renamed = text.trim_start().strip_prefix("as ");
                return renamed.map_or(text, |rest| rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
            }
        }
    }
}

/// The module that contains the item at a path, seen from a module.
fn target(from: &ModulePath, path: &ModulePath, modules: &BTreeMap<ModulePath, String>) -> ModulePath {
    let mut parts = path.iter().peekable();
    let mut module = match parts.peek().map(|part| part.as_str()) {
        Some("crate") => Vec::new(),
        _ => from.clone(),
    };
    for part in parts {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(module.pop()),
            name => {
                module.push(name.to_owned());
                if !modules.contains_key(&module) {
                    module.pop();
                    break;
                }
            }
        }
    }
    module
}

/// The imports among the children of each module, each with an example.
type Imports = BTreeMap<ModulePath, BTreeMap<(String, String), String>>;

fn imports(modules: &BTreeMap<ModulePath, String>) -> Imports {
    let mut imports = Imports::new();
    for (from, source) in modules {
        for path in paths(source) {
            let to = target(from, &path, modules);
            let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                let example = format!("{} has {}", from.join("::"), path.join("::"));
                let among = imports.entry(from[..common].to_vec()).or_default();
                among.entry((one.clone(), other.clone())).or_insert(example);
            }
        }
    }
    imports
}

/// A cycle among imports, as an example of each step.
fn cycle(imports: &BTreeMap<(String, String), String>) -> Option<Vec<String>> {
    fn visit<'a>(
        module: &'a str,
        imports: &'a BTreeMap<(String, String), String>,
        steps: &mut Vec<(&'a str, &'a String)>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        for ((_, to), example) in imports.iter().filter(|((from, _), _)| from == module) {
            steps.push((module, example));
            if let Some(start) = steps.iter().position(|(passed, _)| *passed == to.as_str()) {
                return Some(steps[start..].iter().map(|(_, example)| (*example).clone()).collect());
            }
            if !done.contains(to.as_str())
                && let Some(found) = visit(to, imports, steps, done)
            {
                return Some(found);
            }
            steps.pop();
        }
        done.insert(module);
        None
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|(from, _)| visit(from, imports, &mut Vec::new(), &mut done))
}

#[test]
fn no_modules_import_each_other_in_a_cycle() {
    let mut cycles = Vec::new();
    for package in PACKAGES {
        for (parent, imports) in imports(&modules(package)) {
            if let Some(steps) = cycle(&imports) {
                cycles.push(format!("{package} {}: {}", parent.join("::"), steps.join("; ")));
            }
        }
    }
    assert!(cycles.is_empty(), "{}", cycles.join("\n"));
}

#[test]
fn no_contract_imports_another_and_nothing_imports_the_command_line() {
    let imports = imports(&modules("."));
    let forbidden = imports[&ModulePath::new()].iter().filter(|((from, to), _)| {
        (CONTRACTS.contains(&from.as_str()) && CONTRACTS.contains(&to.as_str())) || (to == "cli" && from != "main")
    });
    let forbidden: Vec<&String> = forbidden.map(|(_, example)| example).collect();
    assert!(forbidden.is_empty(), "{forbidden:#?}");
}

#[test]
fn every_package_is_checked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let packages = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut packages: Vec<PathBuf> = packages.filter(|path| path.join("Cargo.toml").is_file()).collect();
    packages.sort();
    let names: Vec<String> =
        packages.iter().map(|path| format!("crates/{}", path.file_name().unwrap().to_str().unwrap())).collect();
    assert_eq!(names, PACKAGES[1..]);
}

#[test]
fn use_groups_are_expanded_and_paths_resolve_to_modules() {
    let source = "use crate::a::{self, b::{C, D as E}, f};\nfn g() { super::h::i(); other::crate_::x() }";
    let found: Vec<String> = paths(source).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::a::self", "crate::a::b::C", "crate::a::b::D", "crate::a::f", "super::h::i"]);
    let module = |path: &str| -> ModulePath { path.split("::").map(str::to_owned).collect() };
    let known: BTreeMap<ModulePath, String> =
        ["a", "a::b", "x", "x::h"].map(|path| (module(path), String::new())).into();
    assert_eq!(target(&module("x::y"), &module("super::h::i"), &known), module("x::h"));
    assert_eq!(target(&module("x"), &module("crate::a::b::C"), &known), module("a::b"));
    assert_eq!(target(&module("x"), &module("crate::a::C"), &known), module("a"));
}

#[test]
fn a_cycle_is_found_and_a_parent_and_its_children_are_not_one() {
    let module = |path: &str| -> ModulePath { path.split("::").map(str::to_owned).collect() };
    let check = |sources: [(&str, &str); 4]| {
        let modules = sources.map(|(path, source)| (module(path), source.to_owned())).into();
        imports(&modules).values().find_map(cycle)
    };
    let family =
        [("a", "use b::X;"), ("a::b", "use super::Y;"), ("a::c", "use super::b::X;"), ("d", "use crate::a::c;")];
    assert_eq!(check(family), None);
    let folders = [("a", ""), ("a::b", "use crate::d::X;"), ("a::c", ""), ("d", "use crate::a::c;")];
    assert_eq!(check(folders).unwrap(), ["a::b has crate::d::X", "d has crate::a::c"]);
    let files = [("a", ""), ("a::b", "use super::c::X;"), ("a::c", "fn f() { super::b::g() }"), ("d", "")];
    assert_eq!(check(files).unwrap().len(), 2);
}
