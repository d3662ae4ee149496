"""Watches the CanaryRelease and its canary's pods, each in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

from hack.demo.releases import NAME, NAMESPACE
from hack.load import now

Seen = Callable[[dict[str, Any], float], None]
_SPAN_S = 60
_PAUSE_S = 0.5


class Watcher:
    """Calls back with each state of the CanaryRelease, and of the canary's pods, and the time.

    The threads are daemons: they end with the process, or soon after `stop`.
    """

    def __init__(self, kubeconfig: str, on_release: Seen, on_pod: Seen) -> None:
        self._kubeconfig = kubeconfig
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._releases, args=(on_release,), daemon=True),
            threading.Thread(target=self._pods, args=(on_pod,), daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Call back no more."""
        self._stopped.set()

    def _releases(self, seen: Seen) -> None:
        api = client.CustomObjectsApi(self._client())
        words = ("linnet.dev", "v1alpha1", NAMESPACE, "canaryreleases")
        selector = {"field_selector": f"metadata.name={NAME}"}
        self._follow(api.list_namespaced_custom_object, words, selector, seen)

    def _pods(self, seen: Seen) -> None:
        api = client.CoreV1Api(self._client())
        selector = {"label_selector": "linnet.dev/track=canary"}
        self._follow(api.list_namespaced_pod, (NAMESPACE,), selector, seen)

    def _client(self) -> Any:
        return config.new_client_from_config(self._kubeconfig)  # type: ignore[no-untyped-call]

    def _follow(
        self, ask: Callable[..., Any], words: tuple[str, ...], selector: dict[str, str], seen: Seen
    ) -> None:
        times = {"timeout_seconds": _SPAN_S, "_request_timeout": _SPAN_S + 5}
        while not self._stopped.is_set():
            watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]
            try:
                for event in watcher.stream(ask, *words, **times, **selector):
                    if self._stopped.is_set():
                        return
                    if event["type"] != "DELETED":
                        seen(event["raw_object"], now())
            except (client.ApiException, HTTPError, OSError):
                self._stopped.wait(_PAUSE_S)
