#!/usr/bin/env python3
"""Compares allocators in byoc: the memory of many small models, how much of it returns to the system once they are
unloaded, and the processor time.

    python3 benches/allocators.py [--models COUNT] [--rounds COUNT] [--of-models COUNT]
                                  NAME[=BINARY][;VARIABLE=VALUE]...

Linux only. NAME is glibc, mimalloc-v2, mimalloc-v3 or jemalloc, which are built below target/ (jemalloc needs make), or
any name for an existing BINARY. `serve --multi-model` of each candidate loads and unloads COUNT models (default
100,000: the housing preprocessor under different names) over sixteen connections, while another connection requests
/ping every millisecond. Then it answers requests of one row and of 10,000 rows. Each round (default 3) runs all
candidates one after the other; models are loaded in one round, or in --of-models rounds. The table shows medians. On a
shared machine, compare the processor time.
"""
import argparse
import json
import os
import pathlib
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOUSING = ROOT / "tests" / "fixtures" / "sklearn" / "1.4.2" / "housing"
CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")


def request(method, path, body=b"", content_type="application/json", accept="text/csv"):
    head = (f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
            f"content-type: {content_type}\r\naccept: {accept}\r\n\r\n")
    return head.encode() + body


class Connection:
    """A keep-alive connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = bytearray()
        self.whole = None

    def feed(self):
        """Reads what has arrived. Returns the status of a complete answer."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.answer += data
        if self.whole is None:
            end = self.answer.find(b"\r\n\r\n")
            if end < 0:
                return None
            length = self.answer.lower().find(b"content-length: ", 0, end)
            self.whole = end + 4 + int(self.answer[length + 16:self.answer.find(b"\r\n", length)])
        if len(self.answer) < self.whole:
            return None
        status = int(self.answer[9:12])
        self.answer.clear()
        self.whole = None
        return status

    def ask(self, message):
        self.socket.sendall(message)
        while (status := self.feed()) is None:
            pass
        return status


def ask_all(port, messages, connections=CONNECTIONS):
    """Sends messages over several connections, one at a time on each. Returns their count and the seconds."""
    messages = iter(messages)
    begun = time.monotonic()
    count = 0
    with selectors.DefaultSelector() as selector:
        for message in (message for message, _ in zip(messages, range(connections))):
            connection = Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.socket.sendall(message)
        while selector.get_map():
            for key, _ in selector.select():
                status = key.data.feed()
                if status is None:
                    continue
                if status != 200:
                    raise ConnectionError(f"the server said {status}")
                count += 1
                message = next(messages, None)
                if message is None:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                else:
                    key.fileobj.sendall(message)
    return count, time.monotonic() - begun


