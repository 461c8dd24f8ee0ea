//! What to do about an error, for who reads it at the end of a command. The error table's own words are for all who may meet a
//! cause; where a command meets it in another way than the others, its words are here.

use super::Command;
use crate::error::Cause;

/// What to do about an error that a command ends with.
pub(super) fn hint(command: &Command, cause: Cause) -> &'static str {
    let own = match command {
        Command::Train(_) => return cause.training_hint(),
        Command::Inspect(_) => of_inspect(cause),
        Command::Serve(_) | Command::Endpoint(_) | Command::Transform(_) | Command::Licenses(_) => of_others(cause),
    };
    own.unwrap_or_else(|| cause.row().hint)
}

/// The same for `byoc inspect`, where its words are its own.
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
    use clap::Parser as _;

    fn command(line: &[&str]) -> Command {
        super::super::CommandLine::try_parse_from([&["byoc"], line].concat()).unwrap().command
    }

    #[test]
    fn a_command_that_ends_speaks_of_no_requests_queues_or_flags_that_it_does_not_have() {
        for (line, foreign) in [
            (
                &["inspect", "x"][..],
                &["--model-dir", "QUEUE", "the request", "MODEL_MEMORY", "--model-memory", "port"][..],
            ),
            (&["transform"], &["--model-dir", "QUEUE", "correct the request", "unload"]),
            (&["endpoint"], &["--model-dir", "QUEUE", "correct the request"]),
            (&["serve"], &["QUEUE", "correct the request"]),
            (&["train"], &["QUEUE", "correct the request", "unload"]),
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
                let hint = hint(&command(line), cause);
                assert!(foreign.iter().all(|word| !hint.contains(word)), "{line:?} {cause:?}: {hint}");
            }
        }
    }
}
