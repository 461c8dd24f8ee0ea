"""docs/deploy.md and examples/deploy: the files are checked against botocore's models of the services, the policies
against `byoc endpoint --iam`, and the page's commands against moto, in order."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import boto3
import botocore.exceptions
import botocore.session
import botocore.validate
import moto.server
import pytest

from conftest import ROOT, Endpoint

PAGE = (ROOT / "docs" / "deploy.md").read_text()
FOLDER = ROOT / "examples" / "deploy"
REQUESTS = {
    "create-model.json": ("sagemaker", "CreateModel"),
    "create-endpoint-config.json": ("sagemaker", "CreateEndpointConfig"),
    "create-endpoint-config-c4.json": ("sagemaker", "CreateEndpointConfig"),
    "create-endpoint.json": ("sagemaker", "CreateEndpoint"),
    "update-endpoint.json": ("sagemaker", "UpdateEndpoint"),
    "create-training-job.json": ("sagemaker", "CreateTrainingJob"),
    "register-scalable-target.json": ("application-autoscaling", "RegisterScalableTarget"),
    "put-scaling-policy.json": ("application-autoscaling", "PutScalingPolicy"),
    "alarm-model-errors.json": ("cloudwatch", "PutMetricAlarm"),
    "alarm-model-latency.json": ("cloudwatch", "PutMetricAlarm"),
    "alarm-model-cache.json": ("cloudwatch", "PutMetricAlarm"),
    "alarm-memory.json": ("cloudwatch", "PutMetricAlarm"),
}
IDENTITY_POLICIES = ["execution-role-policy.json", "caller-policy.json", "caller-policy-by-tag.json"]
TRUST_POLICY = "execution-role-trust-policy.json"
ACCOUNT = "123456789012"
# The operations that moto lacks; their files are still checked against botocore's model.
NOT_IN_MOTO = ["aws sagemaker update-endpoint"]


def read(name):
    return json.loads((FOLDER / name).read_text())


def problems(shape, value, path=""):
    """Checks enumerations, patterns and lengths, which botocore's validator leaves to the service."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from problems(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for i, member in enumerate(value):
            yield from problems(shape.member, member, f"{path}[{i}]")
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from problems(shape.key, name, f"{path}.{name}")
            yield from problems(shape.value, member, f"{path}.{name}")
    elif shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
            yield f"{path}: {value} is none of {shape.metadata['enum']}"
        # Translate the syntax of Java's regular expressions that Python does not know.
        for java, python in ((r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"), (r"\p{Print}", r"[\x20-\x7E]")):
            pattern = pattern and pattern.replace(java, python)
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path}: {value} does not match {pattern}"
        if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", len(value)):
            yield f"{path}: {len(value)} characters"
    elif shape.type_name in ("integer", "long", "float", "double"):
        if not shape.metadata.get("min", value) <= value <= shape.metadata.get("max", value):
            yield f"{path}: {value} is out of range"


def test_every_file_is_checked_here_and_explained_on_the_page():
    files = sorted(file.name for file in FOLDER.iterdir())
    assert files == sorted([*REQUESTS, *IDENTITY_POLICIES, TRUST_POLICY])
    for name in files:
        assert f"examples/deploy/{name}" in PAGE, name
    for name in re.findall(r"examples/deploy/([\w.-]+\.json)", PAGE):
        assert name in files, name


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_valid_for_its_service(name):
    service, operation = REQUESTS[name]
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    request = read(name)
    report = botocore.validate.ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert list(problems(shape, request)) == []


def test_the_checks_find_wrong_members_of_a_request():
    model = botocore.session.get_session().get_service_model("sagemaker")
    request = read("create-endpoint-config.json")
    request["EndpointConfigName"] = "not_a_name"
    request["ProductionVariants"][0]["InstanceType"] = "ml.m4.tiny"
    request["ProductionVariants"][0]["InitialInstanceCount"] = -1
    found = " ".join(problems(model.operation_model("CreateEndpointConfig").input_shape, request))
    for part in ["not_a_name", "ml.m4.tiny", "out of range"]:
        assert part in found, found


def test_the_files_refer_to_each_others_resources():
    model, config, other = (read(f"create-{what}.json") for what in ("model", "endpoint-config", "endpoint-config-c4"))
    assert {variant["ModelName"] for each in (config, other)
            for variant in each["ProductionVariants"]} == {model["ModelName"]}
    types = [each["ProductionVariants"][0]["InstanceType"] for each in (config, other)]
    assert types == ["ml.m4.xlarge", "ml.c4.xlarge"]
    endpoint, update = read("create-endpoint.json"), read("update-endpoint.json")
    assert endpoint["EndpointConfigName"] == config["EndpointConfigName"]
    assert update == {**update, "EndpointName": endpoint["EndpointName"],
                      "EndpointConfigName": other["EndpointConfigName"]}
    variant = f"endpoint/{endpoint['EndpointName']}/variant/{config['ProductionVariants'][0]['VariantName']}"
    target, policy = read("register-scalable-target.json"), read("put-scaling-policy.json")
    assert (target["ResourceId"], policy["ResourceId"]) == (variant, variant)
    assert target["MinCapacity"] == config["ProductionVariants"][0]["InitialInstanceCount"]


def test_each_policy_allows_exactly_its_callers(housing, tmp_path):
    """Gives each policy to a principal of `byoc endpoint --iam` as its only policy."""
    keys = {"AccessKeyId": "ASIA{}", "SecretAccessKey": "secret-{}", "SessionToken": "token-{}"}
    principals = [
        {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{i}/s", **{key: text.format(i) for key, text in keys.items()},
         "Tags": [{"Key": "City", "Value": "Chicago_IL"}], "Policies": [read(name)]}
        for i, name in enumerate(IDENTITY_POLICIES)
    ]
    (tmp_path / "iam.json").write_text(json.dumps({"Account": ACCOUNT, "Principals": principals}))
    running = Endpoint(housing / "endpoint.json", BYOC_ENDPOINT_IAM=str(tmp_path / "iam.json"))

    def may(principal, city):
        client = boto3.client(
            "sagemaker-runtime", endpoint_url=running.url, region_name="us-east-1",
            aws_access_key_id=principal["AccessKeyId"], aws_secret_access_key=principal["SecretAccessKey"],
            aws_session_token=principal["SessionToken"])
        try:
            client.invoke_endpoint(
                EndpointName="housing", TargetModel=f"{city}/{city}.tar.gz", ContentType="text/csv",
                Body=(housing / "house.csv").read_bytes())
            return True
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            return False

    try:
        let_in = [[city for city in ("NewYork_NY", "Chicago_IL") if may(one, city)] for one in principals]
    finally:
        running.process.kill()
        running.process.wait()
    assert let_in == [[], ["NewYork_NY"], ["Chicago_IL"]]


def test_only_sagemaker_may_assume_the_role():
    (statement,) = read(TRUST_POLICY)["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
    needed = {
        "s3:GetObject", "s3:ListBucket", "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "logs:CreateLogGroup", "logs:CreateLogStream",
        "logs:PutLogEvents", "cloudwatch:PutMetricData",
    }
    allowed = set()
    for statement in read("execution-role-policy.json")["Statement"]:
        allowed.update([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    assert needed <= allowed


def test_the_commands_of_the_page_run_in_order(endpoint, tmp_path):
    """All commands but the image's, which tests/image runs, in a copy of the examples, against moto; byoc is
    invoked."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    server = moto.server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.url,
    }
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
             for line in block.splitlines()]
    lines = [line for line in lines if line and not line.startswith("./docker-build.sh")]
    assert len(lines) > 25
    # Shell variables keep their values from line to line.
    script = "".join(
        f"{line} || echo FAILED {line.split(' --')[0]!r}\n" if line.startswith("aws ") else f"{line}\n"
        for line in lines)
    ended = subprocess.run(
        ["bash", "-eu", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    server.stop()
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert re.findall(r"^FAILED (.*)$", ended.stdout, re.MULTILINE) == NOT_IN_MOTO, said
    assert "Parameter validation failed" not in said, said
    (prediction,) = json.loads((tmp_path / "answer.json").read_text())["predictions"]
    assert prediction["score"] == pytest.approx(429700, rel=2e-6)
    config = json.loads((tmp_path / "examples" / "deploy" / "create-model.json").read_text())
    assert config["Containers"][0]["Image"].startswith(f"{ACCOUNT}.dkr.ecr.us-east-1.")
