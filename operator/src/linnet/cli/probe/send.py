"""Sending requests at a rate, whether or not the earlier ones were answered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from linnet.cli.probe.answers import Answer
from linnet.controller import clock

IN_FLIGHT = 256
"""Requests that wait for their answers at the same time; the next one is sent later then."""
CHUNK = 65536
AGENT = "linnet-probe"


@dataclass(frozen=True)
class Plan:
    """What is sent. rate: requests a second. longest_s: nothing is sent later than that.

    timeout_s: of each request, with its body. headers: their names in small letters.
    """

    url: str
    requests: int
    rate: float
    longest_s: float
    timeout_s: float
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    verified: bool = True


@dataclass(frozen=True)
class Sent:
    """The answers, in the order of the requests, and the seconds in which those were sent."""

    answers: tuple[Answer, ...]
    seconds: float


async def send(plan: Plan) -> Sent:
    """Send all of it. It ends by the plan's longest time and one time-out at the latest."""
    turn = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=IN_FLIGHT, ssl=plan.verified),
        timeout=aiohttp.ClientTimeout(total=plan.timeout_s),
        headers={"user-agent": AGENT, **plan.headers},
    ) as session:
        began = clock.monotonic()
        asked: list[asyncio.Task[Answer]] = []
        while len(asked) < plan.requests:
            due = len(asked) / plan.rate
            if max(due, clock.monotonic() - began) > plan.longest_s:
                break
            await asyncio.sleep(max(0.0, began + due - clock.monotonic()))
            await turn.acquire()
            asked.append(asyncio.create_task(_one(session, plan, turn)))
        lasted = max(clock.monotonic() - began, len(asked) / plan.rate)
        return Sent(tuple(await asyncio.gather(*asked)), lasted)


async def _one(session: aiohttp.ClientSession, plan: Plan, turn: asyncio.Semaphore) -> Answer:
    began = clock.monotonic()
    try:
        async with session.request(
            plan.method, plan.url, data=plan.body, allow_redirects=False
        ) as answer:
            async for _ in answer.content.iter_chunked(CHUNK):
                pass
            waits = retry_after(answer.headers.get("Retry-After", ""), clock.now())
            return Answer(answer.status, clock.monotonic() - began, waits)
    except TimeoutError:
        problem = f"no answer within {plan.timeout_s:g} s"
    except aiohttp.ClientConnectorError as error:
        problem = str(error.os_error.strerror or error.os_error)
    except (aiohttp.ClientError, OSError) as error:
        problem = str(error) or type(error).__name__
    finally:
        turn.release()
    return Answer(0, clock.monotonic() - began, problem=problem)


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds to wait by the header Retry-After, a number or a date; None where it says none."""
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
