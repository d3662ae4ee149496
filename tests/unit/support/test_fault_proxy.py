"""The proxy in front of a small server that counts what reaches it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.support.rig.fault_proxy import FaultProxy, run_proxy
from tests.support.rig.faults import Asked, Fault, Met, Schedule

pytestmark = pytest.mark.thorough

PODS = "/api/v1/namespaces/shop/pods"
BROKEN = (aiohttp.ClientError, ConnectionError)


@dataclass
class Back:
    """A server that answers with how many requests it has had, and a watch that is fed."""

    url: str = ""
    had: list[tuple[str, str, bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    events: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._watch(request)
        self.had.append((request.method, request.path_qs, await request.read()))
        self.arrived.set()
        await self.go_on.wait()
        self.done.set()
        return web.json_response({"answer": len(self.had), "for": request.headers.get("X-Mine")})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while event := await self.events.get():
            await response.write(event)
        return response


@dataclass
class Place:
    """A client, the proxy, and what is behind it."""

    back: Back
    proxy: FaultProxy
    session: aiohttp.ClientSession
    schedule: Schedule
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.proxy.choose = self._choose

    def _choose(self, what: Asked) -> Met | None:
        self.asked.set()
        return self.schedule(what)

    async def ask(self, method: str = "GET", path: str = PODS, body: str = "") -> tuple[int, str]:
        headers = {"Authorization": "Bearer secret", "X-Mine": "kept"}
        url = f"{self.proxy.url}{path}"
        async with self.session.request(method, url, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def taken(self) -> None:
        """Until the proxy has taken a request, whatever becomes of it."""
        async with asyncio.timeout(10):
            await self.asked.wait()

    async def recorded(self) -> None:
        """Until a request has ended in the proxy."""
        async with asyncio.timeout(10):
            await self.proxy.recorded.wait()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[aiohttp.StreamReader]:
        async with self.session.get(f"{self.proxy.url}{PODS}?watch=true") as answer:
            assert answer.status == 200
            yield answer.content


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    back, schedule = Back(), Schedule()
    back.go_on.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", back.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    users = {"secret": "one"}
    async with (
        run_proxy(url, schedule, users=users) as proxy,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
    ):
        yield Place(back, proxy, session, schedule)
        back.events.put_nowait(b"")
    await runner.cleanup()


async def test_a_request_passes_as_it_is(place: Place) -> None:
    status, text = await place.ask("POST", f"{PODS}?a=%2Fb", "body")
    assert (status, json.loads(text)) == (200, {"answer": 1, "for": "kept"})
    assert place.back.had == [("POST", f"{PODS}?a=/b", b"body")]
    (passed,) = place.proxy.record
    assert str(passed.request) == "one create pods/shop"
    assert (passed.met, passed.status) == (None, 200)


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (Fault.CONFLICT, 409, "Conflict"),
        (Fault.BUSY, 429, "TooManyRequests"),
        (Fault.ERROR, 500, "InternalError"),
        (Fault.UNAVAILABLE, 503, "ServiceUnavailable"),
    ],
)
async def test_a_refused_request_gets_nowhere(
    place: Place, fault: Fault, status: int, reason: str
) -> None:
    place.schedule.add(fault)
    answered, text = await place.ask("PATCH")
    assert (answered, json.loads(text)["reason"]) == (status, reason)
    assert place.back.had == []
    assert place.proxy.counts() == {str(fault): 1}


async def test_too_many_requests_say_when_to_come_again(place: Place) -> None:
    place.schedule.add(Fault.BUSY)
    async with place.session.get(f"{place.proxy.url}{PODS}") as answer:
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("fault", "carried_out"),
    [(Fault.RESET, False), (Fault.LOST, True), (Fault.TRUNCATED, True)],
)
async def test_a_broken_connection_before_and_after_the_work(
    place: Place, fault: Fault, carried_out: bool
) -> None:
    place.schedule.add(fault)
    with pytest.raises(BROKEN):
        await place.ask("PATCH")
    assert bool(place.back.had) is carried_out
    assert (await place.ask())[0] == 200, "the next one passes"


async def test_a_time_out_of_the_server_after_the_work(place: Place) -> None:
    place.schedule.add(Fault.TIMEOUT)
    assert (await place.ask("PATCH"))[0] == 504
    assert len(place.back.had) == 1


async def test_a_stalled_request_goes_on_if_the_client_still_waits(place: Place) -> None:
    place.schedule.add(Fault.STALL, seconds=0.05)
    assert (await place.ask())[0] == 200


async def test_a_stalled_request_is_dropped_with_its_client(place: Place) -> None:
    place.schedule.add(Fault.STALL, seconds=60)
    asking = asyncio.create_task(place.ask("PATCH"))
    await place.taken()
    asking.cancel()
    await place.recorded()
    assert [each.status for each in place.proxy.record] == [0]
    assert place.back.had == []


async def test_what_has_begun_is_carried_out_though_the_client_is_gone(place: Place) -> None:
    place.back.go_on.clear()
    asking = asyncio.create_task(place.ask("PATCH"))
    async with asyncio.timeout(10):
        await place.back.arrived.wait()
    asking.cancel()
    await place.recorded()
    assert not place.back.done.is_set()
    place.back.go_on.set()
    async with asyncio.timeout(10):
        await place.back.done.wait()


async def test_a_stale_answer_is_an_earlier_one_to_the_same_question(place: Place) -> None:
    place.schedule.add(Fault.STALE)
    assert json.loads((await place.ask())[1])["answer"] == 1, "there is no earlier one yet"
    await place.ask(path=f"{PODS}/other")
    assert json.loads((await place.ask())[1])["answer"] == 3
    place.schedule.add(Fault.STALE)
    assert json.loads((await place.ask())[1])["answer"] == 1
    assert len(place.back.had) == 3


async def test_a_watch_flows(place: Place) -> None:
    async with place.watching() as events:
        for event in (b"1\n", b"2\n"):
            place.back.events.put_nowait(event)
            assert await events.readline() == event


async def test_a_watch_is_cut_in_the_middle_of_a_line(place: Place) -> None:
    place.schedule.add(Fault.CUT, seconds=0.05)
    async with place.watching() as events:
        assert await events.read(10) == b'{"type":"M'
        with pytest.raises(BROKEN):
            await events.read()


async def test_a_watch_ends_because_its_version_is_too_old(place: Place) -> None:
    place.schedule.add(Fault.GONE, seconds=0.05)
    async with place.watching() as events:
        event = json.loads(await events.readline())
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert await events.read() == b""


async def test_all_watches_may_be_cut_and_frozen(place: Place) -> None:
    async with place.watching() as events:
        place.proxy.freeze_watches()
        place.back.events.put_nowait(b"1\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await events.readline()
        place.proxy.thaw_watches()
        assert await events.readline() == b"1\n"
        place.proxy.cut_watches()
        with pytest.raises(BROKEN):
            await events.readline()


async def test_a_server_that_is_away_looks_like_a_broken_connection() -> None:
    async with run_proxy("http://127.0.0.1:9", Schedule()) as proxy, aiohttp.ClientSession() as one:
        with pytest.raises(BROKEN):
            await one.get(f"{proxy.url}{PODS}")
