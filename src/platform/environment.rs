//! The environment variables that SageMaker's platform sets for a container.

use std::collections::BTreeMap;
use std::path::Path;

use super::create_model::ContainerConfig;
use crate::env;

/// The first port of the first container's safe port range. Each container has a range of a thousand ports. Such ranges
/// were seen in SageMaker (pytorch/serve#1028: `25000-25999`, `21000-21999`).
const FIRST_SAFE_PORT: usize = 21_000;

/// Where a container finds its model.
#[derive(Clone, Copy, Debug)]
pub enum ModelLocation<'a> {
    /// In `model` below this folder.
    BaseDir(&'a Path),
    /// In this folder.
    ModelDir(&'a Path),
    /// Below this folder, once it is asked to load a model: multi-model mode.
    ModelsRoot(&'a Path),
}

/// The environment that all containers share.
#[derive(Clone, Debug)]
pub struct ContainerEnvironment {
    /// The variables of this process that containers inherit, such as PATH and RUST_LOG. They inherit no others.
    pub inherited: BTreeMap<String, String>,
    /// The AWS region that containers see.
    pub region: String,
}

impl ModelLocation<'_> {
    /// The variables that tell the container this location.
    pub fn variables(self) -> BTreeMap<String, String> {
        let set = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        match self {
            ModelLocation::BaseDir(folder) => [set(env::SAGEMAKER_BASE_DIR, folder)].into(),
            ModelLocation::ModelDir(folder) => [set(env::SM_MODEL_DIR, folder)].into(),
            ModelLocation::ModelsRoot(root) => {
                [set(env::BYOC_MODELS_ROOT, root), (env::SAGEMAKER_MULTI_MODEL.to_owned(), "true".to_owned())].into()
            }
        }
    }
}

impl ContainerEnvironment {
    /// The variables of the container at `position`, counted from 0. Those that the platform sets override the
    /// container's Environment, which overrides inherited ones.
    pub fn variables(
        &self,
        container: &ContainerConfig,
        position: usize,
        model: ModelLocation<'_>,
    ) -> BTreeMap<String, String> {
        let mut variables = self.inherited.clone();
        variables.extend(container.environment.clone());
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
        // The container picks a free port itself: one chosen here could be taken before the container listens.
        set(env::SAGEMAKER_BIND_TO_PORT, "0".into());
        set(env::BYOC_HOST, "127.0.0.1".into());
        set(env::BYOC_EXIT_ON_STDIN_EOF, "true".into());
        let first = FIRST_SAFE_PORT + 1000 * position;
        set("SAGEMAKER_SAFE_PORT_RANGE", format!("{first}-{}", first + 999));
        set(env::AWS_REGION, self.region.clone());
        set(env::AWS_DEFAULT_REGION, self.region.clone());
        set("HOSTNAME", container.name.clone());
        variables.extend(model.variables());
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::create_model::Models;

    #[test]
    fn platform_variables_override_those_of_the_container_which_override_inherited_ones() {
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let common = ContainerEnvironment {
            inherited: pairs(&[("PATH", "/bin"), ("RUST_LOG", "info"), ("AWS_REGION", "other")]),
            region: "eu-west-1".into(),
        };
        let container = ContainerConfig {
            name: "learner".into(),
            name_in_errors: "learner".into(),
            environment: pairs(&[("RUST_LOG", "debug"), ("SAGEMAKER_BIND_TO_PORT", "8080"), ("MINE", "1")]),
            models: Models::Single(None),
        };
        let single = common.variables(&container, 1, ModelLocation::BaseDir(Path::new("/s")));
        let expected = pairs(&[
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_REGION", "eu-west-1"),
            ("BYOC_EXIT_ON_STDIN_EOF", "true"),
            ("BYOC_HOST", "127.0.0.1"),
            ("HOSTNAME", "learner"),
            ("MINE", "1"),
            ("PATH", "/bin"),
            ("RUST_LOG", "debug"),
            ("SAGEMAKER_BASE_DIR", "/s"),
            ("SAGEMAKER_BIND_TO_PORT", "0"),
            ("SAGEMAKER_SAFE_PORT_RANGE", "22000-22999"),
        ]);
        assert_eq!(single, expected);

        let multi = common.variables(&container, 14, ModelLocation::ModelsRoot(Path::new("/s/models")));
        assert_eq!(multi["BYOC_MODELS_ROOT"], "/s/models");
        assert_eq!(multi["SAGEMAKER_MULTI_MODEL"], "true");
        assert_eq!(multi["SAGEMAKER_SAFE_PORT_RANGE"], "35000-35999");
        assert!(!multi.contains_key("SAGEMAKER_BASE_DIR"));
        assert_eq!(common.variables(&container, 0, ModelLocation::ModelDir(Path::new("/m")))["SM_MODEL_DIR"], "/m");
    }
}
