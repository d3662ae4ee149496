"""The user's Deployment, which stays stable, and the canary beside it.

Of the user's Deployment the operator owns by server-side apply `spec.paused`, the label
`linnet.dev/release` and, where it promotes tracked config, one annotation of the template,
`linnet.dev/config`. It touches nothing else of the template.
"""

import asyncio
from dataclasses import dataclass

from linnet.api.config import TrackedConfig
from linnet.core.canary import canary_manifests
from linnet.core.config import copy_names
from linnet.core.failure import canary_failure
from linnet.core.labels import (
    CONFIG,
    MANAGER,
    RELEASE,
    REVISION,
    canary_name,
    is_own,
    label_value,
    selector_text,
)
from linnet.core.observed import CanaryObserved, StableObserved
from linnet.core.references import renamed
from linnet.core.refusal import refused
from linnet.core.revision import config_annotation, config_part
from linnet.core.stable import stable_observed, version_of
from linnet.providers import checks
from linnet.providers.attempts import again_on_conflict
from linnet.providers.errors import Conflict, NotFound
from linnet.providers.kubernetes import (
    DEPLOYMENTS,
    PODS,
    REPLICASETS,
    SERVICES,
    KubernetesClient,
    Manifest,
)
from linnet.providers.replicasets import ReplicaSets


@dataclass(frozen=True)
class Target:
    """A guarded Deployment: its name, its stable Service and the CanaryRelease that guards it.

    one_service: the canary's pods stand behind the stable Service, and have no other.
    tracked: the config that is part of its version.
    """

    namespace: str
    name: str
    service: str
    release: str
    one_service: bool = False
    tracked: tuple[TrackedConfig, ...] = ()

    @property
    def canary(self) -> str:
        """Name of the canary's Deployment."""
        return canary_name(self.name)

    @property
    def canary_service(self) -> str:
        """Name of the canary's Service."""
        return canary_name(self.service)


