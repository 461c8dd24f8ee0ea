//! The hint at the end of a command that fails. The error table has a hint for each cause; the hints here take its place if the
//! cause means something else for a command.

use super::table::CommandName;
use crate::error::Cause;

/// What to do about an error that a command ends with.
pub(super) fn hint(command: CommandName, cause: Cause) -> &'static str {
    let own = match command {
        CommandName::Train => return cause.training_hint(),
        CommandName::Inspect => of_inspect(cause),
        CommandName::Serve | CommandName::Endpoint | CommandName::Transform | CommandName::Licenses => of_others(cause),
    };
    own.unwrap_or_else(|| cause.row().hint)
}

/// The hints of `byoc inspect` that are not those of the error table.
pub(super) fn of_inspect(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::BadRequest => Some("see `byoc inspect --help`"),
        Cause::ModelNotFound => {
            Some("give the path of a folder or a file that is there, or the s3:// URL of an object that is")
        }
        Cause::Io => Some("check the path and the permissions"),
        Cause::InsufficientMemory => Some("look into it where there is more memory: this process may not take enough"),
        Cause::Internal => Some(OF_THIS_PROGRAM),
        _ => None,
    }
}

fn of_others(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Internal => Some(OF_THIS_PROGRAM),
        // No request is meant that a client might correct.
        Cause::BadPayload | Cause::BadRequest => Some("correct what the message names"),
        Cause::InsufficientMemory => Some("give the process more memory, or raise --model-memory where it has that"),
        _ => None,
    }
}

const OF_THIS_PROGRAM: &str = "that is a defect of this program; the log lines above tell more";

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_command_that_ends_speaks_of_no_requests_queues_or_flags_that_it_does_not_have() {
        for (command, foreign) in [
            (
                CommandName::Inspect,
                &["--model-dir", "QUEUE", "the request", "MODEL_MEMORY", "--model-memory", "port"][..],
            ),
            (CommandName::Transform, &["--model-dir", "QUEUE", "correct the request", "unload"]),
            (CommandName::Endpoint, &["--model-dir", "QUEUE", "correct the request"]),
            (CommandName::Serve, &["QUEUE", "correct the request"]),
            (CommandName::Train, &["QUEUE", "correct the request", "unload"]),
        ] {
            // What a command can end with: requests are told of the others.
            let causes = [
                Cause::ModelNotFound,
                Cause::BadRequest,
                Cause::Io,
                Cause::Unreachable,
                Cause::InsufficientMemory,
                Cause::Internal,
                Cause::BadSetting,
                Cause::Stopped,
            ];
            for cause in causes {
                let hint = hint(command, cause);
                assert!(foreign.iter().all(|word| !hint.contains(word)), "{command:?} {cause:?}: {hint}");
            }
        }
    }
}
