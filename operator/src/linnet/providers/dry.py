"""A client that reads, and notes what it would write."""

from dataclasses import dataclass
from typing import Any

from linnet.providers.errors import NotFound
from linnet.providers.kubernetes import KubernetesClient, Manifest


@dataclass(frozen=True)
class Call:
    """A write as the API server would have got it."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


class DryClient(KubernetesClient):
    """A `KubernetesClient` on the connections of another one. `calls`: what it would have written.

    A write is answered with what is there, as nothing has changed.
    """

    def __init__(self, client: KubernetesClient) -> None:
        super().__init__(client._api, client._fence, client._timeout_seconds, client._asking)
        self.calls: list[Call] = []

    async def _write(
        self, method: str, path: str, query: dict[str, str], body: Any, content_type: str
    ) -> Manifest:
        self.calls.append(Call(method, path, dict(query), body))
        if method == "PATCH":
            try:
                return await self._call("GET", path)
            except NotFound:
                pass
        return body if isinstance(body, dict) else {}
