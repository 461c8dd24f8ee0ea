//! The variants of an endpoint: selects the variant of a request and the shadow that gets a copy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use reqwest::Client;

use super::sessions::Sessions;
use crate::endpoint::container_side::{Invocation, InvocationError, Pipeline, PipelineResponse};
use byoc_formats::error::chain;

/// The most copies that a shadow variant may process at once, so that a slow one does not pile them up.
const MAX_COPIES: usize = 64;

/// A variant that can be invoked.
#[derive(Debug)]
pub struct Variant {
    pub(super) name: String,
    pub(super) pipeline: Pipeline,
    /// ModelLatency of docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, in seconds: the whole chain.
    pub(super) latency: metrics::Histogram,
    endpoint: String,
    /// Invocations with status 200, counted without a look-up.
    succeeded: metrics::Counter,
}

impl Variant {
    /// A variant of an endpoint, with its containers.
    pub fn new(endpoint: &str, name: &str, pipeline: Pipeline) -> Variant {
        let (endpoint, name) = (endpoint.to_owned(), name.to_owned());
        let latency = metrics::histogram!(
            "byoc_endpoint_model_latency_seconds", "endpoint" => endpoint.clone(), "variant" => name.clone()
        );
        let succeeded = invocations(&endpoint, &name, 200);
        Variant { name, pipeline, latency, endpoint, succeeded }
    }

    /// Sends a request through the containers.
    pub(super) async fn invoke(&self, client: &Client, call: Invocation) -> Result<PipelineResponse, InvocationError> {
        let start = Instant::now();
        let outcome = self.pipeline.invoke(client, call).await;
        self.latency.record(start.elapsed());
        outcome
    }

    /// Counts an invocation by its response status.
    pub(super) fn count(&self, status: u16) {
        match status {
            200 => self.succeeded.increment(1),
            other => invocations(&self.endpoint, &self.name, other).increment(1),
        }
    }
}

/// The count of a variant's invocations with a status.
pub(super) fn invocations(endpoint: &str, variant: &str, code: u16) -> metrics::Counter {
    metrics::counter!(
        "byoc_endpoint_invocations_total",
        "endpoint" => endpoint.to_owned(), "variant" => variant.to_owned(), "code" => code.to_string()
    )
}

/// All variants of an endpoint that is InService.
#[derive(Debug)]
pub struct Variants {
    production: Vec<Variant>,
    turns: WeightedRoundRobin,
    shadow: Option<Arc<Shadow>>,
    pub(super) sessions: Sessions,
}

impl Variants {
    /// Production variants, each with its weight, and the shadow variant.
    pub fn new(production: Vec<(Variant, f64)>, shadow: Option<Shadow>) -> Variants {
        let (production, weights): (Vec<_>, Vec<_>) = production.into_iter().unzip();
        Variants {
            production,
            turns: WeightedRoundRobin::new(weights),
            shadow: shadow.map(Arc::new),
            sessions: Sessions::default(),
        }
    }

    /// The next variant by weight, and its number.
    pub(super) fn next(&self) -> Option<(usize, &Variant)> {
        let number = self.turns.next();
        Some((number, self.production.get(number)?))
    }

    /// The variant of that number.
    pub(super) fn get(&self, number: usize) -> Option<&Variant> {
        self.production.get(number)
    }

    /// The variant of that name, and its number.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &Variant)> {
        self.production.iter().enumerate().find(|(_, variant)| variant.name == name)
    }

    /// The names of the production variants.
    pub(super) fn names(&self) -> Vec<&str> {
        self.production.iter().map(|variant| variant.name.as_str()).collect()
    }

    /// The shadow variant, if it gets a copy of this request.
    pub(super) fn shadow(&self) -> Option<Arc<Shadow>> {
        self.shadow.as_ref().filter(|shadow| shadow.turns.next() == 0).map(Arc::clone)
    }

    /// FailureReason, if a container has failed permanently. Shadow variants are ignored.
    pub(super) fn failure_reason(&self) -> Option<String> {
        self.production.iter().find_map(|variant| variant.pipeline.failure_reason())
    }

    /// The first container that has exited, and how.
    pub(super) fn exit_description(&self) -> Option<String> {
        self.production.iter().find_map(|variant| variant.pipeline.exit_description())
    }
}

