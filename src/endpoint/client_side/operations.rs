//! The operations of the runtime API that the endpoint answers.

use super::invocation::Operation;
use super::{invoke_async, response_stream, runtime_api};

/// All operations. To add one, write its file with its [`Operation`] and list that here.
pub(super) static ALL: &[&Operation] =
    &[&runtime_api::OPERATION, &response_stream::OPERATION, &invoke_async::OPERATION];
