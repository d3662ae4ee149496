"""An A/B experiment as a user writes it: metrics, time, and the rules that decide.

Figures are in the metric's own unit; those of shares are percent and percentage points, and those
of relative effects percent.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from linnet.api.rules import Span, Spelled, rules
from linnet.api.types import DURATION_PATTERN, Duration, Model

METRICS_LIMIT = 16
"""What more there is makes each claim weaker. The API server bounds the cost of rules by it."""

MetricName = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="The name of a metric, as in the data.",
    ),
    Spelled("must begin with a letter, and have letters, digits and underscores only"),
]


class MetricKind(StrEnum):
    """What a metric is of a variant's users."""

    PROPORTION = "Proportion"
    MEAN = "Mean"
    RATIO = "Ratio"
    QUANTILE = "Quantile"


class Role(StrEnum):
    """What a metric is there for."""

    GOAL = "Goal"
    GUARDRAIL = "Guardrail"


class Better(StrEnum):
    """Which way is better."""

    HIGHER = "Higher"
    LOWER = "Lower"


class EffectScale(StrEnum):
    """How an effect is written."""

    ABSOLUTE = "Absolute"
    RELATIVE = "Relative"


class ValueLimit(Model):
    """What the treatment's own value must be; set one of both."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.below) != has(self.above)",
                "limit has either below or above: set exactly one",
            ),
        )
    )

    below: float | None = None
    """It must be below this."""
    above: float | None = None
    """It must be above this."""


class ExperimentMetric(Model):
    """One metric, measured per user."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.kind != 'Quantile' || self.role == 'Guardrail'",
                "a Quantile is between edges and has no p-value: set role to Guardrail, or measure "
                "a mean per user",
            ),
        )
    )

    name: MetricName
    """Its name, as in the data."""
    kind: MetricKind = MetricKind.PROPORTION
    """Proportion: the share of users with an outcome. Mean: the mean of a number per user. Ratio: a
    sum by another, e.g. failed by all requests, with users as the unit. Quantile: of what users do
    many times, out of how much of it is beyond some edges; a guardrail only."""
    role: Role = Role.GOAL
    """Goal: may show a success; all goals share one chance of a false claim. Guardrail: must not
    get worse."""
    better: Better = Better.HIGHER
    """Whether Higher or Lower is better."""
    effect: EffectScale = EffectScale.ABSOLUTE
    """Absolute: treatment less control. Relative: in percent of control."""
    unit: Annotated[str, Field(max_length=15)] = ""
    """Shown behind values. With % values are shares, shown and written in percent; a Proportion
    always is."""
    minimum_effect: Annotated[float, Field(gt=0)] | None = None
    """The smallest effect that is worth a release."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse is still acceptable. A guardrail has to be shown to be worse by less."""
    limit: ValueLimit | None = None
    """What the treatment's own value must be, whatever control's is."""
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Which quantile, with kind Quantile."""


class MetricState(StrEnum):
    """What can be said of a metric."""

    BETTER = "Better"
    WORSE = "Worse"
    MINIMUM_EFFECT = "MinimumEffect"
    NOT_WORSE = "NotWorse"
    FUTILE = "Futile"
    WITHIN_LIMIT = "WithinLimit"
    BEYOND_LIMIT = "BeyondLimit"


class Condition(Model):
    """Of so many metrics something has to be said."""

    state: MetricState
    """Better: shown to be better than control. Worse: shown to be worse by more than margin.
    MinimumEffect: measured to be better by minimumEffect. NotWorse: shown to be worse by less than
    margin. Futile: shown not to have minimumEffect, or without a chance to show it. WithinLimit:
    the treatment's value is measured to keep limit. BeyondLimit: it is shown not to."""
    metrics: Annotated[tuple[MetricName, ...], Field(max_length=METRICS_LIMIT)] = ()
    """Names of those that count. If left out: for Better all goals, for Futile those with a
    minimumEffect, for Worse all metrics, for the others all that have a minimumEffect, a margin
    or a limit."""
    at_least: Annotated[int, Field(ge=1)] | None = None
    """How many of them, or all where there are fewer. All if left out."""


class Result(StrEnum):
    """What becomes of the treatment."""

    SUCCESS = "Success"
    CONDITIONAL = "Conditional"
    FAILURE = "Failure"


class ExperimentResult(StrEnum):
    """What has come of an experiment so far."""

    RUNNING = "Running"
    """No rule holds yet."""
    SUCCESS = "Success"
    """The treatment goes on to all users."""
    CONDITIONAL = "Conditional"
    """The time is over, and something is missing: a person decides."""
    FAILURE = "Failure"
    """The treatment is rolled back."""
    INVALID = "Invalid"
    """Users were not drawn as planned, so no figure is to be trusted: it is rolled back."""
    STOPPED = "Stopped"
    """A person ended it before its time: a person decides."""


class When(StrEnum):
    """When a rule may decide."""

    ANY_TIME = "AnyTime"
    AFTER_MINIMUM = "AfterMinimum"
    AT_END = "AtEnd"


