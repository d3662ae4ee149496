"""`linnet simulate` as a person uses it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from linnet.cli.app import app

RELEASE = """
apiVersion: linnet.dev/v1alpha1
kind: CanaryRelease
metadata: {name: shop}
spec:
  targetRef: {name: shop}
  traffic: {httpRoute: shop}
  steps: [{weight: 20, hold: 1m}, {weight: 100, hold: 1m}]
"""
WORLD = """
traffic: {requestsPerSecond: 50}
defects: [{kind: errors, percent: 30, after: 1m}]
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "release.yaml"
    file.write_text(RELEASE)
    return file


def test_one_release_is_told_as_a_story(release: Path) -> None:
    result = run("-f", release, "--world", "errors-20")
    assert result.exit_code == 0
    assert "20 % for 1m → 100 % for 1m" in result.stdout
    assert "ErrorRateBreached" in result.stdout
    assert "after the defect showed" in result.stdout


def test_a_world_of_ones_own(release: Path, tmp_path: Path) -> None:
    (tmp_path / "friday.yaml").write_text(WORLD)
    result = run("-f", release, "--world", tmp_path / "friday.yaml", "-o", "json")
    found = json.loads(result.stdout)
    assert (found["world"], found["outcome"]) == ("friday", "rolled back")
    assert found["onsetS"] > 60
    assert found["moments"][0]["what"] == "Started"


@pytest.mark.thorough
def test_many_releases_are_counted(release: Path) -> None:
    arguments = ("-f", release, "-w", "errors-20", "-w", "healthy", "-n", 3, "--workers", 1)
    bad, good = json.loads(run(*arguments, "-o", "json").stdout)
    assert (bad["releases"], bad["rolledBack"]["value"]) == (3, 1)
    assert (good["falseRollbacks"]["value"], good["promoted"]["value"]) == (0, 1)
    table = run(*arguments)
    assert table.exit_code == 0
    assert "3 releases in each world" in table.stdout
    assert "errors-20: 20 % of the canary's requests fail" in table.stdout


def test_two_processes_play_the_same_as_one(release: Path) -> None:
    arguments = ("-f", release, "-w", "errors-5", "-n", 4, "-o", "json", "--workers")
    assert run(*arguments, 1).stdout == run(*arguments, 2).stdout


@pytest.mark.parametrize("many", [1, 2])
def test_a_picture_is_drawn(release: Path, tmp_path: Path, many: int) -> None:
    target = tmp_path / "out.svg"
    run("-f", release, "-w", "errors-20", "-n", many, "--workers", 1, "--picture", target)
    words = [element.text or "" for element in ElementTree.parse(target).iter()]  # noqa: S314
    assert any("errors-20" in text for text in words)
    assert any("rolled back" in text or "RolledBack" in text for text in words)


def test_a_release_that_ends_otherwise_than_expected(release: Path) -> None:
    assert run("-f", release, "-w", "healthy", "--expect", "promoted").exit_code == 0
    assert run("-f", release, "-w", "healthy", "--expect", "rolledBack").exit_code == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("weight: 100", "weight: 90"), "spec.steps: must end with weight 100"),
        (("weight: 20", "weight: 100"), "spec.steps: must rise"),
        (("weight: 20", "weight: x"), "spec.steps[0].weight: input should be a valid integer"),
        (("hold: 1m", "hold: soon"), "is not a duration such as 30s"),
        (("hold: 1m", "holds: 1m"), "spec.steps[0].holds: is no field: there are weight, hold"),
        (("  targetRef: {name: shop}\n", ""), "spec.targetRef: is missing: set it"),
        (("kind: CanaryRelease", "kind: Canary"), "has 0 documents of kind CanaryRelease"),
        (("{weight: 20, hold: 1m}", "{weight: 20"), "is no YAML"),
        (
            ("  targetRef", "  analysis: {metrics: [{query: up}]}\n  targetRef"),
            "a query needs a name and a limit",
        ),
        (
            ("  targetRef", "  analysis: {metrics: [{name: x}]}\n  targetRef"),
            "set exactly one",
        ),
        (
            (
                "  targetRef",
                "  analysis: {metrics: [{use: errorRate, advance: {atMost: 3}}]}\n  targetRef",
            ),
            "lower advance.atMost",
        ),
        (
            (
                "  targetRef",
                "  analysis: {metrics: [{name: x, query: '{{x}}', rollback: {above: 1}}]}\n"
                "  targetRef",
            ),
            "{{x}} is not a variable",
        ),
    ],
)
def test_a_manifest_that_cant_be_used(release: Path, change: tuple[str, str], words: str) -> None:
    release.write_text(RELEASE.replace(*change))
    result = run("-f", release, "-w", "healthy")
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-w", "atlantis"), "is no file, and no world: there are healthy"),
        (("-f", "nowhere.yaml"), "can't be read"),
        (("-w", "healthy", "--picture", "out.png"), "must end in .svg"),
        (("-w", "healthy", "--expect", "fun"), "either promoted or rolledBack"),
    ],
)
def test_arguments_that_make_no_sense(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "a world is one YAML document"),
        ("defects: [{kind: errors}]", "defects[0]: a defect of kind errors needs percent"),
        ("errors: {percent: 120}", "errors.percent: input should be less than or equal to 100"),
        ("weather: fine", "weather: is no field"),
    ],
)
def test_a_world_that_cant_be_used(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "world.yaml"
    file.write_text(content)
    result = run("-w", file)
    assert result.exit_code == 2
    assert words in result.stderr
