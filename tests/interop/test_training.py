"""`byoc train` compared with scikit-learn's solvers on scikit-learn's data sets, and its artifact read by MXNet.

Both minimize the same objective: the mean loss over standardized features, plus half of wd (alpha for SGD,
1 / (C * rows) for LogisticRegression) times the squared weights, without the intercept. wd is 1e-4, which is SGD's
default and the first of AWS's grid, so that SGD runs with scikit-learn's defaults throughout. byoc trains on raw
features; its weights are read from the artifact with NumPy and evaluated on rows that neither was trained on. The tests
are skipped if scikit-learn is not installed: `requirements-training.txt` lists what they need.
"""
import json
import os
import pathlib
import re
import struct
import subprocess
import zipfile

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from sklearn import datasets, linear_model, metrics, pipeline, preprocessing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "debug" / "byoc"))


class Job:
    """A training job's folders and results."""

    def __init__(self, base, channels, **hyperparameters):
        self.base = pathlib.Path(base)
        config = self.base / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(
            json.dumps({name: str(value) for name, value in hyperparameters.items()}))
        (config / "inputdataconfig.json").write_text(json.dumps(
            {name: {"TrainingInputMode": "File", "ContentType": "text/csv;label_size=1"} for name in channels}))
        for name, (features, labels) in channels.items():
            folder = self.base / "input" / "data" / name
            folder.mkdir(parents=True)
            np.savetxt(folder / "part-00000", np.column_stack([labels, features]), delimiter=",", fmt="%.17g")
        done = subprocess.run(
            [BYOC, "train", "--base-dir", str(self.base)], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        self.log = done.stdout

    @property
    def artifact(self):
        return self.base / "model" / "model_algo-1"

    def weights(self):
        """The weights of shape (features, outputs) and the bias of shape (outputs,), from the bytes that MXNet
        reads."""
        content = zipfile.ZipFile(self.artifact).read("mx-mod-0000.params")
        arrays, at = [], 24
        for _ in range(2):
            rows, columns = struct.unpack_from("<qq", content, at + 12)
            at += 40
            arrays.append(np.frombuffer(content, "<f4", rows * columns, at).reshape(rows, columns).astype(float))
            at += 4 * rows * columns
        bias, weight = arrays
        return weight, bias[0]

    def scores(self, features):
        weight, bias = self.weights()
        return features @ weight + bias


def halves(data):
    """Splits a data set: every third row is a test row."""
    features, labels = data.data, data.target.astype(float)
    is_test = np.arange(len(labels)) % 3 == 2
    return (features[~is_test], labels[~is_test]), (features[is_test], labels[is_test])


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def standardised(model):
    return pipeline.make_pipeline(preprocessing.StandardScaler(), model)


SEEDS = range(10)
WD = 1e-4
BINARY = {"predictor_type": "binary_classifier", "binary_classifier_model_selection_criteria": "loss_function"}


def test_the_loss_on_diabetes_is_at_most_that_of_sgd_and_near_the_exact_solvers(tmp_path):
    train, test = halves(datasets.load_diabetes())
    job = Job(tmp_path / "job", {"train": train}, predictor_type="regressor", mini_batch_size=20, wd=WD)

    def loss(model):
        return metrics.mean_squared_error(test[1], standardised(model).fit(*train).predict(test[0]))

    ours = metrics.mean_squared_error(test[1], job.scores(test[0])[:, 0])
    # Ridge minimizes the sum of squares, byoc half their mean, with the label scaled to a standard deviation of 1.
    exact = loss(linear_model.Ridge(alpha=WD * len(train[1])))
    sgd = [loss(linear_model.SGDRegressor(alpha=WD, random_state=seed)) for seed in SEEDS]
    print(f"diabetes, mean squared error: byoc {ours:.3f}, Ridge {exact:.3f}, SGDRegressor {min(sgd):.3f} at best")
    assert ours <= min(sgd)
    assert ours <= exact * 1.02


def classifiers(data, tmp_path, wd, **given):
    """Test losses of byoc, of the exact solver and of SGD with each seed."""
    train, test = halves(data)
    job = Job(tmp_path / "job", {"train": train}, wd=wd, **given)

    def loss(model):
        return metrics.log_loss(test[1], standardised(model).fit(*train).predict_proba(test[0]))

    scores = job.scores(test[0])
    probabilities = softmax(scores) if scores.shape[1] > 1 else 1 / (1 + np.exp(-scores[:, 0]))
    ours = metrics.log_loss(test[1], probabilities)
    exact = loss(linear_model.LogisticRegression(C=1 / (wd * len(train[1])), tol=1e-8, max_iter=10000))
    sgd = [loss(linear_model.SGDClassifier(loss="log_loss", alpha=wd, random_state=seed)) for seed in SEEDS]
    print(
        f"log loss with wd {wd}: byoc {ours:.5f}, LogisticRegression {exact:.5f}, "
        f"SGDClassifier {min(sgd):.5f} at best, {np.mean(sgd):.5f} ± {np.std(sgd, ddof=1):.5f}")
    return ours, exact, sgd


def test_the_loss_on_breast_cancer_is_at_most_that_of_sgd_and_near_the_exact_solvers(tmp_path):
    ours, exact, sgd = classifiers(datasets.load_breast_cancer(), tmp_path, WD, mini_batch_size=20, **BINARY)
    assert ours <= min(sgd)
    assert ours <= exact * 1.02


def test_the_loss_on_digits_is_at_most_that_of_sgd_and_near_the_exact_solvers(tmp_path):
    ours, exact, sgd = classifiers(
        datasets.load_digits(), tmp_path, WD, predictor_type="multiclass_classifier", num_classes=10,
        mini_batch_size=50,
        l1=0)
    assert ours <= min(sgd)
    assert ours <= exact * 1.02


def test_if_sgd_converges_the_loss_differs_by_less_than_the_spread_over_seeds(tmp_path):
    """With a hundred times the penalty SGD ends near the same optimum, on either side of it: its test loss can be
    compared only within its spread over seeds."""
    ours, exact, sgd = classifiers(datasets.load_breast_cancer(), tmp_path, 100 * WD, mini_batch_size=20, **BINARY)
    assert ours <= np.mean(sgd) + np.std(sgd, ddof=1)
    assert ours <= exact * 1.001


def test_a_job_with_defaults_is_no_worse_than_sgd_with_defaults(tmp_path):
    """Without wd, the best of the grid is chosen on the validation channel. SGD gets the same training rows."""
    (features, labels), test = halves(datasets.load_breast_cancer())
    validates = np.arange(len(labels)) % 4 == 3
    train = features[~validates], labels[~validates]
    job = Job(
        tmp_path / "job", {"train": train, "validation": (features[validates], labels[validates])},
        predictor_type="binary_classifier", mini_batch_size=20)
    ours = metrics.log_loss(test[1], 1 / (1 + np.exp(-job.scores(test[0])[:, 0])))
    sgd = [
        metrics.log_loss(
            test[1],
            standardised(linear_model.SGDClassifier(loss="log_loss",
                                                    random_state=seed)).fit(*train).predict_proba(test[0]))
        for seed in SEEDS]
    print(f"breast cancer, defaults alone: byoc {ours:.5f}, SGDClassifier {min(sgd):.5f} at best")
    assert ours <= min(sgd)


def test_absolute_loss_is_as_good_as_linear_programming(tmp_path):
    (features, labels), test = halves(datasets.load_diabetes())
    job = Job(
        tmp_path / "job", {"train": (features, labels)}, predictor_type="regressor", loss="absolute_loss",
        mini_batch_size=20, wd=0, l1=0)
    ours = metrics.mean_absolute_error(test[1], job.scores(test[0])[:, 0])
    exact = linear_model.QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(features, labels)
    theirs = metrics.mean_absolute_error(test[1], exact.predict(test[0]))
    print(f"diabetes, mean absolute error: byoc {ours:.4f}, QuantileRegressor {theirs:.4f}")
    assert ours <= theirs * 1.01


HOST = r"#quality_metric: host=\S+, "
SCORES = {
    "regressor": ["mse <loss>", "absolute_loss <loss>", "rmse <loss>"],
    "binary_classifier": [
        "binary_classification_accuracy <score>", r"binary_f_\S+ <score>", "precision <score>", "recall <score>",
        "roc_auc_score <score>"],
    "multiclass_classifier": [
        "multiclass_accuracy <score>", r"multiclass_top_k_accuracy_\S+ <score>", "dcg <score>", "macro_recall <score>",
        "macro_precision <score>", r"macro_f_\S+ <score>"],
}


@pytest.mark.parametrize("predictor_type", SCORES)
def test_sagemakers_metric_definitions_match_the_log(tmp_path, predictor_type):
    """DescribeTrainingJob returned these regular expressions for the linear learner in April 2020
    (AlgorithmSpecification, MetricDefinitions)."""
    iris = datasets.load_iris()
    labels = (iris.target > 0).astype(int) if predictor_type == "binary_classifier" else iris.target
    rows = [(iris.data[start::3], labels[start::3]) for start in range(3)]
    log = Job(
        tmp_path / "job", dict(zip(("train", "validation", "test"), rows)), mini_batch_size=10, epochs=2,
        predictor_type=predictor_type, num_classes=3).log
    definitions = [
        r"#progress_metric: host=\S+, completed (\S+) %",
        r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
        HOST + r"epoch=\S+, train \S+_objective <loss>=(\S+)",
        HOST + r"epoch=\S+, validation \S+_objective <loss>=(\S+)",
        HOST + r"validation \S+_objective <loss>=(\S+)", HOST + r"test \S+_objective <loss>=(\S+)",
    ] + [HOST + f"{channel} {score}=(\\S+)" for channel in ("validation", "test") for score in SCORES[predictor_type]]
    for definition in definitions:
        found = re.findall(definition, log)
        assert found, definition
        assert all(np.isfinite(float(number)) for number in found), definition


@pytest.mark.parametrize(
    "given",
    [
        {"predictor_type": "regressor"},
        {"predictor_type": "regressor", "loss": "absolute_loss"},
        {"predictor_type": "regressor", "loss": "huber_loss"},
        {"predictor_type": "binary_classifier"},
        {"predictor_type": "binary_classifier", "loss": "hinge_loss"},
        {"predictor_type": "multiclass_classifier", "num_classes": 3},
    ],
    ids=lambda given: "-".join(str(value) for value in given.values()))
def test_mxnet_scores_the_artifact_as_its_weights_do(tmp_path, given):
    mx = pytest.importorskip("mxnet")
    iris = datasets.load_iris()
    labels = iris.target if given["predictor_type"] != "binary_classifier" else (iris.target > 0).astype(int)
    job = Job(tmp_path / "job", {"train": (iris.data[::-1], labels[::-1])}, mini_batch_size=10, epochs=3, **given)
    with zipfile.ZipFile(job.artifact) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "model")
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(tmp_path / "model" / "mx-mod"), 0)
    module = mx.mod.Module(symbol, label_names=["out_label"], context=mx.cpu())
    module.bind(data_shapes=[("data", iris.data.shape)], for_training=False)
    module.set_params(arguments, auxiliary, allow_missing=False)
    module.forward(mx.io.DataBatch([mx.nd.array(iris.data, dtype="float32")]), is_train=False)
    found = module.get_outputs()[0].asnumpy()
    expected = job.scores(iris.data)
    if given.get("loss", "auto") == "auto" and given["predictor_type"] != "regressor":
        expected = softmax(expected) if expected.shape[1] > 1 else 1 / (1 + np.exp(-expected))
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
