"""Telling of decisions: events, log lines, counters."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from linnet.api.status import CanaryReleaseStatus, DecisionKind
from linnet.controller import logs
from linnet.controller.logs import JsonFormatter
from linnet.controller.record import NOTE_BYTES, event, new_entries, record
from linnet.controller.release import Key, Release
from linnet.providers.errors import Unreachable
from linnet.providers.kubernetes import EVENTS
from tests.support.builders import START, make_entry
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.releases import MINIMAL, release

KEY = Key("shops", "guard")


@pytest.fixture
def guard() -> Release:
    manifest = release(MINIMAL)
    manifest["metadata"] = {"name": "guard", "namespace": "shops", "uid": "u-1"}
    return Release.read(KEY, manifest)


def test_an_event_is_about_the_release(guard: Release) -> None:
    entry = make_entry(DecisionKind.ROLLED_BACK, "ErrorRateBreached", message="7 % is above 1 %")
    assert event(guard, entry, "pod-1") == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "shops", "generateName": "guard-"},
        "eventTime": "2030-01-01T12:00:00.000000Z",
        "reportingController": "linnet.dev/operator",
        "reportingInstance": "pod-1",
        "type": "Warning",
        "reason": "RolledBack",
        "action": "ErrorRateBreached",
        "note": "7 % is above 1 %",
        "regarding": {
            "apiVersion": "linnet.dev/v1alpha1",
            "kind": "CanaryRelease",
            "namespace": "shops",
            "name": "guard",
            "uid": "u-1",
        },
    }


@pytest.mark.parametrize("kind", DecisionKind)
def test_what_needs_attention_is_a_warning(guard: Release, kind: DecisionKind) -> None:
    bad = {DecisionKind.ROLLED_BACK, DecisionKind.STALLED, DecisionKind.REFUSED}
    warning = kind in {*bad, DecisionKind.HELD}
    assert (event(guard, make_entry(kind), "pod-1")["type"] == "Warning") is warning


@pytest.mark.parametrize("message", ["x" * 5000, "€" * 5000, "x" + "€" * 5000])
def test_a_long_note_is_cut_to_what_the_api_takes(guard: Release, message: str) -> None:
    note = event(guard, make_entry(DecisionKind.HELD, message=message), "i" * 500)["note"]
    assert NOTE_BYTES - 3 <= len(note.encode()) <= NOTE_BYTES
    assert message.startswith(note)


def test_only_what_the_history_has_gained_is_new() -> None:
    first, second = make_entry(DecisionKind.ADOPTED), make_entry(DecisionKind.STARTED)
    before = CanaryReleaseStatus(history=(first,))
    assert new_entries(before, CanaryReleaseStatus(history=(first, second))) == (second,)
    assert new_entries(before, CanaryReleaseStatus(history=(second,))) == (second,)
    assert new_entries(before, before) == ()


async def test_a_decision_is_an_event_a_line_and_a_count(
    guard: Release, caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeKubernetes()
    entry = make_entry(DecisionKind.HELD, "NoData", message="no data", revision="v2", step=1)
    labels = {"decision": "Held", "reason": "NoData"}
    before = REGISTRY.get_sample_value("linnet_decisions_total", labels) or 0
    with caplog.at_level(logging.INFO, "linnet.decisions"):
        await record(client, guard, entry, "pod-1")
    assert REGISTRY.get_sample_value("linnet_decisions_total", labels) == before + 1
    assert [found["note"] for found in await client.list(EVENTS, "shops")] == ["no data"]
    (line,) = [json.loads(JsonFormatter().format(each)) for each in caplog.records]
    assert line["severity"] == "WARNING"
    assert line["message"] == "no data"
    fields = ("namespace", "release", "decision", "reason", "revision", "weight", "step")
    assert [line[name] for name in fields] == ["shops", "guard", "Held", "NoData", "v2", 5, 1]


async def test_an_event_that_is_not_written_is_logged(
    guard: Release, caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeKubernetes()
    client.fail(Unreachable("down"))
    await record(client, guard, make_entry(DecisionKind.ADOPTED), "pod-1")
    assert "The event was not written: down" in caplog.messages


def formatted(**fields: Any) -> dict[str, Any]:
    found = logging.LogRecord("linnet.x", logging.INFO, "x.py", 1, "%s €", ("ten",), None)
    found.created = START.timestamp()
    found.__dict__.update(fields)
    text = JsonFormatter().format(found)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_a_log_line() -> None:
    assert formatted() == {
        "severity": "INFO",
        "time": "2030-01-01T12:00:00.000+00:00",
        "message": "ten €",
        "logger": "linnet.x",
    }


def test_a_log_line_has_only_the_known_fields_beside() -> None:
    line = formatted(weight=5, password="secret", step=None)
    assert line["weight"] == 5
    assert "password" not in line


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert formatted(reason=START)["reason"].startswith("2030-01-01")


def test_an_exception_is_one_line_too() -> None:
    try:
        raise ValueError("no\nsense")
    except ValueError:
        assert "ValueError: no\nsense" in formatted(exc_info=sys.exc_info())["stack_trace"]


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_logs_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    logging.getLogger("linnet.x").debug("here")
    logging.getLogger("kopf.objects").info("an event")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "here"
