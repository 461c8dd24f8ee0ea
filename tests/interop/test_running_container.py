"""`byoc endpoint` in front of a container that somebody else started: here, a few lines of Python."""
import concurrent.futures
import http.server
import json
import signal
import threading

import pytest

from conftest import Endpoint, runtime


class SlowContainer(http.server.ThreadingHTTPServer):
    """Says when it was asked, and answers when it may."""

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


def test_a_request_in_flight_is_answered_before_the_endpoint_stops(container, tmp_path):
    config = tmp_path / "endpoint.json"
    config.write_text(json.dumps(
        {"EndpointName": "slow", "ModelName": "slow", "PrimaryContainer": {"Image": "i", "ContainerHostname": "mine"}}))
    url = f"http://127.0.0.1:{container.server_port}"
    endpoint = Endpoint(config, BYOC_ENDPOINT_CONTAINERS=f"mine={url}")
    client = runtime(endpoint.url)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        answer = thread.submit(
            client.invoke_endpoint, EndpointName="slow", ContentType="text/plain", Accept="*/*", Body=b"hello")
        assert container.asked.wait(60)
        endpoint.process.send_signal(signal.SIGTERM)
        endpoint.wait_for(lambda: endpoint.find(r"(SIGTERM): no new connections"))
        container.may_answer.set()
        answer = answer.result(60)
    assert (answer["ContentType"], answer["Body"].read()) == ("text/plain", b"hello")
    assert endpoint.process.wait(60) == 0
