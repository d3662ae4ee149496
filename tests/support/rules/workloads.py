"""Rules about what the operator writes to Deployments and Services, stable's and the canary's."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from linnet.core.labels import RELEASE, REVISION, is_ours
from tests.support.rules.evidence import CLOCK, Moment, Rule, lacking
from tests.support.rules.world import (
    DEPLOYMENTS,
    SERVICES,
    Object,
    Release,
    listed,
    place_of,
    revision_of,
    share,
)

PROMOTING = frozenset({"Progressing", "Promoting"})
"""The phases in which a resumed Deployment takes over the canary's version."""
PATIENCE_FOR_ROUTES = 30.0
"""After this long the operator may give up on a route that doesn't report, seconds."""


def stable_is_the_users(moment: Moment) -> Iterator[str]:
    """1: of the user's Deployment only the pause and the operator's label are ever written."""
    event, before, after = moment.event, moment.before, moment.after
    if before is None or is_ours(before):
        return
    if event.verb == "delete" or event.subresource:
        yield f"{event.verb} of the user's own {' '.join((event.resource, event.subresource))}"
    elif event.resource == SERVICES:
        yield "the user's Service is written to"
    elif after is not None and _users(before) != _users(after):
        yield "more than spec.paused and the label is changed"


def promotion_is_earned(moment: Moment) -> Iterator[str]:
    """3, 8, 9: stable is resumed for a version with the last step's evidence, or that serves."""
    before, after, release = moment.before, moment.after, moment.release
    if place_of(moment.event) != release.target or before is None or after is None:
        return
    if not before["spec"].get("paused") or after["spec"].get("paused"):
        return
    revision, phase = revision_of(after), release.phase
    verified = {release.status.get("canaryRevision")} if phase in PROMOTING else set()
    if release.deleting:
        verified.add(release.status.get("stableRevision"))
    if release.gone:
        yield "resumed after the release is gone"
    elif phase not in PROMOTING and not release.deleting:
        yield f"resumed in phase {phase}"
    elif revision not in verified:
        yield f"resumed for {revision}, where {verified} may be"
    elif phase == "Progressing" and not release.deleting:
        if release.step_after(release.wanted) is not None:
            yield f"resumed at {release.wanted} %, which isn't the last step"
        for what in lacking(moment):
            yield f"resumed at {release.wanted} %: {what}"


def canary_drains_first(moment: Moment) -> Iterator[str]:
    """1, 9: the canary goes after the traffic, and after its time to drain."""
    event, world, release = moment.event, moment.world, moment.release
    place = place_of(event)
    scaled_down = event.verb == "patch" and _replicas(event.response) == 0
    if place not in (release.canary, release.canary_service):
        return
    if not (scaled_down or event.verb == "delete"):
        return
    route = world.objects.get(release.route)
    if route is None:
        return
    if share(route, release):
        yield f"the canary goes while the route gives it {share(route, release):g} %"
    elif listed(route, release):
        yield "the canary goes while the route lists it"
    elif world.objects.get(release.canary) is not None:
        yield from _undrained(moment)


def _undrained(moment: Moment) -> Iterator[str]:
    event, world, release = moment.event, moment.world, moment.release
    since = world.drained.get(release.route)
    drain = release.spec.canary.drain_period.total_seconds()
    given_up = event.received - _ending_since(release) >= PATIENCE_FOR_ROUTES
    if since is None:
        if not given_up:
            yield "the canary goes before a gateway reports that it gets nothing"
    elif event.received - since < drain - CLOCK and not given_up:
        yield f"the canary had {event.received - since:.2f} s of {drain:g} s to drain"


def _ending_since(release: Release) -> float:
    """When the release began to end, as it says itself; now and then that is all there is."""
    stamp = release.manifest["metadata"].get("deletionTimestamp") or release.status.get(
        "phaseSince"
    )
    return datetime.fromisoformat(stamp).timestamp() if stamp else float("inf")


def canary_is_of_its_revision(moment: Moment) -> Iterator[str]:
    """7: a canary is of the revision under release, from its first pod to its last."""
    before, after, release = moment.before, moment.after, moment.release
    if place_of(moment.event) != release.canary or after is None:
        return
    revision = (after["metadata"].get("annotations") or {}).get(REVISION)
    if revision != release.status.get("canaryRevision"):
        yield f"a canary of {revision}, where {release.status.get('canaryRevision')} is released"
    if before is not None and _image(before) != _image(after):
        yield "a canary became one of another version"


def _users(found: Object) -> Any:
    """All of a Deployment that is not the operator's to write."""
    metadata, spec = found["metadata"], found["spec"]
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != RELEASE}
    annotations = metadata.get("annotations") or {}
    return labels, annotations, {key: value for key, value in spec.items() if key != "paused"}


def _replicas(found: Object | None) -> Any:
    return ((found or {}).get("spec") or {}).get("replicas")


def _image(found: Object) -> list[Any]:
    return [each.get("image") for each in found["spec"]["template"]["spec"]["containers"]]


RULES: dict[str, tuple[Rule, ...]] = {
    DEPLOYMENTS: (
        stable_is_the_users,
        promotion_is_earned,
        canary_drains_first,
        canary_is_of_its_revision,
    ),
    SERVICES: (stable_is_the_users, canary_drains_first),
}
