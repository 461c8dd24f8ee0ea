"""byoc serve in 512 MiB, and its measurements from outside: answers, times and memory."""
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from ping import status_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYOC = pathlib.Path(os.environ.get("BYOC", "target/release/byoc"))
BYOC = BYOC if BYOC.is_absolute() else ROOT / BYOC
LIMIT = 512 << 20
PATIENCE = 10
GOOD = ROOT / "tests/fixtures/sklearn/1.4.2/housing/model.joblib"
GOOD_ROW = b"1993,2728,6,3.0,0.7,1,y,n\n"


class Confinement:
    """Limits a process to 512 MiB: by a cgroup of either version if one can be created, otherwise or on request by
    RLIMIT_AS."""

    def __init__(self, by_addresses=False):
        self.folder, self.file, self.how = None, None, "RLIMIT_AS"
        for folder, file, swap, version in () if by_addresses else self._cgroups():
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                (folder / file).write_text(str(LIMIT))
            except OSError:
                folder.rmdir()
                continue
            try:
                (folder / swap).write_text("0" if version == 2 else str(LIMIT))
            except OSError:
                pass  # This kernel does not account for swap.
            self.folder, self.file, self.how = folder, file, f"cgroup version {version}, {folder}"
            return

    @staticmethod
    def _cgroups():
        mounted = pathlib.Path("/sys/fs/cgroup")
        name = f"byoc-bounds-{os.getpid()}"
        for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for path in (path.strip("/"), ""):
                if "memory" in controllers.split(","):
                    yield mounted / "memory" / path / name, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", 1
                elif not controllers:
                    yield mounted / path / name, "memory.max", "memory.swap.max", 2

    def enter(self):
        """Limits this process. Called in the child before it executes the program."""
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        else:
            resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

    def remove(self):
        for _ in range(100):
            if not self.folder:
                return
            try:
                self.folder.rmdir()
                return
            except OSError:
                time.sleep(0.05)  # The kernel is still removing the last process.


class Reply:
    def __init__(self, status, seconds, headers=None, text=b""):
        self.status, self.seconds, self.headers, self.text = status, seconds, headers or {}, text


class Container:
    """A `byoc serve --multi-model` with a good model, which a thread keeps asking; a process keeps asking /ping."""

    def __init__(self, confinement):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="byoc-bounds-"))
        self.models = self.folder / "models"
        self.models.mkdir()
        self.log = open(self.folder / "log", "wb+")
        arguments = ["serve", "--multi-model", "--host", "127.0.0.1", "--port", "0", "--models-root", self.models,
                     "--model-memory", "200M", "--timeout", "5"]
        self.process = subprocess.Popen([BYOC, *arguments], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={"PATH": "/usr/bin:/bin"}, preexec_fn=confinement.enter)
        self.port = self._port()
        self.number, self.slowest_ping, self.asked, self.failures = 0, 0.0, 0, []
        reply = self.load({"model.joblib": GOOD.read_bytes()}, "good")
        if reply.status != 200:
            raise SystemExit(f"the good model was not loaded: {reply.status} {reply.text}")
        for _ in range(3):
            self.ask("good", GOOD_ROW)
        self.stopped = threading.Event()
        self.watcher = threading.Thread(target=self._watch_good, daemon=True)
        self.pings = None

    def _port(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in (self.folder / "log").read_text(errors="replace").splitlines():
                if "listening on http://" in line:
                    return int(line.rsplit(":", 1)[1])
            time.sleep(0.01)
        raise SystemExit(f"byoc serve did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def connection(self, timeout=PATIENCE):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=b"", content_type="application/json", accept="application/json"):
        began = time.monotonic()
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Content-Type": content_type, "Accept": accept})
            answer = connection.getresponse()
            text = answer.read()
            return Reply(answer.status, time.monotonic() - began, dict(answer.getheaders()), text)
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, time.monotonic() - began, text=repr(error).encode())
        finally:
            connection.close()

    def load(self, files, name=None):
        """Loads a model of these files (bytes, or a path to copy)."""
        self.number += 1
        name = name or f"m{self.number}"
        folder = self.models / name / "model"
        folder.mkdir(parents=True)
        for file, content in files.items():
            if isinstance(content, pathlib.Path):
                shutil.copy(content, folder / file)
            else:
                (folder / file).write_bytes(content)
        return self.load_from(folder, name)

    def load_from(self, url, name):
        body = f'{{"model_name": "{name}", "url": "{url}"}}'.encode()
        reply = self.request("POST", "/models", body)
        reply.name = name
        return reply

    def ask(self, name, body, content_type="text/csv", accept="application/json"):
        return self.request("POST", f"/models/{name}/invoke", body, content_type, accept)

    def _watch_good(self):
        connection = self.connection(timeout=5)
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        while not self.stopped.is_set():
            status = status_of(connection, "POST", "/models/good/invoke", GOOD_ROW, headers)
            if not self.stopped.is_set() or status != 200:
                self.asked += 1
                if status != 200:
                    self.failures.append(f"the good model: {status}")
            self.stopped.wait(0.005)
        connection.close()

    def memory(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) << 10
        raise RuntimeError(f"no {name} of the process")

    def begin(self):
        """Starts watching memory and the good model."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        self.before = self.memory("VmRSS")
        self.watcher.start()
        self.pings = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("ping.py"), str(self.port)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def peak(self):
        """The peak in bytes beyond the memory at the start; None if the process has ended."""
        try:
            return max(0, self.memory("VmHWM") - self.before) if self.process.poll() is None else None
        except (OSError, RuntimeError):
            return None

    def ask_once_more(self):
        """Asks the good model once more after the attack, even if the attack was short."""
        before, deadline = self.asked, time.monotonic() + PATIENCE
        while self.asked < before + 2 and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)

    def end(self):
        self.stopped.set()
        if self.watcher.is_alive():
            self.watcher.join(PATIENCE)
        if self.pings:
            report = json.loads(self.pings.communicate(timeout=PATIENCE)[0])
            self.slowest_ping = report["slowest"]
            self.failures += report["failures"]
        ended_before = self.process.poll()
        if ended_before is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if ended_before is None:
            return None
        return signal.Signals(-ended_before).name if ended_before < 0 else f"exit code {ended_before}"


def run_confined(confinement, arguments):
    """Runs a byoc command. Returns its exit code (negative for a signal), seconds and peak memory in bytes."""
    scratch = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    began, peak = time.monotonic(), 0
    process = subprocess.Popen([BYOC, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "TMPDIR": scratch},
                               preexec_fn=confinement.enter)
    while process.poll() is None:
        # Measure the program itself: getrusage would include this process, from which it was forked.
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        if status.startswith(f"Name:\t{BYOC.name}\n") and "VmHWM:" in status:
            peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) << 10)
        if time.monotonic() - began > PATIENCE:
            process.kill()
        time.sleep(0.002)
    return process.returncode, time.monotonic() - began, peak
