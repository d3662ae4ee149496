"""An answer leaves in one piece, and none is lost where the connection is closed."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from recochat.server import Gathered


@dataclass
class Wire:
    """A transport that keeps what is done to it."""

    done: list[bytes | str] = field(default_factory=list)
    closing: bool = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def gathered(wire: Wire) -> Gathered:
    return Gathered(cast(asyncio.Transport, wire))


async def test_head_and_body_are_one_write(wire: Wire, gathered: Gathered) -> None:
    gathered.write(b"head, ")
    gathered.write(b"body")
    assert not wire.done
    await asyncio.sleep(0)
    assert wire.done == [b"head, body"]


async def test_parts_of_a_stream_leave_as_they_come(wire: Wire, gathered: Gathered) -> None:
    for part in (b"one", b"two"):
        gathered.write(part)
        await asyncio.sleep(0)
    assert wire.done == [b"one", b"two"]


async def test_what_waits_is_written_before_the_end(wire: Wire, gathered: Gathered) -> None:
    gathered.write(b"last words")
    gathered.close()
    await asyncio.sleep(0)
    assert wire.done == [b"last words", "closed"]


async def test_nothing_is_written_to_a_connection_that_is_gone(
    wire: Wire, gathered: Gathered
) -> None:
    gathered.write(b"too late")
    wire.closing = True
    await asyncio.sleep(0)
    assert not wire.done


async def test_the_rest_is_the_transports(gathered: Gathered) -> None:
    assert gathered.get_extra_info("peer") == "the peer"
