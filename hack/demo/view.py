"""The picture of a `Scene`. Pure: the same scene, width and height give the same picture."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hack.demo import ink, release_view
from hack.demo.ink import BAD, CANARY, GOOD, QUIET, STABLE
from hack.demo.scene import Flow, Line, Mark, Scene, Stage

WIDEST = 110
COMFORTABLE = 34
"""Lines of a terminal from which on nothing is left out."""
_WORDS = {"Promoted": "promoted", "RolledBack": "rolled back"}


def picture(scene: Scene, width: int, height: int) -> RenderableType:
    """The whole screen. Where it is low, what matters least is left out."""
    inner = min(width, WIDEST) - 4
    upper: list[RenderableType] = [title(scene, inner)]
    low = height < COMFORTABLE and scene.current is not None
    if not low:
        upper.append(stages(scene, inner))
    upper += [Text(), releases(scene), Text()]
    used = len(upper) - 1 + len(scene.lines)
    flows = traffic(scene.flows)
    if scene.current is None:
        return _page([*upper, flows if scene.flows else Text()])
    if low:
        return _page([*upper, release_view.release(scene.current, inner, low=True), flows])
    body = release_view.release(scene.current, inner, low=False)
    used += release_view.lines(scene.current) + 2 + max(len(scene.flows), 2) + 1
    decided = release_view.decisions(scene.current, inner, height - used - 1)
    return _page([*upper, body, Text(), flows, Text(), decided or Text()])


def _page(parts: list[RenderableType]) -> RenderableType:
    return Padding(Group(*parts), (0, 2), expand=False)


def title(scene: Scene, width: int) -> Text:
    """Name, what it is about, where, and since when."""
    left = Text.assemble(
        ("Linnet", f"bold {CANARY}"), ("  progressive delivery, live on a real cluster", QUIET)
    )
    right = Text.assemble((scene.cluster, QUIET), ("  " + ink.clock(scene.now - scene.started)))
    gap = max(2, width - left.cell_len - right.cell_len)
    line = Text.assemble(left, " " * gap, right)
    line.truncate(width)
    return line


def stages(scene: Scene, width: int) -> Text:
    """The preparation in one line: the latest parts of it, or how long it took."""
    line = Text(no_wrap=True, overflow="ellipsis")
    if scene.current is None and not any(each.mark is Mark.GOOD for each in scene.lines):
        for stage in scene.stages[-3:]:
            line.append_text(_stage(stage, scene.now)).append("   ")
    elif scene.stages:
        ended = max(stage.ended or scene.now for stage in scene.stages)
        notes = [f"{stage.name} {stage.note}" for stage in scene.stages if stage.note]
        line.append("✓", GOOD)
        line.append(f" prepared in {ink.clock(ended - scene.started)}", QUIET)
        line.append("".join(f", v1 {note}" for note in notes), QUIET)
    line.truncate(width, overflow="ellipsis")
    return line


def _stage(stage: Stage, now: float) -> Text:
    if stage.ended is None:
        return Text.assemble(
            ink.mark(Mark.RUNNING), f" {stage.name} ", (f"{now - stage.began:.0f} s", QUIET)
        )
    note = stage.note or f"{stage.ended - stage.began:.0f} s"
    return Text.assemble(ink.mark(Mark.GOOD), (f" {stage.name} {note}", QUIET))


def releases(scene: Scene) -> Table:
    """The list of releases."""
    table = Table.grid(padding=(0, 2))
    for line in scene.lines:
        table.add_row(*_line(line))
    return table


def _line(line: Line) -> tuple[Text, ...]:
    waiting, running = line.mark is Mark.WAITING, line.mark is Mark.RUNNING
    name = Text.assemble(ink.mark(line.mark), " ", (line.name, "bold" if running else ""))
    ended = Text(_WORDS.get(line.outcome, line.outcome), ink.MARKS[line.mark])
    if line.detail:
        ended.append(f"  {line.detail}", QUIET)
    time = "" if line.seconds is None else ink.clock(line.seconds)
    return (
        name,
        Text(line.summary, QUIET if waiting else ""),
        Text(time, QUIET, justify="right"),
        Text("releasing", CANARY) if running else ended,
    )


def traffic(flows: tuple[Flow, ...]) -> Table:
    """Requests by version."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=QUIET)
    table.add_column("Traffic", min_width=18, header_style="bold")
    for column in ("req/s", "p95 ms", "requests", "failed"):
        table.add_column(column, justify="right", min_width=8)
    for flow in flows:
        style = {"stable": STABLE, "canary": CANARY}.get(flow.track, BAD)
        table.add_row(
            Text.assemble((f"{flow.track:8}", style), flow.version),
            f"{flow.per_second:.1f}",
            f"{flow.p95_ms:.0f}",
            f"{flow.requests:,}",
            Text(f"{flow.failures:,}", BAD if flow.failures else GOOD),
        )
    for _ in range(2 - len(flows)):
        table.add_row("", "", "", "", "")
    return table
