"""The three operations of boto3's `sagemaker-runtime` against `byoc endpoint`, with scripted containers."""
import contextlib
import json
import pathlib
import re
import time
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.session
import botocore.validate
import pytest

from conftest import Endpoint, runtime
from containers import ScriptedContainer

NAMES = ["blue", "green", "first", "last"]


def container(name):
    return {"Image": "i", "ContainerHostname": name}


def create_endpoint_config(name, variants, **more):
    return {"EndpointName": name, "EndpointConfigName": name, "ProductionVariants": variants, **more}


def configurations(folder):
    """Writes configurations of five endpoints in AWS's JSON."""
    models = [
        {"ModelName": name, "ExecutionRoleArn": "arn:aws:iam::111122223333:role/r", "PrimaryContainer": container(name)}
        for name in ("blue", "green")
    ]
    blue = {"VariantName": "Blue", "ModelName": "blue", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    green = {**blue, "VariantName": "Green", "ModelName": "green", "InitialVariantWeight": 0.5}
    both = {"ModelName": "both", "Containers": [container("first"), container("last")]}
    output = {"OutputConfig": {"S3OutputPath": f"file://{folder}/out", "S3FailurePath": f"file://{folder}/failed"}}
    return [
        {"EndpointName": "one", "ModelName": "blue", "PrimaryContainer": container("blue")},
        create_endpoint_config("two", [blue, green], Models=models),
        create_endpoint_config("copied", [blue], ShadowProductionVariants=[green], Models=models),
        create_endpoint_config("later", [blue], AsyncInferenceConfig=output, Models=models),
        {**both, "EndpointName": "pipeline"},
        {**both, "EndpointName": "direct", "InferenceExecutionConfig": {"Mode": "Direct"}},
    ]


@pytest.fixture(scope="module")
def containers():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(ScriptedContainer(name)) for name in NAMES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("endpoints")


@pytest.fixture(scope="module")
def endpoints(containers, folder):
    files = []
    for config in configurations(folder):
        files.append(folder / f"{config['EndpointName']}.json")
        files[-1].write_text(json.dumps(config))
    urls = ",".join(f"{name}={one.url}" for name, one in containers.items())
    running = Endpoint(
        *files, BYOC_ENDPOINT_CONTAINERS=urls, BYOC_ENDPOINT_CONTAINER_TIMEOUT="2",
        BYOC_ENDPOINT_MAX_REQUEST_SIZE="1M", BYOC_ENDPOINT_MAX_HAND_OVER_SIZE="1K",
        BYOC_STATE_DIR=str(folder / "state"))
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture(scope="module")
def client(endpoints):
    return runtime(endpoints.url)


@pytest.fixture(autouse=True)
def forget(containers):
    for one in containers.values():
        one.seen.clear()
        one.release.clear()


def invoke(client, endpoint, body, **more):
    return client.invoke_endpoint(EndpointName=endpoint, Body=body, **more)


def error(client, *arguments, **more):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        invoke(client, *arguments, **more)
    return raised.value.response


def test_the_configurations_are_valid_for_aws(folder):
    service = botocore.session.get_session().get_service_model("sagemaker")
    for config in configurations(folder):
        config.pop("EndpointName")
        operation = "CreateEndpointConfig" if "Models" in config else "CreateModel"
        parts = [(operation, config)] + [("CreateModel", model) for model in config.pop("Models", [])]
        for operation, part in parts:
            shape = service.operation_model(operation).input_shape
            report = botocore.validate.ParamValidator().validate(part, shape)
            assert not report.has_errors(), report.generate_report()


def test_the_members_of_the_api_reach_the_container_and_come_back(client, containers):
    answer = invoke(
        client, "one", b"hello", ContentType="text/csv", Accept="text/plain", CustomAttributes="asked",
        InferenceId="id-1")
    assert answer["Body"].read() == b"blue: hello"
    assert answer["ContentType"] == "text/plain; charset=utf-8"
    assert answer["CustomAttributes"] == "answered"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer["ResponseMetadata"]["RequestId"])
    assert "NewSessionId" not in answer and "ClosedSessionId" not in answer
    (seen, _), = containers["blue"].seen
    seen = {name.lower(): value for name, value in seen.items()}
    assert seen["content-type"] == "text/csv" and seen["accept"] == "text/plain"
    assert seen["x-amzn-sagemaker-custom-attributes"] == "asked"
    assert seen["x-amzn-sagemaker-inference-id"] == "id-1"
    assert "authorization" not in seen and "user-agent" not in seen and "x-amz-date" not in seen


@pytest.mark.parametrize(("status", "said"), [(400, "client error"), (503, "server error"), (301, "server error")])
def test_any_error_status_of_a_container_is_a_model_error(client, status, said):
    response = error(client, "one", f"status {status} because".encode())
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "because"
    assert response["LogStreamArn"] == "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/one"
    expected = f"Received {said} ({status}) from primary with message \"because\". See https://"
    assert response["Message"].startswith(expected)


