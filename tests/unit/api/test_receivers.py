"""What a receiver may be, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from linnet.api.notifications import Format, Receiver
from tests.support.builders import make_spec


def receiver(**changes: Any) -> Receiver:
    return Receiver.model_validate({"name": "ops", "url": "https://hooks.test/1", **changes})


def test_a_receiver_hears_of_everything_as_cloud_events() -> None:
    plain = receiver()
    assert (plain.format, plain.on, plain.by_default) == (Format.CLOUD_EVENTS, None, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": ""}, "one of url and urlFile"),
        ({"urlFile": "/a"}, "one of url and urlFile"),
        ({"url": "file:///etc/passwd"}, "http://"),
        ({"name": "Ops"}, "pattern"),
        ({"format": "Teams"}, "CloudEvents"),
        ({"on": []}, "at least 1"),
        ({"on": ["Exploded"]}, "Promoted"),
        ({"template": "{mesage}"}, "mesage: none of decision"),
        ({"urls": "x"}, "Extra inputs"),
    ],
)
def test_what_is_no_receiver_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        receiver(**changes)


def test_a_release_that_says_nothing_differs_from_one_that_wants_silence() -> None:
    assert make_spec().notifications is None
    assert make_spec(notifications=[]).notifications == ()
