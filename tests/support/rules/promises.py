"""Rules about what has to happen: traffic back in time, and everything in its place in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.rules.audit import Event
from tests.support.rules.evidence import Known
from tests.support.rules.world import Place, Release, World, listed, revision_of, share, subject

RESTING = frozenset({"Idle", "Promoted", "RolledBack"})
ENDING = frozenset({"RollingBack", "RolledBack", "Idle", "Promoted"})


@dataclass
class Promises:
    """1, 5: weight 0 soon after the decision to end, and after a crash of the canary.

    owed: route -> (since when, why).
    """

    known: Known
    owed: dict[Place, tuple[float, str]] = field(default_factory=dict)

    def note(self, event: Event, world: World) -> None:
        """Take in what a write, which is done, has changed for its release."""
        release = world.release_of(subject(event))
        if release is None:
            return
        if why := _why(release, world):
            self.owed.setdefault(release.route, (event.received, why))
        else:
            self.owed.pop(release.route, None)

    def overdue(self, at: float) -> Iterator[tuple[Place, str]]:
        """Say which routes should have lost the canary by a moment, and why; each once."""
        for place, (since, why) in list(self.owed.items()):
            if at - since > self.known.patience:
                self.owed[place] = (float("inf"), why)
                yield place, f"{at - since:.1f} s after: {why}"


def _why(release: Release, world: World) -> str:
    """Why the route must not give the canary anything; '' if it may, or doesn't."""
    given = share(world.objects.get(release.route), release)
    if not given or release.gone:
        return ""
    if release.phase in ENDING:
        return f"{release.phase} with {given:g} %"
    if release.phase == "Progressing" and release.canary in world.failing:
        return f"the canary crashes with {given:g} %"
    return ""


def all_is_in_its_place(world: World) -> Iterator[tuple[Release, str]]:
    """9: in the end no canary is left, and the Deployment is held, or given back."""
    for release in world.releases:
        for what in _given_back(release, world) if release.gone else _at_rest(release, world):
            yield release, what


def _at_rest(release: Release, world: World) -> Iterator[str]:
    route, target = world.objects.get(release.route), world.objects.get(release.target)
    if release.phase not in RESTING:
        yield f"it rests in phase {release.phase}: {release.status.get('message')}"
        return
    if listed(route, release):
        yield f"the canary is in the route with {share(route, release):g} %"
    for place in (release.canary, release.canary_service):
        if place in world.objects:
            yield f"{place[0]} {place[2]} is still there"
    if target is not None and not target["spec"].get("paused"):
        yield "the Deployment isn't paused"
    serving = release.status.get("stableRevision")
    if release.phase == "Promoted" and target is not None and revision_of(target) != serving:
        yield f"stable has {revision_of(target)}, not {serving}"


def _given_back(release: Release, world: World) -> Iterator[str]:
    route, target = world.objects.get(release.route), world.objects.get(release.target)
    if release.phase == "Promoting":
        return  # the canary may be what serves, for as long as somebody wants
    if listed(route, release):
        yield f"the release is gone, and the canary has {share(route, release):g} %"
    if release.canary in world.objects:
        yield "the release is gone, and the canary is there"
    served = target is not None and revision_of(target) == release.status.get("stableRevision")
    if target is not None and served and target["spec"].get("paused"):
        yield "the release is gone, and the Deployment is paused though its template serves"
