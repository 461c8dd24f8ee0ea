//! Several things that are wrong, in one message.

/// One problem as it is; several on a line each, so that none is overlooked.
pub(crate) fn list_problems(problems: &[String]) -> String {
    match problems {
        [problem] => problem.clone(),
        problems => {
            let lines: String = problems.iter().map(|problem| format!("\n    {problem}")).collect();
            format!("{} things are wrong:{lines}", problems.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_stays_on_its_line_and_several_get_one_each() {
        assert_eq!(list_problems(&["a".into()]), "a");
        assert_eq!(list_problems(&["a".into(), "b".into()]), "2 things are wrong:\n    a\n    b");
    }
}
