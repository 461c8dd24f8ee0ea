"""Random fitted artifacts of scikit-learn, and random tables as their requests.

Everything is drawn from one `random.Random`, so that a seed determines an artifact. Tables are CSV text, read by pandas
as a container reads it: columns of numbers, categories and booleans, with missing cells and sometimes an unusual one.
"""
import io
import warnings

import numpy as np
import pandas as pd
from sklearn import (
    compose, feature_selection, impute, linear_model, model_selection, pipeline, preprocessing, svm)

COLORS = ["red", "green", "blue", "dark, grey", "yes \"no\"", "déjà vu", "7", "NAN", " red"]
GRADES = ["low", "mid", "high"]


class Column:
    """A column's name, the function that draws its cells, and their kind, by which transformers are chosen."""

    def __init__(self, name, kind, draw, gaps, odd):
        self.name, self.kind, self.draw, self.gaps, self.odd = name, kind, draw, gaps, odd

    def cell(self, random, gaps, odd):
        if random.random() < (self.gaps if gaps else 0):
            return random.choice(["", "", "NA", "nan", "NULL"])
        if random.random() < odd:
            return random.choice(self.odd)
        return self.draw(random)


ODD_NUMBERS = ["inf", "-Infinity", " 2.5 ", "1e3", "007", "-0", "+5", "1_0", "n/k", "1e-320", "True", "0.1", ""]
DIGITS = [["01234", "10115", "10117", "007", "99"], ["1.0", "1.50", "1e3", "2"], ["True", "False"]]
ODD_TEXTS = ["unseen", "Red", "red ", "1", "2.5", "True", "None", "none", "", "\u20ac", "a\nb"]


def columns_for(random, with_digits=False):
    """Two to eight columns of mixed kinds, at least one of numbers and one of categories."""
    def number(digits):
        return lambda r: repr(round(r.gauss(3, 40), digits))

    kinds = [
        ("number", number(3), ODD_NUMBERS),
        ("number", number(16), ODD_NUMBERS),
        ("number", lambda r: str(r.randint(-5, 60)), ODD_NUMBERS),
        ("number", lambda r: repr(r.gauss(0, 1e-3)), ODD_NUMBERS),
        ("number", lambda r: "4.25", ODD_NUMBERS),
        ("positive", lambda r: repr(round(r.lognormvariate(1, 1), 4) + 0.0001), ["0", "-1.5", "inf", "x"]),
        ("category", lambda r: r.choice(COLORS), ODD_TEXTS),
        ("category", lambda r: r.choices(GRADES, [8, 3, 1])[0], ODD_TEXTS),
        ("category", lambda r: r.choice("yn"), ODD_TEXTS),
        ("code", lambda r: str(r.choices([1, 2, 3, 4, 50], [8, 6, 3, 1, 1])[0]),
         ["9", "2.0", "1.5", "x", "inf", "True"]),
        ("code", lambda r: r.choice(["0.5", "1.5", "2.0"]), ["9", "2", "x", "-inf"]),
        ("truth", lambda r: r.choice(["True", "False"]), ["1", "0", "x", "TRUE", ""]),
    ]
    chosen = [random.choice(kinds[:5]), random.choice(kinds[6:9])] + random.choices(kinds, k=random.randint(0, 6))
    if with_digits:
        texts = random.choice(DIGITS)
        chosen.append(("digits", lambda r: r.choice(texts), ["10116", "1234", "1", "x", "TRUE", "n/k"]))
    random.shuffle(chosen)
    gaps = lambda: random.choice([0, 0, 0, 0.05, 0.3])
    return [Column("c%d" % i if random.random() < 0.9 else "a column %d" % i, kind, draw, gaps(), odd)
            for i, (kind, draw, odd) in enumerate(chosen)]


def field(text):
    return '"%s"' % text.replace('"', '""') if any(c in text for c in ',"\n\r') or text == "" else text


def body(random, columns, rows, gaps=True, odd=0.0):
    """Lines of CSV without a header."""
    return "".join(",".join(field(column.cell(random, gaps, odd)) for column in columns) + "\n" for _ in range(rows))


def frame(text, columns):
    text_columns = {column.name: str for column in columns if column.kind == "digits"}
    return pd.read_csv(io.StringIO(text), header=None, names=[column.name for column in columns], dtype=text_columns)


def comes_back(text):
    """Whether the number or bool that pandas reads from a text is printed as the same text."""
    return str(pd.read_csv(io.StringIO(text + "\n"), header=None)[0][0]) == text


