//! The common part of all operations that invoke an endpoint: selects the variant and builds the request to the
//! containers.

use std::borrow::Cow;
use std::time::SystemTime;

use actix_web::http::header::{HeaderMap as ClientHeaders, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, Route};
use reqwest::header::HeaderMap as ContainerHeaders;
use uuid::Uuid;

use super::aws_error::AwsError;
use super::headers::{self, INVOKED_PRODUCTION_VARIANT, REQUEST_ID};
use super::services::{Endpoint, Services};
use super::sessions::SessionRequest;
use super::variants::{Variant, Variants, invocations};
use crate::endpoint::container_side::{Invocation, InvocationError, TargetModel};
use byoc_formats::suggest;

/// The variant label of an invocation that reached no variant.
const NO_VARIANT: &str = "none";

/// A new request id, and its header for the client.
pub(super) fn request_id() -> (Uuid, HeaderValue) {
    let id = Uuid::new_v4();
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    (id, HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// An operation of the runtime API: its place in the API, the action that a policy must allow, and the names of its
/// headers.
pub(super) struct Operation {
    /// Its name in the API.
    pub(super) name: &'static str,
    /// Its path, with `{name}` for EndpointName.
    pub(super) path: &'static str,
    /// The route of its handler.
    pub(super) route: fn() -> Route,
    pub(super) action: &'static str,
    pub(super) content_type: HeaderName,
    pub(super) accept: HeaderName,
    /// The header of TargetModel, if the operation has that member.
    pub(super) target_model: Option<&'static str>,
    pub(super) waits: Waits,
}

/// Whether a client waits for the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// A client waits: the request is processed at once.
    Client,
    /// No client waits: the request is queued.
    Queue,
}

/// A request with its variant.
pub(super) struct Routed<'a> {
    pub(super) variants: &'a Variants,
    pub(super) variant: &'a Variant,
    pub(super) number: usize,
    pub(super) asked: SessionRequest<'a>,
}

impl<'a> Routed<'a> {
    /// Selects the variant: that of the session, or the named one, or the next by weight.
    pub(super) fn to(
        endpoint: &'a Endpoint,
        target_variant: Option<&str>,
        session: Option<&'a str>,
    ) -> Result<Routed<'a>, AwsError> {
        let name = &endpoint.identity.endpoint;
        let Some(variants) = endpoint.variants() else {
            return Err(AwsError::service_unavailable(format!("Endpoint {name} is Creating; try again.")));
        };
        let asked = SessionRequest::parse(session).map_err(AwsError::validation)?;
        let named = match target_variant {
            None => None,
            Some(wanted) => Some(variants.named(wanted).ok_or_else(|| {
                let names = variants.names();
                let known = suggest::listed(wanted, names.iter().map(|name| &**name));
                AwsError::validation(format!("Variant {wanted} of endpoint {name} not found; it has {known}."))
            })?),
        };
        let of_session = match asked {
            SessionRequest::Nothing | SessionRequest::New => None,
            SessionRequest::Known(id) => {
                let number = variants.sessions.variant(id, SystemTime::now()).ok_or_else(|| {
                    AwsError::validation(format!("Session {id} of endpoint {name} not found; it may have expired."))
                })?;
                variants.get(number).map(|variant| (number, variant))
            }
        };
        let (number, variant) = match (of_session, named) {
            (Some((at, variant)), Some((wanted, _))) if at != wanted => {
                let message = format!("TargetVariant cannot be used: the session lives in variant {}.", variant.name);
                return Err(AwsError::validation(message));
            }
            (Some(found), _) | (None, Some(found)) => found,
            (None, None) => {
                let next = variants.next();
                next.ok_or_else(|| AwsError::service_unavailable(format!("Endpoint {name} has no variants.")))?
            }
        };
        Ok(Routed { variants, variant, number, asked })
    }

    /// Records the sessions that a response opens or closes.
    pub(super) fn note_sessions(&self, answered: &ContainerHeaders) {
        let text = |name: &str| answered.get(name).and_then(|value| value.to_str().ok());
        if self.asked == SessionRequest::New {
            let opened = text(headers::NEW_SESSION_ID).or_else(|| text(headers::SESSION_ID));
            if let Some(opened) = opened {
                self.variants.sessions.open(opened, self.number, SystemTime::now());
            }
        }
        if let Some(closed) = text(headers::CLOSED_SESSION_ID) {
            self.variants.sessions.close(closed);
        }
    }

    /// Builds the request to the containers after checking the client's headers.
    pub(super) fn call(
        &self,
        given: &ClientHeaders,
        operation: &Operation,
        body: Bytes,
        services: &Services,
        request_id: Uuid,
    ) -> Result<Invocation, Refused> {
        for (name, member, most) in headers::BOUNDED {
            let length = given.get(name).map_or(0, |value| value.len());
            if length > most {
                return Err(Refused::Validation(format!(
                    "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have \
                     length less than or equal to {most}; it has {length}."
                )));
            }
        }
        if let Some(component) = headers::text(given, headers::INFERENCE_COMPONENT) {
            return Err(Refused::Validation(format!(
                "There is no inference component {component}; this endpoint has none."
            )));
        }
        let target_model = match operation.target_model.and_then(|name| headers::text(given, name)) {
            // If no TargetModel is allowed, report that rather than its syntax.
            Some(_) if !self.variant.pipeline.is_multi_model() => {
                return Err(Refused::Invocation(InvocationError::TargetModelNotSupported));
            }
            Some(target_model) => Some(TargetModel::parse(&target_model).map_err(Refused::Validation)?),
            None => None,
        };
        Ok(Invocation {
            request_id,
            content_type: headers::to_container(given, &operation.content_type),
            accept: headers::to_container(given, &operation.accept),
            for_all: headers::passed(given),
            target_model,
            target_container_hostname: headers::text(given, headers::TARGET_CONTAINER_HOSTNAME).map(Cow::into_owned),
            body,
            limits: services.limits.call,
            memory: services.memory.answers().clone(),
        })
    }
}

