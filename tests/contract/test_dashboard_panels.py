"""Every query of the dashboards, asked of a real Prometheus while a release of recochat fails."""

import asyncio
import time
from pathlib import Path
from statistics import fmean

import pytest

from hack.dashboards.panels import Dashboard, Panel
from hack.dashboards.releases import LINNET
from hack.dashboards.workload import RECOCHAT
from hack.panels.prometheus import Answers, Span, answers
from hack.panels.stage import VALUES, stage
from linnet.api.status import Phase

DASHBOARDS = {each.uid: each for each in (RECOCHAT, LINNET)}
PANELS = [
    pytest.param(dashboard, panel, id=f"{dashboard.title}-{panel.title}")
    for dashboard in DASHBOARDS.values()
    for panel in dashboard.panels
]
FAILING = {"ERROR_SHARE": "0.3"}
PATIENCE_S = 400


async def _play(folder: Path) -> tuple[Phase, dict[str, Answers]]:
    async with asyncio.timeout(PATIENCE_S), stage(folder) as found:
        start = time.time()  # noqa: TID251 - Prometheus goes by the real clock
        await found.rest(6)
        ended = await found.release("2", **FAILING)
        await found.rest(4)
        span = Span(start, time.time(), 2)  # noqa: TID251
        return ended, {
            uid: await asyncio.to_thread(answers, found.prometheus, dashboard, VALUES, span)
            for uid, dashboard in DASHBOARDS.items()
        }


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Phase, dict[str, Answers]]:
    """How the release ended, and what each dashboard's panels showed of it."""
    return asyncio.run(_play(tmp_path_factory.mktemp("d")))


@pytest.fixture
def shown(played: tuple[Phase, dict[str, Answers]]) -> dict[str, Answers]:
    return played[1]


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_no_line_of_a_panel_is_empty(
    shown: dict[str, Answers], dashboard: Dashboard, panel: Panel
) -> None:
    """A series without a number counts as none."""
    found = shown[dashboard.uid][panel.title]
    assert [each.line.legend for each in found if not each.series] == []


def values(shown: dict[str, Answers], panel: str, legend: str, **labels: str) -> list[float]:
    """What a line of recochat's dashboard showed of one series, over time."""
    [line] = [each for each in shown[RECOCHAT.uid][panel] if each.line.legend == legend]
    [found] = [each for each in line.series if labels.items() <= each.labels.items()]
    return [value for _, value in found.points]


def test_the_release_fails_by_what_prometheus_saw(
    played: tuple[Phase, dict[str, Answers]], shown: dict[str, Answers]
) -> None:
    assert played[0] is Phase.ROLLED_BACK
    canary = values(shown, "Error rate", "{{track}}", track="canary")
    # Of few requests: only by and by it comes to three in ten. A busy machine fails stable's, too.
    assert max(canary) > 10
    assert fmean(values(shown, "Error rate", "{{track}}", track="stable")) < fmean(canary) / 3
    assert max(values(shown, "Error count", "failed (5xx), {{track}}", track="canary")) > 0


def test_the_release_s_state_is_shown_from_beginning_to_end(shown: dict[str, Answers]) -> None:
    states = [list(Phase)[int(code)] for code in values(shown, "Release state", "{{name}}")]
    passed = [Phase.IDLE, Phase.PROGRESSING, Phase.ROLLED_BACK]
    assert [states.index(phase) for phase in passed] == sorted(map(states.index, passed))


def test_traffic_is_split_as_the_release_wants_it(shown: dict[str, Answers]) -> None:
    wanted = values(shown, "Traffic split", "canary, wanted by {{name}}")
    assert (max(wanted), wanted[-1]) == (10, 0)
    canary = values(shown, "Traffic split", "{{track}}", track="canary")
    assert 3 < max(canary) < 60
