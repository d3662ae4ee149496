import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from hack.answers import Answers
from hack.load import Batch, Load, NotLoopback, Plan, main, read_batch, summary, write_batch
from hack.load_process import LoadFailed, LoadProcess

Server = tuple[str, "Service"]


class Service:
    """Answers as a workload does; every fifth answer is an error of the canary."""

    def __init__(self) -> None:
        self.requests = 0
        self.peers: set[object] = set()
        self.hosts: set[str] = set()
        self.blocked: asyncio.Event | None = None
        self.busy = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        self.hosts.add(request.host)
        await request.read()
        if self.requests == 3:
            self.busy.set()
        if self.blocked is not None:
            await self.blocked.wait()
        canary = self.requests % 5 == 0
        headers = {
            "X-Recochat-Version": "v2" if canary else "v1",
            "X-Recochat-Track": "canary" if canary else "stable",
        }
        return web.Response(status=500 if canary else 200, headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api", service
    await runner.cleanup()


class Taken:
    def __init__(self) -> None:
        self.answers = Answers()
        self.late = 0

    def __call__(self, batch: Batch) -> None:
        self.answers.add(batch.answers)
        self.late += batch.late


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "http://10.0.0.1/", "http://127.0.0.1.x/"]
)
def test_load_goes_to_loopback_only(url: str) -> None:
    with pytest.raises(NotLoopback):
        Plan(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/x", "http://localhost/", "http://[::1]:80/"])
def test_loopback_is_accepted(url: str) -> None:
    assert Plan(url).url == url


def test_a_load_without_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="limits above 0"):
        Plan("http://127.0.0.1/", limit=0)
    with pytest.raises(ValueError, match="rate"):
        Plan("http://127.0.0.1/", rate=1e6)


async def test_every_request_is_recorded_once_and_the_warm_up_not_at_all(server: Server) -> None:
    url, service = server
    taken = Taken()
    await Load(Plan(url, {"a": 1}, rate=400, warm_up=5, limit=100), taken).run()
    assert len(taken.answers) == 100
    assert service.requests == 105
    assert taken.answers.share(0, 9e9, track="canary").part == 20
    assert {a.status for a in taken.answers.failures(0, 9e9)} == {500}


async def test_requests_leave_at_the_rate_asked_for(server: Server) -> None:
    taken = Taken()
    await Load(Plan(server[0], rate=200, warm_up=0, seconds=0.5), taken).run()
    assert len(taken.answers) == 100


async def test_connections_are_used_again(server: Server) -> None:
    url, service = server
    # Requests of the warm-up wait for each other, so a busy machine can't open more.
    await Load(Plan(url, warm_up=20, limit=1), Taken()).run()
    assert len(service.peers) == 1


async def test_headers_are_sent(server: Server) -> None:
    url, service = server
    plan = Plan(url, headers={"Host": "shop.localhost"}, warm_up=0, limit=1)
    await Load(plan, Taken()).run()
    assert service.hosts == {"shop.localhost"}


async def test_no_more_are_under_way_than_allowed_and_late_ones_are_counted(server: Server) -> None:
    url, service = server
    service.blocked = asyncio.Event()
    taken = Taken()
    load = Load(Plan(url, rate=1000, in_flight=3, warm_up=0, limit=6), taken)
    running = asyncio.create_task(load.run())
    await asyncio.sleep(0.3)
    assert service.requests == 3
    service.blocked.set()
    await running
    assert len(taken.answers) == 6
    assert taken.late == 3


async def test_stopping_waits_for_open_requests(server: Server) -> None:
    url, service = server
    service.blocked = asyncio.Event()
    taken = Taken()
    load = Load(Plan(url, rate=500, warm_up=0), taken)
    running = asyncio.create_task(load.run())
    await service.busy.wait()
    load.stop()
    service.blocked.set()
    await running
    assert len(taken.answers) == service.requests


async def test_a_server_that_is_gone_is_an_answer_with_status_0() -> None:
    taken = Taken()
    await Load(Plan("http://127.0.0.1:1/", rate=500, warm_up=0, limit=3), taken).run()
    assert [a.status for a in taken.answers.sent(0, 9e9)] == [0, 0, 0]
    assert {a.error for a in taken.answers.sent(0, 9e9)} == {"ClientConnectorError"}


def test_a_batch_survives_its_way_through_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    taken = Taken()
    asyncio.run(Load(Plan("http://127.0.0.1:1/", rate=900, warm_up=0, limit=2), taken).run())
    batch = Batch(tuple(taken.answers.sent(0, 9e9)), late=4, in_flight=2)
    write_batch(batch)
    assert read_batch(capsys.readouterr().out) == batch


@pytest.mark.thorough
async def test_a_load_beside_this_process(server: Server) -> None:
    url, service = server
    plan = Plan(url, {"a": 1}, {"Host": "shop.localhost"}, rate=100, warm_up=2)

    def run() -> LoadProcess:
        with LoadProcess(plan) as load:
            while len(load.answers) < 20:
                load.check()
        return load

    load = await asyncio.wait_for(asyncio.to_thread(run), 20)
    assert len(load.answers) == service.requests - 2
    assert service.hosts == {"shop.localhost"}


@pytest.mark.thorough
def test_a_load_that_ends_by_itself_is_noticed() -> None:
    plan = Plan("http://127.0.0.1:1/", rate=100, warm_up=0, seconds=0.05)
    with LoadProcess(plan) as load:
        assert load._process is not None
        load._process.wait(10)
        with pytest.raises(LoadFailed):
            load.check()


def test_command_line_sums_up_and_fails_when_a_request_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["http://127.0.0.1:1/", "--rate", "100", "--seconds", "0.05", "--warm-up", "0"])
    assert capsys.readouterr().out.startswith("5 requests, 5 failed, ")


def test_summary_has_a_line_for_each_version_and_status() -> None:
    assert summary(Answers(), 0) == "0 requests, 0 failed, 0 late"
