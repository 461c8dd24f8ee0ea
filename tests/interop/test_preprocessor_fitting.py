"""`byoc train` with a preprocessor compared with scikit-learn: both fit random specifications on the same CSV.

With the version of scikit-learn that byoc follows, every fitted attribute and every transformed cell is compared. An
older one (INTEROP=preprocessor-1.6) loads the artifact and transforms with it, and its cells are compared with byoc's
answers.
"""
import io
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings

import pytest

np = pytest.importorskip("numpy")
sklearn = pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

import joblib  # noqa: E402
from sklearn import compose, feature_selection, impute, pipeline, preprocessing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "debug" / "byoc"))
ROUNDS = int(os.environ.get("FITTING_ROUNDS", "150"))
FOLLOWED = "1.9.1"
FITS_ALIKE = sklearn.__version__ == FOLLOWED
# Relative tolerances for sums in a different order, for exponents found by a search, and for powers with them.
TOLERANCE, OF_AN_EXPONENT, AFTER_AN_EXPONENT = 1e-12, 1e-6, 1e-4

COLUMNS = ["plain", "gaps", "whole", "positive", "constant", "word", "gappy_word", "truth", "many"]
NUMBERS = ["plain", "gaps", "whole", "positive", "constant"]
FULL_NUMBERS = ["plain", "whole", "positive"]
WORDS = ["word", "gappy_word", "many"]


def table(draw, rows, plain=(1e3, 40)):
    """CSV of numbers and words, with missing cells."""
    def cell(column):
        if column == "plain":
            return repr(draw.gauss(*plain))
        if column == "gaps":
            return draw.choice(["", "NA"]) if draw.random() < 0.2 else repr(round(draw.gauss(0, 3), 3))
        if column == "whole":
            return str(draw.randint(-5, 12))
        if column == "positive":
            return repr(round(draw.lognormvariate(1, 1), 6) + 1e-3)
        if column == "constant":
            return "7.1"
        if column == "word":
            return draw.choice(["y", "n", "\"a,b\"", "Zoë"])
        if column == "gappy_word":
            return "" if draw.random() < 0.15 else draw.choice(["red", "green", "blue"])
        if column == "truth":
            return draw.choice(["True", "False"])
        return f"c{int(draw.expovariate(0.4))}"
    return "".join(",".join(cell(column) for column in COLUMNS) + "\n" for _ in range(rows))


def some(draw, names):
    return draw.sample(names, draw.randint(1, len(names)))


def scaler(draw, full):
    """A transformer of numeric columns; `full` if no cell is missing."""
    choices = [
        lambda: {"StandardScaler": draw.choice([{}, {"with_mean": False}, {"with_std": False},
                                                {"with_mean": False, "with_std": False}])},
        lambda: {"MinMaxScaler": draw.choice([{}, {"feature_range": [-1, 3], "clip": True}])},
        lambda: {"MaxAbsScaler": {}},
        lambda: {"RobustScaler": draw.choice([{}, {"quantile_range": [10.0, 90.0], "unit_variance": True},
                                              {"with_centering": False}, {"with_scaling": False}])},
        lambda: {"QuantileTransformer": {"n_quantiles": draw.choice([5, 20, 1000]),
                                         "output_distribution": draw.choice(["uniform", "normal"])}},
        lambda: {"PowerTransformer": {"standardize": draw.random() < 0.7}},
        lambda: {"FunctionTransformer": {}},
    ]
    if full:
        choices += [
            lambda: {"Normalizer": {"norm": draw.choice(["l1", "l2", "max"])}},
            lambda: {"Binarizer": {"threshold": draw.choice([0.0, 3.5])}},
            lambda: {"KBinsDiscretizer": {
                "n_bins": draw.randint(2, 6), "encode": draw.choice(["onehot", "onehot-dense", "ordinal"]),
                "strategy": draw.choice(["uniform", "quantile"]),
                "quantile_method": draw.choice(["averaged_inverted_cdf", "linear", "inverted_cdf", "hazen", "weibull",
                                                "closest_observation"])}},
            lambda: {"PolynomialFeatures": {
                "degree": draw.choice([2, 3, [1, 2]]), "interaction_only": draw.random() < 0.4,
                "include_bias": draw.random() < 0.5}},
            lambda: {"VarianceThreshold": {"threshold": draw.choice([0.0, 0.5])}},
        ]
    return draw.choice(choices)()


