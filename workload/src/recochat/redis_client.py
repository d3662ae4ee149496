"""The one client through which everything in Redis is reached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from recochat.problems import StoreUnavailable


def connect(url: str, timeout_ms: int, max_connections: int) -> Redis:
    """A client for ``url``. Doesn't connect yet: Redis may come up after the service."""
    seconds = timeout_ms / 1000
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=seconds,  # waiting for a free connection
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        # Once, without a pause: a connection that Redis closed while idle isn't worth a 503.
        # A time-out isn't retried, for that would double the wait.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)


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
