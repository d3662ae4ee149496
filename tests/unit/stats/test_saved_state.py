"""A state that is saved and restored at any point gives the same next value, bit for bit."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.stats import memory
from linnet.stats.counts import Window
from linnet.stats.cpu import CpuState, CpuTest
from linnet.stats.errors import ERRORS
from linnet.stats.exposure import RESTARTS
from linnet.stats.latency import Histograms, LatencyState, LatencyTest
from linnet.stats.memory import MemoryState
from linnet.stats.objective import ObjectiveState, ObjectiveTest
from linnet.stats.ratio import RatioState
from linnet.stats.share import ShareState, ShareTest
from linnet.stats.state import State

Counts = tuple[int, int, int, int]
Step = Callable[[Any, Counts, int], Any]


def _window(counts: Counts) -> Window:
    c, n, s, m = counts
    return Window(min(c, n), n, min(s, m), m, 15.0)


def _slower(counts: Counts) -> Histograms:
    c, n, s, m = counts
    return Histograms(
        np.array([n, min(c, n)]), np.array(n), np.array([m, min(s, m)]), np.array(m), 15.0
    )


LATENCY, CPU, OBJECTIVE, SHARE = LatencyTest(), CpuTest(), ObjectiveTest(0.01), ShareTest()

SUBJECTS: dict[str, tuple[State, type[State], Step]] = {
    "errors": (ERRORS.begin(), RatioState, lambda s, c, _: ERRORS.advance(s, _window(c))),
    "restarts": (RESTARTS.begin(), RatioState, lambda s, c, _: RESTARTS.advance(s, _window(c))),
    "latency": (LATENCY.begin(2), LatencyState, lambda s, c, _: LATENCY.advance(s, _slower(c))),
    "cpu": (CPU.begin(), CpuState, lambda s, c, _: CPU.advance(s, _window(c))),
    "objective": (
        OBJECTIVE.begin(),
        ObjectiveState,
        lambda s, c, _: OBJECTIVE.advance(s, min(c[0], c[1]), c[1]),
    ),
    "share": (SHARE.begin(), ShareState, lambda s, c, _: SHARE.advance(s, c[1], c[3], 0.1)),
    "memory": (
        memory.begin(),
        MemoryState,
        lambda s, c, at: memory.advance(s, 1e6 + c[1], 150.0 * at, (1e6 + c[3], 1e6)),
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("subject", SUBJECTS)
@settings(max_examples=25, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 99), st.integers(0, 40), st.integers(0, 999)),
        min_size=1,
        max_size=20,
    )
)
def test_restored_states_go_on_alike(subject: str, history: list[Counts]) -> None:
    begun, kind, step = SUBJECTS[subject]
    state = saved = flat = begun
    for at, counts in enumerate(history):
        state = step(state, counts, at)
        saved = step(kind.from_json(json.loads(json.dumps(saved.to_json()))), counts, at)
        flat = step(begun.filled(flat.flat()), counts, at)
    assert json.dumps(state.to_json(), allow_nan=False) == json.dumps(saved.to_json())
    assert json.dumps(flat.to_json()) == json.dumps(saved.to_json())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_state_is_small(subject: str) -> None:
    state, _, step = SUBJECTS[subject]
    for at in range(300):
        state = step(state, (at % 3, 50, at % 7, 950), at)
    assert len(json.dumps(state.to_json())) < 4096


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"seconds": 1.0}, "no log_wealth"),
        ({"log_wealth": [1.0, float("nan")], "seconds": 1.0}, "not finite"),
        ({"log_wealth": ["x"], "seconds": 1.0}, "no array"),
        ({"log_wealth": [[1.0], 2.0], "seconds": 1.0}, "no array"),
    ],
)
def test_a_state_that_was_tampered_with_is_refused(broken: dict[str, Any], said: str) -> None:
    data = ERRORS.begin().to_json() | {"worse": broken}
    with pytest.raises(ValueError, match=said):
        RatioState.from_json(data)


@pytest.mark.parametrize("numbers", [[], [1.0] * 12, [1.0] * 14, [1.0] * 12 + [float("inf")]])
def test_other_numbers_than_a_states_are_refused(numbers: list[float]) -> None:
    begun = ERRORS.begin().worse
    assert begun.filled(np.ones(13)).seconds == 1
    with pytest.raises(ValueError, match=r"numbers|reshape"):
        begun.filled(np.array(numbers))