class Workloads:
    """Reads and writes stable and canary. Level-triggered: every call may be repeated.

    Every method raises ApiError where the API server refuses or can't be asked.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._replicasets = ReplicaSets(client)

    async def observe_stable(
        self, target: Target, *, promoting: bool = False
    ) -> StableObserved | None:
        """Read the user's Deployment; None if it doesn't exist.

        promoting: tell all versions that have a ReplicaSet, also of those without pods.

        A Deployment scaled to zero is not refused: it is seen with nothing serving.

        Raises:
            Unusable: Deployment or Service can't be used as they are.
        """
        deployment, service = await asyncio.gather(
            self._client.get(DEPLOYMENTS, target.namespace, target.name),
            self._client.get(SERVICES, target.namespace, target.service),
        )
        if deployment is None:
            return None
        self._require_usable(deployment, service, target)
        sets = await self._replicasets.of(deployment, whole=promoting)
        return stable_observed(deployment, sets, tracked=bool(target.tracked))

    async def observe_canary(self, target: Target) -> CanaryObserved | None:
        """Read the canary, as far as it is there; None if nothing of it is.

        Raises:
            Unusable: a Deployment or Service of the canary's name isn't this release's.
        """
        deployment, service = await asyncio.gather(
            self._client.get(DEPLOYMENTS, target.namespace, target.canary),
            self._canary_service(target),
        )
        for found, resource in ((deployment, DEPLOYMENTS), (service, SERVICES)):
            if found is not None:
                checks.require_ours(found, resource, target.release)
        if deployment is None:
            return None if service is None else CanaryObserved(_revision(service), 0, 0)
        pods = await self._client.list(
            PODS, target.namespace, selector_text(deployment["spec"]["selector"])
        )
        failure = canary_failure(pods)
        if service is None and not target.one_service:
            failure = f"ServiceMissing: Service {target.canary_service} was deleted"
        return CanaryObserved(
            revision=_revision(deployment),
            replicas=deployment["spec"]["replicas"],
            ready=(deployment.get("status") or {}).get("readyReplicas") or 0,
            failure=failure,
            refused=refused(deployment),
        )

    async def hold(self, target: Target) -> None:
        """Pause the Deployment's rollout, and label it so that watches can select it.

        Raises:
            NotFound: there is no such Deployment.
            Unusable: another CanaryRelease guards it.
        """
        await again_on_conflict(lambda: self._own(target, paused=True))

    async def resume(self, target: Target, revision: str) -> None:
        """Resume the Deployment's rollout, if its template still is `revision`.

        Where the revision names tracked config, the template is annotated with that, so that its
        pods are new ones even where the config alone is.

        Raises:
            NotFound: there is no such Deployment.
            Unusable: another CanaryRelease guards it.
            Conflict: the template is another one by now.
        """
        config = config_part(revision)
        await again_on_conflict(
            lambda: self._own(target, paused=False, revision=revision, config=config)
        )

    async def settle(self, target: Target, version: str) -> None:
        """Have all pods of the held Deployment run this version, which has a ReplicaSet.

        A paused Deployment's controller starts no pod of its template; of several ReplicaSets it
        keeps the proportions, and gives a single one with pods all that the Deployment is to have.
        So the version's set gets pods, and the others lose theirs. The controller may interfere in
        between: then this has to be done again.

        Raises:
            NotFound: there is no such Deployment.
            Unusable: another CanaryRelease guards it.
            Conflict: it isn't paused by now, or has no ReplicaSet of that version.
        """
        deployment = await self._client.get(DEPLOYMENTS, target.namespace, target.name)
        if deployment is None:
            raise _absent(target)
        checks.require_guarded(deployment, target.release)
        sets = await self._replicasets.read(deployment)
        tracked = bool(target.tracked)
        fitting = [s for s in sets if version_of(s["spec"]["template"], tracked=tracked) == version]
        if not fitting or not deployment["spec"].get("paused"):
            raise Conflict(f"Deployment {target.name} isn't held with a ReplicaSet of {version}")
        kept = max(fitting, key=lambda found: int(found["spec"].get("replicas", 1)))
        await self._scale(kept, deployment["spec"].get("replicas", 1))
        for found in sets:
            if found is not kept:
                await self._scale(found, 0)

    async def _scale(self, replicaset: Manifest, replicas: int) -> None:
        if replicaset["spec"].get("replicas", 1) == replicas:
            return
        place = (replicaset["metadata"]["namespace"], replicaset["metadata"]["name"])
        await self._client.patch(REPLICASETS, *place, {"spec": {"replicas": replicas}}, "scale")

    async def let_go(self, target: Target, resume: str = "") -> None:
        """Give the Deployment back: resumed if `resume` is its revision, else as it stands.

        Label and ownership go. A pause stays where `resume` is empty, then owned by nobody: the
        deletion rolls out nothing unverified, and `kubectl rollout resume` works. A Deployment
        that is gone, or guarded by another CanaryRelease, is left as it is.

        Raises:
            Conflict: `resume` is another revision than the template's, by now.
        """
        found = await self._client.get(DEPLOYMENTS, target.namespace, target.name)
        if found is None or not checks.guards(found, target.release):
            return
        paused = False if resume else None
        await again_on_conflict(
            lambda: self._own(target, paused=paused, revision=resume, label=False)
        )
        await again_on_conflict(
            lambda: self._client.disown(DEPLOYMENTS, target.namespace, target.name, MANAGER)
        )

    async def ensure_canary(self, target: Target, revision: str, replicas: int) -> None:
        """Have the canary's Service and Deployment, made from the template as it stands.

        Where the revision names tracked config, the canary reads the copies of that content.

        The Service comes first: once the Deployment is seen, the canary is whole.

        Raises:
            NotFound: there is no such Deployment.
            Conflict: the template is another one by now, or a canary of another one is there.
            Unusable: Deployment or Service can't be used, or the canary's names are taken.
        """
        deployment, service, *present = await asyncio.gather(
            self._client.get(DEPLOYMENTS, target.namespace, target.name),
            self._client.get(SERVICES, target.namespace, target.service),
            self._client.get(DEPLOYMENTS, target.namespace, target.canary),
            self._canary_service(target),
        )
        if deployment is None:
            raise _absent(target)
        usable = self._require_usable(deployment, service, target)
        checks.require_template(deployment, revision)
        for found, resource in zip(present, (DEPLOYMENTS, SERVICES), strict=True):
            if found is not None:
                checks.require_ours(found, resource, target.release)
        checks.require_replaceable(present[0], revision)
        pods, *access = canary_manifests(
            _reading(target, deployment, revision),
            usable,
            target.release,
            revision,
            replicas,
            one_service=target.one_service,
        )
        for each in access:
            await self._client.apply(SERVICES, each, MANAGER)
        await self._client.apply(DEPLOYMENTS, pods, MANAGER)

    async def remove_canary(self, target: Target) -> None:
        """Remove the canary. What is absent, or the user's own, is left as it is.

        The Deployment goes last: as long as it is seen, there is something to remove.
        """
        for resource, name in (
            (SERVICES, target.canary_service),
            (DEPLOYMENTS, target.canary),
        ):
            found = await self._client.get(resource, target.namespace, name)
            if found is not None and is_own(found, target.release):
                uid = found["metadata"]["uid"]
                await self._client.delete(resource, target.namespace, name, uid=uid)

    async def _canary_service(self, target: Target) -> Manifest | None:
        """The canary's own Service; None also where it is to have none."""
        if target.one_service:
            return None
        return await self._client.get(SERVICES, target.namespace, target.canary_service)

    def _require_usable(
        self, deployment: Manifest, service: Manifest | None, target: Target
    ) -> Manifest:
        return checks.require_usable(
            deployment, service, target.service, target.release, one_service=target.one_service
        )

    async def _own(
        self,
        target: Target,
        *,
        paused: bool | None,
        revision: str = "",
        config: str = "",
        label: bool = True,
    ) -> None:
        """Apply all that the operator owns of the Deployment.

        `paused` None, and `config` empty, mean as it stands: what an apply leaves out, goes.

        The apply names the version that was read: what was checked is what is written to.
        """
        deployment = await self._client.get(DEPLOYMENTS, target.namespace, target.name)
        if deployment is None:
            raise _absent(target)
        checks.require_guarded(deployment, target.release)
        if revision:
            checks.require_template(deployment, revision)
        metadata: Manifest = {
            "name": target.name,
            "namespace": target.namespace,
            "resourceVersion": deployment["metadata"]["resourceVersion"],
        }
        if label:
            metadata["labels"] = {RELEASE: label_value(target.release)}
        as_it_stands = deployment["spec"].get("paused", False)
        spec: Manifest = {"paused": as_it_stands if paused is None else paused}
        if config := config or config_annotation(deployment["spec"]["template"]):
            spec["template"] = {"metadata": {"annotations": {CONFIG: config}}}
        manifest: Manifest = {
            "apiVersion": DEPLOYMENTS.api_version,
            "kind": DEPLOYMENTS.kind,
            "metadata": metadata,
            "spec": spec,
        }
        await self._client.apply(DEPLOYMENTS, manifest, MANAGER)


def _revision(found: Manifest) -> str:
    return str((found["metadata"].get("annotations") or {}).get(REVISION, ""))


def _reading(target: Target, deployment: Manifest, revision: str) -> Manifest:
    """The Deployment with a template that reads the copies of the revision's tracked config."""
    spec = deployment["spec"]
    config = config_part(revision)
    if not config:
        return deployment
    template = renamed(spec["template"], copy_names(target.tracked, config))
    metadata = template.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), CONFIG: config}
    template["metadata"] = {**metadata, "annotations": annotations}
    return {**deployment, "spec": {**spec, "template": template}}


def _absent(target: Target) -> NotFound:
    return NotFound(f"Deployment {target.name} does not exist in namespace {target.namespace}")
