"""Rules about who writes, and about what the status remembers."""

from collections.abc import Iterator, Sequence

from linnet.api.status import HISTORY_LIMIT
from linnet.core.catalog import checks
from tests.support.rules.audit import Event
from tests.support.rules.evidence import Moment, Rule, beyond
from tests.support.rules.world import RELEASES, Object, Release, World

BREACHED = "Breached"
"""How the reason of a decision ends that measurements have brought about."""


def one_leader_writes(event: Event, world: World, lease: str) -> Iterator[str]:
    """6: only who holds the lease writes."""
    if event.resource == "leases":
        return
    holders = [holder for place, holder in world.holders.items() if place[2] == lease]
    if holders and event.writer not in holders:
        yield f"{event.writer} writes, where {' and '.join(holders) or 'nobody'} holds the lease"


def history_only_grows(moment: Moment) -> Iterator[str]:
    """6, 10: no decision is forgotten before its time, and none is without reason and words."""
    after = _of(moment)
    if after is None:
        return
    old, new = moment.release.history, after.history
    if _is_lost(old, new):
        yield f"{_said(old[-2:])} became {_said(new[-2:])}"
    for entry in new:
        if not entry.get("reason") or not entry.get("message"):
            yield f"a decision without reason or words: {entry}"


def weights_are_explained(moment: Moment) -> Iterator[str]:
    """10: another weight comes with a decision."""
    before, after = moment.release, _of(moment)
    if after is None or before.wanted == after.wanted or before.deleting:
        return
    if before.history[-1:] == after.history[-1:]:
        yield f"from {before.wanted} to {after.wanted} % in {after.phase} without a decision"


def breaches_were_measured(moment: Moment) -> Iterator[str]:
    """2: a release is rolled back for a breach that was measured as often as it takes."""
    after, measured = _of(moment), moment.known.measured
    if after is None or measured is None or after.phase == moment.release.phase:
        return
    last = (after.history or [{}])[-1]
    if last.get("decision") != "RolledBack" or not str(last.get("reason")).endswith(BREACHED):
        return
    values = [
        each.value
        for each in measured
        if (each.namespace, each.workload) == after.canary[1:] and each.at <= moment.event.received
    ]
    name = str(last["reason"]).removesuffix(BREACHED).lower()
    for check in checks(after.spec.analysis):
        if check.name.lower() != name:
            continue
        found = [value for value in values[-3 * check.consecutive :] if beyond(check, value)]
        if len(found) < check.consecutive:
            yield f"{last['message']}; measured were {values[-3 * check.consecutive :]}"


def _of(moment: Moment) -> Release | None:
    """The release after a write of its status."""
    if moment.event.subresource != "status" or moment.after is None:
        return None
    return Release(moment.after)


def _is_lost(old: Sequence[Object], new: Sequence[Object]) -> bool:
    """Whether a decision is missing that the limit doesn't explain."""
    kept = [entry for entry in old if entry in new]
    dropped = len(old) - len(kept)
    return kept != list(new[: len(kept)]) or (dropped > 0 and len(new) < HISTORY_LIMIT)


def _said(entries: Sequence[Object]) -> str:
    return ", ".join(f"{entry['decision']} {entry['reason']}" for entry in entries)


RULES: dict[str, tuple[Rule, ...]] = {
    RELEASES: (history_only_grows, weights_are_explained, breaches_were_measured)
}
