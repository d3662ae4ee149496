"""An experiment as a step of a release: what a user writes, and what status tells of it."""

from typing import Annotated

from pydantic import Field

from linnet.api.experiment import Experiment, ExperimentResult, MetricState, Plan
from linnet.api.rules import Spelled
from linnet.api.types import Model, Time


class StepExperiment(Plan):
    """An A/B experiment: users of the canary against users of stable, judged by what they do.

    The step's weight is the share of users who get the canary.
    """

    name: (
        Annotated[
            str,
            Field(max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
            Spelled("must have lower-case letters, digits and dashes only, no dash at an end"),
        ]
        | None
    ) = None
    """What the experiment is called. The CanaryRelease's name if left out. With a dash and the
    version it is the label experiment of the metrics, and the request header X-Experiment."""

    def at(self, weight: int) -> Experiment:
        """The experiment at a weight, in percent."""
        told = {name: getattr(self, name) for name in Plan.model_fields}
        return Experiment(treatment_percent=weight, **told)


UNDECIDED = frozenset({ExperimentResult.CONDITIONAL, ExperimentResult.STOPPED})
"""Ended without an answer: a person gives it."""


class ExperimentUsers(Model):
    """Users who take part."""

    control: int = 0
    """Of stable."""
    treatment: int = 0
    """Of the canary."""


class ExperimentFinding(Model):
    """What one metric says so far. Figures are in the unit that the spec is written in."""

    name: str
    """Name of the metric."""
    control: float | None = None
    """Its value for users of stable. Absent while there is none."""
    treatment: float | None = None
    """Its value for users of the canary."""
    effect: float | None = None
    """How the canary differs. Absent while that can't be told."""
    low: float | None = None
    """Lower end of the effect's interval, which may be read at any time. Absent without one."""
    high: float | None = None
    """Upper end."""
    states: tuple[MetricState, ...] = ()
    """What can be said, e.g. Better or WithinLimit."""


class ExperimentDecision(Model):
    """A person's word, which goes before the rules."""

    id: str
    """The id of its request."""
    result: ExperimentResult
    """Success, Failure or Stopped."""
    by: str = ""
    """Who: for Success and Failure as the API server knows them."""
    reason: str = ""
    """Why, in their own words."""
    at: Time
    """When."""


class ExperimentStatus(Model):
    """The experiment of the present release, or of the last one that had one."""

    id: str
    """The label experiment of the metrics, and the header X-Experiment: name and version."""
    revision: str
    """The version that is the treatment."""
    attempt: int = 1
    """How many times this version has been tried. From the second on the id has the number."""
    weight: int
    """Share of users who get the canary, in percent."""
    started_at: Time
    """When it began: users were divided, and the application told."""
    ended_at: Time | None = None
    """When it ended. Absent while it runs."""
    result: ExperimentResult = ExperimentResult.RUNNING
    """Running, Success, Conditional, Failure, Invalid or Stopped."""
    rule: str = ""
    """The rule that gave the result. Empty while it runs, and where no rule did."""
    message: str = ""
    """What it shows, and what it waits for."""
    users: ExperimentUsers = ExperimentUsers()
    """How many users take part."""
    metrics: tuple[ExperimentFinding, ...] = ()
    """What each metric says."""
    looked_at: Time | None = None
    """When the data were last asked for."""
    read_at: Time | None = None
    """Of when the last data are that could be read. Absent while there were none."""
    problem: str = ""
    """Why the last look gave no data. Empty if it gave some."""
    decided: ExperimentDecision | None = None
    """The word of a person, if one decided or stopped it."""
    recorded_at: Time | None = None
    """When its record was last kept, in the ConfigMap RELEASE-experiment-VERSION."""
