"""Between releases: what can't be guarded yet, and what is left over."""

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core.actions import RemoveCanary, RemoveCopies
from linnet.core.decide import decide
from linnet.core.observed import (
    CanaryObserved,
    ConfigObserved,
    Observed,
    RouteObserved,
    StableObserved,
)
from tests.support.builders import START, make_observed, make_spec, make_stable, make_status


def test_a_deployment_without_pods_waits_to_be_guarded() -> None:
    stable = StableObserved(
        template_revision="v1", serving={}, replicas=0, ready=0, rolled_out=False, paused=False
    )
    route = RouteObserved(weight=0, canary_listed=False, accepted=True)
    observed = Observed(generation=1, stable=stable, canary=None, route=route)
    decision = decide(make_spec(), CanaryReleaseStatus(), observed, START)
    assert decision.status.phase is Phase.PENDING
    assert decision.trouble is not None
    assert decision.trouble.reason == "ScaledToZero"
    assert "scale it up" in decision.status.message


def test_of_what_is_left_over_the_canary_goes_before_what_it_reads() -> None:
    spec = make_spec(trackedConfig=[{"name": "settings", "mountedAs": "settings-live"}])
    status = make_status(Phase.IDLE, stable_revision="v1-c1", canary_revision="v1-c2")
    config = ConfigObserved("c1", "c1", written=True, copies={"c1": True, "c2": False})
    route = RouteObserved(weight=0, canary_listed=False, accepted=True)
    observed = make_observed(stable=make_stable("v1"), route=route, config=config)
    assert decide(spec, status, observed, START).actions == (RemoveCanary(),)
    without = make_observed(stable=make_stable("v1"), route=route, config=config, canary=None)
    assert decide(spec, status, without, START).actions == (RemoveCopies("c1"),)
    left = CanaryObserved(revision="v1-c2", replicas=1, ready=1)
    unlisted = RouteObserved(weight=0, canary_listed=False, accepted=False)
    waiting = make_observed(stable=make_stable("v1"), route=unlisted, config=config, canary=left)
    assert decide(spec, status, waiting, START).actions == ()
