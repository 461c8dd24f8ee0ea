"""`byoc train` beside scikit-learn's solvers on data that scikit-learn ships, and its artifact in MXNet's own hands.

Both sides minimise the same objective, so they should come to the same model. The models are trained on raw features, read back from the artifact with NumPy, and measured on rows that neither side was
trained on. Skipped where scikit-learn is not installed: `requirements-training.txt` says what it takes.
"""
import json
import os
import pathlib
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
    """A training job's tree, and what came of it."""

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
        """Weights as (features, outputs) and bias as (outputs,), from the bytes that MXNet would read."""
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
    """Every third row is for the test."""
    features, labels = data.data, data.target.astype(float)
    is_test = np.arange(len(labels)) % 3 == 2
    return (features[~is_test], labels[~is_test]), (features[is_test], labels[is_test])


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_diabetes_is_as_good_as_the_exact_solver(tmp_path):
    train, test = halves(datasets.load_diabetes())
    wd = 1e-4
    job = Job(tmp_path / "job", {"train": train}, predictor_type="regressor", mini_batch_size=20, wd=wd)
    ours = metrics.mean_squared_error(test[1], job.scores(test[0])[:, 0])
    # The same objective: Ridge has the sum of squares where we have half their mean, over a label of deviation 1.
    exact = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge(alpha=wd * len(train[1])))
    sgd = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.SGDRegressor(alpha=wd, random_state=0, max_iter=1000))
    exact, sgd = (
        metrics.mean_squared_error(test[1], model.fit(*train).predict(test[0])) for model in (exact, sgd))
    print(f"diabetes, mean squared error: byoc {ours:.3f}, Ridge {exact:.3f}, SGDRegressor {sgd:.3f}")
    assert ours <= sgd and ours <= exact * 1.02


@pytest.fixture(scope="module")
def breast_cancer(tmp_path_factory):
    """Test losses of byoc, the exact solver and SGD."""
    tmp_path = tmp_path_factory.mktemp("breast_cancer")
    train, test = halves(datasets.load_breast_cancer())
    wd = 1e-2
    job = Job(
        tmp_path / "job", {"train": train}, predictor_type="binary_classifier", mini_batch_size=20, wd=wd,
        binary_classifier_model_selection_criteria="loss_function")
    ours = metrics.log_loss(test[1], 1 / (1 + np.exp(-job.scores(test[0])[:, 0])))
    exact = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=1 / (wd * len(train[1])), tol=1e-8, max_iter=10000))
    sgd = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.SGDClassifier(loss="log_loss", alpha=wd, random_state=0, max_iter=1000))
    exact, sgd = (
        metrics.log_loss(test[1], model.fit(*train).predict_proba(test[0])[:, 1]) for model in (exact, sgd))
    print(f"breast cancer, log loss: byoc {ours:.5f}, LogisticRegression {exact:.5f}, SGDClassifier {sgd:.5f}")
    return ours, exact, sgd


def test_breast_cancer_is_as_good_as_the_exact_solver(breast_cancer):
    ours, exact, _ = breast_cancer
    assert ours <= exact * 1.02


@pytest.mark.xfail(
    strict=True,
    reason="not met: the objective's optimum, which the exact solver finds too, is 0.04 % worse on these test rows than "
    "where SGD stops")
def test_breast_cancer_is_no_worse_than_sgd(breast_cancer):
    ours, _, sgd = breast_cancer
    assert ours <= sgd


def test_digits_are_as_good_as_with_the_exact_solver(tmp_path):
    train, test = halves(datasets.load_digits())
    wd = 1e-3
    job = Job(
        tmp_path / "job", {"train": train}, predictor_type="multiclass_classifier", num_classes=10, mini_batch_size=50,
        wd=wd, l1=0)
    ours = metrics.log_loss(test[1], softmax(job.scores(test[0])))
    exact = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=1 / (wd * len(train[1])), tol=1e-8, max_iter=10000))
    sgd = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.SGDClassifier(loss="log_loss", alpha=wd, random_state=0, max_iter=1000))
    exact, sgd = (metrics.log_loss(test[1], model.fit(*train).predict_proba(test[0])) for model in (exact, sgd))
    print(f"digits, log loss: byoc {ours:.5f}, LogisticRegression {exact:.5f}, SGDClassifier {sgd:.5f}")
    assert ours <= sgd and ours <= exact * 1.02


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
def test_mxnet_scores_the_artifact_as_the_weights_say(tmp_path, given):
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
