"""What the operator will see after an action."""

import pytest

from linnet.cli.cluster.imagined import imagined
from linnet.core import actions
from linnet.core.observed import Observed, RouteObserved
from tests.support.builders import make_stable

ROUTE = RouteObserved(10, True, False, message="no report yet", generation=3)
SEEN = Observed(1, make_stable(paused=False), None, ROUTE)
NOTHING = Observed(1, None, None, None)


def test_a_weight_is_accepted() -> None:
    route = imagined(SEEN, actions.SetWeight(0)).route
    assert route == RouteObserved(0, True, True, generation=4)


def test_a_route_tells_of_the_experiment_that_it_was_asked_to() -> None:
    told = imagined(SEEN, actions.SetWeight(50, "tone-7e8a1b"))
    assert told.route is not None
    assert told.route.experiment == "tone-7e8a1b"
    for action in (actions.SetWeight(0), actions.RestoreRoute()):
        after = imagined(told, action).route
        assert after is not None
        assert after.experiment == ""


def test_where_pods_are_the_weights_the_share_follows() -> None:
    by_pods = Observed(1, None, None, RouteObserved(50, True, True, share=40, pods=2))
    route = imagined(by_pods, actions.SetWeight(0)).route
    assert route is not None
    assert route.share == 0
    gone = imagined(by_pods, actions.RemoveCanary()).route
    assert gone is not None
    assert gone.pods == 0


def test_a_restored_route_names_no_canary() -> None:
    route = imagined(SEEN, actions.RestoreRoute()).route
    assert route is not None
    assert not route.canary_listed


def test_a_held_stable_is_paused_and_a_settled_one_runs_one_version() -> None:
    held = imagined(SEEN, actions.HoldStable()).stable
    assert held is not None
    assert held.paused
    settled = imagined(SEEN, actions.SettleStable("v1")).stable
    assert settled is not None
    assert settled.serving == {"v1": 4}


@pytest.mark.parametrize(
    "action", [actions.SetWeight(0), actions.RestoreRoute(), actions.HoldStable(), actions.LetGo()]
)
def test_what_isnt_there_doesnt_change(action: actions.Action) -> None:
    assert imagined(NOTHING, action) == NOTHING
