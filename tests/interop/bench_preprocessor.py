"""Compares the time of a whole request to a preprocessor with scikit-learn's: from CSV text to CSV and to JSON.

    INTEROP=preprocessor tests/interop/run --collect-only        creates the environment, once
    target/interop-preprocessor-venv/bin/python tests/interop/bench_preprocessor.py

The model is that of the housing walk-through: two one-hot columns and six scaled ones. For scikit-learn the steps are
those of its container: pandas.read_csv(header=None), transform, then csv.writer or json.dumps. The floor is that of
`cargo bench --bench batch`: a program that only splits, parses and prints the same number of numbers. Each figure is
the fastest of several runs on one core.
"""
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = ["YEAR_BUILT", "SQUARE_FEET", "NUM_BEDROOMS", "NUM_BATHROOMS", "LOT_ACRES", "GARAGE_SPACES", "FRONT_PORCH",
           "DECK"]
ROWS = [int(rows) for rows in os.environ.get("BYOC_BENCH_ROWS", "1,100,10000,1000000").split(",")]


def houses(rows):
    generator = np.random.default_rng(1)
    return pd.DataFrame({
        "YEAR_BUILT": np.minimum(2019, generator.normal(1995, 10, rows).astype(int)),
        "SQUARE_FEET": np.round(generator.normal(3000, 750, rows), 2),
        "NUM_BEDROOMS": generator.integers(2, 7, rows),
        "NUM_BATHROOMS": generator.integers(2, 7, rows) / 2,
        "LOT_ACRES": np.round(generator.normal(1, 0.25, rows), 2),
        "GARAGE_SPACES": generator.integers(0, 4, rows),
        "FRONT_PORCH": generator.choice(["y", "n"], rows),
        "DECK": generator.choice(["y", "n"], rows),
    })


def features(model, text):
    data = pd.read_csv(io.StringIO(text), header=None)
    data.columns = COLUMNS
    return model.transform(data)


def to_csv(model, text):
    answer = io.StringIO()
    csv.writer(answer, lineterminator="\n").writerows(features(model, text))
    return answer.getvalue()


def to_json(model, text):
    return json.dumps({"instances": [{"features": row} for row in features(model, text).tolist()]})


def fastest(work):
    """The time of the fastest of several runs, in nanoseconds."""
    work()
    shortest, end = float("inf"), time.perf_counter() + 2
    while True:
        started = time.perf_counter_ns()
        work()
        shortest = min(shortest, time.perf_counter_ns() - started)
        if time.perf_counter() > end:
            return shortest


def formatted(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if nanoseconds >= size:
            return "%.3g %s" % (nanoseconds / size, unit)
    return "%.3g us" % (nanoseconds / 1e3)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = make_column_transformer(
            (StandardScaler(), COLUMNS[:6]), (OneHotEncoder(sparse_output=False), COLUMNS[6:])).fit(houses(1000))
        joblib.dump(model, folder / "model.joblib")
        (folder / "columns.json").write_text(json.dumps({"columns": COLUMNS, "label": None}))
        bodies = {}
        for rows in ROWS:
            bodies[rows] = folder / ("%d.csv" % rows)
            bodies[rows].write_text(houses(rows).to_csv(header=False, index=False))
        bench = os.environ.get("BYOC_BENCH")
        command = [bench] if bench else ["cargo", "bench", "--locked", "--quiet", "--bench", "batch", "--"]
        done = subprocess.run(command + [str(folder)] + [str(path) for path in bodies.values()],
                              cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        ours = {}
        for line in done.stdout.splitlines():
            path, accept, floor, time_of_ours = line.split("\t")
            ours[path, accept] = int(floor), int(time_of_ours)
        print("scikit-learn %s, pandas %s, numpy %s, Python %s" % (
            sklearn.__version__, pd.__version__, np.__version__, sys.version.split()[0]))
        titles = ("rows", "out", "scikit-learn", "byoc", "floor", "faster", "above floor")
        print("%9s %-5s %14s %10s %10s %8s %12s" % titles)
        for rows, path in bodies.items():
            text = path.read_text()
            for name, accept, answer in (("CSV", "text/csv", to_csv), ("JSON", "application/json", to_json)):
                theirs = fastest(lambda: answer(model, text))
                floor, own = ours[str(path), accept]
                print("%9d %-5s %14s %10s %10s %7.0fx %11.2fx" % (
                    rows, name, formatted(theirs), formatted(own), formatted(floor), theirs / own, own / floor),
                      flush=True)


main()
