"""The answers of one version of scikit-learn to edge cases: a table of the answers of each transformer, with various
parameters and fitted on columns of each kind, to each body of inputs.py.

    python generate.py FOLDER      writes FOLDER/<version of scikit-learn>.tar.gz, and FOLDER/bodies.json

It runs with every scikit-learn from 0.20 on, with the pandas and the numpy of that time, and reads bodies as a
container does: with `pandas.read_csv(header=None)`. An archive has the artifacts as joblib writes them, by their
numbers, and `table.json`: for each artifact and body the cells of the answer as csv.writer prints them, or the class of
the exception.
"""
import gzip
import io
import json
import os
import sys
import tarfile
import warnings

import joblib
import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn import compose, feature_selection, impute, linear_model, pipeline, preprocessing

import inputs

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
TARGET = [1.0, 2.5, 2.0, 4.0, 3.5, 6.0, 0.5, 5.0]
CLASSES = [0, 1, 0, 1, 1, 1, 0, 0]
GAP = np.nan


def fits():
    """The training data of the models by name: frames of two columns."""
    def frame(a, b):
        return pd.DataFrame({"a": a, "b": b})

    def text(*cells):
        return pd.Series(cells, dtype=object)
    yes = [True, False, True, True, False, False, True, True]
    return {
        "floats": frame([1.5, 2.5, 0.25, 4.0, 1.5, -3.25, 7.0, 2.0], [0.5, 3.0, 10.0, 20.0, 0.5, 7.0, -1.0, 2.0]),
        "floats with gaps": frame([1.5, GAP, 0.25, 4.0, 1.5, -3.25, 7.0, 2.0],
                                  [0.5, 3.0, 10.0, GAP, 0.5, GAP, -1.0, 2.0]),
        "positive": frame([1.5, 2.5, 0.25, 4.0, 1.5, 3.25, 7.0, 2.0], [0.5, 3.0, 10.0, 20.0, 0.5, 7.0, 1.0, 2.0]),
        "integers": frame([1, 2, 3, 4, 2, 1, 2, 7], [3, 1, 2, 3, 3, 2, 5, 3]),
        "sentinels": frame([1, -1, 3, 4, 2, -1, 2, 7], [3, 1, 2, -1, 3, 2, 5, 3]),
        "text": frame(text(*"abcabbac"), text(*"xyxabybx")),
        "text with gaps": frame(text("a", "b", GAP, "a", "b", "c", "a", GAP),
                                text("x", GAP, "y", "x", "a", "b", "x", "y")),
        "text with None": frame(text("a", "b", None, "a", "b", "c", "a", None),
                                text("x", None, "y", "x", "a", "b", "x", "y")),
        "text with marks": frame(text("a", "b", "?", "a", "b", "c", "a", "?"),
                                 text("x", "?", "y", "x", "a", "b", "x", "y")),
        "bool": frame(yes, yes[::-1]),
        "bool with gaps": frame(text(True, GAP, True, False, True, False, True, True),
                                text(False, True, GAP, True, True, False, True, True)),
        "numbers and text": frame([1.5, GAP, 0.25, 4.0, 1.5, -3.25, 7.0, 2.0],
                                  text("a", "b", GAP, "a", "b", "c", "a", GAP)),
        "integers and bool": frame([1, 2, 3, 4, 2, 1, 2, 7], yes),
        "an empty column": frame([1.5, GAP, 0.25, 4.0, 1.5, -3.25, 7.0, 2.0], [GAP] * 8),
        "an empty column and text": frame(text("a", "b", GAP, "a", "b", "c", "a", GAP), text(*[GAP] * 8)),
    }


NUMBERS = ["floats", "floats with gaps", "integers"]
WHOLE = ["floats", "integers"]
CATEGORIES = ["text", "text with gaps", "text with None", "integers", "floats", "floats with gaps", "bool",
              "bool with gaps", "numbers and text",
              "integers and bool"]
ALL = ["floats", "floats with gaps", "integers", "text", "text with gaps", "bool", "bool with gaps", "numbers and text",
       "integers and bool", "an empty column", "an empty column and text"]


def one_hot(**parameters):
    """A dense OneHotEncoder, with the parameter's name in this version and without the legacy mode of 0.19."""
    parameters.setdefault("categories", "auto")
    parameters["sparse_output" if VERSION >= (1, 2) else "sparse"] = False
    return preprocessing.OneHotEncoder(**parameters)


