"""How many pods the canary needs, beside a stable whose size an autoscaler changes."""

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core import shares, steps
from linnet.core.decision import Situation
from linnet.core.observed import Observed
from linnet.core.route import WHOLE

FOLLOWS = frozenset({Phase.STARTING, Phase.PROGRESSING, Phase.PROMOTING})


def followed(status: CanaryReleaseStatus, observed: Observed) -> CanaryReleaseStatus:
    """The status that remembers how large stable was at most in this release."""
    if status.phase not in FOLLOWS or observed.stable is None:
        return status
    largest = max(status.stable_replicas, observed.stable.replicas)
    return status.model_copy(update={"stable_replicas": largest})


def needed(situation: Situation, weight: int) -> int:
    """Canary pods for a weight in percent.

    An autoscaler takes pods from stable as its load goes over to the canary, which then needs its
    share of what stable had. Where pods split the traffic, stable counts as it is while it serves:
    more canary pods would take more traffic.
    """
    spec, stable = situation.spec, situation.observed.stable
    size = stable.replicas if stable else 0
    if not shares.by_pods(spec) or situation.status.weight.wanted == WHOLE:
        size = max(size, situation.status.stable_replicas)
    return steps.replicas_for(spec, size, weight)


def first_pods(situation: Situation) -> tuple[int, int]:
    """How many pods of the canary are ready, and how many its first weight needs."""
    canary = situation.observed.canary
    ours = canary is not None and canary.revision == situation.status.canary_revision
    ready = canary.ready if canary is not None and ours else 0
    return ready, needed(situation, situation.spec.steps[0].weight)
