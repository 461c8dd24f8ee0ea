//! The log: one line for each event, on standard error, which SageMaker's agent and a terminal both show.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use log::LevelFilter;

use crate::telemetry::printable;
use byoc_formats::suggest;

/// The target of the line with the address on which a process listens. It is logged at every level, because a program
/// that starts byoc on port 0 reads the port from it.
pub const LISTENING: &str = "byoc::listening";

/// What that line says before the URL.
pub const LISTENING_ON: &str = "listening on ";

/// What a container logs before the reason why it broke off an answer that had begun. Nothing else can carry the reason: the
/// status has been sent, and HTTP/1.1 has no error after it.
pub const ANSWER_BROKEN_OFF: &str = "an answer is broken off: ";

/// What stands before the error that the program ends with, and before its hint, on standard error.
pub const FATAL_ERROR_PREFIX: &str = "byoc: ";

/// The target of actix's log lines about accepting connections.
const ACCEPTING: &str = "actix_server::accept";
static IS_ACCEPTING_MUTED: AtomicBool = AtomicBool::new(false);

/// Stops logging errors of accepting connections. Call it before a server stops.
pub fn mute_accepting() {
    IS_ACCEPTING_MUTED.store(true, Ordering::Relaxed);
}

/// Sets up the log of this process. A second call changes nothing.
///
/// `filter` has env_logger's syntax (`RUST_LOG`). Without one, events of byoc at `level` and above are logged, and
/// warnings of its dependencies.
pub fn start(level: LevelFilter, filter: Option<&str>) {
    let mut builder = env_logger::Builder::new();
    match filter {
        Some(filter) => builder.parse_filters(filter),
        // Dependencies log more than warnings only if a filter asks for it.
        None => builder
            .filter_level(level.min(LevelFilter::Warn))
            // actix logs an error if a client sends something other than HTTP, which is no error of the server.
            .filter_module("actix_http", if level > LevelFilter::Info { level } else { LevelFilter::Off })
            .filter_module(env!("CARGO_CRATE_NAME"), level),
    };
    builder.filter_module(LISTENING, LevelFilter::Info);
    builder.format(|out, record| {
        if record.target() == ACCEPTING && IS_ACCEPTING_MUTED.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = record.args().to_string();
        writeln!(
            out,
            "{} {:5} {} {}",
            out.timestamp_millis(),
            record.level(),
            record.target(),
            // Every line is made safe to print here, in one place.
            printable::one_line(message.trim_end())
        )
    });
    if builder.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    }
}

/// Parses a level: a name in upper or lower case, or a number of Python's `logging`, which SageMaker's own containers
/// accept.
pub fn parse_level(text: &str) -> Result<LevelFilter, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "off" => Ok(LevelFilter::Off),
        "critical" | "fatal" | "error" | "50" | "40" => Ok(LevelFilter::Error),
        "warning" | "warn" | "30" => Ok(LevelFilter::Warn),
        "info" | "20" => Ok(LevelFilter::Info),
        "debug" | "10" => Ok(LevelFilter::Debug),
        "trace" | "notset" | "0" => Ok(LevelFilter::Trace),
        other => Err(format!(
            "{}expected off, error, warning, info, debug or trace, or one of Python's 10, 20, 30, 40, 50",
            suggest::did_you_mean(other, ["off", "error", "warning", "info", "debug", "trace"])
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_names_or_pythons_numbers() {
        assert_eq!(parse_level("INFO"), Ok(LevelFilter::Info));
        assert_eq!(parse_level("20"), Ok(LevelFilter::Info));
        assert_eq!(parse_level("warning"), Ok(LevelFilter::Warn));
        assert!(parse_level("loud").is_err());
    }
}
