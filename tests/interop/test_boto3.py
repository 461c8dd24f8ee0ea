"""boto3's `sagemaker-runtime` against `byoc endpoint` with the housing example."""
import concurrent.futures
import io
import json
import re
import signal
import struct
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
import zipfile

import boto3
import botocore.exceptions
import botocore.session
import botocore.validate
import pytest

from conftest import BYOC, Endpoint, runtime

HOUSE = b"1993,2728,6,3.0,0.7,1,y,y\n"
# The price of that house by the formula that generated the data.
PRICE = 429700
CITIES = ["NewYork_NY", "Chicago_IL", "Houston_TX"]


def artifact(city):
    return f"{city}/{city}.tar.gz"


def price(client, target_model, body=HOUSE):
    answer = client.invoke_endpoint(
        EndpointName="housing", TargetModel=target_model, ContentType="text/csv", Body=body)
    (prediction,) = json.load(answer["Body"])["predictions"]
    return prediction["score"]


def dearer(archive, by):
    """The bytes of a city's artifact, with every price raised by an amount."""
    with tarfile.open(archive) as tar:
        inner = zipfile.ZipFile(io.BytesIO(tar.extractfile("model_algo-1").read()))
    files = {name: inner.read(name) for name in inner.namelist()}
    params = bytearray(files["mx-mod-0000.params"])
    # The bias is the last array; after it come the number of names, and two names with their lengths.
    at = len(params) - (8 + 8 + len("arg:fc0_weight") + 8 + len("arg:fc0_bias")) - 4
    (bias,) = struct.unpack_from("<f", params, at)
    struct.pack_into("<f", params, at, bias + by)
    files["mx-mod-0000.params"] = bytes(params)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w:gz") as out:
        member = tarfile.TarInfo("model_algo-1")
        member.size = len(zipped.getvalue())
        out.addfile(member, io.BytesIO(zipped.getvalue()))
    return tarred.getvalue()


@pytest.mark.parametrize("city", CITIES)
def test_every_city_answers(client, city):
    answer = client.invoke_endpoint(
        EndpointName="housing", TargetModel=artifact(city), ContentType="text/csv", Accept="application/json",
        Body=HOUSE)
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer["ResponseMetadata"]["RequestId"])
    body = json.load(answer["Body"])
    assert list(body) == ["predictions"]
    (prediction,) = body["predictions"]
    assert prediction["score"] == pytest.approx(PRICE, rel=2e-6)


def test_several_houses_answer_in_order(client):
    answer = client.invoke_endpoint(
        EndpointName="housing", TargetModel=artifact("NewYork_NY"), ContentType="text/csv",
        Body=HOUSE + HOUSE.replace(b"2728", b"2729"))
    scores = [prediction["score"] for prediction in json.load(answer["Body"])["predictions"]]
    assert scores == pytest.approx([PRICE, PRICE + 150], rel=2e-6)


def test_a_body_of_the_wrong_width_is_a_model_error(client):
    with pytest.raises(client.exceptions.ModelError) as raised:
        client.invoke_endpoint(
            EndpointName="housing", TargetModel=artifact("NewYork_NY"), ContentType="text/csv", Body=b"1,2\n")
    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert response["LogStreamArn"] == "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/housing"
    assert response["OriginalMessage"]
    message = response["Message"]
    assert message == response["Error"]["Message"]
    assert message.startswith("Received client error (400) from preprocessor with message \"")
    assert message.endswith(" in account 123456789012 for more information.")


@pytest.mark.parametrize(("endpoint_name", "target_model", "message"), [
    ("nope", artifact("NewYork_NY"), r"Endpoint nope of account 123456789012 not found\."),
    ("housing", None, r"Request [-0-9a-f]{36} is missing a target model header\."),
    ("housing", artifact("Paris"), r"Failed to download model data .*\./models/Paris/Paris\.tar\.gz.*"),
    ("housing", "../preprocessor/model.tar.gz", r"TargetModel .* must be a path below ModelDataUrl.*"),
])
def test_a_wrong_request_is_a_validation_error(client, endpoint_name, target_model, message):
    target = {} if target_model is None else {"TargetModel": target_model}
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.invoke_endpoint(EndpointName=endpoint_name, ContentType="text/csv", Body=HOUSE, **target)
    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "ValidationError"
    assert re.fullmatch(message, response["Error"]["Message"])


