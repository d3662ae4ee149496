"""`linnet probe`: what is sent, and how its answers are judged."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner, Result

from linnet.cli.app import app
from linnet.cli.output import BadInput
from linnet.cli.probe.answers import Answer, Latency, percentile, probed
from linnet.cli.probe.command import headers
from linnet.cli.probe.send import retry_after

FINE, LIMITED = Answer(200, 0.01), Answer(429, 0.002, retry_after=3)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fine", "limited", "passed"), [(96, 4, True), (95, 5, False), (0, 0, False), (20, 0, True)]
)
def test_it_passes_with_more_than_95_percent(fine: int, limited: int, passed: bool) -> None:
    found = probed([FINE] * fine + [LIMITED] * limited, planned=100, seconds=5)
    assert found.passed is passed


def test_answers_are_counted_by_class_and_status() -> None:
    answers = [FINE, Answer(302, 0.01), LIMITED, Answer(503, 1.0), Answer(0, 5.0, problem="late")]
    found = probed(answers, planned=5, seconds=0.5)
    assert found.answers == {"2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1, "no answer": 1}
    assert found.statuses == {"200": 1, "302": 1, "429": 1, "503": 1}
    assert found.success_percent == 40
    assert found.rate == 10
    assert found.problems == {"late": 1}


def test_refusals_are_told_with_how_long_they_ask_to_wait() -> None:
    answers = [LIMITED, Answer(429, 0.1, retry_after=7), Answer(429, 0.1)]
    refused = probed(answers, planned=3, seconds=1).refused
    assert (refused.count, refused.with_retry_after) == (3, 2)
    assert (refused.least_seconds, refused.most_seconds) == (3, 7)
    assert probed([FINE], planned=1, seconds=1).refused.least_seconds is None


def test_times_are_of_what_was_answered() -> None:
    answers = [Answer(200, number / 1000) for number in range(1, 101)]
    found = probed([*answers, Answer(0, 60.0, problem="late")], planned=101, seconds=1)
    assert found.latency_ms == Latency(50, 95, 99, 100)
    assert probed([Answer(0, 1.0, problem="late")], planned=1, seconds=1).latency_ms is None
    assert percentile([7.0], 50) == 7.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Tue, 01 Jan 2030 00:00:30 GMT", 30),
        ("Tue, 01 Jan 2030 00:00:30 -0000", 30),
        ("Mon, 31 Dec 2029 23:59:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def test_a_body_is_json_unless_a_header_says_otherwise() -> None:
    assert headers(["Host: shop.example"], None) == {"host": "shop.example"}
    assert headers([], "{}") == {"content-type": "application/json"}
    assert headers(["Content-Type: text/plain"], "a") == {"content-type": "text/plain"}
    with pytest.raises(BadInput, match="Name: value"):
        headers(["Host shop.example"], None)


class Guarded(BaseHTTPRequestHandler):
    """Answers the first so many requests, and refuses what comes then."""

    lets_pass = 0
    seen: Counter[str]

    def do_GET(self) -> None:
        self.seen[f"{self.command} {self.headers['Host']}"] += 1
        refused = self.seen.total() > self.lets_pass
        self.send_response(429 if refused else 200)
        if refused:
            self.send_header("Retry-After", "2")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.seen[body] += 0
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        """Nothing is printed."""


@contextmanager
def guarded(lets_pass: int) -> Iterator[tuple[str, Counter[str]]]:
    """The URL of a service with a limit, and what it has seen."""
    seen: Counter[str] = Counter()
    handler = type("Handler", (Guarded,), {"lets_pass": lets_pass, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", seen
        finally:
            server.shutdown()
            thread.join(timeout=10)


def probes(*words: str) -> Result:
    return CliRunner().invoke(app, ["probe", *words])


@pytest.mark.thorough
def test_a_service_that_lets_all_pass() -> None:
    with guarded(lets_pass=20) as (url, seen):
        words = ("--requests", "20", "--rate", "1000", "-H", "Host: shop.example", "-d", '{"a":1}')
        result = probes(url, *words)
    assert result.exit_code == 0, result.stderr
    assert "passed, 100 % succeeded" in result.stdout
    assert seen["POST shop.example"] == 20
    assert '{"a":1}' in seen


@pytest.mark.thorough
def test_a_service_that_refuses() -> None:
    with guarded(lets_pass=15) as (url, _):
        result = probes(url, "--requests", "20", "--rate", "1000", "-o", "json")
        shown = probes(url, "--requests", "2", "--rate", "1000").stdout
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["statuses"] == {"200": 15, "429": 5}
    assert found["refused"]["leastSeconds"] == 2
    assert "2 × 429, 2 with Retry-After: 2 s" in shown


def test_time_that_is_up_ends_it() -> None:
    with guarded(lets_pass=100) as (url, _):
        result = probes(
            url, "--requests", "100", "--rate", "0.1", "--longest", "100ms", "-o", "json"
        )
    assert json.loads(result.stdout)["sent"] == 1


def test_nobody_answers() -> None:
    result = probes("http://127.0.0.1:9/", "--requests", "3", "--rate", "1000")
    assert result.exit_code == 1
    assert "3 × no answer" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("shop.example",),
        ("ftp://shop.example",),
        ("http://[shop",),
        ("http://shop.example", "--timeout", "0s"),
        ("http://shop.example", "--longest", "soon"),
        ("http://shop.example", "--method", "G T"),
    ],
)
def test_what_cant_be_used_is_told(words: tuple[str, ...]) -> None:
    result = probes(*words)
    assert result.exit_code == 2
    assert words[-1] in result.stderr
