"""Which store the settings ask for."""

from __future__ import annotations

from recochat.sessions.base import SessionStore
from recochat.sessions.memory import MemorySessionStore
from recochat.settings import Settings


def session_store(settings: Settings) -> SessionStore:
    """The store that ``settings`` choose: Redis if there is a URL, else in the process."""
    if settings.redis_url is None:
        return MemorySessionStore(
            settings.session_ttl_s, settings.session_turns, settings.session_max
        )
    # Here, not above: the client takes time and memory that a pod without Redis needn't spend.
    from recochat.sessions.redis import RedisSessionStore, connect

    client = connect(
        settings.redis_url.get_secret_value(),
        settings.redis_timeout_ms,
        settings.redis_connections,
    )
    return RedisSessionStore(
        client, settings.session_ttl_s, settings.session_turns, form=settings.session_form
    )
