"""The outputs in the documents are what the commands print."""

from functools import partial
from pathlib import Path

import pytest

from hack import example_export, rehearse
from linnet.simulation.built_in import FIRST_LOOK

PAGE = Path("docs/rehearse.md")
COMPARISON = Path("docs/comparison.md")
LONG = ("simulate", "--worlds", "backtest")
"""Commands that play many releases: the only one word, an option, and a command."""


def is_long(command: str) -> bool:
    """Whether many releases are played: too much for a unit test."""
    return command == LONG[0] or any(word in command for word in LONG[1:])


ALL = {**rehearse.outputs(PAGE.read_text()), **rehearse.outputs(COMPARISON.read_text())}


@pytest.mark.thorough
@pytest.mark.parametrize("command", [each for each in ALL if not is_long(each)])
def test_an_output_is_current(command: str, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    for file in Path("docs/examples").glob("*.yaml"):
        (tmp_path / "examples" / file.name).write_text(file.read_text())
    assert rehearse.printed(command, tmp_path) == ALL[command], "python -m hack.rehearse"
    for drawn in (tmp_path / "examples").glob("*.svg"):
        assert drawn.read_text() == (Path("docs/examples") / drawn.name).read_text()


def test_the_long_one_has_every_world() -> None:
    output = ALL["simulate"]
    rows = [line.split()[0] for line in output.splitlines() if line]
    assert set(FIRST_LOOK) <= set(rows)


def test_the_example_of_a_past_is_current() -> None:
    assert example_export.TARGET.read_text() == example_export.export()


def test_the_examples_on_the_page_are_the_files() -> None:
    assert Path("docs/examples/friday.yaml").read_text() in PAGE.read_text()


@pytest.mark.thorough
def test_a_page_is_written_anew(tmp_path: Path) -> None:
    page = "text\n```console\n$ linnet simulate --world atlantis\nold\n```\nmore\n"
    fresh = rehearse.rewritten(page, partial(rehearse.printed, folder=tmp_path))
    assert "no world: there are healthy" in fresh
    assert "old" not in fresh
    assert fresh.endswith("```\nmore\n")
    assert list(rehearse.commands(page)) == ["simulate --world atlantis"]


def test_an_output_that_nobody_knows_stays() -> None:
    page = "```text\n$ linnet status -w\nold\n```\nmore\n"
    assert rehearse.rewritten(page, lambda _: None) == page
    assert "new\n```\nmore" in rehearse.rewritten(page, lambda _: "new\n")
