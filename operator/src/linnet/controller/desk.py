"""The desk of the HTTP API: shows what the mirror knows, and writes what callers ask for."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from linnet.api.request import ANNOTATION, Request, RequestStatus
from linnet.controller.asked import Asked
from linnet.controller.release import InvalidSpec, Key, Release
from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.mirror import Mirror
from linnet.providers.records import ConfigMapRecords
from linnet.providers.resources import CANARYRELEASES
from linnet.server.desk import Seen, Undecided


class ReleaseDesk:
    """See `linnet.server.desk.Desk`. wake: has a release looked at, at once."""

    def __init__(
        self,
        client: KubernetesClient,
        mirror: Mirror,
        asked: Asked,
        wake: Callable[[Key], None],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._asked = asked
        self._wake = wake
        self.now = now
        self.records = ConfigMapRecords(client)
        self._turns: dict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def releases(self, namespace: str) -> list[Mapping[str, Any]]:
        """See `Desk.releases`."""
        return list(self._mirror.everything(CANARYRELEASES, namespace))

    async def release(self, namespace: str, name: str) -> Seen | None:
        """See `Desk.release`."""
        found = await self._client.get(CANARYRELEASES, namespace, name)
        if found is None:
            return None
        try:
            release = Release.read(Key(namespace, name), found)
        except InvalidSpec as error:
            raise ValueError(str(error)) from error
        version = str(found["metadata"]["resourceVersion"])
        return Seen(namespace, name, version, release.spec, release.status)

    async def ask(self, namespace: str, name: str, asked: Request, seconds: float) -> RequestStatus:
        """See `Desk.ask`. One at a time for each release: the annotation has one place."""
        key = Key(namespace, name)
        try:
            async with asyncio.timeout(seconds), self._turns[key]:
                return await self._written(key, asked)
        except TimeoutError as error:
            raise Undecided(
                "not decided yet: a change may still come, see status.request; an approval has to "
                "be given again"
            ) from error

    async def suspend(self, namespace: str, name: str, *, wanted: bool) -> None:
        """See `Desk.suspend`."""
        await self._client.patch(CANARYRELEASES, namespace, name, {"spec": {"suspend": wanted}})
        self._wake(Key(namespace, name))

    async def _written(self, key: Key, asked: Request) -> RequestStatus:
        timed = asked.model_copy(update={"at": self.now()})
        text = timed.model_dump_json(by_alias=True, exclude_defaults=True)
        told = self._asked.put(key, timed.id, text)
        try:
            patch = {"metadata": {"annotations": {ANNOTATION: text}}}
            await self._client.patch(CANARYRELEASES, key.namespace, key.name, patch)
            self._wake(key)
            return await told
        finally:
            self._asked.forget(key)
