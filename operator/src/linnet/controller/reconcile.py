"""One look at one release: observe, decide, act, write the status, tell."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from linnet.api.status import CanaryReleaseStatus
from linnet.controller import telemetry
from linnet.controller.apply import Actor
from linnet.controller.asked import Asked
from linnet.controller.inbox import Inbox
from linnet.controller.notify import Notifier
from linnet.controller.observe import Providers, observe
from linnet.controller.record import new_entries, record, record_alerts
from linnet.controller.release import Key, Release, request_in, write_status
from linnet.core.actions import Action, KeepExperiment, LetGo
from linnet.core.conditions import only_words_differ
from linnet.core.decide import decide
from linnet.core.recording import unkept
from linnet.providers.attempts import CONFLICT_ATTEMPTS
from linnet.providers.errors import ApiError, Conflict, Unusable
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient, Manifest

log = logging.getLogger(__name__)

AFTER_ACTION_SECONDS = 1.0
"""Look again this soon after an action, should no watch tell of its effect."""
RECORD_AGAIN_SECONDS = 30.0
"""When a record of an experiment that could not be kept is tried again."""
TELL_SECONDS = 1.0
"""Another message alone is written when it has lasted this long: most are gone in a moment."""


class Reconciler:
    """Brings one release after the other where its spec wants it."""

    def __init__(
        self,
        client: KubernetesClient,
        providers: Providers,
        *,
        identity: str,
        now: Callable[[], datetime],
        inbox: Inbox,
        notifier: Notifier | None = None,
        asked: Asked | None = None,
    ) -> None:
        self._notifier = notifier
        self._inbox = inbox
        self._asked = asked or Asked()
        self._client = client
        self._providers = providers
        self._actor = Actor(client, providers)
        self._identity = identity
        self._now = now
        self._untold: dict[Key, datetime] = {}

    async def reconcile(self, key: Key) -> float | None:
        """Take one look; return seconds until the next, None if only a change brings one.

        Raises:
            InvalidSpec: the spec can't be read.
            ApiError, Unusable: something failed; the caller tries again soon.
            LeaseLost: this replica may not write.
        """
        manifest = await self._client.get(CANARYRELEASES, key.namespace, key.name)
        if manifest is None:
            telemetry.RELEASES.forget(key)
            self._inbox.gone(key)
            if self._notifier is not None:
                self._notifier.gone(key)
            self._untold.pop(key, None)
            return None
        release = Release.read(key, manifest)
        if not release.guarded:
            if release.deleting_since is not None:
                return None  # the watch tells of its end
            await self._actor.guard(release)
            return 0.0
        alerts = self._inbox.alerts(key)
        reviewed = self._asked.reviewed(key, release.request)
        observed = await observe(release, self._providers, self._now(), alerts, reviewed=reviewed)
        decision = decide(release.spec, release.status, observed, self._now())
        # The actions belong to the status that was decided: by it another version may be stable.
        decided = replace(release, status=decision.status)
        failure = await self._act(decided, decision.actions)
        kept = await self._keep(decided, decision.actions)
        status = decision.status if kept else unkept(decision.status)
        soon = None if kept else RECORD_AGAIN_SECONDS
        if not any(isinstance(action, LetGo) for action in decision.actions):
            again = await self._store(release, status)
            soon = soon if again is None else again
        self._inbox.decided(key, alerts)
        self._asked.decided(key, status)
        record_alerts(release, status)
        await self._tell(release, status)
        telemetry.RELEASES.show(key, release.spec, status)
        if failure is not None:
            raise failure
        wake = decision.wake_after
        times = [soon, None if wake is None else wake.total_seconds()]
        if any(not isinstance(action, KeepExperiment) for action in decision.actions):
            times.append(AFTER_ACTION_SECONDS)
        return min((time for time in times if time is not None), default=None)

    async def _tell(self, release: Release, status: CanaryReleaseStatus) -> None:
        entries = new_entries(release.status, status)
        if self._notifier is not None:
            self._notifier.tell(replace(release, status=status), entries)
        for entry in entries:
            await record(self._client, release, entry, self._identity)

    async def _act(
        self, release: Release, actions: tuple[Action, ...]
    ) -> ApiError | Unusable | None:
        """Carry out the actions up to the first that fails; what is left comes next time."""
        for action in actions:
            if isinstance(action, KeepExperiment):
                continue
            try:
                await self._actor.apply(release, action)
            except (ApiError, Unusable) as error:
                return error
        return None

    async def _keep(self, release: Release, actions: tuple[Action, ...]) -> bool:
        """Keep the record of an experiment, if it is due; say whether none is left to be kept.

        Nothing is decided by it, so nothing waits for it.
        """
        for action in actions:
            if isinstance(action, KeepExperiment):
                try:
                    await self._actor.apply(release, action)
                except (ApiError, Unusable) as error:
                    where = {"namespace": release.key.namespace, "release": release.key.name}
                    log.warning("The experiment's record was not kept: %s", error, extra=where)
                    return False
        return True

    async def _store(self, release: Release, status: CanaryReleaseStatus) -> float | None:
        """Write the status if it says something new; return when to look again because of it.

        Where the answer shows that something else is asked for by now, that is at once: the watch's
        event will be no news.
        """
        key = release.key
        if status == release.status and release.manifest.get("status"):
            self._untold.pop(key, None)
            return None
        if only_words_differ(release.status, status):
            waited = self._now() - self._untold.setdefault(key, self._now())
            if (left := TELL_SECONDS - waited.total_seconds()) > 0:
                return left
        self._untold.pop(key, None)
        answer = await self._put_status(release, status)
        return 0.0 if _asked_of(answer) != _asked_of(release.manifest) else None

    async def _put_status(self, release: Release, status: CanaryReleaseStatus) -> Manifest:
        """Write the status over the one that was decided from, whatever else was edited.

        An older look must not undo a decision: of a process that stood still behind its fence
        while another one led, or after a write whose answer was lost.

        Raises:
            Conflict: the status is another one by now.
        """
        place = (CANARYRELEASES, release.key.namespace, release.key.name)
        latest = release.manifest

        async def once() -> Manifest:
            patch = [
                {"op": "add", "path": "/status", "value": write_status(status)},
                {
                    "op": "replace",
                    "path": "/metadata/resourceVersion",
                    "value": latest["metadata"]["resourceVersion"],
                },
            ]
            return await self._client.patch(*place, patch, "status")

        for _ in range(CONFLICT_ATTEMPTS - 1):
            try:
                return await once()
            except Conflict:
                found = await self._client.get(*place)
                if found is None or found.get("status") != release.manifest.get("status"):
                    raise
                latest = found
        return await once()


def _asked_of(manifest: Manifest) -> tuple[Any, ...]:
    """What a user changes about a release: its spec, what is asked for, whether it is to go."""
    metadata = manifest["metadata"]
    return metadata.get("generation"), request_in(manifest), metadata.get("deletionTimestamp")
