"""The HTTP server: uvicorn, which stops gently and sends each answer in one piece."""

from __future__ import annotations

import asyncio
from types import FrameType
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from recochat.health import Lifecycle


class Server(uvicorn.Server):
    """Wants no more requests from the moment on at which it is told to stop.

    The framework hears of it only when all answers are given.
    """

    lifecycle: Lifecycle

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The process was told to stop."""
        self.lifecycle.ready = False
        super().handle_exit(sig, frame)


class WholeAnswers(AutoHTTPProtocol):  # type: ignore[valid-type,misc] # whichever parser is there
    """Sends head and body of an answer together: each write of its own would wake the client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        super().connection_made(Gathered(cast(asyncio.Transport, transport)))


class Gathered:
    """A transport that writes once what is written to it in one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """``transport`` gets the bytes, and answers everything else."""
        self._transport, self._loop = transport, asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Whatever isn't about writing."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Write what waits, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        if data and not self._transport.is_closing():
            self._transport.write(data)
