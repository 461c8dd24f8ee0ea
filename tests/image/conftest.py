"""Containers of the image under test, run by docker or podman, and the endpoint on the host, from tests/interop."""
import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = os.environ["ENGINE"]
IMAGE = os.environ["BYOC_IMAGE"]
LIMIT = 60
HOUSE = b"1993,2728,6,3.0,0.7,1,y,y\n"
# The price of that house by the formula that generated the data.
PRICE = 429700

specification = importlib.util.spec_from_file_location("interop", ROOT / "tests" / "interop" / "conftest.py")
interop = importlib.util.module_from_spec(specification)
specification.loader.exec_module(interop)


def engine(*arguments, check=True, **options):
    """Runs the engine and returns its standard output."""
    ended = subprocess.run([ENGINE, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)
    assert not check or ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
    return ended.stdout.strip() if check else ended


def wait_for(condition, said=lambda: ""):
    """Waits until a condition holds."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(said())


def http(url, body=None, method=None, **headers):
    """The status, or None if nothing listens yet, and the body."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None, b""


class Container:
    """A running container whose port is published on this machine."""

    def __init__(self, *arguments, options=(), port=8080):
        self.id = engine("run", "--detach", "--publish", f"127.0.0.1::{port}", *options, IMAGE, *arguments)
        self.url = "http://" + engine("port", self.id, f"{port}/tcp").splitlines()[0]

    def logs(self):
        ended = engine("logs", self.id, check=False)
        return ended.stdout + ended.stderr

    def state(self, what):
        return engine("inspect", "--format", "{{.State.%s}}" % what, self.id)

    def ready(self):
        wait_for(lambda: http(f"{self.url}/ping")[0] == 200, self.logs)
        return self

    def score(self, body, path="/invocations"):
        status, answer = http(self.url + path, body, Content_Type="text/csv")
        assert status == 200, answer
        return json.loads(answer)["predictions"][0]["score"]

    def stop(self):
        """Stops it like SageMaker, with SIGTERM, and SIGKILL after 30 s. Returns the exit code and the seconds."""
        start = time.monotonic()
        engine("stop", "--time", 30, self.id)
        return int(self.state("ExitCode")), time.monotonic() - start


@pytest.fixture
def run():
    """Starts containers that are removed at the end of the test."""
    with contextlib.ExitStack() as stack:
        def start(*arguments, **options):
            container = Container(*arguments, **options)
            stack.callback(engine, "rm", "--force", container.id)
            return container
        yield start


@pytest.fixture(scope="session")
def example():
    return ROOT / "examples" / "housing"


def unpack(archive, into):
    """Unpacks an artifact like SageMaker: readable by all users."""
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    for path in [into, *into.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return into


@pytest.fixture
def opt_ml(tmp_path):
    """A folder to mount, which other users may read."""
    for parent in tmp_path.parents:
        if parent.owner() == tmp_path.owner() and parent.is_relative_to("/tmp") and parent != pathlib.Path("/tmp"):
            parent.chmod(0o755)
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def new_york(example, opt_ml):
    return unpack(example / "models" / "NewYork_NY" / "NewYork_NY.tar.gz", opt_ml / "new-york")


@pytest.fixture
def preprocessor(example, opt_ml):
    return unpack(example / "preprocessor" / "model.tar.gz", opt_ml / "preprocessor")


def compose_command():
    """The program that runs compose files: Docker's plugin, the older docker-compose, or podman-compose."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if ENGINE == "docker" and shutil.which(command[0]):
            if subprocess.run([*command, "version"], capture_output=True).returncode == 0:
                return command
    return ["podman-compose"] if ENGINE == "podman" else None
