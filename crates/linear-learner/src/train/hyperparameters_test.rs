use super::*;

pub(crate) fn given(pairs: &[(&str, &str)]) -> Given {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

pub(crate) fn parsed(pairs: &[(&str, &str)]) -> Hyperparameters {
    Hyperparameters::parse(&given(pairs)).unwrap()
}

#[test]
fn defaults_are_those_that_the_container_prints() {
    let defaults = parsed(&[("predictor_type", "binary_classifier")]);
    assert_eq!((defaults.mini_batch_size, defaults.epochs), (1000, 15));
    assert_eq!(defaults.loss, Loss::Logistic);
    assert_eq!(defaults.optimizer, Optimizer::Adam { beta_1: 0.9, beta_2: 0.999 });
    assert_eq!((defaults.bias_lr_mult, defaults.bias_wd_mult), (10.0, 0.0));
    assert_eq!(defaults.initial, Initial::Uniform { scale: 0.07 });
    assert_eq!((defaults.early_stopping_patience, defaults.early_stopping_tolerance), (3, 0.001));
    assert_eq!(defaults.criterion, Criterion::Accuracy);
    assert_eq!(
        defaults.scaling,
        Scaling { normalize_data: true, unbias_data: true, normalize_label: false, unbias_label: false }
    );
    assert!(parsed(&[("predictor_type", "regressor")]).scaling.unbias_label);
    assert!(defaults.refine);
    assert_eq!((defaults.num_models, defaults.feature_dim, defaults.wd), (None, None, None));
}

#[test]
fn every_hyperparameter_is_read() {
    let base = [("predictor_type", "regressor"), ("use_bias", "True")];
    let plain = parsed(&base);
    for (name, value) in [
        ("loss", "huber_loss"),
        ("feature_dim", "12"),
        ("mini_batch_size", "7"),
        ("epochs", "3"),
        ("use_bias", "False"),
        ("optimizer", "sgd"),
        ("learning_rate", "0.2"),
        ("wd", "0"),
        ("l1", "1e-3"),
        ("bias_lr_mult", "2"),
        ("bias_wd_mult", "1"),
        ("use_lr_scheduler", "false"),
        ("lr_scheduler_step", "20"),
        ("lr_scheduler_factor", "0.5"),
        ("lr_scheduler_minimum_lr", "1e-6"),
        ("init_method", "normal"),
        ("init_scale", "0.1"),
        ("init_bias", "-1"),
        ("normalize_data", "false"),
        ("normalize_label", "false"),
        ("unbias_data", "false"),
        ("unbias_label", "false"),
        ("num_point_for_scaler", "10"),
        ("num_models", "4"),
        ("num_calibration_samples", "9"),
        ("early_stopping_patience", "1"),
        ("early_stopping_tolerance", "0.5"),
        ("binary_classifier_model_selection_criteria", "f1"),
        ("f_beta", "2"),
        ("positive_example_weight_mult", "balanced"),
        ("balance_multiclass_weights", "true"),
        ("accuracy_top_k", "5"),
        ("beta_1", "0.5"),
        ("beta_2", "0.5"),
        ("refine", "false"),
        ("_tuning_objective_metric", "validation:mse"),
    ] {
        let mut with = base.to_vec();
        with.retain(|(known, _)| *known != name);
        with.push((name, value));
        assert_ne!(parsed(&with), plain, "{name}");
    }
    for (name, value, loss) in [
        ("quantile", "0.9", "quantile_loss"),
        ("loss_insensitivity", "0.5", "eps_insensitive_squared_loss"),
        ("huber_delta", "2", "huber_loss"),
    ] {
        assert_ne!(
            parsed(&[base[0], ("loss", loss), (name, value)]).loss,
            parsed(&[base[0], ("loss", loss)]).loss,
            "{name}"
        );
    }
    let sgd = [base[0], ("optimizer", "sgd"), ("momentum", "0.5")];
    assert_eq!(parsed(&sgd).optimizer, Optimizer::Sgd { momentum: 0.5 });
    let binary = |name: &'static str, value: &'static str| {
        let criterion = format!("{}_at_{name}", if name == "target_recall" { "precision" } else { "recall" });
        let pairs = [
            ("predictor_type", "binary_classifier"),
            ("binary_classifier_model_selection_criteria", criterion.as_str()),
            (name, value),
        ];
        parsed(&pairs).criterion
    };
    assert_eq!(binary("target_recall", "0.9"), Criterion::PrecisionAtTargetRecall(0.9));
    assert_eq!(binary("target_precision", "0.7"), Criterion::RecallAtTargetPrecision(0.7));
    let normal = [base[0], ("init_method", "normal"), ("init_sigma", "0.5")];
    assert_eq!(parsed(&normal).initial, Initial::Normal { sigma: 0.5 });
    let classes = [("predictor_type", "multiclass_classifier"), ("num_classes", "7")];
    assert_eq!(parsed(&classes).predictor_type, PredictorType::MulticlassClassifier { classes: 7 });
    let hinge = [("predictor_type", "binary_classifier"), ("loss", "hinge_loss"), ("margin", "2")];
    assert_eq!(parsed(&hinge).loss, Loss::Hinge(2.0));
}

#[test]
fn a_wrong_hyperparameter_is_refused_with_its_name_its_value_and_the_allowed_values() {
    for (pairs, expected) in [
        (&[("learning_rate", "fast")][..], "learning_rate is \"fast\": expected auto or a number above 0"),
        (&[("learning_rate", "0")], "learning_rate is \"0\": expected auto or a number above 0"),
        (&[("wd", "-1")], "wd is \"-1\": expected auto or a number of at least 0"),
        (&[("wd", "nan")], "wd is \"nan\""),
        (&[("wd", "1e300")], "wd is \"1e300\""),
        (&[("epochs", "1.5")], "epochs is \"1.5\": expected a whole number from 1"),
        (&[("quantile", "1")], "quantile is \"1\": expected a number above 0 and below 1"),
        (&[("beta_1", "1")], "beta_1 is \"1\": expected auto or a number of at least 0 and below 1"),
        (&[("use_bias", "perhaps")], "use_bias is \"perhaps\": expected true or false"),
        (&[("optimizer", "lbfgs")], "optimizer is \"lbfgs\": expected auto, adam, sgd, rmsprop"),
        (
            &[("loss", "logistic")],
            "loss is \"logistic\": expected auto, squared_loss, absolute_loss, eps_insensitive_squared_loss, \
             eps_insensitive_absolute_loss, quantile_loss, huber_loss for predictor_type regressor",
        ),
        (&[("predictor_type", "cluster")], "predictor_type is \"cluster\": expected regressor, binary_classifier or"),
        (&[("predictor_type", "multiclass_classifier")], "num_classes is \"1\": expected a whole number from 3 to"),
        (&[("num_classes", "many")], "num_classes is \"many\": expected a whole number from 1 to 1000000"),
        (
            &[("use_bias", "false"), ("unbias_data", "true")],
            "unbias_data is \"true\": expected auto or false where use_bias",
        ),
        (
            &[("learning_rate", "0.01"), ("lr_scheduler_minimum_lr", "0.1")],
            "lr_scheduler_minimum_lr is \"0.1\": expected at most learning_rate, which is 0.01",
        ),
        (
            &[("positive_example_weight_mult", "-2")],
            "positive_example_weight_mult is \"-2\": expected auto, balanced or",
        ),
        (
            &[("learning_rat", "1")],
            "learning_rat (value \"1\") is not a hyperparameter of the linear learner: did you mean learning_rate? \
             expected predictor_type, ",
        ),
        (
            &[("predictor_type", "regression")],
            "predictor_type is \"regression\": did you mean regressor? expected regressor,",
        ),
        (&[("batch_size", "1")], "linear learner: did you mean mini_batch_size? expected predictor_type, "),
        (&[("optimizer", "addam")], "optimizer is \"addam\": did you mean adam? expected"),
    ] {
        let mut all = given(&[("predictor_type", "regressor")]);
        all.extend(given(pairs));
        let error = Hyperparameters::parse(&all).unwrap_err();
        assert_eq!(error.cause(), Cause::BadSetting);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let error = Hyperparameters::parse(&given(&[("epochs", "0"), ("wd", "x"), ("margin", "y")])).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("4 hyperparameters are wrong: predictor_type is not given"), "{text}");
    for part in ["epochs is \"0\"", "wd is \"x\"", "margin is \"y\""] {
        assert!(text.contains(part), "{text}");
    }
    let unknown = [("predictor_type", "regressor"), ("epoch", "3"), ("wd", "x")];
    let text = Hyperparameters::parse(&given(&unknown)).unwrap_err().to_string();
    assert!(text.starts_with("2 hyperparameters are wrong: wd is \"x\""), "{text}");
    assert!(text.contains("epoch (value \"3\") is not a hyperparameter"), "{text}");
}

#[test]
fn a_tuning_job_trains_one_model_and_names_that_the_sdk_adds_are_ignored() {
    let tuned = [("predictor_type", "regressor"), ("_tuning_objective_metric", "validation:mse")];
    assert_eq!(parsed(&tuned).num_models, Some(1));
    parsed(&[("predictor_type", "regressor"), ("sagemaker_region", "us-east-1"), ("epochs", "3.0")]);
}

#[test]
fn no_hyperparameter_accepts_an_invalid_value() {
    // What the container's own names say does not concern training, and text is text.
    let free = |name: &str| name.starts_with('_') && name != "_enable_profiler";
    for (name, _) in DEFAULTS.iter().filter(|(name, _)| !free(name)) {
        for predictor_type in ["regressor", "binary_classifier"] {
            let error =
                Hyperparameters::parse(&given(&[("predictor_type", predictor_type), (name, "x-y")])).unwrap_err();
            assert_eq!(error.cause(), Cause::BadSetting);
            assert!(error.message().starts_with(&format!("{name} is \"x-y\": expected ")), "{error}");
        }
    }
}

#[test]
fn a_number_beyond_float32_is_refused_with_the_upper_bound() {
    for (name, value) in
        [("wd", "1e39"), ("learning_rate", "inf"), ("init_bias", "-1e39"), ("positive_example_weight_mult", "1e40")]
    {
        let given = given(&[("predictor_type", "binary_classifier"), (name, value)]);
        let error = Hyperparameters::parse(&given).unwrap_err();
        assert!(error.message().contains("at most 3.4028235e38 in size"), "{error}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn only_hyperparameters_without_effect_cause_a_warning() {
    for (pairs, idle) in [
        (&[("predictor_type", "regressor"), ("quantile", "0.9")][..], &["quantile"][..]),
        (&[("predictor_type", "regressor"), ("quantile", "0.9"), ("loss", "quantile_loss")], &[]),
        (&[("predictor_type", "regressor"), ("quantile", "0.5"), ("momentum", "auto")], &[]),
        (
            &[("predictor_type", "binary_classifier"), ("num_classes", "2"), ("accuracy_top_k", "5")],
            &["num_classes", "accuracy_top_k"],
        ),
        (&[("predictor_type", "multiclass_classifier"), ("num_classes", "3"), ("accuracy_top_k", "5")], &[]),
        (
            &[("predictor_type", "binary_classifier"), ("target_recall", "0.9"), ("momentum", "0.5")],
            &["target_recall", "momentum"],
        ),
        (
            &[
                ("predictor_type", "regressor"),
                ("lr_scheduler_step", "7"),
                ("use_lr_scheduler", "false"),
                ("f_beta", "2"),
            ],
            &["f_beta", "lr_scheduler_step"],
        ),
    ] {
        let told = parsed(pairs).without_effect(&given(pairs));
        assert_eq!(told.len(), idle.len(), "{told:?}");
        for (told, name) in told.iter().zip(idle) {
            assert!(told.starts_with(&format!("{name} is \"")) && told.contains("only where "), "{told}");
        }
    }
}
