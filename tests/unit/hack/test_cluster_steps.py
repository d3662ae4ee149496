"""A run of steps: what is skipped, what is estimated, what a failure says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.cache import Timings
from hack.cluster.cluster import StepRecord
from hack.cluster.run import ClusterError, CommandFailed, sh, wait_until
from hack.cluster.screen import PlainScreen, duration, rough
from hack.cluster.steps import Step, StepFailed, run_all


class Recorder:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float, float]] = []
        self.ended: list[StepRecord] = []
        self.failed: list[str] = []

    def begin(self, step: Step, expected: float, left: float) -> None:
        self.begun.append((step.name, expected, left))

    def end(self, record: StepRecord) -> None:
        self.ended.append(record)

    def fail(self, step: Step, log: Path) -> None:
        self.failed.append(step.name)


def step(name: str, *, done: bool = False, seconds: float = 10, error: str = "") -> Step:
    def run() -> None:
        if error:
            raise ClusterError(error)

    return Step(name, name.title(), seconds, lambda: done, run)


def run(steps: list[Step], tmp_path: Path) -> Recorder:
    screen = Recorder()
    run_all(steps, screen, tmp_path / "logs", Timings(tmp_path / "timings.json"))
    return screen


def test_what_is_done_is_neither_run_nor_counted(tmp_path: Path) -> None:
    steps = [step("a", done=True, error="must not run"), step("b"), step("c", seconds=5)]
    screen = run(steps, tmp_path)
    assert screen.begun == [("a", 0, 15), ("b", 10, 15), ("c", 5, 5)]
    assert [record["cached"] for record in screen.ended] == [True, False, False]


def test_the_estimate_is_what_was_measured_last(tmp_path: Path) -> None:
    Timings(tmp_path / "timings.json").record("a", 3.0)
    assert run([step("a")], tmp_path).begun == [("a", 3.0, 3.0)]


def test_a_failure_names_the_log_and_ends_the_run(tmp_path: Path) -> None:
    screen = Recorder()
    steps = [step("a", error="no luck"), step("b")]
    with pytest.raises(StepFailed, match=r"no luck[\s\S]*logs/a\.log"):
        run_all(steps, screen, tmp_path / "logs", Timings(tmp_path / "t.json"))
    assert screen.failed == ["a"]
    assert screen.ended == []


def test_output_of_programs_is_in_the_log_of_the_step(tmp_path: Path) -> None:
    loud = Step("loud", "Loud", 1, lambda: False, lambda: sh("echo", "hello"))
    run([loud], tmp_path)
    assert (tmp_path / "logs" / "loud.log").read_text() == "$ echo hello\nhello\n"


@pytest.mark.parametrize(
    ("argv", "code"), [(("false",), 1), (("no-such-program-here",), 127)], ids=["fails", "missing"]
)
def test_a_failed_program_is_an_error(argv: tuple[str, ...], code: int) -> None:
    with pytest.raises(CommandFailed) as caught:
        sh(*argv)
    assert caught.value.code == code


def test_waiting_ends(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="never: still not so"):
        wait_until("never", lambda: False, seconds=0, every=0)


def test_plain_lines_say_nothing_of_waiting_where_there_is_none() -> None:
    lines: list[str] = []
    screen = PlainScreen(lines.append)
    screen.begin(step("a"), 0, 100)
    screen.end(StepRecord(name="a", seconds=0.1, cached=True))
    screen.begin(step("b"), 100, 700)
    screen.end(StepRecord(name="b", seconds=125, cached=False))
    assert lines == [
        "✓ a: already there",
        "… B (about 2 min; about 12 min left in all)",
        "✓ b: 2 min 5 s",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.3, "12 s"), (60, "1 min 0 s"), (185, "3 min 5 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "seconds"), (33, "about 35 s"), (89, "about 90 s"), (500, "about 8 min")],
)
def test_estimates(seconds: float, text: str) -> None:
    assert rough(seconds) == text