def looks_like_digits(texts, but=None):
    return all(isinstance(text, str) and text != but and any(text in digits for digits in DIGITS) or text == but
               or text != text
               for text in texts)


def shown_to_be_text(step, origins):
    """The indexes of input columns whose encoders were fitted on digits as text, and the input of each output
    column."""
    if isinstance(step, pipeline.Pipeline):
        shown = set()
        for _, part in step.steps:
            if part not in (None, "passthrough"):
                more, origins = shown_to_be_text(part, origins)
                shown |= more
        return shown, origins
    if isinstance(step, compose.ColumnTransformer):
        parts = [(part, [origins[place] for place in step._transformer_to_input_indices[name]])
                 for name, part, _ in step.transformers_ if not isinstance(part, str)]
        return set().union(*[shown_to_be_text(part, given)[0] for part, given in parts]), []
    if isinstance(step, pipeline.FeatureUnion):
        parts = [part for _, part in step.transformer_list if not isinstance(part, str)]
        return set().union(*[shown_to_be_text(part, origins)[0] for part in parts]), []
    if isinstance(step, impute.SimpleImputer) and step.strategy in ("most_frequent", "constant"):
        kept = [origin for origin, value in zip(origins, step.statistics_)
                if step.keep_empty_features or value == value]
        filled = set(origin for origin, value in zip(origins, step.statistics_)
                     if step.strategy == "most_frequent" and value == value and looks_like_digits([value])
                     and not comes_back(value))
        return filled, [(origin, step.statistics_[origins.index(origin)]) if step.strategy == "constant" else origin
                        for origin in kept] + [None] * 20
    if hasattr(step, "categories_"):
        shown = set()
        for origin, categories in zip(origins, step.categories_):
            origin, fill = origin if isinstance(origin, tuple) else (origin, None)
            if origin is not None and looks_like_digits(categories, fill):
                shown.add(origin)
        return shown, []
    same = isinstance(step, preprocessing.FunctionTransformer) and step.func is None
    return set(), origins if same else [None] * 100


