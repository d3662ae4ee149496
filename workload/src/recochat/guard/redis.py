"""Rates and replies in Redis, where all pods share them. One round trip a call."""

from __future__ import annotations

from typing import Final

import orjson
from redis.asyncio import Redis

from recochat.guard.replies import CLAIM_S, Reply
from recochat.redis_client import available

# Redis' own clock, so that pods whose clocks differ share one bucket. One round trip, and the key
# ends by itself when the bucket is full.
_TAKE: Final = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = full - now - (tonumber(ARGV[2]) - 1) / tonumber(ARGV[1])
if wait > 1e-6 then return tostring(wait) end
full = full + 1 / tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
return '0'
"""


def bucket_key(caller: str) -> str:
    """Where the bucket of a caller is in Redis."""
    return f"recochat:rate:{{{caller}}}"


class RedisRateLimiter:
    """Buckets that all pods share; one round trip."""

    def __init__(self, client: Redis, per_s: float, burst: int) -> None:
        """As for MemoryRateLimiter; ``client`` stays the caller's."""
        self._per_s, self._burst = per_s, burst
        self._take = client.register_script(_TAKE)

    async def take(self, caller: str) -> float:
        """Take a token of ``caller``: 0.0, or the seconds until there is one."""
        async with available():
            return float(await self._take([bucket_key(caller)], [self._per_s, self._burst]))


def reply_key(key: str) -> str:
    """Where a reply is in Redis."""
    return f"recochat:reply:{{{key}}}"


class RedisReplies:
    """Replies that all pods know; one round trip a call. Needs Redis 7 (SET with NX and GET)."""

    def __init__(self, client: Redis, ttl_s: int) -> None:
        """Keep replies for ``ttl_s`` seconds; ``client`` stays the caller's."""
        self._redis, self._ttl_s = client, ttl_s

    async def claim(self, key: str, fingerprint: str) -> Reply | None:
        """Claim the key, or tell what is under it."""
        async with available():
            claim = _dump(Reply(fingerprint))
            found = await self._redis.set(reply_key(key), claim, nx=True, get=True, ex=CLAIM_S)
        return _load(found) if isinstance(found, bytes) else None

    async def keep(self, key: str, reply: Reply) -> None:
        """Keep the reply."""
        async with available():
            await self._redis.set(reply_key(key), _dump(reply), ex=self._ttl_s)

    async def drop(self, key: str) -> None:
        """Give up a claim."""
        async with available():
            await self._redis.delete(reply_key(key))


def _dump(reply: Reply) -> bytes:
    return orjson.dumps([reply.fingerprint, reply.status, reply.media_type, reply.body])


def _load(record: bytes) -> Reply:
    """The reply; one that another version wrote in another form counts as not known yet."""
    try:
        fingerprint, status, media_type, body = orjson.loads(record)
        return Reply(str(fingerprint), int(status), str(media_type), str(body))
    except (ValueError, TypeError):
        return Reply("")