def imputer(draw, words):
    strategies = ["most_frequent", "constant"] + ([] if words else ["mean", "median"])
    parameters = {"strategy": draw.choice(strategies), "add_indicator": draw.random() < 0.3}
    if parameters["strategy"] == "constant" and draw.random() < 0.5:
        parameters["fill_value"] = "none" if words else -1.5
    return {"SimpleImputer": parameters}


def encoder(draw):
    parameters = {}
    if draw.random() < 0.5:
        parameters["min_frequency"] = draw.choice([3, 0.15])
    if draw.random() < 0.4:
        parameters["max_categories"] = draw.randint(1, 5)
    if draw.random() < 0.35:
        parameters |= {"handle_unknown": "use_encoded_value", "unknown_value": draw.choice([-1, "NaN"])}
        if draw.random() < 0.5:
            parameters["encoded_missing_value"] = -2
        return {"OrdinalEncoder": parameters}
    parameters["handle_unknown"] = draw.choice(["error", "ignore", "infrequent_if_exist"])
    if draw.random() < 0.5:
        parameters["drop"] = draw.choice(["first", "if_binary"])
    if draw.random() < 0.5:
        parameters["sparse_output"] = False
    return {"OneHotEncoder": parameters}


def part(draw):
    """A transformer and its input columns."""
    kind = draw.randrange(9)
    if kind == 0:
        return scaler(draw, False), some(draw, NUMBERS)
    if kind == 1:
        return scaler(draw, True), some(draw, FULL_NUMBERS)
    if kind == 2:
        steps = [["fill", imputer(draw, False)], ["scale", scaler(draw, True)]]
        if draw.random() < 0.3:
            steps.insert(draw.randint(0, 2), ["same", "passthrough"])
        return {"Pipeline": {"steps": steps}}, some(draw, NUMBERS)
    if kind == 3:
        return {"Pipeline": {"steps": [["fill", imputer(draw, True)], ["encode", encoder(draw)]]}}, some(draw, WORDS)
    if kind == 4:
        return encoder(draw), some(draw, WORDS + ["truth", "whole"])
    if kind == 5:
        parts = [["one", scaler(draw, True)], ["two", draw.choice(["passthrough", "drop", scaler(draw, True)])]]
        return {"FeatureUnion": {"transformer_list": parts,
                                 "transformer_weights": draw.choice([None, {"one": 0.5}])}}, some(draw, FULL_NUMBERS)
    if kind == 6:
        return {"FunctionTransformer": {"func": draw.choice(["log1p", "sqrt"]),
                                        "validate": draw.random() < 0.5}}, ["positive"]
    if kind == 7:
        return {"PowerTransformer": {"method": "box-cox"}}, ["positive"]
    inner = [[f"in{at}", *part_of_numbers(draw)] for at in range(draw.randint(1, 2))]
    return {"Pipeline": {"steps": [
        ["columns", {"ColumnTransformer": {"transformers": inner, "sparse_threshold": 0}}],
        ["scale", {"StandardScaler": {}}]]}}, list(FULL_NUMBERS)


def part_of_numbers(draw):
    return scaler(draw, True), some(draw, FULL_NUMBERS)


