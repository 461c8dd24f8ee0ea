#!/usr/bin/env python3
"""Two hundred models on one endpoint, with memory for all of them and with memory for some.

    examples/two_hundred_models/run.py [--memory BYTES ...]

Copies the housing example's cities until there are 200, starts the endpoint, and invokes models 0-99, 0-99 again, and
0-199. After each round it prints the endpoint's metrics. It needs only Python's standard library; the program is BYOC,
or else target/release/byoc or target/debug/byoc.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
HOUSING = HERE.parent / "housing"
ROOT = HERE.parent.parent
MODELS = 200
ROUNDS = [("0-99", range(100)), ("0-99 again", range(100)), ("0-199", range(200))]
# Enough for all two hundred models, and for about half of them.
MEMORY = ["1M", "96K"]
START_LIMIT = 60


def program():
    for candidate in (os.environ.get("BYOC"), ROOT / "target/release/byoc", ROOT / "target/debug/byoc"):
        if candidate and pathlib.Path(candidate).is_file():
            return str(candidate)
    sys.exit("no byoc: run `cargo build --release` first, or set BYOC")


def target_model(number):
    return f"city-{number:03}/city-{number:03}.tar.gz"


def prepare(folder, memory):
    """Writes an endpoint.json with 200 artifacts whose learner has this much memory for models. Returns the endpoint's
    name."""
    cities = sorted((HOUSING / "models").glob("*/*.tar.gz"))
    for number in range(MODELS):
        copy = folder / "models" / target_model(number)
        copy.parent.mkdir(parents=True)
        shutil.copyfile(cities[number % len(cities)], copy)
    config = json.loads((HOUSING / "endpoint.json").read_text())
    preprocessor, learner = config["Containers"]
    preprocessor["ModelDataUrl"] = str(HOUSING / "preprocessor" / "model.tar.gz")
    learner["ModelDataUrl"] = str(folder / "models")
    learner.setdefault("Environment", {})["BYOC_MODEL_MEMORY"] = memory
    (folder / "endpoint.json").write_text(json.dumps(config))
    return config["EndpointName"]


def start(folder):
    """The running endpoint and its URL."""
    log = (folder / "log").open("w", encoding="utf-8")
    endpoint = subprocess.Popen(
        [program(), "endpoint", "--config", str(folder / "endpoint.json"), "--port", "0"],
        stdout=subprocess.DEVNULL, stderr=log)
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and endpoint.poll() is None:
        found = re.search(r"^(?!\[).*listening on (http://\S+)", (folder / "log").read_text(), re.MULTILINE)
        if found and is_in_service(found[1]):
            return endpoint, found[1]
        time.sleep(0.01)
    endpoint.kill()
    sys.exit((folder / "log").read_text())


def is_in_service(url):
    try:
        urllib.request.urlopen(url + "/ping", timeout=5).close()
        return True
    except OSError:
        return False


def invoke(url, name, number):
    request = urllib.request.Request(
        f"{url}/endpoints/{name}/invocations", data=(HOUSING / "house.csv").read_bytes(),
        headers={"Content-Type": "text/csv", "X-Amzn-SageMaker-Target-Model": target_model(number)})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["predictions"]


def counts(url):
    """Metrics by name, summed over their labels."""
    totals = collections.Counter()
    with urllib.request.urlopen(url + "/metrics", timeout=5) as page:
        for name, value in re.findall(r"^(\w+)(?:\{.*\})? (\S+)$", page.read().decode(), re.MULTILINE):
            totals[name] += float(value)
    return [int(totals["byoc_endpoint_" + name]) for name in (
        "loaded_models", "model_cache_hits_total", "model_cache_misses_total", "model_evictions_total")]


def run(memory):
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        name = prepare(folder, memory)
        endpoint, url = start(folder)
        try:
            print(f"\nBYOC_MODEL_MEMORY={memory}")
            print(f"{'invoked':<12}{'loaded':>8}{'hits':>8}{'misses':>8}{'evictions':>11}{'seconds':>9}")
            before = [0, 0, 0, 0]
            for label, numbers in ROUNDS:
                begun = time.monotonic()
                for number in numbers:
                    invoke(url, name, number)
                took = time.monotonic() - begun
                now = counts(url)
                # `loaded` is a current number; the others count this round.
                loaded, *counted = [now[0]] + [after - earlier for after, earlier in zip(now[1:], before[1:])]
                print(f"{label:<12}{loaded:>8}{counted[0]:>8}{counted[1]:>8}{counted[2]:>11}{took:>9.2f}")
                before = now
        finally:
            endpoint.terminate()
            endpoint.wait(60)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--memory", nargs="+", default=MEMORY, metavar="BYTES")
    for memory in arguments.parse_args().memory:
        run(memory)


if __name__ == "__main__":
    main()
