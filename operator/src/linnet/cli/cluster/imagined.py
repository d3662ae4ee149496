"""The cluster as it will be once an action has had its effect, and nothing has gone wrong."""

from dataclasses import replace

from linnet.core import actions
from linnet.core.observed import Observed, RouteObserved, StableObserved


def imagined(observed: Observed, action: actions.Action) -> Observed:
    """What the operator will see after an action. Those for config change nothing here."""
    route, stable = observed.route, observed.stable
    match action:
        case actions.SetWeight(weight, experiment) if route is not None:
            told = replace(route, experiment=experiment)
            return replace(observed, route=_at(told, weight, listed=True))
        case actions.RestoreRoute() if route is not None:
            told = replace(route, experiment="")
            return replace(observed, route=_at(told, 0, listed=False))
        case actions.RemoveCanary():
            pods_gone = replace(route, pods=0) if route is not None else None
            return replace(observed, canary=None, route=pods_gone)
        case actions.HoldStable() if stable is not None:
            return replace(observed, stable=replace(stable, paused=True))
        case actions.SettleStable(version) if stable is not None:
            return replace(observed, stable=_settled(stable, version))
    return observed


def _at(route: RouteObserved, weight: int, *, listed: bool) -> RouteObserved:
    return replace(
        route,
        weight=weight,
        canary_listed=listed,
        accepted=True,
        message="",
        generation=route.generation + 1,
        share=None if route.share is None else weight,
    )


def _settled(stable: StableObserved, version: str) -> StableObserved:
    return replace(stable, serving={version: stable.replicas}, ready=stable.replicas)
