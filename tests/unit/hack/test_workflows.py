"""The workflows do what the Makefile does, and trust nothing that can change."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / ".github").rglob("*.yaml"))
WORKFLOWS = [file for file in FILES if file.parent.name == "workflows"]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def content(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def steps(file: Path) -> Iterator[dict[str, Any]]:
    loaded = content(file)
    for job in loaded.get("jobs", {"": loaded.get("runs")}).values():
        yield from job["steps"]


def runs(file: Path) -> list[str]:
    return [step["run"] for step in steps(file) if "run" in step]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_steps_are_make_targets(file: Path) -> None:
    for line in (line for run in runs(file) for line in run.strip().splitlines()):
        program, *words = line.split()
        assert program in ("make", "gh"), line
        targets = [word for word in words if program == "make" and "=" not in word]
        assert set(targets) <= TARGETS, line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_to_a_commit_with_the_version_beside_it(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert used
    for action in used:
        assert action.startswith("./") or PINNED.fullmatch(action), action
        if not action.startswith("./"):
            assert re.search(rf"{action} # v\d+\.\d+\.\d+\n", file.read_text()), action


def test_an_action_has_one_version_everywhere() -> None:
    found = {step["uses"] for file in FILES for step in steps(file) if "@" in step.get("uses", "")}
    assert len(found) == len({action.partition("@")[0] for action in found})


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_job_has_a_limit_and_may_only_read_unless_it_says_so(file: Path) -> None:
    loaded = content(file)
    assert loaded["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 180 for job in loaded["jobs"].values())


def test_a_change_passes_all_that_there_is() -> None:
    (file,) = (file for file in WORKFLOWS if file.stem == "ci")
    called = {word for run in runs(file) for word in run.split()[1:]}
    assert called >= {"lint", "unit", "cover", "kind", "security", "charts", "images", "sbom"}
    assert called >= {"plugin", "site"}
