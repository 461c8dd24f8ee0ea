"""Pickles of scikit-learn's classes without scikit-learn: stand-ins under the same names, and arrays with the claims
that an attack needs. Needs only Python's standard library."""
import pickle
import random
import sys
import types
import zlib


def module(name):
    """A module of this name, with its parent modules."""
    if name not in sys.modules or not getattr(sys.modules[name], "is_stand_in", False):
        made = types.ModuleType(name)
        made.is_stand_in = True
        sys.modules[name] = made
        if "." in name:
            outer, _, inner = name.rpartition(".")
            setattr(module(outer), inner, made)
    return sys.modules[name]


def stand_in(path):
    """A class that is pickled under this name."""
    where, _, name = path.rpartition(".")
    home = module(where)
    if not hasattr(home, name):
        setattr(home, name, type(name, (), {"__module__": where, "__qualname__": name}))
    return getattr(home, name)


ndarray, dtype, float64 = stand_in("numpy.ndarray"), stand_in("numpy.dtype"), stand_in("numpy.float64")
_reconstruct = stand_in("numpy.core.multiarray._reconstruct")


class Dtype:
    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        if self.code == "O":
            return dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 63)
        return dtype, (self.code, False, True), (3, "<", None, None, None, -1, -1, 0)


OBJECT, DOUBLE, LONG = Dtype("O"), Dtype("f8"), Dtype("i8")


class Array:
    """A NumPy array. An array with two references is written once, as by NumPy."""

    def __init__(self, kind, shape, data):
        self.kind, self.shape, self.data = kind, shape, data

    def __reduce__(self):
        return _reconstruct, (ndarray, (0,), b"b"), (1, self.shape, self.kind, False, self.data)


def objects(items):
    return Array(OBJECT, (len(items),), list(items))


def zeros(count):
    return Array(DOUBLE, (count,), bytes(8 * count))


def ones(count):
    return Array(DOUBLE, (count,), b"\0\0\0\0\0\0\xf0\x3f" * count)


def integers(numbers):
    return Array(LONG, (len(numbers),), b"".join(number.to_bytes(8, "little", signed=True) for number in numbers))


def estimator(path, /, **state):
    made = stand_in(path)()
    made.__dict__.update(state, _sklearn_version="1.6.1")
    return made


def scaler(width, **state):
    return estimator("sklearn.preprocessing._data.StandardScaler", **{
        "with_mean": True, "with_std": True, "copy": True, "n_features_in_": width, "n_samples_seen_": 3,
        **({} if "mean_" in state else {"mean_": zeros(width), "var_": ones(width), "scale_": ones(width)}), **state})


def one_hot(categories):
    return estimator(
        "sklearn.preprocessing._encoders.OneHotEncoder", categories="auto", sparse_output=True, dtype=float64,
        handle_unknown="ignore", drop=None, min_frequency=None, max_categories=None, feature_name_combiner="concat",
        _infrequent_enabled=False, n_features_in_=len(categories), categories_=categories, drop_idx_=None,
        _drop_idx_after_grouping=None)


def ordinal(categories):
    return estimator(
        "sklearn.preprocessing._encoders.OrdinalEncoder", categories="auto", dtype=float64,
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=float("nan"), min_frequency=None,
        max_categories=None, _infrequent_enabled=False, n_features_in_=len(categories), categories_=categories,
        _missing_indices={})


def imputer(statistics):
    return estimator(
        "sklearn.impute._base.SimpleImputer", missing_values=float("nan"), strategy="most_frequent", fill_value=None,
        copy=True, add_indicator=False, keep_empty_features=False, _fit_dtype=OBJECT, indicator_=None,
        n_features_in_=len(statistics.data), statistics_=statistics)


def bins(edges):
    return estimator(
        "sklearn.preprocessing._discretization.KBinsDiscretizer", n_bins=5, encode="ordinal", strategy="quantile",
        dtype=None, subsample=None, random_state=None, n_features_in_=len(edges), bin_edges_=objects(edges),
        n_bins_=integers([len(edge.data) // 8 - 1 for edge in edges]))


def logistic(classes):
    count = len(classes.data)
    return estimator(
        "sklearn.linear_model._logistic.LogisticRegression", penalty="l2", multi_class="auto", solver="lbfgs",
        n_features_in_=1, classes_=classes, coef_=Array(DOUBLE, (count, 1), bytes(8 * count)), intercept_=zeros(count),
        n_iter_=integers([1]))


def identity():
    return estimator(
        "sklearn.preprocessing._function_transformer.FunctionTransformer", func=None, inverse_func=None, validate=False,
        accept_sparse=False, check_inverse=True, feature_names_out=None, kw_args=None, inv_kw_args=None)


def union(parts):
    return estimator(
        "sklearn.pipeline.FeatureUnion", transformer_list=[(f"t{n}", part) for n, part in enumerate(parts)],
        n_jobs=None, transformer_weights=None, verbose=False, verbose_feature_names_out=True)


def nested_union(depth, width):
    """Nested unions of the same union: `width` to the power of `depth` transformers in a small file."""
    made = identity()
    for _ in range(depth):
        made = union([made] * width)
    return made


def target_encoder(categories, classes):
    """One column; a number for each category and class."""
    return estimator(
        "sklearn.preprocessing._target_encoder.TargetEncoder", categories="auto", target_type="multiclass",
        smooth="auto", cv=5, shuffle=True, random_state=None, n_features_in_=1, _infrequent_enabled=False,
        target_type_="multiclass",
        classes_=integers(range(classes)), target_mean_=zeros(classes), categories_=[integers(range(categories))],
        encodings_=[zeros(categories) for _ in range(classes)])


def column_transformer(names, transformers):
    positions = {name: position for position, name in enumerate(names)}
    return estimator(
        "sklearn.compose._column_transformer.ColumnTransformer", transformers=transformers, transformers_=transformers,
        remainder="drop", sparse_threshold=0.3, n_jobs=None, transformer_weights=None, verbose=False,
        verbose_feature_names_out=True, force_int_remainder_cols=True, feature_names_in_=objects(names),
        n_features_in_=len(names), _columns=[columns for _, _, columns in transformers], sparse_output_=False,
        _transformer_to_input_indices={
            **{name: [positions[column] for column in columns] for name, _, columns in transformers}, "remainder": []},
        _remainder=("remainder", "drop", []), _n_features=len(names))


def dump(artifact):
    return pickle.dumps(artifact, protocol=4)


def compressed_scaler(width):
    """A scaler in a file of a sixtieth of its size, as joblib's zlib compression can produce. The array is compressed
    in pieces, so that creating it takes little memory."""
    marker = b"ARRAY_HERE"
    made = scaler(width, mean_=Array(DOUBLE, (width,), marker), scale_=None, var_=None, with_std=False)
    plain = dump(made)
    # Replace SHORT_BINBYTES with the marker by BINBYTES8 with zeros, and drop the frame around it.
    before, _, after = plain.partition(b"C" + bytes([len(marker)]) + marker)
    before = before[:2] + before[11:]
    packer = zlib.compressobj(1)
    parts = [packer.compress(before + b"\x8e" + (8 * width).to_bytes(8, "little"))]
    block = random.Random(0).randbytes(17 << 10).ljust(1 << 20, b"\0")
    parts += [packer.compress(block) for _ in range(8 * width >> 20)]
    parts += [packer.compress(bytes(8 * width % (1 << 20)) + after), packer.flush()]
    return b"".join(parts)
