"""How many pods the canary needs beside a stable that changes its size."""

import pytest

from linnet.api.status import Phase, WeightStatus
from linnet.core.observed import CanaryObserved
from linnet.core.sizing import first_pods, followed, needed
from tests.support.builders import (
    make_observed,
    make_situation,
    make_spec,
    make_stable,
    make_status,
)

PODS = make_spec(50, 100, traffic={"provider": "Replicas"})
SHRUNK = make_observed(stable=make_stable(replicas=2))


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING, Phase.PROMOTING])
@pytest.mark.parametrize(("now", "most"), [(2, 4), (4, 4), (9, 9), (0, 4)])
def test_the_largest_stable_of_a_release_is_remembered(phase: Phase, now: int, most: int) -> None:
    observed = make_observed(stable=make_stable(replicas=now))
    assert followed(make_status(phase, stable_replicas=4), observed).stable_replicas == most


def test_before_and_after_a_release_no_size_is_followed() -> None:
    for phase in (Phase.IDLE, Phase.RETURNING, Phase.PROMOTED):
        status = make_status(phase, stable_replicas=1)
        assert followed(status, make_observed()) == status
    status = make_status(stable_replicas=3)
    assert followed(status, make_observed(stable=None)) == status


def test_the_canary_needs_its_share_of_the_largest_stable() -> None:
    situation = make_situation(make_spec(50, 100), make_status(stable_replicas=10), SHRUNK)
    assert (needed(situation, 50), needed(situation, 100)) == (5, 10)


def test_where_pods_are_the_weights_the_largest_counts_once_the_canary_serves_alone() -> None:
    situation = make_situation(PODS, make_status(stable_replicas=10), SHRUNK)
    assert (needed(situation, 50), needed(situation, 100)) == (2, 2)
    alone = make_status(stable_replicas=10, weight=WeightStatus(wanted=100))
    assert needed(make_situation(PODS, alone, SHRUNK), 100) == 10


def test_without_stable_the_canary_needs_what_it_needed() -> None:
    gone = make_situation(
        status=make_status(stable_replicas=10), observed=make_observed(stable=None)
    )
    assert needed(gone, 50) == 5


def test_only_pods_of_this_version_count_for_the_first_weight() -> None:
    spec, status = make_spec(50, 100), make_status(stable_replicas=4)

    def first(canary: CanaryObserved | None) -> tuple[int, int]:
        return first_pods(make_situation(spec, status, make_observed(canary=canary)))

    assert first(CanaryObserved(revision="v2", replicas=2, ready=2)) == (2, 2)
    assert first(None) == (0, 2)
    assert first(CanaryObserved(revision="v0", replicas=2, ready=2)) == (0, 2)