def variants():
    """Names, constructors and training data of models. A model whose constructor fails in this version is left out."""
    p, i, s = preprocessing, impute, feature_selection
    yield "StandardScaler", lambda: p.StandardScaler(), NUMBERS
    yield "StandardScaler(with_mean=False)", lambda: p.StandardScaler(with_mean=False), ["floats"]
    yield "MinMaxScaler", lambda: p.MinMaxScaler(), NUMBERS
    yield "MinMaxScaler(clip)", lambda: p.MinMaxScaler(clip=True), ["floats"]
    yield "MaxAbsScaler", lambda: p.MaxAbsScaler(), NUMBERS
    yield "MaxAbsScaler(clip)", lambda: p.MaxAbsScaler(clip=True), ["floats"]
    yield "RobustScaler", lambda: p.RobustScaler(), NUMBERS
    for norm in ["l1", "l2", "max"]:
        yield "Normalizer(%s)" % norm, lambda norm=norm: p.Normalizer(norm), WHOLE
    yield "Binarizer", lambda: p.Binarizer(), WHOLE
    yield "Binarizer(1.5)", lambda: p.Binarizer(threshold=1.5), WHOLE
    for encode in ["onehot-dense", "onehot", "ordinal"]:
        yield ("KBinsDiscretizer(%s)" % encode,
               lambda encode=encode: p.KBinsDiscretizer(3, encode=encode, strategy="uniform"), WHOLE)
    yield "PolynomialFeatures(2)", lambda: p.PolynomialFeatures(2), WHOLE
    yield ("PolynomialFeatures(interaction_only)",
           lambda: p.PolynomialFeatures(2, interaction_only=True, include_bias=False), WHOLE)
    yield "PowerTransformer", lambda: p.PowerTransformer(), NUMBERS
    yield "PowerTransformer(box-cox)", lambda: p.PowerTransformer(method="box-cox", standardize=False), ["positive"]
    for output in ["uniform", "normal"]:
        yield ("QuantileTransformer(%s)" % output,
               lambda output=output: p.QuantileTransformer(5, output_distribution=output), NUMBERS)
    for validate in [False, True]:
        for function in [None, np.log1p, np.abs, np.square, np.negative, np.floor, np.sign]:
            name = "FunctionTransformer(%s, validate=%s)" % (function and function.__name__, validate)
            yield name, lambda f=function, v=validate: p.FunctionTransformer(f, validate=v), ["floats"]

    yield "VarianceThreshold", lambda: s.VarianceThreshold(0.5), NUMBERS
    yield "SelectKBest", lambda: s.SelectKBest(s.f_regression, k=1), WHOLE
    yield "SelectKBest(all)", lambda: s.SelectKBest(s.f_regression, k="all"), WHOLE
    yield "SelectPercentile", lambda: s.SelectPercentile(s.f_regression, percentile=50), ["floats"]
    yield "SelectFpr", lambda: s.SelectFpr(s.f_regression, alpha=0.9), ["floats"]
    yield "SelectFdr", lambda: s.SelectFdr(s.f_regression, alpha=0.99), ["floats"]
    yield "SelectFwe", lambda: s.SelectFwe(s.f_regression, alpha=0.99), ["floats"]
    yield ("GenericUnivariateSelect",
           lambda: s.GenericUnivariateSelect(s.f_regression, mode="k_best", param=1), ["floats"])
    yield "SelectFromModel", lambda: s.SelectFromModel(linear_model.Ridge(), threshold=0.0), WHOLE
    yield "RFE", lambda: s.RFE(linear_model.Ridge(), n_features_to_select=1), WHOLE
    yield "RFECV", lambda: s.RFECV(linear_model.Ridge(), cv=2), ["floats"]
    yield ("SequentialFeatureSelector",
           lambda: s.SequentialFeatureSelector(linear_model.Ridge(), n_features_to_select=1, cv=2), ["floats"])

    for strategy in ["mean", "median", "most_frequent"]:
        yield "SimpleImputer(%s)" % strategy, lambda strategy=strategy: i.SimpleImputer(strategy=strategy), ALL
        yield ("SimpleImputer(%s, add_indicator)" % strategy,
               lambda strategy=strategy: i.SimpleImputer(strategy=strategy, add_indicator=True),
               ["floats with gaps", "text with gaps", "numbers and text"])
        yield ("SimpleImputer(%s, keep_empty_features)" % strategy,
               lambda strategy=strategy: i.SimpleImputer(strategy=strategy, keep_empty_features=True),
               ["an empty column", "an empty column and text"])
        yield ("SimpleImputer(%s, missing_values=-1)" % strategy,
               lambda strategy=strategy: i.SimpleImputer(missing_values=-1, strategy=strategy),
               ["sentinels", "integers"])
    yield "SimpleImputer(constant)", lambda: i.SimpleImputer(strategy="constant"), ALL
    for fill in [0, -1.5, True, "missing", "7"]:
        yield ("SimpleImputer(constant, %r)" % (fill,),
               lambda fill=fill: i.SimpleImputer(strategy="constant", fill_value=fill), ALL)
    yield ("SimpleImputer(constant, add_indicator)", lambda: i.SimpleImputer(strategy="constant", add_indicator=True),
           ["floats with gaps", "text with gaps"])
    yield ("SimpleImputer(constant, missing_values=-1)",
           lambda: i.SimpleImputer(missing_values=-1, strategy="constant", fill_value=9),
           ["sentinels", "integers", "floats"])
    for strategy in ["most_frequent", "constant"]:
        yield ("SimpleImputer(%s, missing_values=?)" % strategy,
               lambda strategy=strategy: i.SimpleImputer(missing_values="?", strategy=strategy),
               ["text with marks", "text"])
        yield ("SimpleImputer(%s, missing_values=None)" % strategy,
               lambda strategy=strategy: i.SimpleImputer(missing_values=None, strategy=strategy),
               ["text with None", "text"])

    for unknown in ["error", "ignore", "infrequent_if_exist", "warn"]:
        yield "OneHotEncoder(%s)" % unknown, lambda u=unknown: one_hot(handle_unknown=u), CATEGORIES
    yield "OneHotEncoder(drop=first)", lambda: one_hot(drop="first"), CATEGORIES
    yield ("OneHotEncoder(drop=first, ignore)",
           lambda: one_hot(drop="first", handle_unknown="ignore"), ["text", "text with gaps", "integers"])
    yield "OneHotEncoder(drop=if_binary)", lambda: one_hot(drop="if_binary"), ["text", "bool", "integers and bool"]
    for unknown in ["error", "ignore", "infrequent_if_exist"]:
        yield ("OneHotEncoder(min_frequency=2, %s)" % unknown,
               lambda u=unknown: one_hot(min_frequency=2, handle_unknown=u),
               ["text", "text with gaps", "integers", "bool"])
    yield "OneHotEncoder(dtype=int)", lambda: one_hot(dtype=np.int64, handle_unknown="ignore"), ["text", "integers"]
    yield ("OneHotEncoder(categories)",
           lambda: one_hot(categories=[["a", "b", "c"], ["y", "x", "a", "b"]], handle_unknown="ignore"), ["text"])
    yield "OrdinalEncoder", lambda: p.OrdinalEncoder(), CATEGORIES
    for value in [-1, 99, GAP]:
        yield ("OrdinalEncoder(use_encoded_value, %r)" % value,
               lambda v=value: p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=v), CATEGORIES)
    yield ("OrdinalEncoder(encoded_missing_value=-2)",
           lambda: p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
           CATEGORIES)
    yield ("OrdinalEncoder(min_frequency=2)",
           lambda: p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=2), CATEGORIES)
    yield ("OrdinalEncoder(dtype=int)",
           lambda: p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.int64),
           ["text", "integers"])
    for target in ["continuous", "binary"]:
        yield ("TargetEncoder(%s)" % target, lambda t=target: p.TargetEncoder(target_type=t, cv=2, random_state=0),
               CATEGORIES)

    # In sequence and in parallel.
    def then(*steps):
        return lambda: pipeline.make_pipeline(*[step() for step in steps])

    def most():
        return i.SimpleImputer(strategy="most_frequent")

    def word():
        return i.SimpleImputer(strategy="constant", fill_value="missing")

    def ignore():
        return one_hot(handle_unknown="ignore")

    def by_name(*parts, **parameters):
        return lambda: compose.ColumnTransformer([(name, make(), columns) for name, make, columns in parts],
                                                 **parameters)

    mixed = ["numbers and text"]
    yield "SimpleImputer(most_frequent) then OneHotEncoder(ignore)", then(most, ignore), CATEGORIES
    yield ("SimpleImputer(constant) then OneHotEncoder(ignore)",
           then(word, ignore), ["text", "text with gaps", "numbers and text"])
    yield "SimpleImputer(most_frequent) then OrdinalEncoder", then(most, p.OrdinalEncoder), CATEGORIES
    yield "SimpleImputer(mean) then StandardScaler", then(lambda: i.SimpleImputer(), p.StandardScaler), NUMBERS
    yield ("SimpleImputer(constant) then StandardScaler",
           then(lambda: i.SimpleImputer(strategy="constant"), p.StandardScaler), NUMBERS)
    yield ("SimpleImputer(most_frequent) then SelectKBest",
           then(most, lambda: s.SelectKBest(s.f_regression, k=1)), NUMBERS)
    yield "StandardScaler then SelectKBest", then(p.StandardScaler, lambda: s.SelectKBest(s.f_regression, k=1)), WHOLE
    yield ("FunctionTransformer then SelectKBest",
           then(p.FunctionTransformer, lambda: s.SelectKBest(s.f_regression, k=1)), WHOLE)
    yield ("ColumnTransformer(scaler, encoder)",
           by_name(("n", p.StandardScaler, ["a"]), ("t", ignore, ["b"]), sparse_threshold=0), mixed)
    yield ("ColumnTransformer(imputed)",
           by_name(("n", then(lambda: i.SimpleImputer(strategy="median"), p.StandardScaler), ["a"]),
                                                 ("t", then(word, ignore), ["b"]), sparse_threshold=0), mixed)
    yield ("ColumnTransformer(scaler, passthrough)", by_name(("n", p.StandardScaler, ["a"]), remainder="passthrough"),
           mixed + NUMBERS)
    yield ("ColumnTransformer(passthrough)", by_name(("n", lambda: "passthrough", ["b", "a"])),
           mixed + NUMBERS + ["text", "integers and bool"])
    yield ("ColumnTransformer(weights)",
           by_name(("n", p.StandardScaler, ["a"]), ("t", ignore, ["b"]), sparse_threshold=0,
                                                 transformer_weights={"t": 2}), mixed)
    # Transformers that return frames.
    def frames(make):
        return lambda: make().set_output(transform="pandas")

    yield "StandardScaler.set_output(pandas)", frames(lambda: p.StandardScaler()), ["floats"]
    yield "SelectKBest(all).set_output(pandas)", frames(lambda: s.SelectKBest(s.f_regression, k="all")), WHOLE
    yield "VarianceThreshold.set_output(pandas)", frames(lambda: s.VarianceThreshold(0.5)), ["floats"]
    yield ("SimpleImputer(constant).set_output(pandas)",
           frames(lambda: i.SimpleImputer(strategy="constant", fill_value=0)), ["floats", "integers"])
    yield "SimpleImputer(most_frequent).set_output(pandas)", frames(most), ["floats", "text", "numbers and text"]
    yield "OrdinalEncoder.set_output(pandas)", frames(lambda: p.OrdinalEncoder()), ["text", "bool"]
    yield "OneHotEncoder(ignore).set_output(pandas)", frames(ignore), ["text", "integers"]
    yield "FunctionTransformer(absolute).set_output(pandas)", frames(lambda: p.FunctionTransformer(np.abs)), ["floats"]
    yield ("SimpleImputer(most_frequent) then OneHotEncoder(ignore).set_output(pandas)", frames(then(most, ignore)),
           ["text", "text with gaps", "numbers and text"])
    yield ("SelectKBest then StandardScaler.set_output(pandas)",
           frames(then(lambda: s.SelectKBest(s.f_regression, k="all"), p.StandardScaler)), WHOLE)
    yield ("ColumnTransformer(scaler, passthrough).set_output(pandas)",
           frames(by_name(("n", p.StandardScaler, ["a"]), remainder="passthrough")), mixed + NUMBERS + ["text"])
    yield ("ColumnTransformer(passthrough) then SelectKBest.set_output(pandas)",
           frames(then(by_name(("n", lambda: "passthrough", ["b", "a"])),
                       lambda: s.SelectKBest(s.f_regression, k="all"))), WHOLE)
    yield ("ColumnTransformer(passthrough) then SimpleImputer(most_frequent).set_output(pandas)",
           frames(then(by_name(("n", lambda: "passthrough", ["b", "a"])), most)), WHOLE + ["text", "numbers and text"])
    yield ("ColumnTransformer(imputed).set_output(pandas)",
           frames(by_name(("n", then(lambda: i.SimpleImputer(strategy="median"), p.StandardScaler), ["a"]),
                          ("t", then(word, ignore), ["b"]))), mixed)

    yield ("FeatureUnion", lambda: pipeline.FeatureUnion([("one", i.SimpleImputer()), ("two", p.MaxAbsScaler())]),
           NUMBERS)


