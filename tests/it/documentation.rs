//! The documentation: the commands that readers copy, the links, the names and the width of lines.

use byoc::env::Environment;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::program::byoc;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files of the repository, without build output.
fn files() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() || path.is_symlink() {
                found.push(path);
            } else if !["target", ".git", ".state", "__pycache__"].iter().any(|name| path.ends_with(name)) {
                collect(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    collect(root(), &mut found);
    found
}

/// All Markdown files of the repository.
fn pages() -> Vec<PathBuf> {
    files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines of a page outside its fenced blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    lines.map(|(at, line)| (at + 1, line)).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then(|| heading.trim().to_lowercase())
    });
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    headings.map(|heading| heading.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// The blocks of commands in a text.
fn scripts(text: &str) -> impl Iterator<Item = &str> {
    text.split("```sh\n").skip(1).map(|rest| rest.split_once("```").expect("the block ends").0)
}

/// Runs a script in a folder that has the examples, with byoc on its PATH.
fn run(script: &str, folder: &Path) -> Output {
    std::os::unix::fs::symlink(root().join("examples"), folder.join("examples")).unwrap();
    let program = byoc(&[]);
    let programs = Path::new(program.get_program()).parent().unwrap().display().to_string();
    Command::new("bash")
        .args(["-e", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{programs}:{}", Environment::of_this_process().get("PATH").unwrap_or_default()))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_readme_has_at_most_150_lines_and_markdown_lines_are_at_most_120_wide() {
    assert!(read(&root().join("README.md")).lines().count() <= 150);
    let mut wide = Vec::new();
    for page in pages() {
        for (number, line) in prose(&read(&page)) {
            // A table's row and a URL cannot be broken.
            let url = line.split(' ').any(|word| word.contains("](") && word.chars().count() > 60);
            if line.chars().count() > 120 && !line.starts_with('|') && !url {
                wide.push(format!("{}:{number}", page.display()));
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn links_between_pages_lead_to_existing_files_and_headings() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for (number, line) in prose(&text) {
            let without_code: String = line.split('`').step_by(2).collect();
            for link in without_code.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if link.contains("://") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
                if !target.exists() || !(anchor.is_empty() || anchors(&read(&target)).contains(anchor)) {
                    broken.push(format!("{}:{number}: {link}", page.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_message_on_the_troubleshooting_page_is_in_the_source() {
    let is_source = |path: &PathBuf| {
        let is_program = ["src", "crates"].iter().any(|folder| path.starts_with(root().join(folder)));
        is_program && path.extension().is_some_and(|extension| extension == "rs")
    };
    let text: String = files().iter().filter(|path| is_source(path)).map(|path| read(path)).collect();
    // Join string literals that continue on the next line.
    let mut parts = text.split("\\\n");
    let mut joined = parts.next().unwrap().to_owned();
    parts.for_each(|part| joined.push_str(part.trim_start()));
    let page = read(&root().join("docs/troubleshooting.md"));
    let messages: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert!(messages.len() > 30, "{messages:?}");
    let unknown: Vec<_> = messages.into_iter().filter(|message| !joined.contains(message)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn paths_and_tests_named_on_pages_for_developers_exist() {
    let files = files();
    let is_there = |name: &str| files.iter().any(|file| file.ancestors().any(|path| path.ends_with(name)));
    let is_rust = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let code: String = files.iter().filter(is_rust).map(|path| read(path)).collect();
    let is_path = |name: &str| {
        // A word in capitals is a placeholder.
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/_.-".contains(c));
        plain && name.len() > 3 && [".rs", ".py", "/"].iter().any(|end| name.ends_with(end))
    };
    // A name of many words is a test.
    let is_test = |name: &str| {
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && name.matches('_').count() > 3
    };
    let mut pages = vec![root().join("docs/architecture.md"), root().join("CONTRIBUTING.md")];
    pages.extend(std::fs::read_dir(root().join("docs/dev")).unwrap().map(|entry| entry.unwrap().path()));
    let mut unknown = Vec::new();
    for page in pages {
        for (number, line) in prose(&read(&page)) {
            for name in line.split('`').skip(1).step_by(2) {
                if is_path(name) && !is_there(name) || is_test(name) && !code.contains(&format!("fn {name}(")) {
                    unknown.push(format!("{}:{number}: {name}", page.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn flags_and_variables_that_pages_name_are_in_the_reference() {
    let reference = read(&root().join("docs/reference.md"));
    // These pages show options of other programs too.
    let shows_others = |page: &Path| ["deploy.md", "image.md"].iter().any(|name| page.ends_with(name));
    let is_for_users = |page: &PathBuf| {
        let folder = page.parent().unwrap();
        folder == root().join("docs") && !page.ends_with("reference.md") || page == &root().join("README.md")
    };
    let mut unknown = Vec::new();
    for page in pages().iter().filter(|page| is_for_users(page)) {
        let text = read(page);
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let variables = words.filter(|word| ["BYOC_", "SAGEMAKER_", "SM_"].iter().any(|start| word.starts_with(start)));
        unknown.extend(variables.filter(|name| !reference.contains(*name)).map(|name| (page.clone(), name.to_owned())));
        let spans = prose(&text).into_iter().flat_map(|(_, line)| line.split('`').skip(1).step_by(2));
        let flags = spans.filter(|span| span.starts_with("--") && !shows_others(page));
        let flags = flags.filter_map(|span| span.split([' ', '=']).next());
        let flags = flags.filter(|flag| *flag != "--help" && !reference.contains(&format!("`{flag}")));
        unknown.extend(flags.map(|flag| (page.clone(), flag.to_owned())));
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_scikit_learn_page_lists_every_supported_class() {
    let page = read(&root().join("docs/scikit-learn.md"));
    let (_, list) = page.split_once("\n## What is read\n").unwrap();
    let (list, _) = list.split_once("Steps that need code are not read").unwrap();
    let listed: BTreeSet<_> = list.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let mut missing = Vec::new();
    for (artifact, kind) in [("nested_pca", "transformers"), ("bayesian_ridge", "estimators")] {
        let artifact = root().join(format!("tests/fixtures/pickle/unsupported/{artifact}.joblib"));
        let output = byoc(&["inspect", artifact.to_str().unwrap()]).stdin(Stdio::null()).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, classes) = message.split_once(&format!("supported {kind} are ")).expect("the message lists them");
        let classes: Vec<_> = classes.split_once('.').unwrap().0.split(", ").collect();
        assert!(classes.len() > 10, "{message}");
        // The page abbreviates variants with cross-validation to "and their …CV".
        let is_listed = |class: &str| listed.contains(class) || listed.contains(class.trim_end_matches("CV"));
        missing.extend(classes.into_iter().filter(|class| !is_listed(class)).map(str::to_owned));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_page_about_preprocessor_json_lists_every_class_that_can_be_fitted() {
    let registry = read(&root().join("crates/sklearn/src/transformers/mod.rs"));
    let (_, fitted) = registry.split_once("    fitted {\n").unwrap();
    let (fitted, _) = fitted.split_once("    }\n").unwrap();
    let classes: BTreeSet<_> =
        fitted.lines().map(|line| line.trim_end_matches(',').split_once(": ").expect("module: Class").1).collect();
    let page = read(&root().join("docs/preprocessor-json.md"));
    let (_, table) =
        page.split_once("\n| class | passes over the rows | not supported |\n| --- | --- | --- |\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split_once(" | "));
    let listed: BTreeSet<_> = rows.flat_map(|(classes, _)| classes.split(", ")).collect();
    assert_eq!(listed, classes);
}

#[test]
fn the_readmes_commands_that_terminate_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let readme = read(&root().join("README.md"));
    let ends =
        |script: &&str| ["byoc transform", "byoc train", "byoc inspect"].iter().any(|name| script.starts_with(name));
    let chosen: Vec<_> = scripts(&readme).filter(ends).collect();
    assert_eq!(chosen.len(), 3, "{chosen:?}");
    let output = run(&chosen.concat(), folder.path());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(
        folder.path().join("features/house.csv.out").is_file() && folder.path().join("preprocessor.tar.gz").is_file()
    );
    assert!(stdout.contains("numeric__SQUARE_FEET"), "{stdout}");
}

#[test]
fn the_training_pages_commands_fit_a_preprocessor_train_a_learner_and_invoke_both() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let page = read(&root().join("docs/training.md"));
    let (_, section) = page.split_once("# A preprocessor and a learner\n").expect("the section is there");
    let script = scripts(section).next().expect("it has commands").replace("8080", &port.to_string());
    assert_eq!(script.matches(&port.to_string()).count(), 2, "the endpoint and its caller: {script}");
    let output = run(&format!("{script}wait"), folder.path());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(!stdout.contains("Creating"), "only the answer is printed: {stdout}");
    // The formula that generated the table gives 429,700.
    let answer =
        stdout.lines().find_map(|line| line.strip_prefix("{\"predictions\": [{\"score\": ")?.strip_suffix("}]}"));
    let score: f64 = answer.unwrap_or_else(|| panic!("{stdout}{stderr}")).parse().unwrap();
    assert!((score - 429_700.0).abs() < 50.0, "{score}");
}