def test_a_container_that_takes_too_long_is_a_model_error_with_status_0(client):
    response = error(client, "one", b"hang")
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 0)
    assert response["OriginalMessage"].startswith(
        "Your invocation timed out while waiting for a response from container primary.")


def test_a_body_beyond_the_limit_is_refused(client):
    assert invoke(client, "one", b"x" * (1 << 20))["ResponseMetadata"]["HTTPStatusCode"] == 200
    response = error(client, "one", b"x" * ((1 << 20) + 1))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413


@pytest.mark.parametrize(("endpoint", "more", "message"), [
    ("none", {}, r"Endpoint none of account \d{12} not found\."),
    ("one", {"TargetModel": "a"},
     "Endpoint one is not a multi-model endpoint and does not support target model header."),
    ("one", {"TargetVariant": "Red"}, "Variant Red of endpoint one not found; it has AllTraffic."),
    ("one", {"TargetContainerHostname": "blue"}, "Endpoint one is not configured for direct invocation .*"),
    ("one", {"SessionId": "unknown-1"}, "Session unknown-1 of endpoint one not found; .*"),
    ("one", {"InferenceComponentName": "ic"}, "There is no inference component ic; .*"),
    ("direct", {}, r"Request [-0-9a-f]{36} is missing a target container hostname header; .*"),
    ("direct", {"TargetContainerHostname": "blue"}, "Container blue of endpoint direct not found; it has first, last."),
    ("later", {}, "Endpoint later has AsyncInferenceConfig and takes InvokeEndpointAsync only."),
])
def test_a_wrong_request_is_a_validation_error(client, containers, endpoint, more, message):
    response = error(client, endpoint, b"hello", **more)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "ValidationError"
    assert re.fullmatch(message, response["Error"]["Message"]), response["Error"]["Message"]
    assert not any(one.seen for one in containers.values())


def test_a_pipeline_passes_answers_on_and_names_the_container_that_fails(client, containers):
    answer = invoke(client, "pipeline", b"hello", ContentType="text/csv", Accept="a/b")
    assert answer["Body"].read() == b"last: first: hello"
    (first, _), = containers["first"].seen
    (last, _), = containers["last"].seen
    assert (first["content-type"], first["accept"]) == ("text/csv", "*/*")
    assert (last["content-type"], last["accept"]) == ("text/plain; charset=utf-8", "a/b")

    response = error(client, "pipeline", b"status 415 no")
    assert response["Message"].startswith("Received client error (415) from first with message \"no\".")
    response = error(client, "pipeline", b"size 2000")
    assert response["Message"].startswith(
        "Received response from first with status code 200. However, the request payload from first to last is 2000 "
        "bytes, which has exceeded the maximum limit of 1024 bytes.")


def test_in_direct_mode_the_named_container_answers(client, containers):
    answer = invoke(client, "direct", b"hello", Accept="a/b", TargetContainerHostname="last")
    assert answer["Body"].read() == b"last: hello"
    assert containers["last"].seen[0][0]["accept"] == "a/b" and not containers["first"].seen


def test_variants_share_requests_by_weight_and_one_can_be_named(client, containers):
    invoked = [invoke(client, "two", b"x")["InvokedProductionVariant"] for _ in range(9)]
    assert (invoked.count("Blue"), invoked.count("Green")) == (6, 3)
    assert (len(containers["blue"].seen), len(containers["green"].seen)) == (6, 3)
    for name in ("Green", "Blue"):
        answer = invoke(client, "two", b"x", TargetVariant=name)
        assert answer["InvokedProductionVariant"] == name
        assert answer["Body"].read() == f"{name.lower()}: x".encode()
    assert error(client, "two", b"status 400 x")["LogStreamArn"].startswith("arn:aws:logs:us-east-1:111122223333:")


def test_a_shadow_variant_gets_its_share_of_requests_and_its_answers_are_dropped(client, containers, endpoints):
    for _ in range(4):
        answer = invoke(client, "copied", b"x")
        assert (answer["InvokedProductionVariant"], answer["Body"].read()) == ("Blue", b"blue: x")
    endpoints.wait_for(lambda: len(containers["green"].seen) == 2)
    counted = 'byoc_endpoint_invocations_total{endpoint="copied",variant="Green",code="200"} 2'

    def page():
        with urllib.request.urlopen(endpoints.url + "/metrics", timeout=5) as response:
            return response.read().decode()
    endpoints.wait_for(lambda: counted in page())


