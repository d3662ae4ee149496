"""The one client through which everything in Redis is reached."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError

from recochat.problems import StoreUnavailable

_WAIT_MS: Final = 100  # for replicas to have a write; they usually have it within one


class TooFewReplicas(RedisError):
    """A write is in Redis, but not in as many replicas as it has to be."""


def connect(url: str, timeout_ms: int, max_connections: int) -> Redis:
    """A client for ``url``. Doesn't connect yet: Redis may come up after the service."""
    seconds = timeout_ms / 1000
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=seconds,  # waiting for a free connection
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        # Once, without a pause and on a new connection: one that Redis closed while idle isn't
        # worth a 503, and after a failover the old ones lead to what is a replica now, which is
        # read-only. A time-out isn't retried, for that would double the wait.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError, ReadOnlyError)),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)


class Script:
    """A script that Redis runs whole: one command, one answer, and nobody comes in between."""

    def __init__(self, client: Redis, source: str, replicas: int = 0) -> None:
        """Run ``source`` (Lua); it counts as done once so many ``replicas`` have its writes."""
        self._redis, self._source, self._replicas = client, source, replicas
        # What Redis knows a script by.
        self._name = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """What the script returns. Raises RedisError; then its writes may be there or not."""
        command = ("EVALSHA", self._name, len(keys), *keys, *arguments)
        try:
            return await self._run(command)
        except NoScriptError:  # Redis is new, or was started anew.
            await self._redis.script_load(self._source)
            return await self._run(command)

    async def _run(self, command: Sequence[Any]) -> Any:
        if not self._replicas:
            # The package leaves it untyped.
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        # WAIT is about what its own connection wrote, and costs no round trip of its own here.
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*command)
            pipe.execute_command("WAIT", self._replicas, _WAIT_MS)
            result, reached = await pipe.execute()
        if reached < self._replicas:
            raise TooFewReplicas(f"{reached} of {self._replicas}")
        return result


def connections(client: Redis) -> tuple[int, int, int]:
    """Connections of ``client``: in use, idle, and at most."""
    pool = client.connection_pool
    (idle, _), (in_use, _) = pool.get_connection_count()
    return in_use, idle, pool.max_connections


@asynccontextmanager
async def available() -> AsyncIterator[None]:
    """Turn every failure of a call to Redis into StoreUnavailable."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(type(error).__name__) from error
