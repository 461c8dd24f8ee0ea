//! The calls that load and unload models in a multi-model container
//! (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use uuid::Uuid;

use super::super::arrival;
use super::super::error::{ContainerError, InvocationError};
use super::super::target_model::TargetModel;
use crate::error::Reason;
use crate::leased_bytes::MemoryShare;
use crate::platform::http::{Body, read_body};

/// The time limit of one call, from the same page.
const CALL_LIMIT: Duration = Duration::from_secs(360);
/// The most bytes that are read of a response.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// The model management API of a container.
#[derive(Debug)]
pub(super) struct ManagementApi {
    pub(super) name_in_errors: String,
    pub(super) origin: Url,
}

/// The body of `POST /models`.
#[derive(Serialize)]
struct LoadModel<'a> {
    model_name: &'a str,
    url: &'a str,
}

impl ManagementApi {
    /// Loads the model in `folder` into the container, for a request.
    pub(super) async fn load(
        &self,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        id: &str,
        folder: &str,
    ) -> Result<(), InvocationError> {
        let mut response = self.post_models(client, target_model, request_id, id, folder).await?;
        if response.status() == StatusCode::CONFLICT {
            // An earlier endpoint loaded the model; its artifact may have changed since.
            self.unload(client, id).await?;
            response = self.post_models(client, target_model, request_id, id, folder).await?;
        }
        self.expect_success(response).await
    }

    /// Unloads a model. A model that the container does not have counts as unloaded.
    pub(super) async fn unload(&self, client: &Client, id: &str) -> Result<(), InvocationError> {
        let sent = client.delete(self.at(&format!("/models/{id}"))).timeout(CALL_LIMIT).send().await;
        let response = sent.map_err(|error| self.exchange_error(&error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.expect_success(response).await
    }

    /// The URL at which the model with this id is invoked.
    pub(super) fn invoke_url(&self, id: &str) -> Url {
        self.at(&format!("/models/{id}/invoke"))
    }

    async fn post_models(
        &self,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        id: &str,
        folder: &str,
    ) -> Result<Response, InvocationError> {
        let json = HeaderValue::from_static("application/json");
        let body = serde_json::to_vec(&LoadModel { model_name: id, url: folder })
            .map_err(|error| InvocationError::Internal(Reason::new(error)))?;
        let (name, value) = arrival::request_id(request_id);
        let mut request = client
            .post(self.at("/models"))
            .header(name, value)
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .body(body)
            .timeout(CALL_LIMIT);
        if let Ok(target_model) = HeaderValue::from_bytes(target_model.as_str().as_bytes()) {
            request = request.header("X-Amzn-SageMaker-Target-Model", target_model);
        }
        request.send().await.map_err(|error| self.exchange_error(&error))
    }

    async fn expect_success(&self, response: Response) -> Result<(), InvocationError> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let what = match read_body(response, ANSWER_LIMIT, &MemoryShare::unbounded()).await {
            Ok(Body::Whole(body)) => ContainerError::Status(status.as_u16(), body),
            Ok(Body::TooLarge(_) | Body::InsufficientMemory) => {
                ContainerError::BodyTooLarge(status.as_u16(), ANSWER_LIMIT)
            }
            Err(error) => ContainerError::from_error(&error),
        };
        Err(self.failure(what))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url
    }

    fn exchange_error(&self, error: &reqwest::Error) -> InvocationError {
        self.failure(ContainerError::from_error(error))
    }

    fn failure(&self, what: ContainerError) -> InvocationError {
        InvocationError::Container { container: self.name_in_errors.clone(), what }
    }
}
