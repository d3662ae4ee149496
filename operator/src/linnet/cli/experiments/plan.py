"""`linnet experiment plan`: how many users it takes to show an effect."""

import sys
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from linnet.cli.experiments.files import written
from linnet.cli.output import BadInput, Form, as_json, console, ending
from linnet.experiment import words
from linnet.experiment.planning import LOOKS, MetricPlan, Plan, Terms, plans
from linnet.experiment.planning import plan as planned
from linnet.stats.experiment import power
from linnet.stats.experiment.power import Spread


class Kind(StrEnum):
    """What is measured."""

    PROPORTION = "proportion"
    MEAN = "mean"


def plan(
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", help="Plan each metric of an experiment, out of its data so far."
        ),
    ] = None,
    baseline: Annotated[
        float | None, typer.Option("--baseline", "-b", help="Control's value; percent of a share.")
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option("--effect", "-e", help="The smallest effect that matters, in the same unit."),
    ] = None,
    kind: Annotated[Kind, typer.Option("--kind", "-k", help="proportion or mean.")] = (
        Kind.PROPORTION
    ),
    sd: Annotated[
        float | None, typer.Option(min=0, help="Standard deviation of one user's value, of a mean.")
    ] = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="The effect is percent of the baseline.")
    ] = False,
    users_per_day: Annotated[
        float, typer.Option("--users-per-day", "-u", min=0, help="New users, of both variants.")
    ] = 0.0,
    days: Annotated[float, typer.Option(min=0.01, help="Planned days.")] = 14.0,
    goals: Annotated[int, typer.Option(min=1, max=50, help="Goals that share the risk.")] = 6,
    treatment_percent: Annotated[
        float, typer.Option(min=0.1, max=99.9, help="Share of users with the treatment.")
    ] = 50.0,
    confidence: Annotated[
        float, typer.Option(min=50, max=99.99, help="Percent, of all goals together.")
    ] = 95.0,
    chance: Annotated[
        float, typer.Option("--power", min=50, max=99.9, help="Percent: chance to show the effect.")
    ] = 80.0,
    output: Annotated[Form, typer.Option("--output", "-o", help="table or json.")] = Form.TABLE,
) -> None:
    """Say how many users it takes to show an effect, and what can be shown in the time.

    Either with --baseline and --effect, or with --file. Exit code 0: reckoned. 2: input that can't
    be used.
    """  # fmt: skip
    with ending():
        if file is not None:
            found = written(file)
            _show_metrics(plans(found.spec, found.data), output)
            return
        if baseline is None or effect is None:
            raise BadInput("give --baseline and --effect, or --file: what is to be shown")
        change = baseline * effect / 100 if relative else effect
        terms = Terms(
            1 - confidence / 100, goals, chance / 100, treatment_percent / 100, users_per_day, days
        )
        spread = _spread(kind, baseline, change, sd)
        if change == 0:
            raise BadInput("--effect: an effect of 0 can't be shown by any number of users")
    scale = 100.0 if kind is Kind.PROPORTION else 1.0
    _show(planned(change / scale, spread, terms), terms, scale, output)


def _spread(kind: Kind, baseline: float, change: float, sd: float | None) -> Spread:
    if kind is Kind.PROPORTION:
        try:
            return power.of_proportion(baseline / 100, change / 100)
        except ValueError as error:
            raise BadInput(f"--baseline and --effect: {error}") from error
    if not sd:
        raise BadInput("--sd: a mean needs the standard deviation of one user's value, above 0")
    return power.of_mean(sd)


def _show(found: Plan, terms: Terms, scale: float, output: Form) -> None:
    if output is Form.JSON:
        sys.stdout.write(as_json(_scaled(found, scale)) + "\n")
        return
    console().print(_told(found, terms, scale))


def _scaled(found: Plan, scale: float) -> dict[str, Any]:
    told = dict(vars(found))
    return told | {name: told[name] * scale for name in ("effect", "smallest")}


def _told(found: Plan, terms: Terms, scale: float) -> RenderableType:
    unit = " pp" if scale == 100 else ""
    sure = f"{100 * (1 - terms.alpha):g} %"
    shared = f", shared by {terms.goals} goals" if terms.goals > 1 else ""
    lines: list[RenderableType] = [
        f"to show {scale * found.effect:+.3g}{unit} in {100 * terms.power:g} of 100 experiments "
        f"that have it, with {sure} confidence{shared}:",
        "",
        _ways(found, terms),
    ]
    if terms.per_day > 0:
        lines += [
            "",
            f"in {terms.days:g} days, with {terms.per_day * terms.days:,.0f} users, it is shown in "
            f"{100 * found.shown:.0f} of 100; {scale * found.smallest:.3g}{unit} and more in "
            f"{100 * terms.power:g} of 100",
        ]
    return Group(*lines)


def _ways(found: Plan, terms: Terms) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(("looks", "users", "days")):
        table.add_column(name, justify="right" if number else "left")
    for way, users in (
        ("any, as Linnet does", found.any_look),
        (f"{LOOKS} planned ones", found.planned),
        ("one, at the end", found.once),
    ):
        days = f"{users / terms.per_day:.1f}" if terms.per_day > 0 else words.UNKNOWN
        table.add_row(way, f"{users:,}", days)
    return table


def _show_metrics(found: tuple[MetricPlan, ...], output: Form) -> None:
    if output is Form.JSON:
        told = [{"metric": m.metric.name, "baseline": m.baseline, **vars(m.plan)} for m in found]
        sys.stdout.write(as_json(told) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("metric", "control", "asked", "users", "days", "smallest in the planned time"):
        table.add_column(name)
    for each in found:
        days = f"{each.plan.days:.1f}" if isfinite(each.plan.days) else words.UNKNOWN
        table.add_row(
            each.metric.name,
            words.value(each.metric, each.baseline),
            words.asked(each.metric),
            f"{each.plan.any_look:,}",
            days,
            words.effect(each.metric, each.plan.smallest),
        )
    console().print(table if found else "no metric has both users and a minimumEffect")
