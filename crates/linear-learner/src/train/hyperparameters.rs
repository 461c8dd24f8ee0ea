//! The hyperparameters: parsed from text to types, with all mistakes in one report.
//!
//! Names, defaults and bounds are those of docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html and of the
//! default configuration that AWS's container prints at its start. `refine` is ours.

use super::loss::Loss;
use super::optimizer::Optimizer;
use super::scaler::Scaling;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::suggest;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Names and values as given: all text.
pub type Given = BTreeMap<String, String>;

/// Every hyperparameter with its default. `predictor_type` has none.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("_enable_profiler", "false"),
    ("_kvstore", "auto"),
    ("_log_level", "info"),
    ("_num_gpus", "auto"),
    ("_num_kv_servers", "auto"),
    ("_tuning_objective_metric", ""),
    ("accuracy_top_k", "3"),
    ("balance_multiclass_weights", "false"),
    ("beta_1", "auto"),
    ("beta_2", "auto"),
    ("bias_lr_mult", "auto"),
    ("bias_wd_mult", "auto"),
    ("binary_classifier_model_selection_criteria", "accuracy"),
    ("early_stopping_patience", "3"),
    ("early_stopping_tolerance", "0.001"),
    ("epochs", "15"),
    ("f_beta", "1.0"),
    ("feature_dim", "auto"),
    ("huber_delta", "1.0"),
    ("init_bias", "0.0"),
    ("init_method", "uniform"),
    ("init_scale", "0.07"),
    ("init_sigma", "0.01"),
    ("l1", "auto"),
    ("learning_rate", "auto"),
    ("loss", "auto"),
    ("loss_insensitivity", "0.01"),
    ("lr_scheduler_factor", "auto"),
    ("lr_scheduler_minimum_lr", "auto"),
    ("lr_scheduler_step", "auto"),
    ("margin", "1.0"),
    ("mini_batch_size", "1000"),
    ("momentum", "auto"),
    ("normalize_data", "true"),
    ("normalize_label", "auto"),
    ("num_calibration_samples", "10000000"),
    ("num_classes", "1"),
    ("num_models", "auto"),
    ("num_point_for_scaler", "10000"),
    ("optimizer", "auto"),
    ("positive_example_weight_mult", "1.0"),
    ("quantile", "0.5"),
    ("refine", "true"),
    ("target_precision", "0.8"),
    ("target_recall", "0.8"),
    ("unbias_data", "auto"),
    ("unbias_label", "auto"),
    ("use_bias", "true"),
    ("use_lr_scheduler", "true"),
    ("wd", "auto"),
];

/// Names that the Python SDK adds for its own scripts begin so; they say nothing to an algorithm.
const SDK_PREFIX: &str = "sagemaker_";

/// The kind of prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictorType {
    /// A number.
    Regressor,
    /// 0 or 1.
    BinaryClassifier,
    /// One of some classes, counted from 0.
    MulticlassClassifier {
        /// How many.
        classes: usize,
    },
}

impl PredictorType {
    /// The hyperparameter `predictor_type` that names it.
    pub fn name(self) -> &'static str {
        match self {
            PredictorType::Regressor => "regressor",
            PredictorType::BinaryClassifier => "binary_classifier",
            PredictorType::MulticlassClassifier { .. } => "multiclass_classifier",
        }
    }

    /// The number of scores of a row.
    pub fn outputs(self) -> usize {
        match self {
            PredictorType::MulticlassClassifier { classes } => classes,
            _ => 1,
        }
    }
}

/// The weight of an example of label 1 in the loss of a binary classifier; one of label 0 weighs 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PositiveWeight {
    /// This much.
    Times(f64),
    /// The weight for which both labels weigh the same in total.
    Balanced,
    /// Whichever of 1 and balanced gives the better model.
    Auto,
}

impl PositiveWeight {
    /// The weight, where `balanced` is what balances.
    pub(super) fn value(self, balanced: f64) -> f64 {
        match self {
            PositiveWeight::Times(weight) => weight,
            PositiveWeight::Balanced => balanced,
            PositiveWeight::Auto => 1.0,
        }
    }
}

