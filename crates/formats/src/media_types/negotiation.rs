//! Which media type to answer in: `Accept` as RFC 9110 §12.5.1 has it.

use crate::error::{Cause, Error, Result};
use crate::excerpt::excerpt;
use crate::media_types::media_type::{MediaType, list};

/// One element of an `Accept` header.
#[derive(Clone, Copy, Debug, PartialEq)]
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// The weight in thousandths, 0 to 1000; 0 means not acceptable.
    weight: u16,
}

impl MediaRange<'_> {
    /// How specifically the range names the media type: 2 by name, 1 by `kind/*`, 0 by `*/*`. `None` if it does not.
    fn specificity(&self, media_type: MediaType) -> Option<u8> {
        let (kind, subtype) = media_type.name().split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, own_subtype) if own.eq_ignore_ascii_case(kind) && own_subtype.eq_ignore_ascii_case(subtype) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// Chooses the media type of an answer.
///
/// `accept` is the header, several of them joined by commas; `fallback` is the media type for a caller without the
/// header, with an empty one, or with `*/*`; `offered` are the media types that can be written. Among the
/// offered types that the caller accepts, the one with the highest weight is chosen, then the one that is named more
/// closely, then the one that comes first in the header, then the fallback, then the one that is offered first.
/// Parameters other than `q` are ignored, and so are elements that cannot be read.
///
/// # Errors
/// [`Cause::NotWritable`] naming the offered types when none of them is acceptable.
pub fn negotiate(accept: Option<&str>, fallback: MediaType, offered: &[MediaType]) -> Result<MediaType> {
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty()).unwrap_or("*/*");
    let ranges: Vec<_> = Elements(accept).filter_map(media_range).collect();
    offered
        .iter()
        .enumerate()
        .filter_map(|(index, &media_type)| {
            // The most specific range determines the weight, so that `text/csv;q=0, */*` excludes text/csv.
            let (position, range, specificity) = ranges
                .iter()
                .enumerate()
                .filter_map(|(position, range)| Some((position, range, range.specificity(media_type)?)))
                .max_by_key(|&(position, _, specificity)| (specificity, std::cmp::Reverse(position)))?;
            let rank = (
                std::cmp::Reverse(range.weight),
                std::cmp::Reverse(specificity),
                position,
                media_type != fallback,
                index,
            );
            (range.weight > 0).then_some((rank, media_type))
        })
        .min_by_key(|&(rank, _)| rank)
        .map(|(_, media_type)| media_type)
        .ok_or_else(|| {
            let wrong = Elements(accept).find_map(|element| wrong_weight(element));
            let wrong = wrong.map(|weight| format!(" (q is {}: expected 0 to 1)", excerpt(weight.as_bytes())));
            let accept: String = accept.chars().take(200).collect();
            let wrong = wrong.unwrap_or_default();
            Error::new(
                Cause::NotWritable,
                format!("Accept {accept:?} cannot be met{wrong}: expected {}", list(offered)),
            )
        })
}

/// The elements of a comma-separated list; a comma within quotes does not separate.
struct Elements<'a>(&'a str);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (element, rest) = split_outside_quotes(self.0, ',');
        self.0 = rest.unwrap_or_default();
        Some(element.trim())
    }
}

/// The text before the first separator outside a quoted string, and the text after it.
fn split_outside_quotes(text: &str, separator: char) -> (&str, Option<&str>) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                return (text.get(..at).unwrap_or_default(), text.get(at + separator.len_utf8()..));
            }
            _ => {}
        }
    }
    (text, None)
}

fn media_range(element: &str) -> Option<MediaRange<'_>> {
    let (name, parameters) = split_outside_quotes(element, ';');
    let (kind, subtype) = name.trim().split_once('/')?;
    let weight = weights(parameters).try_fold(1000, |_, weight| thousandths(weight))?;
    Some(MediaRange { kind: kind.trim(), subtype: subtype.trim(), weight })
}

/// The first weight of an element that is not one.
fn wrong_weight(element: &str) -> Option<&str> {
    let (_, parameters) = split_outside_quotes(element, ';');
    weights(parameters).find(|weight| thousandths(weight).is_none())
}

/// The values of the parameters `q` of an element.
fn weights(mut parameters: Option<&str>) -> impl Iterator<Item = &str> {
    let parameters = std::iter::from_fn(move || {
        let (parameter, more) = split_outside_quotes(parameters?, ';');
        parameters = more;
        Some(parameter)
    });
    let named = parameters.filter_map(|parameter| parameter.split_once('='));
    named.filter(|(key, _)| key.trim().eq_ignore_ascii_case("q")).map(|(_, value)| value.trim())
}

