"""What may go wrong with a request, and which faults which requests get: by schedule or by seed.

A seed's choice for a request depends on that request alone: on who asks for what (user, verb,
kind, subresource, namespace, name) and on how many such requests there were before. So a seed
makes the same choices again, however the requests of different releases mix.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote


class Fault(StrEnum):
    """What happens to a request instead of an answer."""

    CONFLICT = "conflict"
    """409: somebody else wrote in between."""
    BUSY = "busy"
    """429 with Retry-After of one second."""
    ERROR = "error"
    """500."""
    UNAVAILABLE = "unavailable"
    """503."""
    RESET = "reset"
    """The connection breaks before the request gets anywhere."""
    LOST = "lost"
    """The request is carried out; the connection breaks instead of an answer."""
    TIMEOUT = "timeout"
    """The request is carried out; the answer is 504."""
    STALL = "stall"
    """Nothing moves for some seconds; then the request goes on if the client still waits. Of a
    watch all events come late."""
    TRUNCATED = "truncated"
    """The request is carried out; the connection breaks in the middle of the answer."""
    STALE = "stale"
    """An earlier answer to the same question, as it was then."""
    CUT = "cut"
    """A watch breaks off after a while, in the middle of a line."""
    GONE = "gone"
    """A watch says after a while that its version is too old (410)."""


WRITE_FAULTS = (
    Fault.CONFLICT,
    Fault.BUSY,
    Fault.ERROR,
    Fault.UNAVAILABLE,
    Fault.RESET,
    Fault.LOST,
    Fault.TIMEOUT,
    Fault.STALL,
    Fault.TRUNCATED,
)
READ_FAULTS = (
    Fault.BUSY,
    Fault.ERROR,
    Fault.UNAVAILABLE,
    Fault.RESET,
    Fault.STALL,
    Fault.TRUNCATED,
)
QUERY_FAULTS = (*READ_FAULTS, Fault.STALE)
WATCH_FAULTS = (
    Fault.BUSY,
    Fault.ERROR,
    Fault.UNAVAILABLE,
    Fault.RESET,
    Fault.STALL,
    Fault.CUT,
    Fault.GONE,
)


@dataclass(frozen=True)
class Asked:
    """A request. kind: the plural, or `query` for Prometheus; others are empty where not named."""

    verb: str
    kind: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    user: str = ""

    def __str__(self) -> str:
        place = "/".join(part for part in (self.kind, self.namespace, self.name) if part)
        return f"{self.user or '-'} {self.verb} {place}" + (
            f" ({self.subresource})" if self.subresource else ""
        )

    @property
    def possible(self) -> tuple[Fault, ...]:
        """The faults that such a request may meet by the dice.

        A read of the API server is never stale by them: one that names no version is answered
        from the latest state. What
        an operator knows is late where its watches are: these stall, break, and may be frozen.
        """
        match self.verb:
            case "watch":
                return WATCH_FAULTS
            case "query":
                return QUERY_FAULTS
            case "get" | "list":
                return READ_FAULTS
            case "create":  # there is no version that could be another by now
                return tuple(fault for fault in WRITE_FAULTS if fault is not Fault.CONFLICT)
            case _:
                return WRITE_FAULTS


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def asked(method: str, path: str, query: Mapping[str, str], user: str = "") -> Asked:
    """What a request asks of the API server, or of Prometheus. path: as it was sent, encoded."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[:2] == ["api", "v1"] and parts[2:3] in (["query"], ["query_range"]):
        return Asked("query", "query", user=user)
    if parts[0] not in ("api", "apis"):
        return Asked("get", path, user=user)
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    kind, name, subresource = [*parts, "", "", ""][:3]
    verb = _VERBS.get(method) or ("get" if name or not kind else "list")
    if query.get("watch") in ("true", "1"):
        verb = "watch"
    return Asked(verb, kind, namespace, name, subresource, user)


@dataclass(frozen=True)
class Met:
    """A fault that a request is to meet. seconds: how long that takes, where it takes time."""

    fault: Fault
    seconds: float = 0.0


Choose = Callable[[Asked], Met | None]
"""Says what a request is to meet; None lets it pass."""


class Seeded:
    """Faults at random, the same again for the same seed.

    rate: share of the requests that meet one, 0 to 1. longest: of what takes time, seconds.
    only: the faults to choose from. It may be turned off and on by `active`.
    """

    def __init__(
        self,
        seed: int | str,
        rate: float,
        longest: float = 7.0,
        only: Sequence[Fault] = tuple(Fault),
    ) -> None:
        self._seed = seed
        self._rate = rate
        self._longest = longest
        self._only = frozenset(only)
        self._asked: Counter[Asked] = Counter()
        self.active = True

    def __call__(self, request: Asked) -> Met | None:
        """The choice for the next request of this kind."""
        if not self.active:
            return None
        self._asked[request] += 1
        dice = random.Random(f"{self._seed} {request} {self._asked[request]}")  # noqa: S311 - dice
        possible = [fault for fault in request.possible if fault in self._only]
        if dice.random() >= self._rate or not possible:
            return None
        return Met(dice.choice(possible), dice.uniform(0.1, self._longest))


@dataclass
class Planned:
    """One entry of a schedule: the requests that it is for, and what these meet."""

    matches: Callable[[Asked], bool]
    met: Met
    times: int = 1


@dataclass
class Schedule:
    """Faults in their order: a request meets the first entry that is for it and not used up."""

    entries: list[Planned] = field(default_factory=list)

    def add(
        self, fault: Fault, times: int = 1, *, seconds: float = 0.0, **wanted: str
    ) -> "Schedule":
        """Add an entry for requests whose fields are as wanted, e.g. ``kind="httproutes"``."""

        def matches(request: Asked) -> bool:
            return all(getattr(request, name) == value for name, value in wanted.items())

        self.entries.append(Planned(matches, Met(fault, seconds), times))
        return self

    def __call__(self, request: Asked) -> Met | None:
        """What the next request of this kind meets."""
        for entry in self.entries:
            if entry.times > 0 and entry.matches(request):
                entry.times -= 1
                return entry.met
        return None


def either(*choosers: Choose) -> Choose:
    """The first fault that any of these chooses."""

    def choose(request: Asked) -> Met | None:
        return next((met for each in choosers if (met := each(request)) is not None), None)

    return choose
