"""What is made of restarts, OOM kills and memory, look after look."""

import json
from dataclasses import replace
from math import inf

import pytest

from linnet.core import compared_pods
from linnet.core.compared_pods import PATIENCE, Asked, Followed, PodsCompared
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.stats.memory import MemoryState
from linnet.stats.verdict import Circumstances, Finding, Verdict

ALL = Asked(restarts=True, oom_kills=True, memory=True)
ALPHA = 0.01 / 6
FINE = Happened((0.0, 285.0), (0.0, 15.0))
FAILING = Happened((0.0, 285.0), (1.0, 15.0))


def memory(minute: int, grows: float = 0.0, **parts: object) -> MemorySeen:
    """grows: a part an hour; the canary has a fifth more than stable."""
    used = 1.2e8 * (1 + grows * minute / 60)
    seen = MemorySeen(60.0 * minute, {"c": used}, {"s": 1e8, "t": 1e8}, {"s": 1e8})
    return replace(seen, **parts)  # type: ignore[arg-type]


def after(*seen: PodsSeen) -> PodsCompared:
    state = compared_pods.BEGUN
    for each in seen:
        state = compared_pods.advance(state, each, ALL, 15.0)
    return state


def findings(*seen: PodsSeen, what: Circumstances | None = None) -> dict[str, Finding]:
    what = what or Circumstances()
    return compared_pods.findings(after(*seen), seen[-1], ALL, ALPHA, what)


def verdicts(*seen: PodsSeen) -> dict[str, Verdict]:
    return {name: each.verdict for name, each in findings(*seen).items()}


HEALTHY = [PodsSeen(FINE, FINE, memory(minute)) for minute in range(600)]
LEAKING = [PodsSeen(FINE, FINE, memory(minute, 0.05)) for minute in range(600)]


def test_healthy_pods_go_on() -> None:
    assert set(verdicts(*HEALTHY).values()) == {Verdict.CONTINUE}


@pytest.mark.parametrize("name", ["restarts", "oomKills"])
def test_what_happens_to_the_canary_alone_ends_it(name: str) -> None:
    bad = PodsSeen(FAILING, FINE) if name == "restarts" else PodsSeen(FINE, FAILING)
    found = findings(bad, bad)
    assert found[name].verdict is Verdict.CONTINUE
    assert 0 < found[name].seconds_needed < 600
    assert found[name].requests_needed == inf
    found = findings(*[bad] * 6)
    assert [key for key, each in found.items() if each.verdict is Verdict.BREACH] == [name]


def test_what_happens_to_both_does_not() -> None:
    both = Happened((19.0, 285.0), (1.0, 15.0))
    assert verdicts(*[PodsSeen(both, both)] * 60)["restarts"] is not Verdict.BREACH


def test_growth_beside_stable_ends_it() -> None:
    found = findings(*LEAKING)["memory"]
    assert found.verdict is Verdict.BREACH
    assert found.effect == pytest.approx(2.6, abs=0.3)  # of 5 % an hour, fading as it grows
    assert found.interval.low < found.effect < found.interval.high
    assert found.lately > 1.5
    early = findings(*LEAKING[:90])["memory"]
    assert early.verdict is Verdict.CONTINUE
    assert 0 < early.seconds_needed < 12 * 3600


def test_pods_that_nobody_tells_of_are_no_data() -> None:
    silent = PodsSeen(Happened(), Happened(), MemorySeen())
    assert set(verdicts(silent).values()) == {Verdict.NO_DATA}
    unasked = verdicts(PodsSeen())
    assert unasked == {"restarts": "NoData", "oomKills": "NoData", "memory": "Continue"}
    alone = Happened(None, (1.0, 15.0))
    assert verdicts(*[PodsSeen(alone, alone)] * 9)["restarts"] is Verdict.CONTINUE


@pytest.mark.thorough
def test_without_stables_past_nothing_is_said_of_memory() -> None:
    unknown = [PodsSeen(FINE, FINE, memory(at, 0.5, then={})) for at in range(600)]
    assert verdicts(*unknown)["memory"] is Verdict.CONTINUE
    followed = after(*unknown).followed
    assert (followed.lacking, followed.canary) == ("stable", ())


def test_a_look_that_failed_is_an_error() -> None:
    found = findings(PodsSeen(FINE, FINE), what=Circumstances(failed=True))
    assert {each.verdict for each in found.values()} == {Verdict.ERROR}


def growth(state: PodsCompared) -> MemoryState:
    assert state.memory is not None
    return state.memory


def test_a_pod_that_is_missing_for_a_moment_is_waited_for_and_then_others_are_followed() -> None:
    state = after(*LEAKING[:200])
    before = growth(state)
    assert state.followed == Followed(("c",), ("s",))
    for missed in range(1, PATIENCE + 1):
        other = memory(200 + missed, canary={"d": 1e8})
        state = compared_pods.advance(state, PodsSeen(FINE, FINE, other), ALL, 15.0)
        if missed < PATIENCE:
            assert state.followed == Followed(("c",), ("s",), missed)
            assert state.memory is before
    assert state.followed == Followed(("d",), ("s",))
    assert growth(state).kept == 0
    assert (growth(state).growth.log_wealth >= before.growth.log_wealth).all()


@pytest.mark.thorough
def test_other_stable_pods_are_no_growth() -> None:
    """An autoscaler takes those that are followed, and the ones left have less."""
    seen = [PodsSeen(FINE, FINE, memory(at)) for at in range(300)]
    fewer = {"t": 5e7}
    seen += [PodsSeen(FINE, FINE, memory(at, then=fewer, now=fewer)) for at in range(300, 600)]
    assert verdicts(*seen)["memory"] is Verdict.CONTINUE
    assert after(*seen).followed.stable == ("t",)


def test_a_new_weight_keeps_what_speaks_against_and_begins_the_blocks_anew() -> None:
    before = after(*LEAKING[:300], PodsSeen(FAILING, FAILING))
    state = compared_pods.at_new_weight(before)
    assert state.restarts is not None
    assert before.restarts is not None
    assert (state.restarts.worse.log_wealth == before.restarts.worse.log_wealth).all()
    assert state.restarts.total.sum() == 0
    assert growth(state).kept == 0
    begun = compared_pods.at_new_weight(compared_pods.BEGUN)
    assert begun.to_json() == compared_pods.BEGUN.to_json()


def test_what_is_not_asked_for_is_not_compared() -> None:
    none = Asked()
    state = compared_pods.advance(compared_pods.BEGUN, LEAKING[0], none, 15.0)
    assert state.to_json() == compared_pods.BEGUN.to_json()
    assert compared_pods.findings(state, LEAKING[0], none, ALPHA, Circumstances()) == {}
    assert (none.tests, ALL.tests) == (0, 3)


@pytest.mark.parametrize("looks", [0, 1, 200])
def test_a_state_goes_through_json_bit_for_bit(looks: int) -> None:
    state = after(*LEAKING[:looks])
    written = json.dumps(state.to_json(), allow_nan=False)
    again = PodsCompared.from_json(json.loads(written))
    assert json.dumps(again.to_json()) == written
    for each in LEAKING[looks : looks + 30]:
        state = compared_pods.advance(state, each, ALL, 15.0)
        again = compared_pods.advance(again, each, ALL, 15.0)
    assert json.dumps(again.to_json()) == json.dumps(state.to_json())
