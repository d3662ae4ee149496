"""What a session is, and what a store of sessions has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["user", "assistant"]


class SessionStoreUnavailable(Exception):
    """The store didn't answer in time, or refused."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str
    at: float
    """When it was said: seconds since the epoch."""
    items: tuple[str, ...] = ()
    """Ids of the items that an answer suggested."""


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation, as far as it is kept."""

    session_id: str
    created_at: float
    updated_at: float
    turn_count: int
    """Turns said in all; ``turns`` holds only the latest of them."""
    turns: tuple[Turn, ...]


class SessionStore(Protocol):
    """Keeps sessions for a fixed time after their last use (a read is a use).

    Every method raises SessionStoreUnavailable, and nothing else, when the store doesn't answer.
    Stores drop what they can't read (a turn that another version wrote) instead of failing.
    """

    kind: str
    """Short name for health reports."""

    async def get(self, session_id: str) -> Session | None:
        """The session, or None if it never was or has expired. Makes its life start over."""

    async def append(self, session_id: str, turns: Sequence[Turn]) -> Session:
        """Add ``turns`` (at least one), making the session if need be; the oldest turns go."""

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""

    async def count(self) -> int:
        """How many sessions are live."""

    async def ping(self) -> None:
        """Return if the store works."""

    async def close(self) -> None:
        """Give connections back. The store isn't used afterwards."""