def binarizers():
    """LabelBinarizers, which take one column, by their training labels."""
    labels = {
        "one text": ["a"], "two texts": ["a", "b"], "three texts": ["a", "b", "x"], "two integers": [1, 2],
        "three integers": [1, 2, 3], "two floats": [1.0, 2.0], "bool": [True, False], "one integer": [1],
    }
    for name, fitted in labels.items():
        yield "LabelBinarizer", preprocessing.LabelBinarizer, name, fitted
        yield ("LabelBinarizer(neg_label=-1, pos_label=2)",
               lambda: preprocessing.LabelBinarizer(neg_label=-1, pos_label=2),
               name, fitted)


def cells(answer):
    """Rows as the lines that csv.writer prints."""
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    answer = np.asarray(answer)
    rows = answer.reshape(len(answer), -1)
    return [["" if value is None else value if isinstance(value, str) else str(value) for value in row] for row in rows]


def ask(model, frame):
    """The cells of the answer, or the class of the exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return cells(model.transform(frame))
        except Exception as error:
            if "read-only" in str(error) or "assignment destination" in str(error):
                return None  # scikit-learn writes to a read-only array of pandas 3
            return type(error).__name__


def frames(width, form):
    """Each body as the frame that pandas reads."""
    made = []
    for columns in inputs.bodies(width):
        if form == "csv":
            frame = pd.read_csv(io.StringIO(inputs.csv_of(columns)), header=None)
        else:
            # A null is NaN in any column, as in byoc.
            data = [[GAP if cell is None else cell for cell in inputs.values(column)] for column in columns]
            frame = pd.DataFrame({number: pd.Series(cells, dtype=object).infer_objects()
                                  for number, cells in enumerate(data)})
        frame.columns = ["a", "b"][:width]
        made.append(frame)
    return made


class Table:
    """Models with their answers. Equal answers are stored once."""

    def __init__(self, form):
        self.models, self.artifacts, self.answers, self.numbers = [], [], [], {}
        self.frames = {width: frames(width, form) for width in [1, 2]}

    def number(self, answer):
        key = json.dumps(answer)
        if key not in self.numbers:
            self.numbers[key] = len(self.answers)
            self.answers.append(answer)
        return self.numbers[key]

    def add(self, name, fitted_on, model, width):
        buffer = io.BytesIO()
        joblib.dump(model, buffer)
        answers = [ask(model, frame.copy() if width == 2 else frame["a"].copy()) for frame in self.frames[width]]
        self.models.append({
            "name": name, "fitted_on": fitted_on, "width": width,
            "answers": [self.number(answer) for answer in answers]})
        self.artifacts.append(buffer.getvalue())


def table(form):
    made = Table(form)
    data = fits()
    for name, make, kinds in variants():
        for kind in kinds:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    target = CLASSES if "binary" in name and "Target" in name else TARGET
                    model = make().fit(data[kind].copy(), target)
                except Exception:
                    continue  # scikit-learn refuses to fit it
            made.add(name, kind, model, 2)
    for name, make, kind, labels in binarizers():
        made.add(name, kind, make().fit(labels), 1)
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "pandas": pd.__version__,
                "scipy": scipy.__version__, "joblib": joblib.__version__, "python": sys.version.split()[0]}
    return {"versions": versions, "models": made.models, "answers": made.answers}, made.artifacts


def write(path, made, artifacts):
    files = [("table.json", json.dumps(made, separators=(",", ":")).encode())]
    files += [("%d.joblib" % number, artifact) for number, artifact in enumerate(artifacts)]
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in files:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def main():
    folder = sys.argv[1]
    if not os.path.isdir(folder):
        os.makedirs(folder)
    bodies = {str(width): {"names": [" | ".join(columns) for columns in inputs.bodies(width)],
                           "csv": [inputs.csv_of(columns) for columns in inputs.bodies(width)]} for width in [1, 2]}
    with open(os.path.join(folder, "bodies.json"), "w") as file:
        json.dump(bodies, file, indent=0)
    made, artifacts = table("csv")
    path = os.path.join(folder, "%s.tar.gz" % sklearn.__version__)
    write(path, made, artifacts)
    raised = sum(isinstance(made["answers"][number], str) for model in made["models"] for number in model["answers"])
    count = sum(len(model["answers"]) for model in made["models"])
    print("%s: %d models, %d answers, %d of them exceptions, %d bytes" % (
        sklearn.__version__, len(made["models"]), count, raised, os.path.getsize(path)))


if __name__ == "__main__":
    main()
