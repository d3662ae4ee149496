"""What a session is, and what a store of sessions has to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

Role = Literal["user", "assistant"]

USER_SESSIONS: Final = 50
"""Sessions listed of one user: the latest ones written to."""


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
    facts: Mapping[str, str] = field(default_factory=dict)
    """What is remembered beyond the turns that are kept, by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a turn adds to a session besides itself."""

    user_id: str = ""
    """Whose session it is; "" if that isn't known."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """To remember from now on. Facts of the same name are replaced, others stay."""
    forget: Sequence[str] = ()
    """Names of facts to forget."""


NO_CHANGE: Final = Change()


class SessionStore(Protocol):
    """Keeps sessions for a fixed time after their last use (a read is a use).

    Every method raises StoreUnavailable, and nothing else, when the store doesn't answer.
    Stores drop what they can't read (a turn that another version wrote) instead of failing.
    """

    kind: str
    """Short name for health reports."""

    async def get(self, session_id: str) -> Session | None:
        """The session, or None if it never was or has expired. Makes its life start over."""

    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> int:
        """Add ``turns`` (at least one), making the session if need be; the oldest turns go.

        The result is how many were said in all. What others write at the same time is kept too,
        facts of other names included.
        """

    async def of_user(self, user_id: str) -> list[Session]:
        """The user's live sessions, latest first, without their turns and facts.

        Up to USER_SESSIONS of those that were written to within one life of a session.
        """

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""

    async def count(self) -> int:
        """How many sessions are live."""

    async def ping(self) -> None:
        """Return if the store works."""

    async def close(self) -> None:
        """Give connections back. The store isn't used afterwards."""
