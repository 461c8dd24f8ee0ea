"""`byoc endpoint` in front of a container that it did not start; here the container is a few lines of Python."""
import concurrent.futures
import http.server
import json
import signal
import subprocess
import threading

import botocore.exceptions
import pytest

from conftest import BYOC, Endpoint, runtime


class SlowContainer(http.server.ThreadingHTTPServer):
    """A container that reports a request and answers it only when a test says so."""

    def __init__(self):
        self.asked, self.may_answer = threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        assert self.server.may_answer.wait(60)
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def container():
    with SlowContainer() as running:
        yield running
        running.shutdown()


@pytest.fixture
def endpoint(container, tmp_path):
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps(
        {"EndpointName": "slow", "ModelName": "slow", "PrimaryContainer": {"Image": "i", "ContainerHostname": "mine"}}))
    url = f"http://127.0.0.1:{container.server_port}"
    running = Endpoint(
        config, BYOC_ENDPOINT_CONTAINERS=f"mine={url}", BYOC_STATE_DIR=str(tmp_path / "state"))
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def in_flight(container, endpoint):
    """The future answer to a request that has reached the container."""
    client = runtime(endpoint.url)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        answer = thread.submit(
            client.invoke_endpoint, EndpointName="slow", ContentType="text/plain", Accept="*/*", Body=b"hello")
        assert container.asked.wait(60)
        yield answer
        container.may_answer.set()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_in_flight_is_answered_before_the_endpoint_stops(container, endpoint, in_flight, sent):
    endpoint.process.send_signal(sent)
    endpoint.wait_for(lambda: endpoint.find(r"(\S+): no new connections"))
    container.may_answer.set()
    answer = in_flight.result(60)
    assert (answer["ContentType"], answer["Body"].read()) == ("text/plain", b"hello")
    assert endpoint.process.wait(60) == 0


def test_a_second_signal_stops_at_once_and_the_exit_code_reports_a_cut_off_request(endpoint, in_flight):
    endpoint.process.send_signal(signal.SIGINT)
    endpoint.wait_for(lambda: endpoint.find(r"(Ctrl-C): no new connections"))
    assert endpoint.stop(signal.SIGINT) == 75
    assert "requests in flight were cut off: Ctrl-C" in "".join(endpoint.log)
    # botocore retries, and the retry is refused because the port is closed.
    with pytest.raises((botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)):
        in_flight.result(60)


def test_a_second_endpoint_cannot_use_the_same_state_folder(endpoint, tmp_path):
    command = [BYOC, "endpoint", "--port", "0", "--config", str(tmp_path / "endpoint.json"), "--container",
               "mine=http://h"]
    ended = subprocess.run(
        command, env={"BYOC_STATE_DIR": str(tmp_path / "state")}, capture_output=True, text=True, timeout=60,
        check=False)
    assert ended.returncode == 78
    assert "another endpoint uses it" in ended.stderr
