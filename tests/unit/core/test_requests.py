"""How a request is read, and what it does in a single decision."""

import json
from typing import Any

import pytest

from linnet.api.request import RequestOutcome, RequestStatus
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, Verdict
from linnet.core.actions import SettleStable, SetWeight
from linnet.core.catalog import checks
from linnet.core.decide import decide
from linnet.core.decision import Decision
from tests.support.builders import (
    MINUTE,
    START,
    make_metric,
    make_observed,
    make_spec,
    make_stable,
    make_status,
)

CHECKS = [check.name for check in checks(make_spec().analysis)]


def asked(status: CanaryReleaseStatus | None = None, text: str = "", **request: Any) -> Decision:
    written = text or json.dumps({"id": "r1", **request})
    return decide(make_spec(), status or make_status(), make_observed(request=written), START)


def answer(decision: Decision) -> RequestStatus:
    assert decision.status.request is not None
    return decision.status.request


def accepted(action: str, phase: Phase = Phase.PROGRESSING, **changes: Any) -> CanaryReleaseStatus:
    request = RequestStatus(
        id="r1", action=action, outcome=RequestOutcome.ACCEPTED, message="asked", answered_at=START
    )
    return make_status(phase, request=request, **changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roll back", "'roll back' can't be read: Invalid JSON"),
        ("[]", "'[]' can't be read"),
        ('{"action": "Rollback"}', "can't be read at id: Field required"),
        ('{"id": "1", "action": "Dance"}', "can't be read at action: Input should be 'Rollback'"),
        ('{"id": "", "action": "Retry"}', "can't be read at id"),
        ('{"id": "1", "action": "Retry", "at": "2030-01-01T00:00:00"}', "a time needs its zone"),
    ],
)
def test_what_can_not_be_read_is_refused_in_words_and_once(text: str, words: str) -> None:
    decision = asked(text=text)
    assert words in answer(decision).message
    assert "one of Rollback, Promote, PromoteFully, Retry" in answer(decision).message
    last = decision.status.history[-1]
    assert (last.decision, last.reason) == (DecisionKind.REFUSED, "Unreadable")
    assert last.message.startswith("A request was refused: ")
    again = asked(decision.status, text=text)
    assert again.status.history == decision.status.history
    assert not any(isinstance(action, SetWeight) for action in decision.actions)


def test_a_long_text_is_not_repeated_in_full() -> None:
    assert len(answer(asked(text="x" * 5000)).message) < 400


def test_a_refusal_names_who_asked() -> None:
    decision = asked(make_status(Phase.ROLLING_BACK), action="Rollback", by="jane", reason="slow")
    assert decision.status.history[-1].message.startswith("Rollback by jane was refused: ")
    assert answer(decision).reason == "slow"


def test_a_rollback_without_a_name_or_a_reason_is_done_too() -> None:
    decision = asked(action="Rollback")
    assert decision.status.history[-1].message == "Rollback was asked for"
    assert decision.actions[0] == SetWeight(0)


def test_what_was_answered_is_not_answered_again() -> None:
    rolled = asked(action="Rollback").status
    fresh = make_status(request=rolled.request)
    assert asked(fresh, action="Rollback").status.phase is Phase.PROGRESSING
    assert asked(fresh, id="r2", action="Rollback").status.phase is Phase.ROLLING_BACK


def test_a_promotion_waits_until_each_check_was_measured() -> None:
    decision = asked(action="Promote")
    assert answer(decision).outcome is RequestOutcome.ACCEPTED
    assert "is not measured yet" in decision.status.message
    metrics = tuple(make_metric(name, Verdict.NO_DATA) for name in CHECKS)
    decision = asked(make_status(metrics=metrics), action="Promote")
    assert answer(decision).outcome is RequestOutcome.DONE
    assert decision.status.weight.wanted == 10


def test_a_breach_that_comes_later_holds_what_was_asked_for() -> None:
    metrics = tuple(make_metric(name, Verdict.NO_DATA) for name in CHECKS[1:])
    breach = make_metric("errorRate", Verdict.BREACH, breaches=1, message="2 is above 1")
    decision = asked(accepted("Promote", metrics=(breach, *metrics)), action="Promote")
    assert decision.status.weight.wanted == 5
    assert answer(decision).outcome is RequestOutcome.ACCEPTED


def test_a_promotion_is_refused_where_the_release_ends_in_the_same_look() -> None:
    status = make_status()
    observed = make_observed(canary=None, request=json.dumps({"id": "r1", "action": "Promote"}))
    decision = decide(make_spec(), status, observed, START)
    assert decision.status.phase is Phase.ROLLING_BACK
    assert answer(decision).message.startswith("The canary's Deployment has disappeared: wait")


def test_when_a_step_began_has_to_be_known() -> None:
    later = (START + MINUTE).isoformat()
    decision = asked(make_status(step_since=None), action="Promote", at=later)
    assert "ask again" in answer(decision).message
    assert answer(asked(action="Promote", at=later)).outcome is not RequestOutcome.REFUSED


def promoting(status: CanaryReleaseStatus, **stable: Any) -> Decision:
    whole = make_stable(**stable) if stable else None
    text = json.dumps({"id": "r1", "action": "Rollback"})
    observed = make_observed(stable=whole, request=text)
    return decide(make_spec(100), status, observed, START)


def test_a_promotion_returns_to_the_version_before_only_where_that_is_to_be_had() -> None:
    both = {"serving": {"v1": 2, "v2": 2}, "versions": frozenset({"v1", "v2"})}
    decision = promoting(make_status(Phase.PROMOTING), **both)
    assert SettleStable("v1") in decision.actions
    assert decision.status.message.startswith("Rollback was asked for while stable took over v2")
    for stable in ({}, {**both, "versions": frozenset({"v2"})}):
        refused = answer(promoting(make_status(Phase.PROMOTING), **stable))
        assert refused.message.startswith("stable has no ReplicaSet of v1 to return to")


def test_a_rollback_that_finds_only_the_new_version_is_overtaken() -> None:
    status = accepted("Rollback", Phase.PROMOTING)
    decision = promoting(status, serving={"v2": 4}, versions=frozenset({"v2"}), rolled_out=True)
    assert decision.status.phase is Phase.RETURNING
    assert answer(decision).outcome is RequestOutcome.OVERTAKEN


def test_another_try_needs_the_version_that_failed() -> None:
    status = make_status(Phase.ROLLED_BACK, failed_revision="v2")
    decision = asked(status, action="Retry", by="jane")
    assert answer(decision).outcome is RequestOutcome.DONE
    assert decision.status.failed_revision == ""
    entry = decision.status.history[-1]
    assert (entry.decision, entry.reason) == (DecisionKind.REQUESTED, "Retry")
    other = asked(make_status(Phase.ROLLED_BACK, failed_revision="v9"), action="Retry")
    assert "was not rolled back" in answer(other).message


@pytest.mark.parametrize(
    ("weight", "words"),
    [(50, ""), (5, "5 % is no step that is ahead of 5 %: ahead are 10, 50, 100"), (7, "7 % is no")],
)
def test_a_promotion_may_name_the_step_to_go_to(weight: int, words: str) -> None:
    decision = asked(action="Promote", weight=weight)
    found = answer(decision)
    assert (found.outcome is RequestOutcome.REFUSED) == bool(words)
    assert words in found.message
    assert found.weight == weight


def test_past_the_last_step_there_is_none_to_name() -> None:
    last = make_status(weight={"wanted": 100})
    found = answer(asked(last, action="Promote", weight=100))
    assert found.message == "100 % is no step that is ahead of 100 %: there is none ahead"
