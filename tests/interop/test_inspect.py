"""`byoc inspect --json` compared with scikit-learn: the names of features are those of get_feature_names_out, or
missing if it raises, and the fitted values are the attributes.

    BYOC_SEED=7 BYOC_ROUNDS=50 INTEROP=preprocessor tests/interop/run -k inspect     with another seed than the default
"""
import functools
import json
import math
import os
import pathlib
import random
import subprocess
import warnings

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
joblib = pytest.importorskip("joblib")
pytest.importorskip("sklearn")

from sklearn import compose, feature_selection, impute, linear_model, pipeline, preprocessing as p  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "debug" / "byoc"))
SEED = int(os.environ.get("BYOC_SEED", "20261125"))
ROUNDS = int(os.environ.get("BYOC_ROUNDS", "300"))

generator = np.random.default_rng(4)
ROWS = 40
NUMBERS = pd.DataFrame({
    "size": generator.lognormal(1, 1, ROWS), "a b": generator.normal(0, 9, ROWS),
    "déjà": generator.integers(1, 5, ROWS)})
CATEGORIES = pd.DataFrame({
    "color": pd.Series(generator.choice(["red", "blue", "x_y", "7"], ROWS, p=[.5, .3, .15, .05]), dtype=object),
    "grade": pd.Series(generator.choice(["low", "high", None], ROWS), dtype=object)})
CODES = pd.DataFrame({"code": generator.choice([1.5, 2.0, 1e16, 1e-5], ROWS), "count": generator.integers(0, 3, ROWS)})
GAPS = pd.DataFrame({"u": NUMBERS["size"].where(generator.random(ROWS) > .3), "v": np.full(ROWS, np.nan),
                     "w": NUMBERS["a b"]})
TARGET = generator.normal(5, 3, ROWS)
CLASSES = generator.choice(["lo", "mid", "hi"], ROWS)


def described(path, *arguments):
    done = subprocess.run([BYOC, "inspect", "--json", *arguments, str(path)], capture_output=True, text=True, env={})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names_of(model):
    """The names of the features, or the class of the exception."""
    try:
        names = model.get_feature_names_out()
        return None if names is None or np.ndim(names) == 0 else list(names)
    except Exception as error:
        return type(error)


def same_names(model, folder):
    path = folder / "model.joblib"
    joblib.dump(model, path)
    inspection = described(path)
    found, expected = inspection["preprocessor"]["transformer"], names_of(model)
    if isinstance(expected, list):
        assert found["feature_names_out"] == expected, model
    else:
        assert found["feature_names_out"] is None and found["feature_names_out_error"], model
        if expected is not None:
            error = found["feature_names_out_error"]
            assert error.startswith(expected.__name__), (model, error)
    return found


