"""What the report of a release says. `linnet.review.reporting` makes it."""

from enum import StrEnum

from linnet.api.alerts import AlertStatus
from linnet.api.approvals import Approval
from linnet.api.comparison import FindingStatus
from linnet.api.experiment import Experiment
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.status import DecisionKind, Verdict
from linnet.api.types import Model, Time


class Outcome(StrEnum):
    """How a release ended."""

    UNDER_WAY = "UnderWay"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    REVERTED = "Reverted"
    UNKNOWN = "Unknown"
    """It is over, and the decision that ended it is not kept any more."""


class Stage(Model):
    """A time in which the canary was to have one share of traffic."""

    what: str
    """Starting, Progressing, Promoting, Returning or RollingBack."""
    weight: int
    """The canary's share, in percent."""
    since: Time
    until: Time | None = None
    """Absent while it lasts, and where its end is not kept."""


class Measured(Model):
    """A value at a moment."""

    at: Time
    value: float


class Checked(Model):
    """One check: its limits, the last measurement that decided, and what Prometheus still has."""

    name: str
    unit: str
    goes_on_at_most: float | None = None
    goes_on_at_least: float | None = None
    rolls_back_above: float | None = None
    rolls_back_below: float | None = None
    goes_on: str
    """The limit in words."""
    rolls_back: str
    verdict: Verdict | None = None
    """Of the last measurement. Absent where that is not kept."""
    value: float | None = None
    message: str = ""
    samples: tuple[Measured, ...] = ()
    """What its query gives of the time of the release."""

    def is_beyond(self, value: float) -> bool:
        """Whether a value is beyond the limit that rolls back."""
        above, below = self.rolls_back_above, self.rolls_back_below
        return (above is not None and value > above) or (below is not None and value < below)

    @property
    def worst(self) -> float | None:
        """The sample nearest to the rollback limit, or furthest beyond it."""
        values = [sample.value for sample in self.samples]
        pick = max if self.rolls_back_above is not None else min
        return pick(values, default=None)


class Decided(Model):
    """One decision."""

    at: Time
    decision: DecisionKind
    reason: str
    message: str
    rule: str
    """The rule that it was made by, in words."""
    asked_by: str
    """A person, an alert, or the policy."""
    weight: int
    """The canary's share before it, in percent."""


class Times(Model):
    """When it happened, and how long it took. Each is absent where it is not known."""

    started_at: Time | None = None
    exposed_at: Time | None = None
    """When the canary was first given traffic."""
    first_sign_at: Time | None = None
    """When the breach that ended it was first measured, or the alert that did so began."""
    decided_at: Time | None = None
    """When the end was decided."""
    ended_at: Time | None = None
    """When that was done: after a rollback the canary had drained and was gone."""
    exposed_seconds: float | None = None
    """From the canary's first traffic to the decision."""
    detection_seconds: float | None = None
    """From the first sign to the decision."""
    ending_seconds: float | None = None
    """From the decision to its end."""


class Report(Model):
    """All that is known of one release."""

    namespace: str
    name: str
    target: str
    """The Deployment."""
    written_at: Time
    revision: str
    """The version that was released."""
    stable_revision: str = ""
    """The version that stable ran before. Empty where that is not kept."""
    images: tuple[str, ...] = ()
    """The images of the version. Empty where the Deployment asks for another one by now."""
    outcome: Outcome
    reason: str = ""
    """Of the decision that ended it."""
    message: str
    """Why it ended, or what it waits for."""
    asked_by: str = ""
    """Who ended it: a person, an alert, or the policy."""
    times: Times
    stages: tuple[Stage, ...] = ()
    checks: tuple[Checked, ...] = ()
    findings: tuple[FindingStatus, ...] = ()
    """Of the comparison with stable."""
    experiment: ExperimentStatus | None = None
    """How the version's experiment ended, or stands. Absent where it had none."""
    experiment_asked: Experiment | None = None
    """What the spec asks of experiments now."""
    decisions: tuple[Decided, ...] = ()
    """In the order of time."""
    alerts: tuple[AlertStatus, ...] = ()
    approvals: tuple[Approval, ...] = ()
    missing: tuple[str, ...] = ()
    """What is not known, and why."""
