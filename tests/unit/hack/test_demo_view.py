import io

import pytest
from rich.console import Console

from hack.demo import ink
from hack.demo.progress import Progress
from hack.demo.releases import RELEASES
from hack.demo.scene import Show, Stage, flows, shares
from hack.demo.view import picture
from linnet.api.status import DecisionKind, MetricStatus, Phase, Verdict
from tests.support.demo import (
    FAILING,
    GOOD,
    SPEC,
    START,
    answers,
    at,
    decided,
    promoted,
    request,
    split,
    status,
    weight,
)


def drawn(show: Show, now: float, width: int = 80, height: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as capture:
        console.print(picture(show.scene(now), width, height))
    return [line.rstrip() for line in capture.get().splitlines()]


def running() -> Show:
    """v2 is promoted; v3 is at 5 % and has breached twice."""
    show = Show("linnet-demo", START - 90, RELEASES, spec=SPEC)
    show.stages = [
        Stage("cluster", START - 90, START - 60),
        Stage("adopted", START - 60, START - 58, "without a restart"),
    ]
    show.done = [promoted()]
    progress = Progress(FAILING, START + 70)
    metrics = (
        MetricStatus(
            name="errorRate", value=5.06, verdict=Verdict.BREACH, measured_at=at(84), breaches=2
        ),
        MetricStatus(
            name="latencyP95", value=12.34, verdict=Verdict.PASS, measured_at=at(84), passes=2
        ),
        MetricStatus(name="memory", verdict=Verdict.NO_DATA, measured_at=at(84)),
    )
    progress.take(
        status(
            Phase.PROGRESSING,
            decided(74, DecisionKind.ADVANCED, message="The canary is ready; it gets 5 %"),
            weight=weight(5, 75),
            step=1,
            metrics=metrics,
            message="At 5 %, measuring",
        ),
        START + 75,
    )
    show.progress = progress
    show.answers = answers(split(70, 75, 0), split(75, 90, 5, "v3"))
    show.answers.add([request(89.999, "v3", "canary", 500, took=0.0)])
    return show


def test_the_running_release_is_told_in_full() -> None:
    lines = drawn(running(), START + 90)
    text = "\n".join(lines)
    assert lines[0].split() == [
        "Linnet", "progressive", "delivery,", "live", "on", "a", "real", "cluster",
        "linnet-demo", "3:00",
    ]  # fmt: skip
    assert "✓ prepared in 0:32, v1 adopted without a restart" in text
    assert "✓ v2  a good version             1:00  promoted" in text
    assert "● v3  answers 5 % with an error  0:20  releasing" in text
    assert "· v4  700 ms slower" in text
    assert "Progressing  At 5 %, measuring" in text
    assert "● 5 % ── ○ 10 % ── ○ 50 % ── ○ 100 % ── ○ stable" in text
    assert "of 501 requests" in text
    assert "errorRate            5.1 %       ≤ 0.5      > 1 ×3  breach 2 of 3" in text
    assert "latencyP95         12.3 ms       ≤ 200    > 500 ×3  pass 2 of 3" in text
    assert "availability             –      ≥ 99.5     < 99 ×3  not measured yet" in text
    assert "0:04  Advanced  The canary is ready; it gets 5 %" in text


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("height", [24, 34, 60])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    lines = drawn(running(), START + 90, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_a_low_terminal_keeps_weights_checks_and_traffic() -> None:
    text = "\n".join(drawn(running(), START + 90, 80, 24))
    assert all(word in text for word in ("wanted", "errorRate", "availability", "canary  v3"))
    assert "over time" not in text


def test_before_the_first_release_the_preparation_is_shown() -> None:
    show = Show("linnet-demo", START, RELEASES)
    show.stages = [Stage("cluster", START, START + 40), Stage("operator", START + 40)]
    text = "\n".join(drawn(show, START + 48))
    assert "✓ cluster 40 s   ● operator 8 s" in text


def test_a_passed_step_is_told_without_each_check() -> None:
    show = running()
    assert show.progress is not None
    entry = decided(
        85,
        DecisionKind.ADVANCED,
        "StepPassed",
        "errorRate 0 %, limit 0.5 %, memory 27 %, limit 85 % hold at 5 %; the canary gets 10 %",
    ).model_copy(update={"weight": 5})
    show.progress.take(status(Phase.PROGRESSING, entry, weight=weight(10, seen=5)), START + 85)
    text = "\n".join(drawn(show, START + 90, 100))
    assert "0:15  Advanced  The canary gets 10 %: all checks hold at 5 %" in text


def test_the_share_is_measured_from_the_last_move_on() -> None:
    show = running()
    assert show.progress is not None
    end = decided(88, DecisionKind.ROLLED_BACK, "ErrorRateBreached")
    show.progress.take(status(Phase.ROLLING_BACK, end, weight=weight(0)), START + 88)
    current = show.scene(START + 90).current
    assert current is not None
    assert current.measured.requests == 201


def test_a_release_that_the_operator_has_not_noticed_yet() -> None:
    show = running()
    show.progress = Progress(FAILING, START + 90)
    assert "v3  the chart is upgraded" in "\n".join(drawn(show, START + 90))


def test_a_rollback_marks_the_step_where_it_ended() -> None:
    show = running()
    assert show.progress is not None
    show.progress.take(
        status(
            Phase.ROLLED_BACK,
            decided(
                92, DecisionKind.ROLLED_BACK, "ErrorRateBreached", "errorRate: 5 % is above 1 %"
            ),
            step=1,
        ),
        START + 98,
    )
    text = "\n".join(drawn(show, START + 99))
    assert "✗ 5 % ── ○ 10 %" in text
    assert "rolled back  ErrorRateBreached" in text


def test_an_unexpected_outcome_is_a_bad_mark() -> None:
    show = Show("linnet-demo", START, (GOOD,))
    show.done = [Progress(GOOD, START)]
    show.done[0].take(
        status(Phase.ROLLED_BACK, decided(9, DecisionKind.ROLLED_BACK, "CpuBreached")), START + 9
    )
    assert "✗ v2  a good version  0:09  rolled back  CpuBreached" in "\n".join(drawn(show, START))


def test_flows_are_of_late_and_in_all() -> None:
    seen = answers(split(0, 20, 5), [request(19.5, "v2", "canary", 500, took=0.4)])
    stable, canary = flows(seen, START, START + 20)
    assert (stable.track, stable.version, stable.requests) == ("stable", "v1", 1900)
    assert stable.per_second == pytest.approx(95)
    assert (canary.requests, canary.failures) == (101, 1)


def test_shares_over_time_have_a_point_each_two_seconds() -> None:
    seen = answers(split(0, 2, 0), split(2, 4, 50), split(4, 6, 100))
    assert list(shares(seen, START, START + 6)) == pytest.approx([0, 50, 100])


def test_bars_are_exact_to_an_eighth() -> None:
    assert ink.bar(50, 10, "").plain == "█████─────"
    assert ink.bar(5, 10, "").plain == "▌─────────"
    assert ink.bar(0, 4, "").plain == "────"
    assert ink.bar(250, 4, "").plain == "████"


def test_a_spark_shows_nothing_as_a_dot() -> None:
    assert ink.spark((0, 5, 50, 100), "").plain == "·▁▅█"


def test_numbers_keep_the_digits_that_matter() -> None:
    assert [ink.number(v, " ms") for v in (None, 0, 5.06, 12.0, 712.4)] == [
        "–", "0 ms", "5.1 ms", "12 ms", "712 ms",
    ]  # fmt: skip
    assert ink.clock(187.9) == "3:07"
    assert [ink.exact(v) for v in (None, 10.0, 4.98)] == ["–", "10", "4.98"]
