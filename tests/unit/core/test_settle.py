"""A template that changes while stable takes over, as single decisions."""

from typing import Any

import pytest

from linnet.api.status import Phase
from linnet.core.actions import HoldStable, SettleStable, WriteConfig
from linnet.core.decide import decide
from linnet.core.decision import Decision
from linnet.core.observed import ConfigObserved, Observed, StableObserved
from tests.support.builders import HOUR, START, make_observed, make_spec, make_stable, make_status

TRACKING = make_spec(100, trackedConfig=[{"name": "settings", "mountedAs": "settings-live"}])
MIXED = make_stable("v3", serving={"v1": 2, "v2": 2}, versions=frozenset({"v1", "v2"}))
BOTH = make_stable(
    "v3", serving={"v1": 2, "v2-c2": 2}, versions=frozenset({"v1", "v2-c2"}), config="c2"
)


def promoting(stable: StableObserved, **more: Any) -> Decision:
    status = make_status(Phase.PROMOTING)
    return decide(make_spec(100), status, observing(stable), START, **more)


def observing(stable: StableObserved, config: ConfigObserved | None = None) -> Observed:
    seen = make_observed()
    assert seen.route is not None
    route = type(seen.route)(100, canary_listed=True, accepted=True)
    return make_observed(stable=stable, route=route, config=config)


def tracking(config: ConfigObserved, stable: StableObserved = BOTH, **changes: Any) -> Decision:
    status = make_status(
        Phase.PROMOTING, **{"stable_revision": "v1-c1", "canary_revision": "v2-c2", **changes}
    )
    return decide(TRACKING, status, observing(stable, config), START)


def config(live: str, *copies: str, problem: tuple[str, str] | None = None) -> ConfigObserved:
    return ConfigObserved("c2", live, True, dict.fromkeys(copies, True), problem)


def test_what_is_being_rolled_out_is_held_first() -> None:
    assert promoting(make_stable("v3", paused=False)).actions == (HoldStable(),)


@pytest.mark.parametrize(("template", "version"), [("v3", "v2"), ("v1", "v1")])
def test_the_promoted_version_goes_first_unless_stables_is_asked_for(
    template: str, version: str
) -> None:
    stable = make_stable(template, serving=MIXED.serving, versions=MIXED.versions)
    assert promoting(stable).actions == (SettleStable(version),)


def test_after_the_deadline_the_version_before_goes_first() -> None:
    status = make_status(Phase.PROMOTING)
    late = decide(make_spec(100), status, observing(MIXED), START + HOUR)
    assert late.actions == (SettleStable("v1"),)
    assert late.trouble is not None
    assert late.trouble.reason == "PromotionStuck"


def test_pods_find_the_content_of_their_version() -> None:
    both = ("c1", "c2")
    assert tracking(config("c1", *both)).actions == (WriteConfig("c2"),)
    assert tracking(config("c2", *both)).actions == (SettleStable("v2-c2"),)
    only = make_stable("v3", serving={"v1": 4}, versions=frozenset({"v1"}), ready=3)
    assert tracking(config("c2", *both), only).actions == (WriteConfig("c1"),)
    assert tracking(config("c1", *both), only).actions == (SettleStable("v1"),)


def test_a_version_whose_content_is_lost_is_not_gone_on_with() -> None:
    lost = ConfigObserved("c9", "c1", True, {"c1": True})
    assert tracking(lost).actions == (SettleStable("v1"),)


def test_a_config_that_cannot_be_used_holds_what_is_to_follow() -> None:
    whole = make_stable("v3", serving={"v1": 4}, versions=frozenset({"v1"}))
    taken = ("NameTaken", "settings-live isn't ours")
    decision = tracking(config("c1", "c1", "c2", problem=taken), whole)
    assert decision.status.phase is Phase.PROMOTING
    assert decision.trouble is not None
