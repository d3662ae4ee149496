from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from recochat import context
from recochat.app import create_app
from recochat.chat.engine import Answer, Question, Say
from recochat.logs import JsonFormatter, Sampler
from recochat.metrics import REQUEST_BUCKETS, Metrics
from recochat.problems import StoreUnavailable
from recochat.sessions.base import NO_CHANGE, Change, Session, Turn
from recochat.settings import Settings
from recochat.telemetry import TelemetryMiddleware

Calling = Callable[[FastAPI], httpx.AsyncClient]

README = Path(__file__).resolve().parents[3] / "workload" / "README.md"
RECOMMEND = "/api/v2/recommendations"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


class BrokenAnswerer:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def answer(self, question: Question, say: Say | None = None) -> Answer:
        raise self.error


class BrokenStore:
    kind = "redis"

    async def get(self, session_id: str) -> Session | None:
        raise StoreUnavailable("gone")

    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> int:
        raise StoreUnavailable("gone")

    async def of_user(self, user_id: str) -> list[Session]:
        raise StoreUnavailable("gone")

    async def delete(self, session_id: str) -> bool:
        raise StoreUnavailable("gone")

    async def count(self) -> int:
        raise StoreUnavailable("gone")

    async def ping(self) -> None:
        raise StoreUnavailable("gone")

    async def close(self) -> None: ...


