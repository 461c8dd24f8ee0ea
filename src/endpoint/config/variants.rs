//! Validates the longer form: CreateEndpointConfig's own JSON, with the models that its variants name.

use std::collections::BTreeMap;

use super::create_endpoint_config::{
    AsyncInferenceConfig, AsyncInferenceOutputConfig, CreateEndpointConfig, DESCRIPTION_MEMBERS, IGNORED,
    ProductionVariant, VARIANT_IGNORED,
};
use super::{AsyncConfig, EndpointConfig, ShadowConfig, Validator, VariantConfig};
use crate::platform::create_model::{ContainerConfig, ExecutionMode, ModelConfig, Models};

/// ProductionVariants has at most this many entries.
const MAX_VARIANTS: usize = 10;
/// MaxConcurrentInvocationsPerInstance is at most this.
const MAX_CONCURRENT: usize = 1000;
/// The default of MaxConcurrentInvocationsPerInstance; SageMaker chooses its own.
const CONCURRENT: usize = 4;

impl Validator<'_> {
    /// An endpoint with its variants.
    pub(super) fn endpoint_with_variants(&mut self, typed: CreateEndpointConfig) -> EndpointConfig {
        self.unknown_except("", &typed.unknown, &[&IGNORED[..], &DESCRIPTION_MEMBERS].concat());
        let endpoint_name = self.required_name("EndpointName", typed.endpoint_name);
        self.required_name("EndpointConfigName", typed.endpoint_config_name);
        let mut account = typed.execution_role_arn.as_deref().map(|arn| self.account(arn));
        let mut models: BTreeMap<String, ModelConfig> = BTreeMap::new();
        for (number, model) in typed.models.into_iter().enumerate() {
            let outer = std::mem::replace(&mut self.prefix, format!("Models[{number}]."));
            if model.endpoint_name.is_some() {
                self.problem("EndpointName", "a model has none; it stands beside Models");
            }
            let role = model.execution_role_arn.clone();
            let (name, model) = self.model(model);
            account = account.or_else(|| role.map(|arn| self.account(&arn)));
            if models.contains_key(&name) {
                self.problem("ModelName", format_args!("\"{name}\" is already taken"));
            }
            models.insert(name, model);
            self.prefix = outer;
        }

        if models.is_empty() {
            self.problem("Models", "missing; a list of CreateModel's requests, one for each ModelName of the variants");
        }
        let given = typed.production_variants.len();
        let variants = self.variants("ProductionVariants", typed.production_variants, &models);
        let shadows = self.variants("ShadowProductionVariants", typed.shadow_production_variants, &models);
        match given {
            0 => self.problem("ProductionVariants", format_args!("empty; give 1 to {MAX_VARIANTS}")),
            1..=MAX_VARIANTS => {}
            more => self.problem("ProductionVariants", format_args!("{more} entries; at most {MAX_VARIANTS}")),
        }
        if !variants.is_empty() && variants.iter().all(|variant| variant.weight == 0.0) {
            self.problem("ProductionVariants", "every InitialVariantWeight is 0, so that no variant would be invoked");
        }
        for (number, variant) in variants.iter().enumerate() {
            let before = variants.iter().take(number).chain(&shadows);
            if before.into_iter().any(|earlier| earlier.name == variant.name) {
                self.problem("ProductionVariants", format_args!("VariantName \"{}\" is already taken", variant.name));
            }
        }
        let shadow = match (shadows.len(), variants.as_slice()) {
            (0, _) => None,
            (1, [production]) => shadows.into_iter().next().map(|variant| {
                // The copied share is the ratio of the two weights.
                let share = if production.weight > 0.0 { (variant.weight / production.weight).min(1.0) } else { 0.0 };
                ShadowConfig { variant, share }
            }),
            _ => {
                // API_CreateEndpointConfig.html, ShadowProductionVariants.
                self.problem(
                    "ShadowProductionVariants",
                    "with them there must be one production variant and one shadow variant",
                );
                None
            }
        };
        let asynchronous = typed.async_inference_config.map(|config| self.asynchronous(config));
        if asynchronous.is_some() {
            for variant in &variants {
                self.answers_without_targets(variant);
            }
        }
        if asynchronous.is_some() && shadow.is_some() {
            self.problem("ShadowProductionVariants", "an endpoint with AsyncInferenceConfig has no shadow variants");
        }
        let account = account.unwrap_or_else(|| super::ACCOUNT.to_owned());
        EndpointConfig { endpoint_name, account, variants, shadow, asynchronous }
    }

    fn variants(
        &mut self,
        list: &str,
        typed: Vec<ProductionVariant>,
        models: &BTreeMap<String, ModelConfig>,
    ) -> Vec<VariantConfig> {
        let mut variants = Vec::with_capacity(typed.len());
        for (number, variant) in typed.into_iter().enumerate() {
            let outer = std::mem::replace(&mut self.prefix, format!("{list}[{number}]."));
            self.unknown_except("", &variant.unknown, &VARIANT_IGNORED);
            let name = self.required_name("VariantName", variant.variant_name);
            let weight = variant.initial_variant_weight.unwrap_or(1.0);
            if !weight.is_finite() || weight < 0.0 {
                self.problem("InitialVariantWeight", format_args!("{weight} is not a weight; give 0 or more"));
            }
            let model_name = self.required_name("ModelName", variant.model_name);
            match models.get(&model_name) {
                // Reported already.
                None if models.is_empty() => {}
                Some(model) => variants.push(VariantConfig { name, weight, model: model.clone() }),
                None => {
                    let known: Vec<&str> = models.keys().map(String::as_str).collect();
                    // The start of the service's own message.
                    self.problem(
                        "ModelName",
                        format_args!("Could not find model \"{model_name}\"; Models has {}", known.join(", ")),
                    );
                }
            }
            self.prefix = outer;
        }
        variants
    }

    /// InvokeEndpointAsync has neither TargetModel nor TargetContainerHostname (botocore's model), so a model that
    /// needs one could never answer.
    fn answers_without_targets(&mut self, variant: &VariantConfig) {
        let multi_model = |container: &ContainerConfig| matches!(container.models, Models::Multi { .. });
        let missing = if variant.model.containers.iter().any(multi_model) {
            "TargetModel, which a container in MultiModel mode needs"
        } else if variant.model.mode == ExecutionMode::Direct {
            "TargetContainerHostname, which Direct mode needs"
        } else {
            return;
        };
        self.problem(
            "AsyncInferenceConfig",
            format_args!("InvokeEndpointAsync has no {missing}: variant {} could never answer", variant.name),
        );
    }

    fn asynchronous(&mut self, typed: AsyncInferenceConfig) -> AsyncConfig {
        let outer = std::mem::replace(&mut self.prefix, "AsyncInferenceConfig.".to_owned());
        self.unknown("", &typed.unknown);
        let mut concurrent = CONCURRENT;
        if let Some(client) = typed.client_config {
            self.unknown("ClientConfig.", &client.unknown);
            concurrent = client.max_concurrent_invocations_per_instance.unwrap_or(CONCURRENT);
            if !(1..=MAX_CONCURRENT).contains(&concurrent) {
                self.problem(
                    "ClientConfig.MaxConcurrentInvocationsPerInstance",
                    format_args!("{concurrent}; give 1 to {MAX_CONCURRENT}"),
                );
            }
        }
        let config = match typed.output_config {
            None => {
                self.problem("OutputConfig", "missing");
                AsyncConfig { output: None, failure: None, concurrent }
            }
            Some(AsyncInferenceOutputConfig { output_path, failure_path, unknown, .. }) => {
                self.unknown("OutputConfig.", &unknown);
                let output = output_path.map(|path| self.location("OutputConfig.S3OutputPath", &path));
                let failure = failure_path.map(|path| self.location("OutputConfig.S3FailurePath", &path));
                AsyncConfig { output, failure, concurrent }
            }
        };
        self.prefix = outer;
        config
    }
}

#[cfg(test)]
#[path = "variants_test.rs"]
mod tests;
