"""byoc as a process, and a boto3 client of which only the endpoint's URL is configured."""
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = os.environ.get("BYOC", str(ROOT / "target" / "debug" / "byoc"))
START_LIMIT = 60


class Program:
    """The program, run on a free port, and its output."""

    def __init__(self, command, *arguments, **variables):
        command = [BYOC, command, "--port", "0", *map(str, arguments)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        environment.update(variables)
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log, self.output = [], []
        self.readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stderr, self.log), (self.process.stdout, self.output))
        ]
        for reader in self.readers:
            reader.start()
        self.url = "http://" + self.wait_for(lambda: self.find(r"^(?!\[).*listening on http://(\S+)"))
        self.wait_for(lambda: self.get("/ping") == 200)

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def find(self, pattern):
        found = re.search(pattern, "".join(self.log), re.MULTILINE)
        return found and found.group(1)

    def wait_for(self, condition):
        """Waits until a condition holds; fails if the program ends first."""
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            answer = condition()
            if answer:
                return answer
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError("".join(self.log))

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def metric(self, name):
        """The value of a metric, named with its labels; 0 before it is first counted."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=5) as response:
            found = re.search(rf"^{re.escape(name)} (\S+)$", response.read().decode(), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def container_urls(self):
        return re.findall(r"listens on (http://\S+?)/?$", "".join(self.log), re.MULTILINE)

    def stop(self, signal):
        """Sends a signal, reads all output and returns the exit code."""
        self.process.send_signal(signal)
        code = self.process.wait(timeout=30)
        for reader in self.readers:
            reader.join(timeout=30)
        return code


class Endpoint(Program):
    """`byoc endpoint` with its configurations."""

    def __init__(self, *configs, **variables):
        arguments = [argument for config in configs for argument in ("--config", config)]
        super().__init__("endpoint", *arguments, **variables)


@pytest.fixture(scope="session")
def housing(tmp_path_factory):
    """A copy of the housing example, so that tests can add models."""
    return shutil.copytree(ROOT / "examples" / "housing", tmp_path_factory.mktemp("example") / "housing")


@pytest.fixture(scope="session")
def endpoint(housing):
    running = Endpoint(housing / "endpoint.json")
    yield running
    running.process.kill()
    running.process.wait()


def runtime(url):
    """A client of which only the endpoint's URL is configured; its credentials are invented."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true")
    # At least as many connections as a test has threads: botocore logs a warning when it discards one.
    config = botocore.config.Config(max_pool_connections=32)
    return boto3.client("sagemaker-runtime", endpoint_url=url, config=config)


@pytest.fixture(scope="session")
def client(endpoint):
    return runtime(endpoint.url)
