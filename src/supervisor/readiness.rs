//! Waits for a container to become ready.
//!
//! As on SageMaker: `GET /ping` until it answers 200, each within 2 s, for at most 8 minutes unless configured
//! otherwise (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html); in MultiModel mode `GET
//! /models` must answer 200 too (pytorch/serve#397).

use std::time::{Duration, Instant};

use reqwest::{Client, Url};

use super::{Health, HostingMode};
use crate::error::{Cause, Error, Reason};
use crate::http::exchange_error::ExchangeError;
use crate::platform::http::PING_LIMIT;
use byoc_formats::error::{Source, chain};

/// The first pause between two pings. It doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause between two pings.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Waits until a container passes its health check, and returns how long that took.
///
/// # Errors
/// If the container exits, or does not pass within `limit`. The message then has its last response.
pub async fn wait_until_ready(
    client: &Client,
    origin: &Url,
    mode: HostingMode,
    health: &Health,
    limit: Duration,
) -> Result<Duration, Reason> {
    let paths: &[&str] = match mode {
        HostingMode::SingleModel => &["/ping"],
        HostingMode::MultiModel => &["/ping", "/models"],
    };
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let problem = match check(client, origin, paths).await {
            Ok(()) => return Ok(start.elapsed()),
            Err(problem) => problem,
        };
        if let Some(how) = health.exit_description() {
            return Err(Reason::new(how));
        }
        if start.elapsed() > limit {
            return Err(not_healthy(format!("not within {} s", limit.as_secs_f64()), problem));
        }
        log::debug!("{origin}: {}", chain(&problem));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Checks whether a healthy container is still healthy.
pub async fn ping(client: &Client, origin: &Url) -> Result<(), Reason> {
    check(client, origin, &["/ping"]).await
}

async fn check(client: &Client, origin: &Url, paths: &[&str]) -> Result<(), Reason> {
    for path in paths {
        let mut url = origin.clone();
        url.set_path(path);
        match client.get(url.clone()).timeout(PING_LIMIT).send().await {
            Ok(response) if response.status() == 200 => {}
            Ok(response) => return Err(Reason::new(format!("GET {path} answered {}", response.status()))),
            Err(error) if error.is_timeout() => {
                return Err(Reason::new(format!("GET {path} took longer than {PING_LIMIT:?}")));
            }
            Err(error) => {
                return Err(not_healthy(format!("GET {path}"), ExchangeError::explain(&error, Some(&url))));
            }
        }
    }
    Ok(())
}

fn not_healthy(message: String, source: impl Into<Source>) -> Reason {
    Reason::new(Error::new(Cause::NotHealthy, message).caused_by(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::exchange_error::source_chain;
    use byoc_fake_container::{FakeContainer, nowhere, response};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering};

    const LIMIT: Duration = Duration::from_secs(60);

    /// A container whose `/ping` answers 200 from the third request on, and `/models` from the second.
    fn slow_starter() -> FakeContainer {
        let (pings, lists) = (Arc::new(AtomicU16::new(0)), Arc::new(AtomicU16::new(0)));
        FakeContainer::start(move |seen| {
            let ready = match seen.path.as_str() {
                "/ping" => pings.fetch_add(1, Ordering::SeqCst) >= 2,
                "/models" => lists.fetch_add(1, Ordering::SeqCst) >= 1,
                _ => false,
            };
            async move { response(if ready { 200 } else { 503 }).finish() }
        })
    }

    #[actix_web::test]
    async fn a_container_is_ready_once_ping_is_200_and_in_multi_model_mode_models_too() {
        let client = crate::platform::http::client().unwrap();
        let single = slow_starter();
        wait_until_ready(&client, &single.origin, HostingMode::SingleModel, &Health::default(), LIMIT).await.unwrap();
        assert_eq!((single.count("GET", "/ping"), single.count("GET", "/models")), (3, 0));
        let multi = slow_starter();
        wait_until_ready(&client, &multi.origin, HostingMode::MultiModel, &Health::default(), LIMIT).await.unwrap();
        assert_eq!((multi.count("GET", "/ping"), multi.count("GET", "/models")), (4, 2));
    }

    #[actix_web::test]
    async fn the_server_that_refused_the_connection_is_named() {
        let (client, origin) = (crate::platform::http::client().unwrap(), nowhere());
        let waited =
            wait_until_ready(&client, &origin, HostingMode::SingleModel, &Health::default(), Duration::ZERO).await;
        let server = origin.as_str().trim_end_matches('/').to_owned();
        let problem = waited.unwrap_err();
        assert!(source_chain(&problem).any(|error| error.is::<ExchangeError>()), "{problem:?}");
        assert_eq!(
            chain(&problem).to_string(),
            format!(
                "not within 0 s: GET /ping: {server} refused the connection: nothing listens there, or a firewall \
                 rejects it"
            )
        );
    }

    #[actix_web::test]
    async fn a_container_that_has_exited_is_not_waited_for() {
        let client = crate::platform::http::client().unwrap();
        let health = Health::default();
        health.mark_exited("the process has ended (exit status: 1)");
        let problem =
            wait_until_ready(&client, &nowhere(), HostingMode::SingleModel, &health, LIMIT).await.unwrap_err();
        assert_eq!(problem.to_string(), "the process has ended (exit status: 1)");
    }
}
