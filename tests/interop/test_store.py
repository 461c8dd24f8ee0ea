"""Models in S3: an S3 server (moto), with and without faults of the connection."""
import concurrent.futures
import json
import pathlib
import signal
import subprocess
import time

import boto3
import botocore.exceptions
import moto.server
import pytest

from conftest import BYOC, Endpoint, Program, runtime
from fault_proxy import FaultProxy
from test_boto3 import PRICE, artifact, dearer, price

BUCKET = "houses"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def s3():
    """A client of an S3 server with the whole housing example in a bucket."""
    server = moto.server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test")
    client.create_bucket(Bucket=BUCKET)
    yield client
    server.stop()


@pytest.fixture(scope="module")
def proxy(s3):
    with FaultProxy(s3.meta.endpoint_url) as running:
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def in_s3(s3, proxy, housing, tmp_path_factory):
    """The housing endpoint with all artifacts in S3, behind the proxy."""
    s3.upload_file(str(housing / "preprocessor" / "model.tar.gz"), BUCKET, "preprocessor/model.tar.gz")
    folder = tmp_path_factory.mktemp("s3")
    config = json.loads((housing / "endpoint.json").read_text())
    preprocessor, learner = config["Containers"]
    preprocessor["ModelDataUrl"] = f"s3://{BUCKET}/preprocessor/model.tar.gz"
    learner["ModelDataUrl"] = f"s3://{BUCKET}/models/"
    (folder / "endpoint.json").write_text(json.dumps(config))
    endpoint = Endpoint(
        folder / "endpoint.json", BYOC_STATE_DIR=str(folder / "state"), AWS_ENDPOINT_URL_S3=proxy.url, **CREDENTIALS)
    endpoint.state = folder / "state"
    yield endpoint
    endpoint.process.kill()
    endpoint.process.wait()


@pytest.fixture
def in_s3_client(in_s3, proxy):
    proxy.will()
    return runtime(in_s3.url)


def upload(s3, housing, city, by):
    archive = housing / "models" / artifact("NewYork_NY")
    s3.put_object(Bucket=BUCKET, Key=f"models/{artifact(city)}", Body=dearer(archive, by))


def leftovers(endpoint):
    return [path.name for path in (endpoint.state / "models").iterdir() if path.name.startswith("download-")]


def test_an_uploaded_model_answers_at_once_and_is_downloaded_once(in_s3_client, s3, housing, proxy, in_s3):
    upload(s3, housing, "Paris", 500)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        prices = list(threads.map(lambda _: price(in_s3_client, artifact("Paris")), range(32)))
    assert prices == pytest.approx([PRICE + 500] * 32, rel=2e-6)
    assert [path for _, path, _ in proxy.seen] == [f"/{BUCKET}/models/Paris/Paris.tar.gz"]
    assert leftovers(in_s3) == []


def test_a_model_that_is_not_in_the_bucket_is_a_validation_error(in_s3_client):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        price(in_s3_client, artifact("Atlantis"))
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    assert f"s3://{BUCKET}/models/Atlantis/Atlantis.tar.gz" in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize(("name", "faults"), [
    ("Slow", [("delay", 1.0)]),
    ("Busy", [("status", 503), ("status", 503)]),
    ("Reset", [("reset", 0)]),
    ("HalfReset", [("reset", 400), ("reset", 100)]),
    ("All", [("status", 503), ("reset", 300), ("delay", 0.2)]),
])
def test_callers_do_not_notice_faults_of_a_download(in_s3_client, s3, housing, proxy, in_s3, name, faults):
    upload(s3, housing, name, 700)
    proxy.will(*faults)
    assert price(in_s3_client, artifact(name)) == pytest.approx(PRICE + 700, rel=2e-6)
    assert leftovers(in_s3) == []


def test_a_download_that_keeps_failing_loads_nothing_and_a_later_request_tries_again(
        in_s3_client, s3, housing, proxy, in_s3):
    upload(s3, housing, "Broken", 900)
    loaded = in_s3.metric("byoc_endpoint_loaded_models")
    # boto3 retries after a 503, and each retry starts a download.
    proxy.will(*[("reset", 100)] * 100)
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        price(in_s3_client, artifact("Broken"))
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert "Failed to download model data" in raised.value.response["Error"]["Message"]
    assert in_s3.metric("byoc_endpoint_loaded_models") == loaded
    assert leftovers(in_s3) == []
    proxy.will()
    assert price(in_s3_client, artifact("Broken")) == pytest.approx(PRICE + 900, rel=2e-6)