def test_a_model_copied_to_the_prefix_answers_at_once_and_is_loaded_once(client, endpoint, housing):
    city = "Dallas_TX"
    (housing / "models" / city).mkdir()
    archive = housing / "more-models" / "LosAngeles_CA" / "LosAngeles_CA.tar.gz"
    (housing / "models" / artifact(city)).write_bytes(dearer(archive, 1000))
    misses = endpoint.metric("byoc_endpoint_model_cache_misses_total")
    with concurrent.futures.ThreadPoolExecutor(32) as threads:
        prices = list(threads.map(lambda _: price(client, artifact(city)), range(64)))
    # Only the named model answers.
    assert prices == pytest.approx([PRICE + 1000] * 64, rel=2e-6)
    assert endpoint.metric("byoc_endpoint_model_cache_misses_total") == misses + 1


def test_the_configuration_is_valid_for_create_model(housing):
    config = json.loads((housing / "endpoint.json").read_text())
    assert config.pop("EndpointName") == "housing"
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateModel").input_shape
    assert not botocore.validate.ParamValidator().validate(config, shape).has_errors()


def is_gone(url):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url + "/ping", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_no_container_outlives_the_endpoint(housing, sent, code):
    endpoint = Endpoint(housing / "endpoint.json")
    containers = endpoint.container_urls()
    assert len(containers) == 2
    assert endpoint.stop(sent) == code
    assert all(is_gone(url) for url in containers)


def test_even_a_quiet_log_has_the_address_of_the_endpoint(housing):
    endpoint = Endpoint(housing / "endpoint.json", SAGEMAKER_CONTAINER_LOG_LEVEL="error")
    assert endpoint.stop(signal.SIGTERM) == 0
    # Only the address of the endpoint: those of its containers are internal.
    assert len(endpoint.log) == 1 and "listening on" in endpoint.log[0]


@pytest.mark.parametrize(("operation", "members", "instead"), [
    ("create_model", {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/SageMaker"},
     "--config FILE"),
    ("describe_endpoint", {"EndpointName": "housing"}, "GET /ping"),
])
def test_other_operations_are_refused_by_name(endpoint, operation, members, instead):
    client = boto3.client(
        "sagemaker", endpoint_url=endpoint.url, region_name="us-east-1", aws_access_key_id="any",
        aws_secret_access_key="any")
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        getattr(client, operation)(**members)
    error, metadata = raised.value.response["Error"], raised.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == ("UnknownOperationException", 400)
    assert metadata["RequestId"]
    name = operation.title().replace("_", "")
    assert error["Message"].startswith(f"{name} of SageMaker is not answered here") and instead in error["Message"]


def test_the_answer_and_the_logs_of_the_endpoint_and_the_container_share_a_request_id(endpoint, client):
    with pytest.raises(client.exceptions.ModelError) as raised:
        client.invoke_endpoint(
            EndpointName="housing", TargetModel=artifact("NewYork_NY"), ContentType="text/csv", Body=b"1,2\n")
    request = raised.value.response["ResponseMetadata"]["RequestId"]
    endpoint.wait_for(lambda: sum(request in line for line in endpoint.log) >= 2)
    lines = [line for line in endpoint.log if request in line]
    assert any(line.startswith("[preprocessor] ") and f"request {request}: 400" in line for line in lines), lines
    assert any(f"endpoint housing, request {request}: ModelError (424)" in line for line in lines), lines


def test_a_validation_error_is_logged(endpoint, client):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.invoke_endpoint(EndpointName="housing", ContentType="text/csv", Body=HOUSE)
    request = raised.value.response["ResponseMetadata"]["RequestId"]
    line = (f"INFO .*endpoint housing, request {request}: "
            "ValidationError \\(400\\): (Request .* is missing a target model)")
    endpoint.wait_for(lambda: endpoint.find(line))


def test_a_leading_slash_of_a_target_model_is_ignored(endpoint, client):
    def answer(target_model):
        return client.invoke_endpoint(
            EndpointName="housing", TargetModel=target_model, ContentType="text/csv", Body=HOUSE)["Body"].read()

    assert answer("/" + artifact("Chicago_IL")) == answer(artifact("Chicago_IL"))
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        answer("/../models/" + artifact("Chicago_IL"))
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_the_endpoint_prints_a_command_to_try_it(housing):
    endpoint = Endpoint(housing / "endpoint.json")
    endpoint.stop(signal.SIGTERM)
    (command,) = [line for line in endpoint.output if line.startswith("curl ")]
    assert f"--data-binary '{HOUSE.decode().strip()}'" in command
    assert "-H 'X-Amzn-SageMaker-Target-Model: Chicago_IL/Chicago_IL.tar.gz'" in command
    assert f"{endpoint.url}/endpoints/housing/invocations" in command


def test_a_port_in_use_is_an_error_with_a_hint(endpoint, housing):
    port = endpoint.url.rpartition(":")[2]
    command = [BYOC, "endpoint", "--config", str(housing / "endpoint.json"), "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 74
    assert f"127.0.0.1:{port}" in ended.stderr and "--port" in ended.stderr
