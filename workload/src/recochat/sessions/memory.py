"""Sessions in the process: for development, and for a single pod that may forget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from recochat.clock import wall
from recochat.sessions.base import Session, Turn


@dataclass(slots=True)
class _Entry:
    session: Session
    expires_at: float


class MemorySessionStore:
    """A bounded store that cleans itself: no task, and no scan over live sessions.

    Entries are kept in order of last use. As all live equally long, that is also the order in
    which they expire, so cleaning looks at the oldest only and costs O(1) per session.
    """

    kind = "memory"

    def __init__(
        self,
        ttl_s: float,
        max_turns: int,
        max_sessions: int,
        clock: Callable[[], float] = wall,
    ) -> None:
        """Keep up to ``max_sessions`` for ``ttl_s`` seconds after their last use."""
        self._ttl_s = ttl_s
        self._max_turns = max_turns
        self._max_sessions = max_sessions
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def get(self, session_id: str) -> Session | None:
        """The session, or None. O(1)."""
        now = self._clean()
        entry = self._entries.get(session_id)
        if entry is None:
            return None
        self._keep(entry.session, now)
        return entry.session

    async def append(self, session_id: str, turns: Sequence[Turn]) -> Session:
        """Add ``turns``; at the bound, the session unused for longest is forgotten."""
        now = self._clean()
        entry = self._entries.get(session_id)
        old = entry.session if entry else Session(session_id, now, now, 0, ())
        session = replace(
            old,
            updated_at=now,
            turn_count=old.turn_count + len(turns),
            turns=(*old.turns, *turns)[-self._max_turns :],
        )
        self._keep(session, now)
        while len(self._entries) > self._max_sessions:
            self._entries.popitem(last=False)
        return session

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""
        self._clean()
        return self._entries.pop(session_id, None) is not None

    async def count(self) -> int:
        """How many sessions are live."""
        self._clean()
        return len(self._entries)

    async def ping(self) -> None:
        """The process itself always answers."""

    async def close(self) -> None:
        """Nothing to give back."""

    def _keep(self, session: Session, now: float) -> None:
        self._entries[session.session_id] = _Entry(session, now + self._ttl_s)
        self._entries.move_to_end(session.session_id)

    def _clean(self) -> float:
        now = self._clock()
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if oldest.expires_at > now:
                break
            self._entries.popitem(last=False)
        return now
