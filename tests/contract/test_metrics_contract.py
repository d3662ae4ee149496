"""What every metrics provider must do, and what the Prometheus one refuses beyond it.

The suite runs on the fake and on a real Prometheus. Answers that a healthy Prometheus doesn't
give (partial, truncated, endless) are played by a stub.
"""

import asyncio
import json
import math
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from linnet.core.observed import Sample, Table
from linnet.core.series import Matrix, Series
from linnet.providers.metrics.base import MetricsProvider
from linnet.providers.metrics.prometheus import THREADS, Prometheus
from tests.support.fake_metrics import FakeMetrics
from tests.support.prometheus_server import run_prometheus

SAMPLES = """\
requests{track="canary"} 3
requests{track="stable"} 5
broken NaN
endless +Inf"""

NOW = time.time()  # noqa: TID251 - Prometheus goes by the real clock
VALUES = {
    'requests{track="canary"}': Sample(value=3.0),
    "sum(requests)": Sample(value=8.0),
    "scalar(sum(requests))": Sample(value=8.0),
    "1.5": Sample(value=1.5),
}
TABLES = {
    "requests": Table({("canary", ""): 3.0, ("stable", ""): 5.0}),
    "sum(requests)": Table({("", ""): 8.0}),
    "broken": Table({("", ""): None}),
    "absent_series": Table(),
    '{__name__=~"broken|endless"}': Table(
        error="the query gave several series with the same track, town"
    ),
}
MATRICES = {
    "requests[2h]": Matrix(
        tuple(
            Series({"__name__": "requests", "track": track}, ((NOW - 30, value),))
            for track, value in (("canary", 3.0), ("stable", 5.0))
        )
    ),
    "endless[2h]": Matrix((Series({"__name__": "endless"}, ((NOW - 30, math.inf),)),)),
    "absent_series[2h]": Matrix(),
}
NO_DATA = ["absent_series", "broken", "endless", "-endless", "vector(0) / 0", "NaN", "1 / 0"]
TWO_SERIES = "the query gave 2 series instead of one: aggregate with sum(...)"


@pytest.fixture(scope="session")
def prometheus_url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-prometheus-"))
    try:
        with run_prometheus(folder, SAMPLES) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["fake", "prometheus"])
async def metrics(request: pytest.FixtureRequest) -> AsyncIterator[MetricsProvider]:
    provider: MetricsProvider
    if request.param == "fake":
        errors = {"requests": Sample(error=TWO_SERIES), "sum(": Sample(error="unclosed left")}
        vectors = {"requests": MATRICES["requests[2h]"]}
        provider = FakeMetrics({**VALUES, **errors}, TABLES, MATRICES, vectors)
    else:
        provider = Prometheus(request.getfixturevalue("prometheus_url"))
    yield provider
    await provider.close()


@pytest.fixture(params=["fake", "prometheus"])
async def unreachable(request: pytest.FixtureRequest) -> AsyncIterator[MetricsProvider]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    said = f"Prometheus at {url} can't be reached"
    provider = FakeMetrics(down=said) if request.param == "fake" else Prometheus(url)
    yield provider
    await provider.close()


@pytest.mark.parametrize("promql", VALUES)
async def test_one_number(metrics: MetricsProvider, promql: str) -> None:
    assert await metrics.query(promql) == VALUES[promql]


@pytest.mark.parametrize("promql", NO_DATA)
async def test_no_number_is_no_data(metrics: MetricsProvider, promql: str) -> None:
    assert await metrics.query(promql) == Sample()


@pytest.mark.parametrize("promql", TABLES)
async def test_rows(metrics: MetricsProvider, promql: str) -> None:
    assert await metrics.table(promql, ("track", "town")) == TABLES[promql]


async def test_series_with_one_value(metrics: MetricsProvider) -> None:
    found = await metrics.instant("requests")
    assert not found.error
    assert {each.labels["track"]: each.points[-1][1] for each in found.series} == {
        "canary": 3.0,
        "stable": 5.0,
    }
    assert await metrics.instant("absent_series") == Matrix()


async def test_series_of_one_that_is_away_are_an_error(unreachable: MetricsProvider) -> None:
    assert "can't be reached" in (await unreachable.instant("requests")).error


@pytest.mark.parametrize("promql", MATRICES)
async def test_raw_samples(metrics: MetricsProvider, promql: str) -> None:
    def read(matrix: Matrix) -> list[tuple[Mapping[str, str], list[float]]]:
        assert not matrix.error
        return [(each.labels, [value for _, value in each.points]) for each in matrix.series]

    soon = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=1)
    assert read(await metrics.series(promql, soon)) == read(MATRICES[promql])
    assert read(await metrics.series(promql, soon - timedelta(hours=2))) == []


async def test_several_series_are_an_error(metrics: MetricsProvider) -> None:
    assert await metrics.query("requests") == Sample(error=TWO_SERIES)


async def test_a_refused_query_is_an_error(metrics: MetricsProvider) -> None:
    sample = await metrics.query("sum(")
    assert sample.value is None
    assert "unclosed left" in sample.error


async def test_an_unreachable_server_is_an_error(unreachable: MetricsProvider) -> None:
    sample = await unreachable.query("1")
    assert sample.value is None
    assert sample.error.endswith("can't be reached")
    assert (await unreachable.table("1", ())).error == sample.error
    assert (await unreachable.series("up[1m]", datetime.fromtimestamp(NOW, UTC))).error == (
        sample.error
    )