/// The criterion that selects a binary classifier and its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Criterion {
    /// The share of right answers.
    Accuracy,
    /// The F measure of this beta.
    FBeta(f64),
    /// Precision, where recall is at least this.
    PrecisionAtTargetRecall(f64),
    /// Recall, where precision is at least this.
    RecallAtTargetPrecision(f64),
    /// The loss; the threshold stays where the loss puts it.
    LossFunction,
}

impl Criterion {
    /// The hyperparameter's value that names it.
    pub fn name(self) -> &'static str {
        match self {
            Criterion::Accuracy => "accuracy",
            Criterion::FBeta(_) => "f_beta",
            Criterion::PrecisionAtTargetRecall(_) => "precision_at_target_recall",
            Criterion::RecallAtTargetPrecision(_) => "recall_at_target_precision",
            Criterion::LossFunction => "loss_function",
        }
    }
}

/// How initial weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Between minus and plus `scale`, all alike.
    Uniform {
        /// The bound.
        scale: f64,
    },
    /// Around 0.
    Normal {
        /// The deviation.
        sigma: f64,
    },
}

/// All of them, `auto` resolved where it does not depend on the data or the model of the grid: there it is `None`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are the hyperparameters, by their names")]
pub struct Hyperparameters {
    pub predictor_type: PredictorType,
    pub loss: Loss,
    pub feature_dim: Option<usize>,
    pub mini_batch_size: usize,
    pub epochs: usize,
    pub use_bias: bool,
    pub optimizer: Optimizer,
    pub learning_rate: Option<f64>,
    pub wd: Option<f64>,
    pub l1: Option<f64>,
    pub bias_lr_mult: f64,
    pub bias_wd_mult: f64,
    pub use_lr_scheduler: bool,
    pub lr_scheduler_step: Option<u64>,
    pub lr_scheduler_factor: Option<f64>,
    pub lr_scheduler_minimum_lr: Option<f64>,
    pub initial: Initial,
    pub init_bias: f32,
    pub scaling: Scaling,
    pub num_point_for_scaler: usize,
    pub num_models: Option<usize>,
    pub num_calibration_samples: usize,
    pub early_stopping_patience: usize,
    pub early_stopping_tolerance: f64,
    pub criterion: Criterion,
    pub f_beta: f64,
    pub positive_example_weight_mult: PositiveWeight,
    pub balance_multiclass_weights: bool,
    pub accuracy_top_k: usize,
    /// Whether the winner's objective is also solved to convergence, as one more candidate.
    pub refine: bool,
}

impl Hyperparameters {
    /// Parses and checks them.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with every hyperparameter that is unknown, ill-typed, out of bounds or in conflict with
    /// another: its name, its value and what is allowed.
    pub fn parse(given: &Given) -> Result<Hyperparameters> {
        let mut reader = Reader { given, problems: Vec::new() };
        let parsed = reader.all();
        // Last, because of the long list of names: a failure file shows no more than its first kilobyte.
        reader.refuse_unknown_names();
        match (parsed, reader.problems.as_slice()) {
            (Some(parsed), []) => Ok(parsed),
            (_, [problem]) => Err(Error::new(Cause::BadSetting, problem)),
            (_, problems) => Err(Error::new(
                Cause::BadSetting,
                format!("{} hyperparameters are wrong: {}", problems.len(), problems.join("; ")),
            )),
        }
    }
}

