"""Tracked ConfigMaps and Secrets: what people edit, what stable's pods read, and the copies.

Only objects with the label `linnet.dev/tracked` are watched, so that the operator doesn't have to
hold all ConfigMaps and Secrets of the cluster. What lacks it is looked for by its name.
"""

import asyncio
from collections.abc import Collection
from itertools import chain

from linnet.core import config
from linnet.core.config import ConfigObjects, Content, Contents, copy_manifest, live_manifest
from linnet.core.labels import (
    CONFIG,
    MANAGER,
    RELEASE,
    TRACKED,
    Object,
    is_own,
    label_value,
    labels_of,
)
from linnet.core.observed import ConfigObserved
from linnet.core.references import Reference
from linnet.providers.attempts import again_on_conflict
from linnet.providers.errors import Forbidden, OtherRevision, Unusable
from linnet.providers.kubernetes import KubernetesClient, Manifest
from linnet.providers.resources import CONFIG_KINDS, Resource
from linnet.providers.workloads import Target


class ConfigCopies:
    """Reads and writes tracked config. Level-triggered: every call may be repeated.

    kinds: those that the operator has the permission for.
    Every method raises ApiError where the API server refuses or can't be asked.
    """

    def __init__(self, client: KubernetesClient, kinds: Collection[str] = CONFIG_KINDS) -> None:
        self._client = client
        self._kinds = kinds

    async def observe(self, target: Target) -> ConfigObserved | None:
        """Read how a release's tracked config stands; None if it tracks nothing.

        Nothing of it can keep traffic from being taken back: a right that is missing is a problem
        to tell of like any other.
        """
        if not target.tracked:
            return None
        if problem := self._not_permitted(target):
            return _unread(*problem)
        try:
            objects = await self._read(target)
        except Forbidden as error:
            return _unread("ConfigForbidden", f"spec.trackedConfig: {error}")
        return config.observed(target.tracked, objects, target.namespace, target.release)

    async def keep(self, target: Target, wanted: str) -> None:
        """Have the copies of the content with this hash.

        Raises:
            OtherRevision: nothing has that content any more.
        """
        await again_on_conflict(lambda: self._keep(target, wanted))

    async def write(self, target: Target, wanted: str) -> None:
        """Have what stable's pods read hold the content with this hash, and copies of it.

        Raises:
            OtherRevision: nothing has that content any more.
            Unusable: there is an object of that name that isn't this release's.
        """
        await again_on_conflict(lambda: self._write(target, wanted))

    async def remove_copies(self, target: Target, keep: str = "") -> None:
        """Remove the release's copies, but those of the content `keep`."""
        for resource in self._resources(self._kinds):
            for found in await self._made(resource, target):
                name, labels = found["metadata"]["name"], labels_of(found)
                if is_own(found, target.release) and labels.get(CONFIG, keep) != keep:
                    uid = found["metadata"]["uid"]
                    await self._client.delete(resource, target.namespace, name, uid=uid)

    async def _keep(self, target: Target, wanted: str) -> None:
        objects = await self._read(target)
        await self._make_copies(target, objects, wanted)

    async def _write(self, target: Target, wanted: str) -> None:
        objects = await self._read(target)
        contents = await self._make_copies(target, objects, wanted)
        for reference, content in contents.items():
            live = objects.live.get(reference)
            if live is None:
                made = live_manifest(reference, content, target.namespace, target.release)
                await self._client.create(CONFIG_KINDS[reference.kind], made)
            elif not is_own(live, target.release):
                raise Unusable(
                    "NameTaken", f"{reference} was not made for CanaryRelease {target.release}"
                )
            elif config.content(live) != content:
                await self._replace(live, content, CONFIG_KINDS[reference.kind])

    async def _make_copies(self, target: Target, objects: ConfigObjects, wanted: str) -> Contents:
        contents = config.contents_of(target.tracked, objects, target.release, wanted)
        if contents is None:
            raise OtherRevision(f"no tracked config of {target.release} has the content {wanted}")
        for reference, content in contents.items():
            resource = CONFIG_KINDS[reference.kind]
            present = objects.copies.get(wanted, {}).get(reference)
            if present is not None and config.content(present) != content:
                # An immutable object can't be edited: somebody has put another in its place.
                place = (target.namespace, present["metadata"]["name"])
                await self._client.delete(resource, *place, uid=present["metadata"]["uid"])
                present = None
            if present is None:
                made = copy_manifest(reference, wanted, content, target.namespace, target.release)
                await self._client.apply(resource, made, MANAGER)
        return contents

    async def _replace(self, live: Object, content: Content, resource: Resource) -> None:
        """Give it this content and no other, whoever else has written to it."""
        metadata = live["metadata"]
        version = {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": metadata["resourceVersion"],
        }
        parts = [
            {"op": "add", "path": f"/{part}", "value": content.get(part, {})}
            for part in config.PARTS
            if part in live or part in content
        ]
        await self._client.patch(
            resource, metadata["namespace"], metadata["name"], [version, *parts]
        )

    async def _read(self, target: Target) -> ConfigObjects:
        tracked = target.tracked
        kinds = {each.kind.value for each in tracked}
        sources, made = await asyncio.gather(
            asyncio.gather(*(self._get(target, config.source(each)) for each in tracked)),
            asyncio.gather(*(self._made(each, target) for each in self._resources(kinds))),
        )
        own = {
            Reference(each["kind"], each["metadata"]["name"]): each
            for each in chain.from_iterable(made)
        }
        mounted = [config.mounted(each) for each in tracked]
        # What isn't among the release's own may be somebody else's.
        live = {each: own.get(each) or await self._get(target, each) for each in mounted}
        return ConfigObjects(
            sources={
                reference: found
                for reference, found in zip(mounted, sources, strict=True)
                if found is not None
            },
            live={reference: found for reference, found in live.items() if found is not None},
            copies=config.copies_of(own.values(), target.release),
        )

    async def _get(self, target: Target, reference: Reference) -> Manifest | None:
        resource = CONFIG_KINDS[reference.kind]
        return await self._client.get(resource, target.namespace, reference.name)

    async def _made(self, resource: Resource, target: Target) -> list[Manifest]:
        """What the operator made for the release."""
        selector = f"{TRACKED}=true,{RELEASE}={label_value(target.release)}"
        found = await self._client.list(resource, target.namespace, selector)
        return [{**each, "kind": resource.kind} for each in found]  # a list leaves it out

    def _resources(self, kinds: Collection[str]) -> list[Resource]:
        return [resource for kind, resource in CONFIG_KINDS.items() if kind in kinds]

    def _not_permitted(self, target: Target) -> tuple[str, str] | None:
        for number, each in enumerate(target.tracked):
            if each.kind not in self._kinds:
                value = f"configTracking.{each.kind[0].lower()}{each.kind[1:]}s"
                return (
                    "KindNotTracked",
                    f"spec.trackedConfig[{number}].kind: this operator may not read {each.kind}s: "
                    f"install its chart with {value}=true, or remove the entry",
                )
        return None


def _unread(reason: str, message: str) -> ConfigObserved:
    return ConfigObserved(source="", live="", written=False, problem=(reason, message))
