"""Taking the canary out of service: traffic first, then time to drain, then its pods."""

from dataclasses import dataclass
from datetime import timedelta

from linnet.api.status import WeightStatus
from linnet.core import shares, tracking
from linnet.core.actions import Action, RemoveCanary, RemoveCopies, RestoreRoute, SetWeight
from linnet.core.decision import Situation
from linnet.core.observed import RouteObserved
from linnet.core.revision import config_part
from linnet.core.steps import at_weight, remaining

PATIENCE = timedelta(seconds=30)
"""How long a deletion, or the end of a broken canary, waits for a route that doesn't report."""


@dataclass(frozen=True)
class Withdrawal:
    """One step of the withdrawal.

    weight: the weight's new status. done: no canary is left, in the route or in the cluster.
    """

    weight: WeightStatus
    actions: tuple[Action, ...] = ()
    wake_after: timedelta | None = None
    done: bool = False
    message: str = ""


def withdraw(situation: Situation) -> Withdrawal:
    """Say what to do next so that the canary ends without a lost request."""
    observed, now = situation.observed, situation.now
    route = observed.route
    weight = at_weight(situation.status, 0, route, now)
    if route is not None and route.canary_listed:
        no_pods = observed.canary is None or not observed.canary.replicas
        if no_pods and not route.pods:
            # Nothing can drain, and a route to a Service that is gone is never accepted.
            return Withdrawal(weight, (RestoreRoute(),), message="The canary leaves the route")
        if route.weight != 0:
            # Never at once: somebody else may set the weight again and again.
            wake = _patience(situation) or None
            return Withdrawal(weight, (SetWeight(0),), wake, message="Traffic returns to stable")
        if not route.accepted and not _out_of_patience(situation):
            said = f": {route.message}" if route.message else ""
            return Withdrawal(
                weight,
                wake_after=_patience(situation),
                message=f"Waiting for the route to report weight 0{said}",
            )
        drain = remaining(weight.seen_since, situation.spec.canary.drain_period, now)
        if drain:
            return Withdrawal(weight, wake_after=drain, message="The canary drains")
        if shares.by_pods(situation.spec):
            # The pods first: the user's own selector would pick them.
            removal = (RemoveCanary(),) if observed.canary is not None else ()
            return Withdrawal(weight, removal, message="The canary's pods are removed")
        return Withdrawal(weight, (RestoreRoute(),), message="The canary leaves the route")
    if route is not None and not route.accepted and not _out_of_patience(situation):
        return Withdrawal(
            weight, wake_after=_patience(situation), message="The canary leaves the route"
        )
    if observed.canary is not None:
        return Withdrawal(weight, (RemoveCanary(),), message="The canary's pods are removed")
    return Withdrawal(weight, done=True)


def leftovers(situation: Situation) -> tuple[Action, ...]:
    """What an earlier canary has left is cleared away: first out of the route, then its pods."""
    route, canary = situation.observed.route, situation.observed.canary
    if route is not None and route.canary_listed:
        if shares.by_pods(situation.spec):
            return _pods_first(situation, route)
        return (RestoreRoute(),)
    if route is not None and not route.accepted:
        return ()  # the gateway may still send requests there
    if canary is not None:
        return (RemoveCanary(),)
    if tracking.leftover(situation):
        return (RemoveCopies(config_part(situation.status.stable_revision)),)
    return ()


def _pods_first(situation: Situation, route: RouteObserved) -> tuple[Action, ...]:
    """The user's own selector would pick the canary's pods, so it comes back when they are gone."""
    if route.weight != 0:
        return (SetWeight(0),)
    if situation.observed.canary is not None:
        return (RemoveCanary(),)
    return () if route.pods else (RestoreRoute(),)


def _patience(situation: Situation) -> timedelta | None:
    canary, since = situation.observed.canary, situation.observed.deleting_since
    if since is None and canary is not None and canary.failure:
        # E.g. its Service is gone: the route is not accepted before it stops naming it.
        since = situation.status.phase_since
    return remaining(since, PATIENCE, situation.now)


def _out_of_patience(situation: Situation) -> bool:
    return _patience(situation) == timedelta()
