"""One look at one release: observe, decide, act, write the status, tell."""

import logging
from collections.abc import Callable
from datetime import datetime

from linnet.api.status import CanaryReleaseStatus
from linnet.controller import telemetry
from linnet.controller.apply import Actor
from linnet.controller.observe import Providers, observe
from linnet.controller.record import new_entries, record
from linnet.controller.release import Key, Release, write_status
from linnet.core.actions import Action, LetGo
from linnet.core.decide import decide
from linnet.providers.errors import ApiError, Unusable
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient

log = logging.getLogger(__name__)

AFTER_ACTION_SECONDS = 1.0
"""Look again this soon after an action, should no watch tell of its effect."""


class Reconciler:
    """Brings one release after the other where its spec wants it."""

    def __init__(
        self,
        client: KubernetesClient,
        providers: Providers,
        *,
        identity: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._providers = providers
        self._actor = Actor(client, providers)
        self._identity = identity
        self._now = now

    async def reconcile(self, key: Key) -> float | None:
        """Take one look; return seconds until the next, None if only a change brings one.

        Raises:
            InvalidSpec: the spec can't be read.
            ApiError, Unusable: something failed; the caller tries again soon.
            LeaseLost: this replica may not write.
        """
        manifest = await self._client.get(CANARYRELEASES, key.namespace, key.name)
        if manifest is None:
            telemetry.forget(key)
            return None
        release = Release.read(key, manifest)
        if not release.guarded:
            if release.deleting_since is None:
                await self._actor.guard(release)
            return None  # the watch brings the guarded resource, or its end
        observed = await observe(release, self._providers, self._now())
        decision = decide(release.spec, release.status, observed, self._now())
        failure = await self._act(release, decision.actions)
        if not any(isinstance(action, LetGo) for action in decision.actions):
            await self._store(release, decision.status)
        for entry in new_entries(release.status, decision.status):
            await record(self._client, release, entry, self._identity)
        telemetry.show(key, decision.status)
        if failure is not None:
            raise failure
        wake = decision.wake_after
        seconds = None if wake is None else wake.total_seconds()
        if decision.actions:
            return min(AFTER_ACTION_SECONDS, seconds if seconds is not None else float("inf"))
        return seconds

    async def _act(
        self, release: Release, actions: tuple[Action, ...]
    ) -> ApiError | Unusable | None:
        """Carry out the actions up to the first that fails; what is left comes next time."""
        for action in actions:
            try:
                await self._actor.apply(release, action)
            except (ApiError, Unusable) as error:
                return error
        return None

    async def _store(self, release: Release, status: CanaryReleaseStatus) -> None:
        """Write the status if it says something new."""
        if status == release.status and release.manifest.get("status"):
            return
        key = release.key
        patch = [{"op": "add", "path": "/status", "value": write_status(status)}]
        await self._client.patch(CANARYRELEASES, key.namespace, key.name, patch, "status")
