"""Traces for OpenTelemetry, if somebody collects them: one span for each sampled request.

Loaded only if a collector is set: it needs the packages of the extra ``otel``. The ids are those
that logs and answers carry, so nothing has to be looked up to get from one to the other.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from recochat.context import RequestContext
from recochat.spans import Span

_TIMEOUT_S: Final = 5.0


class _Given(IdGenerator):
    """Hands out the ids of the request in hand instead of new ones."""

    def __init__(self) -> None:
        self.request: RequestContext | None = None

    def generate_trace_id(self) -> int:
        return int(self.request.trace_id, 16) if self.request else trace.INVALID_TRACE_ID

    def generate_span_id(self) -> int:
        return int(self.request.span_id, 16) if self.request else trace.INVALID_SPAN_ID


class OpenTelemetry:
    """Sends spans in batches, from a thread of its own: a collector that fails costs no request."""

    def __init__(self, exporter: SpanExporter, version: str, track: str) -> None:
        """Send to ``exporter``; each span says which version and track it is of."""
        self._ids = _Given()
        labels = {"service.name": "recochat", "service.version": version, "recochat.track": track}
        self._provider = TracerProvider(
            # What is handed in was chosen already.
            sampler=ALWAYS_ON,
            resource=Resource.create(labels),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("recochat")

    def __call__(self, span: Span) -> None:
        """Take a span that has ended."""
        self._ids.request = span.request
        made = self._tracer.start_span(
            span.name, _caller(span.request), SpanKind.SERVER, span.attributes, (), span.started_ns
        )
        if span.failed:
            made.set_status(StatusCode.ERROR)
        made.end(span.ended_ns)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def collected_at(endpoint: str, version: str, track: str) -> OpenTelemetry:
    """Spans go to the collector at ``endpoint`` (OTLP over HTTP, without the path)."""
    url = f"{endpoint.rstrip('/')}/v1/traces"
    return OpenTelemetry(OTLPSpanExporter(url, timeout=_TIMEOUT_S), version, track)


def _caller(request: RequestContext) -> Context:
    if not request.parent_id:
        return Context()
    caller = SpanContext(
        int(request.trace_id, 16), int(request.parent_id, 16), True, TraceFlags(TraceFlags.SAMPLED)
    )
    return trace.set_span_in_context(NonRecordingSpan(caller), Context())
