"""The Kubernetes client in memory: passes the same contract suite as the real one.

Simpler than the API server: no defaults, no validation but what the operator relies on, every
list is atomic to server-side apply, and ownership is by leaf of the applied manifest.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from linnet.core.labels import labels_of
from linnet.providers.errors import ApiError, Conflict, NotFound, ObjectMissing
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    HTTPROUTES,
    REPLICASETS,
    KubernetesClient,
    Manifest,
    Resource,
)
from tests.support.patches import Leaf, at, clone, drop, leaves, merge, operate, selected

COUNTED = frozenset({CANARYRELEASES, DEPLOYMENTS, HTTPROUTES, REPLICASETS})
"""Kinds whose objects have a generation, and a status that is written apart."""
SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "generation", "managedFields")
WRITES = ("create", "apply", "patch", "delete", "disown")

Patch = Manifest | list[Manifest]
Place = tuple[Resource, str, str]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call:
    """One call: what was done to which object."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str = ""
    body: Any = None

    def __str__(self) -> str:
        return " ".join((self.verb, self.resource.kind, self.name, self.subresource)).strip()


@dataclass
class Failure:
    """Calls to fail: the first `skip` that match pass, the next `times` don't.

    done: the call takes effect and its answer is lost, instead of not being made.
    """

    error: Exception
    verbs: Sequence[str] = WRITES
    resource: Resource | None = None
    times: int = 1
    skip: int = 0
    done: bool = False

    def strikes(self, call: Call) -> bool:
        if call.verb not in self.verbs or self.resource not in (None, call.resource):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class Cluster:
    """What all clients of one cluster share. Test code may change it as the cluster does."""

    now: Callable[[], datetime] = lambda: datetime(2030, 1, 1, tzinfo=UTC)
    objects: dict[Place, Manifest] = field(default_factory=dict)
    owners: dict[Place, dict[str, set[Leaf]]] = field(default_factory=dict)
    unknown: set[Resource] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    versions: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    after_write: Callable[[], None] = lambda: None

    def put(self, place: Place, found: Manifest) -> Manifest:
        """Store an object as it will be; a version is given only if that changes anything.

        What is stored is never changed in place, so it may share parts with what was there.
        """
        resource, before = place[0], self.objects.get(place)
        if before == found:
            return found
        metadata = dict(found["metadata"])
        found = {**found, "metadata": metadata}
        if before is None:
            number = next(self.versions)
            metadata |= {"uid": f"uid-{number}", "creationTimestamp": _stamp(self.now())}
            metadata |= {"generation": 1} if resource in COUNTED else {}
        elif resource in COUNTED and _counted(before) != _counted(found):
            metadata["generation"] = before["metadata"]["generation"] + 1
        metadata["resourceVersion"] = str(next(self.versions))
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            self.remove(place)
        else:
            self.objects[place] = found
        return found

    def remove(self, place: Place) -> None:
        self.objects.pop(place, None)
        self.owners.pop(place, None)


