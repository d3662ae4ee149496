"""Who somebody is and what they may do: what is asked, what is remembered, what is denied."""

from collections.abc import Sequence
from typing import Any

import pytest

from linnet.providers.access import REMEMBERED_MOST, REMEMBERED_SECONDS, Access, Caller
from linnet.providers.errors import Unreachable
from linnet.providers.kubernetes import Manifest
from linnet.providers.resources import TOKEN_REVIEWS, Resource
from tests.support.fake_kubernetes import FakeKubernetes

JANE = Caller("jane", "u1", ("dev",), {"scopes": ("all",)})
USER = {"username": "jane", "uid": "u1", "groups": ["dev"], "extra": {"scopes": ["all"]}}


class Reviewing(FakeKubernetes):
    """Answers reviews with what a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Resource, Manifest]] = []
        self.status: Any = {}
        self.error: Exception | None = None

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        self.asked.append((resource, manifest["spec"]))
        if self.error is not None:
            raise self.error
        return {"status": self.status}


class Place:
    def __init__(self, audiences: Sequence[str] = ()) -> None:
        self.now = 0.0
        self.server = Reviewing()
        self.access = Access(self.server, lambda: self.now, audiences)


async def test_a_token_is_asked_about_once_in_a_while() -> None:
    place = Place()
    place.server.status = {"authenticated": True, "user": USER}
    assert not place.access.remembers("t0ken")
    for _ in range(2):
        found = await place.access.caller("t0ken")
    assert found is not None
    assert (found.name, found.uid, found.groups) == (JANE.name, JANE.uid, JANE.groups)
    assert place.server.asked == [(TOKEN_REVIEWS, {"token": "t0ken"})]
    assert place.access.remembers("t0ken")
    place.now = REMEMBERED_SECONDS
    assert not place.access.remembers("t0ken")
    await place.access.caller("t0ken")
    assert len(place.server.asked) == 2


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"authenticated": False, "user": USER},
        {"authenticated": "true", "user": USER},
        {"authenticated": True},
        {"authenticated": True, "user": {"username": ""}},
        {"authenticated": True, "user": {"username": "x" * 254}},
    ],
)
async def test_who_is_not_clearly_somebody_is_nobody(status: Any) -> None:
    place = Place()
    place.server.status = status
    assert await place.access.caller("t0ken") is None
    assert await place.access.caller("t0ken") is None
    assert len(place.server.asked) == 1


@pytest.mark.parametrize(
    ("audiences", "known"), [(["linnet"], True), (["other"], False), ([], False)]
)
async def test_a_token_that_is_meant_for_others_is_nobodys(
    audiences: list[str], known: bool
) -> None:
    place = Place(["linnet"])
    place.server.status = {"authenticated": True, "user": USER, "audiences": audiences}
    assert (await place.access.caller("t0ken") is not None) == known
    assert place.server.asked[0][1]["audiences"] == ["linnet"]


async def test_a_right_is_asked_for_with_all_that_is_known_of_the_caller() -> None:
    place = Place()
    place.server.status = {"allowed": True}
    assert await place.access.may(JANE, "approve", "default", "shop")
    assert await place.access.may(JANE, "approve", "default", "shop")
    ((_, spec),) = place.server.asked
    assert spec == {
        "user": "jane",
        "uid": "u1",
        "groups": ["dev"],
        "extra": {"scopes": ["all"]},
        "resourceAttributes": {
            "group": "linnet.dev",
            "resource": "canaryreleases",
            "verb": "approve",
            "namespace": "default",
            "name": "shop",
        },
    }
    place.server.status = {"allowed": False}
    assert not await place.access.may(JANE, "rollback", "default", "shop")
    assert not await place.access.may(JANE, "approve", "other", "shop")


@pytest.mark.parametrize(
    "status", [None, {}, {"allowed": "yes"}, {"allowed": True, "denied": True}]
)
async def test_what_is_not_clearly_allowed_is_denied(status: Any) -> None:
    place = Place()
    place.server.status = status
    assert not await place.access.may(JANE, "get", "default", "shop")


async def test_where_nobody_answers_nothing_is_remembered() -> None:
    place = Place()
    place.server.error = Unreachable("no answer")
    with pytest.raises(Unreachable):
        await place.access.caller("t0ken")
    with pytest.raises(Unreachable):
        await place.access.may(JANE, "get", "default")
    assert not place.access.remembers("t0ken")


async def test_only_so_much_is_remembered() -> None:
    place = Place()
    for number in range(REMEMBERED_MOST + 1):
        await place.access.caller(f"t{number}")
    assert not place.access.remembers("t0")
    assert place.access.remembers("t1")
