"""The audit log: where the API server writes is where this machine reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import audit, kind, paths


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "REPO", tmp_path)


def test_the_folder_of_this_machine_is_the_one_that_the_api_server_writes_to() -> None:
    folder = audit.prepare("x")
    config: Any = kind.configuration("x", "image", {}, published=False)
    (mount,) = config["nodes"][0]["extraMounts"]
    assert mount["hostPath"] == str(folder)
    (server,) = (
        patch["apiServer"]
        for patch in map(yaml.safe_load, config["kubeadmConfigPatches"])
        if "apiServer" in patch
    )
    (volume,) = server["extraVolumes"]
    assert volume["hostPath"] == mount["containerPath"]
    for flag, file in (("audit-policy-file", "policy.yaml"), ("audit-log-path", "audit.log")):
        assert server["extraArgs"][flag] == f"{volume['mountPath']}/{file}"
        assert (folder / file).exists()


def test_reads_are_not_logged_and_the_objects_of_a_release_are_logged_whole() -> None:
    policy = yaml.safe_load((audit.prepare("x") / "policy.yaml").read_text())
    first, second, *_ = policy["rules"]
    assert first == {"level": "None", "verbs": ["get", "list", "watch"]}
    assert second["level"] == "RequestResponse"
    named = {(group["group"], *group.get("resources", ())) for group in second["resources"]}
    assert ("linnet.dev",) in named
    assert ("apps", "deployments", "deployments/status", "deployments/scale") in named


def test_files_come_oldest_first_and_a_new_cluster_has_an_empty_log() -> None:
    assert audit.files("x") == []
    folder = audit.prepare("x")
    (folder / "audit.log").write_text("{}\n")
    for stamp in ("2025-01-01T00-00-00.000", "2024-01-01T00-00-00.000"):
        (folder / f"audit-{stamp}.log").touch()
    names = [file.name for file in audit.files("x")]
    assert names == [
        "audit-2024-01-01T00-00-00.000.log",
        "audit-2025-01-01T00-00-00.000.log",
        "audit.log",
    ]
    audit.prepare("x")
    assert [file.read_text() for file in audit.files("x")] == [""]
