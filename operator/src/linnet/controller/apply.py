"""Carrying out a decision's actions, in their order."""

import logging

from linnet.controller.observe import Providers
from linnet.controller.release import FINALIZER, Release
from linnet.core.actions import (
    Action,
    EnsureCanary,
    HoldStable,
    KeepExperiment,
    LetGo,
    ReleaseStable,
    RemoveCanary,
    RemoveCopies,
    RestoreRoute,
    ResumeStable,
    SettleStable,
    SetWeight,
    WriteConfig,
)
from linnet.core.revision import config_part
from linnet.providers.errors import NotFound
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient
from linnet.providers.records import ConfigMapRecords
from linnet.providers.workloads import Target

log = logging.getLogger(__name__)


class Actor:
    """Turns actions into calls of the providers. Each may be repeated."""

    def __init__(self, client: KubernetesClient, providers: Providers) -> None:
        self._client = client
        self._workloads = providers.workloads
        self._traffic = providers.traffic
        self._config = providers.config
        self._records = ConfigMapRecords(client)

    async def apply(self, release: Release, action: Action) -> None:
        """Carry out one action.

        An object that is gone needs nothing done to it.

        Raises:
            ApiError: the API server refused, or could not be asked.
            Unusable: an object can't be used any more.
            LeaseLost: this replica may not write.
        """
        try:
            await self._apply(release, action)
        except NotFound as error:
            log.info("%s: %s", action, error, extra=_where(release))

    async def _apply(self, release: Release, action: Action) -> None:
        match action:
            case SetWeight(weight, experiment):
                await self._traffic.set_weight(release.split, weight, experiment)
            case RestoreRoute():
                await self._traffic.restore(release.split)
            case WriteConfig(config):
                await self._config.write(release.target, config)
            case RemoveCopies(keep):
                await self._config.remove_copies(release.target, keep)
            case KeepExperiment():
                uid = str(release.manifest["metadata"].get("uid", ""))
                await self._records.keep(action, uid)
            case LetGo():
                await self._set_finalizers(release, keep=False)
            case _:
                await self._apply_to_pods(release.target, action)

    async def _apply_to_pods(self, target: Target, action: Action) -> None:
        workloads = self._workloads
        match action:
            case HoldStable():
                await workloads.hold(target)
            case ResumeStable(revision):
                await workloads.resume(target, revision)
            case SettleStable(version):
                await workloads.settle(target, version)
            case EnsureCanary(revision, replicas):
                if config := config_part(revision):
                    await self._config.keep(target, config)
                await workloads.ensure_canary(target, revision, replicas)
            case RemoveCanary():
                await workloads.remove_canary(target)
            case ReleaseStable(revision):
                await workloads.let_go(target, revision)

    async def guard(self, release: Release) -> None:
        """Put the operator's finalizer on, so that a deletion gives the traffic back first."""
        await self._set_finalizers(release, keep=True)

    async def _set_finalizers(self, release: Release, *, keep: bool) -> None:
        metadata = release.manifest["metadata"]
        others = [name for name in metadata.get("finalizers", []) if name != FINALIZER]
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "finalizers": [*others, FINALIZER] if keep else others,
            }
        }
        key = release.key
        await self._client.patch(CANARYRELEASES, key.namespace, key.name, patch)


def _where(release: Release) -> dict[str, str]:
    return {"namespace": release.key.namespace, "release": release.key.name}
