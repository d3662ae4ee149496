"""The shops' owners: what they do about many releases at once, and what they see of them."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from linnet.core.labels import CANARY, TRACK, labels_of
from linnet.core.revision import template_revision
from linnet.providers.resources import (
    CANARYRELEASES,
    DEPLOYMENTS,
    HTTPROUTES,
    Resource,
)
from tests.support.apiserver import ApiServer
from tests.support.prometheus_stub import PrometheusStub
from tests.support.rig.following import Object, Tell, api_session, follow, name_of
from tests.support.rig.shops import QUALITY, Shop

Name = tuple[str, str]

SEEN = (CANARYRELEASES, DEPLOYMENTS, HTTPROUTES)
AT_A_TIME = 20


class NotInTime(AssertionError):
    """What was waited for didn't come."""


class Refused(Exception):
    """The API server refused something that a user did."""


class Hands:
    """What owners do, by a client of their own: straight to the API server, called `owners`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def create(self, resource: Resource, manifest: Object) -> Object:
        """Create an object."""
        path = resource.path(manifest["metadata"].get("namespace", ""))
        return await self._send("POST", path, manifest, "application/json")

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Any) -> Object:
        """Merge patch (a dict), or JSON patch (a list)."""
        kind = "json-patch" if isinstance(patch, list) else "merge-patch"
        path = resource.path(namespace, name)
        return await self._send("PATCH", path, patch, f"application/{kind}+json")

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object, which may be gone already."""
        path = resource.path(namespace, name)
        try:
            await self._send("DELETE", path, {}, "application/json")
        except Refused as error:
            if error.args[0] != 404:
                raise

    async def _send(self, method: str, path: str, body: Any, content_type: str) -> Object:
        async with self._session.request(
            method,
            f"{self._url}{path}",
            data=json.dumps(body),
            headers={"Content-Type": content_type},
        ) as answer:
            found: Object = await answer.json()
            if answer.status >= 400:
                raise Refused(answer.status, f"{method} {path}: {found.get('message')}")
            return found


class Owners:
    """Shops on one API server: what is done about them, and what becomes of them.

    prometheus: is told which canaries take requests, and which of them do badly.
    """

    def __init__(self, hands: Hands, prometheus: PrometheusStub) -> None:
        self.hands = hands
        self._prometheus = prometheus
        self._seen: Mapping[Resource, dict[Name, Object]] = {each: {} for each in SEEN}
        self._changed: dict[Name, asyncio.Event] = defaultdict(asyncio.Event)

    def teller(self, resource: Resource) -> Tell:
        """Takes in what a watch tells of a kind."""
        seen = self._seen[resource]

        async def tell(kind: str, found: Object) -> None:
            namespace, name = name_of(found)
            if kind == "DELETED":
                seen.pop((namespace, name), None)
            else:
                seen[namespace, name] = found
            self._measure()
            self._changed[namespace, name.removesuffix("-canary")].set()

        return tell

    async def create(self, shops: Sequence[Shop], *, guarded: bool = True) -> None:
        """Create the shops, version 1, and wait until they are guarded, or ready at least."""
        limit = asyncio.Semaphore(AT_A_TIME)

        async def one(shop: Shop) -> None:
            async with limit:
                for resource, manifest in shop.manifests():
                    await self.hands.create(resource, manifest)
                if guarded:
                    await self.hands.create(CANARYRELEASES, shop.release())
            await self.until(shop, self.is_guarded if guarded else self.is_ready, 300)

        await asyncio.gather(*(one(shop) for shop in shops))

    def is_ready(self, shop: Shop) -> bool:
        status = (self.deployment(shop) or {}).get("status") or {}
        return bool(status.get("readyReplicas") == shop.replicas)

    def is_guarded(self, shop: Shop) -> bool:
        return self.phase(shop) == "Idle" and bool(
            (self.deployment(shop) or {})["spec"].get("paused")
        )

    async def push(self, shop: Shop, version: int, quality: str = "good", fate: str = "") -> str:
        """Change the pod template, and return its revision."""
        template = shop.template(version, quality, fate)
        # An annotation that the new version doesn't have goes.
        template["metadata"]["annotations"].setdefault("simulate", None)
        patch = {"spec": {"template": template}}
        found = await self.hands.patch(DEPLOYMENTS, shop.namespace, shop.name, patch)
        return template_revision(found["spec"]["template"])

    async def until(self, shop: Shop, reached: Callable[[Shop], object], seconds: float) -> None:
        """Wait until something is so about a shop.

        Raises:
            NotInTime: it isn't so in time; the text has the status of its release.
        """
        deadline = time.monotonic() + seconds
        changed = self._changed[shop.namespace, shop.name]
        while not reached(shop):
            changed.clear()
            try:
                await asyncio.wait_for(changed.wait(), deadline - time.monotonic())
            except TimeoutError:
                raise NotInTime(f"{shop.name}: {json.dumps(self.status(shop))}") from None

    def release(self, shop: Shop) -> Object | None:
        """The CanaryRelease as it stands."""
        return self._seen[CANARYRELEASES].get((shop.namespace, shop.name))

    def status(self, shop: Shop) -> Object:
        """Its status; empty where there is none."""
        return (self.release(shop) or {}).get("status") or {}

    def phase(self, shop: Shop) -> str:
        """Its phase, '' where there is none."""
        return str(self.status(shop).get("phase", ""))

    def deployment(self, shop: Shop) -> Object | None:
        """The user's Deployment."""
        return self._seen[DEPLOYMENTS].get((shop.namespace, shop.name))

    def canary(self, shop: Shop) -> Object | None:
        """The canary's Deployment."""
        return self._seen[DEPLOYMENTS].get((shop.namespace, shop.canary))

    def route(self, shop: Shop) -> Object | None:
        """The HTTPRoute."""
        return self._seen[HTTPROUTES].get((shop.namespace, shop.name))

    def weight(self, shop: Shop) -> int:
        """The sum of the canary's weights in the route; 0 also where it isn't listed."""
        return self._weight((shop.namespace, shop.name))

    def _weight(self, name: Name) -> int:
        spec = (self._seen[HTTPROUTES].get(name) or {}).get("spec") or {}
        return sum(
            ref.get("weight", 1)
            for rule in spec.get("rules") or ()
            for ref in rule.get("backendRefs") or ()
            if ref["name"] == f"{name[1]}-canary"
        )

    def _measure(self) -> None:
        """Have Prometheus know of the canaries that are ready and take requests."""
        rows = {
            place: found["spec"]["template"]["metadata"]["annotations"].get(QUALITY)
            for place, found in self._seen[DEPLOYMENTS].items()
            if labels_of(found).get(TRACK) == CANARY
            and (found.get("status") or {}).get("readyReplicas")
            and self._weight((place[0], place[1].removesuffix("-canary")))
        }
        self._prometheus.measure(rows)
        self._prometheus.failing = {place for place, quality in rows.items() if quality == "bad"}


@asynccontextmanager
async def run_owners(server: ApiServer, prometheus: PrometheusStub) -> AsyncIterator[Owners]:
    """Owners of a server with simulated nodes."""
    async with api_session(server.ca, server.token, "owners") as session:
        owners = Owners(Hands(session, server.url), prometheus)
        watches = [
            asyncio.create_task(
                follow(session, f"{server.url}{resource.path()}", owners.teller(resource))
            )
            for resource in SEEN
        ]
        try:
            yield owners
        finally:
            for task in watches:
                task.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
