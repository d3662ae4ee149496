"""Why a canary's pods can't come up, in one sentence; decided at once, without waiting."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

FATAL_WAITS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
RESTART_LIMIT = 3
"""A container that restarted this often is crashing, whatever it does at the moment."""


def canary_failure(pods: Sequence[Object]) -> str:
    """Say why the canary's pods can't come up, or '' if nothing speaks against it.

    Pods that are being deleted don't count: how they end says nothing about the version.
    """
    return next(_failures(pods), "")


def _failures(pods: Iterable[Object]) -> Iterator[str]:
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        status = pod.get("status") or {}
        for kind, key in (
            ("init container", "initContainerStatuses"),
            ("container", "containerStatuses"),
        ):
            for container in status.get(key) or ():
                reason, detail = _container_failure(container)
                if reason:
                    place = f"{kind} {container['name']} of pod {pod['metadata']['name']}"
                    yield f"{reason}: {place} {detail}"


def _container_failure(container: Object) -> tuple[str, str]:
    """(reason, what happened) of one container status; the reason is '' if it is well."""
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    now_ended = state.get("terminated")
    ended = (container.get("lastState") or {}).get("terminated") or now_ended
    if now_ended and now_ended.get("exitCode") == 0:
        return "", ""  # an init container that got there in the end
    restarts = container.get("restartCount") or 0
    count = f"({restarts} restart{'' if restarts == 1 else 's'})"
    how = f"exited with code {ended['exitCode']}" if ended else "keeps exiting"
    if ended and ended.get("reason") == "StartError":
        how = f"can't start: {ended.get('message')}"
    reason = waiting.get("reason") or ""
    if ended and ended.get("reason") == "OOMKilled" and restarts:
        return "OOMKilled", f"ran out of memory {count}"
    if reason == "CrashLoopBackOff":
        return reason, f"{how} {count}"
    if reason in FATAL_WAITS:
        return reason, f"can't start: {waiting.get('message') or 'no reason given'}"
    if restarts >= RESTART_LIMIT:
        return "Restarting", f"{how} {count}"
    return "", ""