ordinary = functools.partial(p.FunctionTransformer, feature_names_out="one-to-one")
column_transformer = lambda *branches, **options: compose.ColumnTransformer(list(branches), **options)
TABLE = {
    "standard": (p.StandardScaler(), NUMBERS), "minmax": (p.MinMaxScaler(), NUMBERS),
    "maxabs": (p.MaxAbsScaler(), NUMBERS),
    "robust": (p.RobustScaler(), NUMBERS), "normalizer": (p.Normalizer(), NUMBERS),
    "binarizer": (p.Binarizer(), NUMBERS),
    "power": (p.PowerTransformer(), NUMBERS), "quantile": (p.QuantileTransformer(n_quantiles=5), NUMBERS),
    "bins": (p.KBinsDiscretizer(3, strategy="uniform"), NUMBERS),
    "bins ordinal": (p.KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), NUMBERS),
    "polynomial": (p.PolynomialFeatures(3), NUMBERS),
    "polynomial of some": (p.PolynomialFeatures((2, 3), interaction_only=True, include_bias=False), NUMBERS),
    "polynomial of one degree": (p.PolynomialFeatures((3, 3)), NUMBERS),
    "one-hot": (p.OneHotEncoder(), CATEGORIES), "one-hot of floats": (p.OneHotEncoder(), CODES),
    "one-hot of float32": (p.OneHotEncoder(), np.array([[0.1], [2.5], [16777216.0]], dtype=np.float32)),
    "one-hot of rare float32": (p.OneHotEncoder(max_categories=2),
                                np.array([[0.1], [0.1], [2.5], [3.5]], dtype=np.float32)),
    "one-hot of truth": (p.OneHotEncoder(), np.array([[True], [False]])),
    "one-hot of text": (p.OneHotEncoder(), np.array([["a"], ["bc"]])),
    "one-hot drop": (p.OneHotEncoder(drop="first"), CATEGORIES),
    "one-hot drop binary": (p.OneHotEncoder(drop="if_binary"),
                            pd.concat([CATEGORIES, CODES.iloc[:, :0], CODES % 2], axis=1)),
    "one-hot rare": (p.OneHotEncoder(min_frequency=0.2), CATEGORIES),
    "one-hot rare floats": (p.OneHotEncoder(max_categories=2), CODES),
    "one-hot rare drop": (p.OneHotEncoder(max_categories=2, drop="first"), CATEGORIES),
    "ordinal": (p.OrdinalEncoder(), CATEGORIES), "target": (p.TargetEncoder(), CATEGORIES, TARGET),
    "target classes": (p.TargetEncoder(), CATEGORIES, CLASSES),
    "imputer": (impute.SimpleImputer(), GAPS), "imputer indicator": (impute.SimpleImputer(add_indicator=True), GAPS),
    "imputer keeps": (impute.SimpleImputer(keep_empty_features=True, add_indicator=True), GAPS),
    "imputer constant": (impute.SimpleImputer(strategy="constant", fill_value=np.nan), GAPS),
    "imputer text": (impute.SimpleImputer(strategy="most_frequent", missing_values=None), CATEGORIES),
    "function": (p.FunctionTransformer(np.log1p), NUMBERS), "function named": (ordinary(np.log1p), NUMBERS),
    "nothing": (p.FunctionTransformer(), NUMBERS), "nothing named": (ordinary(), NUMBERS),
    "variance": (feature_selection.VarianceThreshold(2), NUMBERS),
    "best": (feature_selection.SelectKBest(feature_selection.f_regression, k=2), NUMBERS, TARGET),
    "percentile": (feature_selection.SelectPercentile(feature_selection.f_regression, percentile=40), NUMBERS, TARGET),
    "elimination": (feature_selection.RFE(linear_model.LinearRegression(), n_features_to_select=1), NUMBERS, TARGET),
    "from model": (feature_selection.SelectFromModel(linear_model.LinearRegression(), threshold="median"), NUMBERS,
                   TARGET),
    "pipeline": (pipeline.make_pipeline(impute.SimpleImputer(), p.StandardScaler(), p.PolynomialFeatures(2)), GAPS),
    "pipeline of nothing": (pipeline.make_pipeline("passthrough"), NUMBERS),
    "pipeline with a function": (pipeline.make_pipeline(p.StandardScaler(), p.FunctionTransformer(np.sqrt)), NUMBERS),
    "pipeline of frames": (pipeline.make_pipeline(p.StandardScaler(),
                                                  p.PolynomialFeatures(2)).set_output(transform="pandas"), NUMBERS),
    "union": (pipeline.FeatureUnion([("a", p.StandardScaler()), ("no", "drop"), ("b", "passthrough")]), NUMBERS),
    "union without prefixes": (pipeline.FeatureUnion([("a", p.StandardScaler()), ("b", "passthrough")],
                                                     verbose_feature_names_out=False), NUMBERS),
    "union with a function": (pipeline.FeatureUnion([("f", p.FunctionTransformer(np.sqrt))]), NUMBERS),
    "columns": (column_transformer(("n", p.StandardScaler(), ["a b"]), ("gone", "drop", ["size"]),
                                   remainder="passthrough"), NUMBERS),
    "columns without prefixes": (column_transformer(("n", p.StandardScaler(), ["a b"]), verbose_feature_names_out=False,
                                                    remainder="passthrough"), NUMBERS),
    "columns twice": (column_transformer(("n", p.StandardScaler(), ["a b"]), ("m", p.MinMaxScaler(), ["a b"]),
                                         verbose_feature_names_out=False), NUMBERS),
    "columns by a form": (column_transformer(("n", p.StandardScaler(), [0, 2]),
                                             verbose_feature_names_out="{feature_name}<{transformer_name}>{{}}"),
                          NUMBERS),
    "columns by position": (column_transformer(("n", p.PolynomialFeatures(2), slice(1, 3))), NUMBERS),
    "columns with a function": (column_transformer(("f", p.FunctionTransformer(np.sqrt), ["size"])), NUMBERS),
    "columns of frames": (column_transformer(("f", p.FunctionTransformer(np.sqrt),
                                              ["size"])).set_output(transform="pandas"), NUMBERS),
    "columns of none": (column_transformer(("n", p.StandardScaler(), [])), NUMBERS),
    "columns by selectors": (column_transformer(
        ("n", p.StandardScaler(), compose.make_column_selector(dtype_include=np.number)),
        ("c", p.OneHotEncoder(), compose.make_column_selector(pattern="color|grade"))),
                             pd.concat([NUMBERS, CATEGORIES], axis=1)),
}


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("frame", [True, False], ids=["frame", "array"])
def test_feature_names_are_those_of_scikit_learn(case, frame, tmp_path):
    estimator, data, *target = TABLE[case]
    data = data if frame or not isinstance(data, pd.DataFrame) else data.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = estimator.fit(data, *target) if target else estimator.fit(data, TARGET[:len(data)])
        except (ValueError, TypeError) as error:
            assert not frame, error  # columns selected by name, of an array
            return
        if case == "columns of frames" or case == "pipeline of frames":
            model.transform(data)
        same_names(model, tmp_path)


