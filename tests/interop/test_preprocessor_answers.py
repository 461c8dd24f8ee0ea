"""Answers of scorers compared with those of AWS's scikit-learn container, and frames written by pandas.

Without a user's script, that container answers `encoder.encode(model.predict(data), accept)` (`default_predict_fn` and
`default_output_fn` in github.com/aws/sagemaker-scikit-learn-container). The tests call the same encoder.
"""
import io
import json
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sagemaker_inference import encoder
from sklearn import linear_model, pipeline, preprocessing, svm

from test_preprocessor import Container, Loaded

SEED = 20
TOLERANCE = 1e-12


@pytest.fixture(scope="module")
def container():
    running = Container()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(SEED)
    return pd.DataFrame({"year": generator.integers(1950, 2020, 40), "feet": generator.normal(3000, 750, 40)})


def scorers(data):
    """Fitted estimators, each with a method."""
    price = 200 * data["feet"] + 10 * data["year"]
    sizes = pd.cut(data["feet"], [0, 2500, 3500, 1e6], labels=["small", "middle", "lärge"]).astype(str)
    two = data["feet"] > 3000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, estimator, target, methods in [
            ("regressor", linear_model.Ridge(), price, ["predict"]),
            ("column", linear_model.LinearRegression(), price.to_frame(), ["predict"]),
            ("outputs", linear_model.LinearRegression(), np.c_[price, -price], ["predict"]),
            ("integers", linear_model.LogisticRegression(), two.astype(int),
             ["predict", "predict_proba", "decision_function"]),
            ("floats", linear_model.LogisticRegression(), two.astype(float), ["predict"]),
            ("bools", svm.LinearSVC(), two, ["predict", "decision_function"]),
            ("text", linear_model.LogisticRegression(), sizes, ["predict", "predict_proba", "decision_function"]),
        ]:
            model = pipeline.make_pipeline(preprocessing.StandardScaler(), estimator).fit(data, target)
            for method in methods:
                yield "%s-%s" % (name, method), model, method


def kinds(value):
    return [kinds(item) for item in value] if isinstance(value, list) else type(value)


def test_answers_are_those_of_scikit_learn_as_the_encoder_of_aws_writes_them(container, data, tmp_path):
    body = data.to_csv(header=False, index=False).encode()
    for name, model, method in scorers(data):
        expected = getattr(model, method)(data)
        loaded = Loaded(container, tmp_path / name, model, {"method": method})
        ask = lambda accept: container.ask(
            "POST", loaded.path + "/invoke", body, content_type="text/csv", accept=accept)
        wanted = json.loads(encoder.encode(expected, "application/json"))
        status, answer = ask("application/json")
        found = json.loads(answer)
        assert status == 200 and kinds(found) == kinds(wanted), (name, answer[:300])
        status, lines = ask("application/jsonlines")
        assert [json.loads(line) for line in lines.splitlines()] == found, name
        status, text = ask("text/csv")
        rows = [line.split(",") for line in encoder.encode(expected, "text/csv").splitlines()]
        assert [line.split(",") for line in text.splitlines()] == rows or expected.dtype.kind == "f", name
        if expected.dtype.kind == "O":
            assert found == wanted and ask("application/x-npy")[0] == 406, name
            continue
        assert np.allclose(np.array(found, dtype=float), np.array(wanted, dtype=float), rtol=TOLERANCE,
                           atol=1e-12), name
        assert np.allclose(np.array([line.split(",")
                                     for line in text.replace("True", "1").replace("False", "0").splitlines()],
                                    dtype=float).reshape(expected.shape), expected, rtol=TOLERANCE, atol=1e-12), name
        array = np.load(io.BytesIO(encoder.encode(expected, "application/x-npy")))
        status, answer = container.ask_bytes(
            "POST", loaded.path + "/invoke", body, content_type="text/csv", accept="application/x-npy")
        mine = np.load(io.BytesIO(answer))
        assert (mine.shape, mine.dtype) == (array.shape, array.dtype), name
        assert np.allclose(mine, array, rtol=TOLERANCE, atol=1e-12), name


def test_every_json_orientation_of_pandas_is_read_as_the_same_rows(container, data, tmp_path):
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(data, data["feet"])
    loaded = Loaded(container, tmp_path / "orientations", model)
    expected = None
    backwards = data[["feet", "year"]]
    for frame in [data, backwards, data.set_index(data["year"].astype(str) + np.arange(40).astype(str))]:
        for body in [
            frame.to_json(orient="split", double_precision=15), json.dumps(frame.to_dict("split")),
            frame.to_json(orient="split", index=False, double_precision=15), frame.to_json(double_precision=15),
            frame.to_json(orient="records", double_precision=15), json.dumps(frame.to_dict("list")),
            frame.reset_index(drop=True).to_json(orient="table", double_precision=15),
            json.dumps({"dataframe_split": frame.to_dict("split")}), "\ufeff" + json.dumps(frame.to_dict("records")),
        ]:
            status, answer = container.ask(
                "POST", loaded.path + "/invoke", body.encode(), content_type="application/json",
                accept="application/json")
            assert status == 200, (body[:200], answer)
            expected = expected or json.loads(answer)
            assert np.allclose(json.loads(answer), expected, rtol=1e-9, atol=0), body[:200]
    assert np.allclose(expected, model.predict(data), rtol=1e-9, atol=0)
    one = json.dumps(data.iloc[3].to_dict())
    status, answer = container.ask(
        "POST", loaded.path + "/invoke", one.encode(), content_type="application/json", accept="application/json")
    assert status == 200 and np.allclose(json.loads(answer), expected[3:4], rtol=1e-9), answer
