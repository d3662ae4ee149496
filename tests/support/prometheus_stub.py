"""Stands for a Prometheus that measures many canaries: each has a row in every answer.

For clusters whose pods only seem to run, where there is nothing to scrape.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from linnet.core.catalog import BY

Row = tuple[str, str]

HEALTHY: Mapping[str, float] = {
    "count(up": 2.0,
    "histogram_quantile": 50.0,
    "container_memory": 40.0,
    "container_cpu": 30.0,
    "100 * (1 -": 99.99,
    "http_requests_total": 0.1,
}
"""What a query has in it -> its value for a canary that is well. The first that fits counts."""
FAILING = {"http_requests_total": 20.0}
"""The same for a canary that fails."""


class PrometheusStub:
    """Answers instant queries. `rows` and `failing` may change at any time."""

    def __init__(self) -> None:
        self.rows: set[Row] = set()
        self.failing: set[Row] = set()
        self.asked = 0
        self.url = ""

    def measure(self, rows: Iterable[Row]) -> None:
        """Have rows for these canaries, each a namespace and the canary's name."""
        self.rows = set(rows)

    def answer(self, promql: str) -> bytes:
        """The body of an answer."""
        self.asked += 1
        word = next((each for each in HEALTHY if each in promql), "")
        series = [
            {
                "metric": dict(zip(BY, row, strict=True)),
                "value": [0, str(self._value(word, row))],
            }
            for row in sorted(self.rows)
            if word
        ]
        data = {"resultType": "vector", "result": series}
        return json.dumps({"status": "success", "data": data}).encode()

    def _value(self, word: str, row: Row) -> float:
        return FAILING.get(word, HEALTHY[word]) if row in self.failing else HEALTHY[word]


@contextmanager
def run_prometheus_stub() -> Iterator[PrometheusStub]:
    """Serve a stub on loopback."""
    stub = PrometheusStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            (promql,) = parse_qs(urlsplit(self.path).query).get("query", [""])
            body = stub.answer(promql)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