impl Hyperparameters {
    /// Given hyperparameters without effect, because of the others: a line for each.
    pub fn without_effect(&self, given: &Given) -> Vec<String> {
        use PredictorType::{BinaryClassifier, MulticlassClassifier, Regressor};
        let kind = self.predictor_type;
        let binary = kind == BinaryClassifier;
        let regressor = kind == Regressor;
        let adam = matches!(self.optimizer, Optimizer::Adam { .. });
        let uniform = matches!(self.initial, Initial::Uniform { .. });
        let insensitive = matches!(self.loss, Loss::InsensitiveAbsolute(_) | Loss::InsensitiveSquared(_));
        let multiclass = matches!(kind, MulticlassClassifier { .. });
        let conditions: &[(&[&str], bool, &str)] = &[
            (&["quantile"], matches!(self.loss, Loss::Quantile(_)), "loss is quantile_loss"),
            (&["huber_delta"], matches!(self.loss, Loss::Huber(_)), "loss is huber_loss"),
            (&["margin"], matches!(self.loss, Loss::Hinge(_)), "loss is hinge_loss"),
            (&["loss_insensitivity"], insensitive, "loss is one of the eps_insensitive losses"),
            (
                &["num_classes", "balance_multiclass_weights", "accuracy_top_k"],
                multiclass,
                "predictor_type is multiclass_classifier",
            ),
            (
                &[
                    "binary_classifier_model_selection_criteria",
                    "positive_example_weight_mult",
                    "num_calibration_samples",
                ],
                binary,
                "predictor_type is binary_classifier",
            ),
            (&["f_beta"], !regressor, "predictor_type is a classifier"),
            (&["normalize_label", "unbias_label"], regressor, "predictor_type is regressor"),
            (
                &["target_recall"],
                binary && matches!(self.criterion, Criterion::PrecisionAtTargetRecall(_)),
                "binary_classifier_model_selection_criteria is precision_at_target_recall",
            ),
            (
                &["target_precision"],
                binary && matches!(self.criterion, Criterion::RecallAtTargetPrecision(_)),
                "binary_classifier_model_selection_criteria is recall_at_target_precision",
            ),
            (&["beta_1", "beta_2"], adam, "optimizer is adam"),
            (&["momentum"], matches!(self.optimizer, Optimizer::Sgd { .. }), "optimizer is sgd"),
            (&["init_scale"], uniform, "init_method is uniform"),
            (&["init_sigma"], !uniform, "init_method is normal"),
            (
                &["lr_scheduler_step", "lr_scheduler_factor", "lr_scheduler_minimum_lr"],
                self.use_lr_scheduler,
                "use_lr_scheduler is true",
            ),
            (&["bias_lr_mult", "bias_wd_mult", "init_bias"], self.use_bias, "use_bias is true"),
        ];
        let reader = Reader { given, problems: Vec::new() };
        let is_default = |name: &str| DEFAULTS.iter().any(|&(known, text)| known == name && text == reader.text(name));
        let idle = conditions.iter().filter(|(_, has_effect, _)| !has_effect);
        let idle = idle.flat_map(|(names, _, condition)| names.iter().map(move |name| (*name, *condition)));
        idle.filter(|(name, _)| !is_default(name))
            .map(|(name, condition)| {
                format!("{name} is {:?}, which has an effect only where {condition}", reader.text(name))
            })
            .collect()
    }
}

struct Reader<'a> {
    given: &'a Given,
    problems: Vec<String>,
}

/// Numbers above the first and below or at the second bound.
type Bounds = (Bound<f64>, Bound<f64>);
const POSITIVE: Bounds = (Bound::Excluded(0.0), Bound::Unbounded);
const NOT_NEGATIVE: Bounds = (Bound::Included(0.0), Bound::Unbounded);
const SHARE: Bounds = (Bound::Excluded(0.0), Bound::Excluded(1.0));
const DECAY: Bounds = (Bound::Included(0.0), Bound::Excluded(1.0));
const ANY: Bounds = (Bound::Unbounded, Bound::Unbounded);

/// The message for a number that is within bounds but too large for the models.
const BEYOND_FLOAT32: &str = "at most 3.4028235e38 in size, the greatest float32";

fn within((low, high): Bounds) -> String {
    match (low, high) {
        (Bound::Included(low), Bound::Excluded(high)) => format!("a number of at least {low} and below {high}"),
        (Bound::Excluded(low), Bound::Excluded(high)) => format!("a number above {low} and below {high}"),
        (Bound::Included(low), _) => format!("a number of at least {low}"),
        (Bound::Excluded(low), _) => format!("a number above {low}"),
        _ => "a number".to_owned(),
    }
}

/// `auto` where AWS's documentation does not say more (ll_hyperparameters, and checked on logs).
const BIAS_LEARNING_RATE: f64 = 10.0;
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// What `auto` is for SGD's momentum is not documented; 0.9 is what most libraries start from.
const MOMENTUM: f64 = 0.9;
const MAX_CLASSES: u64 = 1_000_000;

/// The names of all hyperparameters that people set.
pub fn names() -> impl Iterator<Item = &'static str> {
    let names = DEFAULTS.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_'));
    std::iter::once("predictor_type").chain(names)
}

