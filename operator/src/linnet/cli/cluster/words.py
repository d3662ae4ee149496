"""What all views of a release have in common: phases and verdicts in colour, spans, revisions."""

from datetime import datetime, timedelta

from rich.text import Text

from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core.transitions import RESTING

PHASES = {
    Phase.PROMOTED: "green",
    Phase.PROGRESSING: "cyan",
    Phase.STARTING: "cyan",
    Phase.PROMOTING: "cyan",
    Phase.RETURNING: "cyan",
    Phase.ROLLING_BACK: "red",
    Phase.ROLLED_BACK: "red",
    Phase.PENDING: "yellow",
}
DECISIONS = {
    DecisionKind.ROLLED_BACK: "red",
    DecisionKind.STALLED: "yellow",
    DecisionKind.HELD: "yellow",
    DecisionKind.PROMOTED: "green",
    DecisionKind.ADVANCED: "green",
}
VERDICTS = {
    "Pass": "green",
    "Clear": "green",
    "Breach": "red",
    "Hold": "yellow",
    "NoData": "yellow",
    "Error": "yellow",
    "SharedIncident": "yellow",
    "Invalid": "yellow",
}


def phase(status: CanaryReleaseStatus) -> Text:
    """The phase in its colour."""
    return Text(status.phase, PHASES.get(status.phase, ""))


def at_rest(status: CanaryReleaseStatus) -> bool:
    """Whether stable serves everything and nothing is under way."""
    return status.phase in RESTING


def span(length: timedelta) -> str:
    """A span in its two largest units, e.g. 2d4h, 3m10s or 8s."""
    left = max(0, round(length.total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count}{unit}")
    while len(parts) > 1 and parts[-1].startswith("0"):
        parts.pop()
    return "".join(parts[:2]) or "0s"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago; – where that is not known."""
    return "–" if since is None else span(now - since)


def moment(at: datetime, now: datetime) -> str:
    """A time for people, in their own zone; with its day where that isn't today."""
    here, today = at.astimezone(), now.astimezone()
    same = here.date() == today.date()
    return f"{here:%H:%M:%S}" if same else f"{here:%Y-%m-%d %H:%M:%S}"
