"""Approvals: who counts, for what, and for how long; and that nobody asks past them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.approvals import APPROVALS_LIMIT, Approval
from linnet.api.request import RequestOutcome, RequestStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core import approvals, requests
from linnet.core.decide import decide
from linnet.core.decision import Decision
from linnet.core.gates import approved
from tests.support.builders import (
    HOUR,
    MINUTE,
    START,
    make_observed,
    make_situation,
    make_spec,
    make_status,
)


def asking(required: int = 2, expires: str = "8h", at: int = 0) -> CanaryReleaseSpec:
    """Steps of which one wants to be approved; the first if not told."""
    spec = make_spec(analysis={"metrics": [{"use": "errorRate"}]}).model_dump(mode="json")
    spec["steps"][at]["approvals"] = {"required": required, "expires_after": expires}
    return CanaryReleaseSpec.model_validate(spec)


def given(by: str = "jane", after: timedelta = timedelta(), **changes: Any) -> Approval:
    fields = {"id": f"by-{by}", "by": by, "at": START + after, "revision": "v2", "weight": 5}
    return Approval.model_validate({**fields, **changes})


def ask(
    spec: CanaryReleaseSpec | None = None,
    status: CanaryReleaseStatus | None = None,
    *,
    reviewed: bool = True,
    after: timedelta = MINUTE,
    **request: Any,
) -> Decision:
    """The look that takes an approval in."""
    text = json.dumps({"id": "a1", "action": "Approve", "by": "jane", **request})
    observed = make_observed(request=text, reviewed=reviewed)
    return decide(spec or asking(), status or make_status(), observed, START + after)


def test_an_approval_is_remembered_with_who_when_and_why_and_leaves_other_requests_alone() -> None:
    pending = RequestStatus(
        id="r1",
        action="PromoteFully",
        outcome=RequestOutcome.ACCEPTED,
        message="asked",
        answered_at=START,
    )
    status = ask(status=make_status(request=pending), reason="looks good").status
    assert status.request == pending
    assert status.approvals == (given(id="a1", after=MINUTE, reason="looks good"),)
    (entry,) = (each for each in status.history if each.reason == "Approve")
    assert entry.decision is DecisionKind.REQUESTED
    assert entry.message == "jane approved 5 %: looks good (1 of 2 approvals are there, by jane)"


def test_the_same_request_is_counted_once() -> None:
    first = ask().status
    again = ask(status=first, after=2 * MINUTE).status
    assert (again.approvals, again.history) == (first.approvals, first.history)


def test_a_person_counts_once_and_an_approval_made_anew_counts_from_then() -> None:
    status = make_status(approvals=(given(), given("joe")))
    found = ask(status=status, after=HOUR).status.approvals
    assert [(each.by, each.at) for each in found] == [("joe", START), ("jane", START + HOUR)]


def test_only_so_many_are_kept() -> None:
    full = tuple(given(f"p{number}") for number in range(APPROVALS_LIMIT))
    found = ask(status=make_status(approvals=full)).status.approvals
    assert len(found) == APPROVALS_LIMIT
    assert (found[0].by, found[-1].by) == ("p1", "jane")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reviewed": False}, "an annotation doesn't prove who wrote it"),
        ({"spec": make_spec()}, "the step at 5 % needs no approval"),
        ({"status": make_status(Phase.STARTING)}, "no step is to be approved (the phase is Start"),
        ({"by": ""}, "nobody is named who approves"),
        ({"revision": "v1"}, "v1 was approved, and v2 is being released"),
        ({"at": (START - MINUTE).isoformat()}, "the release has gone on to another step"),
    ],
)
def test_what_is_refused_says_why_and_counts_for_nothing(
    changes: dict[str, Any], words: str
) -> None:
    status = ask(**changes).status
    assert status.request is not None
    assert status.request.outcome is RequestOutcome.REFUSED
    assert words in status.request.message
    assert status.approvals == ()


def test_an_approval_may_name_the_version_and_when_it_was_asked_for() -> None:
    status = ask(revision="v2", at=START.isoformat()).status
    assert len(status.approvals) == 1
    begun = ask(status=make_status(step_since=None), at=START.isoformat()).status
    assert len(begun.approvals) == 1


@pytest.mark.parametrize(
    "other",
    [
        given("joe", revision="v1"),
        given("joe", weight=10),
        given("joe", after=-MINUTE),
        given("jane", id="another"),
    ],
    ids=["another version", "another step", "another try", "the same person"],
)
def test_what_counts_is_this_version_in_this_step_by_different_people(other: Approval) -> None:
    # The same person twice can't be stored; what is there is replaced.
    stored = (other,) if other.by == "jane" else (given(), other)
    hold = approved(make_situation(asking(), make_status(approvals=stored)))
    assert hold is not None
    assert (hold.reason, hold.due) == ("WaitingForApproval", True)
    assert hold.message == "Held at 5 %: 1 of 2 approvals are there, by jane"


def test_enough_people_open_the_gate_until_one_approval_expires() -> None:
    status = make_status(approvals=(given(), given("joe", after=HOUR)))
    assert approved(make_situation(asking(), status, after=7 * HOUR)) is None
    hold = approved(make_situation(asking(), status, after=8 * HOUR))
    assert hold is not None
    assert hold.message == "Held at 5 %: 1 of 2 approvals are there, by joe"


def test_a_step_that_was_entered_before_that_was_noted_counts_what_there_is() -> None:
    status = make_status(step_since=None, approvals=(given(), given("joe")))
    assert approved(make_situation(asking(), status)) is None


def test_steps_without_approvals_wait_for_nobody() -> None:
    situation = make_situation(make_spec(), make_status(approvals=(given(),)))
    assert approved(situation) is None
    assert approvals.counted(situation) == ()
    nobody = approved(make_situation(asking(required=1)))
    assert nobody is not None
    assert nobody.message == "Held at 5 %: 0 of 1 approvals are there"


def promoting(action: str, weight: int | None = None) -> CanaryReleaseStatus:
    request = RequestStatus(
        id="r1",
        action=action,
        weight=weight,
        outcome=RequestOutcome.ACCEPTED,
        message="asked",
        answered_at=START,
    )
    return make_status(request=request)


@pytest.mark.parametrize(
    ("action", "weight", "at", "goes_to"),
    [
        ("Promote", None, 2, 10),
        ("Promote", 50, 3, 50),
        ("Promote", 100, 2, 50),
        ("Promote", 3, 3, 10),
        ("PromoteFully", None, 1, 10),
        ("PromoteFully", None, 3, 100),
    ],
)
def test_nobody_asks_past_a_step_that_wants_approval(
    action: str, weight: int | None, at: int, goes_to: int
) -> None:
    step = requests.next_step(make_situation(asking(at=at), promoting(action, weight)))
    assert step is not None
    assert step.weight == goes_to
