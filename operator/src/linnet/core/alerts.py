"""What alerts do to a release: each acts once, on the release that it began in, and at once.

An alert acts only while a canary comes up or is measured, only if it began after that release
did, and not if it is about stable or informs. Everything else is recorded. So neither a repeated
alert nor one about an earlier version can end the next release.
"""

from datetime import datetime

from linnet.api.alerts import (
    ALERTS_LIMIT,
    AlertAction,
    AlertOutcome,
    AlertRule,
    AlertStatus,
)
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core.decision import Situation, Trouble
from linnet.core.matchers import matches
from linnet.core.observed import Alert

ACTS_IN = frozenset({Phase.STARTING, Phase.PROGRESSING})
REASON = "AlertFired"
FROZEN = "Frozen"
STABLE_ONLY = 'track="stable"'
DEFAULT_RULES = (
    AlertRule(matchers=(STABLE_ONLY,), action=AlertAction.RECORD),
    AlertRule(matchers=('severity=~"info|none"',), action=AlertAction.RECORD),
    AlertRule(matchers=('severity="warning"',), action=AlertAction.FREEZE),
    AlertRule(matchers=('alertname=~".*"',), action=AlertAction.ROLLBACK),
)
"""What alerts do to a release that has no rules. The first rule that matches counts."""


def heard(situation: Situation) -> Situation:
    """The situation once every alert was weighed; what is known already changes nothing."""
    status = situation.status
    for alert in situation.observed.alerts:
        known = _known(status, alert)
        if known is None and not alert.resolved:
            entry = _weighed(situation, alert)
            status = status.model_copy(update={"alerts": _kept((*status.alerts, entry))})
        elif known is not None and alert.resolved and known.ended_at is None:
            status = _ended(status, (known,), situation.now)
    return Situation(situation.spec, status, situation.observed, situation.now)


def rollback_asked(situation: Situation) -> Trouble | None:
    """An alert that ends this release, as the reason for it."""
    ending = _acting(situation.status, AlertOutcome.ROLLED_BACK)
    return Trouble(REASON, ending[0].message) if ending else None


def frozen_by(status: CanaryReleaseStatus) -> str:
    """What keeps this release from going on; '' if no alert does."""
    standing = [each for each in _acting(status, AlertOutcome.FROZEN) if each.ended_at is None]
    return standing[0].message if standing else ""


def lifted(status: CanaryReleaseStatus, now: datetime) -> CanaryReleaseStatus:
    """The status without a freeze: somebody who knows of it wants the release to go on."""
    return _ended(status, _acting(status, AlertOutcome.FROZEN), now)


def rule_for(rules: tuple[AlertRule, ...], alert: Alert) -> AlertAction | None:
    """What the first rule that matches says; None if none does."""
    found = (rule.action for rule in rules if matches(rule.matchers, alert.labels))
    return next(found, None)


def _acting(status: CanaryReleaseStatus, outcome: AlertOutcome) -> tuple[AlertStatus, ...]:
    """The alerts with this outcome on this release, and not on an earlier one of its version."""
    return tuple(
        each
        for each in status.alerts
        if each.outcome is outcome
        and each.revision == status.canary_revision
        and (status.started_at is None or each.heard_at >= status.started_at)
    )


def _known(status: CanaryReleaseStatus, alert: Alert) -> AlertStatus | None:
    found = (
        each
        for each in status.alerts
        if (each.fingerprint, each.starts_at) == (alert.fingerprint, alert.starts_at)
    )
    return next(found, None)


def _ended(
    status: CanaryReleaseStatus, which: tuple[AlertStatus, ...], now: datetime
) -> CanaryReleaseStatus:
    entries = tuple(
        each.model_copy(update={"ended_at": now})
        if each in which and each.ended_at is None
        else each
        for each in status.alerts
    )
    return status.model_copy(update={"alerts": entries})


def _weighed(situation: Situation, alert: Alert) -> AlertStatus:
    status = situation.status
    action = rule_for(situation.spec.alerts or DEFAULT_RULES, alert) or AlertAction.RECORD
    why_not = _why_not(situation, alert, action)
    outcome = AlertOutcome.RECORDED
    if not why_not:
        freezes = action is AlertAction.FREEZE
        outcome = AlertOutcome.FROZEN if freezes else AlertOutcome.ROLLED_BACK
    name = alert.labels.get("alertname", "")
    says = f": {alert.summary}" if alert.summary else ""
    return AlertStatus(
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        name=name,
        severity=alert.labels.get("severity", ""),
        action=action,
        outcome=outcome,
        message=f"Alert {name} fires{says}{f' ({why_not})' if why_not else ''}",
        revision=status.canary_revision,
        heard_at=situation.now,
    )


def _why_not(situation: Situation, alert: Alert, action: AlertAction) -> str:
    """Why an alert only is recorded; '' where it acts."""
    status = situation.status
    if situation.observed.deleting_since is not None:
        return "the CanaryRelease is being deleted"
    if status.phase not in ACTS_IN:
        return f"nothing is being released that it could act on: the phase is {status.phase}"
    if status.started_at is not None and alert.starts_at < status.started_at:
        return f"it began before the release of {status.canary_revision}"
    return "recorded only" if action is AlertAction.RECORD else ""


def _kept(entries: tuple[AlertStatus, ...]) -> tuple[AlertStatus, ...]:
    """At most so many: those that did nothing go first, then the oldest."""
    if len(entries) <= ALERTS_LIMIT:
        return entries
    idle = (each for each in entries if each.outcome is AlertOutcome.RECORDED)
    goes = next(idle, entries[0])
    return tuple(each for each in entries if each is not goes)