def specification(draw):
    transformers = [[f"t{at}", *part(draw)] for at in range(draw.randint(1, 4))]
    if draw.random() < 0.3:
        transformers.append(["gone", "drop", ["plain"]])
    if draw.random() < 0.3:
        transformers.append(["same", "passthrough", ["whole"]])
    parameters = {"transformers": transformers, "remainder": "drop"}
    used = {name for _, _, names in transformers for name in names}
    if used.issuperset(WORDS + ["truth"]) and draw.random() < 0.7:
        parameters["remainder"] = draw.choice(["passthrough", {"MaxAbsScaler": {}}])
    if draw.random() < 0.3:
        parameters["transformer_weights"] = {"t0": draw.choice([2, 0.25])}
    parameters["sparse_threshold"] = draw.choice([0, 0.3, 0.3, 1])
    return {"version": 1, "columns": COLUMNS, "transformer": {"ColumnTransformer": parameters}}


def nan(value):
    if isinstance(value, list):
        return [nan(item) for item in value]
    return math.nan if value == "NaN" else value


def build(specified):
    """The scikit-learn estimator of a specification."""
    if isinstance(specified, str):
        return specified
    (name, parameters), = specified.items()
    parameters = dict(parameters)
    if name == "ColumnTransformer":
        parameters["transformers"] = [(key, build(value), columns) for key, value,
                                      columns in parameters["transformers"]]
        parameters["remainder"] = build(parameters.get("remainder", "drop"))
        return compose.ColumnTransformer(**parameters)
    for parts in {"steps", "transformer_list"} & parameters.keys():
        parameters[parts] = [(key, build(value)) for key, value in parameters[parts]]
    for pair in {"feature_range", "quantile_range"} & parameters.keys():
        parameters[pair] = tuple(parameters[pair])
    if isinstance(parameters.get("degree"), list):
        parameters["degree"] = tuple(parameters["degree"])
    if isinstance(parameters.get("func"), str):
        parameters["func"] = getattr(np, parameters["func"])
    if name in {"OneHotEncoder", "OrdinalEncoder", "SimpleImputer"}:
        parameters = {key: nan(value) for key, value in parameters.items()}
    for module in (preprocessing, impute, pipeline, feature_selection):
        if hasattr(module, name):
            return getattr(module, name)(**parameters)
    raise KeyError(name)


def train(base, specified, text, **more):
    base = pathlib.Path(base)
    (base / "input/config").mkdir(parents=True)
    (base / "input/data/train").mkdir(parents=True)
    lines = text.splitlines(keepends=True)
    half = len(lines) // 2
    (base / "input/data/train/part-1.csv").write_text("".join(lines[:half]))
    (base / "input/data/train/part-2.csv").write_text("".join(lines[half:]))
    (base / "input/config/hyperparameters.json").write_text(json.dumps({"preprocessor": json.dumps(specified)}))
    return subprocess.run(
        [BYOC, "train", "--base-dir", str(base)], capture_output=True, text=True, timeout=120, env=os.environ | more)


def read(text):
    return pd.read_csv(io.StringIO(text), header=None, names=COLUMNS)


def dense(found):
    found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
    return found


def is_near(one, other, tolerance):
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return one == other
    one, other = float(one), float(other)
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    # Tiny values are rounding errors of larger values.
    return one == other or abs(one - other) <= tolerance * max(abs(one), abs(other), 0.01)


def same_cells(one, other, tolerance):
    one, other = dense(one), dense(other)
    assert one.shape == other.shape
    for at in np.ndindex(one.shape):
        assert is_near(one[at], other[at], tolerance), f"{at}: {one[at]!r} {other[at]!r}"


# Tiny values are rounding errors, such as the variance of a constant and the mean of centred values.
NOISE = {"var_": 1e-20, "variances_": 1e-20, "mean_": 1e-12}


