"""What a decision asks of the world. Each action may be repeated without harm.

The shell carries them out in the order given: on a rollback traffic comes first.
"""

from dataclasses import dataclass
from datetime import datetime

from linnet.experiment.record import Record


@dataclass(frozen=True)
class SetWeight:
    """Give the canary this share of traffic, in percent, and stable the rest.

    experiment: what the route tells the application to be in, by a request header; '' for none.
    """

    weight: int
    experiment: str = ""


@dataclass(frozen=True)
class RestoreRoute:
    """Take the canary out of the route, which then reads as the user wrote it."""


@dataclass(frozen=True)
class HoldStable:
    """Pause the Deployment's rollout: a changed template starts no pod."""


@dataclass(frozen=True)
class ResumeStable:
    """Resume the Deployment's rollout, only if its template still is `revision`.

    Where the revision names tracked config, the template's annotation names it too: so a change
    of content alone gives new pods as well.
    """

    revision: str


@dataclass(frozen=True)
class SettleStable:
    """Have all pods of the paused Deployment run this version, whatever its template is by now."""

    version: str


@dataclass(frozen=True)
class EnsureCanary:
    """Have the canary's Deployment and Service, made from the target's template `revision`.

    Where the revision names tracked config, the canary runs with a copy of that content.
    """

    revision: str
    replicas: int


@dataclass(frozen=True)
class RemoveCanary:
    """Remove the canary's Deployment and Service."""


@dataclass(frozen=True)
class WriteConfig:
    """Have what stable's pods read hold the content `config`, and a copy of that content."""

    config: str


@dataclass(frozen=True)
class RemoveCopies:
    """Remove the copies of tracked config, but those of the content `keep` ('' for none)."""

    keep: str = ""


@dataclass(frozen=True)
class KeepExperiment:
    """Keep the record of an experiment, for reports.

    record: as it stands, without the looks that are kept already. name: of its ConfigMap. fresh:
    the record's data were read in this look; else those that are kept stay.
    """

    record: Record
    name: str
    at: datetime
    fresh: bool


@dataclass(frozen=True)
class ReleaseStable:
    """Give up the Deployment: resumed at this revision, or left as it stands if empty."""

    revision: str = ""


@dataclass(frozen=True)
class LetGo:
    """Take the operator's finalizer off: the resource may go."""


Action = (
    SetWeight
    | RestoreRoute
    | HoldStable
    | ResumeStable
    | SettleStable
    | EnsureCanary
    | RemoveCanary
    | WriteConfig
    | RemoveCopies
    | KeepExperiment
    | ReleaseStable
    | LetGo
)
