import io

from rich.console import Console

from hack.demo.measure import Result, StepResult
from hack.demo.report import as_json, legend, next_commands, succeeded, summary
from tests.support.demo import START


def outcome(**changes: object) -> Result:
    values: dict[str, object] = {
        "name": "v2", "outcome": "Promoted", "reason": "Promoted", "as_expected": True,
        "seconds": 80.04, "detection_s": None, "rollback_s": None,
        "requests": {"v1": 9000, "v2": 3000}, "failures": {}, "outside_kinds": {},
        "failures_after": 0,
        "steps": (StepResult(5, 2415, 4.9689),),
    }  # fmt: skip
    return Result(**{**values, **changes})  # type: ignore[arg-type]


def told(results: list[Result], outside: int) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(summary(results, outside))
    return capture.get()


def test_json_has_what_was_promised() -> None:
    content = as_json(START, 41.234, [outcome()], 0)
    assert content["started"] == "2023-11-14T22:13:20+00:00"
    assert (content["cluster_s"], content["failures_outside_canary"]) == (41.2, 0)
    assert content["releases"][0] == {
        "name": "v2",
        "outcome": "Promoted",
        "reason": "Promoted",
        "detection_s": None,
        "rollback_s": None,
        "seconds": 80.0,
        "requests": {"v1": 9000, "v2": 3000},
        "failures": {},
        "client_failures": 0,
        "failures_outside_canary": 0,
        "failures_after_decision": 0,
        "failures_outside_kinds": {},
        "steps": [{"weight": 5, "requests": 2415, "measured_share": 4.969, "error_pp": -0.031}],
    }


def test_summary_of_a_good_end() -> None:
    text = told([outcome()], 0)
    assert "✓ v2  Promoted" in text
    assert "v2 asked → measured  5 → 4.97 %" in text
    assert "12,000 requests; none failed." in text


def test_summary_tells_whose_failures_were_fine() -> None:
    text = told([outcome(failures={"v3": 4})], 0)
    assert "12,000 requests; 4 failed, all answered by a canary on trial." in text


def test_summary_of_lost_requests() -> None:
    text = told([outcome(failures={"none": 7}, outside_kinds={"502": 7})], 7)
    assert "✗ v2" in text
    assert "7 requests failed that no canary on trial explains." in text


def test_success_needs_every_release_and_no_lost_request() -> None:
    assert succeeded([outcome()], 1, 0)
    assert not succeeded([outcome()], 2, 0)
    assert not succeeded([outcome()], 1, 1)
    assert not succeeded([outcome(as_expected=False)], 1, 0)
    assert not succeeded([outcome(steps=(StepResult(5, 2415, 7.0),))], 1, 0)


def test_what_to_do_next_names_the_kubeconfig() -> None:
    text = next_commands("out/kubeconfig", "make down").plain
    assert "export KUBECONFIG=out/kubeconfig" in text
    assert "kubectl get crel -n shop" in text
    assert "make down" in text
    assert "decision" in legend().plain
