//! Progress on a terminal, which is standard output: a status line that changes, and lines above it that stay.

use std::io::Write as _;
use std::time::Duration;

use super::printable;

/// How often a status line is worth a change.
pub const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// Shows a text in place of the status line. An empty one clears it.
pub fn show_status(text: &str) {
    write(text, "");
}

/// Prints a line that stays, in place of the status line.
pub fn print_line(text: &str) {
    write(text, "\n");
}

fn write(text: &str, end: &str) {
    let mut out = std::io::stdout().lock();
    // The sequence goes back to the start of the line and clears it. A terminal that is gone is no reason to stop.
    let _ = write!(out, "\r\x1b[K{}{end}", printable::one_line(text)).and_then(|()| out.flush());
}