def for_seconds(message, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield message


class Server:
    """A running candidate."""

    def __init__(self, candidate, *arguments, limit=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [candidate.binary, "serve", "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning",
                   *arguments]
        if limit:
            command = ["prlimit", f"--as={limit}", *command]
        begun = time.monotonic()
        self.process = subprocess.Popen(command, env={**os.environ, **candidate.variables}, stderr=subprocess.PIPE)
        while True:
            try:
                if Connection(self.port).ask(request("GET", "/ping")) == 200:
                    break
            except OSError:
                if self.process.poll() is not None:
                    raise ConnectionError(self.process.stderr.read().decode().strip()[-300:])
            time.sleep(0.0002)
        self.started = time.monotonic() - begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def resident(self):
        """Resident bytes, for which the kernel walks the page tables; its running counts per processor lag behind."""
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
        raise OSError("no Rss in smaps_rollup")

    def addresses(self):
        return int(open(f"/proc/{self.process.pid}/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")

    def processor_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def measure(self, messages, connections=CONNECTIONS):
        """Requests per second, and microseconds of processor time for each."""
        before = self.processor_seconds()
        count, seconds = ask_all(self.port, messages, connections)
        return count / seconds, (self.processor_seconds() - before) / count * 1e6


class Pings:
    """Asks for /ping every millisecond on its own connection. Returns the slowest in milliseconds."""

    SCRIPT = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.settimeout(30)
latencies = []
import select
while not select.select([sys.stdin], [], [], 0.001)[0]:
    begun = time.monotonic()
    connection.sendall(b"GET /ping HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n")
    connection.recv(65536)
    latencies.append(time.monotonic() - begun)
latencies.sort()
print(latencies[len(latencies) * 99 // 100] * 1000, latencies[-1] * 1000)
"""

    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def end(self):
        output, _ = self.process.communicate(b"end\n")
        return tuple(float(number) for number in output.split())


def build(name):
    """The program with an allocator, built with the versions of the program's own lock file."""
    package = ROOT / "benches" / "allocators"
    target = ROOT / "target"
    shutil.copy(ROOT / "Cargo.lock", package)
    subprocess.run(["cargo", "build", "--release", "--features", name, "--manifest-path", str(package / "Cargo.toml"),
                    "--target-dir", str(target)], check=True)
    return shutil.copy(target / "release" / "byoc-allocators", target / f"byoc-{name}")


class Candidate:
    def __init__(self, text):
        first, *variables = text.split(";")
        self.name, _, self.binary = first.partition("=")
        if not self.binary:
            self.binary = str(build(self.name))
        self.variables = dict(variable.split("=", 1) for variable in variables)
        self.figures = {}

    def add(self, name, value):
        self.figures.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.figures[name]) if name in self.figures else float("nan")


def models(candidate, folder, count):
    load = (request("POST", "/models", json.dumps({"model_name": f"model-{number}", "url": str(folder)}).encode())
            for number in range(count))
    unload = (request("DELETE", f"/models/model-{number}") for number in range(count))
    with Server(candidate, "--multi-model", "--model-memory", "4G") as server:
        # Connections, threads and counters take memory once, whatever the number of models.
        ask_all(server.port,
                (request("POST", "/models", json.dumps({"model_name": f"w{n}", "url": str(folder)}).encode())
                 for n in range(64)))
        ask_all(server.port, (request("DELETE", f"/models/w{n}") for n in range(64)))
        time.sleep(3)
        idle = server.resident()
        rate, micros = server.measure(load)
        candidate.add("loads/s", rate)
        candidate.add("us a load", micros)
        loaded = server.resident()
        pings = Pings(server.port)
        rate, micros = server.measure(unload)
        at_once = server.resident()
        before = server.processor_seconds()
        time.sleep(2)
        after = server.resident()
        candidate.add("us an unload", micros)
        candidate.add("purge ms", (server.processor_seconds() - before) * 1000)
        p99, longest = pings.end()
        candidate.add("ping p99", p99)
        candidate.add("ping max", longest)
        candidate.add("idle", idle)
        candidate.add("loaded", loaded)
        candidate.add("a model", (loaded - idle) / count)
        candidate.add("at once", 100 * (loaded - at_once) / (loaded - idle))
        candidate.add("after", 100 * (loaded - after) / (loaded - idle))
        candidate.add("left", after)


def speed(candidate, folder, seconds):
    rows = (HOUSING / "input.csv").read_bytes().splitlines(keepends=True)
    one = request("POST", "/invocations", rows[0], "text/csv")
    many = request("POST", "/invocations", b"".join(rows[n % len(rows)] for n in range(10_000)), "text/csv")
    with Server(candidate, "--model-dir", str(folder)) as server:
        candidate.add("start", server.started * 1000)
        candidate.add("resident", server.resident())
        candidate.add("addresses", server.addresses())
        rate, micros = server.measure(for_seconds(one, seconds))
        candidate.add("1 row/s", rate)
        candidate.add("us 1 row", micros)
        rate, micros = server.measure(for_seconds(many, seconds), 4)
        candidate.add("10,000 rows/s", rate)
        candidate.add("us 10,000 rows", micros)
        candidate.add("resident then", server.resident())
    for _ in range(5):
        with Server(candidate, "--model-dir", str(folder)) as server:
            candidate.add("start", server.started * 1000)


def within(candidate, folder, limit):
    """Measures a candidate in a limited address space."""
    rows = (HOUSING / "input.csv").read_bytes().splitlines(keepends=True)
    body = b"".join(rows[n % len(rows)] for n in range(10_000))
    try:
        with Server(candidate, "--multi-model", limit=limit) as server:
            ask_all(server.port,
                    (request("POST", "/models", json.dumps({"model_name": f"m{n}", "url": str(folder)}).encode())
                                  for n in range(2000)))
            ask_all(server.port, [request("POST", "/models/m0/invoke", body, "text/csv")] * 20, 4)
            return f"yes, {server.addresses() / 2**20:.0f} MiB"
    except (OSError, ConnectionError) as error:
        return f"no: {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candidates", nargs="+", type=Candidate)
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--of-models", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ("model.joblib", "columns.json"):
            shutil.copy(HOUSING / name, folder)
        for candidate in options.candidates:
            candidate.within = within(candidate, folder, 1 << 30)
        for number in range(options.rounds):
            for candidate in options.candidates:
                speed(candidate, folder, options.seconds)
                if number < options.of_models:
                    models(candidate, folder, options.models)
                print(f"round {number + 1}: {candidate.name}", file=sys.stderr, flush=True)
    table(options)


def table(options):
    columns = [
        ("", lambda c: c.name),
        ("B a model", lambda c: f"{c.median('a model'):,.0f}"),
        ("returned at once", lambda c: f"{c.median('at once'):.0f} %"),
        ("after 2 s", lambda c: f"{c.median('after'):.0f} %"),
        ("left", lambda c: f"{c.median('left') / 1e6:.1f} MB"),
        ("µs a load", lambda c: f"{c.median('us a load'):.0f}"),
        ("µs an unload", lambda c: f"{c.median('us an unload'):.0f}"),
        ("purge ms", lambda c: f"{c.median('purge ms'):.0f}"),
        ("/ping p99, longest ms", lambda c: f"{c.median('ping p99'):.1f}, {c.median('ping max'):.0f}"),
        ("µs of 1 row", lambda c: f"{c.median('us 1 row'):.1f}"),
        ("1 row/s", lambda c: f"{c.median('1 row/s'):,.0f}"),
        ("µs of 10,000 rows", lambda c: f"{c.median('us 10,000 rows'):,.0f}"),
        ("10,000 rows/s", lambda c: f"{c.median('10,000 rows/s'):,.0f}"),
        ("resident then", lambda c: f"{c.median('resident then') / 1e6:.1f} MB"),
        ("start ms", lambda c: f"{c.median('start'):.1f}"),
        ("idle", lambda c: f"{c.median('resident') / 1e6:.1f} MB"),
        ("addresses", lambda c: f"{c.median('addresses') / 2**20:,.0f} MiB"),
        ("in 1 GiB", lambda c: c.within),
        ("binary", lambda c: f"{os.path.getsize(c.binary) / 1e6:.2f} MB"),
    ]
    print(f"{os.cpu_count()} cores, {options.models:,} models, medians of {options.rounds} rounds, "
          f"of {options.of_models} with models")
    print("| " + " | ".join(title for title, _ in columns) + " |")
    print("|" + " --- |" * len(columns))
    for candidate in options.candidates:
        print("| " + " | ".join(show(candidate) for _, show in columns) + " |", flush=True)


if __name__ == "__main__":
    main()