def same_state(own, theirs, path, tolerance, after_search):
    """Compares all attributes of both estimators."""
    if hasattr(theirs, "__dict__") and hasattr(theirs, "get_params"):
        assert type(own) is type(theirs), path
        mine, its = dict(vars(own)), dict(vars(theirs))
        # Only 1.5 to 1.8 have this parameter; byoc writes it for them.
        mine.pop("force_int_remainder_cols", None)
        assert mine.keys() == its.keys(), f"{path}: {mine.keys() ^ its.keys()}"
        for name, value in its.items():
            if name == "lambdas_":
                assert np.allclose(mine[name], value, rtol=0, atol=OF_AN_EXPONENT), f"{path}: {mine[name]} {value}"
                continue
            own_tolerance = AFTER_AN_EXPONENT if after_search else tolerance
            same_state(mine[name], value, f"{path}.{name}", own_tolerance, after_search)
    elif isinstance(theirs, np.ndarray):
        assert isinstance(own, np.ndarray) and own.shape == theirs.shape, f"{path}: {own!r} {theirs!r}"
        # Since 1.8 scikit-learn writes objects. byoc writes numbers, with which older versions can impute as well.
        if not path.endswith(("n_samples_seen_", ".statistics_")):
            assert own.dtype.kind == theirs.dtype.kind, f"{path}: {own.dtype} {theirs.dtype}"
        for at in np.ndindex(theirs.shape):
            same_state(own[at], theirs[at], f"{path}{list(at)}", tolerance, after_search)
    elif isinstance(theirs, (list, tuple)):
        assert len(own) == len(theirs), path
        for at, (one, other) in enumerate(zip(own, theirs)):
            same_state(one, other, f"{path}[{at}]", tolerance, after_search)
    elif isinstance(theirs, dict):
        assert list(own) == list(theirs) or set(own) == set(theirs), path
        for key in theirs:
            same_state(own[key], theirs[key], f"{path}[{key!r}]", tolerance, after_search)
    elif isinstance(theirs, (int, float, np.number)) and not isinstance(theirs, bool):
        is_noise = abs(own - theirs) < next((noise for name, noise in NOISE.items() if f".{name}" in path), 0)
        assert is_noise or is_near(own, theirs, tolerance), f"{path}: {own!r} {theirs!r}"
    else:
        assert own == theirs, f"{path}: {own!r} {theirs!r}"


def searched(specified):
    return "PowerTransformer" in json.dumps(specified)


def magnified(specified):
    """Whether rows are normalized and then scaled, which magnifies the last digits of a column of values near 1."""
    return "Normalizer" in json.dumps(specified) and '"columns", {"ColumnTransformer"' in json.dumps(specified)


def load(base):
    with warnings.catch_warnings():
        if FITS_ALIKE:
            warnings.simplefilter("error")
        else:
            warnings.simplefilter("ignore", sklearn.exceptions.InconsistentVersionWarning)
        return joblib.load(pathlib.Path(base) / "model/model.joblib")


