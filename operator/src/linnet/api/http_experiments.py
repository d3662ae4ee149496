"""What the HTTP API takes and answers about experiments."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from linnet.api.experiment import Experiment, ExperimentResult, MetricState, Role
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.http import Act
from linnet.api.types import Model, Time


class Decide(Act):
    """Decide what becomes of an experiment, whatever its rules say."""

    result: Literal["Success", "Failure"]
    """Success lets the release go on, Failure rolls it back."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Why, for the history and the report."""
    revision: Annotated[str, Field(max_length=253)] = ""
    """The version that is meant. Nothing is decided about another one then."""


class ExperimentSummary(Model):
    """An experiment in a line."""

    namespace: str
    """The namespace of its release."""
    name: str
    """The name of its release."""
    id: str
    """What tells its users and sums from others': the label of its metrics."""
    revision: str
    """The version that is the treatment."""
    result: str = ExperimentResult.RUNNING
    """Running, Success, Conditional, Failure, Invalid or Stopped."""
    control_users: int = 0
    """Users of stable who take part."""
    treatment_users: int = 0
    """Users of the canary who take part."""
    message: str = ""
    """What it shows, and what it waits for."""


class ExperimentSummaries(Model):
    """The latest experiment of each release that had one."""

    items: tuple[ExperimentSummary, ...]
    """The experiments, by namespace and name."""


class ExperimentDetail(Model):
    """An experiment: what is asked, and how it stands."""

    namespace: str
    """The namespace of its release."""
    name: str
    """The name of its release."""
    control: str
    """The version that is the control."""
    experiment: Experiment | None = None
    """What is asked for. Absent where the release's steps don't ask for one any more."""
    status: ExperimentStatus
    """How it stands."""


class MetricResult(Model):
    """What a metric says. Figures are in the unit that the spec is written in."""

    name: str
    """Its name."""
    role: Role
    """Goal or Guardrail."""
    unit: str = ""
    """The unit of its values."""
    users: float
    """Users of both variants that it is measured on."""
    control: float | None = None
    """Its value for users of stable. Absent without data."""
    treatment: float | None = None
    """Its value for users of the canary."""
    effect: float | None = None
    """How the canary differs."""
    low: float | None = None
    """Lower end of the effect's interval, which may be read at any time. Absent without one."""
    high: float | None = None
    """Upper end."""
    p_value: float
    """Chance of such an effect at any look if there were none."""
    adjusted: float
    """The same, for all goals together."""
    states: tuple[MetricState, ...] = ()
    """What can be said, e.g. Better or WithinLimit."""
    told: str = ""
    """The same in words, the gravest first."""


class RuleResult(Model):
    """What a rule saw."""

    name: str
    """Its name."""
    result: str
    """What it gives."""
    in_time: bool
    """Whether it may decide by now."""
    holds: bool
    """Whether all its conditions hold."""
    told: str = ""
    """Its conditions in words."""


class ExperimentResults(Model):
    """What an experiment shows, by the data that were last kept."""

    id: str
    """The label of its metrics."""
    revision: str
    """The version that is the treatment."""
    result: ExperimentResult
    """Running, Success, Conditional, Failure, Invalid or Stopped."""
    why: str
    """What gave the result: a rule, a mismatch or a person."""
    advice: str
    """What to do."""
    started_at: Time
    """When it began."""
    until: Time
    """Of when the data are."""
    ended_at: Time | None = None
    """When it ended. Absent while it runs."""
    control_users: float
    """Users of stable who take part."""
    treatment_users: float
    """Users of the canary who take part."""
    mismatch_p: float
    """Chance of such shares of users at any look, if they are drawn as planned."""
    metrics: tuple[MetricResult, ...]
    """Each metric, in the spec's order."""
    rules: tuple[RuleResult, ...]
    """Each rule, in the spec's order."""
    warnings: tuple[str, ...]
    """What there is to doubt."""


class ExperimentReport(Model):
    """The whole report as data: what `linnet experiment read -o json` gives, with these fields."""

    model_config = ConfigDict(extra="allow")

    name: str
    """The label of its metrics."""
    result: ExperimentResult
    """Running, Success, Conditional, Failure, Invalid or Stopped."""
    advice: str
    """What to do."""
    why: str
    """What gave the result: a rule, a mismatch or a person."""


class Point(Model):
    """A metric's effect at a look."""

    name: str
    """The metric."""
    effect: float | None = None
    """How the canary differed. Absent without data."""
    low: float | None = None
    """Lower end of the interval."""
    high: float | None = None
    """Upper end."""


class LookResult(Model):
    """What was known at a moment."""

    at: Time
    """When."""
    control_users: float
    """Users of stable who took part."""
    treatment_users: float
    """Users of the canary who took part."""
    metrics: tuple[Point, ...]
    """Each metric."""


class Series(Model):
    """How an experiment's results came about."""

    items: tuple[LookResult, ...]
    """Looks, oldest first: at most 400, evenly over its time."""


class SegmentResult(Model):
    """A metric's effect on the users of a segment."""

    name: str
    """The segment."""
    users: float
    """How many they are, of both variants."""
    measured: float | None = None
    """The effect on them."""
    drawn: float | None = None
    """The same, drawn towards the whole as far as segments differ by chance."""
    differs: float
    """Chance of such a difference to all others if there were none."""


class Division(Model):
    """A metric by one dimension."""

    metric: str
    """The metric."""
    dimension: str
    """What users are told apart by."""
    whole: float | None = None
    """The effect on all."""
    reversed: bool
    """Whether the segments tell the opposite of the whole."""
    segments: tuple[SegmentResult, ...]
    """The segments."""


class DayResult(Model):
    """A metric's effect on a day."""

    metric: str
    """The metric."""
    day: int
    """The day of the experiment, from 1."""
    effect: float | None = None
    """The effect, of what users did on that day."""
    low: float | None = None
    """Lower end of its 95 % interval, for that day alone."""
    high: float | None = None
    """Upper end."""


class Segments(Model):
    """An experiment by segment and by day: to understand, not to decide."""

    items: tuple[Division, ...]
    """Each metric by each dimension that has at least two segments."""
    days: tuple[DayResult, ...]
    """Each metric by day."""