class FakeKubernetes(KubernetesClient):
    """A client of a `Cluster`. `fenced` makes another one of the same cluster."""

    def __init__(
        self, cluster: Cluster | None = None, fence: Callable[[], None] = lambda: None
    ) -> None:
        self.cluster = cluster or Cluster()
        self._guard = fence
        self.closed = False

    @property
    def writes(self) -> list[Call]:
        """The writes that were tried, whether they succeeded or not."""
        return [call for call in self.cluster.calls if call.verb in WRITES]

    def fail(self, error: Exception, **how: Any) -> Failure:
        """Have the next call of this sort fail; see `Failure`."""
        failure = Failure(error, **how)
        self.cluster.failures.append(failure)
        return failure

    def add(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Put an object there, as somebody else does."""
        metadata = manifest["metadata"]
        place = (resource, metadata.get("namespace", ""), metadata["name"])
        return self.cluster.put(place, clone(manifest))

    def edit(self, resource: Resource, namespace: str, name: str, patch: Manifest) -> Manifest:
        """Merge into an object, status and all, as somebody else does."""
        place = (resource, namespace, name)
        return self.cluster.put(place, merge(self.cluster.objects[place], patch))

    def see(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """An object as it is, without a call."""
        found: Manifest | None = clone(self.cluster.objects.get((resource, namespace, name)))
        return found

    # What `KubernetesClient` promises.

    def fenced(self, fence: Callable[[], None]) -> "FakeKubernetes":
        return FakeKubernetes(self.cluster, fence)

    async def close(self) -> None:
        self.closed = True

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        def work() -> Manifest | None:
            return self.cluster.objects.get((resource, namespace, name))

        return self._do(Call("get", resource, namespace, name), work)

    async def list(
        self, resource: Resource, namespace: str = "", label_selector: str = ""
    ) -> list[Manifest]:
        def work() -> list[Manifest]:
            return [
                found
                for (kind, place, _), found in sorted(
                    self.cluster.objects.items(), key=lambda item: item[0][1:]
                )
                if kind == resource
                and namespace in ("", place)
                and selected(labels_of(found), label_selector)
            ]

        return self._do(Call("list", resource, namespace, ""), work)

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        found = clone(manifest)
        metadata = found["metadata"]
        if prefix := metadata.get("generateName"):
            metadata.setdefault("name", f"{prefix}{next(self.cluster.versions):05}")
        place = (resource, metadata.get("namespace", ""), metadata["name"])

        def work() -> Manifest:
            if place in self.cluster.objects:
                raise Conflict(f"{resource.kind} {metadata['name']} already exists")
            return self.cluster.put(place, _without_status(resource, found))

        return self._do(Call("create", *place, body=manifest), work)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Patch,
        subresource: str = "",
    ) -> Manifest:
        place = (resource, namespace, name)

        def work() -> Manifest:
            before = self._present(place)
            after = merge(before, patch) if isinstance(patch, dict) else operate(before, patch)
            return self._update(place, before, after, subresource)

        return self._do(Call("patch", *place, subresource, patch), work)

    async def apply(
        self,
        resource: Resource,
        manifest: Manifest,
        field_manager: str,
        force: bool = True,
        subresource: str = "",
    ) -> Manifest:
        metadata = manifest["metadata"]
        place = (resource, metadata.get("namespace", ""), metadata["name"])

        def work() -> Manifest:
            cluster = self.cluster
            before = cluster.objects.get(place)
            owners = cluster.owners.setdefault(place, {})
            said = set(leaves(manifest))
            others = set().union(*(own for who, own in owners.items() if who != field_manager))
            _require_no_conflict(before, manifest, others & said, force=force)
            after = clone(before or {})
            for leaf in owners.get(field_manager, set()) - said - others:
                drop(after, leaf)
            after = merge(after, manifest)
            for who in owners:
                owners[who] -= said
            owners[field_manager] = said
            if before is None:
                return cluster.put(place, _without_status(resource, after))
            return self._update(place, before, after, subresource)

        return self._do(Call("apply", *place, subresource, manifest), work)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        uid: str = "",
        resource_version: str = "",
    ) -> bool:
        place = (resource, namespace, name)

        def work() -> bool:
            found = self.see(*place)
            if found is None:
                return False
            metadata = found["metadata"]
            if uid not in ("", metadata["uid"]):
                raise Conflict(f"the UID is {metadata['uid']}, not {uid}")
            if resource_version not in ("", metadata["resourceVersion"]):
                raise Conflict(f"the version is {metadata['resourceVersion']}")
            if metadata.get("finalizers"):
                metadata.setdefault("deletionTimestamp", _stamp(self.cluster.now()))
                self.cluster.put(place, found)
            else:
                self.cluster.remove(place)
            return True

        return self._do(Call("delete", *place), work)

    async def disown(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        field_manager: str,
        found: Manifest | None = None,
    ) -> None:
        place = (resource, namespace, name)
        if field_manager not in self.cluster.owners.get(place, {}):
            return

        def work() -> None:
            self.cluster.owners[place].pop(field_manager)
            found = self._present(place)
            found["metadata"]["resourceVersion"] = str(next(self.cluster.versions))
            self.cluster.objects[place] = found

        self._do(Call("disown", *place), work)

    # How it is done.

    def _do(self, call: Call, work: Callable[[], Answer]) -> Answer:
        writes = call.verb in WRITES
        if writes:
            self._guard()
        self.cluster.calls.append(call)
        failure = next((each for each in self.cluster.failures if each.strikes(call)), None)
        if failure and not failure.done:
            raise failure.error
        if call.resource in self.cluster.unknown:
            raise NotFound(f"the API server doesn't know {call.resource.plural}")
        answer: Answer = clone(work())
        if writes:
            self.cluster.after_write()
        if failure:
            raise failure.error
        return answer

    def _present(self, place: Place) -> Manifest:
        found = self.see(*place)
        if found is None:
            raise ObjectMissing(f"{place[0].plural} {place[2]} not found")
        return found

    def _update(
        self, place: Place, before: Manifest, after: Manifest, subresource: str
    ) -> Manifest:
        """Store what a client may change: the status alone, or all but the status."""
        old, new = before["metadata"], after["metadata"]
        if new.get("resourceVersion") != old["resourceVersion"]:
            raise Conflict(f"the version is {old['resourceVersion']}, not another one")
        if set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()) and old.get(
            "deletionTimestamp"
        ):
            raise ApiError(422, "Invalid", "no finalizers can be added while it is being deleted")
        kept = clone(before)
        if subresource == "status":
            kept.pop("status", None)
            kept |= {"status": after["status"]} if "status" in after else {}
            return self.cluster.put(place, kept)
        if place[0] in COUNTED:
            after.pop("status", None)
            after |= {"status": kept["status"]} if "status" in kept else {}
        new |= {key: old[key] for key in SERVERS_OWN if key in old}
        return self.cluster.put(place, after)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_status(resource: Resource, manifest: Manifest) -> Manifest:
    return {k: v for k, v in manifest.items() if k != "status" or resource not in COUNTED}


def _counted(manifest: Manifest) -> list[Any]:
    """What a change of raises the generation."""
    body = {k: v for k, v in manifest.items() if k not in ("metadata", "status")}
    return [body, manifest["metadata"].get("deletionTimestamp")]


def _require_no_conflict(
    before: Manifest | None, manifest: Manifest, contested: set[Leaf], *, force: bool
) -> None:
    taken = [leaf for leaf in contested if at(before, leaf) != at(manifest, leaf)]
    if taken and not force:
        raise Conflict(f"another manager owns {'.'.join(min(taken))}")
