//! What a search carries besides its best estimator: how rows were split, and what scored the estimators. Nothing of
//! it is read.

use crate::artifact::class_list::ClassNames;
use byoc_formats::pickle::Usage;

pub(super) const COMPANIONS: &[ClassNames] = &[
    ClassNames {
        modules: &["sklearn.model_selection._split"],
        names: &[
            "GroupKFold",
            "KFold",
            "LeaveOneOut",
            "RepeatedKFold",
            "RepeatedStratifiedKFold",
            "ShuffleSplit",
            "StratifiedKFold",
            "StratifiedShuffleSplit",
            "TimeSeriesSplit",
        ],
        usage: Usage::Object,
    },
    ClassNames {
        modules: &["sklearn.metrics._scorer"],
        names: &["_MultimetricScorer", "_PassthroughScorer", "_Scorer"],
        usage: Usage::Object,
    },
    ClassNames {
        modules: &["sklearn.metrics._scorer", "sklearn.metrics.scorer"],
        names: &["_PredictScorer", "_ProbaScorer", "_ThresholdScorer"],
        usage: Usage::Object,
    },
    ClassNames {
        modules: &["sklearn.metrics._classification", "sklearn.metrics.classification"],
        names: &[
            "accuracy_score",
            "balanced_accuracy_score",
            "brier_score_loss",
            "f1_score",
            "jaccard_score",
            "log_loss",
            "matthews_corrcoef",
            "precision_score",
            "recall_score",
        ],
        usage: Usage::Name,
    },
    ClassNames {
        modules: &["sklearn.metrics._ranking", "sklearn.metrics.ranking"],
        names: &["average_precision_score", "roc_auc_score", "top_k_accuracy_score"],
        usage: Usage::Name,
    },
    ClassNames {
        modules: &["sklearn.metrics._regression", "sklearn.metrics.regression"],
        names: &[
            "explained_variance_score",
            "max_error",
            "mean_absolute_error",
            "mean_absolute_percentage_error",
            "mean_gamma_deviance",
            "mean_poisson_deviance",
            "mean_squared_error",
            "mean_squared_log_error",
            "median_absolute_error",
            "r2_score",
            "root_mean_squared_error",
            "root_mean_squared_log_error",
        ],
        usage: Usage::Name,
    },
    ClassNames {
        modules: &["sklearn.metrics._scorer", "sklearn.metrics.scorer"],
        names: &["_passthrough_scorer"],
        usage: Usage::Name,
    },
];