/// A variant that gets copies of requests and whose responses are dropped.
#[derive(Debug)]
pub struct Shadow {
    variant: Variant,
    /// Turn 0 is to copy, turn 1 is not to.
    turns: WeightedRoundRobin,
    working: AtomicUsize,
}

impl Shadow {
    /// A shadow variant that gets copies of a share of all requests, from 0 to 1.
    pub fn new(variant: Variant, share: f64) -> Shadow {
        Shadow { variant, turns: WeightedRoundRobin::new(vec![share, 1.0 - share]), working: AtomicUsize::new(0) }
    }

    /// Processes a copy of an answered request, counts it and drops the response.
    pub(super) async fn copy(self: Arc<Self>, client: Client, call: Invocation) {
        if self.working.fetch_add(1, Ordering::Relaxed) < MAX_COPIES {
            let status = match self.variant.invoke(&client, call).await {
                Ok(_) => 200,
                Err(failure) => {
                    log::debug!("shadow variant {}: {}", self.variant.name, chain(&failure));
                    424
                }
            };
            self.variant.count(status);
        } else {
            metrics::counter!("byoc_endpoint_shadow_copies_dropped_total").increment(1);
        }
        self.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Deterministic selection by weight: smooth weighted round robin, as in nginx. In each turn each variant gains
/// its weight; the one with the most is selected and pays the sum of all weights.
#[derive(Debug)]
struct WeightedRoundRobin {
    weights: Vec<f64>,
    total: f64,
    credits: Mutex<Vec<f64>>,
}

impl WeightedRoundRobin {
    fn new(weights: Vec<f64>) -> WeightedRoundRobin {
        let (total, credits) = (weights.iter().sum(), Mutex::new(vec![0.0; weights.len()]));
        WeightedRoundRobin { weights, total, credits }
    }

    fn next(&self) -> usize {
        if self.weights.len() == 1 {
            return 0;
        }
        let mut credits = self.lock();
        let mut most: Option<(usize, f64)> = None;
        for (number, (credit, weight)) in credits.iter_mut().zip(&self.weights).enumerate() {
            *credit += weight;
            if *weight > 0.0 && most.is_none_or(|(_, known)| *credit > known) {
                most = Some((number, *credit));
            }
        }
        let number = most.map_or(0, |(number, _)| number);
        if let Some(credit) = credits.get_mut(number) {
            *credit -= self.total;
        }
        number
    }

    fn lock(&self) -> MutexGuard<'_, Vec<f64>> {
        // No code that holds the lock can panic in the middle of a change.
        self.credits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(weights: &[f64], count: usize) -> Vec<usize> {
        let turns = WeightedRoundRobin::new(weights.to_vec());
        (0..count).map(|_| turns.next()).collect()
    }

    #[test]
    fn turns_are_distributed_evenly_by_weight() {
        assert_eq!(turns(&[1.0], 3), [0, 0, 0]);
        assert_eq!(turns(&[1.0, 1.0], 4), [0, 1, 0, 1]);
        assert_eq!(turns(&[5.0, 1.0, 1.0], 7), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(turns(&[0.0, 2.0], 3), [1, 1, 1]);
    }

    proptest::proptest! {
        #[test]
        fn each_variant_stays_close_to_its_share_for_any_number_of_turns(
            weights in proptest::collection::vec(0_u32..20, 1..6), count in 1_usize..200
        ) {
            let total: u32 = weights.iter().sum();
            proptest::prop_assume!(total > 0);
            let turns = turns(&weights.iter().map(|weight| f64::from(*weight)).collect::<Vec<_>>(), count);
            for (number, weight) in weights.iter().enumerate() {
                let taken = turns.iter().filter(|turn| **turn == number).count() as f64;
                let share = count as f64 * f64::from(*weight) / f64::from(total);
                // The bound grows with the number of competitors; it does not grow with the number of turns.
                proptest::prop_assert!((taken - share).abs() <= weights.len() as f64, "{number}: {taken} of {share}");
            }
        }
    }
}
