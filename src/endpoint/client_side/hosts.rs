//! The host names under which the endpoint answers.
//!
//! A web page in a browser can send requests to any name that its author controls, and can then make that name resolve
//! to 127.0.0.1: the browser then lets the page read the endpoint's responses ("DNS rebinding"). The defence is to
//! check Host, as development servers do: only names that no stranger controls are allowed.

use actix_web::HttpResponse;
use actix_web::http::Version;
use actix_web::http::header::{HOST, HeaderMap};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::aws_error::AwsError;
use super::invocation::request_id;
use super::json_protocol;

/// The names of the runtime API itself, for clients that are redirected here, for example by DNS.
const OF_AWS: [&str; 2] = ["amazonaws.com", "amazonaws.com.cn"];
const LOOPBACK: &str = "localhost";

/// The names under which the endpoint answers beside IP addresses, loopback names and those of AWS.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Allows additional names.
    pub fn new(names: impl IntoIterator<Item = String>) -> AllowedHosts {
        AllowedHosts(names.into_iter().map(|name| normalized(&name)).collect())
    }

    /// Refuses a request for another host.
    ///
    /// A request of HTTP/1.0 may have no Host (RFC 9112, 3.2): some health checks have none, and browsers always send
    /// one, so it is let in. Of HTTP/1.1 it must have one, and in no version more than one.
    pub(super) fn check(&self, request: &actix_web::dev::RequestHead) -> Result<(), AwsError> {
        let mut hosts = request.headers().get_all(HOST);
        let given = match (hosts.next(), hosts.next()) {
            (Some(host), None) => Some(host.to_str().unwrap_or_default()),
            (None, _) if request.version < Version::HTTP_11 => None,
            _ => return Err(AwsError::validation("A request must have one Host header.")),
        };
        // A request with an absolute URL has its host there (RFC 9112 section 3.2.2).
        let of_target = request.uri.authority().map(|authority| authority.as_str());
        match [given, of_target].into_iter().flatten().find(|host| !self.allows(host)) {
            None => Ok(()),
            Some(other) => Err(AwsError::misdirected(format!(
                "Host {other:?} is not a name of this endpoint; to allow it, start the endpoint with --allow-host NAME or \
                 BYOC_ENDPOINT_ALLOW_HOST."
            ))),
        }
    }

    /// Whether a host, with or without a port, is allowed.
    fn allows(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else { return false };
        if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        if name.parse::<Ipv4Addr>().is_ok() {
            return true;
        }
        let name = normalized(name);
        name == LOOPBACK
            || is_below(&name, LOOPBACK)
            || OF_AWS.iter().any(|domain| is_below(&name, domain))
            || self.0.contains(&name)
    }
}

/// The host without its port.
fn without_port(host: &str) -> Option<&str> {
    let end_of_address = host.rfind(']').map_or(0, |end| end + 1);
    match host.get(end_of_address..)?.split_once(':') {
        None => Some(host),
        Some((before, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => {
            host.get(..end_of_address + before.len())
        }
        Some(_) => None,
    }
}

/// Lower case, without the root's dot at the end.
fn normalized(name: &str) -> String {
    let name = name.trim();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether a name has further labels below a domain.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).and_then(|labels| labels.strip_suffix('.')).is_some_and(|labels| !labels.is_empty())
}

/// The response to a request for another host.
pub(super) fn refuse(error: &AwsError, request: &HeaderMap) -> HttpResponse {
    let (id, header) = request_id();
    error.log("the endpoint", &id);
    match json_protocol::target(request) {
        Some(_) => json_protocol::respond(error, request, header),
        None => error.respond(header),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn status(hosts: &AllowedHosts, request: TestRequest) -> u16 {
        hosts.check(request.to_http_request().head()).map_or_else(|error| error.status(), |()| 200)
    }

    #[test]
    fn only_names_that_no_stranger_controls_are_allowed() {
        let hosts = AllowedHosts::new(["endpoint".to_owned(), "Box.Example.".to_owned()]);
        for good in [
            "localhost",
            "localhost:8080",
            "LocalHost.",
            "a.localhost:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "10.1.2.3:80",
            "[::1]",
            "[::1]:8080",
            "runtime.sagemaker.eu-west-1.amazonaws.com",
            "runtime.sagemaker.cn-north-1.amazonaws.com.cn:443",
            "endpoint:8080",
            "box.example",
        ] {
            assert_eq!(status(&hosts, TestRequest::default().insert_header((HOST, good))), 200, "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "evillocalhost",
            ".localhost",
            "127.0.0.1.evil.example",
            "0x7f.1",
            "127.1",
            "::1",
            "[::1",
            "[::1].evil.example",
            "[evil]",
            "amazonaws.com",
            "evilamazonaws.com",
            "amazonaws.com.evil.example",
            "other.box.example",
            "endpoint.evil",
            "localhost:80@evil.example",
            "user@localhost",
        ] {
            assert_eq!(status(&hosts, TestRequest::default().insert_header((HOST, bad))), 421, "{bad}");
        }
    }

    #[test]
    fn exactly_one_host_is_required_except_in_http_1_0() {
        let hosts = AllowedHosts::default();
        assert_eq!(status(&hosts, TestRequest::default()), 400);
        assert_eq!(status(&hosts, TestRequest::default().version(Version::HTTP_10)), 200);
        let two = TestRequest::default().append_header((HOST, "localhost")).append_header((HOST, "evil.example"));
        assert_eq!(status(&hosts, two), 400);
        let absolute = |url: &str| TestRequest::with_uri(url).insert_header((HOST, "localhost"));
        assert_eq!(status(&hosts, absolute("http://evil.example/ping")), 421);
        assert_eq!(status(&hosts, absolute("http://127.0.0.1:8080/ping")), 200);
    }
}
