"""Open-loop HTTP load: requests leave at a constant rate, whether answers come or not.

Run as `python -m hack.load URL --rate 150 --seconds 10`. It sends to loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from hack.answers import PATIENCE_S, Answer, Answers

VERSION_HEADER = "X-Recochat-Version"
TRACK_HEADER = "X-Recochat-Track"
LATE_S = 0.1
BATCH_S = 0.1

now = time.time  # noqa: TID251 - compared with times in status, which come from the same clock


class NotLoopback(ValueError):
    """The load was to go somewhere else than to this machine."""


@dataclass(frozen=True)
class Plan:
    """What to send, how fast, and when to stop.

    rate: requests a second. in_flight: most requests without an answer at any time.
    warm_up: requests sent one after another before the clock starts; they aren't counted.
    limit, seconds: the load ends by itself after so many requests, or after that time.
    """

    url: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: float = 150.0
    in_flight: int = 256
    warm_up: int = 50
    limit: int = 1_000_000
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
            raise NotLoopback(f"load goes to http://127.0.0.1 and the like only, not to {self.url}")
        if not (0 < self.rate <= 2000 and self.in_flight > 0 and self.limit > 0):
            raise ValueError("a load needs a rate up to 2000/s, and limits above 0")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Batch:
    """What happened since the last batch.

    late: requests that left more than LATE_S after their time, because too many were under way.
    in_flight: requests without an answer at this moment.
    """

    answers: tuple[Answer, ...]
    late: int
    in_flight: int


class Load:
    """One run of a plan. `take` gets a batch several times a second, and a last one at the end."""

    def __init__(self, plan: Plan, take: Callable[[Batch], None]) -> None:
        self._plan = plan
        self._take = take
        self._answers: list[Answer] = []
        self._late = 0
        self._open: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Send nothing more; `run` ends once the open requests have their answers."""
        self._stopping.set()

    async def run(self) -> None:
        """Send until stopped, or until a limit of the plan is reached."""
        plan = self._plan
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        # Idle connections are closed here before any server does it, so that no request is
        # lost to a connection that was just being closed.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=10)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=plan.headers
        ) as session:
            for _ in range(plan.warm_up):
                await _ask(session, plan)
            reporter = asyncio.create_task(self._report())
            await self._send(session)
            if self._open:
                await asyncio.wait(self._open)
            reporter.cancel()
        self._flush()

    async def _send(self, session: aiohttp.ClientSession) -> None:
        plan, loop = self._plan, asyncio.get_running_loop()
        start = loop.time()
        places = asyncio.Semaphore(plan.in_flight)
        for number in range(plan.limit):
            after = number / plan.rate
            if after >= plan.seconds or self._stopping.is_set():
                return
            due = start + after
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            await places.acquire()
            self._late += loop.time() - due > LATE_S
            task = loop.create_task(self._one(session))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            task.add_done_callback(lambda _: places.release())

    async def _one(self, session: aiohttp.ClientSession) -> None:
        answer = await _ask(session, self._plan)
        # Not in one line: the list would be looked up before the wait, and be sent off meanwhile.
        self._answers.append(answer)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(BATCH_S)
            self._flush()

    def _flush(self) -> None:
        batch = Batch(tuple(self._answers), self._late, len(self._open))
        self._answers, self._late = [], 0
        self._take(batch)


async def _ask(session: aiohttp.ClientSession, plan: Plan) -> Answer:
    """Send one request; whatever goes wrong is an answer with status 0."""
    sent = now()
    method = "GET" if plan.body is None else "POST"
    try:
        async with session.request(method, plan.url, json=plan.body) as response:
            await response.read()
            return Answer(
                sent,
                now(),
                response.status,
                response.headers.get(VERSION_HEADER, ""),
                response.headers.get(TRACK_HEADER, ""),
            )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(sent, now(), 0, error=type(error).__name__)


def write_batch(batch: Batch) -> None:
    """Print a batch as one line of JSON, for `hack.load_process`."""
    line = {"answers": batch.answers, "late": batch.late, "in_flight": batch.in_flight}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def read_batch(line: str) -> Batch:
    """Read what `write_batch` wrote."""
    values = json.loads(line)
    return Batch(tuple(Answer(*a) for a in values["answers"]), values["late"], values["in_flight"])


def summary(answers: Answers, late: int) -> str:
    """A few lines about a load that is over."""
    end = float("inf")
    lines = [f"{len(answers)} requests, {len(answers.failures(0, end))} failed, {late} late"]
    for (version, track, status), count in sorted(answers.counts(0, end).items()):
        p95 = 1000 * answers.latency(0.95, 0, end, version)
        lines.append(
            f"  {version or '-':12} {track or '-':7} {status:3} {count:7}  p95 {p95:.0f} ms"
        )
    return "\n".join(lines)


async def _until_stdin_closes(load: Load) -> None:
    """Whoever started this process holds our standard input open for as long as it lives."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = asyncio.create_task(load.run())
    closed = asyncio.create_task(reader.read())
    await asyncio.wait({running, closed}, return_when=asyncio.FIRST_COMPLETED)
    load.stop()
    await running
    closed.cancel()


def main(argv: list[str] | None = None) -> int:
    """Run a load from the command line; 1 if a request failed."""
    parser = argparse.ArgumentParser(prog="hack.load", description="Open-loop load on loopback.")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=150, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10, help="how long")
    parser.add_argument("--in-flight", type=int, default=256, help="most open requests")
    parser.add_argument("--warm-up", type=int, default=50, help="requests before counting")
    parser.add_argument("--body", type=json.loads, help="JSON to POST; GET without it")
    parser.add_argument("--headers", type=json.loads, default={}, help="JSON, sent each time")
    parser.add_argument("--stream", action="store_true", help="print batches until stdin closes")
    given = parser.parse_args(argv)
    plan = Plan(
        given.url,
        given.body,
        given.headers,
        rate=given.rate,
        in_flight=given.in_flight,
        warm_up=given.warm_up,
        seconds=given.seconds,
    )
    if given.stream:
        asyncio.run(_until_stdin_closes(Load(plan, write_batch)))
        return 0
    answers, late = Answers(), 0

    def take(batch: Batch) -> None:
        nonlocal late
        answers.add(batch.answers)
        late += batch.late

    asyncio.run(Load(plan, take).run())
    print(summary(answers, late))
    return 1 if answers.failures(0, float("inf")) else 0


if __name__ == "__main__":
    raise SystemExit(main())
