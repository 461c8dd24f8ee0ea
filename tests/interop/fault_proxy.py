"""A proxy between byoc and a server that delays requests, answers them with errors or resets their connections."""
import http.client
import http.server
import socket
import struct
import threading
import time
import urllib.parse


class FaultProxy(http.server.ThreadingHTTPServer):
    """Forwards requests to `upstream`. `faults` are those of the next requests, in order; later requests succeed.

    A fault is ("delay", seconds), ("status", code) or ("reset", bytes): reset the connection after these bytes of the
    body.
    """

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urllib.parse.urlsplit(upstream)
        self.faults, self.seen, self.lock = [], [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def will(self, *faults):
        with self.lock:
            self.faults, self.seen = list(faults), []

    def next_fault(self, request):
        with self.lock:
            self.seen.append(request)
            return self.faults.pop(0) if self.faults else (None, None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind, value = self.server.next_fault((self.command, self.path, self.headers.get("Range")))
        if kind == "status":
            self.send_response(value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if kind == "delay":
            time.sleep(value)
        upstream = http.client.HTTPConnection(self.server.upstream.hostname, self.server.upstream.port, timeout=30)
        # The signature covers Host.
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream.request(self.command, self.path, body=content or None, headers=dict(self.headers.items()))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.send_response(answer.status)
        for name, value_of in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                self.send_header(name, value_of)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "reset":
            self.wfile.write(body[:value])
            self.wfile.flush()
            # SO_LINGER with 0 resets the connection instead of closing it.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.wfile.write(body)

    do_HEAD = do_PUT = do_GET

    def log_message(self, *_):
        pass
