"""Which models a multi-model endpoint keeps and which it evicts, observed with boto3, the metrics and the log."""
import http.server
import json
import re
import shutil
import signal
import subprocess
import sys
import threading

import botocore.exceptions
import pytest

from conftest import BYOC, ROOT, Endpoint, runtime
from test_boto3 import CITIES, PRICE, artifact, price


def housing_with(housing, folder, change):
    """The housing endpoint with a changed configuration."""
    shutil.copytree(housing, folder / "housing")
    file = folder / "housing" / "endpoint.json"
    config = json.loads(file.read_text())
    change(config["Containers"][1])
    file.write_text(json.dumps(config))
    return file


def evictions(endpoint, reason):
    return endpoint.metric(f'byoc_endpoint_model_evictions_total{{reason="{reason}"}}')


def test_two_hundred_models_share_memory_for_some_of_them():
    command = [sys.executable, str(ROOT / "examples" / "two_hundred_models" / "run.py"), "--memory", "1M", "96K", "64K"]
    output = subprocess.run(
        command, env={"BYOC": BYOC}, capture_output=True, text=True, timeout=120, check=True).stdout
    rounds = [[int(count) for count in line.split()[-5:-1]] for line in output.splitlines() if line.startswith("0-")]
    everything, some, few = rounds[:3], rounds[3:6], rounds[6:]
    # loaded, hits, misses, evictions
    assert everything == [[100, 0, 100, 0], [100, 100, 0, 0], [200, 100, 100, 0]]
    assert some == [[100, 0, 100, 0], [100, 100, 0, 0], [112, 100, 100, 88]]
    assert few == [[54, 0, 100, 46], [54, 0, 100, 100], [54, 0, 200, 200]]


def with_memory_for_one(housing, tmp_path):
    """An endpoint whose learner has memory for exactly one model. The amount also depends on the length of paths, so it
    is searched for in steps that are smaller than a model."""
    for memory in range(32 << 10, 48 << 10, 512):
        environment = {"BYOC_MODEL_MEMORY": str(memory)}
        endpoint = Endpoint(housing_with(housing, tmp_path / str(memory),
                                         lambda it: it.update(Environment=environment)))
        try:
            price(runtime(endpoint.url), artifact(CITIES[0]))
        except botocore.exceptions.ClientError:
            assert endpoint.stop(signal.SIGTERM) == 0
        else:
            return endpoint
    raise AssertionError("a model of 0.6 KB does not load within 48 KiB")


def test_the_log_of_an_eviction_has_the_model_the_reason_its_size_age_and_hits(housing, tmp_path):
    endpoint = with_memory_for_one(housing, tmp_path)
    client = runtime(endpoint.url)
    for city in [CITIES[0], CITIES[1], CITIES[0]]:
        assert price(client, artifact(city)) == pytest.approx(PRICE, rel=2e-6)
    first = endpoint.wait_for(lambda: endpoint.find(r"linear-learner: unloaded (.*)"))
    wanted = (rf"{artifact(CITIES[0])}: memory is needed to load {artifact(CITIES[1])}; "
              r"\d+ bytes, loaded \S+ s ago, 1 hits")
    assert re.fullmatch(wanted, first)
    assert evictions(endpoint, "memory") == 2
    # The second load is from disk.
    assert endpoint.find(rf"loaded ({CITIES[0]}\S+) as \w+: found on disk")
    assert endpoint.stop(signal.SIGTERM) == 0


def test_a_model_larger_than_the_memory_is_a_model_error_with_both_sizes(housing, tmp_path):
    config = housing_with(housing, tmp_path, lambda learner: learner.update(Environment={"BYOC_MODEL_MEMORY": "100"}))
    endpoint = Endpoint(config)
    client = runtime(endpoint.url)
    with pytest.raises(client.exceptions.ModelError) as raised:
        price(client, artifact(CITIES[0]))
    assert raised.value.response["OriginalStatusCode"] == 507
    assert re.search(r"it needs \d+ bytes; 100 of 100 bytes are free", raised.value.response["OriginalMessage"])
    assert endpoint.stop(signal.SIGTERM) == 0


def test_the_disk_budget_is_kept_and_a_disabled_cache_stores_nothing(housing, tmp_path):
    disabled = lambda learner: learner.update(MultiModelConfig={"ModelCacheSetting": "Disabled"})
    endpoint = Endpoint(housing_with(housing, tmp_path / "disabled", disabled))
    client = runtime(endpoint.url)
    assert price(client, artifact(CITIES[0])) == pytest.approx(PRICE, rel=2e-6)
    endpoint.wait_for(lambda: endpoint.metric("byoc_endpoint_unpacked_bytes") == 0 and evictions(
        endpoint, "cache_disabled") == 1)
    assert endpoint.stop(signal.SIGTERM) == 0

    endpoint = Endpoint(housing / "endpoint.json")
    price(runtime(endpoint.url), artifact(CITIES[0]))
    size = endpoint.metric("byoc_endpoint_unpacked_bytes")
    assert endpoint.stop(signal.SIGTERM) == 0

    endpoint = Endpoint(housing / "endpoint.json", BYOC_MODEL_DISK=str(int(size * 1.5)))
    client = runtime(endpoint.url)
    for city in CITIES:
        assert price(client, artifact(city)) == pytest.approx(PRICE, rel=2e-6)
        assert endpoint.metric("byoc_endpoint_unpacked_models") == 1
    assert evictions(endpoint, "disk") == 2
    assert endpoint.stop(signal.SIGTERM) == 0


class SlowLoader(http.server.ThreadingHTTPServer):
    """A multi-model container that finishes loading only when a test says so."""

    def __init__(self):
        self.may_load, self.loads = threading.Event(), 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b'{"models": []}')

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/models":
            self.server.loads += 1
            assert self.server.may_load.wait(60)
        self.answer(b"done")

    def log_message(self, *_):
        pass


def test_a_model_that_loads_slowly_is_not_ready_and_loading_continues(housing, tmp_path):
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps({
        "EndpointName": "slow", "ModelName": "slow", "PrimaryContainer": {
            "Image": "i", "Mode": "MultiModel", "ModelDataUrl": str(housing / "models"), "ContainerHostname": "mine"}}))
    with SlowLoader() as container:
        endpoint = Endpoint(
            config, BYOC_ENDPOINT_CONTAINERS=f"mine=http://127.0.0.1:{container.server_port}",
            BYOC_MODEL_READY_TIMEOUT_SECONDS="1")
        client = runtime(endpoint.url)
        invoke = lambda: client.invoke_endpoint(
            EndpointName="slow", TargetModel=artifact(CITIES[0]), ContentType="text/csv", Body=b"1\n")
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            invoke()
        assert raised.value.response["Error"]["Code"] == "ModelNotReadyException"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        container.may_load.set()
        assert invoke()["Body"].read() == b"done"
        assert container.loads == 1
        assert endpoint.stop(signal.SIGTERM) == 0
        container.shutdown()