/// `0`, `1`, or one of them with up to three decimals, as RFC 9110 §12.4.2 has weights. More decimals are cut.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction =
        decimals.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit.wrapping_sub(b'0')));
    match whole {
        "0" | "" if !weight.is_empty() => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType::{Csv, Json, JsonLines, Npy, RecordIoProtobuf};
    use super::*;
    use proptest::prelude::*;

    const ALL: &[MediaType] = &[Json, JsonLines, Csv];

    #[test]
    fn a_caller_that_accepts_anything_gets_the_default() {
        for accept in [None, Some(""), Some("  "), Some("*/*"), Some("*/*;q=0.3"), Some("image/png, */*")] {
            for fallback in [Json, JsonLines, Csv] {
                assert_eq!(negotiate(accept, fallback, ALL).unwrap(), fallback, "{accept:?}");
            }
        }
    }

    #[test]
    fn the_quality_value_then_specificity_then_order_decide() {
        for (accept, expected) in [
            ("text/csv", Csv),
            ("TEXT/Csv", Csv),
            ("text/*", Csv),
            ("application/*", Json),
            ("application/jsonlines", JsonLines),
            ("text/csv, application/jsonlines", Csv),
            ("application/jsonlines, text/csv", JsonLines),
            ("text/csv;q=0.5, application/jsonlines;q=0.9", JsonLines),
            ("text/csv; q=0.5 , */*;q=0.1", Csv),
            ("*/*, text/csv", Csv),
            ("text/csv;q=0, */*", Json),
            ("application/json;q=0, application/*", JsonLines),
            ("application/json;q=0.0, application/jsonlines;q=0.000, text/*;q=0.001", Csv),
            ("text/csv;charset=utf-8", Csv),
            ("text/csv;note=\"a, b; q=0\\\", c\";q=1.0, application/json;q=0.9", Csv),
            ("image/png, text/csv", Csv),
            ("nonsense, text/csv;q=0.2", Csv),
            ("application/json;q=high, text/csv;q=0.2", Csv),
            ("text/csv,,", Csv),
            ("text/csv;q=.5, application/jsonlines;q=0.4999", Csv),
        ] {
            assert_eq!(negotiate(Some(accept), Json, ALL).unwrap(), expected, "{accept}");
        }
    }

    #[test]
    fn binary_media_types_are_answered_only_if_they_are_named() {
        for offered in [&[Json, JsonLines, RecordIoProtobuf, Csv, Npy], MediaType::ALL] {
            for (accept, expected) in [
                ("application/x-recordio-protobuf", RecordIoProtobuf),
                ("Application/X-RecordIO-Protobuf; charset=utf-8", RecordIoProtobuf),
                ("application/x-npy", Npy),
                ("application/x-npy;q=0.5, application/x-recordio-protobuf;q=0.6, image/*", RecordIoProtobuf),
                ("application/x-recordio-protobuf;q=0.5, text/csv;q=0.4", RecordIoProtobuf),
                ("text/csv, application/x-npy", Csv),
                ("application/*", Json),
                ("application/json;q=0, application/*", JsonLines),
            ] {
                assert_eq!(negotiate(Some(accept), Json, offered).unwrap(), expected, "{accept}");
            }
            for fallback in [RecordIoProtobuf, Npy] {
                for accept in [None, Some("*/*"), Some("application/*")] {
                    assert_eq!(negotiate(accept, fallback, offered).unwrap(), fallback, "{accept:?}");
                }
            }
        }
    }

    #[test]
    fn an_accept_header_that_cannot_be_met_is_refused_with_the_possible_media_types() {
        for accept in ["image/png", "application/json;q=0, */*", "text/csv", "json", ",", "*"] {
            let error = negotiate(Some(accept), Json, &[Json]).unwrap_err();
            assert_eq!(error.cause(), Cause::NotWritable, "{accept}");
            assert!(error.message().ends_with("cannot be met: expected application/json"), "{accept}");
        }
        assert_eq!(
            negotiate(Some("application/json;q=2"), Json, &[Json]).unwrap_err().message(),
            "Accept \"application/json;q=2\" cannot be met (q is \"2\": expected 0 to 1): expected application/json"
        );
        assert_eq!(
            negotiate(Some("image/png"), Json, ALL).unwrap_err().message(),
            "Accept \"image/png\" cannot be met: expected application/json, application/jsonlines or text/csv"
        );
    }

    proptest! {
        #[test]
        fn no_header_makes_the_choice_panic_and_the_choice_is_always_offered(
            accept in "([a-z*/]{0,5}|text/csv|application/|[*]/[*]|[;,\"\\\\ =]|q=|[0-9.]{0,4}|\\PC){0,12}",
            offered in proptest::sample::subsequence(ALL.to_vec(), 0..=3),
        ) {
            if let Ok(chosen) = negotiate(Some(&accept), Json, &offered) {
                prop_assert!(offered.contains(&chosen));
            }
        }
    }
}
