"""A decision explained: what was measured, by which query, against which limit, by which rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, HistoryEntry
from linnet.cli.output import BadInput
from linnet.core.catalog import BY, Check, checks
from linnet.core.looks import selectors
from linnet.core.queries import UnknownVariable, questions
from linnet.review.limits import goes_on, rolls_back
from linnet.review.rules import BREACHED, WORSE, asked_by, rule


@dataclass(frozen=True)
class Asked:
    """A check that played a part: its limits, and its query as Prometheus is asked."""

    check: str
    goes_on: str
    rolls_back: str
    no_data: str
    query: str
    row: str = ""


@dataclass(frozen=True)
class Explanation:
    """All that is known of one decision. asked_by: a person, or the policy."""

    decision: str
    reason: str
    at: str
    measured: str
    rule: str
    asked_by: str
    weight: int
    step: int | None
    revision: str
    checks: tuple[Asked, ...]
    comparison: tuple[str, ...]


def chosen(status: CanaryReleaseStatus, which: str) -> HistoryEntry:
    """The decision that is meant: by its number from the last one on, its kind, or its reason.

    Raises:
        BadInput: there is none.
    """
    newest = tuple(reversed(status.history))
    if not newest:
        raise BadInput("nothing has been decided yet: linnet status says what is waited for")
    if which.isdigit():
        if 1 <= int(which) <= len(newest):
            return newest[int(which) - 1]
        raise BadInput(f"{which}: there are decisions 1 (the last) to {len(newest)}")
    for entry in newest:
        if which.lower() in (entry.decision.lower(), entry.reason.lower()):
            return entry
    there = ", ".join(dict.fromkeys(str(entry.decision) for entry in newest))
    raise BadInput(f"{which}: no such decision: there are {there}, and numbers from 1 (the last)")


def explanation(
    spec: CanaryReleaseSpec, entry: HistoryEntry, namespace: str, name: str
) -> Explanation:
    """Why it was decided. Limits and queries are the present spec's."""
    return Explanation(
        decision=entry.decision,
        reason=entry.reason,
        at=entry.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        measured=entry.message,
        rule=rule(entry),
        asked_by=asked_by(entry),
        weight=entry.weight,
        step=entry.step,
        revision=entry.revision,
        checks=tuple(_asked(spec, entry, namespace, name)),
        comparison=_compared(spec, entry, namespace),
    )


def _asked(
    spec: CanaryReleaseSpec, entry: HistoryEntry, namespace: str, name: str
) -> Iterator[Asked]:
    try:
        asked = questions(spec, namespace, name)
    except UnknownVariable:
        return
    for check in checks(spec.analysis):
        if _named(check, entry):
            row = asked[check.name].row
            yield Asked(
                check.name,
                goes_on(check),
                rolls_back(check),
                check.no_data,
                asked[check.name].promql,
                ""
                if row is None
                else ", ".join(f'{k}="{v}"' for k, v in zip(BY, row, strict=True)),
            )


def _named(check: Check, entry: HistoryEntry) -> bool:
    """Whether a check played a part: the message of a decision names it."""
    by_reason = f"{check.name[0].upper()}{check.name[1:]}{BREACHED}" == entry.reason
    return by_reason or bool(re.search(rf"\b{re.escape(check.name)}\b", entry.message))


def _compared(spec: CanaryReleaseSpec, entry: HistoryEntry, namespace: str) -> tuple[str, ...]:
    """What the comparison asked for, where it decided."""
    asked = spec.analysis.comparison
    if asked is None or not entry.reason.endswith(WORSE):
        return ()
    interval: timedelta = spec.analysis.interval
    found = selectors(spec, asked, namespace, (entry.at - interval, entry.at))
    return tuple(found.values())
