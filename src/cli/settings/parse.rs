//! Parsers that several settings use. Other parsers are next to their settings, in [`crate::cli::table`].

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::problems::InvalidValue;
use crate::storage::{Location, absolute};

/// Any text.
pub(in crate::cli) fn text(text: &str) -> Result<String, InvalidValue> {
    Ok(text.to_owned())
}

/// Any path.
pub(in crate::cli) fn path(path: &Path) -> Result<PathBuf, InvalidValue> {
    Ok(path.to_owned())
}

/// A local path, relative to the current folder, or an `s3://` URL.
pub(in crate::cli) fn location(text: &str) -> Result<Location, InvalidValue> {
    Ok(Location::parse(text, &absolute(Path::new(".")))?)
}

/// A boolean, as SageMaker (`true`), its local mode (`True`) and people (`1`) write it.
pub(in crate::cli) fn boolean(text: &str) -> Result<bool, InvalidValue> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

/// An integer within bounds.
pub(in crate::cli) fn number(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, InvalidValue> {
    let number = text.trim().parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| format!("expected a whole number from {} to {}", bounds.start(), bounds.end()).into())
}

/// A time of at least one second, in whole seconds.
pub(in crate::cli) fn seconds(text: &str, most: u64) -> Result<Duration, InvalidValue> {
    let seconds = text.trim().parse().ok().filter(|seconds| (1..=most).contains(seconds));
    let expected = || format!("expected a whole number of seconds from 1 to {most}").into();
    seconds.map(Duration::from_secs).ok_or_else(expected)
}

/// A count from 1 to 1024, such as a number of workers or threads.
pub(in crate::cli) fn count(text: &str) -> Result<usize, InvalidValue> {
    number(text, 1..=1024).map(|number| number as usize)
}

/// A TCP port, or 0.
pub(in crate::cli) fn port(text: &str) -> Result<u16, InvalidValue> {
    number(text, 0..=u64::from(u16::MAX)).map(|port| port as u16)
}

/// An address to listen on.
pub(in crate::cli) fn address(text: &str) -> Result<IpAddr, InvalidValue> {
    text.parse().map_err(|_| "expected an IP address such as 0.0.0.0 or 127.0.0.1".into())
}

/// A number of bytes: a whole number, or a number with K, M or G (powers of 1,024; `KB` and `KiB` mean the same).
pub(in crate::cli) fn size(text: &str) -> Result<u64, InvalidValue> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("expected a number of bytes, or a number with K, M or G".into()),
    };
    match number.parse::<u64>() {
        Ok(number) => number.checked_mul(factor).ok_or_else(|| "that is more than 2^64 bytes".into()),
        Err(_) => match number.parse::<f64>() {
            Ok(number) if number * (factor as f64) < u64::MAX as f64 => Ok((number * factor as f64) as u64),
            _ => Err("expected a number of bytes, or a number with K, M or G".into()),
        },
    }
}

/// A [`size`] of a buffer in memory.
pub(in crate::cli) fn buffer_size(text: &str) -> Result<usize, InvalidValue> {
    size(text).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_in_any_case() {
        for (text, value) in [("true", true), ("True", true), ("1", true), ("FALSE", false), ("off", false)] {
            assert_eq!(boolean(text), Ok(value), "{text}");
        }
        assert!(boolean("maybe").is_err());
    }

    #[test]
    fn an_error_about_a_time_names_the_unit() {
        assert_eq!(seconds("60", 3600), Ok(Duration::from_secs(60)));
        for text in ["1h", "0", "-1", "3601", "1.5", ""] {
            let expected = "expected a whole number of seconds from 1 to 3600";
            assert_eq!(seconds(text, 3600), Err(expected.into()), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("0", 0), ("65536", 65536), ("64K", 65536), ("1.5 MiB", 1_572_864), ("2g", 2 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "1T", "-1", "1e3", "99999999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
