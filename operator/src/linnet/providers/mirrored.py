"""A client that reads from a mirror where it can, and writes through."""

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from linnet.core.labels import Labels
from linnet.providers.errors import ApiError, NotFound
from linnet.providers.kubernetes import Fence, KubernetesClient, Manifest, Patch
from linnet.providers.mirror import WATCHED, Mirror
from linnet.providers.resources import CANARYRELEASES, Resource

T = TypeVar("T")


class MirroredClient(KubernetesClient):
    """A `KubernetesClient` over another one; the mirror learns from what it reads and writes."""

    def __init__(self, client: KubernetesClient, mirror: Mirror) -> None:
        self._client = client
        self._mirror = mirror

    async def fill(self, namespace: str, selectors: Mapping[Resource, str]) -> list[Manifest]:
        """Read all that the watches will cover, and return the CanaryReleases.

        Of a kind that the cluster doesn't know yet each object is read when it is needed.
        """
        found: dict[Resource, list[Manifest]] = {}
        for resource, selector in selectors.items():
            try:
                found[resource] = await self._client.list(resource, namespace, selector)
            except NotFound:
                continue
            self._mirror.fill(resource, found[resource])
        return found.get(CANARYRELEASES, [])

    def fenced(self, fence: Fence) -> "MirroredClient":
        """The same mirror behind another fence."""
        return MirroredClient(self._client.fenced(fence), self._mirror)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """See `KubernetesClient.get`."""
        if resource not in WATCHED:
            return await self._client.get(resource, namespace, name)
        known, found = self._mirror.find(resource, namespace, name)
        if known:
            return found
        found = await self._client.get(resource, namespace, name)
        if found is None:
            self._mirror.absent(resource, namespace, name)
        else:
            self._mirror.told(resource, found)
        return found

    async def list(
        self, resource: Resource, namespace: str = "", label_selector: str = ""
    ) -> list[Manifest]:
        """See `KubernetesClient.list`. Only a selector of equalities can be known beforehand."""
        labels = _equalities(label_selector)
        if resource not in WATCHED or not namespace or labels is None:
            return await self._client.list(resource, namespace, label_selector)
        known, found = self._mirror.select(resource, namespace, labels)
        if not known:
            found = await self._client.list(resource, namespace, label_selector)
            self._mirror.selected(resource, namespace, labels, found)
        return found

    async def apply(
        self,
        resource: Resource,
        manifest: Manifest,
        field_manager: str,
        force: bool = True,
        subresource: str = "",
    ) -> Manifest:
        """See `KubernetesClient.apply`."""
        metadata = manifest["metadata"]
        writing = self._client.apply(resource, manifest, field_manager, force, subresource)
        place = (resource, metadata.get("namespace", ""), metadata["name"])
        return await self._written(*place, writing)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Patch,
        subresource: str = "",
    ) -> Manifest:
        """See `KubernetesClient.patch`."""
        writing = self._client.patch(resource, namespace, name, patch, subresource)
        return await self._written(resource, namespace, name, writing)

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        """See `KubernetesClient.create`."""
        metadata = manifest["metadata"]
        place = (resource, metadata.get("namespace", ""), metadata.get("name", ""))
        return await self._written(*place, self._client.create(resource, manifest))

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        uid: str = "",
        resource_version: str = "",
    ) -> bool:
        """See `KubernetesClient.delete`."""
        deleting = self._client.delete(resource, namespace, name, uid, resource_version)
        done = await self._asked(resource, namespace, name, deleting)
        if resource in WATCHED:
            if uid and done:
                self._mirror.absent(resource, namespace, name, uid)
            else:
                self._mirror.doubt(resource, namespace, name)
        return done

    async def disown(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        field_manager: str,
        found: Manifest | None = None,
    ) -> None:
        """See `KubernetesClient.disown`."""
        giving_up = self._client.disown(resource, namespace, name, field_manager, found)
        await self._asked(resource, namespace, name, giving_up)
        if resource in WATCHED:
            self._mirror.doubt(resource, namespace, name)

    async def _written(
        self, resource: Resource, namespace: str, name: str, writing: Awaitable[Manifest]
    ) -> Manifest:
        answer = await self._asked(resource, namespace, name, writing)
        if resource in WATCHED and _is_last_word(answer):
            self._mirror.absent(resource, namespace, name, answer["metadata"]["uid"])
        elif resource in WATCHED:
            self._mirror.told(resource, answer)
        return answer

    async def _asked(
        self, resource: Resource, namespace: str, name: str, writing: Awaitable[T]
    ) -> T:
        """Wait for a write; one that failed may have met another version, or been done."""
        try:
            return await writing
        except ApiError:
            if resource in WATCHED:
                self._mirror.doubt(resource, namespace, name)
            raise


def _is_last_word(answer: Manifest) -> bool:
    """Whether a write took the last finalizer off what was to be deleted: it is gone with that.

    The answer has the version of before, and the watch may tell of the end later.
    """
    metadata = answer["metadata"]
    waits = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return bool(metadata.get("deletionTimestamp")) and not waits


def _equalities(selector: str) -> Labels | None:
    """The labels of a selector like ``app=shop,tier=web``; None if it says anything else."""
    terms = [term.partition("=") for term in selector.split(",")]
    if any(not sign or set("!= ()") & set(key + value) for key, sign, value in terms):
        return None
    return {key: value for key, _, value in terms}
