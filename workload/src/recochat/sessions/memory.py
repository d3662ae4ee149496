"""Sessions in the process: for development, and for a single pod that may forget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from recochat.clock import wall
from recochat.sessions.base import NO_CHANGE, USER_SESSIONS, Change, Session, Turn


@dataclass(slots=True)
class _Entry:
    session: Session
    expires_at: float
    user_id: str = ""


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
        # Ids by user, the latest written to at the end; a dict, for it keeps an order.
        self._of_user: dict[str, dict[str, None]] = {}

    async def get(self, session_id: str) -> Session | None:
        """The session, or None. O(1)."""
        now = self._clean()
        entry = self._entries.get(session_id)
        if entry is None:
            return None
        self._keep(entry.session, now)
        return entry.session

    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> int:
        """Add ``turns``; at the bound, the session unused for longest is forgotten."""
        now = self._clean()
        entry = self._entries.get(session_id)
        old = entry.session if entry else Session(session_id, now, now, 0, ())
        known = {name: fact for name, fact in old.facts.items() if name not in change.forget}
        session = replace(
            old,
            updated_at=now,
            turn_count=old.turn_count + len(turns),
            turns=(*old.turns, *turns)[-self._max_turns :],
            facts=known | dict(change.facts),
        )
        self._keep(session, now, change.user_id)
        while len(self._entries) > self._max_sessions:
            self._forget(next(iter(self._entries)))
        return session.turn_count

    async def of_user(self, user_id: str) -> list[Session]:
        """The user's sessions, latest first."""
        self._clean()
        ids = reversed(self._of_user.get(user_id, {}))
        return [replace(self._entries[i].session, turns=(), facts={}) for i in ids]

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""
        self._clean()
        known = session_id in self._entries
        self._forget(session_id)
        return known

    async def count(self) -> int:
        """How many sessions are live."""
        self._clean()
        return len(self._entries)

    async def ping(self) -> None:
        """The process itself always answers."""

    async def close(self) -> None:
        """Nothing to give back."""

    def _keep(self, session: Session, now: float, user_id: str = "") -> None:
        session_id, known = session.session_id, self._entries.get(session.session_id)
        owner = user_id or (known.user_id if known else "")
        if known and known.user_id != owner:
            self._disown(session_id, known.user_id)
        self._entries[session_id] = _Entry(session, now + self._ttl_s, owner)
        self._entries.move_to_end(session_id)
        if user_id:
            mine = self._of_user.setdefault(user_id, {})
            mine.pop(session_id, None)
            mine[session_id] = None
            if len(mine) > USER_SESSIONS:
                del mine[next(iter(mine))]

    def _forget(self, session_id: str) -> None:
        if (entry := self._entries.pop(session_id, None)) is not None:
            self._disown(session_id, entry.user_id)

    def _disown(self, session_id: str, user_id: str) -> None:
        mine = self._of_user.get(user_id, {})
        mine.pop(session_id, None)
        if not mine:
            self._of_user.pop(user_id, None)

    def _clean(self) -> float:
        now = self._clock()
        while self._entries:
            session_id, oldest = next(iter(self._entries.items()))
            if oldest.expires_at > now:
                break
            self._forget(session_id)
        return now
