"""What callers of the HTTP API ask for, as the operator writes, decides and answers it."""

import asyncio
from datetime import datetime

import pytest

from linnet.api.request import ANNOTATION, Request, RequestAction, RequestOutcome, RequestStatus
from linnet.api.status import Phase
from linnet.controller.asked import Asked
from linnet.controller.desk import ReleaseDesk
from linnet.controller.release import request_in
from linnet.providers.errors import Unreachable
from linnet.providers.kubernetes import CANARYRELEASES
from linnet.providers.mirror import Mirror
from linnet.server.desk import Undecided
from tests.support.builders import make_status
from tests.support.simulated_cluster import KEY, SPEC, SimulatedCluster

PATIENCE = 20.0
"""Seconds that a look may take on a busy machine."""


class Place:
    """A desk over a simulated cluster, whose operator looks when it is woken."""

    def __init__(self) -> None:
        steps = [{"weight": 5, "approvals": {"required": 2}}, {"weight": 100}]
        self.cluster = SimulatedCluster({**SPEC, "steps": steps})
        self.mirror = Mirror(lambda: 0.0)
        self.looks: list[asyncio.Task[float | None]] = []
        self.awake = True
        self.desk = ReleaseDesk(
            self.cluster.client, self.mirror, self.cluster.asked, self._wake, self._now
        )

    def _now(self) -> datetime:
        return self.cluster.now

    def _wake(self, key: object) -> None:
        assert key == KEY
        if self.awake:
            self.looks.append(asyncio.create_task(self.cluster.reconciler.reconcile(KEY)))

    async def ask(self, action: RequestAction, name: str = "a1", by: str = "jane") -> RequestStatus:
        asked = Request(id=name, action=action, by=by, reason="looks good")
        seconds = PATIENCE if self.awake else 0.01
        return await self.desk.ask(KEY.namespace, KEY.name, asked, seconds)


@pytest.fixture
async def place() -> Place:
    found = Place()
    await found.cluster.run(Phase.IDLE)
    found.cluster.push("shop:2")
    await found.cluster.run(Phase.PROGRESSING)
    return found


async def test_an_approval_is_answered_once_it_is_stored(place: Place) -> None:
    answer = await place.ask(RequestAction.APPROVE)
    assert (answer.outcome, answer.by) == (RequestOutcome.DONE, "jane")
    assert answer.message == ("jane approved 5 %: looks good (1 of 2 approvals are there, by jane)")
    (given,) = place.cluster.status.approvals
    assert (given.id, given.by, given.reason) == ("a1", "jane", "looks good")


async def test_the_same_text_written_by_somebody_else_counts_for_nothing(place: Place) -> None:
    await place.ask(RequestAction.APPROVE)
    assert place.cluster.release is not None
    text = request_in(place.cluster.release).replace('"a1"', '"a2"').replace("jane", "joe")
    metadata = {"metadata": {"annotations": {ANNOTATION: text}}}
    place.cluster.client.edit(CANARYRELEASES, KEY.namespace, KEY.name, metadata)
    await place.cluster.reconciler.reconcile(KEY)
    assert [each.by for each in place.cluster.status.approvals] == ["jane"]
    assert place.cluster.status.request is not None
    assert place.cluster.status.request.outcome is RequestOutcome.REFUSED


async def test_two_people_at_once_are_both_heard(place: Place) -> None:
    await asyncio.gather(
        place.ask(RequestAction.APPROVE, "a1", "jane"),
        place.ask(RequestAction.APPROVE, "a2", "joe"),
    )
    assert {each.by for each in place.cluster.status.approvals} == {"jane", "joe"}


async def test_a_rollback_is_decided_as_any_other_request(place: Place) -> None:
    answer = await place.ask(RequestAction.ROLLBACK)
    assert answer.outcome is RequestOutcome.DONE
    assert place.cluster.status.phase is Phase.ROLLING_BACK


async def test_an_approval_that_nobody_waits_for_any_more_does_not_come_later(place: Place) -> None:
    place.awake = False
    with pytest.raises(Undecided, match="has to be given again"):
        await place.ask(RequestAction.APPROVE)
    await place.cluster.reconciler.reconcile(KEY)
    assert place.cluster.status.approvals == ()


async def test_a_rollback_that_nobody_waits_for_any_more_still_comes(place: Place) -> None:
    place.awake = False
    with pytest.raises(Undecided):
        await place.ask(RequestAction.ROLLBACK)
    place.cluster.start_operator()
    await place.cluster.reconciler.reconcile(KEY)
    assert place.cluster.status.phase is Phase.ROLLING_BACK


async def test_what_can_not_be_written_is_forgotten(place: Place) -> None:
    place.cluster.client.fail(Unreachable("no answer"), verbs=("patch",), times=1)
    with pytest.raises(Unreachable):
        await place.ask(RequestAction.APPROVE)
    assert (await place.ask(RequestAction.APPROVE)).outcome is RequestOutcome.DONE


async def test_releases_are_shown_as_they_were_last_told_of(place: Place) -> None:
    assert place.cluster.release is not None
    place.mirror.told(CANARYRELEASES, place.cluster.release)
    assert [each["metadata"]["name"] for each in place.desk.releases("")] == [KEY.name]
    assert len(place.desk.releases(KEY.namespace)) == 1
    assert place.desk.releases("other") == []
    seen = await place.desk.release(KEY.namespace, KEY.name)
    assert seen is not None
    assert seen.version == place.cluster.release["metadata"]["resourceVersion"]
    assert seen.status == place.cluster.status
    assert await place.desk.release(KEY.namespace, "nope") is None


async def test_a_spec_that_can_not_be_read_is_said_to_be(place: Place) -> None:
    place.cluster.client.edit(CANARYRELEASES, KEY.namespace, KEY.name, {"spec": {"steps": "none"}})
    with pytest.raises(ValueError, match=r"spec\.steps"):
        await place.desk.release(KEY.namespace, KEY.name)


async def test_a_release_is_paused_and_resumed(place: Place) -> None:
    for wanted in (True, False):
        await place.desk.suspend(KEY.namespace, KEY.name, wanted=wanted)
        await place.looks[-1]
        seen = await place.desk.release(KEY.namespace, KEY.name)
        assert seen is not None
        assert seen.spec.suspend is wanted
    assert len(place.looks) == 2


async def test_only_the_text_that_was_written_is_known_and_only_while_somebody_waits() -> None:
    asked = Asked()
    told = asked.put(KEY, "a1", "the text")
    assert asked.reviewed(KEY, "the text")
    assert not asked.reviewed(KEY, "another")
    asked.decided(KEY, make_status())
    assert not told.done()
    asked.forget(KEY)
    assert not asked.reviewed(KEY, "the text")
    asked.decided(KEY, make_status())
