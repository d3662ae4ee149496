"""What the watches told, kept so that a look at a release asks the API server for nothing.

An object is known by its latest version, whichever came first: the watch's event, or the answer
to a write of our own. What is known may be late, as the answer to any read may be; so a write that
depends on what was read names its version, and a refused write has the object read again.

A watch that starts over tells what there is, and not what went in between. So whatever it doesn't
name again is read before it is believed, and so is what nobody has spoken of for long.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from linnet.core.labels import (
    CANARY,
    GROUP,
    RELEASE,
    SPLIT,
    TRACK,
    TRACKED,
    Labels,
    labels_of,
    matches,
)
from linnet.providers.kubernetes import Manifest
from linnet.providers.resources import (
    CANARYRELEASES,
    CONFIG_KINDS,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    HTTPROUTES,
    PODS,
    SERVICES,
    Resource,
)

WATCHED: Mapping[Resource, Labels] = {
    CANARYRELEASES: {},
    HTTPROUTES: {},
    SERVICES: {},
    DEPLOYMENTS: {RELEASE: ""},
    PODS: {TRACK: CANARY},
    ENDPOINTSLICES: {SPLIT: ""},
    **{resource: {TRACKED: ""} for resource in CONFIG_KINDS.values()},
}
"""The kinds that are watched, each with the labels that an object must have; '' is any value."""

BELIEVED_SECONDS = 600.0
"""What was last told or read longer ago than this is read again."""
ABSENCE_SECONDS = 5.0
"""The same for an absence of which no watch would tell the end."""
NEVER = float("-inf")
RELIST_SECONDS = 30.0
"""Objects that a watch names at its start closer together than this belong to one list."""


SHARD = f"{GROUP}/shard"
"""The label by which CanaryReleases are shared out between operators."""


def watch_selectors(shard: str = "", tracked: Iterable[str] = ()) -> dict[Resource, str]:
    """Each watched kind with its label selector, '' for all objects.

    shard: the label's value that a CanaryRelease must have; '' for those without the label.
    tracked: the kinds of tracked config that may be read.
    """
    unread = {resource for kind, resource in CONFIG_KINDS.items() if kind not in tracked}
    selectors = {
        resource: ",".join(f"{key}={value}" if value else key for key, value in wanted.items())
        for resource, wanted in WATCHED.items()
        if resource not in unread
    }
    return selectors | {CANARYRELEASES: f"{SHARD}={shard}" if shard else f"!{SHARD}"}


@dataclass(slots=True)
class _Known:
    """One object. text: JSON, which takes a fifth of the memory; None: the object isn't there;
    empty where it isn't covered.

    covered: a watch tells of the next change. at: when it was last told or read.
    """

    version: int
    uid: str
    text: str | None
    labels: Labels
    covered: bool
    at: float


@dataclass(slots=True)
class _Kind:
    """What is known of one kind, by namespace and name.

    complete: all that the watch covers is known. named_at: when the watch last named an object at
    its start. doubted_before: what was last told before that may be gone.
    """

    objects: dict[str, dict[str, _Known]] = field(default_factory=lambda: defaultdict(dict))
    complete: bool = False
    named_at: float = NEVER
    doubted_before: float = NEVER


class Mirror:
    """The latest version of each object that a watch covers, and of others for a moment.

    clock: seconds that only grow. Used in one thread.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kinds = {resource: _Kind() for resource in WATCHED}

    def fill(self, resource: Resource, found: Iterable[Manifest]) -> None:
        """Take in a list of all that the kind's watch covers, read before the watch starts."""
        self._kinds[resource].complete = True
        for manifest in found:
            self.told(resource, manifest)

    def told(self, resource: Resource, manifest: Manifest) -> bool:
        """Take in an object from a watch, a read or a write; say whether that was news."""
        metadata = manifest["metadata"]
        objects = self._kinds[resource].objects[metadata.get("namespace", "")]
        known, version = objects.get(metadata["name"]), int(metadata["resourceVersion"])
        if known is not None and known.text is None and known.uid == metadata["uid"]:
            return False  # late word of an object that we deleted
        if known is not None and version <= known.version:
            if version == known.version:
                known.at = self._clock()
            return False
        kept = {key: value for key, value in metadata.items() if key != "managedFields"}
        labels = labels_of(manifest)
        covered = _has(labels, WATCHED[resource])
        objects[metadata["name"]] = _Known(
            version,
            metadata["uid"],
            # What no watch covers isn't believed, and may be large, as records are.
            json.dumps({**manifest, "metadata": kept}, separators=(",", ":")) if covered else "",
            labels,
            covered,
            self._clock(),
        )
        return True

    def named(self, resource: Resource, manifest: Manifest) -> bool:
        """Take in an object that a watch names at its start; say whether that was news."""
        kind, now = self._kinds[resource], self._clock()
        if now - kind.named_at > RELIST_SECONDS:
            kind.doubted_before = now
        kind.named_at = now
        return self.told(resource, manifest)

    def gone(self, resource: Resource, manifest: Manifest) -> None:
        """Take in a watch's word that an object was deleted, or isn't covered any more."""
        metadata = manifest["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        if WATCHED[resource]:
            self._kinds[resource].objects[namespace].pop(name, None)
        else:
            self.absent(resource, namespace, name, metadata["uid"])

    def absent(self, resource: Resource, namespace: str, name: str, uid: str = "") -> None:
        """Take in that an object isn't there, e.g. because the one of this uid was deleted."""
        self._put_absent(resource, namespace, name, uid, self._clock())

    def doubt(self, resource: Resource, namespace: str, name: str) -> None:
        """Have an object read again, e.g. after a refused write."""
        known = self._kinds[resource].objects[namespace].get(name)
        if known is not None:
            known.at = NEVER
        else:
            self._put_absent(resource, namespace, name, "", NEVER)

    def find(self, resource: Resource, namespace: str, name: str) -> tuple[bool, Manifest | None]:
        """Whether it is known how the object stands, and the object, None if it isn't there."""
        kind = self._kinds[resource]
        known = kind.objects[namespace].get(name)
        if known is None:
            # Where the watch covers all objects, what it hasn't told of isn't there.
            return kind.complete and not WATCHED[resource], None
        if not self._believed(kind, known):
            return False, None
        return True, None if known.text is None else json.loads(known.text)

    def select(
        self, resource: Resource, namespace: str, labels: Labels
    ) -> tuple[bool, list[Manifest]]:
        """Whether all objects of a namespace with these labels are known, and these objects."""
        kind = self._kinds[resource]
        if not kind.complete or not _has(labels, WATCHED[resource]):
            return False, []
        found = self._labelled(kind, namespace, labels).values()
        if not all(self._believed(kind, known) for known in found):
            return False, []
        return True, [json.loads(known.text) for known in found if known.text is not None]

    def everything(self, resource: Resource, namespace: str = "") -> list[Manifest]:
        """All objects as they were last told of, in one namespace or in all; for people to see."""
        objects = self._kinds[resource].objects
        places = [objects.get(namespace, {})] if namespace else list(objects.values())
        return [
            json.loads(known.text) for place in places for known in place.values() if known.text
        ]

    def selected(
        self, resource: Resource, namespace: str, labels: Labels, found: Iterable[Manifest]
    ) -> None:
        """Take in all objects of a namespace with these labels, as they were just read.

        What no watch covers is not kept: nobody would tell of its end.
        """
        if not _has(labels, WATCHED[resource]):
            return
        kind = self._kinds[resource]
        names = set()
        for manifest in found:
            names.add(manifest["metadata"]["name"])
            self.told(resource, manifest)
        for name in self._labelled(kind, namespace, labels).keys() - names:
            del kind.objects[namespace][name]

    def _put_absent(
        self, resource: Resource, namespace: str, name: str, uid: str, at: float
    ) -> None:
        objects = self._kinds[resource].objects[namespace]
        version = objects[name].version if name in objects else 0
        objects[name] = _Known(version, uid, None, {}, not WATCHED[resource], at)

    def _labelled(self, kind: _Kind, namespace: str, labels: Labels) -> dict[str, _Known]:
        return {
            name: known
            for name, known in kind.objects[namespace].items()
            if known.text is not None and matches(labels, known.labels)
        }

    def _believed(self, kind: _Kind, known: _Known) -> bool:
        if known.text is not None and not known.covered:
            return False
        limit = BELIEVED_SECONDS if known.covered else ABSENCE_SECONDS
        return known.at >= kind.doubted_before and self._clock() - known.at < limit


def _has(labels: Labels, wanted: Labels) -> bool:
    return all(key in labels and value in ("", labels[key]) for key, value in wanted.items())
