//! Stateful sessions: maps each session to its variant
//! (docs.aws.amazon.com/sagemaker/latest/dg/stateful-sessions.html).
//!
//! A client asks for a session with `NEW_SESSION`; the container answers with an id and when it expires; later requests
//! with that id go to the same instance, until the container says that it closed the session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// The lifetime of a session if the container does not set it: the default of aws/model-hosting-container-standards.
const LIFE: Duration = Duration::from_secs(1200);
/// A session's id has at most this many characters (botocore's model).
const MAX_LENGTH: usize = 256;

/// The SessionId of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionRequest<'a> {
    Nothing,
    New,
    /// An existing session.
    Known(&'a str),
}

impl SessionRequest<'_> {
    /// Reads SessionId.
    ///
    /// # Errors
    /// A sentence that it is not a valid id.
    pub(super) fn parse(header: Option<&str>) -> Result<SessionRequest<'_>, String> {
        match header {
            None => Ok(SessionRequest::Nothing),
            Some("NEW_SESSION") => Ok(SessionRequest::New),
            Some(id) if is_id(id) => Ok(SessionRequest::Known(id)),
            Some(other) => Err(format!(
                "SessionId {other:?} must be NEW_SESSION or the id of a session: letters, digits and hyphens."
            )),
        }
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_LENGTH
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !id.starts_with('-')
        && !id.ends_with('-')
}

/// The open sessions of an endpoint.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Debug)]
struct Session {
    /// The variant's number.
    variant: usize,
    expires: SystemTime,
}

impl Sessions {
    /// Records the session that a container opened: `<id>; Expires=2030-01-01T00:00:00Z`.
    pub(super) fn open(&self, answered: &str, variant: usize, now: SystemTime) {
        let (id, expires) = answered.split_once(';').unwrap_or((answered, ""));
        let id = id.trim();
        if !is_id(id) {
            log::warn!("a container answered with a session whose id is {id:?}: not an id; it cannot be called again");
            return;
        }
        let expires = expires.trim().strip_prefix("Expires=").and_then(|date| date.parse::<Timestamp>().ok());
        let expires = expires.map_or_else(|| now + LIFE, SystemTime::from);
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.expires > now);
        sessions.insert(id.to_owned(), Session { variant, expires });
    }

    /// The variant of a session, if it is open.
    pub(super) fn variant(&self, id: &str, now: SystemTime) -> Option<usize> {
        self.lock().get(id).filter(|session| session.expires > now).map(|session| session.variant)
    }

    /// Forgets a session that a container closed.
    pub(super) fn close(&self, id: &str) {
        self.lock().remove(id.trim());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // No code that holds the lock can panic in the middle of a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str) -> SystemTime {
        date.parse::<Timestamp>().unwrap().into()
    }

    #[test]
    fn a_session_is_open_until_it_expires_or_is_closed() {
        let sessions = Sessions::default();
        let now = at("2030-01-01T00:00:00Z");
        sessions.open("a-1; Expires=2030-01-01T00:00:10Z", 1, now);
        sessions.open("b", 0, now);
        assert_eq!(sessions.variant("a-1", at("2030-01-01T00:00:09Z")), Some(1));
        assert_eq!(sessions.variant("a-1", at("2030-01-01T00:00:10Z")), None);
        assert_eq!(sessions.variant("b", now + LIFE - Duration::from_secs(1)), Some(0));
        assert_eq!(sessions.variant("b", now + LIFE), None);
        sessions.close(" b ");
        assert_eq!(sessions.variant("b", now), None);
        assert_eq!(sessions.variant("c", now), None);
    }

    #[test]
    fn expired_sessions_are_removed() {
        let sessions = Sessions::default();
        let now = at("2030-01-01T00:00:00Z");
        sessions.open("a; Expires=2030-01-01T00:00:10Z", 0, now);
        sessions.open("b; Expires=2030-01-01T00:01:00Z", 0, now + Duration::from_secs(11));
        assert_eq!(sessions.lock().len(), 1);
        sessions.open("not an id; Expires=2030-01-01T00:01:00Z", 0, now);
        assert_eq!(sessions.lock().len(), 1);
    }

    #[test]
    fn a_session_id_is_new_session_or_an_id() {
        assert_eq!(SessionRequest::parse(None), Ok(SessionRequest::Nothing));
        assert_eq!(SessionRequest::parse(Some("NEW_SESSION")), Ok(SessionRequest::New));
        assert_eq!(SessionRequest::parse(Some("a-1")), Ok(SessionRequest::Known("a-1")));
        for bad in ["", "-a", "a-", "a b", "a_b", &"x".repeat(257)] {
            assert!(SessionRequest::parse(Some(bad)).is_err(), "{bad}");
        }
    }
}
