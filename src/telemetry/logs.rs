//! The log: one line per event on standard error, where both SageMaker's agent and a terminal show it.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use log::LevelFilter;

use crate::telemetry::printable;
use byoc_formats::suggest;

/// The target of the log line with the address on which a process listens. It is logged at every level, because a
/// program that starts byoc on port 0 reads the port from it.
pub const LISTENING_TARGET: &str = "byoc::listening";

/// The text before the URL in that line.
pub const LISTENING_ON: &str = "listening on ";

/// The text before the reason in the log line of a container that aborts a response after sending its status. Only the
/// log can have the reason, because HTTP/1.1 has no way to send an error after the status.
pub const ANSWER_BROKEN_OFF: &str = "an answer is broken off: ";

/// The prefix, on standard error, of the error that ends the program, and of its hint.
pub const FATAL_ERROR_PREFIX: &str = "byoc: ";

/// The target of actix's log lines about accepting connections.
const ACCEPT_TARGET: &str = "actix_server::accept";
static ACCEPT_ERRORS_MUTED: AtomicBool = AtomicBool::new(false);

/// Stops logging errors about accepting connections. Call it before stopping a server.
pub fn mute_accept_errors() {
    ACCEPT_ERRORS_MUTED.store(true, Ordering::Relaxed);
}

/// Sets up the log of this process. Later calls have no effect.
///
/// `filter` has env_logger's syntax (`RUST_LOG`). Without a filter, byoc's events at `level` and above and warnings of
/// its dependencies are logged.
pub fn start(level: LevelFilter, filter: Option<&str>) {
    let mut builder = env_logger::Builder::new();
    match filter {
        Some(filter) => builder.parse_filters(filter),
        // Dependencies log more than warnings only with a filter.
        None => builder
            .filter_level(level.min(LevelFilter::Warn))
            // actix logs an error if a client sends something other than HTTP, which is not an error of the server.
            .filter_module("actix_http", if level > LevelFilter::Info { level } else { LevelFilter::Off })
            .filter_module(env!("CARGO_CRATE_NAME"), level),
    };
    builder.filter_module(LISTENING_TARGET, LevelFilter::Info);
    builder.format(|out, record| {
        if record.target() == ACCEPT_TARGET && ACCEPT_ERRORS_MUTED.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = record.args().to_string();
        writeln!(
            out,
            "{} {:5} {} {}",
            out.timestamp_millis(),
            record.level(),
            record.target(),
            // The one place that makes log lines safe to print.
            printable::one_line(message.trim_end())
        )
    });
    if builder.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    }
}

/// Parses a log level: a name in any case, or a number of Python's `logging`, as SageMaker's own containers accept.
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
