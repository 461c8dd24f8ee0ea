#!/usr/bin/env python3
"""Generates the artifacts of the housing example: one preprocessor, and a linear model for each city.

    python3.11 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_models.py

The data are those of AWS's walk-through "Using Amazon SageMaker inference pipelines with multi-model endpoints": random
houses (from a fixed seed), with prices by a linear formula of their features. Every run generates the same bytes.
"""
import gzip
import io
import json
import pathlib
import struct
import tarfile
import tempfile
import zipfile

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import QuantileRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
HOUSES = 1000
# The number of houses of a city that are written to the file for training.
WRITTEN = 400
# The folder of each city's artifact. The last one is to be added to a running endpoint: copy its folder to models/.
CITIES = {
    "NewYork_NY": "models",
    "Chicago_IL": "models",
    "Houston_TX": "models",
    "LosAngeles_CA": "more-models",
}
NUMERIC = ["YEAR_BUILT", "SQUARE_FEET", "NUM_BEDROOMS", "NUM_BATHROOMS", "LOT_ACRES", "GARAGE_SPACES"]
CATEGORICAL = ["FRONT_PORCH", "DECK"]
# The pickle does not record that it was fitted with the price, which no transformer uses.
COLUMNS = '{"label": "PRICE", "label_position": "last"}\n'


def houses(seed):
    """The houses of a city, with columns in the order of the CSV and the price last."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "YEAR_BUILT": np.minimum(2019, random.normal(1995, 10, HOUSES).astype(int)),
        "SQUARE_FEET": random.normal(3000, 750, HOUSES).astype(int),
        "NUM_BEDROOMS": random.integers(2, 7, HOUSES),
        "NUM_BATHROOMS": random.integers(2, 7, HOUSES) / 2,
        "LOT_ACRES": random.normal(1, 0.25, HOUSES).round(2),
        "GARAGE_SPACES": random.integers(0, 4, HOUSES),
        "FRONT_PORCH": random.choice(["y", "n"], HOUSES),
        "DECK": random.choice(["y", "n"], HOUSES),
    })
    frame["PRICE"] = (
        150 * frame.SQUARE_FEET + 10000 * frame.NUM_BEDROOMS + 15000 * frame.NUM_BATHROOMS + 15000 * frame.LOT_ACRES
        + 20000 * (frame.FRONT_PORCH == "y") + 15000 * frame.GARAGE_SPACES - 5000 * (2019 - frame.YEAR_BUILT)
    ).astype(int)
    return frame


def fit_preprocessor(frame):
    """The walk-through's preprocessor: ten features out, and a price that it does not use."""
    preprocessor = ColumnTransformer(
        [("numeric", StandardScaler(), NUMERIC), ("categorical", OneHotEncoder(handle_unknown="ignore"), CATEGORICAL)],
        remainder="drop",
    )
    return preprocessor.fit(frame)


def fit_linear(features, price):
    """Weights and bias of the linear model with the smallest absolute loss."""
    # Fitted on thousands, so that the solver works with numbers near one.
    model = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(features, price / 1000)
    return 1000 * model.coef_, 1000 * model.intercept_


# The built-in linear learner's artifact: a ZIP of four stored files, in which MXNet saved a module.

def mxnet_array(values):
    """A dense float32 array on the CPU, as MXNet 1.0 and later write it (src/ndarray/ndarray.cc, NDArray::Save)."""
    values = np.ascontiguousarray(values, dtype="<f4")
    dense, cpu, device, float32 = 0, 1, 0, 0
    head = struct.pack("<Iii", 0xF993FAC9, dense, values.ndim) + struct.pack(f"<{values.ndim}q", *values.shape)
    return head + struct.pack("<iii", cpu, device, float32) + values.tobytes()


