"""One day of a release: what is typed, and what has to come to pass before."""

import asyncio
import shlex
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hack.sessions.stage import Stage
from linnet.api.status import Phase


@dataclass(frozen=True)
class Session:
    """A command as it was typed, and what it printed, in colour."""

    command: str
    printed: str


Scene = Callable[[Stage], Coroutine[Any, Any, None]]


async def under_way(stage: Stage) -> None:
    """A new version takes 10 % of traffic, and is slower than it may be to go on."""
    await stage.until(Phase.IDLE)
    await stage.passes(timedelta(hours=2))
    stage.push("shop:v2")
    await stage.until(Phase.PROGRESSING, 5)
    stage.measure(latencyP95=164.2)
    await stage.until(Phase.PROGRESSING, 10)
    await stage.passes(timedelta(seconds=90))
    stage.measure(latencyP95=231.4)
    await stage.passes(timedelta(seconds=55))


async def failing(stage: Stage) -> None:
    """Its requests fail, and it is rolled back."""
    stage.measure(errorRate=2.974)
    await stage.until(Phase.ROLLED_BACK)
    await stage.passes(timedelta(minutes=2))


async def better(stage: Stage) -> None:
    """The next version is good, and serves 5 %."""
    stage.measure()


async def rested(stage: Stage) -> None:
    """Everything is at rest, with a good version to come."""
    stage.measure()
    await stage.until(Phase.ROLLED_BACK)
    await stage.passes(timedelta(minutes=3))


async def waiting(stage: Stage) -> None:
    """The next good version has come to a step that two people are to approve."""
    stage.asks_for_approval(50, people=2)
    stage.push("shop:v4")
    await stage.until(Phase.PROGRESSING, 50)
    await stage.passes(timedelta(minutes=8))


async def compared(stage: Stage) -> None:
    """Another release is in the midst of an experiment."""
    stage.experiment()


async def nothing(_: Stage) -> None:
    """What comes next comes right after."""


STORY: tuple[tuple[Scene, tuple[str, ...]], ...] = (
    (
        under_way,
        (
            "get",
            "status shop",
            "history shop",
            "metrics shop",
            "doctor",
            "version",
            "rollback shop --dry-run",
            "pause shop",
            "resume shop",
        ),
    ),
    (failing, ("explain shop RolledBack", "report shop --no-samples")),
    (better, ("retry shop",)),
    (nothing, ("wait shop --for weight=5",)),
    (nothing, ("promote shop",)),
    (nothing, ('rollback shop --reason "wrong prices"',)),
    (rested, ("deploy shop --image shop:v3 --weight 5 --watch 10m",)),
    (nothing, ("resume shop",)),
    (nothing, ("wait shop --for promoted",)),
    (waiting, ('approve shop --reason "looks good"',)),
    (nothing, ("probe https://shop.example/api/orders --requests 300 --rate 30",)),
    (nothing, ("completion bash",)),
    (compared, ("experiment status search",)),
)


def told() -> Iterator[Session]:
    """The whole day; the same each time."""
    stage = Stage()
    for scene, commands in STORY:
        asyncio.run(scene(stage))
        for command in commands:
            yield Session(command, stage.types(*shlex.split(command)))
