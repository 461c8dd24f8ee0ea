"""What boto3 and `/ping` get from containers that die or hang."""
import http.server
import json
import os
import re
import signal
import subprocess
import threading

import botocore.exceptions
import pytest

from conftest import Endpoint, runtime
from test_boto3 import PRICE, artifact, price


def children(endpoint):
    """The process of each container, by its hostname."""
    found = subprocess.run(
        ["pgrep", "-P", str(endpoint.process.pid)], capture_output=True, text=True, check=True).stdout.split()
    environments = {pid: open(f"/proc/{pid}/environ", encoding="utf-8").read().split("\0") for pid in found}
    return {
        variable.removeprefix("HOSTNAME="): int(pid)
        for pid, variables in environments.items() for variable in variables if variable.startswith("HOSTNAME=")
    }


def ping(endpoint):
    return endpoint.get("/ping")


@pytest.mark.parametrize("name", ["preprocessor", "linear-learner"])
def test_a_container_that_dies_is_a_model_error_until_it_is_restarted(housing, name):
    endpoint = Endpoint(housing / "endpoint.json")
    client = runtime(endpoint.url)
    assert price(client, artifact("NewYork_NY")) == pytest.approx(PRICE, rel=2e-6)
    before = children(endpoint)
    os.kill(before[name], signal.SIGKILL)
    endpoint.wait_for(lambda: ping(endpoint) == 503)
    with pytest.raises(client.exceptions.ModelError) as raised:
        price(client, artifact("NewYork_NY"))
    assert raised.value.response["OriginalStatusCode"] == 0
    message = raised.value.response["OriginalMessage"]
    assert re.search(rf"Container {name} does not run: the process has ended \(signal: 9", message)

    endpoint.wait_for(lambda: ping(endpoint) == 200)
    after = children(endpoint)
    assert after[name] != before[name] and len(after) == 2
    # The new container loads its models again on demand.
    assert price(client, artifact("NewYork_NY")) == pytest.approx(PRICE, rel=2e-6)
    assert endpoint.metric("byoc_endpoint_loaded_models") == 1
    assert endpoint.stop(signal.SIGTERM) == 0


class Container(http.server.ThreadingHTTPServer):
    """A container whose `/ping` fails once a test says so."""

    def __init__(self):
        self.status = 200
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_container_that_stays_unhealthy_fails_the_endpoint_with_the_reason(tmp_path):
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps(
        {"EndpointName": "sick", "ModelName": "sick", "PrimaryContainer": {"Image": "i", "ContainerHostname": "mine"}}))
    with Container() as container:
        endpoint = Endpoint(
            config, BYOC_ENDPOINT_CONTAINERS=f"mine=http://127.0.0.1:{container.server_port}",
            BYOC_HEALTH_CHECK_TIMEOUT_SECONDS="1")
        container.status = 500
        endpoint.wait_for(lambda: ping(endpoint) == 503)
        container.shutdown()
    reason = (
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint.")
    assert any(reason in line for line in endpoint.log)
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        runtime(endpoint.url).invoke_endpoint(EndpointName="sick", ContentType="text/csv", Body=b"1\n")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert raised.value.response["Error"]["Message"] == f"Endpoint sick is Failed. {reason}"
    assert endpoint.stop(signal.SIGTERM) == 0
