"""Random artifacts of scikit-learn, served by byoc and called in scikit-learn: the answers must be equal, cell by cell,
and byoc must refuse a request for which scikit-learn raises.

    INTEROP=preprocessor tests/interop/run                             500 artifacts of the default seed
    BYOC_SEED=7 BYOC_ROUNDS=50 INTEROP=preprocessor tests/interop/run  50 artifacts of seed 7
    BYOC_SEED=7 BYOC_ROUND=31 INTEROP=preprocessor tests/interop/run   artifact 31 of seed 7

One container in multi-model mode loads, answers for and unloads each artifact. The relative difference of a float is at
most 1e-12. After powers, logarithms or sums of products, whose last digits differ between CPUs and BLAS libraries, the
difference is at most 1e-12 of the largest value that was added.
"""
import csv
import http.client
import io
import json
import os
import pathlib
import random
import re
import subprocess
import tarfile
import threading
import warnings

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
joblib = pytest.importorskip("joblib")
pytest.importorskip("sklearn")

from conftest import Endpoint, runtime  # noqa: E402
from random_artifacts import Artifact, WithDroppedColumns, body, shown_to_be_text  # noqa: E402
from sklearn import compose, impute, linear_model, pipeline, preprocessing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "debug" / "byoc"))
SEED = int(os.environ.get("BYOC_SEED", "20261125"))
ROUNDS = int(os.environ.get("BYOC_ROUNDS", "500"))
ONLY = os.environ.get("BYOC_ROUND")
TOLERANCE = 1e-12


