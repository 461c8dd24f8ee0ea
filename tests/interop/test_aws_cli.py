"""The AWS CLI against `byoc endpoint`."""
import json
import pathlib
import subprocess
import sys

import pytest

ARGUMENTS = ["sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "housing", "--content-type", "text/csv"]


def aws(endpoint, tmp_path, *arguments):
    """Runs the CLI of this Python environment with invented credentials and no configuration."""
    program = pathlib.Path(sys.executable).with_name("aws")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.url,
    }
    return subprocess.run(
        [sys.executable, str(program), *arguments], env=environment, capture_output=True, text=True, timeout=120,
        check=False)


def test_an_unsupported_operation_is_refused_by_name(endpoint, tmp_path):
    ended = aws(endpoint, tmp_path, "sagemaker", "list-models", "--endpoint-url", endpoint.url)
    assert ended.returncode != 0
    assert "(UnknownOperationException) when calling the ListModels operation: ListModels of SageMaker" in ended.stderr


@pytest.fixture
def house(tmp_path):
    file = tmp_path / "house.csv"
    file.write_text("1993,2728,6,3.0,0.7,1,y,y\n")
    return file


def test_invoke_endpoint_writes_the_answer_to_a_file(endpoint, tmp_path, house):
    answer = tmp_path / "answer.json"
    ended = aws(
        endpoint, tmp_path, *ARGUMENTS, "--target-model", "Chicago_IL/Chicago_IL.tar.gz", "--body", f"fileb://{house}",
        str(answer))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"ContentType": "application/json", "InvokedProductionVariant": "AllTraffic"}
    (prediction,) = json.loads(answer.read_text())["predictions"]
    assert prediction["score"] == pytest.approx(429700, rel=2e-6)


def test_an_error_is_printed_as_the_cli_prints_errors_of_aws(endpoint, tmp_path, house):
    ended = aws(endpoint, tmp_path, *ARGUMENTS, "--body", f"fileb://{house}", str(tmp_path / "answer.json"))
    assert ended.returncode != 0
    assert "An error occurred (ValidationError) when calling the InvokeEndpoint operation: Request" in ended.stderr
