"""Why a release must end now: an ordered list of small checks, each with reason and message."""

from collections.abc import Callable

from linnet.api.status import Phase
from linnet.api.types import format_duration
from linnet.core import analysis, experiments, finding, refusal, sizing, steps, watching
from linnet.core.catalog import checks
from linnet.core.decision import Situation, Trouble

Rule = Callable[[Situation], Trouble | None]


def canary_missing(situation: Situation) -> Trouble | None:
    """The canary's Deployment disappeared while it had traffic."""
    canary = situation.observed.canary
    missing = canary is None or not canary.replicas
    if situation.status.phase is Phase.PROGRESSING and missing:
        return Trouble("CanaryMissing", "The canary's Deployment has disappeared")
    return None


def canary_failing(situation: Situation) -> Trouble | None:
    """The canary's pods can't come up, or keep crashing: one observation is enough."""
    canary = situation.observed.canary
    ours = canary is not None and canary.revision == situation.status.canary_revision
    if canary is not None and ours and canary.failure:
        return Trouble("CanaryFailing", canary.failure)
    return None


def canary_down(situation: Situation) -> Trouble | None:
    """No pod of a canary that has traffic is ready: one observation is enough."""
    canary = situation.observed.canary
    if situation.status.phase is Phase.PROGRESSING and canary is not None and canary.ready == 0:
        return Trouble("CanaryDown", f"None of the canary's {canary.replicas} pods is ready")
    return None


def canary_not_ready(situation: Situation) -> Trouble | None:
    """The canary's pods took longer than they may to become ready."""
    if situation.status.phase is not Phase.STARTING:
        return None
    deadline = situation.spec.canary.ready_deadline
    since = steps.waited_since(situation.spec, situation.status)
    if watching.time_left(situation.status, since, deadline, situation.now):
        return None
    ready, needed = sizing.first_pods(situation)
    route = situation.observed.route
    if ready >= needed or (route is not None and not steps.may_have_pods(situation.spec, route)):
        return None  # if it waits, then not for the canary's pods
    after = format_duration(deadline)
    if refused := refusal.of_canary(situation):
        return Trouble(refused.reason, f"After {after}: {refused.message}")
    return Trouble("CanaryNotReady", f"{ready} of {needed} canary pods are ready after {after}")


def metric_breached(situation: Situation) -> Trouble | None:
    """A check is beyond its rollback limit for as many measurements in a row as it takes."""
    metrics = {metric.name: metric for metric in situation.status.metrics}
    for check in checks(situation.spec.analysis):
        metric = metrics.get(check.name)
        if metric is not None and analysis.breached(check, metric):
            times = "" if metric.breaches == 1 else f", {metric.breaches} times in a row"
            return Trouble(
                f"{check.name[0].upper()}{check.name[1:]}Breached",
                f"{check.name}: {metric.message}{times}",
            )
    return None


RULES: tuple[Rule, ...] = (
    canary_missing,
    canary_failing,
    canary_down,
    canary_not_ready,
    metric_breached,
    finding.breach,
    experiments.breach,
)


def first_breach(situation: Situation) -> Trouble | None:
    """The first rule that is broken, if one is."""
    return next((trouble for rule in RULES if (trouble := rule(situation))), None)
