"""What an experiment's spec can't mean."""

from collections import Counter
from collections.abc import Iterator

from linnet.api.experiment import (
    Condition,
    Experiment,
    ExperimentMetric,
    MetricKind,
    MetricState,
    Role,
    When,
)


def contradictions(spec: Experiment) -> tuple[str, ...]:
    """Each with the field and the remedy; none if all is well."""
    return (*_metrics(spec), *_time(spec), *_rules(spec))


def _metrics(spec: Experiment) -> Iterator[str]:
    for name, many in Counter(metric.name for metric in spec.metrics).items():
        if many > 1:
            yield f"metrics[{name}]: there are {many} of that name: give each its own"
    if not any(metric.role is Role.GOAL for metric in spec.metrics):
        yield "metrics: has no goal: set role to Goal for what the treatment is to make better"
    for metric in spec.metrics:
        if metric.kind is MetricKind.QUANTILE and metric.role is Role.GOAL:
            yield (
                f"metrics[{metric.name}]: a Quantile is between edges and has no p-value: set role "
                "to Guardrail, or measure a mean per user"
            )
        limit = metric.limit
        if limit is not None and (limit.below is None) == (limit.above is None):
            yield f"metrics[{metric.name}].limit: has either below or above: set exactly one"


def _time(spec: Experiment) -> Iterator[str]:
    if spec.minimum_duration > spec.duration:
        yield "minimumDuration: is longer than duration: shorten it"


def _rules(spec: Experiment) -> Iterator[str]:
    names = {metric.name for metric in spec.metrics}
    for rule in spec.rules:
        for condition in rule.conditions:
            for name in condition.metrics:
                if name not in names:
                    yield f"rules[{rule.name}]: there is no metric {name}"
    if spec.rules[-1].conditions or spec.rules[-1].when is not When.AT_END:
        yield (
            "rules: the last one must hold at the end whatever was measured: add one with a name "
            "and a result only"
        )


def candidates(spec: Experiment, condition: Condition) -> tuple[ExperimentMetric, ...]:
    """The metrics that a condition is about."""
    if condition.metrics:
        return tuple(metric for metric in spec.metrics if metric.name in condition.metrics)
    return tuple(metric for metric in spec.metrics if _about(metric, condition.state))


def _about(metric: ExperimentMetric, state: MetricState) -> bool:
    match state:
        case MetricState.BETTER:
            return metric.role is Role.GOAL
        case MetricState.FUTILE:
            return metric.role is Role.GOAL and metric.minimum_effect is not None
        case MetricState.MINIMUM_EFFECT:
            return metric.minimum_effect is not None
        case MetricState.NOT_WORSE:
            return metric.margin > 0
        case MetricState.WITHIN_LIMIT | MetricState.BEYOND_LIMIT:
            return metric.limit is not None
        case MetricState.WORSE:
            return True
