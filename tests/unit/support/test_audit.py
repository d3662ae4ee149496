"""Reading an audit log: what counts as a write, and in which order."""

import json
from pathlib import Path
from typing import Any

from tests.support.rules.audit import Event, in_order, lines, writes


def line(name: str, *, at: str = "00.000", answered: str = "", **changes: Any) -> dict[str, Any]:
    """A line of the log: the operator has patched a route, and version 7 came of it."""
    return {
        "auditID": name,
        "stage": "ResponseComplete",
        "requestURI": f"/apis/x/{name}?fieldManager=linnet",
        "verb": "patch",
        "user": {"username": "operator"},
        "userAgent": "linnet",
        "objectRef": {"resource": "httproutes", "namespace": "default", "name": name},
        "responseStatus": {"code": 200},
        "requestObject": {"spec": {}},
        "responseObject": {"metadata": {"name": name, "resourceVersion": "7"}},
        "requestReceivedTimestamp": f"2030-01-01T00:00:{at}000Z",
        "stageTimestamp": f"2030-01-01T00:00:{answered or at}000Z",
        **changes,
    }


def event(name: str, received: float, finished: float, version: int | None) -> Event:
    return Event(
        name, received, finished, "me", "linnet", "patch", "httproutes", "", "default", name,
        version=version,
    )  # fmt: skip


def ids(found: list[Event]) -> str:
    return "".join(each.id for each in found)


def test_a_write_that_was_done_is_read() -> None:
    (found,) = writes([line("a", at="01.500")])
    assert (found.writer, found.verb, found.name, found.version) == ("operator", "patch", "a", 7)
    assert found.by_operator
    assert not found.removed
    assert str(found).endswith("operator (linnet) patch httproutes default/a -> 7 [a]")


def test_what_was_not_done_is_no_write() -> None:
    refused = line("a", responseStatus={"code": 409})
    read = line("b", verb="get")
    dry = line("c", requestURI="/apis/x?dryRun=All")
    begun = line("d", stage="ResponseStarted")
    assert writes([refused, read, dry, begun]) == []


def test_a_pod_goes_by_its_own_name_and_a_created_object_by_its_answer() -> None:
    user = {"username": "sa", "extra": {"authentication.kubernetes.io/pod-name": ["linnet-0"]}}
    (found,) = writes([line("made", verb="create", user=user, objectRef={"resource": "events"})])
    assert (found.writer, found.name) == ("linnet-0", "made")


def test_an_object_goes_by_a_delete_or_with_its_last_finalizer() -> None:
    going = {"name": "a", "resourceVersion": "9", "deletionTimestamp": "2030-01-01T00:00:00Z"}
    held = {**going, "finalizers": ["x"]}
    found = writes(
        [
            line("a", verb="delete"),
            line("b", verb="delete", responseObject={"metadata": held}),
            line("c", responseObject={"metadata": going}),
        ]
    )
    assert {each.id: each.removed for each in found} == {"a": True, "b": False, "c": True}


def test_versions_order_what_was_answered_in_another_order() -> None:
    found = in_order([event("b", 1.0, 1.1, 11), event("a", 0.9, 1.5, 10)])
    assert ids(found) == "ab"


def test_a_removal_comes_after_the_answer_to_what_came_before() -> None:
    found = in_order(
        [event("c", 1.3, 1.4, 11), event("b", 1.15, 1.2, None), event("a", 0.9, 1.1, 10)]
    )
    assert ids(found) == "abc"


def test_a_write_that_changed_nothing_comes_when_it_was_answered() -> None:
    found = in_order([event("a", 1.0, 1.1, 10), event("b", 2.0, 2.1, 11), event("a", 3.0, 3.1, 10)])
    assert ids(found) == "aba"


def test_a_line_that_is_still_written_is_left_for_later(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(line("a")) + "\n" + '{"half')
    assert [each["auditID"] for each in lines([log])] == ["a"]
