"""A comparison's state in the status: the same bits come back, also from what older ones wrote."""

import base64
import json
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.core import comparison
from linnet.core.compared_pods import Asked
from linnet.core.comparison import Comparison, Look, Policy
from linnet.core.packing import packed, unpacked
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.core.sources import Arm, Arms

POLICY = Policy(cpu=True, pods=Asked(restarts=True, oom_kills=True, memory=True))
EDGES = ((), (0.1,), (0.1, 1.0))


def written(state: Comparison) -> str:
    return json.dumps(state.to_json(), separators=(",", ":"))


def as_older_ones_did(state: Comparison) -> str:
    return base64.b64encode(zlib.compress(written(state).encode())).decode()


@st.composite
def looks(draw: st.DrawFn) -> Look:
    edges, slow = draw(st.sampled_from(EDGES)), draw(st.integers(0, 9))

    def arm(requests: int, errors: int) -> Arm:
        faster = {edge: max(requests - slow, 0.0) for edge in edges}
        return Arm(requests, min(errors, requests), requests, faster, requests / 3)

    canary = arm(draw(st.integers(0, 99)), draw(st.integers(0, 9)))
    stable = arm(draw(st.integers(0, 999)), draw(st.integers(0, 40)))
    happened = Happened((draw(st.integers(0, 2)), 285.0), (draw(st.integers(0, 2)), 15.0))
    used = {draw(st.sampled_from("cd")): 1e8 * draw(st.integers(1, 9))}
    memory = MemorySeen(60.0 * draw(st.integers(0, 99)), used, {"s": 1e8}, {"s": 2e8})
    pods = PodsSeen(happened, happened, draw(st.sampled_from([None, MemorySeen(), memory])))
    return Look(
        weight=draw(st.sampled_from([5, 50, 100])),
        seconds=draw(st.sampled_from([15.0, 15.003, 61.7])),
        arms=Arms(stable, canary, pods),
        warm=draw(st.booleans()),
    )


@pytest.mark.thorough
@pytest.mark.parametrize("pack", [packed, as_older_ones_did])
@settings(max_examples=25, deadline=None)
@given(history=st.lists(looks(), max_size=12))
def test_what_was_packed_goes_on_alike(
    pack: Callable[[Comparison], str], history: list[Look]
) -> None:
    state = restored = comparison.begin()
    for look in history:
        state = comparison.advance(state, look, POLICY)
        restored = comparison.advance(unpacked(pack(restored)), look, POLICY)
    assert written(unpacked(pack(restored))) == written(state)


@pytest.mark.thorough
def test_the_text_is_short() -> None:
    look = Look(
        5, 15.0, Arms(*(Arm(750, 3, 750, {n / 10: 700.0 + n for n in range(11)}, 7.5),) * 2)
    )
    state = comparison.begin()
    for _ in range(300):
        state = comparison.advance(state, look, POLICY)
    assert len(packed(state)) < 6000


def damaged(change: Callable[[bytes], bytes]) -> str:
    told = zlib.decompress(base64.b64decode(packed(comparison.begin())))
    return base64.b64encode(zlib.compress(change(told))).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told[:-1],
        lambda told: told[:-8],
        lambda told: told + bytes(8),
        lambda told: told[:-8] + b"\0\0\0\0\0\0\xf0\x7f",
        lambda told: told.replace(b'"errors"', b'"nobody"'),
        lambda told: told.replace(b'"parts": {', b'"parts": [{').replace(b"}}", b"}]}"),
        lambda told: told.replace(b'"weight": 0', b'"weight": {}'),
        lambda told: told.replace(b'"errors"', b'"weight"'),
        lambda told: told.replace(b'"errors": ', b'"errors": 1'),
        lambda _: b"[]",
        lambda _: b"\n" + bytes(8),
    ],
)
def test_what_was_damaged_is_begun_anew(change: Callable[[bytes], bytes]) -> None:
    assert written(unpacked(damaged(change))) == written(comparison.begin())


def test_parts_of_which_one_is_missing_are_no_state() -> None:
    state = comparison.advance(
        comparison.begin(), Look(5, 15.0, Arms(Arm(950, 1), Arm(50, 1))), POLICY
    )
    text = base64.b64decode(packed(state))
    head, _, numbers = zlib.decompress(text).partition(b"\n")
    told = json.loads(head)
    size = told["parts"].pop("errors")
    less = json.dumps(told).encode() + b"\n" + numbers[8 * size :]
    found = unpacked(base64.b64encode(zlib.compress(less)).decode())
    assert written(found) == written(comparison.begin())
