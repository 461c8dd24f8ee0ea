//! Reports several problems in one message.

/// A single problem unchanged; several as a list with one problem per line.
pub(crate) fn list_problems(problems: &[String]) -> String {
    match problems {
        [problem] => problem.clone(),
        problems => {
            let lines: String = problems.iter().map(|problem| format!("\n    {problem}")).collect();
            format!("{} problems:{lines}", problems.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_problem_is_unchanged_and_several_get_a_line_each() {
        assert_eq!(list_problems(&["a".into()]), "a");
        assert_eq!(list_problems(&["a".into(), "b".into()]), "2 problems:\n    a\n    b");
    }
}
