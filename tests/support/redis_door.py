"""A way to Redis as a Service in Kubernetes is one, and a slow one if it is told to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Door:
    """Leads new connections to `target`. Those that are open stay with what they led to."""

    target: str
    """The Unix socket of a Redis."""
    delay_s: float = 0.0
    """Added to each answer."""
    answers: int = 0
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError):
                there, back = await asyncio.open_unix_connection(self.target)
                try:
                    await asyncio.gather(
                        self._pass(reader, back, slow=False), self._pass(there, writer, slow=True)
                    )
                finally:
                    back.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        while data := await source.read(65536):
            if slow:
                self.answers += 1
                await asyncio.sleep(self.delay_s)
            sink.write(data)
        sink.close()


@asynccontextmanager
async def opened(target: str) -> AsyncIterator[Door]:
    """A door on a port of its own, to the Unix socket `target`."""
    door = Door(target.removeprefix("unix://"))
    server = await asyncio.start_server(door.lead, "127.0.0.1", 0)
    door.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield door
    finally:
        server.close()
        await door.close()
