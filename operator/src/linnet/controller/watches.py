"""kopf watches; every event is passed on. Nothing else of kopf is used.

kopf ends all tasks of its event loop when it stops, so it gets a loop and a thread of its own.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import kopf

from linnet.providers.resources import Resource

log = logging.getLogger(__name__)

Tell = Callable[[Resource, str | None, dict[str, Any]], object]
"""Takes an event: (kind of object, ADDED, MODIFIED, DELETED or None for the first list, object)."""


class Watches:
    """Tells of every change of the watched objects.

    selectors: the kinds to watch, each with its label selector, '' for all objects.
    tell: called in kopf's thread with each event.
    ended: called in kopf's thread when it has stopped, for whatever reason.
    operator: what runs kopf.
    """

    def __init__(
        self,
        namespace: str,
        selectors: Mapping[Resource, str],
        tell: Tell,
        ended: Callable[[], object],
        operator: Callable[..., Awaitable[None]] = kopf.operator,
    ) -> None:
        self._namespace = namespace
        self._selectors = selectors
        self._tell = tell
        self._ended = ended
        self._operator = operator
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watches", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop watching, and wait for that up to `timeout` seconds."""
        self._stop.set()
        if self._thread.is_alive():
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
                settings=watch_settings(self._namespace, self._selectors),
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
        for resource in self._selectors:
            where = (resource.group, resource.version, resource.plural)
            kopf.on.event(*where, registry=registry)(self._teller(resource))
        return registry

    def _teller(self, resource: Resource) -> Callable[..., Awaitable[None]]:
        async def told(event: Mapping[str, Any], **_: Any) -> None:
            self._tell(resource, event["type"], event["object"])

        return told


def watch_settings(namespace: str, selectors: Mapping[Resource, str]) -> kopf.OperatorSettings:
    """kopf's settings: no writes, and no more events than the releases need."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = bool(namespace)
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    for resource, selector in selectors.items():
        if selector:
            settings.watching.label_selectors[resource.group, resource.plural] = selector
    return settings
