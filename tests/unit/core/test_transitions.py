from itertools import pairwise

import pytest

from linnet.api.status import Phase
from linnet.core.transitions import RESTING, TRANSITIONS, IllegalTransition, check
from tests.support.builders import make_spec
from tests.support.world import World, adopted, releasing

FIRST = Phase.PENDING


def reachable(start: Phase) -> set[Phase]:
    found, fresh = {start}, [start]
    while fresh:
        fresh = [after for phase in fresh for after in TRANSITIONS[phase] if after not in found]
        found.update(fresh)
    return found


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_reached_and_left_and_left_for_good(phase: Phase) -> None:
    assert phase in reachable(FIRST)
    assert TRANSITIONS[phase]
    assert Phase.IDLE in reachable(phase)


def test_no_phase_follows_itself_and_every_move_has_words() -> None:
    for before, moves in TRANSITIONS.items():
        assert before not in moves
        assert all(moves.values())


def test_an_unknown_move_is_an_error() -> None:
    with pytest.raises(IllegalTransition, match="Idle can't be followed by Promoted"):
        check(Phase.IDLE, Phase.PROMOTED)
    check(Phase.IDLE, Phase.IDLE)
    check(Phase.IDLE, Phase.STARTING)


def test_traffic_is_under_way_in_every_phase_but_the_resting_ones() -> None:
    assert {after for phase in RESTING for after in TRANSITIONS[phase]} == (
        {Phase.IDLE, Phase.PENDING, Phase.STARTING}
    )


def moves(world: World) -> set[tuple[Phase, Phase]]:
    return set(pairwise(world.phases))


def failed(start: Phase) -> World:
    world = releasing(until=start)
    world.run(lambda world: world.canary is not None)
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(Phase.ROLLED_BACK)
    return world


def lose_and_find(world: World) -> World:
    world.hide_stable()
    world.run(Phase.PENDING)
    return world


def test_every_move_of_the_table_is_made_by_some_release() -> None:
    again = failed(Phase.STARTING)
    again.push("v3")
    again.run(Phase.STARTING)
    reverted = failed(Phase.PROGRESSING)
    reverted.push("v1")
    reverted.run(Phase.IDLE)
    superseded = releasing()
    superseded.push("v1")
    superseded.run(Phase.IDLE)
    promoted = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTED)
    promoted.push("v3")
    promoted.run(Phase.STARTING)
    overtaken = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTING)
    overtaken.resume()
    overtaken.push("v1")
    overtaken.run(Phase.IDLE)
    lost = [
        lose_and_find(adopted()),
        lose_and_find(failed(Phase.PROGRESSING)),
        lose_and_find(releasing(make_spec(100, hold="1m"), until=Phase.PROMOTED)),
    ]
    made = set[tuple[Phase, Phase]]()
    made.update(
        *(moves(world) for world in (again, reverted, superseded, overtaken, promoted, *lost))
    )
    assert made == {(before, after) for before in TRANSITIONS for after in TRANSITIONS[before]}
