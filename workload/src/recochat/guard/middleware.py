"""The layer before the API: refuses what is too much, and answers a repeated write as before."""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recochat import context
from recochat.guard.rates import RateLimiter
from recochat.guard.replies import Replies, Reply
from recochat.problems import StoreUnavailable, problem, store_unavailable

log = logging.getLogger(__name__)

_KEY: Final = re.compile(rb"[\x21-\x7e]{1,128}")
_CALLER: Final = re.compile(rb"[A-Za-z0-9._@:-]{1,64}")
_MAX_REPLY_BYTES: Final = 256 * 1024


class Guard:
    """Guards the paths below /api/. Others (probes, metrics) are never refused."""

    def __init__(
        self,
        app: ASGIApp,
        replies: Replies,
        rates: RateLimiter | None,
        max_in_flight: int,
        max_body_bytes: int,
    ) -> None:
        """Let at most ``max_in_flight`` requests through at a time; ``rates`` None: no limit."""
        self._app, self._replies, self._rates = app, replies, rates
        self._max_in_flight, self._max_body = max_in_flight, max_body_bytes
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if self._in_flight >= self._max_in_flight:
            # At once, for free: an answer that comes too late would cost as much as a good one.
            detail = "More requests are under way than can be served. Try again shortly."
            refusal = problem(503, "overloaded", detail, "system", {"Retry-After": "1"})
            await refusal(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._limited(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if self._rates is not None and (wait := await self._rates.take(_caller(scope, headers))):
            detail = "Too many requests from this caller."
            retry = {"Retry-After": str(math.ceil(wait))}
            await problem(429, "too-many-requests", detail, "user", retry)(scope, receive, send)
            return
        bounded = _bounded(receive, self._max_body)
        key = headers.get(b"idempotency-key")
        try:
            if key is not None and scope["method"] == "POST":
                await self._once(key, headers, scope, bounded, send)
            elif int(headers.get(b"content-length", 0)) > self._max_body:
                raise _too_large(self._max_body)
            else:
                await self._app(scope, bounded, send)
        except HTTPException as error:
            refusal = problem(error.status_code, _kind(error), str(error.detail), "user")
            await refusal(scope, receive, send)
        except StoreUnavailable:
            await store_unavailable()(scope, receive, send)

    async def _once(
        self, key: bytes, headers: Mapping[bytes, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a write unless it was served before; then say the same again."""
        if not _KEY.fullmatch(key):
            raise HTTPException(400, "Idempotency-Key: 1 to 128 printable characters, no spaces.")
        body = await _read(receive)
        accept = headers.get(b"accept", b"")
        fingerprint = hashlib.sha256(body + b"\0" + accept).hexdigest()
        where = b"\0".join((_caller(scope, headers).encode(), scope["path"].encode(), key))
        name = hashlib.sha256(where).hexdigest()
        found = await self._replies.claim(name, fingerprint)
        if found is not None:
            await _again(found, fingerprint)(scope, receive, send)
            return
        recorder, reply = _Recorder(send, fingerprint), None
        try:
            await self._app(scope, _replay(body, receive), recorder)
            if not context.noted_error()[0]:
                reply = recorder.reply()
        finally:
            # Without a reply, also where the client has left: the write may be tried again.
            await self._settle(name, reply)

    async def _settle(self, name: str, reply: Reply | None) -> None:
        try:
            if reply is None:
                await self._replies.drop(name)
            else:
                await self._replies.keep(name, reply)
        except StoreUnavailable:
            # The answer is out already; until the claim ends, a repetition is told to wait.
            log.warning("an idempotency key wasn't settled", extra={"error_class": "external"})


class _Recorder:
    """Passes an answer on, and remembers it if it was a success that isn't too large."""

    def __init__(self, send: Send, fingerprint: str) -> None:
        self._send, self._fingerprint = send, fingerprint
        self._status, self._media_type = 0, ""
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._media_type = dict(message["headers"]).get(b"content-type", b"").decode()
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
        await self._send(message)

    def reply(self) -> Reply | None:
        """What was answered, or None if a repetition should be tried for real."""
        if not 200 <= self._status < 300 or len(self._body) > _MAX_REPLY_BYTES:
            return None
        return Reply(self._fingerprint, self._status, self._media_type, self._body.decode())


def _again(found: Reply, fingerprint: str) -> ASGIApp:
    from starlette.responses import Response

    if found.fingerprint != fingerprint:
        detail = "This Idempotency-Key was used for another request."
        return problem(409, "idempotency-key-reused", detail, "user")
    if not found.status:
        detail = "The first request with this Idempotency-Key is still under way."
        return problem(409, "request-in-progress", detail, "user", {"Retry-After": "1"})
    headers = {"Idempotency-Replayed": "true", "Content-Type": found.media_type}
    return Response(found.body, found.status, headers)


def _caller(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    """Who asks: the id that a gateway vouches for, else the address."""
    named = headers.get(b"x-user-id", b"")
    if _CALLER.fullmatch(named):
        return "user:" + named.decode()
    client = scope.get("client")
    return f"address:{client[0]}" if client else "unknown"


def _bounded(receive: Receive, most: int) -> Receive:
    """``receive`` that fails with 413 once the body is larger than ``most`` bytes."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                raise _too_large(most)
        return message

    return bounded


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        # A caller that is gone sends no more either.
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives ``body`` at once, and then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"A request has at most {most} bytes.")


def _kind(error: HTTPException) -> str:
    return HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
