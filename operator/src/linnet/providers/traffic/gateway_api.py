"""Traffic split by the weights of an HTTPRoute (Gateway API v1).

`spec.rules` is one atomic list, so the whole of it is applied, made from a fresh read and bound
to the version that was read: an edit in between is never lost, the write is tried again at once.
The operator owns `spec.rules` only while a canary is in it. Afterwards it gives up the ownership,
so that the user's next server-side apply meets no conflict.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from linnet.core import naming, pinned, route
from linnet.core.labels import SPLIT, label_value, labels_of
from linnet.core.misfit import misfit
from linnet.core.observed import RouteObserved
from linnet.providers.attempts import again_on_conflict
from linnet.providers.errors import NotFound, Unusable
from linnet.providers.kubernetes import HTTPROUTES, KubernetesClient, Manifest
from linnet.providers.traffic.base import Split

FIELD_MANAGER = "linnet-traffic"

Rules = list[dict[str, Any]]


class GatewayApiTraffic:
    """Splits an HTTPRoute. See `linnet.core.route` for how weights are reckoned,
    `linnet.core.pinned` for how users are kept on their version, and `linnet.core.naming` for
    how the application learns of an experiment.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client

    async def observe(self, split: Split) -> RouteObserved | None:
        """Read the share as it stands; None if the route doesn't exist.

        Raises:
            ApiError: the API server could not be asked.
        """
        found = await self._client.get(HTTPROUTES, split.namespace, split.route)
        if found is None:
            return None
        backends = _backends(split)
        rules = naming.without(_rules(found), backends)
        listed = route.listed(rules, backends) or rules != _rules(found)
        problem = pinned.problem(rules, backends, split.pins)
        unfit = None if problem else _unfit(rules, split)
        refusals = _refusals(found)
        # In mid-release an unfit route is said, and is no problem before the weight moves.
        return RouteObserved(
            weight=pinned.share(rules, backends, split.pins),
            canary_listed=listed or _is_marked(found, split),
            accepted=not refusals,
            message="; ".join([unfit[1], *refusals] if unfit else refusals),
            problem=problem or (None if listed else unfit),
            generation=found["metadata"]["generation"],
            experiment=naming.named(_rules(found), backends),
        )

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        """Ask for this share for the canary, 0 to 100 percent, and the rest for stable.

        Raises:
            NotFound: the route doesn't exist.
            Unusable: the route can't be split, or can't tell of the experiment.
            ApiError: the API server could not be asked.
        """

        async def once() -> None:
            found = await self._client.get(HTTPROUTES, split.namespace, split.route)
            if found is None:
                raise NotFound(f"HTTPRoute {split.route} does not exist in {split.namespace}")
            backends = _backends(split)
            rules = naming.without(_rules(found), backends)
            if weight:
                _require(pinned.problem(rules, backends, split.pins))
            _require(misfit(rules, backends, split.pins, weight))
            if experiment:
                _require(naming.problem(pinned.restore(rules, backends, split.pins), backends))
            shared = pinned.split(rules, backends, weight, split.pins)
            wanted = naming.name(shared, backends, experiment)
            if not route.listed(wanted, backends):
                await self.restore(split)  # no rule has room for a canary of weight 0
            elif wanted != _rules(found):
                await self._apply(found, wanted)

        await again_on_conflict(once)

    async def restore(self, split: Split) -> None:
        """Take the canary out of the route, with the weights that the user had.

        A route that is gone, or has no canary, is left as it is.

        Raises:
            ApiError: the API server could not be asked.
        """

        async def once() -> None:
            found = await self._client.get(HTTPROUTES, split.namespace, split.route)
            if found is None:
                return
            backends, marked = _backends(split), _is_marked(found, split)
            bare = naming.without(_rules(found), backends)
            if not route.listed(bare, backends) and bare == _rules(found) and not marked:
                return
            rules = pinned.restore(bare, backends, split.pins)
            place = (HTTPROUTES, split.namespace, split.route)
            written = await self._apply(found, rules, {SPLIT: label_value(split.release)})
            await self._client.disown(*place, FIELD_MANAGER, written)
            # Last, so that whoever is interrupted before it begins again.
            await self._client.patch(*place, {"metadata": {"labels": {SPLIT: None}}})

        await again_on_conflict(once)

    async def _apply(
        self, found: Manifest, rules: Rules, labels: Mapping[str, str] | None = None
    ) -> Manifest:
        """Apply all that the operator owns of the route, and return it as it then is."""
        metadata = {key: found["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        if labels:
            metadata["labels"] = labels
        manifest = {
            "apiVersion": HTTPROUTES.api_version,
            "kind": HTTPROUTES.kind,
            "metadata": metadata,
            "spec": {"rules": rules},
        }
        return await self._client.apply(HTTPROUTES, manifest, FIELD_MANAGER)


def _rules(found: Manifest) -> Rules:
    return found["spec"].get("rules") or []


def _unfit(rules: Rules, split: Split) -> tuple[str, str] | None:
    """Why the route can't do all that the release will ask of it; rules without the header."""
    backends = _backends(split)
    found = misfit(rules, backends, split.pins)
    if found is None and split.experiment:
        found = naming.problem(pinned.restore(rules, backends, split.pins), backends)
    return found


def _is_marked(found: Manifest, split: Split) -> bool:
    """Whether the canary was taken out of the route, and the ownership is still to be given up."""
    return labels_of(found).get(SPLIT) == label_value(split.release)


def _backends(split: Split) -> route.Backends:
    return route.Backends(split.namespace, split.stable_service, split.canary_service)


def _require(problem: tuple[str, str] | None) -> None:
    if problem:
        raise Unusable(*problem)


def _refusals(found: Manifest) -> list[str]:
    """Why the route's parents don't serve it as it stands; empty if all do."""
    parents = found["spec"].get("parentRefs") or []
    if not parents:
        return ["the HTTPRoute names no Gateway: set spec.parentRefs"]
    reports = (found.get("status") or {}).get("parents") or []
    namespace, generation = found["metadata"]["namespace"], found["metadata"]["generation"]
    refusals = []
    for parent in parents:
        key = _key(parent, namespace)
        answers = [
            _refusal(report.get("conditions") or [], generation)
            for report in reports
            if _key(report["parentRef"], namespace) == key
        ]
        if "" not in answers:
            refusals.append(f"{parent['name']}: {answers[0] if answers else 'no report yet'}")
    return refusals


def _refusal(conditions: Iterable[Mapping[str, Any]], generation: int) -> str:
    """Why one parent doesn't serve this generation, '' if it does."""
    by_type = {condition["type"]: condition for condition in conditions}
    for kind in ("Accepted", "ResolvedRefs"):
        condition = by_type.get(kind)
        if condition is None or condition.get("observedGeneration") != generation:
            return "no report on the present rules yet"
        if condition["status"] != "True":
            return f"{condition.get('reason')}: {condition.get('message')}"
    return ""


def _key(parent: Mapping[str, Any], namespace: str) -> tuple[Any, ...]:
    return (
        parent.get("group", "gateway.networking.k8s.io"),
        parent.get("kind", "Gateway"),
        parent.get("namespace", namespace),
        parent["name"],
        parent.get("sectionName"),
        parent.get("port"),
    )