class Drawing:
    """Draws estimators. `steady` says whether all previous steps are exact in any IEEE arithmetic. Otherwise a binning
    step could turn a difference in the last digit into a different bin."""

    def __init__(self, random):
        self.random = random
        self.loose = False

    def chance(self, share):
        return self.random.random() < share

    def pick(self, *choices):
        return self.random.choice(choices)

    def numbers(self, steady=True):
        """A transformer of numbers without missing values."""
        p = preprocessing
        exact = [
            lambda: p.StandardScaler(with_mean=self.chance(0.8), with_std=self.chance(0.8)),
            lambda: p.MinMaxScaler(feature_range=self.pick((0, 1), (-2, 3)), clip=self.chance(0.4)),
            lambda: p.MaxAbsScaler(clip=self.chance(0.3)),
            lambda: p.RobustScaler(with_centering=self.chance(0.8), with_scaling=self.chance(0.8),
                                   unit_variance=self.chance(0.3)),
            lambda: p.Normalizer(self.pick("l1", "l2", "max")),
            lambda: p.PolynomialFeatures(self.pick(2, 3, (0, 2), (2, 3)), interaction_only=self.chance(0.4),
                                         include_bias=self.chance(0.5), order=self.pick("C", "F")),
            lambda: p.FunctionTransformer(self.pick(None, np.negative, np.abs, np.square, np.floor, np.rint, np.sign)),
            lambda: p.FunctionTransformer(np.sqrt, validate=self.chance(0.5)),
            lambda: self.selector(),
            lambda: "passthrough",
        ]
        loose = [
            lambda: p.PowerTransformer(standardize=self.chance(0.7)),
            lambda: p.QuantileTransformer(n_quantiles=self.pick(5, 20, 100), output_distribution="normal"),
            lambda: p.FunctionTransformer(self.pick(np.log1p, np.exp, np.cbrt, np.expm1, np.tanh, np.sin)),
        ]
        steps = [
            lambda: p.Binarizer(threshold=self.pick(0.0, 1.5)),
            lambda: p.KBinsDiscretizer(self.pick(2, 4), encode=self.pick("onehot", "onehot-dense", "ordinal"),
                                       strategy=self.pick("uniform", "quantile"),
                                       quantile_method="averaged_inverted_cdf",
                                       dtype=self.pick(None, None, np.float64, np.float32)),
            lambda: p.QuantileTransformer(n_quantiles=self.pick(5, 20)),
        ]
        group = self.random.choices([exact, loose, steps if steady else exact], [6, 2, 2])[0]
        self.loose |= group is loose
        return self.random.choice(group)()

    def selector(self):
        f = feature_selection
        linear = lambda: linear_model.LinearRegression()
        return self.random.choice([
            lambda: f.VarianceThreshold(self.pick(0.0, 0.1)),
            lambda: f.SelectKBest(f.f_regression, k=self.pick(1, 2, "all")),
            lambda: f.SelectPercentile(f.f_regression, percentile=self.pick(40, 75)),
            lambda: f.SelectFpr(f.f_regression, alpha=0.9), lambda: f.SelectFdr(f.f_regression, alpha=0.9),
            lambda: f.SelectFwe(f.f_regression, alpha=0.9),
            lambda: f.RFE(linear(), n_features_to_select=1),
            lambda: f.SelectFromModel(linear_model.Lasso(0.01), max_features=self.pick(None, 2)),
            lambda: f.SelectFromModel(linear(), threshold=self.pick(None, "median", "0.5*mean", 0.001)),
            lambda: f.GenericUnivariateSelect(f.f_regression, mode=self.pick("k_best", "percentile", "fpr"),
                                              param=self.pick(1, 2)),
        ])()

    def imputer(self, number):
        strategies = ["mean", "median", "most_frequent", "constant"] if number else ["most_frequent", "constant"]
        strategy = self.random.choice(strategies)
        fill = self.pick(None, 0, -1.5, 7) if number else self.pick(None, "none")
        return impute.SimpleImputer(
            strategy=strategy, fill_value=fill if strategy == "constant" else None, add_indicator=self.chance(0.3),
            keep_empty_features=self.chance(0.3),
            missing_values=np.nan if self.chance(0.9) else (-1 if number else "y"))

    def encoder(self):
        p = preprocessing
        dtype = self.pick(np.float64, np.float64, np.float64, np.float32, np.int64, np.int32, float, int, bool)
        rare = self.pick({}, {}, {"min_frequency": self.pick(2, 0.2)}, {"max_categories": self.pick(1, 2, 3)},
                         {"min_frequency": 3, "max_categories": 3})
        if self.chance(0.6):
            unknown = self.pick("ignore", "ignore", "error", "infrequent_if_exist", "warn")
            return p.OneHotEncoder(handle_unknown=unknown, drop=self.pick(None, None, None, "first", "if_binary"),
                                   dtype=dtype, sparse_output=self.chance(0.6), **rare)
        if self.chance(0.8):
            with_value = self.chance(0.6)
            return p.OrdinalEncoder(handle_unknown="use_encoded_value" if with_value else "error",
                                    unknown_value=self.pick(-1, 99, np.nan) if with_value else None,
                                    encoded_missing_value=self.pick(np.nan, np.nan, -2),
                                    dtype=self.pick(np.float64, np.float32),
                                    **rare)
        self.loose = True  # its encodings are sums of many values
        return p.TargetEncoder(target_type="continuous", cv=2, random_state=0)

    def branch(self, kinds):
        """A transformer for columns of these kinds."""
        if self.chance(0.08):
            return self.pick("passthrough", "drop", preprocessing.FunctionTransformer())
        if kinds <= {"number", "positive"} or kinds <= {"number", "positive", "truth", "code"} and self.chance(0.5):
            steps = [self.imputer(True)] if self.chance(0.5) else []
            if kinds == {"positive"} and self.chance(0.3):
                self.loose = True
                return preprocessing.PowerTransformer(method="box-cox")
            steady = True
            for _ in range(self.random.choice([0, 1, 1, 1, 2])):
                loose, self.loose = self.loose, False
                steps.append(self.numbers(steady))
                steady &= not self.loose
                self.loose |= loose
            if not steps:
                return self.numbers()
        elif kinds & {"number", "positive"} and self.chance(0.8):
            return self.pick("passthrough", "drop")
        else:
            steps = [self.imputer(False)] if self.chance(0.3) else []
            if not steps or self.chance(0.8):
                steps.append(self.encoder())
        if len(steps) == 1 and self.chance(0.7):
            return steps[0]
        made = pipeline.make_pipeline(*steps)
        if self.chance(0.1):
            made = pipeline.FeatureUnion([("one", made), ("two", self.pick("passthrough", "drop", made))],
                                         transformer_weights=self.pick(None, {"one": 2.5}))
        return made

    def specification(self, chosen, columns):
        """Selects some of the columns in one of the possible ways."""
        positions = [columns.index(column) for column in chosen]
        names = [column.name for column in chosen]
        mask = [column in chosen for column in columns]
        in_order = positions == list(range(positions[0], positions[-1] + 1))
        ways = [lambda: names, lambda: names, lambda: positions, lambda: [p - len(columns) for p in positions],
                lambda: np.array(positions), lambda: pd.Index(names)]
        if positions == sorted(positions):
            ways += [lambda: mask, lambda: np.array(mask)]
        if in_order:
            ways += [lambda: slice(positions[0], positions[-1] + 1), lambda: slice(names[0], names[-1])]
        return self.random.choice(ways)()

    def column_transformer(self, columns, depth=0):
        shuffled = list(columns)
        if self.chance(0.3):
            self.random.shuffle(shuffled)
        by_kind = {}
        for column in shuffled:
            by_kind.setdefault("category" if column.kind in ("category", "truth", "code")
                               and self.chance(0.9) else column.kind, []).append(column)
        branches = []
        for group in by_kind.values():
            if self.chance(0.15):
                continue  # left to the remainder
            if len(group) > 1 and self.chance(0.4):
                cut = self.random.randint(1, len(group) - 1)
                groups = [group[:cut], group[cut:]]
            else:
                groups = [group]
            for chosen in groups:
                made = self.branch({column.kind for column in chosen})
                if depth == 0 and self.chance(0.05):
                    inner = [(name, part, self.specification(chosen, chosen)) for name, part, _ in
                             [("inner", made, None)]]
                    made = compose.ColumnTransformer(inner, remainder=self.pick("drop", "passthrough"))
                branches.append(("t%d" % len(branches), made, self.specification(chosen, columns)))
        if self.chance(0.06):
            kind = self.pick({"dtype_include": np.number}, {"dtype_exclude": np.number}, {"pattern": "c[0-3]"})
            branches = [("all", self.pick("passthrough", "drop"), compose.make_column_selector(**kind))]
        if not branches:
            branches = [("some", "passthrough", [columns[0].name])]
        weights = {name: self.pick(1, 2, 0.5, -3.25) for name, _,
                   _ in branches if self.chance(0.5)} if self.chance(0.1) else None
        remainder = self.pick("drop", "drop", "passthrough", preprocessing.StandardScaler(),
                              preprocessing.OneHotEncoder(handle_unknown="ignore"))
        return compose.ColumnTransformer(branches, remainder=remainder, transformer_weights=weights,
                                         sparse_threshold=self.pick(0.3, 0, 1),
                                         verbose_feature_names_out=self.chance(0.5))

    def estimator(self):
        """An estimator, the kind of its target, and its methods."""
        l = linear_model
        seed = {"random_state": 0}
        probable = ["predict", "predict_proba", "decision_function"]
        regressors = [
            lambda: l.LinearRegression(fit_intercept=self.chance(0.8)), lambda: l.Ridge(self.pick(0.1, 3.0)),
            lambda: l.Lasso(0.05), lambda: l.ElasticNet(0.05), lambda: l.SGDRegressor(max_iter=20, tol=None, **seed),
            lambda: svm.LinearSVR(max_iter=200, **seed), lambda: l.RidgeCV(), lambda: l.LassoCV(cv=2, alphas=3),
        ]
        classifiers = [
            (lambda: l.LogisticRegression(C=self.pick(0.1, 1.0), max_iter=200), probable),
            (lambda: l.SGDClassifier(loss="log_loss", max_iter=20, tol=None, **seed), probable),
            (lambda: l.SGDClassifier(loss="modified_huber", max_iter=20, tol=None, **seed), probable),
            (lambda: l.SGDClassifier(max_iter=20, tol=None, **seed), ["predict", "decision_function"]),
            (lambda: svm.LinearSVC(max_iter=200, **seed), ["predict", "decision_function"]),
            (lambda: l.RidgeClassifier(), ["predict", "decision_function"]),
            (lambda: l.Perceptron(max_iter=20, tol=None, **seed), ["predict", "decision_function"]),
        ]
        if self.chance(0.5):
            made = self.random.choice(regressors)()
            if self.chance(0.1):
                made = model_selection.GridSearchCV(made, {"fit_intercept": [True, False]}, cv=2,
                                                    scoring=self.pick(None, "r2", "neg_mean_absolute_error"))
            several = isinstance(made, (l.LinearRegression, l.Ridge, l.Lasso)) and self.chance(0.3)
            return made, "several" if several else "number", ["predict"]
        make, methods = self.random.choice(classifiers)
        return make(), self.pick("two", "three", "two texts", "three texts", "truth", "fractions"), methods

    def artifact(self, columns):
        """An unfitted artifact, the kind of its target, and the method to ask for."""
        self.loose = False
        if self.chance(0.85):
            model = self.column_transformer(columns)
            if self.chance(0.15):
                model = pipeline.make_pipeline(model, self.numbers(False))
            if self.chance(0.1):
                model = pipeline.make_pipeline(preprocessing.FunctionTransformer(), model)
        else:
            model = pipeline.make_pipeline(self.branch({column.kind for column in columns}))
        if self.chance(0.06):
            model.set_output(transform="pandas")
        if self.chance(0.35):
            estimator, target, methods = self.estimator()
            gap_free = [impute.SimpleImputer(strategy=self.pick("mean", "constant"))] if self.chance(0.6) else []
            model = pipeline.make_pipeline(model, *gap_free, estimator)
            if self.chance(0.1):
                model = pipeline.make_pipeline("passthrough", model)
            return model, target, self.random.choice(methods)
        return model, "number", "transform"


