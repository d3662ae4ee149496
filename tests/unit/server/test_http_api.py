"""`/api/v2` over loopback: who is let in, what is refused in which words, and what is recorded."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from linnet.api.request import RequestOutcome
from linnet.api.status import Phase
from linnet.providers.access import Access
from linnet.providers.errors import LeaseLost, ObjectMissing, Unreachable
from linnet.server import api as module
from linnet.server.alerts import AlertReceiver
from linnet.server.api import BODY_BYTES, Api
from linnet.server.call import ROLES
from linnet.server.desk import Undecided
from linnet.server.http import serve
from linnet.server.routes import ROUTES
from tests.support.addresses import loopback
from tests.support.api_place import PLACE, VERBS, Place
from tests.support.builders import make_status


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), found.api)
    found.url = loopback(runner)
    yield found
    await runner.cleanup()


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("path", "more", "action"),
    [
        ("enable", {"trafficPercentage": 50}, "Promote"),
        ("promote", {}, "Promote"),
        ("promote", {"full": True}, "PromoteFully"),
        ("rollback", {}, "Rollback"),
        ("retry", {}, "Retry"),
    ],
)
async def test_a_change_is_asked_for_in_the_name_of_who_the_cluster_knows(
    place: Place, path: str, more: dict[str, Any], action: str
) -> None:
    body = {**PLACE, "reason": "wrong prices", **more}
    answer = await place.call(f"canary/{path}", body, token="releaser")
    assert answer.status == 200
    assert answer.body["outcome"] == "Done"
    (asked,) = place.desk.asked
    assert (asked.action, asked.by, asked.reason) == (action, "releaser", "wrong prices")
    assert asked.weight == more.get("trafficPercentage")


async def test_an_approval_names_the_version_and_is_counted(place: Place) -> None:
    before = count("approval_requests_total", status="approved")
    answer = await place.call("canary/approve", {**PLACE, "revision": "v2"}, token="approver")
    assert answer.status == 200
    assert (place.desk.asked[0].action, place.desk.asked[0].revision) == ("Approve", "v2")
    assert count("approval_requests_total", status="approved") == before + 1


@pytest.mark.parametrize(("path", "wanted"), [("pause", True), ("resume", False)])
async def test_a_release_is_paused_and_resumed(place: Place, path: str, wanted: bool) -> None:
    answer = await place.call(f"canary/{path}", PLACE)
    assert answer.body == {**PLACE, "suspend": wanted}
    assert place.desk.suspended == [wanted]


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ("viewer", "rollback"),
        ("viewer", "approve"),
        ("viewer", "promote"),
        ("approver", "rollback"),
        ("approver", "pause"),
        ("releaser", "approve"),
        ("releaser", "pause"),
        ("editor", "approve"),
    ],
)
async def test_who_lacks_the_verb_changes_nothing_and_it_is_counted(
    place: Place, token: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    (verb,) = (each.verb for each in ROUTES if each.path.endswith(f"/canary/{path}"))
    labels = {"result": "denied", "role": ROLES[verb]}
    before = count("rbac_permission_checks_total", **labels)
    denied = count("approval_requests_total", status="denied")
    with caplog.at_level(logging.INFO, "linnet.audit"):
        status, detail = (await place.call(f"canary/{path}", PLACE, token=token)).problem
    assert status == 403
    assert detail == (
        f"{token} may not {verb} canaryreleases.linnet.dev shop in namespace default: ask for a "
        f"role with the verb {verb}"
    )
    assert (place.desk.asked, place.desk.suspended) == ([], [])
    assert count("rbac_permission_checks_total", **labels) == before + 1
    approving = path == "approve"
    assert count("approval_requests_total", status="denied") == denied + approving
    (line,) = caplog.records
    assert (line.__dict__["user"], line.__dict__["action"]) == (token, path)


async def test_each_change_is_a_line_of_who_what_why_and_what_became_of_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "linnet.audit"):
        await place.call("canary/rollback", {**PLACE, "reason": "wrong prices"})
        place.desk.outcome = RequestOutcome.REFUSED
        await place.call("canary/rollback", PLACE)
        await place.call("canary/metrics", PLACE)
    done, refused = caplog.records
    known = done.__dict__
    fields = ("user", "action", "namespace", "release", "reason", "outcome")
    assert [str(known[each]) for each in fields] == [
        "editor",
        "rollback",
        "default",
        "shop",
        "wrong prices",
        "Done",
    ]
    assert (refused.levelname, refused.__dict__["outcome"]) == ("WARNING", "so it was decided")


@pytest.mark.parametrize("token", [None, "", "stranger"])
async def test_who_is_not_known_is_not_let_in(place: Place, token: str | None) -> None:
    answer = await place.call("releases", token=token)
    assert answer.problem[0] == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_may_come_in_a_header_of_our_own(place: Place) -> None:
    answer = await place.call(
        "releases?namespace=default", token="viewer", header="Linnet-Authorization"
    )
    assert answer.status == 200


async def test_nobody_is_let_in_where_the_api_server_can_not_be_asked(place: Place) -> None:
    place.kubernetes.error = Unreachable("no answer")
    answer = await place.call("canary/rollback", PLACE)
    assert answer.problem == (503, "who calls can't be found out: no answer")
    assert place.desk.asked == []


async def test_the_api_server_is_asked_about_so_many_unknown_tokens_and_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(int(module.UNKNOWN_BURST)):
        await place.call("releases", token="viewer")
        place.now += 0.0001
    assert len([each for each in place.kubernetes.reviews if "token" in each["spec"]]) == 1
    for number in range(int(module.UNKNOWN_BURST) + 1):
        answer = await place.call("releases", token=f"stranger-{number}")
    assert answer.problem[0] == 429
    assert (await place.call("releases?namespace=default", token="viewer")).status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("no JSON", "the body: Invalid JSON"),
        ({"namespace": "default"}, "name: Field required"),
        ({"namespace": "..", "name": "shop"}, "namespace: String should match"),
        ({**PLACE, "trafficPercentage": 0}, "trafficPercentage: Input should be greater than"),
        (PLACE, "trafficPercentage: Field required"),
        ({**PLACE, "trafficPercentage": 5, "wieght": 5}, "wieght: Extra inputs"),
    ],
)
async def test_what_can_not_be_read_is_refused_by_its_place(
    place: Place, body: Any, words: str
) -> None:
    status, detail = (await place.call("canary/enable", body)).problem
    assert status == 400
    assert detail.startswith(words)


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 2 << 20])
async def test_a_body_that_is_too_large_is_refused(place: Place, size: int) -> None:
    assert (await place.call("canary/rollback", "x" * size)).problem[0] == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Undecided("not decided yet"), 503),
        (LeaseLost(), 503),
        (Unreachable("no answer"), 503),
        (ObjectMissing("shop is gone"), 404),
        (ValueError("spec.steps: wrong"), 409),
    ],
)
async def test_what_could_not_be_done_says_so(place: Place, error: Exception, status: int) -> None:
    place.desk.error = error
    answer = await place.call("canary/rollback", PLACE)
    assert answer.problem[0] == status
    assert str(error) in answer.problem[1]


async def test_an_approval_that_is_not_decided_is_counted_as_that(place: Place) -> None:
    place.desk.error = Undecided("not decided yet")
    before = count("approval_requests_total", status="undecided")
    await place.call("canary/approve", PLACE, token="approver")
    assert count("approval_requests_total", status="undecided") == before + 1


async def test_of_releases_that_one_may_not_see_nothing_is_told(place: Place) -> None:
    assert (await place.call("releases/default/nope")).problem[0] == 404
    assert (await place.call("releases/other/shop")).problem[0] == 403
    assert (await place.call("releases/other/nope")).problem[0] == 403
    assert (await place.call("releases")).problem[0] == 403
    assert (await place.call("releases?namespace=..")).problem == (
        400,
        ".. is no name in Kubernetes",
    )
    place.desk.error = ValueError("spec.steps: wrong")
    assert (await place.call("releases/default/shop/live")).problem[0] == 409


async def test_what_a_release_does_is_shown(place: Place) -> None:
    listed = (await place.call("releases?namespace=default", token="viewer")).body["items"]
    assert [each["name"] for each in listed] == ["shop", "tea"]
    assert (listed[0]["phase"], listed[0]["weight"], listed[0]["suspend"]) == (
        "Progressing",
        5,
        True,
    )
    assert listed[1]["phase"] == "Pending"
    one = "releases/default/shop"
    detail = (await place.call(one, token="viewer")).body
    assert detail["spec"]["targetRef"]["name"] == "shop"
    assert detail["status"]["canaryRevision"] == "v2"
    samples = (await place.call(f"{one}/samples", token="viewer")).body["items"]
    assert [each["name"] for each in samples] == ["errorRate", "memory"]
    assert (samples[0]["value"], samples[0]["rollsBackAbove"], samples[0]["goesOnAtMost"]) == (
        0.25,
        1.0,
        0.5,
    )
    assert (await place.call("canary/metrics", PLACE, token="viewer")).body["items"] == samples
    decisions = (await place.call(f"{one}/decisions", token="viewer")).body["items"]
    assert [each["decision"] for each in decisions] == ["Advanced", "Started"]


@pytest.mark.parametrize("token", sorted(VERBS))
async def test_a_caller_is_told_what_they_may_do_and_that_counts_as_no_try(
    place: Place, token: str
) -> None:
    labels = [{"result": "denied", "role": role} for role in set(ROLES.values())]
    before = [count("rbac_permission_checks_total", **each) for each in labels]
    rights = (await place.call("releases/default/shop/rights", token=token)).body
    assert (rights["user"], set(rights["verbs"])) == (token, VERBS[token] - {"list"})
    assert [count("rbac_permission_checks_total", **each) for each in labels] == before
    assert (await place.call("releases/default/nope/rights", token=token)).problem[0] == 404


async def test_health_and_limits_are_told(place: Place) -> None:
    one = "releases/default/shop"
    health = (await place.call(f"{one}/health", token="viewer")).body
    assert (health["healthy"], health["problems"]) == (False, ["memory: Hold"])
    sla = (await place.call(f"{one}/sla", token="viewer")).body
    assert sla["state"] == "AtRisk"
    states = {each["name"]: each["state"] for each in sla["items"]}
    assert states["errorRate"] == "Met"
    assert states["cpu"] == "Unknown"
    assert sla["items"][0]["usedPercent"] == 25.0
    assert place.desk.seen is not None
    calm = make_status(Phase.IDLE, metrics=())
    place.desk.seen = replace(place.desk.seen, status=calm)
    assert (await place.call(f"{one}/health", token="viewer")).body["healthy"] is True
    assert (await place.call(f"{one}/sla", token="viewer")).body["state"] == "Unknown"


@pytest.mark.thorough
async def test_a_stream_tells_now_and_at_each_change_and_ends_with_the_release(
    place: Place,
) -> None:
    headers = {"Authorization": "Bearer viewer"}
    url = f"{place.url}/api/v2/releases/default/shop/live"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = (await answer.content.readuntil(b"\n\n")).decode().splitlines()
        assert first[:2] == ["event: release", "id: 7"]
        assert json.loads(first[2].removeprefix("data: "))["weight"] == 5
        assert place.desk.seen is not None
        place.desk.seen = replace(place.desk.seen, version="8")
        assert b"id: 8" in await answer.content.readuntil(b"\n\n")
        place.now = 11.0
        assert await answer.content.readuntil(b"\n\n") == b": here\n\n"
        place.desk.seen = None
        assert b"event: end" in await answer.content.readuntil(b"\n\n")
        assert await asyncio.wait_for(answer.content.read(), 30) == b""


@pytest.mark.thorough
async def test_an_open_stream_does_not_keep_the_operator_from_stopping() -> None:
    place = Place()
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), place.api)
    headers = {"Authorization": "Bearer viewer"}
    url = f"{loopback(runner)}/api/v2/releases/default/shop/live"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        await answer.content.readuntil(b"\n\n")
        async with asyncio.timeout(30):  # aiohttp would wait a minute
            await runner.cleanup()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()


async def test_a_stream_ends_with_the_right_to_see_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": "Bearer viewer"}
    url = f"{place.url}/api/v2/releases/default/shop/live"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        await answer.content.readuntil(b"\n\n")
        monkeypatch.setitem(VERBS, "viewer", set())
        place.now = 31.0
        assert b"event: end" in await asyncio.wait_for(answer.content.read(), 30)


async def test_a_replica_that_does_not_lead_hands_on_once(place: Place) -> None:
    standby = Place()
    leader = place.url.removeprefix("http://")
    standby.api = Api(Access(standby.kubernetes, lambda: 0.0), lambda: 0.0, lambda: leader)
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), standby.api)
    standby.url = loopback(runner)
    try:
        answer = await standby.call("canary/rollback", PLACE, token="releaser")
        assert (answer.status, answer.body["by"]) == (200, "releaser")
        assert standby.kubernetes.reviews == []
        assert (await standby.call("canary/rollback", PLACE, token="viewer")).problem[0] == 403
        place.api.desk = None
        answer = await standby.call("canary/rollback", PLACE)
        assert answer.problem == (
            503,
            "this replica doesn't lead, and another one does or will: try again",
        )
    finally:
        await runner.cleanup()


async def test_where_the_leader_can_not_be_reached_it_says_so() -> None:
    alone = Place()
    alone.api = Api(Access(alone.kubernetes, lambda: 0.0), lambda: 0.0, lambda: "127.0.0.1:1")
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), alone.api)
    alone.url = loopback(runner)
    try:
        status, detail = (await alone.call("releases")).problem
    finally:
        await runner.cleanup()
    assert status == 503
    assert detail.startswith("the replica that leads, 127.0.0.1:1: ")


async def test_the_document_tells_of_every_path_and_resolves(place: Place) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{place.url}/api/openapi.json") as answer,
    ):
        document = await answer.json()
    served = {(each.path, each.method.lower()) for each in ROUTES}
    told = {(path, method) for path, found in document["paths"].items() for method in found}
    assert told == served
    names = [each["operationId"] for found in document["paths"].values() for each in found.values()]
    assert len(names) == len(set(names))
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas
