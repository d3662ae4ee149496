"""kopf watches; every event becomes a key. Nothing else of kopf is used.

kopf ends all tasks of its event loop when it stops, so it gets a loop and a thread of its own.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import kopf

from linnet.controller.release import Key

RELEASE_LABEL = "linnet.dev/release"


class Watches:
    """Turns events on releases, guarded Deployments, canary pods and routes into keys.

    added: called in kopf's thread with each key that may have something to do.
    ended: called in kopf's thread when it has stopped, for whatever reason.
    """

    def __init__(
        self, namespace: str, added: Callable[[Key], None], ended: Callable[[], object]
    ) -> None:
        self._namespace = namespace
        self._added = added
        self._ended = ended
        self._stop = threading.Event()
        self._routes: dict[Key, set[Key]] = defaultdict(set)
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
            asyncio.run(self._operator())
        finally:
            self._ended()

    async def _operator(self) -> None:
        everywhere = not self._namespace
        await kopf.operator(
            registry=self._registry(),
            settings=self._settings(),
            standalone=True,
            clusterwide=everywhere,
            namespaces=() if everywhere else (self._namespace,),
            stop_flag=self._stop,
        )

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = bool(self._namespace)
        settings.watching.server_timeout = 600
        settings.watching.connect_timeout = 10
        settings.watching.chunk_size = 500
        settings.networking.request_timeout = 30
        settings.watching.label_selectors["apps", "deployments"] = RELEASE_LABEL
        settings.watching.label_selectors["", "pods"] = f"{RELEASE_LABEL},linnet.dev/track=canary"
        return settings

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.get_default_registry()
        kopf.on.event("linnet.dev", "v1alpha1", "canaryreleases", registry=registry)(
            self._release_event
        )
        kopf.on.event("apps", "v1", "deployments", registry=registry)(self._labelled_event)
        kopf.on.event("", "v1", "pods", registry=registry)(self._labelled_event)
        kopf.on.event("gateway.networking.k8s.io", "v1", "httproutes", registry=registry)(
            self._route_event
        )
        return registry

    async def _release_event(self, body: kopf.Body, **_: Any) -> None:
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        route = body.get("spec", {}).get("traffic", {}).get("httpRoute", "")
        for keys in self._routes.values():
            keys.discard(key)
        self._routes[Key(key.namespace, route)].add(key)
        self._added(key)

    async def _labelled_event(self, body: kopf.Body, **_: Any) -> None:
        metadata = body["metadata"]
        self._added(Key(metadata["namespace"], metadata["labels"][RELEASE_LABEL]))

    async def _route_event(self, body: kopf.Body, **_: Any) -> None:
        metadata = body["metadata"]
        for key in tuple(self._routes.get(Key(metadata["namespace"], metadata["name"]), ())):
            self._added(key)
