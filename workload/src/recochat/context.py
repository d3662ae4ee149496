"""What is known about the request in hand, readable from anywhere below the middleware."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

# Anything else could forge a log line or a header, so it is replaced, not passed on.
_CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The ids that tie a response and its log lines to the request that caused them."""

    correlation_id: str
    trace_id: str
    """Of the caller, or made here: 32 hexadecimal digits."""
    span_id: str
    """Of this request: 16 hexadecimal digits."""
    sampled: bool = False
    """Whether traces are to have it, by the caller's word or, without a caller, by chance."""
    parent_id: str = ""
    """The caller's span; "" if the trace begins here."""


_current: ContextVar[RequestContext | None] = ContextVar("recochat_request", default=None)
_error: ContextVar[tuple[str, str]] = ContextVar("recochat_error", default=("", ""))


def current() -> RequestContext | None:
    """The context of the request in hand; None outside of one."""
    return _current.get()


def correlation_id() -> str:
    """The correlation id of the request in hand; "" outside of one."""
    context = _current.get()
    return context.correlation_id if context else ""


def note_error(error_class: str, kind: str) -> None:
    """Keep what went wrong with the request in hand, for its log line."""
    _error.set((error_class, kind))


def noted_error() -> tuple[str, str]:
    """Class and kind of what went wrong with the request in hand; two times "" if nothing did."""
    return _error.get()


def outgoing_headers() -> dict[str, str]:
    """Headers by which a call to another service can be found from the request in hand."""
    context = current()
    if context is None:
        return {}
    flags = "01" if context.sampled else "00"
    return {
        "x-correlation-id": context.correlation_id,
        "traceparent": f"00-{context.trace_id}-{context.span_id}-{flags}",
    }


def enter(headers: Iterable[tuple[bytes, bytes]], share: float = 0.0) -> RequestContext:
    """Read the ids from the headers of a request (lower-case names), and make them current.

    ``share`` (0 to 1) of the traces that begin here are sampled. Never raises: an id that is
    missing or malformed is made anew, or left out.
    """
    correlation = trace = None
    for name, value in headers:
        if name == b"x-correlation-id":
            correlation = _CORRELATION.fullmatch(value)
        elif name == b"traceparent":
            trace = _TRACEPARENT.fullmatch(value)
    # Not all zero, which the standard forbids, and cheaper than a random source that is secret.
    made = correlation.group().decode() if correlation else f"{random.getrandbits(128) | 1:032x}"
    span_id = f"{random.getrandbits(64) | 1:016x}"
    if trace is None:
        trace_id = f"{random.getrandbits(128) | 1:032x}"
        sampled = random.random() < share  # noqa: S311 - chance, not secrecy
        context = RequestContext(made, trace_id, span_id, sampled)
    else:
        trace_id, parent_id, flags = (part.decode() for part in trace.groups())
        context = RequestContext(made, trace_id, span_id, bool(int(flags, 16) & 1), parent_id)
    _current.set(context)
    _error.set(("", ""))
    return context


def leave() -> None:
    """Forget the current request."""
    _current.set(None)