class Drawing:
    """Draws transformers of numbers and categories, nested to a random depth."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def numbers(self):
        return self.random.choice([
            lambda: p.StandardScaler(), lambda: p.MaxAbsScaler(), lambda: "passthrough", lambda: ordinary(np.tanh),
            lambda: p.FunctionTransformer(np.tanh),
            lambda: p.PolynomialFeatures(self.random.choice([2, (2, 3)]), interaction_only=self.chance(.5)),
            lambda: p.KBinsDiscretizer(3, strategy="uniform", encode=self.random.choice(["onehot-dense", "ordinal"])),
            lambda: impute.SimpleImputer(add_indicator=self.chance(.5)), lambda: feature_selection.VarianceThreshold(),
            lambda: feature_selection.SelectKBest(feature_selection.f_regression, k=1)])()

    def categories(self):
        return self.random.choice([
            lambda: p.OrdinalEncoder(), lambda: p.TargetEncoder(cv=2), lambda: "passthrough",
            lambda: p.OneHotEncoder(sparse_output=False, drop=self.random.choice([None, "first", "if_binary"]),
                                    max_categories=self.random.choice([None, None, 2, 3]))])()

    def composed(self, make, depth=0):
        if depth > 2 or self.chance(.5):
            return make()
        if make == self.numbers and self.chance(.6):
            return pipeline.make_pipeline(*[self.composed(make, depth + 1) for _ in range(self.random.randint(1, 3))])
        return pipeline.FeatureUnion([("u%d" % i, self.composed(make, depth + 1))
                                      for i in range(self.random.randint(1, 2))],
                                     verbose_feature_names_out=self.chance(.7))

    def columns(self, numbers, categories):
        branches = []
        for make, columns in ((self.numbers, numbers), (self.categories, categories)):
            chosen = [column for column in columns if self.chance(.7)]
            self.random.shuffle(chosen)
            branches.append(("t%d" % len(branches), self.composed(make), chosen))
        return compose.ColumnTransformer(
            branches, remainder=self.random.choice(["drop", "passthrough"]), sparse_threshold=0,
            verbose_feature_names_out=self.random.choice([True, True, False, "{feature_name}@{transformer_name}"]))


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_feature_names_of_random_transformers_are_those_of_scikit_learn(seed, tmp_path):
    drawing = Drawing(seed)
    data = pd.concat([NUMBERS, CATEGORIES.fillna("none"), CODES], axis=1)
    framed = drawing.chance(.7)
    number = lambda names: names if framed else [data.columns.get_loc(name) for name in names]
    model = drawing.columns(number([*NUMBERS.columns, *CODES.columns]), number(list(CATEGORIES.columns)))
    if drawing.chance(.1):
        model = model.set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(data if framed else data.to_numpy(), TARGET)
        except Exception:
            return  # scikit-learn refuses to fit it
        same_names(model, tmp_path)


def as_json(value):
    """A fitted value in the form that docs/inspect.md describes."""
    if isinstance(value, np.ndarray):
        return [as_json(item) for item in value]
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


@pytest.mark.parametrize("case", [
    "standard", "minmax", "maxabs", "robust", "power", "quantile", "bins", "one-hot", "one-hot of floats",
    "one-hot rare",
    "ordinal", "target classes", "imputer", "imputer text", "variance", "best", "elimination"])
def test_fitted_values_are_the_attributes_of_the_estimator(case, tmp_path):
    estimator, data, *target = TABLE[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator.fit(data, *target)
        found = same_names(model, tmp_path)
    for name in ["mean_", "scale_", "var_", "data_min_", "center_", "max_abs_", "lambdas_", "quantiles_", "references_",
                 "bin_edges_",
                 "n_bins_", "categories_", "infrequent_categories_", "encodings_", "target_mean_", "classes_",
                 "statistics_",
                 "variances_", "scores_", "pvalues_", "support_", "ranking_", "n_samples_seen_"]:
        expected = getattr(model, name, None) if name != "infrequent_categories_" or "rare" in case else None
        if expected is not None:
            assert found["fitted"][name] == as_json(expected), name
    for name, setting in model.get_params(deep=False).items():
        if setting is None or isinstance(setting, (bool, int, str)):
            assert found["settings"][name] == setting, name
