"""`linnet experiment` as a person uses it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from linnet.cli.app import app
from linnet.experiment.data import Measured
from tests.support.experiments import data, good, shares


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["experiment", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps({"name": "shop", "data": data().to_json()}))
    return path


def test_a_success_is_well(file: Path) -> None:
    result = run("read", file)
    assert result.exit_code == 0
    assert result.stdout.startswith("shop: Success. Promote the treatment to all users.")


@pytest.mark.parametrize(
    ("form", "start"), [("json", "{"), ("markdown", "# shop: Success"), ("html", "<!doctype html>")]
)
def test_every_form_is_printed(file: Path, form: str, start: str) -> None:
    assert run("read", file, "-o", form).stdout.startswith(start)


def test_a_failure_is_not_well(file: Path) -> None:
    harmed = data(good() | {"return_rate": Measured(shares(30, 20))})
    file.write_text(json.dumps({"data": harmed.to_json()}))
    result = run("read", file)
    assert result.exit_code == 1
    assert "Roll the treatment back" in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"dta": {}}, "dta: is no field"),
        ({"data": {}}, "data: started: is no time"),
        ({"experiment": {"duraton": "14h"}, "data": {}}, "experiment.duraton: is no field"),
        ({"experiment": {"duration": "14 days"}, "data": {}}, "experiment.duration:"),
        ({"experiment": {"minimumDuration": "999h"}}, "experiment.minimumDuration: is longer"),
        ([], "has to be one YAML or JSON object"),
    ],
)
def test_what_cant_be_used_is_named(file: Path, content: object, said: str) -> None:
    file.write_text(json.dumps(content))
    result = run("read", file)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")


def test_a_plan_for_a_share() -> None:
    result = run("plan", "-b", 20, "-e", 5, "--goals", 1, "-u", 500, "-o", "json")
    found = json.loads(result.stdout)
    assert (found["once"], found["effect"]) == (2182, 5)
    assert found["once"] < found["planned"] < found["anyLook"]
    assert found["days"] == pytest.approx(found["anyLook"] / 500)


def test_a_plan_in_words() -> None:
    result = run("plan", "--kind", "mean", "-b", 100, "-e", 10, "--relative", "--sd", 40, "-u", 900)
    assert result.exit_code == 0
    for words in (
        "to show +10 in 80 of 100",
        "any, as Linnet does",
        "in 14 days, with 12,600 users",
    ):
        assert words in result.stdout


@pytest.mark.thorough
def test_a_plan_out_of_data(file: Path) -> None:
    found = json.loads(run("plan", "-f", file, "-o", "json").stdout)
    assert [each["metric"] for each in found] == [
        "adoption",
        "duration",
        "completion",
        "satisfaction",
    ]
    assert "smallest in the planned time" in run("plan", "-f", file).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --baseline and --effect"),
        (("-b", 95, "-e", 10), "is no share between 0 and 1"),
        (("-b", 5, "-e", 1, "--kind", "mean"), "--sd: a mean needs"),
        (("-b", 5, "-e", 0), "an effect of 0"),
    ],
)
def test_a_plan_that_cant_be_made(arguments: tuple[object, ...], said: str) -> None:
    result = run("plan", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_group_lists_its_commands() -> None:
    result = run("--help")
    assert "  plan " in result.stdout
    assert "  read " in result.stdout
