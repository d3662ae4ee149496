"""Logs: one JSON object per line, in the fields that Google Cloud Logging understands."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from recochat import context

# What every LogRecord has; the rest came in by `extra=` and belongs in the line.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's, for terminals
}


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON: severity, message, time, ids, and what `extra` holds."""

    def __init__(self, service: str, version: str, track: str, project: str = "") -> None:
        """Label each line; ``project`` (Google Cloud) turns trace ids into links."""
        super().__init__()
        self._labels = {"service": service, "version": version, "track": track}
        self._trace_prefix = f"projects/{project}/traces/" if project else ""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without a newline. Never raises for values that JSON can't hold."""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "logging.googleapis.com/labels": self._labels,
        }
        self._add_request(line)
        line.update((k, v) for k, v in vars(record).items() if k not in _STANDARD)
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()

    def _add_request(self, line: dict[str, Any]) -> None:
        request = context.current()
        if request is None:
            return
        line["correlation_id"] = request.correlation_id
        line["logging.googleapis.com/trace"] = self._trace_prefix + request.trace_id
        line["logging.googleapis.com/spanId"] = request.span_id
        line["logging.googleapis.com/trace_sampled"] = request.sampled


def configure(formatter: logging.Formatter, level: str) -> None:
    """Send all logs of the process to standard output through ``formatter``."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The service says itself when it is ready and when it stops.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # A line for each call to a language model says nothing that the metrics don't.
    logging.getLogger("httpx").setLevel(logging.WARNING)


class Sampler:
    """Let a few events a second through and count the others.

    A failing dependency can fail every request: the log must say so without drowning in it.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow ``per_second`` (1 or more) events in each second of ``clock``."""
        self._per_second = per_second
        self._clock = clock
        self._second = -1
        self._seen = 0
        self._suppressed = 0

    def admit(self) -> int | None:
        """None to stay silent, or the number of events kept silent since the last admitted one."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._seen = second, 0
        self._seen += 1
        if self._seen > self._per_second:
            self._suppressed += 1
            return None
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
