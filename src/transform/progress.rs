//! Progress of a job: a status line on a terminal, otherwise a log line for each object.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::telemetry::terminal::{print_line, show_status};
use byoc_formats::counted::counted;

/// The progress of a job.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    is_interactive: bool,
    /// The number of objects in this run.
    objects: usize,
    /// Their size in bytes.
    bytes: u64,
    /// Bytes read so far, counted by the readers.
    read: Arc<AtomicU64>,
    done: usize,
    failed: usize,
    records: u64,
}

impl Progress {
    pub(super) fn new(objects: usize, bytes: u64, read: Arc<AtomicU64>, is_interactive: bool) -> Progress {
        let began = Instant::now();
        Progress { began, is_interactive, objects, bytes, read, done: 0, failed: 0, records: 0 }
    }

    /// Counts records whose responses are written.
    pub(super) fn records(&mut self, records: u64) {
        self.records += records;
    }

    /// Counts an object that is written.
    pub(super) fn done(&mut self, line: &str) {
        self.done += 1;
        if !self.is_interactive {
            log::info!("{line} {}", self.so_far());
        }
    }

    /// Counts an object that failed, and logs a warning at once, since the job may run for a long time yet.
    pub(super) fn failed(&mut self, line: &str) {
        self.failed += 1;
        if self.is_interactive {
            // The warning replaces the status line, which appears again below it.
            show_status("");
        }
        log::warn!("{line} {}", self.so_far());
    }

    fn so_far(&self) -> String {
        format!("({} of {})", self.done + self.failed, counted(self.objects, "object"))
    }

    /// Refreshes the status line.
    pub(super) fn show(&self) {
        if self.is_interactive {
            show_status(&self.line(self.began.elapsed()));
        }
    }

    /// Prints the summary, replacing the status line.
    pub(super) fn finish(&self, how: &str) {
        let line = format!("{how}: {}", self.summary());
        if self.is_interactive {
            print_line(&line);
        } else {
            log::info!("{line}");
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let read = self.read.load(Ordering::Relaxed);
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let mut line = format!("{} of {}", self.done + self.failed, counted(self.objects, "object"));
        if self.failed > 0 {
            line.push_str(&format!(", {} failed", self.failed));
        }
        line.push_str(&format!(
            "  {} {}  {} of {}  {} records/s  {}/s",
            count(self.records),
            records_noun(self.records),
            size(read),
            size(self.bytes),
            count((self.records as f64 / seconds) as u64),
            size((read as f64 / seconds) as u64),
        ));
        if read > 0 && read < self.bytes {
            let left = seconds * (self.bytes - read) as f64 / read as f64;
            line.push_str(&format!("  {} left", duration(left)));
        }
        line
    }

    /// The job in numbers.
    fn summary(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        format!(
            "{}, {} {}, {} in {}, {} records/s",
            counted(self.done, "object"),
            count(self.records),
            records_noun(self.records),
            size(self.read.load(Ordering::Relaxed)),
            duration(seconds),
            count((self.records as f64 / seconds.max(1e-3)) as u64)
        )
    }
}

fn records_noun(count: u64) -> &'static str {
    if count == 1 { "record" } else { "records" }
}

/// A number with commas between its thousands.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..90.0 => format!("{seconds:.0} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_objects_records_bytes_rates_and_the_time_left() {
        let read = Arc::new(AtomicU64::new(250_000_000));
        let mut progress = Progress::new(4, 1_000_000_000, read, false);
        progress.records(1_234_567);
        progress.done("a");
        progress.failed("b");
        assert_eq!(
            progress.line(Duration::from_secs(10)),
            "2 of 4 objects, 1 failed  1,234,567 records  250.0 MB of 1000.0 MB  123,456 records/s  25.0 MB/s  30 s \
             left"
        );
    }

    #[test]
    fn numbers_are_formatted_for_humans() {
        assert_eq!(
            ["0", "999", "1,000", "12,345,678"],
            [0, 999, 1000, 12_345_678].map(count).each_ref().map(String::as_str)
        );
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(12_345_678_901), "12.3 GB");
        assert_eq!(
            [1.0, 45.0, 600.0, 7200.0].map(duration).each_ref().map(String::as_str),
            ["1.0 s", "45 s", "10 min", "2.0 h"]
        );
    }
}