def test_an_object_that_is_not_an_archive_is_a_validation_error_and_can_be_replaced(in_s3_client, s3, housing):
    s3.put_object(Bucket=BUCKET, Key=f"models/{artifact('Text')}", Body=b"this is no archive")
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        price(in_s3_client, artifact("Text"))
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    upload(s3, housing, "Text", 100)
    assert price(in_s3_client, artifact("Text")) == pytest.approx(PRICE + 100, rel=2e-6)


@pytest.fixture(scope="module")
def later_in_s3(proxy, housing, tmp_path_factory):
    """An endpoint for asynchronous invocations with its inputs and outputs in S3, behind the proxy."""
    folder = tmp_path_factory.mktemp("later")
    model = {"ModelName": "m", "PrimaryContainer": {
        "Image": "byoc", "ModelDataUrl": str(housing / "preprocessor" / "model.tar.gz")}}
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    output = {"S3OutputPath": f"s3://{BUCKET}/answers/", "S3FailurePath": f"s3://{BUCKET}/failures"}
    (folder / "endpoint.json").write_text(json.dumps({
        "EndpointName": "later", "EndpointConfigName": "later", "ProductionVariants": [variant], "Models": [model],
        "AsyncInferenceConfig": {"OutputConfig": output}}))
    endpoint = Endpoint(folder / "endpoint.json", AWS_ENDPOINT_URL_S3=proxy.url, **CREDENTIALS)
    yield runtime(endpoint.url)
    endpoint.process.kill()
    endpoint.process.wait()


