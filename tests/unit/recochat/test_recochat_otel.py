"""Traces for a collector: off unless asked for, and with the ids that logs and answers carry."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from recochat import __main__ as command
from recochat.app import create_app
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WAIT_S = 60


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector that keeps what it is sent, and where it is."""
    taken: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()


def spans(taken: list[ExportTraceServiceRequest]) -> list[Span]:
    return [
        span
        for request in taken
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.thorough
async def test_sampled_requests_are_spans_with_the_ids_of_logs_and_answers(
    calling: Calling,
) -> None:
    with collector() as (endpoint, taken):
        app = create_app(Settings(version="1.2.3", otel_endpoint=endpoint, otel_share=0))
        async with app.router.lifespan_context(app), calling(app) as client:
            asked = {"X-Correlation-Id": "order-17"}
            for flags in ("01", "00"):
                headers = asked | {"traceparent": f"00-{TRACE}-{CALLER}-{flags}"}
                await client.get("/api/v2/items/item-01", headers=headers)
            await client.get("/api/v2/items/item-01", headers=asked)
        # Ended means sent: nothing waits for a batch to fill.
        [span] = spans(taken)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert span.span_id.hex() not in ("", CALLER)
    assert span.name == "GET /api/v2/items/{item_id}"
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/api/v2/items/{item_id}",
        "recochat.correlation_id": "order-17",
    }
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < WAIT_S * 1e9
    [resource] = [each.resource for each in taken[0].resource_spans]
    assert {each.key: each.value.string_value for each in resource.attributes}.items() >= {
        ("service.name", "recochat"),
        ("service.version", "1.2.3"),
        ("recochat.track", "stable"),
    }


@pytest.mark.thorough
async def test_a_failure_is_marked_and_classified(calling: Calling) -> None:
    with collector() as (endpoint, taken):
        settings = Settings.model_validate(
            {"otel_endpoint": endpoint, "otel_share": 1, "redis_url": "unix:///nobody/here"}
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app), calling(app) as client:
            await client.get("/api/v2/session/s")
            await client.get("/api/v2/items/nothing")
        failed, refused = spans(taken)
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.parent_span_id == b""
    assert attributes(failed)["recochat.error_class"] == "external"
    assert attributes(failed)["error.type"] == "session-store-unavailable"
    assert refused.status.code != Status.STATUS_CODE_ERROR
    assert attributes(refused)["recochat.error_class"] == "user"


@pytest.mark.thorough
async def test_a_collector_that_is_gone_costs_no_request(calling: Calling) -> None:
    app = create_app(Settings(otel_endpoint="http://127.0.0.1:9", otel_share=1))
    async with app.router.lifespan_context(app), calling(app) as client:
        assert (await client.get("/api/v2/personas")).status_code == 200


def test_without_its_packages_traces_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECOCHAT_OTEL_ENDPOINT", "http://collector:4318")
    monkeypatch.delitem(sys.modules, "recochat.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    assert command.main([]) == 2
    assert "install recochat[otel]" in capsys.readouterr().err
