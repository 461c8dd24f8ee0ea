//! The hint that a failed command prints. The error table has a hint for each cause. The hints here replace it if the
//! cause has another meaning for a command.

use super::table::CommandName;
use crate::error::{Cause, Error};
use std::io::ErrorKind;

/// How to fix the error with which a command ends.
pub(super) fn hint(command: CommandName, error: &Error) -> &'static str {
    io_hint(error).unwrap_or_else(|| hint_for_cause(command, error.cause()))
}

/// How to fix an error of the system that has one remedy.
pub(super) fn io_hint(error: &Error) -> Option<&'static str> {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let kind = sources.filter_map(|source| source.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).next()?;
    match kind {
        _ if error.cause() != Cause::Io => None,
        ErrorKind::AddrInUse => Some("stop the process that listens on the port, or choose another port with --port"),
        ErrorKind::AddrNotAvailable => Some("choose an address of this machine with --host"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free space where the output is written"),
        ErrorKind::PermissionDenied => Some("check the permissions"),
        _ => None,
    }
}

fn hint_for_cause(command: CommandName, cause: Cause) -> &'static str {
    let own = match command {
        CommandName::Train => train_hint(cause),
        CommandName::Inspect => inspect_hint(cause),
        CommandName::Serve | CommandName::Endpoint | CommandName::Transform | CommandName::Licenses => {
            general_hint(cause)
        }
    };
    own.unwrap_or_else(|| cause.row().hint)
}

/// The hints of `byoc inspect` that differ from the error table.
pub(super) fn inspect_hint(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::BadRequest => Some("see `byoc inspect --help`"),
        Cause::ModelNotFound => {
            Some("give the path of a folder or file that exists, or the s3:// URL of an object that exists")
        }
        Cause::Io => Some("check the path and the permissions"),
        Cause::InsufficientMemory => Some("inspect it on a machine or in a container with more memory"),
        Cause::Internal => Some(INTERNAL_ERROR),
        _ => None,
    }
}

/// The hints of `byoc train`, which handles no requests.
fn train_hint(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::BadPayload => Some("correct the data of the channel that the message names"),
        Cause::BadRequest => Some("correct what the message names"),
        Cause::BadSetting => Some(
            "correct what the message names: a hyperparameter, a file below input/config, or a flag of \
             `byoc train --help`",
        ),
        Cause::InsufficientMemory => {
            Some("lower what the message names, or use a machine or container with more memory")
        }
        Cause::Io => Some("check the path, the permissions and the free space on the disk"),
        Cause::Stopped => {
            Some("run the job again; a job that is stopped after its first mini-batches writes its best model so far")
        }
        Cause::Internal => Some(INTERNAL_ERROR),
        _ => None,
    }
}

fn general_hint(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Internal => Some(INTERNAL_ERROR),
        // A command has no client that could correct a request.
        Cause::BadPayload | Cause::BadRequest => Some("correct what the message names"),
        Cause::InsufficientMemory => {
            Some("give the process more memory, or raise --model-memory if the command has it")
        }
        _ => None,
    }
}

const INTERNAL_ERROR: &str = "this is a bug in byoc; the log lines above have details";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hints_of_training_do_not_mention_requests() {
        for cause in [
            Cause::BadPayload,
            Cause::BadSetting,
            Cause::InsufficientMemory,
            Cause::Io,
            Cause::Stopped,
            Cause::Internal,
        ] {
            let hint = hint_for_cause(CommandName::Train, cause);
            assert!(["body", "request", "unload"].iter().all(|word| !hint.contains(word)), "{cause:?}: {hint}");
        }
    }

    #[test]
    fn an_error_of_the_system_has_its_own_hint() {
        for (kind, expected) in [
            (ErrorKind::AddrInUse, "choose another port with --port"),
            (ErrorKind::StorageFull, "free space"),
            (ErrorKind::PermissionDenied, "check the permissions"),
            (ErrorKind::NotFound, "check the path or port"),
        ] {
            let error = Error::new(Cause::Io, "could not").caused_by(std::io::Error::from(kind));
            assert!(hint(CommandName::Serve, &error).contains(expected), "{kind:?}");
        }
    }

    #[test]
    fn a_hint_mentions_only_what_its_command_has() {
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
            // The causes with which a command can end. The others occur only in requests.
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
                let hint = hint_for_cause(command, cause);
                assert!(foreign.iter().all(|word| !hint.contains(word)), "{command:?} {cause:?}: {hint}");
            }
        }
    }
}
