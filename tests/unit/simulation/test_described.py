"""A world's description is read strictly, and says what is wrong."""

import pytest
from pydantic import ValidationError

from linnet.simulation.built_in import FIRST_LOOK, WORLDS
from linnet.simulation.described import Described


def test_every_built_in_world_says_what_it_is() -> None:
    assert set(FIRST_LOOK) <= set(WORLDS)
    for name, world in WORLDS.items():
        assert world.name == name
        assert world.about


@pytest.mark.parametrize(
    ("field", "content", "words"),
    [
        ("trafic", {}, "Extra inputs"),
        ("traffic", {"requestsPerSecond": 0}, "greater than 0"),
        ("latency", {"p50": "1s", "p95": "100ms"}, "raise p95 or lower p50"),
        ("defects", [{"kind": "errors"}], "needs percent: set it"),
        ("defects", [{"kind": "restarts", "percent": 5}], "needs perHour|has no percent"),
        ("defects", [{"kind": "crash", "percent": 5}], "has no percent: remove it"),
        ("defects", [{"kind": "memory", "times": 2}], "needs percentPerHour|has no times"),
        ("defects", [{"kind": "cpu", "times": 2, "shared": True}], "shared has no use"),
        ("scrapeInterval", "often", "is not a duration"),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, content: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Described.model_validate({field: content})


def test_an_incident_of_both_is_no_fault_of_the_version() -> None:
    shared = {"kind": "errors", "percent": 5, "after": "1m", "shared": True}
    own = {"kind": "latency", "times": 2, "after": "5m"}
    assert Described.model_validate({"defects": [shared]}).healthy
    both = Described.model_validate({"defects": [shared, own]})
    assert not both.healthy
    assert both.onset.total_seconds() == 300
