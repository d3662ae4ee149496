"""Rules about what the operator writes to routes."""

from collections.abc import Iterator
from math import gcd
from typing import Any

from linnet.core.labels import SPLIT, canary_name, labels_of
from tests.support.rules.evidence import Moment, Rule, lacking
from tests.support.rules.world import (
    ROUTES,
    Object,
    Release,
    is_rolled_out,
    listed,
    place_of,
    rules_of,
    share,
    shares,
)

GIVES_TRAFFIC = frozenset({"Starting", "Progressing", "Promoting"})


def weights_are_steps(moment: Moment) -> Iterator[str]:
    """6: a weight is 0, a step's, or the one that the status asks for."""
    release = moment.release
    allowed = {0, release.wanted, *(step.weight for step in release.spec.steps)}
    for weight in shares(moment.after, release) - allowed:
        yield f"{weight:g} % is none of {sorted(allowed)}"


def rises_are_earned(moment: Moment) -> Iterator[str]:
    """1, 3, 4, 6, 7: more traffic only step by step, after evidence at the step before."""
    release, (before, after) = moment.release, _shares(moment)
    if after <= before:
        return
    if why := _no_rise_at_all(moment):
        yield f"from {before:g} to {after:g} %, {why}"
    elif release.phase == "Promoting":
        if after != 100:
            yield f"to {after:g} % while stable takes over"
    elif not _put_back_or_taken_again(moment, after):
        expected = release.step_after(release.wanted)
        if after != expected:
            yield f"to {after:g} %, where {expected} % comes after {release.wanted} %"
            return
        for what in lacking(moment):
            yield f"from {release.wanted} to {after:g} %: {what}"


def _no_rise_at_all(moment: Moment) -> str:
    """Why the canary may get no more, whatever it has shown; '' if it may."""
    release = moment.release
    if release.gone:
        return "and the release is gone"
    if release.phase not in GIVES_TRAFFIC:
        return f"in phase {release.phase}"
    now = moment.event.received
    ago = now - moment.world.deleting.get(release.place, now)
    if ago > moment.known.lag and release.phase != "Promoting":
        return f"being deleted for {ago:.1f} s"
    return ""


def _put_back_or_taken_again(moment: Moment, after: float) -> bool:
    """Whether a rise is no new step.

    Either somebody has taken the weight away, or the operator itself has: that it had taken the
    step was not remembered, and by the same status it takes the same step.
    """
    release = moment.release
    if release.phase == "Progressing" and after == release.wanted:
        return True
    return moment.world.risen.get(release.route) == (after, release.status)


def traffic_stays_on_what_works(moment: Moment) -> Iterator[str]:
    """8: traffic leaves a canary that is promoted when stable is ready, or the canary is not."""
    release, (before, after) = moment.release, _shares(moment)
    if release.phase != "Promoting" or after >= before:
        return
    objects = moment.world.objects
    target, canary = objects.get(release.target), objects.get(release.canary)
    ready = ((canary or {}).get("status") or {}).get("readyReplicas") or 0
    if ready and (target is None or not is_rolled_out(target)):
        yield f"from {before:g} to {after:g} %: stable isn't rolled out, {ready} canaries are ready"


def only_backends_are_written(moment: Moment) -> Iterator[str]:
    """1: of a route, only the backends of the rules that have stable are written to."""
    before, after = moment.before, moment.after
    if before is None or after is None:
        return
    if _rest(before) != _rest(after):
        yield "something else than spec.rules was changed"
    old, new = rules_of(before), rules_of(after)
    if len(old) != len(new):
        yield f"{len(old)} rules became {len(new)}"
        return
    for one, other in zip(old, new, strict=True):
        names = {ref["name"] for ref in one.get("backendRefs") or ()}
        if moment.release.stable_service in names:
            one, other = ({**rule, "backendRefs": None} for rule in (one, other))
        if one != other:
            yield f"a rule became another one: {other}"


def routes_are_put_back(moment: Moment) -> Iterator[str]:
    """9: without the canary, and beside it, the shares are the user's own."""
    place, release = place_of(moment.event), moment.release
    own = moment.world.written.get(place)
    if own is None or place in moment.world.edited:
        return
    if not listed(moment.after, release) and not listed(moment.before, release):
        return
    for rule, now in zip(own, rules_of(moment.after), strict=False):
        if proportions(rule, release) != proportions(now, release):
            yield f"shares are {proportions(now, release)}, the user's {proportions(rule, release)}"


def proportions(rule: Object, release: Release) -> dict[str, int]:
    """The weights of a rule's backends in lowest terms; the canary's counts as stable's."""
    weights: dict[str, int] = {}
    for ref in rule.get("backendRefs") or ():
        name = ref["name"]
        if name == canary_name(release.stable_service):
            name = release.stable_service
        weights[name] = weights.get(name, 0) + ref.get("weight", 1)
    common = gcd(*weights.values()) or 1
    return {name: weight // common for name, weight in weights.items()}


def _shares(moment: Moment) -> tuple[float, float]:
    return share(moment.before, moment.release), share(moment.after, moment.release)


def _rest(route: Object) -> Any:
    spec = {key: value for key, value in route["spec"].items() if key != "rules"}
    metadata = route["metadata"]
    labels = {key: value for key, value in labels_of(route).items() if key != SPLIT}
    return spec, labels, metadata.get("annotations"), metadata.get("finalizers")


RULES: dict[str, tuple[Rule, ...]] = {
    ROUTES: (
        weights_are_steps,
        rises_are_earned,
        traffic_stays_on_what_works,
        only_backends_are_written,
        routes_are_put_back,
    )
}
