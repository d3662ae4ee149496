"""The conditions that status shows, by the conventions that kstatus reads."""

from typing import Literal

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Condition, Phase
from linnet.core import experiments, shares, steps
from linnet.core.decision import Situation, Trouble
from linnet.core.references import mutable, mutable_message
from linnet.core.transitions import RESTING

READY, RECONCILING, STALLED, TRAFFIC_ROUTED = "Ready", "Reconciling", "Stalled", "TrafficRouted"
WEIGHTS_REACHABLE = "WeightsReachable"
CONFIG_TRACKED = "ConfigTracked"
STABLE_SIZED = "StableSized"
EXPERIMENT_MEASURED = "ExperimentMeasured"


def conditions(
    situation: Situation, status: CanaryReleaseStatus, trouble: Trouble | None
) -> tuple[Condition, ...]:
    """Ready always; Reconciling and Stalled only while true; TrafficRouted during a release.

    WeightsReachable where pods are the weights, also before there is a release. ConfigTracked
    where stable's pods read ConfigMaps or Secrets that can change under them. StableSized during a
    release, once stable is smaller than it was. ExperimentMeasured while an experiment runs, once
    its data were asked for.
    """
    before = {condition.type: condition for condition in status.conditions}

    def condition(
        kind: str, value: Literal["True", "False"], reason: str, message: str
    ) -> Condition:
        old = before.get(kind)
        kept = old is not None and old.status == value
        return Condition(
            type=kind,
            status=value,
            reason=reason,
            message=message,
            last_transition_time=old.last_transition_time if old and kept else situation.now,
            observed_generation=situation.observed.generation,
        )

    if trouble is None and status.phase is Phase.ROLLED_BACK:
        trouble = Trouble("RolledBack", status.message)
    resting = status.phase in RESTING
    ready = resting and trouble is None and status.phase is not Phase.PENDING
    reason = trouble.reason if trouble else str(status.phase)
    message = trouble.message if trouble else status.message
    found = [condition(READY, "True" if ready else "False", reason, message)]
    if trouble is not None:
        found.append(condition(STALLED, "True", trouble.reason, trouble.message))
    elif not ready:
        found.append(condition(RECONCILING, "True", str(status.phase), status.message))
    if not resting:
        weight = status.weight
        routed = weight.seen_since is not None or weight.seen == weight.wanted
        found.append(
            condition(
                TRAFFIC_ROUTED,
                "True" if routed else "False",
                "Accepted" if routed else "WaitingForRoute",
                f"{weight.wanted} % asked for",
            )
        )
    stable = situation.observed.stable
    if shares.by_pods(situation.spec) and stable is not None and stable.replicas:
        found.append(condition(WEIGHTS_REACHABLE, *_reachable(situation.spec, stable.replicas)))
    if not resting and (shrunk := _stable_shrunk(situation, status)) is not None:
        found.append(condition(STABLE_SIZED, "False", "StableShrunk", shrunk))
    if (measured := _experiment_measured(situation, status)) is not None:
        found.append(condition(EXPERIMENT_MEASURED, *measured))
    if (tracked := _config_tracked(situation)) is not None:
        found.append(condition(CONFIG_TRACKED, *tracked))
    return tuple(found)


def _reachable(spec: CanaryReleaseSpec, replicas: int) -> tuple[Literal["True", "False"], str, str]:
    """(status, reason, message): which steps can't have the share that they ask for."""
    beside = f"with {replicas} stable pod{'' if replicas == 1 else 's'}"
    missed = steps.missed(spec, replicas)
    if not missed:
        return "True", "EnoughPods", f"{beside} each step gets the share that it asks for"
    remedy = "have more pods, or change spec.steps"
    return "False", "TooFewPods", f"{beside} {', '.join(missed)}: {remedy}"


def _stable_shrunk(situation: Situation, status: CanaryReleaseStatus) -> str | None:
    """What to do about a stable that all traffic may return to, and that has lost pods."""
    stable, most = situation.observed.stable, status.stable_replicas
    if stable is None or stable.replicas >= most:
        return None
    return (
        f"stable has {stable.replicas} of the {most} replicas that it had in this release, and "
        "takes all traffic after a rollback or the promotion: give its HorizontalPodAutoscaler a "
        "behavior.scaleDown.stabilizationWindowSeconds as long as a release, or raise its "
        "minReplicas"
    )


def _experiment_measured(
    situation: Situation, status: CanaryReleaseStatus
) -> tuple[Literal["True", "False"], str, str] | None:
    """(status, reason, message): whether the data of the experiment that runs can be read."""
    known = experiments.reading(situation.spec, status)
    if known is None or known.looked_at is None:
        return None
    if known.problem:
        return "False", "NoData", f"Experiment {known.id}: {known.problem}"
    return "True", "DataRead", f"The data of experiment {known.id} are read"


def _config_tracked(situation: Situation) -> tuple[Literal["True", "False"], str, str] | None:
    """(status, reason, message). It blocks nothing, and nobody is asked for it."""
    stable, tracked = situation.observed.stable, situation.spec.tracked_config
    reads = stable.reads if stable is not None else ()
    if changing := mutable(reads, tracked):
        return "False", "MutableReferences", mutable_message(changing)
    if tracked and reads:
        names = ", ".join(f"{each.kind} {each.name}" for each in tracked)
        return "True", "Tracked", f"A change of {names} is a release"
    return None


def stalled_by(status: CanaryReleaseStatus) -> str:
    """For which reason the status says that it is stalled; '' if it doesn't."""
    return next((c.reason for c in status.conditions if c.type == STALLED), "")


def only_words_differ(before: CanaryReleaseStatus, after: CanaryReleaseStatus) -> bool:
    """Whether two statuses are the same but for what they tell people."""

    def facts(status: CanaryReleaseStatus) -> CanaryReleaseStatus:
        told = tuple(c.model_copy(update={"message": ""}) for c in status.conditions)
        return status.model_copy(update={"message": "", "conditions": told})

    return facts(before) == facts(after)