impl Reader<'_> {
    fn refuse_unknown_names(&mut self) {
        let known = |name: &str| name == "predictor_type" || DEFAULTS.iter().any(|(known, _)| *known == name);
        for (name, value) in self.given.iter().filter(|(name, _)| !name.starts_with(SDK_PREFIX) && !known(name)) {
            let names: Vec<_> = names().collect();
            self.problems.push(format!(
                "{name} (value {value:?}) is not a hyperparameter of the linear learner: {}expected {}",
                suggest::did_you_mean(name, names.iter().copied()),
                names.join(", ")
            ));
        }
    }

    /// The text of a hyperparameter, its default where it is not given or empty.
    fn text(&self, name: &str) -> &str {
        let given = self.given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        given.unwrap_or_else(|| DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default))
    }

    fn refuse(&mut self, name: &str, expected: impl std::fmt::Display) {
        self.problems.push(format!("{name} is {:?}: expected {expected}", self.text(name)));
    }

    fn is_auto(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("auto")
    }

    fn number(&mut self, name: &str, bounds: Bounds) -> f64 {
        use std::ops::RangeBounds as _;
        match self.text(name).parse::<f64>() {
            // A number beyond float32 would be infinity to the model.
            Ok(number) if (number as f32).is_finite() && bounds.contains(&number) => number,
            Ok(number) if bounds.contains(&number) => {
                self.refuse(name, format_args!("{} and {BEYOND_FLOAT32}", within(bounds)));
                f64::NAN
            }
            _ => {
                self.refuse(name, within(bounds));
                f64::NAN
            }
        }
    }

    fn number_or_auto(&mut self, name: &str, bounds: Bounds) -> Option<f64> {
        if self.is_auto(name) {
            return None;
        }
        let before = self.problems.len();
        let number = self.number(name, bounds);
        if let Some(problem) = self.problems.get_mut(before) {
            *problem = problem.replace("expected ", "expected auto or ");
        }
        Some(number)
    }

    fn count(&mut self, name: &str, least: u64, most: u64) -> u64 {
        // The SDK and tuning jobs also write whole numbers as 100.0.
        let text = self.text(name);
        let whole = text.strip_suffix(".0").unwrap_or(text).parse::<u64>();
        whole.ok().filter(|count| (least..=most).contains(count)).unwrap_or_else(|| {
            self.refuse(name, format_args!("a whole number from {least} to {most}"));
            least
        })
    }

    fn count_or_auto(&mut self, name: &str, most: u64) -> Option<u64> {
        if self.is_auto(name) { None } else { Some(self.count(name, 1, most)) }
    }

    fn boolean(&mut self, name: &str) -> bool {
        match self.text(name).to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => {
                self.refuse(name, "true or false");
                false
            }
        }
    }

    fn truth_or_auto(&mut self, name: &str, auto: bool) -> bool {
        if self.is_auto(name) { auto } else { self.boolean(name) }
    }

    fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name).to_ascii_lowercase();
        let found = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            let (found, meant) = (self.text(name), suggest::did_you_mean(&text, names.iter().copied()));
            self.problems.push(format!("{name} is {found:?}: {meant}expected {}", names.join(", ")));
        }
        found
    }

    fn all(&mut self) -> Option<Hyperparameters> {
        const MANY: u64 = 1 << 40;
        let predictor_type = self.predictor_type();
        let loss = self.loss(predictor_type);
        let regressor = predictor_type == Some(PredictorType::Regressor);
        let use_bias = self.boolean("use_bias");
        let scaling = Scaling {
            normalize_data: self.truth_or_auto("normalize_data", true),
            unbias_data: self.truth_or_auto("unbias_data", use_bias),
            normalize_label: self.truth_or_auto("normalize_label", true) && regressor,
            unbias_label: self.truth_or_auto("unbias_label", use_bias) && regressor,
        };
        if !use_bias {
            for (name, on) in [("unbias_data", scaling.unbias_data), ("unbias_label", scaling.unbias_label)] {
                if on {
                    self.refuse(name, "auto or false where use_bias is false: the mean goes into the bias");
                }
            }
        }
        let init_method = self.choice("init_method", &[("uniform", true), ("normal", false)]);
        let (scale, sigma) = (self.number("init_scale", POSITIVE), self.number("init_sigma", POSITIVE));
        let learning_rate = self.number_or_auto("learning_rate", POSITIVE);
        let lr_scheduler_minimum_lr = self.number_or_auto("lr_scheduler_minimum_lr", POSITIVE);
        if let (Some(rate), Some(minimum)) = (learning_rate, lr_scheduler_minimum_lr)
            && minimum > rate
        {
            self.refuse("lr_scheduler_minimum_lr", format_args!("at most learning_rate, which is {rate}"));
        }
        let tuned = !self.text("_tuning_objective_metric").is_empty();
        let num_models = self.count_or_auto("num_models", 1_000_000);
        let feature_dim = self.count_or_auto("feature_dim", MANY);
        let hyperparameters = Hyperparameters {
            predictor_type: predictor_type.unwrap_or(PredictorType::Regressor),
            loss: loss.unwrap_or(Loss::Squared),
            feature_dim: feature_dim.map(|dim| dim as usize),
            mini_batch_size: self.count("mini_batch_size", 1, 1 << 30) as usize,
            epochs: self.count("epochs", 1, MANY) as usize,
            use_bias,
            optimizer: self.optimizer(),
            learning_rate,
            wd: self.number_or_auto("wd", NOT_NEGATIVE),
            l1: self.number_or_auto("l1", NOT_NEGATIVE),
            bias_lr_mult: self.number_or_auto("bias_lr_mult", POSITIVE).unwrap_or(BIAS_LEARNING_RATE),
            bias_wd_mult: self.number_or_auto("bias_wd_mult", NOT_NEGATIVE).unwrap_or(0.0),
            use_lr_scheduler: self.boolean("use_lr_scheduler"),
            lr_scheduler_step: self.count_or_auto("lr_scheduler_step", MANY),
            lr_scheduler_factor: self.number_or_auto("lr_scheduler_factor", SHARE),
            lr_scheduler_minimum_lr,
            initial: match init_method {
                Some(false) => Initial::Normal { sigma },
                _ => Initial::Uniform { scale },
            },
            init_bias: self.number("init_bias", ANY) as f32,
            scaling,
            num_point_for_scaler: self.count("num_point_for_scaler", 1, MANY) as usize,
            // A tuning job tries settings itself and wants one model for each
            // (docs.aws.amazon.com/sagemaker/latest/dg/linear-learner-tuning.html).
            num_models: num_models.map(|count| count as usize).or(tuned.then_some(1)),
            num_calibration_samples: self.calibration_samples(MANY),
            early_stopping_patience: self.count("early_stopping_patience", 1, MANY) as usize,
            early_stopping_tolerance: self.number("early_stopping_tolerance", POSITIVE),
            criterion: self.criterion(),
            f_beta: self.number("f_beta", POSITIVE),
            positive_example_weight_mult: self.positive_weight(),
            balance_multiclass_weights: self.boolean("balance_multiclass_weights"),
            accuracy_top_k: self.count("accuracy_top_k", 1, 1_000_000) as usize,
            refine: self.boolean("refine"),
        };
        self.boolean("_enable_profiler");
        (predictor_type.is_some() && loss.is_some()).then_some(hyperparameters)
    }

    fn calibration_samples(&mut self, most: u64) -> usize {
        self.count_or_auto("num_calibration_samples", most).unwrap_or(10_000_000) as usize
    }

    fn predictor_type(&mut self) -> Option<PredictorType> {
        const NAMES: &str = "regressor, binary_classifier or multiclass_classifier";
        if self.text("predictor_type") != "multiclass_classifier" {
            // It has no effect here, but must still be a number.
            self.count("num_classes", 1, MAX_CLASSES);
        }
        match self.text("predictor_type") {
            "regressor" => Some(PredictorType::Regressor),
            "binary_classifier" => Some(PredictorType::BinaryClassifier),
            "multiclass_classifier" => match self.text("num_classes").parse::<usize>() {
                Ok(classes) if (3..=MAX_CLASSES).contains(&(classes as u64)) => {
                    Some(PredictorType::MulticlassClassifier { classes })
                }
                _ => {
                    self.refuse(
                        "num_classes",
                        "a whole number from 3 to 1000000, which predictor_type multiclass_classifier needs",
                    );
                    None
                }
            },
            "" => {
                self.problems.push(format!("predictor_type is not given: expected {NAMES}"));
                None
            }
            other => {
                let meant = suggest::did_you_mean(other, ["regressor", "binary_classifier", "multiclass_classifier"]);
                self.problems.push(format!("predictor_type is {other:?}: {meant}expected {NAMES}"));
                None
            }
        }
    }

    /// The loss; its parameters are checked even if the possible losses are not known yet.
    fn loss(&mut self, predictor_type: Option<PredictorType>) -> Option<Loss> {
        let quantile = self.number("quantile", SHARE) as f32;
        let insensitivity = self.number("loss_insensitivity", POSITIVE) as f32;
        let huber_delta = self.number("huber_delta", NOT_NEGATIVE) as f32;
        let margin = self.number("margin", NOT_NEGATIVE) as f32;
        let predictor_type = predictor_type?;
        let choices: &[(&str, Loss)] = match predictor_type {
            PredictorType::Regressor => &[
                ("auto", Loss::Squared),
                ("squared_loss", Loss::Squared),
                ("absolute_loss", Loss::Absolute),
                ("eps_insensitive_squared_loss", Loss::InsensitiveSquared(insensitivity)),
                ("eps_insensitive_absolute_loss", Loss::InsensitiveAbsolute(insensitivity)),
                ("quantile_loss", Loss::Quantile(quantile)),
                ("huber_loss", Loss::Huber(huber_delta)),
            ],
            PredictorType::BinaryClassifier => {
                &[("auto", Loss::Logistic), ("logistic", Loss::Logistic), ("hinge_loss", Loss::Hinge(margin))]
            }
            PredictorType::MulticlassClassifier { .. } => &[("auto", Loss::Softmax), ("softmax_loss", Loss::Softmax)],
        };
        let before = self.problems.len();
        let found = self.choice("loss", choices);
        if let Some(problem) = self.problems.get_mut(before) {
            problem.push_str(&format!(" for predictor_type {}", predictor_type.name()));
        }
        found
    }

    fn optimizer(&mut self) -> Optimizer {
        #[derive(Clone, Copy)]
        enum Kind {
            Adam,
            Sgd,
            RmsProp,
        }
        let beta_1 = self.number_or_auto("beta_1", DECAY).unwrap_or(BETA_1) as f32;
        let beta_2 = self.number_or_auto("beta_2", DECAY).unwrap_or(BETA_2) as f32;
        let momentum = self.number_or_auto("momentum", DECAY).unwrap_or(MOMENTUM) as f32;
        let choices = [("auto", Kind::Adam), ("adam", Kind::Adam), ("sgd", Kind::Sgd), ("rmsprop", Kind::RmsProp)];
        match self.choice("optimizer", &choices) {
            Some(Kind::Sgd) => Optimizer::Sgd { momentum },
            Some(Kind::RmsProp) => Optimizer::RmsProp,
            _ => Optimizer::Adam { beta_1, beta_2 },
        }
    }

    /// `f1` and `cross_entropy_loss` are what the Python SDK also lets through.
    fn criterion(&mut self) -> Criterion {
        let f_beta = self.text("f_beta").parse().unwrap_or(1.0);
        let target_recall = self.number("target_recall", SHARE);
        let target_precision = self.number("target_precision", SHARE);
        let choices = [
            ("accuracy", Criterion::Accuracy),
            ("f_beta", Criterion::FBeta(f_beta)),
            ("f1", Criterion::FBeta(1.0)),
            ("precision_at_target_recall", Criterion::PrecisionAtTargetRecall(target_recall)),
            ("recall_at_target_precision", Criterion::RecallAtTargetPrecision(target_precision)),
            ("loss_function", Criterion::LossFunction),
            ("cross_entropy_loss", Criterion::LossFunction),
        ];
        self.choice("binary_classifier_model_selection_criteria", &choices).unwrap_or(Criterion::Accuracy)
    }

    fn positive_weight(&mut self) -> PositiveWeight {
        const NAME: &str = "positive_example_weight_mult";
        match self.text(NAME).to_ascii_lowercase().as_str() {
            "auto" => PositiveWeight::Auto,
            "balanced" => PositiveWeight::Balanced,
            text => match text.parse::<f64>() {
                Ok(weight) if weight > 0.0 && (weight as f32).is_finite() => PositiveWeight::Times(weight),
                _ => {
                    self.refuse(NAME, format_args!("auto, balanced or a number above 0 and {BEYOND_FLOAT32}"));
                    PositiveWeight::Times(1.0)
                }
            },
        }
    }
}

#[cfg(test)]
#[path = "hyperparameters_test.rs"]
pub(super) mod tests;
