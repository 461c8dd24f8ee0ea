//! Reports several problems in one message.

use crate::error::Error;
use byoc_formats::error::chain;

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

/// Several errors as one, under the first one's cause. A single error stays as it is.
pub(crate) fn combine(mut errors: Vec<Error>) -> Option<Error> {
    if errors.len() < 2 {
        return errors.pop();
    }
    let cause = errors.first()?.cause();
    let lines: Vec<String> = errors.iter().map(|error| chain(error).to_string()).collect();
    Some(Error::new(cause, list_problems(&lines)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;

    #[test]
    fn a_single_error_keeps_its_source_and_several_are_listed_with_theirs() {
        let error = || Error::new(Cause::Io, "a").caused_by("b");
        assert!(combine(Vec::new()).is_none());
        let one = combine(vec![error()]).unwrap();
        assert!(std::error::Error::source(&one).is_some());
        assert_eq!(chain(&one).to_string(), "a: b");
        let two = combine(vec![error(), error().because(Cause::Timeout)]).unwrap();
        assert_eq!((two.cause(), two.message()), (Cause::Io, "2 problems:\n    a: b\n    a: b"));
    }

    #[test]
    fn a_single_problem_is_unchanged_and_several_get_a_line_each() {
        assert_eq!(list_problems(&["a".into()]), "a");
        assert_eq!(list_problems(&["a".into(), "b".into()]), "2 problems:\n    a\n    b");
    }
}