class ResultRule(Model):
    """A result, and what it takes. The first rule of which all conditions hold decides."""

    name: Annotated[str, Field(max_length=63)]
    """Named in the report."""
    result: Result
    """Success promotes, Conditional holds for a person, Failure rolls back."""
    when: When = When.AT_END
    """AnyTime, AfterMinimum (from minimumDuration on) or AtEnd (from duration on)."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=6)] = ()
    """All of them have to hold. None: the rule always holds."""


class Correction(StrEnum):
    """How goals share the chance of a false claim."""

    HOLM = "Holm"
    BONFERRONI = "Bonferroni"
    E_BH = "EBH"


def _all(state: MetricState, *metrics: str) -> Condition:
    return Condition(state=state, metrics=metrics)


def _some(state: MetricState, many: int = 1) -> Condition:
    return Condition(state=state, at_least=many)


DEFAULT_RULES = (
    ResultRule(
        name="harm",
        result=Result.FAILURE,
        when=When.ANY_TIME,
        conditions=(_some(MetricState.WORSE),),
    ),
    ResultRule(
        name="limitBroken",
        result=Result.FAILURE,
        when=When.ANY_TIME,
        conditions=(_some(MetricState.BEYOND_LIMIT),),
    ),
    ResultRule(
        name="success",
        result=Result.SUCCESS,
        when=When.AFTER_MINIMUM,
        conditions=(
            _some(MetricState.BETTER),
            _some(MetricState.MINIMUM_EFFECT, 2),
            _all(MetricState.WITHIN_LIMIT),
            _all(MetricState.NOT_WORSE),
        ),
    ),
    ResultRule(
        name="futile",
        result=Result.FAILURE,
        when=When.AFTER_MINIMUM,
        conditions=(_all(MetricState.FUTILE),),
    ),
    ResultRule(name="unproven", result=Result.CONDITIONAL),
)
"""At least one goal shown to be better, two with the effect that was asked for, all limits kept."""

DEFAULT_METRICS = (
    ExperimentMetric(name="adoption", minimum_effect=10),
    ExperimentMetric(
        name="duration",
        kind=MetricKind.RATIO,
        effect=EffectScale.RELATIVE,
        unit="s",
        minimum_effect=100,
    ),
    ExperimentMetric(name="completion", kind=MetricKind.RATIO, unit="%", minimum_effect=5),
    ExperimentMetric(name="satisfaction", kind=MetricKind.RATIO, minimum_effect=0.2),
    ExperimentMetric(name="return_rate"),
    ExperimentMetric(
        name="error_rate",
        kind=MetricKind.RATIO,
        better=Better.LOWER,
        unit="%",
        limit=ValueLimit(below=0.5),
    ),
    ExperimentMetric(
        name="slow_requests",
        kind=MetricKind.QUANTILE,
        role=Role.GUARDRAIL,
        better=Better.LOWER,
        unit="s",
        limit=ValueLimit(below=0.1),
    ),
)
"""Six business metrics, and the response time as a guardrail."""


_DURATIONS = f"[self.duration, self.minimumDuration].all(d, d.matches(r'{DURATION_PATTERN}'))"
"""CEL: the durations are ones. Those that aren't have a message of their own."""


class Plan(Model):
    """An experiment whose treatment's share of users is told elsewhere."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"!{_DURATIONS} || duration(self.minimumDuration) <= duration(self.duration)",
                "minimumDuration must not be longer than duration: shorten it",
            ),
            (
                "self.metrics.all(a, self.metrics.exists_one(b, a.name == b.name))",
                "metrics must have different names: give each its own",
            ),
            (
                "self.metrics.exists(metric, metric.role == 'Goal')",
                "metrics has no goal: set role to Goal for what the treatment is to make better",
            ),
            (
                "self.rules.all(rule, !has(rule.conditions) || rule.conditions.all(condition, "
                "!has(condition.metrics) || condition.metrics.all(name, "
                "self.metrics.exists(metric, metric.name == name))))",
                "rules[].conditions[].metrics names a metric that isn't in metrics: correct the "
                "name, or add the metric",
            ),
            (
                "self.rules.size() == 0 || (self.rules[self.rules.size() - 1].when == 'AtEnd' && "
                "self.rules[self.rules.size() - 1].?conditions.orValue([]).size() == 0)",
                "the last rule must hold at the end whatever was measured: add one with a name "
                "and a result only",
            ),
        )
    )

    hypothesis: Annotated[str, Field(max_length=500)] = ""
    """What the treatment changes, and what that is hoped to do. Told in the report."""
    audience: Annotated[str, Field(max_length=200)] = "all users"
    """Whose experiment it is. Told in the report."""
    duration: Annotated[Duration, Span("1m", why="users need time to come")] = timedelta(days=14)
    """Planned time. The intervals are narrowest at its end."""
    minimum_duration: Duration = timedelta(days=7)
    """Time before which nothing is called a success: whole weeks, as weekdays differ."""
    confidence_percent: Annotated[float, Field(ge=50, lt=100)] = 95.0
    """Confidence of intervals and claims: of all goals together, however often one looks."""
    power_percent: Annotated[float, Field(ge=50, lt=100)] = 80.0
    """Chance to show an effect of minimumEffect that plans are made for."""
    correction: Correction = Correction.HOLM
    """How goals share the chance of a false claim. Holm and Bonferroni: the chance of any is kept.
    EBH: the share of false ones among all claims is."""
    metrics: Annotated[
        tuple[ExperimentMetric, ...], Field(min_length=1, max_length=METRICS_LIMIT)
    ] = DEFAULT_METRICS
    """What is measured."""
    rules: Annotated[tuple[ResultRule, ...], Field(min_length=1, max_length=8)] = DEFAULT_RULES
    """What decides. The first rule that holds does."""


class Experiment(Plan):
    """Stable as control against the canary as treatment, judged by what users do."""

    treatment_percent: Annotated[float, Field(gt=0, lt=100)] = 50.0
    """Share of users who get the treatment."""
