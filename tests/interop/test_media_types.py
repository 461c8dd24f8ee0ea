"""Binary bodies that SageMaker's SDK and NumPy write and read, against a running `byoc serve`.

`sagemaker.amazon.common` and `numpy.save` write the requests; `read_records` and `numpy.load` read the answers.
"""
import csv
import importlib
import io
import json
import sys
import tarfile
import types
import urllib.error
import urllib.request

import pytest

from conftest import ROOT, Program

np = pytest.importorskip("numpy")
sparse = pytest.importorskip("scipy.sparse")

RECORDIO = "application/x-recordio-protobuf"
NPY = "application/x-npy"


def record_io():
    """`sagemaker.amazon.common` without the rest of the SDK, whose imports need pandas and an AWS session. Empty
    modules replace those from which it only imports base classes."""
    found = importlib.util.find_spec("sagemaker")
    if found is None:
        pytest.skip("the sagemaker package is not installed")
    for name, members in [
        ("sagemaker", {}),
        ("sagemaker.amazon", {}),
        ("sagemaker.deprecations", {"deprecated_class": lambda cls, name: cls}),
        ("sagemaker.deserializers", {"SimpleBaseDeserializer": object}),
        ("sagemaker.serializers", {"SimpleBaseSerializer": object}),
        ("sagemaker.utils", {"DeferredError": Exception}),
    ]:
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module
    folder = found.submodule_search_locations[0]
    sys.modules["sagemaker"].__path__ = [folder]
    sys.modules["sagemaker.amazon"].__path__ = [f"{folder}/amazon"]
    return importlib.import_module("sagemaker.amazon.common")


@pytest.fixture(scope="session")
def common():
    return record_io()


