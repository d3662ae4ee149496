"""Many releases in one world: how often each outcome, how soon, at whose cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from linnet.simulation.played import Outcome, Played
from linnet.stats.sampling import Estimate, median, proportion


@dataclass(frozen=True)
class Summary:
    """What became of the releases in one world.

    healthy: there was nothing wrong with the version. Shares are from 0 to 1, times in seconds.
    detection: from the defect's beginning to the decision, of those that were caught. promotion:
    from the changed template until stable had the version, of those that were promoted. harmed:
    median number of requests that the canary failed. reasons: of rollbacks, the most frequent
    first.
    """

    world: str
    healthy: bool
    releases: int
    promoted: Estimate
    rolled_back: Estimate
    false_rollbacks: Estimate
    unfinished: int
    detection: Estimate | None
    promotion: Estimate | None
    harmed: float
    reasons: tuple[str, ...]


def summary(played: Sequence[Played]) -> Summary:
    """What became of the releases of one world, at least one."""
    many = len(played)
    counts = Counter(each.outcome for each in played)
    caught = [each.ended_s - each.onset_s for each in played if each.caught]
    promoted = [each.ended_s for each in played if each.outcome is Outcome.PROMOTED]
    ends = Counter(each.reason for each in played if each.outcome is Outcome.ROLLED_BACK)
    return Summary(
        world=played[0].world,
        healthy=played[0].healthy,
        releases=many,
        promoted=proportion(counts[Outcome.PROMOTED], many),
        rolled_back=proportion(counts[Outcome.ROLLED_BACK], many),
        false_rollbacks=proportion(sum(each.false_rollback for each in played), many),
        unfinished=counts[Outcome.UNFINISHED],
        detection=median(caught) if caught else None,
        promotion=median(promoted) if promoted else None,
        harmed=median([float(each.toll.failed) for each in played]).value,
        reasons=tuple(reason for reason, _ in ends.most_common()),
    )
