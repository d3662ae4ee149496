"""kopf watches; every event becomes a key. Nothing else of kopf is used.

kopf ends all tasks of its event loop when it stops, so it gets a loop and a thread of its own.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import kopf

from linnet.controller.release import Key
from linnet.core.labels import CANARY, RELEASE, TRACK, labels_of

log = logging.getLogger(__name__)

Body = Mapping[str, Any]


class Keys:
    """Which releases an event may mean something to. Remembers which release uses which route."""

    def __init__(self) -> None:
        self._routes: dict[Key, set[Key]] = defaultdict(set)

    def of_release(self, body: Body, *, deleted: bool = False) -> tuple[Key, ...]:
        """The release itself."""
        key = _key(body)
        for route in [route for route, keys in self._routes.items() if key in keys]:
            self._routes[route].discard(key)
            if not self._routes[route]:
                del self._routes[route]
        name = ((body.get("spec") or {}).get("traffic") or {}).get("httpRoute")
        if name and not deleted:
            self._routes[Key(key.namespace, name)].add(key)
        return (key,)

    def of_labelled(self, body: Body) -> tuple[Key, ...]:
        """The release that a Deployment or a pod carries the label of."""
        release = labels_of(body).get(RELEASE)
        return (Key(body["metadata"]["namespace"], release),) if release else ()

    def of_route(self, body: Body) -> tuple[Key, ...]:
        """The releases that use an HTTPRoute."""
        return tuple(sorted(self._routes.get(_key(body), ()), key=lambda key: key.name))


class Watches:
    """Turns events on releases, guarded Deployments, canary pods and routes into keys.

    added: called in kopf's thread with each key that may have something to do.
    ended: called in kopf's thread when it has stopped, for whatever reason.
    operator: what runs kopf.
    """

    def __init__(
        self,
        namespace: str,
        added: Callable[[Key], None],
        ended: Callable[[], object],
        operator: Callable[..., Awaitable[None]] = kopf.operator,
    ) -> None:
        self._namespace = namespace
        self._added = added
        self._ended = ended
        self._operator = operator
        self._keys = Keys()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watches", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop watching, and wait for that up to `timeout` seconds."""
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception:
            # The thread's boundary: whatever ended the watches is logged, and ends the process.
            log.exception("The watches have failed")
        finally:
            self._ended()

    async def _watch(self) -> None:
        everywhere = not self._namespace
        try:
            await self._operator(
                registry=self._registry(),
                settings=watch_settings(self._namespace),
                standalone=True,
                # Otherwise kopf makes one from the user's name, which a container may not have.
                identity="linnet",
                clusterwide=everywhere,
                namespaces=() if everywhere else (self._namespace,),
                stop_flag=self._stop,
            )
        finally:
            # kopf waits for the flag in a thread, and the loop's end waits for that thread.
            self._stop.set()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.get_default_registry()  # it knows how to log in to the API server
        kopf.on.event("linnet.dev", "v1alpha1", "canaryreleases", registry=registry)(self._release)
        kopf.on.event("apps", "v1", "deployments", registry=registry)(self._labelled)
        kopf.on.event("", "v1", "pods", registry=registry)(self._labelled)
        kopf.on.event("gateway.networking.k8s.io", "v1", "httproutes", registry=registry)(
            self._route
        )
        return registry

    async def _release(self, body: Body, type: str | None, **_: Any) -> None:  # noqa: A002
        self._add(self._keys.of_release(body, deleted=type == "DELETED"))

    async def _labelled(self, body: Body, **_: Any) -> None:
        self._add(self._keys.of_labelled(body))

    async def _route(self, body: Body, **_: Any) -> None:
        self._add(self._keys.of_route(body))

    def _add(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._added(key)


def watch_settings(namespace: str) -> kopf.OperatorSettings:
    """kopf's settings: no writes, and no more events than the releases need."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = bool(namespace)
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.watching.label_selectors["apps", "deployments"] = RELEASE
    settings.watching.label_selectors["", "pods"] = f"{RELEASE},{TRACK}={CANARY}"
    return settings


def _key(body: Body) -> Key:
    return Key(body["metadata"]["namespace"], body["metadata"]["name"])
