"""Traffic split by the number of pods behind one Service, for clusters without a gateway.

The Service's selector is the switch: narrowed to stable's pods at weight 0, to the canary's at
100, and the user's own in between, where the numbers of ready pods give the share. So weight 0
and 100 are exact, whatever pods there are, and a rollback is one write. Whoever sizes the canary
moves traffic in between: see `linnet.core.shares`.

What is written is bound to the version that was read. The operator owns labels and selector only
while the Service is split; afterwards it gives them up, so that the user's next server-side apply
meets no conflict.
"""

import asyncio

from linnet.core import service as services
from linnet.core.labels import (
    CANARY,
    RELEASE,
    SPLIT,
    TRACK,
    TRACKS,
    label_value,
    labels_of,
    selector_text,
)
from linnet.core.observed import RouteObserved
from linnet.providers.attempts import again_on_conflict
from linnet.providers.errors import NotFound, Unusable
from linnet.providers.kubernetes import (
    DEPLOYMENTS,
    ENDPOINTSLICES,
    PODS,
    SERVICES,
    KubernetesClient,
    Manifest,
)
from linnet.providers.replicasets import ReplicaSets
from linnet.providers.traffic.base import Split

FIELD_MANAGER = "linnet-traffic"
SERVICE_NAME = "kubernetes.io/service-name"
"""The label by which an EndpointSlice names its Service."""


class ReplicasTraffic:
    """Splits a Service. See `linnet.core.service` for what it looks like then."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._replicasets = ReplicaSets(client)

    async def observe(self, split: Split) -> RouteObserved | None:
        """Read the share as it stands; None if the Service doesn't exist.

        One that can't be split isn't: there is nothing to give back.

        Raises:
            ApiError: the API server could not be asked.
        """
        try:
            return await self._observe(split)
        except Unusable as error:
            problem = (error.reason, error.message)
            return RouteObserved(0, canary_listed=False, accepted=True, problem=problem)

    async def _observe(self, split: Split) -> RouteObserved | None:
        service, deployment = await asyncio.gather(self._service(split), self._deployment(split))
        if service is None:
            return None
        pods = await self._canary_pods(split)
        lasting = sum(1 for pod in pods if services.lasts(pod))
        if not services.split_by(service):
            await self._require_usable(split, service, deployment)
            # Pods of a canary that are there get traffic, and nobody has asked for that.
            weight = None if lasting else 0
            return RouteObserved(weight, lasting > 0, accepted=not lasting, pods=lasting)
        weight = await self._weight(split, service, deployment)
        names = {pod["metadata"]["name"] for pod in pods}
        tracks = labels_of(service).get(TRACKS, "")
        behind = services.endpoints(await self._slices(split), names, tracks)
        replicas = deployment["spec"].get("replicas", 1) if deployment else 0
        return services.observed(weight, replicas, behind, lasting)

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        """Ask for this share for the canary, 0 to 100 percent, and the rest for stable.

        Raises:
            NotFound: the Service doesn't exist.
            Unusable: the Service can't be split, or is to tell of an experiment, as none can.
            ApiError: the API server could not be asked.
        """
        if experiment:
            raise Unusable(
                "ExperimentNeedsGateway",
                "spec.traffic.provider: an experiment is told to the application by a header that "
                "a gateway sets: use GatewayAPI, or remove the experiment from spec.steps",
            )

        async def once() -> None:
            service, deployment = await asyncio.gather(
                self._service(split), self._deployment(split)
            )
            if service is None:
                name = split.stable_service
                raise NotFound(f"Service {name} does not exist in {split.namespace}")
            if not services.split_by(service):
                await self._require_usable(split, service, deployment)
            wanted = await self._wanted(split, service, deployment, weight)
            if not services.is_like(service, wanted):
                await self._apply(service, wanted)

        await again_on_conflict(once)

    async def restore(self, split: Split) -> None:
        """Give the Service its user's selector back.

        A Service that is gone, or isn't split, is left as it is.

        Raises:
            ApiError: the API server could not be asked.
        """

        async def once() -> None:
            service = await self._service(split, checked=False)
            if service is None or services.split_by(service) != label_value(split.release):
                return
            place = (SERVICES, split.namespace, split.stable_service)
            mark = {SPLIT: services.split_by(service)}
            own = {"selector": services.own_selector(service)}
            written = await self._apply(service, {"metadata": {"labels": mark}, "spec": own})
            await self._client.disown(*place, FIELD_MANAGER, written)
            # Last, so that whoever is interrupted before it begins again.
            await self._client.patch(*place, {"metadata": {"labels": {SPLIT: None}}})

        await again_on_conflict(once)

    async def _apply(self, service: Manifest, wanted: Manifest) -> Manifest:
        version = {k: service["metadata"][k] for k in ("name", "namespace", "resourceVersion")}
        manifest = {
            "apiVersion": SERVICES.api_version,
            "kind": SERVICES.kind,
            "metadata": {**version, **wanted["metadata"]},
            "spec": wanted["spec"],
        }
        return await self._client.apply(SERVICES, manifest, FIELD_MANAGER)

    async def _service(self, split: Split, *, checked: bool = True) -> Manifest | None:
        found = await self._client.get(SERVICES, split.namespace, split.stable_service)
        other = services.split_by(found) if found and checked else ""
        if other not in ("", label_value(split.release)):
            raise Unusable(
                "ServiceSplitAlready",
                f"Service {split.stable_service} is split by CanaryRelease {other}: delete this "
                f"CanaryRelease, or the label {SPLIT} of the Service if {other} no longer exists",
            )
        return found

    async def _deployment(self, split: Split) -> Manifest | None:
        return await self._client.get(DEPLOYMENTS, split.namespace, split.target)

    async def _weight(
        self, split: Split, service: Manifest, deployment: Manifest | None
    ) -> int | None:
        """The weight that was asked for; None if the Service isn't as it should be for that."""
        asked = services.asked_weight(service)
        if asked is None:
            return None
        wanted = await self._wanted(split, service, deployment, asked)
        return asked if services.is_like(service, wanted) else None

    async def _wanted(
        self, split: Split, service: Manifest, deployment: Manifest | None, weight: int
    ) -> Manifest:
        """What the Service has to be like for a weight."""
        narrowed = weight == 0 and split.stable_revision
        sets = await self._replicasets.read(deployment) if narrowed and deployment else []
        serving = services.serving_hash(sets, split.stable_revision)
        return services.divided(service, split.release, weight, serving)

    async def _canary_pods(self, split: Split) -> list[Manifest]:
        selector = f"{RELEASE}={label_value(split.release)},{TRACK}={CANARY}"
        return await self._client.list(PODS, split.namespace, selector)

    async def _slices(self, split: Split) -> list[Manifest]:
        """The Service's EndpointSlices, as far as they have its labels already."""
        release = label_value(split.release)
        selector = f"{SERVICE_NAME}={split.stable_service},{SPLIT}={release}"
        return await self._client.list(ENDPOINTSLICES, split.namespace, selector)

    async def _require_usable(
        self, split: Split, service: Manifest, deployment: Manifest | None
    ) -> None:
        """Check that the Service serves the Deployment's pods and no others.

        Raises:
            Unusable: it doesn't.
        """
        if deployment is None:
            return
        own = selector_text({"matchLabels": services.own_selector(service)})
        sets = await self._replicasets.read(deployment)
        pods = await self._client.list(PODS, split.namespace, own)
        others = [pod for pod in pods if labels_of(pod).get(TRACK) != CANARY]
        if problem := services.problem(service, split.target, sets, others):
            raise Unusable(*problem)
