from __future__ import annotations

import pytest
from pydantic import ValidationError

from recochat.__main__ import main
from recochat.settings import Settings, explain

FAULTS = {
    "RECOCHAT_FAULT_ERROR_SHARE": "0.05",
    "RECOCHAT_FAULT_LATENCY_MS": "300",
    "RECOCHAT_FAULT_LEAK_MB_PER_S": "1",
    "RECOCHAT_FAULT_CRASH_AFTER_S": "0",
}


@pytest.mark.parametrize("variable", FAULTS)
def test_a_fault_without_demo_is_refused_by_name_and_remedy(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, FAULTS[variable])

    assert main([]) == 2

    said = capsys.readouterr().err
    assert variable in said
    assert "Set RECOCHAT_DEMO_ENABLED=true" in said


@pytest.mark.parametrize("variable", FAULTS)
def test_a_fault_with_demo_is_allowed(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, FAULTS[variable])
    monkeypatch.setenv("RECOCHAT_DEMO_ENABLED", "true")
    assert Settings().faults_set() == [variable]


def test_a_fault_of_zero_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in FAULTS:
        if variable != "RECOCHAT_FAULT_CRASH_AFTER_S":
            monkeypatch.setenv(variable, "0")
    assert Settings().faults_set() == []


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOCHAT_TRACK", "")
    monkeypatch.setenv("RECOCHAT_REDIS_URL", "")
    settings = Settings()
    assert settings.track == "stable"
    assert settings.redis_url is None


def test_variables_that_kubernetes_makes_for_a_service_of_this_name_do_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOCHAT_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("RECOCHAT_SERVICE_HOST", "10.0.0.1")
    assert Settings().listen_port == 8080


def test_unusable_settings_are_named_and_secrets_stay_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOCHAT_SESSION_TTL_S", "soon")
    monkeypatch.setenv("RECOCHAT_TRACK", "blue")
    monkeypatch.setenv("RECOCHAT_REDIS_URL", "redis://:hunter2@redis")
    with pytest.raises(ValidationError) as caught:
        Settings()
    lines = "\n".join(explain(caught.value))
    assert "RECOCHAT_SESSION_TTL_S" in lines
    assert "RECOCHAT_TRACK" in lines
    assert "hunter2" not in lines
    assert "hunter2" not in str(caught.value)
