"""From the watches' events to the mirror, and to the keys of the releases that they concern."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from linnet.api.status import Phase
from linnet.controller.alerts import Targets
from linnet.controller.release import Key
from linnet.controller.workqueue import WorkQueue
from linnet.core.labels import RELEASE, SPLIT, labels_of
from linnet.core.transitions import RESTING
from linnet.providers.mirror import Mirror
from linnet.providers.resources import CANARYRELEASES, CONFIG_KINDS, HTTPROUTES, SERVICES, Resource

Body = Mapping[str, Any]
Place = tuple[Resource, str, str]

START_SPACING_SECONDS = 0.01
"""At the start, releases at rest are looked at this far apart: those under way come first."""


class Keys:
    """Which releases an object concerns: by its label, or because a release names it."""

    def __init__(self) -> None:
        self._named_by: dict[Place, set[Key]] = defaultdict(set)
        self._names: dict[Key, set[Place]] = {}

    def remember(self, release: Body, *, deleted: bool = False) -> Key:
        """Note which objects a release names, and return its key."""
        key = _key(release)
        for place in self._names.pop(key, ()):
            self._named_by[place].discard(key)
            if not self._named_by[place]:
                del self._named_by[place]
        if not deleted:
            self._names[key] = set(_named(key.namespace, release.get("spec") or {}))
            for place in self._names[key]:
                self._named_by[place].add(key)
        return key

    def concerned(self, resource: Resource, body: Body) -> set[Key]:
        """The releases that an object concerns."""
        metadata = body["metadata"]
        namespace = metadata["namespace"]
        keys = set(self._named_by.get((resource, namespace, metadata["name"]), ()))
        labels = labels_of(body)
        if release := labels.get(RELEASE) or labels.get(SPLIT):
            keys.add(Key(namespace, release))
        return keys


class Feed:
    """Keeps the mirror up to date, the alerts' targets too, and the queue filled."""

    def __init__(self, mirror: Mirror, queue: WorkQueue[Key], targets: Targets) -> None:
        self._mirror = mirror
        self._queue = queue
        self._targets = targets
        self._keys = Keys()

    def begin(self, releases: Iterable[Body]) -> None:
        """Queue the releases that there are: at once what is under way, the rest by and by."""
        keys = {self._remember(release): release for release in releases}
        spread = START_SPACING_SECONDS * len(keys)
        for key, release in keys.items():
            if _under_way(release):
                self._queue.add(key)
            else:
                # The same for each start, and other than the neighbours'.
                share = zlib.crc32(f"{key.namespace}/{key.name}".encode()) / 2**32
                self._queue.add_after(key, spread * share)

    def told(self, resource: Resource, event: str | None, body: dict[str, Any]) -> None:
        """Take in a watch's event; what is no news, e.g. our own write, brings no look."""
        deleted = event == "DELETED"
        if deleted:
            self._mirror.gone(resource, body)
            news = True
        elif event is None:
            news = self._mirror.named(resource, body)
        else:
            news = self._mirror.told(resource, body)
        if resource == CANARYRELEASES:
            keys = {self._remember(body, deleted=deleted)}
        else:
            keys = self._keys.concerned(resource, body)
        if news:
            for key in keys:
                self._queue.add(key)

    def _remember(self, release: Body, *, deleted: bool = False) -> Key:
        key = self._keys.remember(release, deleted=deleted)
        self._targets.remember(key, release, deleted=deleted)
        return key


def _key(body: Body) -> Key:
    return Key(body["metadata"]["namespace"], body["metadata"]["name"])


def _named(namespace: str, spec: Body) -> Iterator[Place]:
    """The objects that a release names. The spec may be any that the API server let pass once."""
    traffic, target = spec.get("traffic") or {}, spec.get("targetRef") or {}
    if route := traffic.get("httpRoute"):
        yield HTTPROUTES, namespace, route
    if service := traffic.get("service") or target.get("name"):
        yield SERVICES, namespace, service
    for each in spec.get("trackedConfig") or ():
        for name in (each["name"], each["mountedAs"]):
            yield CONFIG_KINDS[each["kind"]], namespace, name


def _under_way(release: Body) -> bool:
    phase = (release.get("status") or {}).get("phase", Phase.PENDING)
    return phase not in RESTING or bool(release["metadata"].get("deletionTimestamp"))
