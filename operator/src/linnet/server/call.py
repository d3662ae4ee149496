"""One call of the HTTP API, once it is known who calls and what about."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

from linnet.api.http import Act, Named
from linnet.api.request import Request, RequestAction, RequestOutcome, RequestStatus
from linnet.api.types import Model
from linnet.providers.access import Caller
from linnet.providers.errors import ApiError
from linnet.server.desk import Desk, Seen
from linnet.server.problems import Refused

BASE = "/api/v2"
DECISION_SECONDS = 5.0
"""How long a decision may take. It is stored in a fraction of that unless something is wrong."""


class Verb(StrEnum):
    """What a caller needs to hold on a CanaryRelease."""

    GET = "get"
    LIST = "list"
    PATCH = "patch"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    APPROVE = "approve"
    DECIDE = "decide"


ROLES = {
    Verb.GET: "viewer",
    Verb.LIST: "viewer",
    Verb.PATCH: "editor",
    Verb.PROMOTE: "releaser",
    Verb.ROLLBACK: "releaser",
    Verb.APPROVE: "approver",
    Verb.DECIDE: "decider",
}
"""What each verb stands for, in metrics."""


@dataclass(frozen=True)
class Text:
    """An answer that isn't JSON of a model."""

    text: str
    content_type: str


@dataclass(frozen=True)
class Call:
    """A caller who may do it. name: '' where it is about all releases of the namespace.

    may: whether the caller holds another verb on the same. query: what the path's query says.
    """

    desk: Desk
    caller: Caller
    namespace: str
    name: str
    may: Callable[[Verb], Awaitable[bool]]
    body: Named | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    async def ask(self, action: RequestAction, **more: Any) -> RequestStatus:
        """Have something decided for the caller. more: further fields of the request.

        Raises:
            Refused: the release can't do that now.
        """
        await self.seen()
        reason = self.body.reason if isinstance(self.body, Act) else ""
        asked = Request(id=uuid4().hex, action=action, by=self.caller.name, reason=reason, **more)
        found = await self.desk.ask(self.namespace, self.name, asked, DECISION_SECONDS)
        if found.outcome is RequestOutcome.REFUSED:
            raise Refused(409, found.message)
        return found

    async def seen(self) -> Seen:
        """The release that it is about.

        Raises:
            Refused: there is none, or it can't be read.
        """
        try:
            found = await self.desk.release(self.namespace, self.name)
        except ApiError as error:
            raise Refused(503, str(error)) from error
        except ValueError as error:
            raise Refused(409, f"its spec can't be read: {error}") from error
        if found is None:
            raise Refused(404, f"there is no CanaryRelease {self.name} in {self.namespace}")
        return found


@dataclass(frozen=True)
class Route:
    """A path, what it takes and answers, and who may call it.

    body: what is sent, where that is how the release is named; else the path names it. query: what
    the path's query may say, with the values that there are, none for any. forms: in which forms it
    answers, where JSON isn't the only one.
    """

    method: str
    path: str
    verb: Verb
    told: str
    answer: type[Model]
    handle: Callable[[Call], Awaitable[Model | Text]]
    body: type[Named] | None = None
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forms: tuple[str, ...] = ("application/json",)

    @property
    def changes(self) -> bool:
        """Whether it changes a release, which is recorded."""
        return self.verb not in (Verb.GET, Verb.LIST)
