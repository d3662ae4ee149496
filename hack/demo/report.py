"""What is left of a demonstration: a table for people, JSON for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hack.demo import ink
from hack.demo.ink import BAD, GOOD, QUIET
from hack.demo.measure import Result, StepResult


def as_json(
    started: float, cluster_s: float, results: Sequence[Result], outside: int
) -> dict[str, Any]:
    """The content of out/demo.json. outside: failures that no canary on trial explains."""
    return {
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "cluster_s": round(cluster_s, 1),
        "releases": [_release(result) for result in results],
        "failures_outside_canary": outside,
    }


def _release(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "outcome": result.outcome,
        "reason": result.reason,
        "detection_s": _rounded(result.detection_s),
        "rollback_s": _rounded(result.rollback_s),
        "seconds": round(result.seconds, 1),
        "requests": result.requests,
        "failures": result.failures,
        "client_failures": result.client_failures,
        "failures_outside_canary": result.failures_outside,
        "failures_after_decision": result.failures_after,
        "failures_outside_kinds": result.outside_kinds,
        "steps": [
            {
                "weight": step.weight,
                "requests": step.requests,
                "measured_share": _rounded(step.measured_share),
                "error_pp": _rounded(step.error_pp),
            }
            for step in result.steps
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def succeeded(results: Sequence[Result], asked: int, outside: int) -> bool:
    """Whether every release that was asked for ended well, and nothing else failed."""
    return len(results) == asked and all(result.good for result in results) and outside == 0


def summary(results: Sequence[Result], outside: int) -> RenderableType:
    """The table at the end, with the split of each promoted release below it."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style=QUIET, pad_edge=False)
    table.add_column("")
    for column in ("outcome", "reason"):
        table.add_column(column)
    for column in ("took", "seen", "back", "sent", "failed"):
        table.add_column(column, justify="right")
    for result in results:
        table.add_row(*_row(result))
    promoted = [result for result in results if result.outcome == "Promoted"]
    return Group(table, *(split(result) for result in promoted), Text(), _verdict(results, outside))


def _row(result: Result) -> tuple[Text, ...]:
    style, sign = (GOOD, "✓") if result.good else (BAD, "✗")
    requests = sum(result.requests.values())
    return (
        Text.assemble((sign, style), f" {result.name}"),
        Text(result.outcome, style),
        Text(result.reason if result.reason != result.outcome else "", QUIET),
        Text(ink.clock(result.seconds)),
        Text(_seconds(result.detection_s)),
        Text(_seconds(result.rollback_s)),
        Text(f"{requests:,}"),
        Text(f"{result.client_failures:,}", BAD if result.failures_outside else ""),
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def split(result: Result) -> Text:
    """What share each weight got, in one line."""
    line = Text.assemble((f"{result.name} ", "bold"), ("asked → measured  ", QUIET))
    for number, step in enumerate(result.steps):
        line.append(" · " if number else "", QUIET).append_text(_step(step))
    return line


def _step(step: StepResult) -> Text:
    share = ink.exact(step.measured_share)
    return Text(f"{step.weight} → {share} %", BAD if step.off else "")


def _verdict(results: Sequence[Result], outside: int) -> Text:
    if outside:
        return Text(f"{outside:,} requests failed that no canary on trial explains.", BAD)
    total = sum(sum(result.requests.values()) for result in results)
    failed = sum(result.client_failures for result in results)
    told = f"{failed:,} failed, all answered by a canary on trial" if failed else "none failed"
    return Text.assemble((f"{total:,} requests", "bold"), f"; {told}.")


def legend() -> Text:
    """What the table's short headings mean."""
    return Text(
        "seen: fault visible → decision; back: decision → last request on the canary",
        QUIET,
    )


def next_commands(kubeconfig: str, down: str) -> Text:
    """What one may want to do now."""
    return Text.assemble(
        ("Look around:\n", "bold"),
        f"  export KUBECONFIG={kubeconfig}\n",
        "  kubectl get crel -n shop\n",
        "  kubectl describe crel recochat -n shop\n",
        f"  {down}",
        ("   # removes the cluster", QUIET),
    )
