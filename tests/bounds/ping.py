"""Asks a container for /ping every few milliseconds until standard input ends, then prints the results as JSON.

This is a separate process: a thread next to the attack's would wait for Python's global interpreter lock and measure
that wait as the container's time.
"""
import http.client
import json
import select
import sys
import time


def status_of(connection, *request):
    """The result of a request over a kept-alive connection: a status or an error."""
    try:
        connection.request(*request)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return repr(error)


def main(port):
    slowest, failures = 0.0, []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    while not select.select([sys.stdin], [], [], 0.005)[0]:
        began = time.monotonic()
        status = status_of(connection, "GET", "/ping")
        slowest = max(slowest, time.monotonic() - began)
        if status != 200:
            failures.append(f"/ping: {status}")
    print(json.dumps({"slowest": slowest, "failures": failures}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
