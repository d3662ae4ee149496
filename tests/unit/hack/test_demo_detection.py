import httpx
import pytest

from hack.demo import detection
from hack.demo.detection import breached_check, first_beyond, visible_since
from hack.demo.progress import Progress
from linnet.api.status import DecisionKind, Phase
from linnet.core.catalog import checks
from linnet.core.queries import Question
from tests.support.demo import FAILING, SPEC, START, decided, rolled_back, status

ERROR_RATE, *_, AVAILABILITY = checks(SPEC.analysis)


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("ErrorRateBreached", "errorRate"),
        ("LatencyP95Breached", "latencyP95"),
        ("MemoryBreached", "memory"),
        ("CanaryFailing", None),
        ("Promoted", None),
    ],
)
def test_a_reason_names_its_check(reason: str, name: str | None) -> None:
    check = breached_check(reason, SPEC)
    assert (check.name if check else None) == name


def test_the_first_point_beyond_the_limit_counts() -> None:
    assert first_beyond(ERROR_RATE, [(1, 0.4), (2, 1.0), (3, 1.1), (4, 9.0)]) == 3
    assert first_beyond(AVAILABILITY, [(1, 100), (2, 98.9)]) == 2
    assert first_beyond(ERROR_RATE, [(1, 0.0)]) is None
    assert first_beyond(ERROR_RATE, []) is None


def test_prometheus_is_asked_from_the_first_traffic_to_the_decision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, object] = {}

    def post(url: str, data: dict[str, object], **_: object) -> httpx.Response:
        asked.update(data, url=url)
        values = [[START + 8, "0"], [START + 14, "5.1"]]
        other = {"metric": {"namespace": "tea", "workload": "tea-canary"}, "values": []}
        metric = {"namespace": "shop", "workload": "recochat-canary"}
        body = {"data": {"result": [other, {"metric": metric, "values": values}]}}
        return httpx.Response(200, json=body, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx, "post", post)
    seen = visible_since(rolled_back(decision=20), SPEC, "http://127.0.0.1:9090")
    assert seen == START + 14
    assert (asked["start"], asked["end"]) == (START + 5, START + 20)
    assert 'status=~"5.."' in str(asked["query"])
    assert "[10s]" in str(asked["query"])


def test_a_query_without_a_series_has_no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = httpx.Response(
        200, json={"data": {"result": []}}, request=httpx.Request("POST", "http://x/")
    )
    monkeypatch.setattr(httpx, "post", lambda *_, **__: empty)
    assert detection.query_range("http://x", Question("up"), 1, 2) == []


def test_a_crash_is_visible_in_the_pods() -> None:
    progress = Progress(FAILING, START, crashed=START + 3)
    progress.take(
        status(Phase.ROLLED_BACK, decided(6, DecisionKind.ROLLED_BACK, "CanaryFailing")), START + 9
    )
    assert visible_since(progress, SPEC, "http://unused") == START + 3


def test_without_an_end_there_is_nothing_to_look_for() -> None:
    assert visible_since(Progress(FAILING, START), SPEC, "http://unused") is None
