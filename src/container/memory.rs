//! The memory budget for loaded models: reserve, then load, or be refused.
//!
//! multi-model-server answers 507 only after memory has run out. Here a model's size is known first, so the platform learns
//! to unload others while everything that is loaded goes on working.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much memory loaded models may take, and how much they do.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
}

/// Bytes set aside for one model; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

/// What was asked of the budget and could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Bytes that were needed.
    pub needed: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that there are.
    pub limit: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage { needed, free, limit } = self;
        write!(f, "it needs {needed} bytes; {free} of the {limit} bytes for models are free")
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: u64) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicU64::new(0) })
    }

    /// Bytes that there are.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// Sets bytes aside.
    ///
    /// # Errors
    /// When they are not there; nothing is taken then.
    pub fn reserve(self: &Arc<Budget>, bytes: u64) -> Result<Reservation, Shortage> {
        self.take(bytes)?;
        Ok(Reservation { budget: Arc::clone(self), bytes })
    }

    fn take(&self, bytes: u64) -> Result<(), Shortage> {
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|after| *after <= self.limit)
            })
            .map(drop)
            .map_err(|used| Shortage { needed: bytes, free: self.limit.saturating_sub(used), limit: self.limit })
    }
}

impl Reservation {
    /// Bytes that are set aside.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes an estimate true: gives back what was not needed, or takes what was needed more.
    ///
    /// # Errors
    /// When more is needed than there is; the reservation is given back then.
    pub fn settle(mut self, bytes: u64) -> Result<Reservation, Shortage> {
        if bytes > self.bytes {
            self.budget.take(bytes - self.bytes).map_err(|shortage| Shortage {
                needed: bytes,
                free: shortage.free + self.bytes,
                limit: shortage.limit,
            })?;
        } else {
            self.budget.used.fetch_sub(self.bytes - bytes, Ordering::AcqRel);
        }
        self.bytes = bytes;
        Ok(self)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// The part of the memory that models may take where nothing else is said.
const DEFAULT_SHARE: f64 = 0.8;

/// What the process and the bodies of requests need beside models, however small the container is.
const LEFT_FOR_THE_REST: u64 = 24 << 20;

/// The bytes that models may take of so much memory, where nothing else is said.
pub fn share_of_models(memory: u64) -> u64 {
    ((memory as f64 * DEFAULT_SHARE) as u64).min(memory.saturating_sub(LEFT_FOR_THE_REST))
}

/// The memory of this container (its cgroup's limit) or, where it has none, of the machine. `None` where neither is told.
pub fn of_this_container() -> Option<u64> {
    let machine = of_this_machine();
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limits.iter().filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()).min();
    // cgroup v1 says "no limit" with a number larger than any machine.
    match (limit, machine) {
        (Some(limit), Some(machine)) => Some(limit.min(machine)),
        (limit, machine) => machine.or(limit),
    }
}

#[cfg(target_os = "linux")]
fn of_this_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn of_this_machine() -> Option<u64> {
    let output = std::process::Command::new("sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Parses a size: bytes, or a number with K, M or G (powers of 1,024; `KB` and `KiB` mean the same).
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("expected bytes, or a number with K, M or G".into()),
    };
    match number.parse::<u64>() {
        Ok(number) => number.checked_mul(factor).ok_or_else(|| "that is more than 2^64 bytes".into()),
        Err(_) => match number.parse::<f64>() {
            Ok(number) if number * (factor as f64) < u64::MAX as f64 => Ok((number * factor as f64) as u64),
            _ => Err("expected bytes, or a number with K, M or G".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_given_back_when_dropped() {
        let budget = Budget::new(100);
        let first = budget.reserve(60).unwrap();
        assert_eq!(budget.reserve(41).unwrap_err(), Shortage { needed: 41, free: 40, limit: 100 });
        assert_eq!(budget.used(), 60);
        drop(first);
        assert_eq!(budget.used(), 0);
        assert!(budget.reserve(100).is_ok());
    }

    #[test]
    fn an_estimate_is_settled_to_the_truth_in_both_directions() {
        let budget = Budget::new(100);
        let reservation = budget.reserve(60).unwrap().settle(10).unwrap();
        assert_eq!((reservation.bytes(), budget.used()), (10, 10));
        let reservation = reservation.settle(90).unwrap();
        assert_eq!((reservation.bytes(), budget.used()), (90, 90));
        assert_eq!(reservation.settle(101).unwrap_err(), Shortage { needed: 101, free: 100, limit: 100 });
        assert_eq!(budget.used(), 0, "a reservation that cannot be settled is given back");
    }

    #[test]
    fn models_have_most_of_the_memory_and_never_all_of_it() {
        const MIB: u64 = 1 << 20;
        for (memory, models) in [(16 << 30, 13_743_895_347), (200 * MIB, 160 * MIB), (64 * MIB, 40 * MIB), (8 * MIB, 0)]
        {
            assert_eq!(share_of_models(memory), models, "{memory}");
        }
    }

    #[test]
    fn reserving_never_overflows() {
        let budget = Budget::new(u64::MAX);
        let _most = budget.reserve(u64::MAX).unwrap();
        assert_eq!(budget.reserve(1).unwrap_err().free, 0);
    }

    #[test]
    fn many_threads_never_take_more_than_there_is() {
        let budget = Budget::new(1000);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let reservation = budget.reserve(300);
                        assert!(budget.used() <= 1000);
                        drop(reservation);
                    }
                });
            }
        });
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("0", 0), ("65536", 65536), ("64K", 65536), ("1.5 MiB", 1_572_864), ("2g", 2 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "1T", "-1", "1e3", "99999999999999G"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(of_this_container().unwrap() > 16 << 20);
    }
}
