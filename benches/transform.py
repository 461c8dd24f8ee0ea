#!/usr/bin/env python3
"""Runs a large CSV through the housing pipeline (preprocessor and scorer) with `byoc transform`, and prints rows per
second and peak memory, compared with `wc -l` and, if installed, with scikit-learn on the same file.

    cargo build --release
    python3 benches/transform.py [MEGABYTES]        default 1000; Linux

Memory is the resident memory of the job and all its containers together, sampled every 20 ms. scikit-learn runs the
same preprocessor on chunks of 200,000 rows, and numpy multiplies the features by the weights. That needs a Python with
pandas and scikit-learn, such as that of `INTEROP=training tests/interop/run`.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "release" / "byoc"))
HOUSING = ROOT / "examples" / "housing"
NAMES = ["YEAR_BUILT", "SQUARE_FEET", "NUM_BEDROOMS", "NUM_BATHROOMS", "LOT_ACRES", "GARAGE_SPACES", "FRONT_PORCH",
         "DECK"]


def generate(path, megabytes):
    """Writes the same houses each time and returns their count."""
    draw = random.Random(7)
    block = "".join(
        f"{draw.randint(1950, 2019)},{draw.randint(900, 6000)},{draw.randint(2, 6)},{draw.randint(2, 6) / 2},"
        f"{draw.gauss(1, 0.25):.2f},{draw.randint(0, 3)},{draw.choice('yn')},{draw.choice('yn')}\n"
        for _ in range(50_000)).encode()
    rows = 0
    with open(path, "wb") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write(block)
            rows += 50_000
    return rows


def family(pid):
    """A process and its children."""
    found = [pid]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(entry))
    return found


def resident(pid):
    try:
        return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def run(command):
    """Runs a command. Returns the seconds and the peak memory of all its processes together."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    errors = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True)
    reader.start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, family(process.pid))))
        time.sleep(0.02)
    if process.returncode != 0:
        sys.exit("".join(errors))
    return time.monotonic() - begun, peak


def scikit_learn(source, target):
    """Runs the pipeline with scikit-learn, pandas and numpy. Returns the seconds; None if they are not installed."""
    try:
        import joblib
        import numpy as np
        import pandas as pd
        import sklearn
    except ImportError:
        return None
    import tarfile
    import warnings
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        tarfile.open(HOUSING / "preprocessor" / "model.tar.gz").extractall(folder)
        preprocessor = joblib.load(pathlib.Path(folder) / "model.joblib")
    weights = np.ones(10)
    begun = time.monotonic()
    with open(target, "w") as file:
        for chunk in pd.read_csv(source, header=None, names=NAMES, chunksize=200_000):
            chunk["PRICE"] = 0
            scores = preprocessor.transform(chunk) @ weights
            file.write("\n".join(map(str, scores.tolist())) + "\n")
    return time.monotonic() - begun, sklearn.__version__


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "in").mkdir()
        source = folder / "in" / "houses.csv"
        rows = generate(source, megabytes)
        size = source.stat().st_size / 1e6
        pipeline = {"ModelName": "housing", "Containers": [
            {"Image": "byoc", "ModelDataUrl": str(HOUSING / "preprocessor" / "model.tar.gz"),
             "Environment": {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}},
            {"Image": "byoc", "ModelDataUrl": str(HOUSING / "models" / "Chicago_IL" / "Chicago_IL.tar.gz")}]}
        (folder / "pipeline.json").write_text(json.dumps(pipeline))
        print(f"{size:.0f} MB, {rows:,} rows, {os.cpu_count()} cores")
        print(f"{'':<34}{'seconds':>9}{'rows/s':>14}{'peak memory':>14}")

        def say(name, seconds, peak=None):
            memory = f"{peak / 1e6:.0f} MB" if peak else ""
            print(f"{name:<34}{seconds:>9.1f}{rows / seconds:>14,.0f}{memory:>14}", flush=True)

        begun = time.monotonic()
        subprocess.run(["wc", "-l", str(source)], check=True, stdout=subprocess.DEVNULL)
        say("wc -l", time.monotonic() - begun)
        job = ["--model", str(folder / "pipeline.json"), "--input", str(folder / "in"), "--content-type", "text/csv",
               "--accept", "text/csv", "--split-type", "Line", "--log-level", "warning"]
        for name, flags in [("byoc transform", []),
                            ("byoc transform, whole object streamed", ["--max-payload-in-mb", "0"])]:
            output = folder / f"out{len(flags)}"
            seconds, peak = run([BYOC, "transform", *job, "--output", str(output), *flags])
            written = subprocess.run(["wc", "-l", str(output / "houses.csv.out")], check=True, capture_output=True,
                                     text=True)
            assert int(written.stdout.split()[0]) == rows, written.stdout
            say(name, seconds, peak)
        other = scikit_learn(source, folder / "sklearn.out")
        if other:
            say(f"scikit-learn {other[1]}, in chunks", other[0])
        else:
            print("scikit-learn is not installed here")


if __name__ == "__main__":
    main()