# From here on: Prometheus alone.


async def test_a_range_is_an_error(prometheus_url: str) -> None:
    provider = Prometheus(prometheus_url)
    assert "a range of values instead of one number" in (await provider.query("requests[5m]")).error
    assert "a string instead of one number" in (await provider.query('"1"')).error
    await provider.close()


class Stub:
    """An HTTP server that answers every request by one function, and counts them."""

    def __init__(self) -> None:
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda _: None
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.stop = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub.requests.append(self.path)
                stub.authorizations.append(self.headers["Authorization"])
                stub.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def gives(
        self, body: Any, status: int = 200, length: int | None = None, **headers: str
    ) -> None:
        """Answer with this body, text or JSON, and claim this length."""
        data = (body if isinstance(body, str) else json.dumps(body)).encode()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(data) if length is None else length))
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(data)

        self.answer = answer


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    thread = threading.Thread(target=stub.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stub
    stub.stop.set()
    stub.server.shutdown()
    thread.join()
    stub.server.server_close()


@pytest.fixture
async def asking(stub: Stub) -> AsyncIterator[Prometheus]:
    provider = Prometheus(stub.url, timeout_seconds=0.3)
    yield provider
    await provider.close()


def success(result: Any = None, kind: str = "vector", **more: Any) -> dict[str, Any]:
    found = [{"metric": {}, "value": [1, "2"]}] if result is None else result
    return {"status": "success", "data": {"resultType": kind, "result": found}, **more}


async def test_the_stub_can_be_asked(stub: Stub, asking: Prometheus) -> None:
    stub.gives(success())
    assert await asking.query("up") == Sample(value=2.0)
    assert stub.requests == ["/api/v1/query?query=up&timeout=1s"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (success(warnings=["store x is down"]), "may be partial: store x is down"),
        (success([{"metric": {}, "histogram": [1, {}]}]), "a histogram instead of a number"),
        (success([{"metric": {}, "value": [1, "two"]}]), "unknown form"),
        (success([[]]), "unknown form"),
        ({"status": "success"}, "a None instead of one number"),
        ({"status": "success", "data": []}, "a None instead of one number"),
        ({"status": "error", "error": "no"}, "refused the query: no"),
        (["success"], "not as Prometheus does"),
        ("<html>log in</html>", "not as Prometheus does"),
        ('{"status":"success","data":{"resultType":"vec', "not as Prometheus does"),
        (success([], note="x" * (8 << 20)), "more than 8 MiB"),
    ],
)
async def test_an_answer_that_must_not_be_used(
    body: Any, said: str, stub: Stub, asking: Prometheus
) -> None:
    stub.gives(body)
    sample = await asking.query("up")
    assert sample.value is None
    assert said in sample.error


async def test_infos_are_no_warnings(stub: Stub, asking: Prometheus) -> None:
    stub.gives(success(infos=["metric might not be a counter"]))
    assert await asking.query("up") == Sample(value=2.0)


async def test_a_body_shorter_than_it_claims(stub: Stub, asking: Prometheus) -> None:
    stub.gives(success(), length=10_000)
    assert "gave no usable answer" in (await asking.query("up")).error


@pytest.mark.parametrize(
    ("status", "said"),
    [(503, "not as Prometheus does"), (429, "HTTP status 429"), (302, "elsewhere")],
)
async def test_a_failed_request_is_made_once(
    status: int, said: str, stub: Stub, asking: Prometheus
) -> None:
    stub.gives("sorry", status, Location=f"{stub.url}/login")
    assert said in (await asking.query("up")).error
    assert len(stub.requests) == 1


async def test_a_server_that_hangs(stub: Stub, asking: Prometheus) -> None:
    def hang(_: BaseHTTPRequestHandler) -> None:
        stub.stop.wait()

    stub.answer = hang
    assert (await asking.query("up")).error.endswith("did not answer within 0.3 s")


async def test_an_answer_that_trickles_in(stub: Stub, asking: Prometheus) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            while not stub.stop.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            handler.close_connection = True

    stub.answer = trickle
    assert (await asking.query("up")).error.endswith("did not answer within 0.3 s")


async def test_no_more_than_so_many_at_once(stub: Stub) -> None:
    under_way, most, lock = 0, 0, threading.Lock()
    all_there = threading.Barrier(THREADS)
    stub.gives(success())
    reply = stub.answer

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        all_there.wait(timeout=5)
        with lock:
            under_way -= 1
        reply(handler)

    stub.answer = answer
    provider = Prometheus(stub.url)
    samples = await asyncio.gather(*(provider.query("up") for _ in range(3 * THREADS)))
    assert set(samples) == {Sample(value=2.0)}
    assert most == THREADS
    await provider.close()


async def test_the_token_is_read_for_each_request(stub: Stub, tmp_path: Path) -> None:
    stub.gives(success())
    file = tmp_path / "token"
    provider = Prometheus(stub.url, token_file=str(file))
    assert "token file" in (await provider.query("up")).error
    for token in ("one", "two\n"):
        file.write_text(token)
        await provider.query("up")
    assert stub.authorizations == ["Bearer one", "Bearer two"]
    await provider.close()
