"""The API server's side of a connection, over a cluster in memory."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from linnet.providers import resources
from linnet.providers.kubernetes import JSON_PATCH, MERGE_PATCH, Manifest
from linnet.providers.resources import ACCESS_REVIEWS, SELF_REVIEWS, Resource
from tests.support.fake_kubernetes import FakeKubernetes

PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)
KINDS = {
    (each.group, each.plural): each
    for each in vars(resources).values()
    if isinstance(each, Resource)
}
Asked = tuple[str, str, dict[str, str], Any, str]
Operator = Callable[[str, Any], Awaitable[Manifest]]
"""The operator's API: what it answers to a path and a body."""


@dataclass
class Answer:
    """An HTTP answer, as far as the client looks at it."""

    body: Manifest
    now: datetime
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = {"Date": format_datetime(self.now, usegmt=True)}

    async def read(self) -> bytes:
        """The content."""
        return json.dumps(self.body).encode()


class Wire:
    """In place of the client's connection. who: the name that the server knows the caller by.

    Behind the server's proxy are Prometheus and the operator. measured: what the former answers, by
    the query. operator: the latter.
    """

    def __init__(
        self,
        server: FakeKubernetes,
        now: Callable[[], datetime],
        who: str,
        measured: Callable[[str], float],
        operator: Operator,
    ) -> None:
        self._server, self._now, self._who = server, now, who
        self._measured, self._operator = measured, operator

    @property
    def configuration(self) -> "Wire":
        """Where the client looks for the token that it sends."""
        return self

    async def auth_settings(self) -> dict[str, dict[str, str]]:
        """The caller's token, as the kubeconfig has it."""
        return {"BearerToken": {"value": f"Bearer {self._who}"}}

    async def param_serialize(self, method: str, path: str, **more: Any) -> Asked:
        """A request, as `call_api` takes it."""
        kind = more["header_params"]["Content-Type"]
        return method, path, dict(more["query_params"]), more["body"], kind

    async def call_api(
        self, method: str, path: str, query: dict[str, str], body: Any, kind: str, **_: Any
    ) -> Answer:
        """The answer to a request."""
        behind = path.partition("/proxy/")[2]
        if method == "POST" and behind:
            return Answer(await self._operator(f"/{behind}", body), self._now())
        if behind:
            row = {"metric": {}, "value": [0, str(self._measured(query["query"]))]}
            return Answer({"data": {"result": [row]}}, self._now())
        parts = PATH.fullmatch(path)
        assert parts, path
        resource = KINDS[parts["group"] or "", parts["plural"]]
        namespace, name = parts["namespace"] or "", parts["name"] or ""
        if method == "GET":
            return await self._read(resource, namespace, name, query)
        if method == "POST":
            return Answer(self._reviewed(resource), self._now())
        assert kind in (MERGE_PATCH, JSON_PATCH), f"no command sends {kind}"
        patched = await self._server.patch(resource, namespace, name, body)
        return Answer(patched, self._now())

    async def close(self) -> None:
        """There is nothing to close."""

    async def _read(
        self, resource: Resource, namespace: str, name: str, query: dict[str, str]
    ) -> Answer:
        if not name:
            selector = query.get("labelSelector", "")
            items = await self._server.list(resource, namespace, selector)
            return Answer({"items": items, "metadata": {}}, self._now())
        found = await self._server.get(resource, namespace, name)
        if found is not None:
            return Answer(found, self._now())
        missing = {"message": f"{name} not found", "reason": "NotFound", "details": {"name": name}}
        return Answer(missing, self._now(), 404)

    def _reviewed(self, resource: Resource) -> Manifest:
        """What the server says of who asks, and of what somebody may do: everything."""
        said = {
            SELF_REVIEWS: {"userInfo": {"username": self._who}},
            ACCESS_REVIEWS: {"allowed": True},
        }
        return {"status": said[resource]}
