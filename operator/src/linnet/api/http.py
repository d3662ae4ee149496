"""What the HTTP API takes and answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Condition, HistoryEntry, MetricStatus, Phase
from linnet.api.types import Model

PLACE = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class Named(Model):
    """A release by its place."""

    model_config = ConfigDict(extra="forbid")

    namespace: Annotated[str, Field(max_length=63, pattern=PLACE)]
    """Its namespace."""
    name: Annotated[str, Field(max_length=63, pattern=PLACE)]
    """Its name."""


class Act(Named):
    """Something to do with a release."""

    reason: Annotated[str, Field(max_length=500)] = ""
    """Why, for the history."""


class Enable(Act):
    """Go on to a share of traffic."""

    traffic_percentage: Annotated[int, Field(ge=1, le=100)]
    """The canary's share of traffic, in percent: the weight of a step that lies ahead."""


class Promote(Act):
    """Go on without waiting."""

    full: bool = False
    """Past all steps that are left, with the promotion."""


class Approve(Act):
    """Approve the present step."""

    revision: Annotated[str, Field(max_length=253)] = ""
    """The version that is meant. Another one isn't approved then."""


class Suspended(Model):
    """Whether a release is frozen."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    suspend: bool
    """Frozen: no step is taken; rollback stays armed."""


class Summary(Model):
    """A release in a line."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    phase: str = Phase.PENDING
    """Where it is."""
    progress: str = ""
    """The present step of all, e.g. 2/4."""
    weight: int = 0
    """The canary's share of traffic that is wanted, in percent."""
    stable_revision: str = ""
    """The version that stable runs."""
    canary_revision: str = ""
    """The version under release, or the last one released."""
    suspend: bool = False
    """Frozen by a person."""
    message: str = ""
    """What is going on."""


class Summaries(Model):
    """Releases by namespace and name."""

    items: tuple[Summary, ...]
    """The releases."""


class Detail(Model):
    """All of a release."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    spec: CanaryReleaseSpec
    """What is asked for."""
    status: CanaryReleaseStatus
    """What it is doing."""


class Reading(MetricStatus):
    """A check's last measurement, with its limits."""

    unit: str = ""
    """The unit of the value and of the limits."""
    goes_on_at_most: float | None = None
    """The release goes on up to this value."""
    goes_on_at_least: float | None = None
    """The release goes on from this value on."""
    rolls_back_above: float | None = None
    """The release ends above this value."""
    rolls_back_below: float | None = None
    """The release ends below this value."""


class Readings(Model):
    """What was measured last."""

    items: tuple[Reading, ...]
    """The checks, in the spec's order."""


class Decisions(Model):
    """What was decided."""

    items: tuple[HistoryEntry, ...]
    """The last decisions, newest first."""


class Health(Model):
    """Whether anything is wrong with a release."""

    healthy: bool
    """Nothing is."""
    phase: Phase
    """Where it is."""
    problems: tuple[str, ...]
    """What is wrong, in words."""
    conditions: tuple[Condition, ...]
    """The conditions of its status."""


class SlaState(StrEnum):
    """How a value stands to its limits."""

    MET = "Met"
    """Within the advance limit."""
    AT_RISK = "AtRisk"
    """Between the advance limit and the rollback limit."""
    VIOLATED = "Violated"
    """Beyond the rollback limit."""
    UNKNOWN = "Unknown"
    """There is no value."""


class Objective(Model):
    """One limit, and how it is kept."""

    name: str
    """The check."""
    state: SlaState
    """Met, AtRisk, Violated or Unknown."""
    value: float | None = None
    """The last value."""
    limit: float
    """The rollback limit."""
    unit: str = ""
    """The unit of both."""
    used_percent: float | None = None
    """How much of the limit is used, in percent. Absent for limits that are kept from above."""


class Sla(Model):
    """How a canary keeps its limits."""

    state: SlaState
    """The worst of them."""
    items: tuple[Objective, ...]
    """Each limit."""


class Rights(Model):
    """Who asks, and what they may do with a release."""

    user: str
    """Whom the cluster knows them as."""
    verbs: tuple[str, ...]
    """The verbs that they hold on it, of those that the API goes by."""


class Problem(Model):
    """Why a request was not carried out (RFC 9457)."""

    type: str
    """Where that is explained."""
    title: str
    """The HTTP status in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong, and what helps."""
