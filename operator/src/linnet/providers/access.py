"""Who calls, and what they may do: asked of the API server, remembered for a moment.

What the API server doesn't say is denied; where it can't be asked, nobody is let in.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.resources import ACCESS_REVIEWS, CANARYRELEASES, TOKEN_REVIEWS, Resource

REMEMBERED_SECONDS = 10.0
REMEMBERED_MOST = 1000
NAME_LENGTH = 253
"""The longest name that a request can carry; a longer one is nobody's, rather than cut."""

T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """A person or program, as the API server knows them."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Access:
    """Reviews of tokens and of rights on CanaryReleases.

    clock: seconds that only grow. audiences: whom a token must be meant for; the API server's own
    if there are none.
    """

    def __init__(
        self, client: KubernetesClient, clock: Callable[[], float], audiences: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._audiences = tuple(audiences)
        self._callers = _Memory[Caller | None](clock)
        self._rights = _Memory[bool](clock)

    def remembers(self, token: str) -> bool:
        """Whether the token is known without a question to the API server."""
        return self._callers.get(_hidden(token)) is not None

    async def caller(self, token: str) -> Caller | None:
        """Whose token it is; None if it is nobody's.

        Raises:
            ApiError: the API server could not be asked.
        """
        found = self._callers.get(_hidden(token))
        if found is None:
            spec: dict[str, Any] = {"token": token}
            if self._audiences:
                spec["audiences"] = list(self._audiences)
            status = await self._review(TOKEN_REVIEWS, spec)
            found = self._callers.put(_hidden(token), _caller(status, self._audiences))
        return found[0]

    async def may(self, caller: Caller, verb: str, namespace: str, name: str = "") -> bool:
        """Whether somebody has a verb on a CanaryRelease, or on all of a namespace without a name.

        An empty namespace means all of them.

        Raises:
            ApiError: the API server could not be asked.
        """
        spec = {
            "user": caller.name,
            "uid": caller.uid,
            "groups": list(caller.groups),
            "extra": {key: list(values) for key, values in caller.extra.items()},
            "resourceAttributes": {
                "group": CANARYRELEASES.group,
                "resource": CANARYRELEASES.plural,
                "verb": verb,
                "namespace": namespace,
                "name": name,
            },
        }
        asked = _hidden(json.dumps(spec, sort_keys=True))
        found = self._rights.get(asked)
        if found is None:
            status = await self._review(ACCESS_REVIEWS, spec)
            allowed = status.get("allowed") is True and not status.get("denied")
            found = self._rights.put(asked, allowed)
        return found[0]

    async def _review(self, resource: Resource, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        kind = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}}
        answer = await self._client.create(resource, {**kind, "spec": spec})
        return answer.get("status") or {}


class _Memory(Generic[T]):
    """What was answered lately, and what the answer was, in a tuple of one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, key: str) -> tuple[T] | None:
        found = self._known.get(key)
        if found is None or self._clock() - found[0] >= REMEMBERED_SECONDS:
            return None
        return (found[1],)

    def put(self, key: str, value: T) -> tuple[T]:
        self._known.pop(key, None)
        self._known[key] = self._clock(), value
        while len(self._known) > REMEMBERED_MOST:
            self._known.popitem(last=False)
        return (value,)


def _caller(status: Mapping[str, Any], audiences: Sequence[str]) -> Caller | None:
    user = status.get("user") or {}
    name = str(user.get("username") or "")
    if status.get("authenticated") is not True or not 0 < len(name) <= NAME_LENGTH:
        return None
    # An API server that knows nothing of audiences would let in tokens that are meant for others.
    if audiences and not set(audiences) & set(status.get("audiences") or ()):
        return None
    return Caller(
        name=name,
        uid=str(user.get("uid") or ""),
        groups=tuple(user.get("groups") or ()),
        extra=user.get("extra") or {},
    )


def _hidden(text: str) -> str:
    """What stands for a token, so that none is kept."""
    return hashlib.sha256(text.encode()).hexdigest()