async def test_every_answer_names_version_and_track(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/"),
        await client.get("/health"),
        await client.get("/nowhere"),
        await client.post(RECOMMEND, json={}),
        await client.post(RECOMMEND, json={"user_id": "a"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 422, 200]
    for answer in answers:
        assert answer.headers["x-recochat-version"] == "1.2.3"
        assert answer.headers["x-recochat-track"] == "canary"
        assert answer.headers["x-correlation-id"]


async def test_the_correlation_id_is_taken_or_made(client: httpx.AsyncClient) -> None:
    taken = await client.get("/", headers={"X-Correlation-Id": "order-17"})
    forged = await client.get("/", headers={"X-Correlation-Id": 'x" severity=ERROR'})
    made = await client.get("/")
    assert taken.headers["x-correlation-id"] == "order-17"
    assert len(forged.headers["x-correlation-id"]) == 32
    assert made.headers["x-correlation-id"] != forged.headers["x-correlation-id"]


async def test_requests_are_counted_by_full_status(client: httpx.AsyncClient) -> None:
    for body in ({"user_id": "a"}, {"user_id": "b"}, {}):
        await client.post(RECOMMEND, json=body)
    text = (await client.get("/metrics")).text

    common = {"service": "recochat", "method": "POST", "version": "1.2.3", "track": "canary"}
    assert samples(text, "http_requests_total") == [
        ({**common, "status": "200"}, 2),
        ({**common, "status": "422"}, 1),
    ]
    assert samples(text, "http_request_duration_seconds_count") == [(common, 3)]
    edges = [s[0]["le"] for s in samples(text, "http_request_duration_seconds_bucket")]
    assert [float(edge) for edge in edges] == [*REQUEST_BUCKETS, math.inf]


@pytest.mark.parametrize("path", ["/health", "/metrics", "/livez", "/readyz"])
async def test_probes_and_scrapes_are_not_counted(client: httpx.AsyncClient, path: str) -> None:
    await client.get(path)
    text = (await client.get("/metrics")).text
    assert samples(text, "http_requests_total") == []
    assert samples(text, "http_request_duration_seconds_count") == []


async def test_unknown_methods_share_one_label(client: httpx.AsyncClient) -> None:
    for method in ("BREW", "WHEN"):
        await client.request(method, "/nowhere")
    text = (await client.get("/metrics")).text
    assert [labels["method"] for labels, _ in samples(text, "http_requests_total")] == ["OTHER"]


async def test_engines_sessions_build_and_process_are_measured(client: httpx.AsyncClient) -> None:
    await client.post(RECOMMEND, json={"user_id": "a"})
    for _ in range(2):
        await client.post("/api/v2/chat", json={"message": "hello"})
    text = (await client.get("/metrics")).text

    build = {"version": "1.2.3", "track": "canary"}
    assert samples(text, "recochat_build_info") == [(build, 1)]
    assert samples(text, "recommendation_engine_latency_seconds_count") == [(build, 1)]
    assert samples(text, "multiturn_engine_latency_seconds_count") == [(build, 2)]
    assert samples(text, "session_count") == [({}, 2)]
    assert samples(text, "process_resident_memory_bytes")


async def test_sessions_asked_for_are_counted_by_whether_they_were_there(
    client: httpx.AsyncClient,
) -> None:
    said = (await client.post("/api/v2/chat", json={"message": "hello"})).json()
    await client.post("/api/v2/chat", json={"message": "hi", "session_id": said["session_id"]})
    await client.get(f"/api/v2/session/{said['session_id']}")
    await client.get("/api/v2/session/nobody")
    text = (await client.get("/metrics")).text
    found = samples(text, "session_lookups_total")
    assert {labels["outcome"]: count for labels, count in found} == {"hit": 2, "miss": 1}


async def test_what_is_counted_from_the_start_begins_at_zero(client: httpx.AsyncClient) -> None:
    """The first one would be lost otherwise: Prometheus sees no growth in a new series."""
    text = (await client.get("/metrics")).text
    for name in ("recommendation_feedback", "recommendation_likes", "session_lookups"):
        assert {count for _, count in samples(text, f"{name}_total")} == {0}


def test_every_metric_is_described_and_in_the_readme() -> None:
    metrics = Metrics("1", "stable")
    scraped = {family.name for family in metrics.registry.collect()}
    own = {name for name in scraped if not name.startswith("process_")}
    assert own == {name.removesuffix("_total") for name in metrics.described}
    readme = README.read_text()
    assert [name for name in metrics.described if f"`{name}" not in readme] == []


async def test_a_failure_is_a_500_with_headers_and_one_log_line(
    calling: Calling, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(), answerer=BrokenAnswerer(RuntimeError("boom")))
    async with calling(app) as client:
        answer = await client.post("/api/v2/chat", json={"message": "hello"})
        text = (await client.get("/metrics")).text

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-recochat-track"] == "stable"
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert "boom" not in answer.text
    assert [(labels["status"], n) for labels, n in samples(text, "http_requests_total")] == [
        ("500", 1)
    ]
    [record] = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.levelname == "ERROR"
    assert record.exc_info is not None


async def test_a_caller_that_left_counts_as_499(calling: Calling) -> None:
    app = create_app(Settings(), answerer=BrokenAnswerer(asyncio.CancelledError()))
    async with calling(app) as client:
        with pytest.raises(asyncio.CancelledError):
            await client.post("/api/v2/chat", json={"message": "hello"})
        text = (await client.get("/metrics")).text
    assert [labels["status"] for labels, _ in samples(text, "http_requests_total")] == ["499"]


async def test_an_answer_cut_short_counts_as_500() -> None:
    metrics = Metrics("1", "stable")

    async def cut_short(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ConnectionError

    middleware = TelemetryMiddleware(cut_short, metrics, "1", "stable")
    transport = httpx.ASGITransport(middleware)
    async with httpx.AsyncClient(transport=transport, base_url="http://recochat") as client:
        with pytest.raises(ConnectionError):
            await client.get("/api/v2/session/x")
    value = metrics.registry.get_sample_value(
        "http_requests_total",
        {
            "service": "recochat",
            "method": "GET",
            "status": "500",
            "version": "1",
            "track": "stable",
        },
    )
    assert value == 1


async def test_without_its_store_the_service_is_degraded_and_recommends(calling: Calling) -> None:
    app = create_app(Settings(), store=BrokenStore())
    async with app.router.lifespan_context(app), calling(app) as client:
        health = await client.get("/health")
        ready = await client.get("/readyz")
        chat = await client.post("/api/v2/chat", json={"message": "hello"})
        recommended = await client.post(RECOMMEND, json={"user_id": "a"})
        text = (await client.get("/metrics")).text

    assert health.status_code == 200
    assert health.json()["status"] == "degraded"
    assert health.json()["components"]["session_store"]["status"] == "unavailable"
    assert ready.status_code == 200
    assert chat.status_code == 503
    assert chat.headers["retry-after"] == "1"
    assert chat.json()["error_class"] == "external"
    assert recommended.status_code == 200
    assert math.isnan(samples(text, "session_count")[0][1])


async def test_ready_only_while_the_service_runs(calling: Calling) -> None:
    app = create_app(Settings())
    async with calling(app) as client:
        assert (await client.get("/readyz")).status_code == 503
        async with app.router.lifespan_context(app):
            assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200


def test_logs_carry_the_fields_of_google_cloud() -> None:
    formatter = JsonFormatter("recochat", "1.2.3", "canary", "my-project")
    request = context.enter([(b"x-correlation-id", b"order-17"), (b"traceparent", TRACE.encode())])
    try:
        raise ValueError("boom")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("recochat.x", logging.WARNING, "f", 1, "failed: %s", ("x",), info)
    record.path = object()
    text = formatter.format(record)
    context.leave()

    assert "\n" not in text
    line = json.loads(text)
    assert line["severity"] == "WARNING"
    assert line["message"] == "failed: x"
    assert line["time"].endswith("+00:00")
    assert line["correlation_id"] == "order-17"
    assert line["logging.googleapis.com/trace"] == (
        "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c"
    )
    assert line["logging.googleapis.com/spanId"] == request.span_id != "b7ad6b7169203331"
    assert line["logging.googleapis.com/trace_sampled"] is True
    assert "ValueError: boom" in line["stack_trace"]
    assert line["path"].startswith("<object")


def test_logs_outside_of_requests_carry_no_ids() -> None:
    record = logging.LogRecord("recochat", logging.INFO, "f", 1, "ready", (), None)
    line = json.loads(JsonFormatter("recochat", "1", "stable").format(record))
    assert "correlation_id" not in line
    assert "logging.googleapis.com/trace" not in line


def test_the_sampler_counts_what_it_keeps_silent() -> None:
    now = 0.0
    sampler = Sampler(per_second=2, clock=lambda: now)
    assert [sampler.admit() for _ in range(5)] == [0, 0, None, None, None]
    now = 1.0
    assert sampler.admit() == 3


def test_a_request_without_a_trace_starts_one() -> None:
    made = [context.enter([(b"traceparent", b"nonsense")]) for _ in range(2)]
    headers = context.outgoing_headers()
    context.leave()
    assert made[0].trace_id != made[1].trace_id
    assert all(len(each.trace_id) == 32 and len(each.span_id) == 16 for each in made)
    assert headers["traceparent"] == f"00-{made[1].trace_id}-{made[1].span_id}-00"


async def test_one_id_leads_from_the_answer_to_the_log_line_and_its_cause(
    calling: Calling, caplog: pytest.LogCaptureFixture
) -> None:
    class Lines(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.lines: list[dict[str, object]] = []
            self.formatter = JsonFormatter("recochat", "1", "stable")

        def emit(self, record: logging.LogRecord) -> None:
            self.lines.append(json.loads(self.format(record)))

    handler = Lines()
    logging.getLogger("recochat").addHandler(handler)
    try:
        async with calling(create_app(Settings(), store=BrokenStore())) as client:
            headers = {"X-Correlation-Id": "order-17", "traceparent": TRACE}
            await client.post("/api/v2/chat", json={"message": "hi"}, headers=headers)
    finally:
        logging.getLogger("recochat").removeHandler(handler)
    [line] = [line for line in handler.lines if line.get("correlation_id") == "order-17"]
    assert line["severity"] == "WARNING"
    assert line["error_class"] == "external"
    assert line["problem"] == "session-store-unavailable"
    assert line["logging.googleapis.com/trace"] == "0af7651916cd43dd8448eb211c80319c"
