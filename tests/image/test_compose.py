"""container/docker-compose.yml: invocations by boto3, with models in a folder and in a bucket."""
import json
import os
import socket
import subprocess

import boto3
import moto.server
import pytest

from conftest import ENGINE, HOUSE, IMAGE, PRICE, ROOT, compose_command, engine, http, interop, wait_for

COMPOSE = compose_command()
FILE = ROOT / "container" / "docker-compose.yml"
CITY = "Chicago_IL/Chicago_IL.tar.gz"

pytestmark = pytest.mark.skipif(COMPOSE is None, reason=f"there is nothing here that runs compose files with {ENGINE}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def address_of_this_machine():
    """An address at which containers reach this machine, found without sending a packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


class Project:
    """The compose file under a separate project name, on free ports, with the image under test."""

    def __init__(self, **variables):
        self.name = f"byoc-under-test-{free_port()}"
        self.ports = {"BYOC_PORT": str(free_port()), "BYOC_S3_PORT": str(free_port())}
        self.environment = {**os.environ, **self.ports, "BYOC_IMAGE": IMAGE, "COMPOSE_PROJECT_NAME": self.name,
                            **variables}

    def run(self, *arguments, check=True):
        ended = subprocess.run(
            [*COMPOSE, "--file", str(FILE), *arguments], env=self.environment, cwd=ROOT, capture_output=True, text=True,
            timeout=300)
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def price(self, port):
        url = f"http://127.0.0.1:{self.ports[port]}"
        wait_for(lambda: http(f"{url}/ping")[0] == 200, lambda: self.run("logs", check=False))
        answer = interop.runtime(url).invoke_endpoint(
            EndpointName="housing", TargetModel=CITY, ContentType="text/csv", Body=HOUSE)
        (prediction,) = json.load(answer["Body"])["predictions"]
        return prediction["score"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Name all profiles: older versions of compose otherwise keep the services of the others running.
        self.run("--profile", "s3", "down", "--volumes", "--timeout", "30", check=False)


def test_the_pipeline_answers_a_price():
    with Project() as project:
        project.run("up", "--detach")
        assert project.price("BYOC_PORT") == pytest.approx(PRICE, rel=2e-6)
        logs = project.run("logs")
        assert "from /opt/ml/models/" in logs
        assert "from /opt/ml/model.tar.gz" in logs


@pytest.fixture
def bucket():
    """An S3 server in place of the service `s3`, with the objects that the service `s3-models` would upload."""
    server = moto.server.ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    server.start()
    url = f"http://{address_of_this_machine()}:{server.get_host_and_port()[1]}"
    environment = {
        **os.environ, "AWS_ENDPOINT_URL_S3": url, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    services = json.loads(as_json(FILE))["services"]
    (command,) = services["s3-models"]["command"]
    command = command.replace("/housing s3://", f"{ROOT}/examples/housing s3://")
    subprocess.run(["sh", "-ec", command], env=environment, check=True, capture_output=True, timeout=120)
    keys = [one["Key"] for one in boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any",
    ).list_objects_v2(Bucket="housing")["Contents"]]
    assert f"models/{CITY}" in keys and not any(key.endswith((".json", ".py", ".md")) for key in keys)
    yield url
    server.stop()


def as_json(file):
    import yaml

    return json.dumps(yaml.safe_load(file.read_text()))


def test_the_profile_s3_serves_models_from_a_bucket(bucket):
    with Project(BYOC_S3_URL=bucket) as project:
        # Start no services whose images would have to be pulled.
        services = ["preprocessor", "linear-learner-s3", "endpoint-s3"]
        project.run("--profile", "s3", "up", "--detach", "--no-deps", *services)
        assert project.price("BYOC_S3_PORT") == pytest.approx(PRICE, rel=2e-6)


def test_the_services_of_the_profile_need_the_profile():
    services = json.loads(as_json(FILE))["services"]
    assert {name for name, service in services.items() if "profiles" not in service} == {
        "preprocessor", "linear-learner", "endpoint"}
    assert all(service["profiles"] == ["s3"] for service in services.values() if "profiles" in service)
    # Both endpoints have the same SageMaker configuration, except for the locations of the models.
    one, other = (json.loads((ROOT / "examples" / "housing" / name).read_text())
                  for name in ("endpoint.json", "endpoint-s3.json"))
    for config in (one, other):
        for container in config["Containers"]:
            del container["ModelDataUrl"]
    assert one == other
