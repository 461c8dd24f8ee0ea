"""Every transformer on awkward input, asked of byoc and of the scikit-learn that is installed: the same answers, cell by cell, and
an error where scikit-learn raises. Bodies are CSV, and the same cells as JSON.

    INTEROP=preprocessor tests/interop/run -k edge_cases -s        the newest scikit-learn; -s prints what was compared
    INTEROP=preprocessor-1.6 tests/interop/run -k edge_cases -s    1.6

edge_cases/generate.py makes the models and asks scikit-learn. What eleven versions answered to it is recorded under
tests/fixtures/edge-cases, and held by cargo's tests; docs/dev/compared-with-scikit-learn.md lists what that is.
"""
import csv
import io
import json
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("sklearn")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "edge_cases"))

import generate  # noqa: E402
import inputs  # noqa: E402
from test_preprocessor import Container, near  # noqa: E402

BOOLS = {"bool", "only True"}


@pytest.fixture(scope="module")
def container():
    running = Container()
    yield running
    running.stop()


def is_on_purpose(name, columns):
    """Differences that remain on purpose with the pandas of both environments; docs/dev/compared-with-scikit-learn.md says why."""
    if name == "FunctionTransformer(negative, validate=False)":
        return bool(BOOLS & set(columns))
    return name.startswith("FunctionTransformer(log1p") and set(columns) <= BOOLS


def same(found, expected, scale):
    rows = list(csv.reader(io.StringIO(found)))
    return len(rows) == len(expected) and all(
        len(row) == len(other) and all(near(one, another, scale) for one, another in zip(row, other))
        for row, other in zip(rows, expected))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_transformer_answers_awkward_input_as_this_scikit_learn_does(container, tmp_path, form):
    made, artifacts = generate.table(form)
    bodies = {width: [(columns, inputs.csv_of(columns) if form == "csv" else inputs.json_of(columns))
                      for columns in inputs.bodies(width)] for width in [1, 2]}
    media_type = {"csv": "text/csv", "json": "application/json"}[form]
    counts, wrong = {"models": 0, "answers": 0, "exceptions": 0, "different on purpose": 0}, []
    # Whether a JSON null is None or NaN is left open by JSON; test_preprocessor.py tests both.
    has_null = {name for name in inputs.COLUMNS if None in inputs.values(name)} if form == "json" else set()
    for number, (model, artifact) in enumerate(zip(made["models"], artifacts)):
        counts["models"] += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "model.joblib").write_bytes(artifact)
        (folder / "columns.json").write_text('{"label": null}')
        order = json.dumps({"model_name": "m%d" % number, "url": str(folder)}).encode()
        status, said = container.ask("POST", "/models", order, content_type="application/json")
        assert status == 200, (model["name"], said)
        scale = 1.0 if "Power" in model["name"] or "log1p" in model["name"] else 0.0
        for (columns, body), answer in zip(bodies[model["width"]], model["answers"]):
            expected = made["answers"][answer]
            if expected is None or has_null & set(columns):
                continue
            status, found = container.ask("POST", "/models/m%d/invoke" % number, body.encode(), content_type=media_type, accept="text/csv")
            raised = isinstance(expected, str)
            if status == 400 if raised else status == 200 and same(found, expected, scale):
                counts["exceptions" if raised else "answers"] += 1
            elif is_on_purpose(model["name"], columns):
                counts["different on purpose"] += 1
            else:
                wrong.append("%s, fitted on %s: %s\nscikit-learn: %s\nbyoc: %s %s" % (
                    model["name"], model["fitted_on"], " | ".join(columns), expected, status, found))
        container.ask("DELETE", "/models/m%d" % number)
    print(form, made["versions"], counts)
    assert not wrong, "%d differ\n\n%s" % (len(wrong), "\n\n".join(wrong[:20]))


def test_the_docs_list_what_was_compared():
    here = pathlib.Path(__file__).resolve()
    program = [sys.executable, "-X", "utf8", str(here.parent / "edge_cases" / "list.py")]
    printed = subprocess.check_output(program, encoding="utf-8")
    assert printed in (here.parents[2] / "docs" / "dev" / "compared-with-scikit-learn.md").read_text(encoding="utf-8")