/// Why a request is not sent to the containers.
pub(super) enum Refused {
    /// It is invalid; a sentence.
    Validation(String),
    /// It does not match the containers' mode.
    Invocation(InvocationError),
}

impl Refused {
    pub(super) fn for_client(self, endpoint: &Endpoint, id: &Uuid) -> AwsError {
        match self {
            Refused::Validation(message) => AwsError::validation(message),
            Refused::Invocation(failure) => AwsError::from_invocation_error(&failure, &endpoint.identity, id),
        }
    }
}

/// The real-time endpoint of that name.
pub(super) fn real_time<'a>(services: &'a Services, name: &str) -> Result<&'a Endpoint, AwsError> {
    let endpoint = known(services, name)?;
    match endpoint.queue {
        None => Ok(endpoint),
        Some(_) => Err(AwsError::validation(format!(
            "Endpoint {name} has AsyncInferenceConfig and takes InvokeEndpointAsync only."
        ))),
    }
}

/// The endpoint of that name.
pub(super) fn known<'a>(services: &'a Services, name: &str) -> Result<&'a Endpoint, AwsError> {
    match services.endpoint(name) {
        Some(endpoint) => Ok(endpoint),
        None => {
            let known = services.endpoints().map(|endpoint| endpoint.identity.endpoint.as_str());
            Err(AwsError::no_such_endpoint(name, services.region_and_account(name).1, known))
        }
    }
}

/// The response to a caller that is refused: logged, but not counted as an invocation.
pub(super) fn refuse((id, header): (Uuid, HeaderValue), name: &str, error: &AwsError) -> HttpResponse {
    error.log(format_args!("endpoint {name}"), &id);
    error.respond(header)
}

/// The last step of an invocation: sets the response's id and variant, and counts it.
pub(super) fn finish(
    id: (Uuid, HeaderValue),
    name: &str,
    variant: Option<&Variant>,
    outcome: Result<HttpResponse, AwsError>,
) -> HttpResponse {
    let (id, header) = id;
    let response = match outcome {
        Ok(mut response) => {
            let headers = response.headers_mut();
            headers.insert(REQUEST_ID, header);
            let variant = variant.and_then(|variant| HeaderValue::from_str(&variant.name).ok());
            if let Some(variant) = variant {
                headers.insert(INVOKED_PRODUCTION_VARIANT, variant);
            }
            response
        }
        Err(error) => {
            error.log(format_args!("endpoint {name}"), &id);
            error.respond(header)
        }
    };
    match variant {
        Some(variant) => variant.count(response.status().as_u16()),
        None => invocations(name, NO_VARIANT, response.status().as_u16()).increment(1),
    }
    response
}
