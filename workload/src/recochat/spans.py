"""What is known of one request once it has ended, for whoever collects traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recochat.context import RequestContext


@dataclass(frozen=True, slots=True)
class Span:
    """One request. Times are nanoseconds since the epoch."""

    name: str
    request: RequestContext
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int]
    failed: bool
    """Whether the service failed; what a caller did wrong isn't its failure."""


Collect = Callable[[Span], None]
