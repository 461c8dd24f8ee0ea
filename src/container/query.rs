//! The query of a request's URL.

use std::borrow::Cow;
use std::str::FromStr;

use crate::error::{Cause, Error, Result};

/// The most characters of a value in a message.
const MAX_SHOWN: usize = 60;

/// The members of a query, percent-decoded.
pub(super) struct Query<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Query<'q> {
    /// Parses a query, without the question mark.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] if a member is given twice.
    pub(super) fn parse(query: &'q str) -> Result<Query<'q>> {
        let members: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        for (index, (name, _)) in members.iter().enumerate() {
            if members[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::new(Cause::BadRequest, format!("{name:?} is in the query twice")));
            }
        }
        Ok(Query(members))
    }

    /// The value of a member.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(str::to_owned)
    }

    /// A member that is a whole number.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] for anything else.
    pub(super) fn whole_number(&self, name: &str) -> Result<Option<i64>> {
        self.parsed(name, "a whole number")
    }

    /// A member that is `true` or `false`.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] for anything else.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.parsed(name, "true or false")
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value.as_ref())
    }

    fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>> {
        let Some(text) = self.value(name) else { return Ok(None) };
        let parsed = text.parse().map_err(|_| {
            let found: String = text.chars().take(MAX_SHOWN).collect();
            Error::new(Cause::BadRequest, format!("{name}: expected {expected}, found {found:?}"))
        });
        parsed.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_decoded_and_wrong_ones_are_named() {
        let query = Query::parse("limit=7&name=a%20b+c&synchronous=false").unwrap();
        assert_eq!(query.whole_number("limit").unwrap(), Some(7));
        assert_eq!(query.text("name").as_deref(), Some("a b c"));
        assert_eq!(query.boolean("synchronous").unwrap(), Some(false));
        assert_eq!(query.whole_number("other").unwrap(), None);
        let error = query.whole_number("name").unwrap_err();
        assert_eq!(error.to_string(), "name: expected a whole number, found \"a b c\"");
        assert_eq!(Query::parse("a=1&a=2").err().unwrap().to_string(), "\"a\" is in the query twice");
    }
}