class Served:
    """`byoc serve` with the fitted preprocessor."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [BYOC, "serve", "--model-dir", str(folder), "--port", "0", "--host", "127.0.0.1"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.log = ""
        for line in self.process.stdout:
            self.log += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)|port (\d+)|127\.0\.0\.1:(\d+)", line):
                self.port = next(port for port in found.groups() if port)
                break
        else:
            raise AssertionError(self.log)
        # The server listens before the model is loaded.
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=10).close()
                return
            except urllib.error.HTTPError:
                time.sleep(0.01)
        raise AssertionError(self.log)

    def transform(self, text):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/invocations", text.encode(),
            {"Content-Type": "text/csv", "Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [instance["features"] for instance in json.load(answer)["instances"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_byoc_and_scikit_learn_fit_and_transform_alike(seed, tmp_path):
    draw = random.Random(seed)
    specified = specification(draw)
    # For columns far from zero, scipy's likelihood of an exponent is mostly rounding error. Another test covers them.
    text = table(draw, draw.choice([8, 40, 120]), (10, 4) if searched(specified) else (1e3, 40))
    frame = read(text)
    done = train(tmp_path, specified, text)
    tolerance = AFTER_AN_EXPONENT if searched(specified) else 1e-9 if magnified(specified) else TOLERANCE
    if FITS_ALIKE:
        theirs, refusal = build(specified["transformer"]), None
        try:
            expected = theirs.fit(frame).transform(frame)
        except (ValueError, TypeError) as error:
            refusal = error
        if refusal is not None:
            assert done.returncode != 0, f"scikit-learn refuses: {refusal}\n{json.dumps(specified)}"
            return
        assert done.returncode == 0, f"{done.stderr}\n{json.dumps(specified)}"
        own = load(tmp_path)
        same_state(own, theirs, "", TOLERANCE, searched(specified))
        same_cells(own.transform(frame), expected, tolerance)
        with_names = hasattr(theirs, "get_feature_names_out")
        try:
            names = list(theirs.get_feature_names_out())
        except (AttributeError, ValueError):
            with_names = False
        if with_names:
            assert list(own.get_feature_names_out()) == names
    elif done.returncode != 0:
        return
    # Compare scikit-learn's answers from the artifact with byoc's.
    own = load(tmp_path)
    with Served(tmp_path / "model") as served:
        answer = served.transform(text)
    mine = dense(own.transform(frame))
    for row, (one, other) in enumerate(zip(answer, mine)):
        assert len(one) == len(other)
        for cell, (a, b) in enumerate(zip(one, other)):
            assert is_near(a, b, 1e-9 if searched(specified) else TOLERANCE), f"row {row}, cell {cell}: {a!r} {b!r}"


@pytest.mark.filterwarnings("ignore")
def test_the_artifact_is_a_complete_estimator(tmp_path):
    """The artifact can be printed, cloned and fitted again, and returns frames and names."""
    specified = {"version": 1, "columns": COLUMNS, "transformer": {"ColumnTransformer": {"transformers": [
        ["numbers", {"Pipeline": {"steps": [["fill", {"SimpleImputer": {}}], ["scale", {"StandardScaler": {}}]]}},
         ["plain", "gaps"]],
        ["words", {"OneHotEncoder": {"sparse_output": False}}, ["word"]],
        ["both", {"FeatureUnion": {"transformer_list": [["a", {"MinMaxScaler": {}}], ["b", "passthrough"]]}},
         ["whole"]]],
        "remainder": "drop"}}}
    text = table(random.Random(1), 30)
    assert train(tmp_path, specified, text).returncode == 0
    own, frame = load(tmp_path), read(text)
    assert "StandardScaler" in repr(own)
    framed = sklearn.base.clone(own).set_output(transform="pandas").fit(frame).transform(frame)
    own.set_output(transform="pandas")
    found = own.transform(frame)
    assert list(found.columns) == list(own.get_feature_names_out()) == list(framed.columns)
    same_cells(found.to_numpy(), framed.to_numpy(), TOLERANCE)


@pytest.mark.skipif(not FITS_ALIKE, reason="another scipy")
def test_the_exponent_for_a_column_far_from_zero_is_as_likely_as_scipys(tmp_path):
    from scipy import stats
    draw = random.Random(3)
    values = [draw.gauss(1e3, 40) for _ in range(60)]
    specified = {"version": 1, "columns": ["a"], "transformer": {"PowerTransformer": {}}}
    assert train(tmp_path, specified, "".join(f"{value!r}\n" for value in values)).returncode == 0
    own = load(tmp_path).lambdas_[0]
    best = stats.yeojohnson_llf(stats.yeojohnson_normmax(np.array(values)), values)
    assert stats.yeojohnson_llf(own, values) >= best - 1e-3 * abs(best)


def test_the_artifact_names_the_version_whose_fit_byoc_follows(tmp_path):
    specified = {"version": 1, "columns": ["a"], "transformer": {"StandardScaler": {}}}
    assert train(tmp_path, specified, "1\n2\n").returncode == 0
    assert vars(load(tmp_path)).get("_sklearn_version", FOLLOWED) == FOLLOWED
    assert json.loads((tmp_path / "model/preprocessor.json").read_text())["scikit-learn"] == FOLLOWED


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