def target_of(kind, rows, generator):
    numbers = generator.normal(5, 3, rows)
    thirds = np.digitize(numbers, [4, 6])
    return {
        "number": numbers, "several": np.column_stack([numbers, generator.normal(size=rows)]),
        "two": (thirds > 0).astype(int), "three": thirds,
        "two texts": np.array(["no", "yes"])[(thirds > 0).astype(int)],
        "three texts": np.array(["lo", "m,id", "hi"], dtype=object)[thirds], "truth": thirds > 0,
        "fractions": thirds / 2,
    }[kind]


class Artifact:
    """A fitted artifact and its training data."""

    def __init__(self, random, with_digits=False):
        """With `with_digits`, one of the columns has digits that are read as text. Such artifacts return arrays, which
        must be equal to the last digit."""
        while True:
            self.columns = columns_for(random, with_digits)
            drawing = Drawing(random)
            model, target, self.method = drawing.artifact(self.columns)
            gives_frames = any("_sklearn_output_config" in vars(part)
                               for part in [model] + list(model.get_params().values())
                               if hasattr(part, "get_params"))
            if with_digits and (drawing.loose or gives_frames):
                continue
            rows = random.randint(20, 60)
            text = body(random, self.columns, rows, gaps=random.random() < 0.5)
            generator = np.random.default_rng(random.getrandbits(32))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    data = frame(text, self.columns)
                    self.names = random.random() < 0.85
                    model.fit(data if self.names else data.set_axis(range(len(self.columns)), axis=1),
                              target_of(target, rows, generator))
                self.model, self.loose = model, drawing.loose or self.method != "transform"
                return
            except Exception:
                pass  # scikit-learn refuses to fit it

    def bodies(self, random, count):
        """Bodies that are valid, with missing cells, with unusual cells, and of a wrong width."""
        for _ in range(count):
            rows = random.choice([1, 1, 2, 5, 20])
            columns = self.columns
            # A Pipeline that begins with 'passthrough' accepts any width; byoc checks rows against columns.json.
            if random.random() < 0.04 and hasattr(self.model, "n_features_in_"):
                columns = random.choice([columns[:-1] or columns, columns + columns[:1]])
            yield body(random, columns, rows, gaps=random.random() < 0.6, odd=random.choice([0, 0, 0, 0.05, 0.3]))


class WithDroppedColumns:
    """A ColumnTransformer fitted on a frame by column names, whose last columns are dropped by remainder or by name."""

    def __init__(self, random):
        while True:
            kept = columns_for(random)
            dropped = [Column("d%d" % place, column.kind, column.draw, column.gaps, column.odd)
                       for place, column in enumerate(random.sample(columns_for(random), random.choice([1, 1, 2])))]
            self.columns, self.by_name = kept + dropped, random.random() < 0.4
            parts = [("kept", Drawing(random).column_transformer(kept), [column.name for column in kept])]
            if self.by_name:
                parts.append(("dropped", "drop", [column.name for column in dropped]))
            self.model = compose.ColumnTransformer(parts, sparse_threshold=0)
            # This column is taken for the label if it has numbers.
            self.like_a_label = dropped[0].name if len(dropped) == 1 and not self.by_name else None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self.model.fit(frame(body(random, self.columns, 40), self.columns), np.arange(40.0))
                return
            except Exception:
                pass  # scikit-learn refuses to fit it
