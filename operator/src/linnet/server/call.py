"""One call of the HTTP API, once it is known who calls and what about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from linnet.api.http import Named
from linnet.api.types import Model
from linnet.providers.access import Caller
from linnet.providers.errors import ApiError
from linnet.server.desk import Desk, Seen
from linnet.server.problems import Refused

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


ROLES = {
    Verb.GET: "viewer",
    Verb.LIST: "viewer",
    Verb.PATCH: "editor",
    Verb.PROMOTE: "releaser",
    Verb.ROLLBACK: "releaser",
    Verb.APPROVE: "approver",
}
"""What each verb stands for, in metrics."""


@dataclass(frozen=True)
class Call:
    """A caller who may do it. name: '' where it is about all releases of the namespace.

    may: whether the caller holds another verb on the same.
    """

    desk: Desk
    caller: Caller
    namespace: str
    name: str
    may: Callable[[Verb], Awaitable[bool]]
    body: Named | None = None

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

    body: what is sent, where that is how the release is named; else the path names it.
    """

    method: str
    path: str
    verb: Verb
    told: str
    answer: type[Model]
    handle: Callable[[Call], Awaitable[Model]]
    body: type[Named] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes a release, which is recorded."""
        return self.verb not in (Verb.GET, Verb.LIST)
