//! List headers: several lines with the same name are one list, joined by commas in order of arrival (RFC 9110,
//! section 5.3).

use std::borrow::Cow;

use actix_web::http::header::{AsHeaderName, HeaderMap};

/// The combined value of a list header, or `None` if the request does not have it. Skips empty lines (RFC 9110,
/// section 5.6.1.2).
pub fn list_header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, [u8]>> {
    let mut lines = headers.get_all(name).map(|line| line.as_bytes());
    let mut list = Cow::Borrowed(lines.next()?);
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        if list.trim_ascii().is_empty() {
            list = Cow::Borrowed(line);
            continue;
        }
        let joined = list.to_mut();
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(line);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, HeaderValue};

    use super::*;

    #[test]
    fn lines_of_one_name_are_joined_in_order_without_the_empty_ones() {
        for (lines, expected) in [
            (&[][..], None),
            (&["text/csv"], Some("text/csv")),
            (&[""], Some("")),
            (&["text/csv;q=0.1", "application/json"], Some("text/csv;q=0.1, application/json")),
            (&["", "a", " ", "b, c"], Some("a, b, c")),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT, HeaderValue::from_static(line));
            }
            let found = list_header(&headers, ACCEPT);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{lines:?}");
            assert_eq!(matches!(found, Some(Cow::Owned(_))), lines.len() > 1, "one line is not copied");
        }
    }
}