class Container:
    """`byoc serve --multi-model` on a free port."""

    def __init__(self):
        self.process = subprocess.Popen(
            [BYOC, "serve", "--multi-model", "--host", "127.0.0.1", "--port", "0", "--log-level", "warning"],
            env={"RUST_LOG": "byoc=info"}, stderr=subprocess.PIPE, text=True)
        address = None
        while address is None:
            line = self.process.stderr.readline()
            assert line, "the container ended"
            address = re.search(r"listening on http://(\S+)", line)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.connection = http.client.HTTPConnection(address.group(1), timeout=60)

    def ask_bytes(self, method, path, content=b"", **headers):
        self.connection.request(method, path, content, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ask(self, method, path, content=b"", **headers):
        status, answer = self.ask_bytes(method, path, content, **headers)
        return status, answer.decode()

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def container():
    running = Container()
    yield running
    running.stop()


def answer_of_scikit_learn(artifact, text):
    """scikit-learn's answer as rows of Python values, or its exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            text_columns = {place: str for place, column in enumerate(artifact.columns) if column.kind == "digits"}
            data = pd.read_csv(io.StringIO(text), header=None, dtype=text_columns)
            if artifact.names and len(data.columns) == len(artifact.columns):
                data.columns = [column.name for column in artifact.columns]
            answer = getattr(artifact.model, artifact.method)(data)
        except Exception as error:
            return None, "%s: %s" % (type(error).__name__, error)
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    answer = np.asarray(answer)
    return answer.reshape(len(answer), -1), None


def cells_of(answer):
    """Values as csv.writer prints them."""
    return [["" if value is None else value if isinstance(value, str) else str(value) for value in row]
            for row in answer]


def is_float(text):
    return not re.fullmatch(r"[-+]?\d+", text) and text not in ("True", "False")


def near(found, expected, scale):
    if found == expected:
        return True
    if not (is_float(found) and is_float(expected)):
        return False
    try:
        one, other = float(found), float(expected)
    except ValueError:
        return False
    if one != one or other != other or abs(one) == float("inf") or abs(other) == float("inf"):
        return one == other or one != one and other != other
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), scale)


def scale_of(artifact, text, answer):
    """The magnitude of the terms whose sums are the cells of an answer; 0 if rounding cannot differ."""
    if not artifact.loose:
        return 0.0
    numbers = [abs(value) for value in np.ravel(answer) if isinstance(value, (float, np.floating))
               and np.isfinite(value)]
    largest = max([1.0] + numbers)
    estimator = artifact.model
    steps = []
    while hasattr(estimator, "steps") or hasattr(estimator, "best_estimator_"):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            steps += [step for _, step in estimator.steps[:-1] if not isinstance(step, str)]
            estimator = estimator.steps[-1][1]
    if hasattr(estimator, "coef_"):
        text_columns = {place: str for place, column in enumerate(artifact.columns) if column.kind == "digits"}
        data = pd.read_csv(io.StringIO(text), header=None, dtype=text_columns)
        if artifact.names:
            data.columns = [column.name for column in artifact.columns]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in steps:
                data = step.transform(data)
        data = np.asarray(data.toarray() if hasattr(data, "toarray") else data, dtype=float)
        added = np.abs(data) @ np.abs(np.atleast_2d(estimator.coef_)).T + np.abs(np.atleast_1d(estimator.intercept_))
        largest = max(largest, float(np.max(added, initial=1.0)))
        if estimator.coef_.dtype == np.float32:
            largest *= 1e6  # BLAS sums in float32
    return largest


def differences(container, artifact, name, texts):
    """The differences from scikit-learn, and the numbers of answers and errors."""
    counts = {"answers": 0, "errors": 0}
    for text in texts:
        expected, raised = answer_of_scikit_learn(artifact, text)
        if raised and "read-only" in raised:
            continue  # scikit-learn writes to a read-only array of pandas 3
        path = "/models/%s/invoke" % name
        status, found = container.ask("POST", path, text.encode(), content_type="text/csv", accept="text/csv")
        if raised or status != 200:
            if raised and status == 400:
                counts["errors"] += 1
                continue
            return "%s\nscikit-learn: %s\nbyoc: %s %s" % (
                text, raised or cells_of(expected), status, found[:2000]), counts
        wanted = cells_of(expected)
        rows = list(csv.reader(io.StringIO(found)))
        scale = scale_of(artifact, text, expected)
        same = len(rows) == len(wanted) and all(
            len(row) == len(other) and all(near(a, b, scale) for a, b in zip(row, other))
            for row, other in zip(rows, wanted))
        if not same:
            first = [(number, place, a, b) for number, (row, other) in enumerate(zip(rows, wanted))
                     for place, (a, b) in enumerate(zip(row, other)) if not near(a, b, scale)]
            return "first that differ (row, column, byoc, scikit-learn): %s\n%s\nscikit-learn (%s): %s\nbyoc: %s" % (
                first[:5], text, expected.dtype, wanted, rows), counts
        counts["answers"] += 1
        # The same values in JSON, which distinguishes strings from numbers.
        status, found = container.ask("POST", path, text.encode(), content_type="text/csv", accept="application/json")
        document = json.loads(found)
        if artifact.method == "transform":
            values = [instance["features"] for instance in document["instances"]]
        else:
            values = [row if isinstance(row, list) else [row] for row in document]
        for row, other in zip(values, expected.tolist()):
            kinds = [(type(a), type(b)) for a, b in zip(row, other) if type(a) is not type(b)]
            if kinds or not all(near(str(a), str(b), scale) for a, b in zip(row, other)):
                return "%s\nscikit-learn as JSON: %s\nbyoc: %s" % (text, other, row), counts
    return None, counts


def run_round(container, number, folder, with_digits=False):
    drawn = random.Random("%d/%d" % (SEED, number))
    artifact = Artifact(drawn, with_digits)
    texts = list(artifact.bodies(drawn, 3))
    joblib.dump(artifact.model, folder / "model.joblib", compress=drawn.choice([0, 0, 0, 3, ("gzip", 3), ("xz", 1)]),
                protocol=drawn.choice([None, None, 2, 3, 4, 5]))
    columns = {"columns": [column.name for column in artifact.columns] if artifact.names else None, "label": None,
               "method": artifact.method}
    digits = [place for place, column in enumerate(artifact.columns) if column.kind == "digits"]
    shown, _ = shown_to_be_text(artifact.model, list(range(len(artifact.columns))))
    # Columns need no dtype if their encoders show that they are text.
    if digits and (not shown.issuperset(digits) or drawn.random() < 0.3):
        columns["dtypes"] = {artifact.columns[place].name if artifact.names else str(place): "str" for place in digits}
    (folder / "columns.json").write_text(json.dumps(columns))
    name = "round%d" % number
    status, said = container.ask("POST", "/models", json.dumps({"model_name": name, "url": str(folder)}).encode(),
                                 content_type="application/json")
    if status != 200:
        return artifact, "byoc does not load it: %s" % said, {}
    difference, counts = differences(container, artifact, name, texts)
    container.ask("DELETE", "/models/" + name)
    return artifact, difference, counts


@pytest.mark.parametrize("with_digits", [False, True])
def test_random_artifacts_answer_as_in_scikit_learn(container, tmp_path, with_digits):
    print("BYOC_SEED=%d" % SEED)
    total, wrong = {"artifacts": 0, "answers": 0, "errors": 0}, []
    for number in [int(ONLY)] if ONLY else range(ROUNDS // 5 if with_digits else ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        artifact, difference, counts = run_round(container, number, folder, with_digits)
        total["artifacts"] += 1
        for name, count in counts.items():
            total[name] += count
        if difference:
            columns = [(column.name, column.kind) for column in artifact.columns]
            model = re.sub(r"\s+", " ", repr(artifact.model))
            wrong.append("BYOC_SEED=%d BYOC_ROUND=%d %s\n%s\n%s\n%s" % (
                SEED, number, artifact.method, model, columns, difference))
            if len(wrong) >= int(os.environ.get("BYOC_MOST", "5")):
                break
    print(total)
    assert not wrong, "\n\n".join(wrong)
    if not ONLY:
        rounds = total["artifacts"]
        assert total["answers"] > rounds and total["errors"] > rounds / 10, total


def test_a_preprocessor_and_an_estimator_are_a_pipeline_of_containers_or_one_container(tmp_path):
    """The same fitted objects in two containers behind `byoc endpoint` and in one, both called with boto3."""
    columns = ["year", "feet", "porch"]
    generator = np.random.default_rng(SEED)
    data = pd.DataFrame({"year": generator.integers(1950, 2020, 80), "feet": generator.normal(3000, 750, 80),
                         "porch": generator.choice(["y", "n"], 80)})
    price = 200 * data["feet"] + 1e4 * (data["porch"] == "y")
    before = compose.ColumnTransformer([
        ("numbers", preprocessing.StandardScaler(), ["year", "feet"]),
        ("porch", preprocessing.OneHotEncoder(), ["porch"])])
    whole = pipeline.make_pipeline(before, linear_model.Ridge()).fit(data, price)
    after = linear_model.Ridge().fit(before.transform(data), price)

    def container(name, model, names, **environment):
        folder = tmp_path / name
        folder.mkdir()
        joblib.dump(model, folder / "model.joblib")
        (folder / "columns.json").write_text(json.dumps({"columns": names}))
        with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
            for file in ("model.joblib", "columns.json"):
                archive.add(folder / file, file)
        return {"ContainerHostname": name, "Image": "byoc", "ModelDataUrl": str(folder / "model.tar.gz"),
                "Environment": environment}

    def prices(name, *containers):
        config = tmp_path / (name + ".json")
        config.write_text(json.dumps({"EndpointName": name, "ModelName": name, "Containers": list(containers)}))
        endpoint = Endpoint(config)
        try:
            answer = runtime(endpoint.url).invoke_endpoint(
                EndpointName=name, ContentType="text/csv", Accept="application/json",
                Body=data.to_csv(header=False, index=False))
            return json.load(answer["Body"])
        finally:
            endpoint.process.kill()
            endpoint.process.wait()

    expected = whole.predict(data)
    one = prices("one", container("whole", whole, columns))
    two = prices("two", container("before", before, columns, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv"),
                 container("after", after, None))
    assert np.allclose(one, expected, rtol=TOLERANCE, atol=0)
    assert np.allclose(two, after.predict(before.transform(data)), rtol=TOLERANCE, atol=0)


def test_a_scaler_passes_missing_values_on_in_json(container, tmp_path):
    """Of two containers with JSON between them, the answer of the first is the request to the second."""
    data = pd.DataFrame({"a": [1.0, np.nan, 3.0, 5.0], "b": [2.0, 1.0, np.nan, 4.0]})
    before = preprocessing.StandardScaler().fit(data)
    scaled = before.transform(data)
    after = pipeline.make_pipeline(impute.SimpleImputer(), linear_model.LinearRegression()).fit(scaled, [1, 2, 3, 4])
    first = Loaded(container, tmp_path / "scaler", before)
    second = Loaded(container, tmp_path / "regression", after, {"columns": None})
    rows = [{name: None if value != value else value for name, value in row.items()} for row in data.to_dict("records")]
    for body, content_type in [(json.dumps(rows), "application/json"),
                               ("\n".join(json.dumps(row) for row in rows), "application/jsonlines"),
                               (json.dumps({"instances": data.values.tolist()}), "application/json")]:
        for between in ["application/json", "application/jsonlines"]:
            status, features = container.ask(
                "POST", first.path + "/invoke", body.encode(), content_type=content_type, accept=between)
            assert status == 200 and "NaN" in features, features
            status, answer = container.ask(
                "POST", second.path + "/invoke", features.encode(), content_type=between, accept="text/csv")
            assert status == 200, answer
            assert np.allclose([float(line) for line in answer.split()], after.predict(scaled), rtol=1e-12, atol=0)


class Loaded:
    """A model in the container, named after its folder."""

    def __init__(self, container, folder, model, columns=None):
        folder.mkdir()
        joblib.dump(model, folder / "model.joblib")
        if columns is not None:
            (folder / "columns.json").write_text(json.dumps(columns))
        self.container, self.path = container, "/models/%s" % folder.name
        order = json.dumps({"model_name": folder.name, "url": str(folder)}).encode()
        status, said = container.ask("POST", "/models", order, content_type="application/json")
        assert status == 200, said

    def ask(self, content, content_type="application/json", accept="application/json"):
        """The features of each row, or the message of a 400."""
        status, said = self.container.ask(
            "POST", self.path + "/invoke", content.encode(), content_type=content_type, accept=accept)
        if status == 400:
            return json.loads(said)["message"]
        assert status == 200, said
        return [instance["features"] for instance in json.loads(said)["instances"]]


def encoders():
    return {
        "one-hot": preprocessing.OneHotEncoder(sparse_output=False),
        "ignore": preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
        "ordinal": preprocessing.OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        "imputed": pipeline.make_pipeline(
            impute.SimpleImputer(strategy="most_frequent", add_indicator=True),
            preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore")),
    }


@pytest.mark.parametrize("name", sorted(encoders()))
@pytest.mark.parametrize("as_none", [False, True])
def test_a_null_of_json_is_the_missing_value_that_the_model_was_fitted_on(container, tmp_path, name, as_none):
    """In a column of text, pandas reads a null as NaN since version 3 and as None before; `as_none` is for models
    fitted before."""
    data = pd.read_csv(io.StringIO("color,x\nred,1\n,2\nblue,3\nred,4\n"))
    if as_none:
        if name == "imputed":
            pytest.skip("its missing_values is nan")
        data["color"] = pd.Series([None if color != color else color for color in data["color"]], dtype=object)
    model = compose.ColumnTransformer([("color", encoders()[name], ["color"]), ("x", "passthrough", ["x"])])
    model.fit(data)
    missing = None if as_none else np.nan
    frame = pd.DataFrame({"color": pd.Series([missing, "blue"], dtype=object), "x": [3, 4]})
    expected = model.transform(frame).tolist()
    alone = model.transform(frame[:1]).tolist()
    loaded = Loaded(container, tmp_path / ("null-%s-%s" % (name, as_none)), model)
    rows = [{"color": None, "x": 3}, {"color": "blue", "x": 4}]
    assert loaded.ask(json.dumps(rows)) == expected
    assert loaded.ask(json.dumps([{"x": 3}, {"color": "blue", "x": 4}])) == expected or as_none
    assert loaded.ask(json.dumps({"instances": [[None, 3], ["blue", 4]]})) == expected
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert loaded.ask(lines, content_type="application/jsonlines") == expected
    assert loaded.ask(json.dumps(rows[:1])) == alone
    assert loaded.ask(json.dumps([[None, 3]])) == alone
    if not as_none:
        assert loaded.ask(",3\nblue,4\n", content_type="text/csv") == expected


HALF, EXACT = 2 ** 63, 2 ** 53


@pytest.mark.parametrize("dtype, categories", [
    ("uint64", [HALF, HALF + 1, HALF + 2]), ("uint64", [EXACT, EXACT + 1, EXACT + 2, HALF]), ("uint64", [3, 5]),
    ("int64", [EXACT, EXACT + 1, EXACT + 2]), ("int64", [EXACT + 1, EXACT + 3]), ("int64", [-EXACT - 1, 7]),
    ("float64", [5.0, float(EXACT), float(HALF)])])
def test_large_integers_match_the_same_categories_as_in_scikit_learn(container, tmp_path, dtype, categories):
    data = pd.DataFrame({"id": np.array(categories, dtype), "y": range(len(categories))})
    bodies = [[HALF + 1], [HALF + 3], [EXACT + 1], [EXACT + 1, HALF], [EXACT + 3, HALF + 5], [-1, 5], [7, -EXACT - 1],
              [float(HALF), 1.5], [float(EXACT), 1.5, float(EXACT + 4)], [EXACT, None, EXACT + 2], [HALF, 5, EXACT + 2]]
    for number, encoder in enumerate([
            preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
            preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            preprocessing.TargetEncoder(target_type="continuous", smooth=0.0)]):
        encoder.fit(data[["id"]], data["y"])
        loaded = Loaded(container, tmp_path / ("large-%s-%d-%d" % (dtype, abs(hash(tuple(categories))), number)),
                        encoder)
        for body in bodies:
            text = "".join("%s\n" % ("" if value is None else repr(value)) for value in body)
            if None in body:
                text = text.replace("\n\n", '\n""\n')
            frame = pd.read_csv(io.StringIO(text), header=None, names=["id"])
            try:
                expected = np.asarray(encoder.transform(frame)).tolist()
            except IndexError:  # TargetEncoder looks up the negative category after its conversion to uint64
                continue
            assert loaded.ask(text, content_type="text/csv") == expected, (type(encoder), body, frame.dtypes)
        if number == 0:
            folder = str(tmp_path / loaded.path.split("/")[2])
            said = json.loads(subprocess.check_output([BYOC, "inspect", "--json", folder]))
            assert all(name in json.dumps(said) for name in encoder.get_feature_names_out()), said


def test_rows_by_name_may_omit_columns_that_no_transformer_uses(container, tmp_path):
    data = pd.DataFrame({name: [1.0, 2.0, 4.0] for name in "abdefgh"})
    data.insert(2, "c", ["x", "y", "x"])
    model = compose.ColumnTransformer([
        ("numbers", preprocessing.StandardScaler(), ["a", "e"]), ("text", preprocessing.OneHotEncoder(), ["c"]),
        ("dropped", "drop", ["b"])]).fit(data)
    loaded = Loaded(container, tmp_path / "unused", model)
    rows = [{"a": 1, "e": 2, "c": "x"}]
    assert loaded.ask(json.dumps(rows)) == model.transform(pd.DataFrame(rows)).tolist()
    header = loaded.ask("c,other,e,a\nx,7,2,1\n", content_type="text/csv; header=present")
    assert header == model.transform(pd.DataFrame(rows)).tolist()
    # A column of nulls becomes NaN; scikit-learn gets the dtype that the column would have in CSV with more rows.
    null = pd.DataFrame({"a": [np.nan], "e": [2], "c": ["x"]})
    assert str(loaded.ask(json.dumps([{"a": None, "e": 2, "c": "x"}]))) == str(model.transform(null).tolist())
    misspelled = [{"A": 1, "B": 2, "c": "x", "e": 1}]
    with pytest.raises(ValueError, match="columns are missing: {'a'}"):
        model.transform(pd.DataFrame(misspelled))
    message = loaded.ask(json.dumps(misspelled))
    assert 'found none for a; "A", "B" are not columns of the model' in message
    everything = compose.ColumnTransformer([("a", "passthrough", ["a"])], remainder="passthrough").fit(data)
    with pytest.raises(ValueError, match="columns are missing"):
        everything.transform(pd.DataFrame(rows))
    assert "found none for b, d, f, g, h" in Loaded(container, tmp_path / "all", everything).ask(json.dumps(rows))


def test_only_a_single_unused_column_of_numbers_is_taken_for_the_label(container, tmp_path):
    data = pd.DataFrame({"a": [1.0, 2.0], "c": [3.0, 4.0], "name": ["bob", "eve"]})
    both = compose.ColumnTransformer([("a", "passthrough", ["a"])]).fit(data)
    one = compose.ColumnTransformer([("a", "passthrough", ["a", "c"])]).fit(data)
    dropped = compose.ColumnTransformer([("a", "passthrough", ["a", "c"]), ("d", "drop", ["name"])]).fit(data)
    for name, model, numbers in [("both", both, [1]), ("one", one, [7, 1, 2]), ("dropped", dropped, [1, 2])]:
        loaded = Loaded(container, tmp_path / name, model)
        expected = model.transform(pd.DataFrame({"a": [1], "c": [2], "name": ["bob"]})).tolist()
        assert loaded.ask("1,2,bob\n", content_type="text/csv") == expected
        assert loaded.ask("1,2,7\n", content_type="text/csv") == [numbers]
        unlabelled = Loaded(container, tmp_path / (name + "_none"), model, {"label": None})
        assert unlabelled.ask("1,2,7\n", content_type="text/csv") == expected


def test_random_frames_whose_last_columns_are_dropped_need_no_columns_json(container, tmp_path):
    counts = {"answers": 0, "labels": 0, "errors": 0}
    for number in range(ROUNDS // 5):
        drawn = random.Random("dropped/%d/%d" % (SEED, number))
        artifact = WithDroppedColumns(drawn)
        folder, name = tmp_path / ("dropped%d" % number), "dropped%d" % number
        folder.mkdir()
        joblib.dump(artifact.model, folder / "model.joblib")
        status, said = container.ask("POST", "/models", json.dumps({"model_name": name, "url": str(folder)}).encode(),
                                     content_type="application/json")
        assert status == 200, said
        for rows, odd in [(1, 0), (3, 0), (5, 0.1)]:
            text = body(drawn, artifact.columns, rows, odd=odd)
            data = pd.read_csv(io.StringIO(text), header=None)
            data.columns = [column.name for column in artifact.columns]
            label = data[artifact.like_a_label] if artifact.like_a_label else None
            # Only a column of numbers is taken for the label; scikit-learn drops other columns.
            if label is not None and (label.dtype.kind not in "iuf" or label.isna().all()):
                label = None
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    answer = np.asarray(artifact.model.transform(data))
            except Exception as error:
                if "read-only" in str(error):
                    continue  # scikit-learn writes to a read-only array of pandas 3
                answer = None
            status, found = container.ask("POST", "/models/%s/invoke" % name, text.encode(), content_type="text/csv",
                                          accept="text/csv")
            about = "BYOC_SEED=%d round %d\n%r\n%s%s" % (SEED, number, artifact.model, text, found)
            if answer is None:
                assert status == 400, about
                counts["errors"] += 1
                continue
            assert status == 200, about
            rows_found = list(csv.reader(io.StringIO(found)))
            if label is not None:
                counts["labels"] += 1
                assert len(rows_found[0]) == answer.shape[1] + 1, about
                rows_found = [row[1:] for row in rows_found]
            largest = max([1.0] + [abs(value) for value in np.ravel(answer)
                                   if isinstance(value, (float, np.floating)) and np.isfinite(value)])
            assert all(len(row) == len(other) and all(near(a, b, largest) for a, b in zip(row, other))
                       for row, other in zip(rows_found, cells_of(answer))), "%s\n%s" % (about, answer)
            counts["answers"] += 1
        container.ask("DELETE", "/models/" + name)
    print(counts)
    assert counts["answers"] > ROUNDS // 5 and counts["labels"] > ROUNDS // 40, counts


def test_an_empty_array_is_refused_as_scikit_learn_refuses_it(container, tmp_path):
    model = preprocessing.StandardScaler().fit(np.eye(2))
    loaded = Loaded(container, tmp_path / "empty", model)
    with pytest.raises(ValueError, match="0 sample"):
        model.transform(np.empty((0, 2)))
    array = io.BytesIO()
    np.save(array, np.empty((0, 2)))
    for content, content_type in [(array.getvalue(), "application/x-npy"), (b"[]", "application/json"),
                                  (b'{"instances": []}', "application/json"), (b"", "text/csv")]:
        status, said = container.ask("POST", loaded.path + "/invoke", content, content_type=content_type)
        assert status == 400 and "expected at least one row, found none" in said, said
