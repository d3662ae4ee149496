"""A status that another version of the operator has stored, or somebody has edited."""

from typing import Any

import pytest

from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core.stored import UNKNOWN, read
from tests.support.builders import make_entry, make_metric, make_status

HISTORY = (make_entry(DecisionKind.ADOPTED),)


def stored(phase: Phase = Phase.PROGRESSING, **changes: Any) -> dict[str, Any]:
    status = make_status(phase, history=HISTORY, metrics=(make_metric(),))
    dumped = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**dumped, **changes}


def without(name: str, phase: Phase = Phase.PROGRESSING) -> dict[str, Any]:
    return {key: value for key, value in stored(phase).items() if key != name}


def test_what_a_later_version_has_added_is_ignored() -> None:
    assert read(stored(later={"more": 1})) == read(stored())


@pytest.mark.parametrize("name", ["metrics", "message", "progress", "stepSince", "conditions"])
def test_what_an_earlier_version_does_not_know_has_its_default(name: str) -> None:
    status = read(without(name))
    assert (status.phase, status.weight.wanted) == (Phase.PROGRESSING, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": [{"name": "errorRate", "verdict": "Dubious"}]},
        {"history": "none"},
        {"stepSince": "yesterday", "progress": 7},
    ],
)
def test_what_cannot_be_read_is_as_if_it_were_not_there(change: dict[str, Any]) -> None:
    status = read(stored(**change))
    assert (status.phase, status.weight.wanted) == (Phase.PROGRESSING, 5)
    (name, *_) = change
    assert name in ("stepSince", "metrics", "history")


@pytest.mark.parametrize(
    "broken",
    [
        {**stored(), "phase": "Baking"},
        stored(weight={"wanted": 101}),
        without("phase"),
        without("canaryRevision"),
        without("phaseSince"),
        without("weight", Phase.PROMOTING),
    ],
)
def test_a_release_whose_state_cannot_be_told_begins_anew(broken: dict[str, Any]) -> None:
    assert read(broken) == CanaryReleaseStatus(stable_revision="v1", history=HISTORY)


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PROMOTED, Phase.PROGRESSING])
def test_that_it_was_adopted_is_not_forgotten(phase: Phase) -> None:
    status = read(without("stableRevision", phase))
    assert (status.phase, status.stable_revision) == (Phase.PENDING, UNKNOWN)


def test_a_fresh_one_is_fresh() -> None:
    assert read({}) == CanaryReleaseStatus()
    assert read({"phase": 7}) == CanaryReleaseStatus()
    assert read(stored(Phase.PENDING)).phase is Phase.PENDING
