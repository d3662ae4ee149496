"""Before a release: what can't be guarded yet, and why."""

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core.decide import decide
from linnet.core.observed import Observed, RouteObserved, StableObserved
from tests.support.builders import START, make_spec


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
    assert "until it has pods" in decision.status.message
