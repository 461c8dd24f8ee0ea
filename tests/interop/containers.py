"""Containers for tests in a few lines of Python. The body of a request tells them what to do."""
import http.server
import threading


class ScriptedContainer(http.server.ThreadingHTTPServer):
    """Answers `/ping`, and does what the body of a request says:

    `status N TEXT`  answers with that status and text
    `size N`         answers with N bytes
    `hang`           does not answer before `release` is set
    `stream`         sends `one`, and `two` once `release` is set
    `break`          sends `one`, and breaks the connection once `release` is set
    `session`        opens, uses or closes (`session close`) a session
    anything else    answers with its own name and the body
    """

    daemon_threads = True

    def __init__(self, name):
        self.name, self.seen, self.release = name, [], threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """Ignores the error of a connection that was closed on purpose."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((dict(self.headers), body))
        word, _, rest = body.partition(" ")
        if word == "status":
            status, _, text = rest.partition(" ")
            self.answer(int(status), text.encode())
        elif word == "size":
            self.answer(200, b"x" * int(rest))
        elif word == "hang":
            self.server.release.wait(60)
            self.answer(200, b"late")
        elif word in ("stream", "break"):
            self.stream(word == "break")
        elif word == "session":
            self.answer(200, self.server.name.encode(), self.session(rest))
        else:
            self.answer(200, f"{self.server.name}: {body}".encode(), {"X-Amzn-SageMaker-Custom-Attributes": "answered"})

    def session(self, what):
        asked = self.headers.get("X-Amzn-SageMaker-Session-Id")
        if asked == "NEW_SESSION":
            return {"X-Amzn-SageMaker-Session-Id": f"{self.server.name}-1; Expires=2999-01-01T00:00:00Z"}
        return {"X-Amzn-SageMaker-Closed-Session-Id": asked} if what == "close" else {}

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, breaks):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\none\r\n")
        self.wfile.flush()
        self.server.release.wait(60)
        if breaks:
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")

    def log_message(self, *_):
        pass
