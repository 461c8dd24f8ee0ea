"""The commands of docs/scikit-learn.md, from a fitted model to an endpoint with your own container."""
import os
import pathlib
import re
import socket
import subprocess
import sys

from conftest import BYOC, ROOT


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_the_steps_of_the_page_work_in_order(tmp_path):
    page = (ROOT / "docs" / "scikit-learn.md").read_text(encoding="utf-8")
    steps = page.split("## Step by step\n")[1].split("\n## ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", steps, re.DOTALL))
    for port in ("8080", "8081", "9000"):
        script = script.replace(port, str(free_port()))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "byoc").symlink_to(pathlib.Path(BYOC).resolve())
    path = os.pathsep.join([str(programs), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended
    assert "400 predictions agree" in ended.stdout, ended.stdout
    alone, forest = re.search(r"\[(\d+\.\d+)\]", ended.stdout), re.search(r"^(\d+\.\d+)$", ended.stdout, re.MULTILINE)
    # The formula that generated the table gives 429,700; a forest of 400 houses is less exact.
    assert abs(float(alone[1]) - 429_700) < 1_000, ended.stdout
    assert abs(float(forest[1]) - 429_700) < 60_000, ended.stdout