def test_a_session_stays_with_its_variant_until_it_is_closed(client):
    opened = invoke(client, "two", b"session", SessionId="NEW_SESSION")
    home = opened["InvokedProductionVariant"]
    assert opened["NewSessionId"] == f"{home.lower()}-1; Expires=2999-01-01T00:00:00Z"
    session = opened["NewSessionId"].partition(";")[0]
    for _ in range(4):
        assert invoke(client, "two", b"session", SessionId=session)["InvokedProductionVariant"] == home
    closed = invoke(client, "two", b"session close", SessionId=session)
    assert closed["ClosedSessionId"] == session
    assert error(client, "two", b"session", SessionId=session)["Error"]["Code"] == "ValidationError"


def stream(client, body, **more):
    return client.invoke_endpoint_with_response_stream(EndpointName="one", Body=body, **more)


def test_a_streamed_answer_arrives_in_pieces(client, containers):
    answer = stream(client, b"stream", ContentType="text/csv", Accept="text/event-stream", CustomAttributes="asked")
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/event-stream", "AllTraffic")
    events = iter(answer["Body"])
    assert next(events) == {"PayloadPart": {"Bytes": b"one"}}
    # The second piece has not been sent yet.
    containers["blue"].release.set()
    assert next(events) == {"PayloadPart": {"Bytes": b"two"}}
    assert list(events) == []
    (seen, _), = containers["blue"].seen
    assert (seen["content-type"], seen["accept"]) == ("text/csv", "text/event-stream")


def test_a_stream_that_breaks_raises_during_reading(client, containers):
    events = iter(stream(client, b"break")["Body"])
    assert next(events) == {"PayloadPart": {"Bytes": b"one"}}
    containers["blue"].release.set()
    with pytest.raises(botocore.exceptions.EventStreamError, match="ModelStreamError"):
        next(events)


def test_a_failure_before_the_first_byte_of_a_stream_is_a_model_error(client):
    with pytest.raises(client.exceptions.ModelError) as raised:
        stream(client, b"status 500 boom")
    assert raised.value.response["OriginalStatusCode"] == 500


def later(client, **more):
    return client.invoke_endpoint_async(EndpointName="later", **more)


def eventually(location):
    """Waits for a file and returns its content, which is complete as soon as it exists."""
    path = pathlib.Path(location.removeprefix("file://"))
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)
    return path.read_bytes()


def test_an_asynchronous_answer_is_written_to_a_file(client, folder):
    (folder / "input").write_bytes(b"hello")
    answer = later(
        client, InputLocation=f"file://{folder}/input", ContentType="text/csv", InferenceId="mine",
        S3OutputPathExtension="today", Filename="answer.txt", RequestTTLSeconds=60, InvocationTimeoutSeconds=10)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"] == f"file://{folder}/out/today/answer.txt"
    assert eventually(answer["OutputLocation"]) == b"blue: hello"

    answer = later(client, Body=b"inline")
    assert answer["InferenceId"] == answer["ResponseMetadata"]["RequestId"]
    assert eventually(answer["OutputLocation"]) == b"blue: inline"


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_empty_json_document_with_an_input_location_is_not_a_body(client, folder, body):
    # The AWS SDK for JavaScript v2 sends `{}` if it has no Body. Here botocore signs the request and the test sends it.
    (folder / "input").write_bytes(b"hello")
    url = f"{client.meta.endpoint_url}/endpoints/later/async-invocations"
    request = botocore.awsrequest.AWSRequest("POST", url, data=body, headers={
        "X-Amzn-SageMaker-InputLocation": f"{folder}/input", "X-Amzn-SageMaker-Filename": f"from{len(body)}"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials("any", "any"), "sagemaker", "us-east-1").add_auth(request)
    sent = urllib.request.Request(url, data=body, headers=dict(request.headers), method="POST")
    with urllib.request.urlopen(sent, timeout=30) as answer:
        assert answer.status == 202
        assert eventually(answer.headers["X-Amzn-SageMaker-OutputLocation"]) == b"blue: hello"


def test_an_asynchronous_failure_is_written_to_a_file(client):
    answer = later(client, Body=b"status 415 no")
    failure = json.loads(eventually(answer["FailureLocation"]))
    assert (failure["OriginalStatusCode"], failure["OriginalMessage"]) == (415, "no")


@pytest.mark.parametrize(("more", "message"), [
    ({"InputLocation": "https://host/key"}, "cannot be read; give an s3://BUCKET/KEY or file:// URL"),
    ({"InputLocation": "/etc/passwd"}, "is not below an allowed folder"),
    ({"Body": b"x", "InputLocation": "file:///x"}, "mutually exclusive"),
    ({"Body": b"x" * 128_001}, "at most 128000"),
    ({}, "both missing"),
])
def test_a_wrong_asynchronous_request_is_refused_at_once(client, more, message):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        later(client, **more)
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    assert message in raised.value.response["Error"]["Message"]
