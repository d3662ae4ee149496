"""A decision explained."""

import pytest

from linnet.api.status import DecisionKind, HistoryEntry
from linnet.cli.cluster.explained import chosen, explanation
from linnet.cli.output import BadInput
from linnet.review.rules import asked_by, rule
from tests.support.builders import make_entry, make_spec, make_status

BREACH = make_entry(
    DecisionKind.ROLLED_BACK,
    "ErrorRateBreached",
    message="errorRate: 2.9 % is above 1 %, 3 times in a row",
    step=1,
)
WORSE = make_entry(DecisionKind.ROLLED_BACK, "ErrorsWorse", message="odds 300")
STARTED = make_entry(DecisionKind.STARTED, "TemplateChanged")
STATUS = make_status(history=(STARTED, BREACH))


@pytest.mark.parametrize("which", ["1", "RolledBack", "rolledback", "errorRateBreached"])
def test_a_decision_is_found_by_number_kind_or_reason(which: str) -> None:
    assert chosen(STATUS, which) == BREACH


@pytest.mark.parametrize("which", ["0", "3", "Promoted"])
def test_one_that_isnt_there_is_told_with_those_that_are(which: str) -> None:
    with pytest.raises(BadInput, match="there are"):
        chosen(STATUS, which)


def test_nothing_decided_yet() -> None:
    with pytest.raises(BadInput, match="nothing has been decided"):
        chosen(make_status(), "1")


def test_a_breach_is_explained_by_its_check() -> None:
    found = explanation(make_spec(), BREACH, "shops", "shop")
    (check,) = found.checks
    assert (check.check, check.goes_on, check.rolls_back) == (
        "errorRate",
        "≤ 0.5 %",
        "> 1 % 3 times in a row",
    )
    assert "http_requests_total" in check.query
    assert "{{" not in check.query
    assert check.row == 'namespace="shops", workload="shop-canary"'
    assert found.asked_by == "the policy"
    assert "as many times in a row" in found.rule


def test_a_comparison_is_explained_by_what_it_asked_for() -> None:
    spec = make_spec(analysis={"comparison": {}})
    found = explanation(spec, WORSE, "shops", "shop")
    assert found.checks == ()
    assert any("http_requests_total" in query for query in found.comparison)
    assert explanation(make_spec(), WORSE, "shops", "shop").comparison == ()


@pytest.mark.parametrize(
    ("entry", "who"),
    [
        (make_entry(DecisionKind.ROLLED_BACK, "Requested", message="Rollback was asked for"), ""),
        (
            make_entry(
                DecisionKind.ROLLED_BACK,
                "Requested",
                message="Rollback was asked for by ann: too slow",
            ),
            "ann",
        ),
        (
            make_entry(
                DecisionKind.ADVANCED,
                "Requested",
                message="Promote was asked for by system:serviceaccount:ci:bot; it gets 50 %",
            ),
            "system:serviceaccount:ci:bot",
        ),
        (
            make_entry(DecisionKind.REQUESTED, "Approve", message="jane approved 5 %: looks good"),
            "jane",
        ),
    ],
)
def test_who_asked(entry: HistoryEntry, who: str) -> None:
    assert asked_by(entry) == (who or "somebody who didn't say their name")


def test_every_kind_of_decision_has_a_rule() -> None:
    for kind, reason in (
        (DecisionKind.STARTED, "TemplateChanged"),
        (DecisionKind.SUPERSEDED, "TemplateChanged"),
        (DecisionKind.STALLED, "RouteMissing"),
        (DecisionKind.HELD, "Hold"),
    ):
        assert rule(make_entry(kind, reason))
    assert rule(STARTED) != rule(make_entry(DecisionKind.SUPERSEDED, "TemplateChanged"))
