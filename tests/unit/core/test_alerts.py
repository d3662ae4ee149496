"""What an alert does in a single decision."""

from typing import Any

import pytest

from linnet.api.alerts import AlertAction, AlertOutcome, AlertRule, AlertStatus
from linnet.core.alerts import DEFAULT_RULES, rule_for
from linnet.core.decide import decide
from linnet.core.decision import Decision
from linnet.core.observed import Alert
from tests.support.builders import MINUTE, START, make_observed, make_spec, make_status

FIRES = Alert("3ff1", START, {"alertname": "HighErrors", "severity": "critical"})


def heard(*alerts: Alert, **changes: Any) -> Decision:
    status = make_status(**changes)
    return decide(make_spec(), status, make_observed(alerts=alerts), START + MINUTE)


def entry(decision: Decision) -> AlertStatus:
    return decision.status.alerts[-1]


@pytest.mark.parametrize(
    ("labels", "action"),
    [
        ({}, AlertAction.ROLLBACK),
        ({"severity": "critical"}, AlertAction.ROLLBACK),
        ({"severity": "page"}, AlertAction.ROLLBACK),
        ({"severity": "warning"}, AlertAction.FREEZE),
        ({"severity": "info"}, AlertAction.RECORD),
        ({"severity": "critical", "track": "canary"}, AlertAction.ROLLBACK),
        ({"severity": "critical", "track": "stable"}, AlertAction.RECORD),
    ],
)
def test_the_usual_rules(labels: dict[str, str], action: AlertAction) -> None:
    assert rule_for(DEFAULT_RULES, Alert("1", START, labels)) is action


def test_the_first_rule_that_matches_counts() -> None:
    rules = tuple(
        AlertRule(matchers=(matcher,), action=action)
        for matcher, action in (('a="1"', AlertAction.FREEZE), ('a=~".*"', AlertAction.RECORD))
    )
    assert rule_for(rules, Alert("1", START, {"a": "1"})) is AlertAction.FREEZE
    assert rule_for(rules, Alert("1", START, {})) is AlertAction.RECORD
    assert rule_for(rules[:1], Alert("1", START, {})) is None


def test_the_same_alert_twice_in_one_look_is_one() -> None:
    assert len(heard(FIRES, FIRES).status.alerts) == 1


def test_what_was_never_heard_of_is_not_resolved() -> None:
    over = Alert(FIRES.fingerprint, START, FIRES.labels, resolved=True)
    assert heard(over).status.alerts == ()
    both = heard(FIRES, over, over)
    assert entry(both).ended_at == START + MINUTE


def test_an_alert_without_a_summary_is_named() -> None:
    assert entry(heard(FIRES)).message == "Alert HighErrors fires"
    assert (entry(heard(FIRES)).name, entry(heard(FIRES)).severity) == ("HighErrors", "critical")


def test_one_that_began_with_the_release_acts() -> None:
    assert entry(heard(FIRES, started_at=START)).outcome is AlertOutcome.ROLLED_BACK
    later = heard(FIRES, started_at=START + MINUTE)
    assert entry(later).outcome is AlertOutcome.RECORDED
