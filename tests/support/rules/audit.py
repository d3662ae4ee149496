"""An API server's audit log: what was written, in the order in which it happened.

A resource version orders all writes of a cluster. The log's lines are in the order in which the
server answered, which is another one where several clients write at once.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

Object = dict[str, Any]

WRITES = frozenset({"create", "update", "patch", "delete"})
OPERATOR = "linnet"
"""The user agent of the operator's own client."""


@dataclass(frozen=True)
class Event:
    """One write that was done. received, finished: unix seconds.

    writer: who wrote, for people: the pod's name where the account is a pod's, else the user's.
    request: what was asked for; response: the object as it was then; None where the log has none.
    version: the resource version that the write made; None where it made none.
    """

    id: str
    received: float
    finished: float
    writer: str
    agent: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    request: Any = None
    response: Object | None = None
    version: int | None = None

    @property
    def by_operator(self) -> bool:
        """Whether an operator's process wrote this."""
        return self.agent == OPERATOR

    @property
    def removed(self) -> bool:
        """Whether the object is gone by this."""
        if self.verb == "delete":
            return self.version is None
        metadata = (self.response or {}).get("metadata") or {}
        return bool(metadata.get("deletionTimestamp")) and not metadata.get("finalizers")

    def __str__(self) -> str:
        moment = datetime.fromtimestamp(self.received).time().isoformat("milliseconds")  # noqa: DTZ006 - for people
        what = "/".join(part for part in (self.resource, self.subresource) if part)
        version = "" if self.version is None else f" -> {self.version}"
        return (
            f"{moment} {self.writer} ({self.agent.partition('/')[0]}) {self.verb} "
            f"{what} {self.namespace}/{self.name}{version} [{self.id}]"
        )


def lines(files: Iterable[Path], having: Collection[str] = ()) -> Iterator[Object]:
    """Every whole line of the log's files, which may still be written.

    having: texts of which a line must have one, to leave out most before they are read; all
    lines if there are none.
    """
    for file in files:
        with file.open() as log:
            for line in log:
                if line.endswith("\n") and (not having or any(text in line for text in having)):
                    yield json.loads(line)


def writes(found: Iterable[Object]) -> list[Event]:
    """All writes that were done, in the order in which they happened."""
    return in_order([_event(line) for line in found if _is_done(line)])


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events in the order of the versions that they made.

    A write was done no later than it, or any later version, was answered. What made no version
    goes by its own answer: so what one client does after another answer comes after it.
    """
    known: set[tuple[str, str, str, int]] = set()
    made: list[tuple[int, Event]] = []
    keyed: list[tuple[float, int, Event]] = []
    for event in sorted(events, key=lambda event: event.received):
        version = event.version or 0
        place = (event.resource, event.namespace, event.name, version)
        if not version or place in known:  # the answer to a write that changed nothing is old
            keyed.append((event.finished, 0, event))
        else:
            known.add(place)
            made.append((version, event))
    latest = float("inf")
    for version, event in sorted(made, key=lambda each: each[0], reverse=True):
        latest = min(latest, event.finished)
        keyed.append((latest, version, event))
    return [event for _, _, event in sorted(keyed, key=lambda each: each[:2])]


def _is_done(line: Object) -> bool:
    status = line.get("responseStatus") or {}
    return (
        line["stage"] == "ResponseComplete"
        and line["verb"] in WRITES
        and 200 <= status.get("code", 0) < 300
        and "dryRun=" not in line["requestURI"]
    )


def _event(line: Object) -> Event:
    reference, response = line.get("objectRef") or {}, line.get("responseObject")
    metadata = (response or {}).get("metadata") or {}
    version = metadata.get("resourceVersion")
    if line["verb"] == "delete" and not metadata.get("deletionTimestamp"):
        version = None  # the answer is the object as it last was
    return Event(
        id=line["auditID"],
        received=_moment(line["requestReceivedTimestamp"]),
        finished=_moment(line["stageTimestamp"]),
        writer=_writer(line),
        agent=_agent(line),
        verb=line["verb"],
        resource=reference.get("resource", ""),
        subresource=reference.get("subresource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name") or metadata.get("name", ""),
        request=line.get("requestObject"),
        response=response,
        version=int(version) if version else None,
    )


def _writer(line: Object) -> str:
    user = line["user"]
    pods = (user.get("extra") or {}).get("authentication.kubernetes.io/pod-name") or ()
    return str(pods[0] if pods else user.get("username", ""))


def _agent(line: Object) -> str:
    return str(line.get("userAgent", "")).partition(" ")[0]


def _moment(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
