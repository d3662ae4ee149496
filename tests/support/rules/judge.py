"""Which rules of a release a log shows broken: `python -m tests.support.rules.judge LOG ...`.

The rules are the eleven of the design; each check's docstring begins with the numbers of those it
is about. A check looks at a write of the operator and at how everything stood before it.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.rules import records, traffic, workloads
from tests.support.rules.audit import Event, lines, writes
from tests.support.rules.evidence import Known, Moment, Rule
from tests.support.rules.promises import Promises, all_is_in_its_place
from tests.support.rules.world import World, place_of

RULES: dict[str, tuple[Rule, ...]] = {**traffic.RULES, **workloads.RULES, **records.RULES}
LEASE = "linnet-operator"


@dataclass(frozen=True)
class Broken:
    """A rule that was broken. event: the write that shows it; None at the log's end."""

    check: str
    release: str
    what: str
    event: Event | None = None

    def __str__(self) -> str:
        return f"{self.release}: {self.check}: {self.what}\n    {self.event or 'at the end'}"


def judge(
    events: Iterable[Event], known: Known | None = None, *, lease: str = LEASE, ended: bool = True
) -> list[Broken]:
    """What was broken, in the order in which it happened.

    events: all writes, in order. ended: nothing was under way when the log ended.
    """
    known, world = known or Known(), World()
    promises = Promises(known)
    broken: list[Broken] = []
    for event in events:
        if event.by_operator:
            broken += _judge_write(event, world, known, lease)
        for (_, namespace, name), what in promises.overdue(event.received):
            broken.append(Broken("traffic_is_back_in_time", f"{namespace}/{name}", what, event))
        world.take_in(event)
        promises.note(event, world)
    if ended:
        for release, what in all_is_in_its_place(world):
            name = f"{release.namespace}/{release.name}"
            broken.append(Broken("all_is_in_its_place", name, what))
    return broken


def _judge_write(event: Event, world: World, known: Known, lease: str) -> Iterator[Broken]:
    for what in records.one_leader_writes(event, world, lease):
        yield Broken("one_leader_writes", event.name, what, event)
    release = world.release_of(place_of(event))
    if release is None:
        return
    moment = Moment(event, world, release, known)
    for rule in RULES.get(event.resource, ()):
        for what in rule(moment):
            yield Broken(rule.__name__, f"{release.namespace}/{release.name}", what, event)


def main(files: list[str]) -> int:
    """Judge a log, oldest file first; 1 if a rule was broken."""
    broken = judge(writes(lines(Path(file) for file in files)))
    for each in broken:
        sys.stdout.write(f"{each}\n")
    sys.stdout.write(f"{len(broken)} broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