def mxnet_params(arrays):
    """A .params file: all arrays, then all names."""
    names = [name.encode() for name in arrays]
    out = struct.pack("<QQQ", 0x112, 0, len(arrays)) + b"".join(map(mxnet_array, arrays.values()))
    return out + struct.pack("<Q", len(names)) + b"".join(struct.pack("<Q", len(name)) + name for name in names)


def mxnet_symbol(features):
    """The graph out = data . weight + bias, in the nodes that the built-in algorithm saves."""
    nodes = [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "null", "name": "fc0_weight", "attrs": {"__shape__": f"({features}, 1)"}, "inputs": []},
        {"op": "dot", "name": "dot0", "inputs": [[0, 0, 0], [1, 0, 0]]},
        {"op": "null", "name": "fc0_bias", "attrs": {"__lr_mult__": "10.0", "__shape__": "(1, 1)"}, "inputs": []},
        {"op": "broadcast_add", "name": "broadcast_plus0", "inputs": [[2, 0, 0], [3, 0, 0]]},
        {"op": "null", "name": "out_label", "inputs": []},
        {"op": "LinearRegressionOutput", "name": "linearregressionoutput0", "inputs": [[4, 0, 0], [5, 0, 0]]},
    ]
    return {
        "nodes": nodes,
        "arg_nodes": [number for number, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[len(nodes) - 1, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10301]},
    }


def linear_learner(weights, bias):
    """model_algo-1 of a regressor."""
    metrics_params = dict.fromkeys(
        ["eps_insensitive_loss_type", "class_weights", "huber_delta", "quantile", "loss_insensitivity", "f_beta",
         "margin"])
    metrics_params.update(positive_example_weight_mult=1.0, accuracy_top_k=3, threshold=0.5)
    files = {
        "manifest.json": json.dumps({"additional-params.json": "json", "mx-mod": "mxnet_module", "version": 1}),
        "additional-params.json": json.dumps({
            "threshold": 0.5, "loss_type": "absolute_loss", "predictor_type": "regressor",
            "metrics_params": metrics_params,
        }),
        "mx-mod-symbol.json": json.dumps(mxnet_symbol(len(weights)), indent=2),
        "mx-mod-0000.params": mxnet_params({
            "arg:fc0_weight": np.reshape(weights, (-1, 1)), "arg:fc0_bias": np.reshape(bias, (1, 1)),
        }),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)
    return out.getvalue()


def write_model_tar(path, files):
    """A model.tar.gz with these files. No times and no user's name, so that the same model gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    print(f"{path.relative_to(HERE)}: {path.stat().st_size} bytes")


def main():
    train = {city: houses(seed).sample(frac=0.9, random_state=0) for seed, city in enumerate(CITIES)}
    preprocessor = fit_preprocessor(pd.concat(train.values(), ignore_index=True))
    with tempfile.TemporaryDirectory() as folder:
        dumped = pathlib.Path(folder, "model.joblib")
        joblib.dump(preprocessor, dumped)
        write_model_tar(
            HERE / "preprocessor" / "model.tar.gz",
            {"model.joblib": dumped.read_bytes(), "columns.json": COLUMNS.encode()})
    for city, folder in CITIES.items():
        frame = train[city]
        weights, bias = fit_linear(preprocessor.transform(frame), frame.PRICE)
        write_model_tar(HERE / folder / city / f"{city}.tar.gz", {"model_algo-1": linear_learner(weights, bias)})
    # As a table that somebody has: a line of names, the price last.
    train["Chicago_IL"].head(WRITTEN).to_csv(HERE / "houses.csv", index=False, lineterminator="\n")
    house = pd.read_csv(HERE / "house.csv", header=None, names=NUMERIC + CATEGORICAL)
    features = preprocessor.transform(house)
    for city in CITIES:
        weights, bias = fit_linear(preprocessor.transform(train[city]), train[city].PRICE)
        print(f"{city}: the house of house.csv costs {float(features[0] @ weights + bias):.2f}")


if __name__ == "__main__":
    main()