class Container(Program):
    """`byoc serve` with one model."""

    def __init__(self, folder, **variables):
        super().__init__("serve", "--host", "127.0.0.1", "--model-dir", folder, **variables)

    def invoke(self, body, content_type, accept="application/json"):
        request = urllib.request.Request(
            self.url + "/invocations", body, {"Content-Type": content_type, "Accept": accept})
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.headers["Content-Type"] == accept
            return response.read()

    def refused(self, body, content_type, accept="application/json"):
        """The status and message of a rejected request."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.invoke(body, content_type, accept)
        return refused.value.code, json.loads(refused.value.read())["message"]


def learner(case, folder):
    case = ROOT / "tests" / "fixtures" / "linear-learner" / case
    with tarfile.open(case / "model.tar.gz") as archive:
        for member in archive:
            (folder / "model_algo-1").write_bytes(archive.extractfile(member).read())
    with open(case / "requests" / "dense.csv") as rows:
        features = np.array([[float(cell) for cell in row] for row in csv.reader(rows)])
    return Container(folder), features, json.loads((case / "expected" / "scores.json").read_text())


@pytest.fixture(scope="module", params=["regressor_housing", "binary_logistic", "multiclass_4", "binary_sparse"])
def case(request, tmp_path_factory):
    container, features, expected = learner(request.param, tmp_path_factory.mktemp("model"))
    yield container, features, expected
    container.process.kill()
    container.process.wait()


@pytest.fixture(scope="module")
def preprocessor():
    container = Container(ROOT / "tests" / "fixtures" / "sklearn" / "1.4.2" / "housing")
    yield container
    container.process.kill()
    container.process.wait()


def saved(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def dense(common, array, labels=None):
    file = io.BytesIO()
    common.write_numpy_to_dense_tensor(file, array, labels)
    return file.getvalue()


def json_scores(answer):
    return np.array([row["score"] for row in json.loads(answer)["predictions"]]).reshape(-1)


def assert_scores(found, expected):
    np.testing.assert_allclose(np.reshape(found, -1), np.reshape(expected["scores"], -1), rtol=2e-6)


def test_records_of_the_sdk_are_scored_in_every_type(common, case):
    container, features, expected = case
    whole = np.rint(features).astype(int)
    assert_scores(json_scores(container.invoke(dense(common, features.astype(np.float32)), RECORDIO)), expected)
    assert_scores(json_scores(container.invoke(dense(common, features), RECORDIO)), expected)
    labels = np.arange(len(features), dtype=np.float32)
    assert_scores(json_scores(container.invoke(dense(common, features, labels), RECORDIO)), expected)
    integers = json_scores(container.invoke(dense(common, whole), RECORDIO))
    np.testing.assert_array_equal(integers, json_scores(container.invoke(saved(whole), NPY)))


def test_sparse_records_of_the_sdk_are_scored_including_a_row_of_zeros(common, case):
    container, features, expected = case
    file = io.BytesIO()
    common.write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix(features.astype(np.float32)))
    assert_scores(json_scores(container.invoke(file.getvalue(), RECORDIO)), expected)
    zeros = np.zeros((2, features.shape[1]), np.float32)
    file = io.BytesIO()
    common.write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix(zeros))
    np.testing.assert_array_equal(
        json_scores(container.invoke(file.getvalue(), RECORDIO)), json_scores(container.invoke(saved(zeros), NPY)))


def test_the_sdk_reads_the_records_of_an_answer(common, case):
    container, features, expected = case
    answer = container.invoke(saved(features), NPY, RECORDIO)
    records = common.read_records(io.BytesIO(answer))
    assert_scores([list(record.label["score"].float32_tensor.values) for record in records], expected)
    labels = expected["predicted_labels"]
    if labels is None:
        assert all(set(record.label) == {"score"} for record in records)
    else:
        found = [list(record.label["predicted_label"].float32_tensor.values) for record in records]
        assert found == [[label] for label in labels]
    # The SDK's own classes write the same bytes back.
    assert sum(8 + (record.ByteSize() + 3) // 4 * 4 for record in records) == len(answer)


def test_numpy_reads_the_array_of_an_answer(case):
    container, features, expected = case
    array = np.load(io.BytesIO(container.invoke(saved(features), NPY, NPY)))
    assert array.dtype == np.float32
    rows = len(features)
    if expected["predicted_labels"] is None:
        assert array.shape == (rows,)
        assert_scores(array, expected)
    else:
        assert_scores(array[:, :-1], expected)
        np.testing.assert_array_equal(array[:, -1], expected["predicted_labels"])


@pytest.mark.parametrize("dtype",
                         ["?", "i1", "u1", "<i2", ">i2", "<u4", ">u8", "<i8", ">i8", "<f2", ">f2", "<f4", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_type_and_order_are_scored(case, dtype, order):
    container, features, _ = case
    array = np.asarray(np.rint(features) % 2, dtype=dtype, order=order)
    expected = json_scores(container.invoke(saved(array.astype(float)), NPY))
    np.testing.assert_array_equal(json_scores(container.invoke(saved(array), NPY)), expected)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_npy_format_is_read(case, version):
    container, features, expected = case
    file = io.BytesIO()
    np.lib.format.write_array(file, features, version=version)
    assert_scores(json_scores(container.invoke(file.getvalue(), NPY)), expected)


def test_an_array_of_one_dimension_is_one_row(case):
    container, features, _ = case
    expected = json_scores(container.invoke(saved(features[:1]), NPY))
    np.testing.assert_array_equal(json_scores(container.invoke(saved(features[0]), NPY)), expected)


def test_arrays_without_numbers_are_refused_with_the_reason(case):
    container, features, _ = case
    objects = saved(np.array([[1, "x"]], dtype=object), allow_pickle=True)
    structured = saved(np.zeros(2, dtype=[("a", "<f8"), ("b", "<i4")]))
    for body, reason in [
        (objects, "a pickle could run code"),
        (structured, "structured"),
        (saved(np.array([["a", "b"]])), "text"),
        (saved(features.astype(complex)), "complex"),
        (saved(features[:, 1:]), f"expected {features.shape[1]} features, found {features.shape[1] - 1}"),
        (saved(np.full_like(features, np.nan)), "expected a finite float32, found NaN"),
        (saved(features)[:-1], "bytes after the header"),
    ]:
        status, message = container.refused(body, NPY)
        assert status == 400 and reason in message, message


def test_features_are_returned_as_arrays_and_as_records_with_their_label(common, preprocessor):
    houses = b"1993,2728,6,3.0,0.7,1,y,y,429700\n1950,800,1,1,0.2,0,n,n,90000\n"
    text = preprocessor.invoke(houses, "text/csv", "text/csv").decode()
    expected = np.array([[float(cell) for cell in line.split(",")] for line in text.splitlines()])
    array = np.load(io.BytesIO(preprocessor.invoke(houses, "text/csv", NPY)))
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, expected)
    records = common.read_records(io.BytesIO(preprocessor.invoke(houses, "text/csv", RECORDIO)))
    features = [list(record.features["values"].float32_tensor.values) for record in records]
    labels = [list(record.label["values"].float32_tensor.values) for record in records]
    np.testing.assert_array_equal(np.array(features, np.float32), expected[:, 1:].astype(np.float32))
    assert labels == [[429700], [90000]]