def in_bucket(s3, url):
    """Waits for an object and returns its content, which is complete as soon as it exists."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    end = time.monotonic() + 30
    while True:
        try:
            return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            assert time.monotonic() < end, url
            time.sleep(0.01)


def invoke_later(client, key):
    return client.invoke_endpoint_async(
        EndpointName="later", InputLocation=f"s3://{BUCKET}/{key}", ContentType="text/csv", Accept="text/csv",
        InferenceId="id-1", S3OutputPathExtension="today")


@pytest.mark.parametrize("faults", [[], [("status", 503), ("reset", 0), ("delay", 0.2)]])
def test_an_asynchronous_input_comes_from_s3_and_its_answer_goes_there(later_in_s3, s3, proxy, housing, faults):
    s3.upload_file(str(housing / "house.csv"), BUCKET, "inputs/house.csv")
    proxy.will(*faults)
    answer = invoke_later(later_in_s3, "inputs/house.csv")
    request = answer["ResponseMetadata"]["RequestId"]
    assert answer["OutputLocation"] == f"s3://{BUCKET}/answers/today/{request}.out"
    assert answer["FailureLocation"] == f"s3://{BUCKET}/failures/today/{request}-error.out"
    assert len(in_bucket(s3, answer["OutputLocation"]).decode().strip().split(",")) == 10


@pytest.mark.parametrize(("stored", "said", "answered"), [
    ("text/csv; header=present", {}, True),
    ("text/csv; header=present", {"ContentType": "text/csv"}, False),
    ("application/json", {}, True),
    (None, {}, True),
])
def test_an_asynchronous_input_has_the_content_type_of_its_object(
        later_in_s3, s3, proxy, housing, stored, said, answered):
    house = (housing / "house.csv").read_text().strip()
    names = "YEAR_BUILT,SQUARE_FEET,NUM_BEDROOMS,NUM_BATHROOMS,LOT_ACRES,GARAGE_SPACES,FRONT_PORCH,DECK"
    values = [cell if cell.isalpha() else float(cell) for cell in house.split(",")]
    body = {"application/json": json.dumps([values]), None: house}.get(stored, f"{names}\n{house}\n")
    proxy.will()
    s3.put_object(Bucket=BUCKET, Key="inputs/typed", Body=body, **({"ContentType": stored} if stored else {}))
    answer = later_in_s3.invoke_endpoint_async(
        EndpointName="later", InputLocation=f"s3://{BUCKET}/inputs/typed", Accept="text/csv", **said)
    if answered:
        assert len(in_bucket(s3, answer["OutputLocation"]).decode().strip().split(",")) == 10
    else:
        failure = json.loads(in_bucket(s3, answer["FailureLocation"]))
        assert failure["OriginalStatusCode"] == 400, "the names are a row then"


def test_the_next_request_is_answered_by_a_model_that_was_replaced_in_s3(s3, proxy, housing, tmp_path):
    proxy.will()
    models = "refresh/models"

    def put(city):
        s3.upload_file(str(housing / f"models/{city}/{city}.tar.gz"), BUCKET, f"{models}/a.tar.gz")

    put("Chicago_IL")
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps({
        "EndpointName": "e", "ModelName": "m", "PrimaryContainer": {
            "Image": "i", "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/{models}/"}}))
    endpoint = Endpoint(config, BYOC_MODEL_REFRESH="changed", AWS_ENDPOINT_URL_S3=proxy.url, **CREDENTIALS)
    client = runtime(endpoint.url)

    def loads():
        return sum(" loaded a.tar.gz as " in line for line in endpoint.log)

    def answer():
        return client.invoke_endpoint(
            EndpointName="e", TargetModel="a.tar.gz", ContentType="text/csv",
            Body=b"1,2,3,4,5,6,7,8,9,10")["Body"].read()

    try:
        answer()
        answer()
        assert loads() == 1
        put("Houston_TX")
        answer()
        assert loads() == 2
        s3.delete_object(Bucket=BUCKET, Key=f"{models}/a.tar.gz")
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            answer()
        assert raised.value.response["Error"]["Code"] == "ValidationError"
        put("Houston_TX")
        answer()
    finally:
        endpoint.process.kill()
        endpoint.process.wait()


def test_a_missing_asynchronous_input_is_a_failure_object_in_s3(later_in_s3, s3, proxy):
    proxy.will()
    failure = json.loads(in_bucket(s3, invoke_later(later_in_s3, "inputs/none.csv")["FailureLocation"]))
    assert failure["Message"] == f"The input s3://{BUCKET}/inputs/none.csv could not be read: nothing is there."


def test_missing_credentials_are_reported_at_the_start(tmp_path):
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps({
        "EndpointName": "e", "ModelName": "m",
        "PrimaryContainer": {"Image": "i", "ModelDataUrl": f"s3://{BUCKET}/preprocessor/model.tar.gz"}}))
    command = [BYOC, "endpoint", "--config", str(config), "--port", "0"]
    ended = subprocess.run(command, env={}, capture_output=True, text=True, timeout=10, check=False)
    assert ended.returncode == 78
    assert "no AWS credentials; set AWS_ACCESS_KEY_ID" in ended.stderr


def test_a_model_in_s3_is_inspected_and_served_as_an_archive_a_file_and_a_folder(s3, housing, tmp_path):
    archive = housing / "models" / artifact("Chicago_IL")
    s3.upload_file(str(archive), BUCKET, "lone/model.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    s3.upload_file(str(tmp_path / "model_algo-1"), BUCKET, "folder/v1/model_algo-1")
    environment = {"AWS_ENDPOINT_URL_S3": s3.meta.endpoint_url, **CREDENTIALS}

    def inspect(url):
        return subprocess.run(
            [BYOC, "inspect", url], env=environment, capture_output=True, text=True, timeout=60, check=False)

    for name in ("lone/model.tar.gz", "folder/v1", "folder/v1/", "folder/v1/model_algo-1"):
        url = f"s3://{BUCKET}/{name}"
        said = inspect(url)
        assert said.returncode == 0 and "linear learner: regressor, 10 features" in said.stdout, said
        shown = url.rstrip("/")
        served = Program("serve", "--host", "127.0.0.1", "--model-dir", url, **environment)
        assert served.find(rf"(loaded linear learner .* from {shown})")
        assert served.stop(signal.SIGTERM) == 0
    said = inspect(f"s3://{BUCKET}/lone/modle.tar.gz")
    assert said.returncode == 66
    assert f"did you mean s3://{BUCKET}/lone/model.tar.gz?" in said.stderr and "--model-dir" not in said.stderr, said
    said = inspect("s3://no-such-bucket/model.tar.gz")
    assert said.returncode == 66 and "there is no such bucket" in said.stderr, said


def test_containers_do_not_see_the_credentials(in_s3):
    (child, *_) = subprocess.run(
        ["pgrep", "-P", str(in_s3.process.pid)], capture_output=True, text=True, check=True).stdout.split()
    environment = pathlib.Path(f"/proc/{child}/environ").read_bytes()
    assert b"SAGEMAKER_BIND_TO_PORT" in environment and b"AWS_SECRET_ACCESS_KEY" not in environment


def test_the_endpoint_in_front_of_s3_stops(in_s3):
    assert in_s3.stop(signal.SIGTERM) == 0
