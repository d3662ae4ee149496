"""`CanaryRelease.status`: what a user reads, and all that the operator remembers."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from linnet.api.alerts import ALERTS_LIMIT, AlertStatus
from linnet.api.approvals import APPROVALS_LIMIT, Approval
from linnet.api.comparison import ComparisonStatus
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.request import RequestStatus
from linnet.api.types import Model, Time

HISTORY_LIMIT = 20


class Phase(StrEnum):
    """Where a release is. `linnet.core.transitions` says which phase may follow which."""

    PENDING = "Pending"
    """Not guarding yet: the Deployment, its Service or the route can't be used as they are."""
    IDLE = "Idle"
    """Guarding. Stable serves, and there is nothing to release."""
    STARTING = "Starting"
    """The canary's pods are coming up, without traffic."""
    PROGRESSING = "Progressing"
    """The canary takes its step's share of traffic and is measured."""
    PROMOTING = "Promoting"
    """The canary serves all traffic while stable takes over the new version."""
    RETURNING = "Returning"
    """Stable has the new version; traffic returns to it and the canary drains."""
    ROLLING_BACK = "RollingBack"
    """Traffic is back on stable; the canary drains."""
    PROMOTED = "Promoted"
    """The last release was promoted. Stable serves it."""
    ROLLED_BACK = "RolledBack"
    """The last release was rolled back. Its version isn't tried again until the template or the
    tracked config changes, or somebody asks for another try."""


class Verdict(StrEnum):
    """What one measurement says about one check."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    """Within the advance limit."""
    HOLD = "Hold"
    """Between the advance limit and the rollback limit."""
    BREACH = "Breach"
    """Beyond the rollback limit."""
    NO_DATA = "NoData"
    """The query worked and gave no number."""
    ERROR = "Error"
    """The query failed."""
    SKIPPED = "Skipped"
    """The check can't apply, e.g. memory where the containers have no memory limit."""


class DecisionKind(StrEnum):
    """The kinds of decision that the history, events and logs record."""

    ADOPTED = "Adopted"
    STARTED = "Started"
    ADVANCED = "Advanced"
    HELD = "Held"
    STALLED = "Stalled"
    PROMOTING = "Promoting"
    EXPERIMENT = "Experiment"
    RETURNED = "Returned"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    REVERTED = "Reverted"
    RELEASED = "Released"
    REQUESTED = "Requested"
    REFUSED = "Refused"


class Condition(Model):
    """A condition by the Kubernetes API conventions."""

    type: str
    """Ready, Reconciling, Stalled, TrafficRouted, WeightsReachable, ConfigTracked, StableSized, or
    ExperimentMeasured."""
    status: Literal["True", "False", "Unknown"]
    """True, False or Unknown."""
    reason: str
    """One CamelCase word for programs."""
    message: str
    """A sentence for people."""
    last_transition_time: Time
    """When the status last changed."""
    observed_generation: int
    """Generation of the spec that this speaks of."""


class WeightStatus(Model):
    """The canary's share of traffic, in percent."""

    wanted: Annotated[int, Field(ge=0, le=100)] = 0
    """Share that the operator asked for."""
    seen: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share that the route reports as accepted. Absent while it has not, or while the route's
    rules differ. With provider Replicas the share of the pods behind the Service, as its
    endpoints have it."""
    seen_since: Time | None = None
    """Since when the share seen has been the share wanted, or as near to it as pods can come. The
    step's clock starts here."""
    generation: int = 0
    """Generation of the route that the clock runs for. Another one starts it again."""


class MetricStatus(Model):
    """The last measurement of one check, and its counts."""

    name: str
    """Name of the check."""
    value: float | None = None
    """Last value, in the check's unit."""
    verdict: Verdict
    """Pass, Hold, Breach, NoData, Error or Skipped."""
    message: str = ""
    """The value and the limit that it was compared with, in words."""
    measured_at: Time
    """When it was measured."""
    breaches: int = 0
    """Breaches in a row."""
    passes: int = 0
    """Measurements in a row within the advance limit, at the present weight, after one full
    query window."""


class HistoryEntry(Model):
    """One decision: what was decided, on which ground, by which rule."""

    at: Time
    """When it was decided."""
    decision: DecisionKind
    """What was decided."""
    reason: str
    """The rule, as one CamelCase word, e.g. ErrorRateBreached."""
    message: str
    """What was measured, against which limit, and what follows."""
    weight: int
    """The canary's share of traffic that was wanted before the decision, in percent."""
    step: int | None = None
    """The step it was decided in, from 1."""
    revision: str = ""
    """The version it is about: a hash of the pod template, and one of the tracked config if any."""


class Absence(Model):
    """A time in which the operator did not look at the release."""

    since: Time
    """When it had last looked."""
    until: Time
    """When it looked again."""


class CanaryReleaseStatus(Model):
    """What the release is doing, and why."""

    observed_generation: int = 0
    """Generation of the spec that was last acted on."""
    phase: Phase = Phase.PENDING
    """Pending, Idle, Starting, Progressing, Promoting, Returning, RollingBack, Promoted or
    RolledBack."""
    phase_since: Time | None = None
    """When the phase began."""
    step: int | None = None
    """The present step, from 1."""
    step_since: Time | None = None
    """When the present step was entered."""
    progress: str = ""
    """The present step of all, e.g. 2/4."""
    weight: WeightStatus = WeightStatus()
    """The canary's share of traffic, wanted and seen."""
    stable_revision: str = ""
    """The version that stable runs: a hash of its pod template, and one of the tracked config that
    its pods read if any."""
    canary_revision: str = ""
    """The version under release, or the last one released."""
    started_at: Time | None = None
    """When the release of that version started."""
    stable_replicas: int = 0
    """Most replicas that stable was asked to have since then. The canary's size follows it."""
    failed_revision: str = ""
    """The version that was rolled back. It isn't tried again until the template or the tracked
    config changes, or somebody asks for another try."""
    watched_at: Time | None = None
    """When the operator last looked, within half a minute. Only while a deadline runs."""
    absences: tuple[Absence, ...] = ()
    """When it didn't look for long. That time doesn't count against the deadlines."""
    analysed_at: Time | None = None
    """When the checks were last measured."""
    metrics: tuple[MetricStatus, ...] = ()
    """Each check's last measurement."""
    comparison: ComparisonStatus | None = None
    """What the comparison with stable has found."""
    experiment: ExperimentStatus | None = None
    """The experiment of the present release, or of the last one that had one."""
    request: RequestStatus | None = None
    """The last request of a person, and what became of it."""
    approvals: Annotated[tuple[Approval, ...], Field(max_length=APPROVALS_LIMIT)] = ()
    """The last approvals, newest last. One counts for its version in its step, until it expires."""
    alerts: Annotated[tuple[AlertStatus, ...], Field(max_length=ALERTS_LIMIT)] = ()
    """The alerts that were heard of, newest last. An alert acts once."""
    message: str = ""
    """What is going on, in one sentence."""
    conditions: tuple[Condition, ...] = ()
    """Ready, Reconciling and Stalled as kstatus understands them, TrafficRouted during a release,
    WeightsReachable with provider Replicas, and ConfigTracked: False where stable's pods read
    content that can change without a release. StableSized: False while stable has fewer replicas
    than it had in this release. ExperimentMeasured: during an experiment, False while its data
    can't be read."""
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=HISTORY_LIMIT)] = ()
    """The last decisions, newest last."""
