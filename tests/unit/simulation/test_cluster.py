"""The rehearsal's cluster answers like one: late, and step by step."""

from datetime import timedelta

from linnet.core import actions
from linnet.simulation.cluster import NEW, OLD, Cluster
from tests.support.builders import SECOND, START, make_spec


def cluster(**parts: object) -> Cluster:
    return Cluster(make_spec(**parts), 8, 20 * SECOND, SECOND, START)  # type: ignore[arg-type]


def test_a_weight_is_served_once_it_is_accepted() -> None:
    world = cluster()
    world.apply(actions.SetWeight(5), START)
    world.settle(START)
    _, _, route = world.observe(START)
    assert (route.weight, route.accepted, world.share(START)) == (5, False, 0)
    later = world.next_change(START)
    assert later == START + SECOND
    world.settle(later)
    assert world.observe(later)[2].accepted
    assert world.share(later) == 0.05


def test_pods_take_their_time() -> None:
    world = cluster()
    world.apply(actions.EnsureCanary(NEW, 2), START)
    assert world.ready(START) == 0
    world.apply(actions.EnsureCanary(NEW, 4), START + 30 * SECOND)
    found = world.observe(START + 30 * SECOND)[1]
    assert found is not None
    assert (found.replicas, found.ready) == (4, 2)
    world.failure = "CrashLoopBackOff"
    assert world.ready(START + 90 * SECOND) == 0
    world.apply(actions.RemoveCanary(), START)
    assert world.observe(START)[1] is None


def test_a_rolling_update_moves_a_quarter_at_a_time() -> None:
    world, now, seen = cluster(), START, []
    world.stable.template, world.stable.paused = NEW, True
    world.settle(now)
    assert world.stable.wave_at is None
    world.apply(actions.ResumeStable(NEW), now)
    world.settle(now)
    while (due := world.next_change(now)) is not None:
        now = due
        world.settle(now)
        seen.append(dict(world.stable.observe().serving))
    assert seen[0] == {OLD: 6, NEW: 2}
    assert seen[-1] == {NEW: 8}
    assert world.stable.observe().rolled_out
    assert now == START + timedelta(seconds=80)


def test_a_route_that_is_to_tell_of_an_experiment_is_accepted_anew() -> None:
    world = cluster()
    world.apply(actions.SetWeight(50), START)
    world.apply(actions.SetWeight(50, "tone-v2"), START + 5 * SECOND)
    route = world.observe(START + 5 * SECOND)[2]
    assert (route.weight, route.experiment, route.accepted) == (50, "tone-v2", False)
    world.apply(actions.SetWeight(0), START + 9 * SECOND)
    assert world.observe(START + 9 * SECOND)[2].experiment == ""


def test_without_a_gateway_pods_are_the_weight() -> None:
    world = cluster(traffic={"provider": "Replicas"})
    assert world.observe(START)[2].weight == 0
    world.apply(actions.SetWeight(0), START)
    world.apply(actions.EnsureCanary(NEW, 2), START)
    world.apply(actions.SetWeight(20), START)
    soon = START + 2 * SECOND
    world.settle(soon)
    assert (world.share(soon), world.observe(soon)[2].accepted) == (0, False)
    ready = START + 20 * SECOND
    assert world.share(ready) == 0.2
    route = world.observe(ready)[2]
    assert (route.accepted, route.share) == (True, 20)
    world.apply(actions.SetWeight(100), ready)
    world.settle(ready + SECOND)
    assert world.share(ready + SECOND) == 1
    world.apply(actions.RestoreRoute(), ready)
    assert world.observe(ready)[2].weight is None
