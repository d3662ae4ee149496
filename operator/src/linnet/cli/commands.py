"""The commands that there are. A command's module is imported only when it is asked for.

What asks a cluster needs a second of imports that `linnet --help` and the completion of a word
can do without.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

PAGE: dict[str, Any] = {"terminal_width": 100, "max_content_width": 100}


@dataclass(frozen=True)
class Entry:
    """A command: the function of its name in `module`, or a group of them.

    told: the first line of its help.
    """

    name: str
    module: str
    section: str
    told: str

    def load(self) -> TyperCommand | TyperGroup:
        """The command with its options, or the group; imports its module."""
        function = getattr(import_module(f"linnet.cli.{self.module}"), self.name)
        if isinstance(function, typer.Typer):
            return typer.main.get_group(function)
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(self.name, context_settings=PAGE)(function)
        found = typer.main.get_command(alone)
        if not isinstance(found, TyperCommand):
            raise TypeError(f"{self.name} is not one command")
        return found


SEE, ACT, TRY, SELF = "See", "Act", "Before a release", "The command itself"
COMMANDS = (
    Entry("get", "cluster.get", SEE, "List releases, or show one."),
    Entry("status", "cluster.status", SEE, "Show what a release is doing, and why."),
    Entry("history", "cluster.history", SEE, "List a release's last decisions."),
    Entry("explain", "cluster.history", SEE, "Explain a decision: measured, asked, limit, rule."),
    Entry("wait", "cluster.wait", SEE, "Wait until a release has come to something."),
    Entry("metrics", "cluster.metrics", SEE, "Read out what was measured, against its limits."),
    Entry(
        "report",
        "cluster.report",
        SEE,
        "Write the report of a release: what was released, measured, decided, by whom.",
    ),
    Entry("doctor", "cluster.doctor", SEE, "Say HEALTHY, or what is wrong and what helps."),
    Entry(
        "probe",
        "probe.command",
        SEE,
        "Send requests at a rate, and see whether a limit lets them pass.",
    ),
    Entry("deploy", "cluster.deploy", ACT, "Release a new image, and watch it."),
    Entry("pause", "cluster.suspend", ACT, "Freeze a release where it is; rollback stays armed."),
    Entry("resume", "cluster.suspend", ACT, "Let a paused release go on."),
    Entry(
        "promote", "cluster.act", ACT, "Go on to the next step now, without waiting for its time."
    ),
    Entry("rollback", "cluster.act", ACT, "Give all traffic back to stable, at once."),
    Entry("approve", "cluster.approve", ACT, "Approve the present step of a release."),
    Entry("retry", "cluster.act", ACT, "Release a version again that was rolled back."),
    Entry(
        "simulate",
        "simulate",
        TRY,
        "Play releases through the operator's own decisions: no cluster, no network.",
    ),
    Entry("lint", "lint", TRY, "Say what a policy can't do, and what would help."),
    Entry("backtest", "backtest", TRY, "Release good and bad versions into the past of a service."),
    Entry(
        "experiment",
        "experiments.group",
        TRY,
        "Plan an A/B experiment, read one's data, or see and end a release's.",
    ),
    Entry("version", "version", SELF, "Say the version of this command, and of the operator."),
    Entry("completion", "completion", SELF, "Print what makes a shell complete commands."),
)
BY_NAME = {entry.name: entry for entry in COMMANDS}


class Lazy(TyperGroup):
    """All commands, each a name and a line until it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in COMMANDS:
            self.add_command(TyperCommand(entry.name, help=entry.told))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that a line of words calls."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, BY_NAME[name].load() if name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by section."""
        for section, entries in sections():
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.told) for entry in entries])


def sections() -> Iterator[tuple[str, list[Entry]]]:
    """The sections in their order, with their commands."""
    for section, entries in groupby(COMMANDS, key=lambda entry: entry.section):
        yield section, list(entries)
