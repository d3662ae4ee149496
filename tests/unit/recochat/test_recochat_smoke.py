from __future__ import annotations

import urllib.error
from typing import Any

import pytest

from recochat import smoke

BASE = "http://recochat"


def answers(monkeypatch: pytest.MonkeyPatch, status: str, items: int) -> list[str]:
    called: list[str] = []

    def call(url: str, body: dict[str, Any] | None = None) -> Any:
        called.append(url)
        return {"status": status} if body is None else {"items": [{}] * items}

    monkeypatch.setattr(smoke, "call", call)
    return called


def test_a_working_service_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called = answers(monkeypatch, "ok", 10)
    assert smoke.main([BASE + "/"]) == 0
    assert called == [f"{BASE}/health", f"{BASE}/api/v2/recommendations"]
    assert "healthy" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "items"), [("degraded", 10), ("ok", 0)])
def test_a_service_that_does_not_work_fails(
    monkeypatch: pytest.MonkeyPatch, status: str, items: int
) -> None:
    answers(monkeypatch, status, items)
    assert smoke.main([BASE]) == 1


def test_no_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(url: str, body: dict[str, Any] | None = None) -> Any:
        raise urllib.error.URLError("refused")

    monkeypatch.setattr(smoke, "call", call)
    assert smoke.check(BASE) == [f"{BASE}: <urlopen error refused>"]


def test_only_http_is_called() -> None:
    assert "not a http URL" in smoke.check("file:///etc")[0]


def test_wrong_usage_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([]) == 2
    assert "usage" in capsys.readouterr().err
