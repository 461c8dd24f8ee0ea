"""Edge cases of input for every transformer, in byoc and in the installed scikit-learn: the answers must be equal, cell
by cell, and byoc must refuse a request for which scikit-learn raises. Bodies are CSV, and JSON with the same cells.

    INTEROP=preprocessor tests/interop/run -k edge_cases -s        the newest scikit-learn; -s prints the counts
    INTEROP=preprocessor-1.6 tests/interop/run -k edge_cases -s    1.6

edge_cases/generate.py fits the models and calls scikit-learn. The answers of eleven versions are recorded under
tests/fixtures/edge-cases, with which cargo's tests compare; docs/dev/compared-with-scikit-learn.md lists them.
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


def is_intended_difference(name, columns):
    """Whether byoc differs on purpose from the pandas of both environments, as docs/dev/compared-with-scikit-learn.md
    explains."""
    if name == "FunctionTransformer(negative, validate=False)":
        return bool(BOOLS & set(columns))
    return name.startswith("FunctionTransformer(log1p") and set(columns) <= BOOLS


def same(found, expected, scale):
    rows = list(csv.reader(io.StringIO(found)))
    return len(rows) == len(expected) and all(
        len(row) == len(other) and all(near(one, another, scale) for one, another in zip(row, other))
        for row, other in zip(rows, expected))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_transformer_answers_edge_cases_as_in_the_installed_scikit_learn(container, tmp_path, form):
    made, artifacts = generate.table(form)
    bodies = {width: [(columns, inputs.csv_of(columns) if form == "csv" else inputs.json_of(columns))
                      for columns in inputs.bodies(width)] for width in [1, 2]}
    media_type = {"csv": "text/csv", "json": "application/json"}[form]
    counts, wrong = {"models": 0, "answers": 0, "exceptions": 0, "different on purpose": 0}, []
    # A JSON null may be read as None or NaN; test_preprocessor.py tests both.
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
            status, found = container.ask("POST", "/models/m%d/invoke" % number, body.encode(), content_type=media_type,
                                          accept="text/csv")
            raised = isinstance(expected, str)
            if status == 400 if raised else status == 200 and same(found, expected, scale):
                counts["exceptions" if raised else "answers"] += 1
            elif is_intended_difference(model["name"], columns):
                counts["different on purpose"] += 1
            else:
                wrong.append("%s, fitted on %s: %s\nscikit-learn: %s\nbyoc: %s %s" % (
                    model["name"], model["fitted_on"], " | ".join(columns), expected, status, found))
        container.ask("DELETE", "/models/m%d" % number)
    print(form, made["versions"], counts)
    assert not wrong, "%d differ\n\n%s" % (len(wrong), "\n\n".join(wrong[:20]))


def test_the_documentation_lists_the_recorded_comparisons():
    here = pathlib.Path(__file__).resolve()
    program = [sys.executable, "-X", "utf8", str(here.parent / "edge_cases" / "list.py")]
    printed = subprocess.check_output(program, encoding="utf-8")
    assert printed in (here.parents[2] / "docs" / "dev" / "compared-with-scikit-learn.md").read_text(encoding="utf-8")
