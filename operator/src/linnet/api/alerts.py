"""What an alert does to a release: the rules that a user writes, and what status remembers."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from linnet.api.rules import Spelled
from linnet.api.types import Model, Time

ALERTS_LIMIT = 20

MATCHER_PATTERN = (
    r'^[a-zA-Z_][a-zA-Z0-9_]{0,62}(=|!=)"[^"\\]*"$'
    r'|^[a-zA-Z_][a-zA-Z0-9_]{0,62}(=~|!~)"([-a-zA-Z0-9 _:/@%|]|\.\*|\.)*"$'
)
"""The regular expressions are those that no label can make slow: words, `.*` and `|`."""

Matcher = Annotated[
    str,
    Field(
        max_length=200,
        pattern=MATCHER_PATTERN,
        description='One label, what it has to be, as in Alertmanager, e.g. severity="critical".',
    ),
    Spelled(
        'must be a matcher as in Alertmanager, e.g. severity="critical" or team=~"shop|cart.*": '
        "=, !=, =~ or !~, the value in double quotes; in =~ and !~ letters, digits, spaces, "
        "-_:/@%. and .* and | only"
    ),
]


class AlertAction(StrEnum):
    """What an alert does to a release that is under way."""

    ROLLBACK = "Rollback"
    """All traffic to stable, at once, as after a breach."""
    FREEZE = "Freeze"
    """No further step until the alert is resolved, or somebody asks for Promote."""
    RECORD = "Record"
    """Nothing. Status remembers the alert."""


class AlertRule(Model):
    """What some alerts do."""

    matchers: Annotated[tuple[Matcher, ...], Field(min_length=1, max_length=10)]
    """What the alert's labels have to be, all of it, written as in Alertmanager, e.g.
    severity="critical". A label that the alert doesn't have counts as empty."""
    action: AlertAction
    """Rollback: all traffic to stable, at once. Freeze: no further step until the alert is
    resolved, or somebody asks for Promote. Record: nothing moves, status remembers the alert."""


class AlertOutcome(StrEnum):
    """What an alert did."""

    ROLLED_BACK = "RolledBack"
    FROZEN = "Frozen"
    RECORDED = "Recorded"


class AlertStatus(Model):
    """An alert that was heard of. It acts once, however often it is repeated."""

    fingerprint: str
    """Alertmanager's hash of its labels."""
    starts_at: Time
    """When it began to fire. The same alert that fires anew has another one."""
    name: str = ""
    """Its label alertname."""
    severity: str = ""
    """Its label severity."""
    action: AlertAction
    """What it does by the release's rules."""
    outcome: AlertOutcome
    """What it did: RolledBack, Frozen or Recorded."""
    message: str
    """Why it did that, and what it says of itself."""
    revision: str = ""
    """The version that was under release."""
    heard_at: Time
    """When it was first heard of."""
    ended_at: Time | None = None
    """When it was resolved, or a freeze was lifted by a request to promote."""
