"""How the cluster stood before each write of a log, as far as releases are concerned."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from linnet.api.spec import CanaryReleaseSpec, Step
from linnet.core.labels import canary_name
from linnet.core.revision import template_revision
from tests.support.rules.audit import Event

Object = dict[str, Any]
Place = tuple[str, str, str]
"""Resource, namespace and name."""

RELEASES, ROUTES, DEPLOYMENTS, SERVICES = (
    "canaryreleases",
    "httproutes",
    "deployments",
    "services",
)
FATAL = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError"})


@dataclass(frozen=True)
class Release:
    """A CanaryRelease as it was last written. gone: it was since removed."""

    manifest: Object
    gone: bool = False

    @cached_property
    def spec(self) -> CanaryReleaseSpec:
        """What the user asks for, defaults filled in."""
        return CanaryReleaseSpec.model_validate(self.manifest["spec"])

    @property
    def namespace(self) -> str:
        """Of all that belongs to it."""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its own name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def place(self) -> Place:
        """The CanaryRelease's own."""
        return RELEASES, self.namespace, self.name

    @property
    def deleting(self) -> bool:
        """Whether its deletion was asked for."""
        return bool(self.manifest["metadata"].get("deletionTimestamp"))

    @property
    def status(self) -> Object:
        """As it was last written; empty before that."""
        return self.manifest.get("status") or {}

    @property
    def phase(self) -> str:
        """As the status says."""
        return str(self.status.get("phase") or "Pending")

    @property
    def wanted(self) -> int:
        """The canary's weight that is asked for, in percent."""
        return int((self.status.get("weight") or {}).get("wanted") or 0)

    @property
    def history(self) -> list[Object]:
        """The decisions that the status remembers."""
        return self.status.get("history") or []

    @property
    def target(self) -> Place:
        """The user's Deployment."""
        return DEPLOYMENTS, self.namespace, self.spec.target_ref.name

    @property
    def canary(self) -> Place:
        """The canary's Deployment."""
        return DEPLOYMENTS, self.namespace, canary_name(self.spec.target_ref.name)

    @property
    def stable_service(self) -> str:
        """Name of the Service of stable."""
        return self.spec.traffic.service or self.spec.target_ref.name

    @property
    def canary_service(self) -> Place:
        """The canary's Service."""
        return SERVICES, self.namespace, canary_name(self.stable_service)

    @property
    def route(self) -> Place:
        """The HTTPRoute; without a name where there is none."""
        return ROUTES, self.namespace, self.spec.traffic.http_route or ""

    @property
    def places(self) -> tuple[Place, ...]:
        """All that belongs to it."""
        stable_service = (SERVICES, self.namespace, self.stable_service)
        return self.route, self.target, self.canary, stable_service, self.canary_service

    def step_at(self, weight: int) -> Step:
        """The last step that asks for no more than this weight; the first one below that."""
        passed = [step for step in self.spec.steps if step.weight <= weight]
        return (passed or self.spec.steps)[-1 if passed else 0]

    def step_after(self, weight: int) -> int | None:
        """The weight of the first step that asks for more; None after the last one."""
        return next((step.weight for step in self.spec.steps if step.weight > weight), None)


def rules_of(route: Object | None) -> list[Object]:
    """The rules of an HTTPRoute."""
    return ((route or {}).get("spec") or {}).get("rules") or []


def listed(route: Object | None, release: Release) -> bool:
    """Whether the canary is a backend of the route."""
    name = release.canary_service[2]
    return any(ref["name"] == name for rule in rules_of(route) for ref in _refs(rule))


def shares(route: Object | None, release: Release) -> set[float]:
    """The canary's shares of what it and stable get, in percent, one for each rule with both."""
    found = set()
    for rule in rules_of(route):
        stable = _weight(rule, release.stable_service)
        canary = _weight(rule, release.canary_service[2])
        if stable + canary and any(ref["name"] == release.stable_service for ref in _refs(rule)):
            found.add(100 * canary / (stable + canary))
    return found


def share(route: Object | None, release: Release) -> float:
    """The greatest of the canary's shares; 0 without one."""
    return max(shares(route, release), default=0.0)


def _refs(rule: Object) -> list[Object]:
    return rule.get("backendRefs") or []


def _weight(rule: Object, name: str) -> int:
    return sum(ref.get("weight", 1) for ref in _refs(rule) if ref["name"] == name)


def is_accepted(route: Object) -> bool:
    """Whether every parent reports the present generation as accepted and resolved."""
    generation = route["metadata"]["generation"]
    parents = (route.get("status") or {}).get("parents") or []
    asked = route["spec"].get("parentRefs") or []
    return len(parents) >= len(asked) > 0 and all(
        any(
            each["type"] == kind
            and each["status"] == "True"
            and each.get("observedGeneration") == generation
            for each in parent["conditions"]
        )
        for parent in parents
        for kind in ("Accepted", "ResolvedRefs")
    )


def revision_of(deployment: Object) -> str:
    """The revision of a Deployment's template."""
    return template_revision(deployment["spec"]["template"])


def is_rolled_out(deployment: Object) -> bool:
    """Whether all pods run the template and are available, as the Deployment's status says."""
    status, replicas = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    return (status.get("observedGeneration") or 0) >= deployment["metadata"]["generation"] and all(
        (status.get(count) or 0) == replicas
        for count in ("replicas", "updatedReplicas", "availableReplicas")
    )


