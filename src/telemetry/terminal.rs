//! Progress on a terminal (standard output): a changing status line with permanent lines above it.

use std::io::Write as _;
use std::time::Duration;

use super::printable;

/// How often to refresh the status line.
pub const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// Replaces the status line. An empty text clears it.
pub fn show_status(text: &str) {
    write(text, "");
}

/// Replaces the status line by a permanent line.
pub fn print_line(text: &str) {
    write(text, "\n");
}

fn write(text: &str, end: &str) {
    let mut out = std::io::stdout().lock();
    // The sequence returns to the start of the line and clears it. Errors are ignored: the work continues without a
    // terminal.
    let _ = write!(out, "\r\x1b[K{}{end}", printable::one_line(text)).and_then(|()| out.flush());
}