@dataclass
class World:
    """All objects as they were last written, and since when some things are so (unix seconds).

    accepted: route -> since when a gateway reports its present rules as accepted.
    drained: route -> since when a gateway reports that the canary gets nothing.
    written: route -> its rules as somebody else than the operator last wrote them while they had
    no canary.
    edited: routes that somebody else wrote while the canary was in them.
    templates: Deployment -> when its template was last changed.
    risen: route -> the share that the operator last raised it to, and the status then.
    suspended, deleting: release -> since when it is to be frozen, or to go.
    failing: canary's Deployment -> since when one of its pods is known to crash.
    """

    objects: dict[Place, Object] = field(default_factory=dict)
    accepted: dict[Place, float] = field(default_factory=dict)
    drained: dict[Place, float] = field(default_factory=dict)
    written: dict[Place, list[Object]] = field(default_factory=dict)
    edited: set[Place] = field(default_factory=set)
    templates: dict[Place, float] = field(default_factory=dict)
    risen: dict[Place, tuple[float, Object]] = field(default_factory=dict)
    suspended: dict[Place, float] = field(default_factory=dict)
    deleting: dict[Place, float] = field(default_factory=dict)
    failing: dict[Place, float] = field(default_factory=dict)
    holders: dict[Place, str] = field(default_factory=dict)
    _releases: dict[Place, Release] = field(default_factory=dict)
    _of: dict[Place, Place] = field(default_factory=dict)
    _removed: set[str | None] = field(default_factory=set)

    def release_of(self, place: Place) -> Release | None:
        """The release that an object is, or belongs to; also one that is gone."""
        return self._releases.get(self._of.get(place, place))

    @property
    def releases(self) -> list[Release]:
        """All that there have been, each as it was last written."""
        return list(self._releases.values())

    def take_in(self, event: Event) -> None:
        """Let a write have happened."""
        place, after = place_of(event), event.response
        if event.resource == "pods":
            self._pod(event)
        elif event.removed:
            self._forget(place)
        elif after is not None and "metadata" in after and self._is_news(place, after):
            before = self.objects.get(place)
            self.objects[place] = after
            self._note(place, before, event)

    def _is_news(self, place: Place, after: Object) -> bool:
        """Whether a write has changed something, and nothing has since."""
        before = self.objects.get(place)
        if after["metadata"].get("uid") in self._removed:
            return False  # of two writes at once, the removal was the later one
        return before is None or _version(before) < _version(after)

    def _note(self, place: Place, before: Object | None, event: Event) -> None:
        after = self.objects[place]
        if place[0] == RELEASES:
            self._release(place, event)
        elif place[0] == ROUTES:
            self._route(place, before, event)
        elif place[0] == DEPLOYMENTS:
            if before is None or revision_of(before) != revision_of(after):
                self.templates[place] = event.received
        elif place[0] == "leases":
            self.holders[place] = (after.get("spec") or {}).get("holderIdentity") or ""

    def _forget(self, place: Place) -> None:
        removed = self.objects.pop(place, None)
        if removed is not None:
            self._removed.add(removed["metadata"].get("uid"))
        for facts in (self.accepted, self.drained, self.written, self.templates, self.failing):
            facts.pop(place, None)
        if place in self._releases:
            self._releases[place] = Release(self._releases[place].manifest, gone=True)

    def _release(self, place: Place, event: Event) -> None:
        assert event.response is not None
        release = self._releases[place] = Release(event.response)
        for each in release.places:
            owner = self.release_of(each)
            if owner is None or owner.gone:  # of two for one Deployment the second has nothing
                self._of[each] = place
        for facts, so in (
            (self.suspended, release.spec.suspend),
            (self.deleting, release.deleting),
        ):
            if so:
                facts.setdefault(place, event.received)
            else:
                facts.pop(place, None)

    def _route(self, place: Place, before: Object | None, event: Event) -> None:
        route = self.objects[place]
        release = self.release_of(place)
        if before is None or before["spec"] != route["spec"]:
            self.accepted.pop(place, None)
            rose = release is not None and share(route, release) > share(before, release)
            if release is not None and rose and event.by_operator:
                self.risen[place] = share(route, release), release.status
            if release is None or not listed(route, release):
                if not event.by_operator:
                    self.written[place] = rules_of(route)
                    self.edited.discard(place)
            elif not event.by_operator:
                self.edited.add(place)
            if release is not None and share(route, release):
                self.drained.pop(place, None)
        if is_accepted(route):
            self.accepted.setdefault(place, event.received)
            if release is None or not share(route, release):
                self.drained.setdefault(place, event.received)

    def _pod(self, event: Event) -> None:
        """Take in what a node says of a pod of a canary."""
        status = (event.request or {}).get("status") if isinstance(event.request, dict) else None
        for each in (status or {}).get("containerStatuses") or ():
            waiting = ((each.get("state") or {}).get("waiting") or {}).get("reason")
            ended = ((each.get("lastState") or {}).get("terminated") or {}).get("reason")
            if waiting in FATAL or ended == "OOMKilled":
                self.failing.setdefault(subject(event), event.received)


def place_of(event: Event) -> Place:
    """What was written."""
    return event.resource, event.namespace, event.name


def subject(event: Event) -> Place:
    """What a write is about: of a pod, its Deployment by the pod's name."""
    if event.resource == "pods":
        return DEPLOYMENTS, event.namespace, event.name.rsplit("-", 2)[0]
    return place_of(event)


def _version(found: Object) -> int:
    return int(found["metadata"].get("resourceVersion") or 0)
