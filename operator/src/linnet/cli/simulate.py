"""`linnet simulate`: a release, rehearsed in a described world."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from linnet.api.spec import CanaryReleaseSpec
from linnet.cli import files, pictures, tables
from linnet.cli.output import NOT_WELL, BadInput, Form, as_json, console, ending
from linnet.cli.processes import spread
from linnet.simulation.built_in import FIRST_LOOK, WORLDS
from linnet.simulation.described import Described
from linnet.simulation.played import Outcome, Played
from linnet.simulation.rehearsal import play
from linnet.simulation.summary import Summary, summary

SEVERAL = 10
"""Releases in each world where nobody says how many."""


def simulate(
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            "-f",
            help="CanaryRelease to rehearse, - for standard input; the default policy if left out.",
        ),
    ] = None,
    world: Annotated[
        list[str] | None,
        typer.Option(
            "--world",
            "-w",
            help="A world's name or file; may be given several times. "
            f"There are {', '.join(WORLDS)}.",
        ),
    ] = None,
    worlds: Annotated[
        int | None,
        typer.Option(
            "--worlds",
            "-n",
            min=1,
            max=100_000,
            help="Releases to play in each world, "
            f"every one with its own chance. 1 for one world, else {SEVERAL}.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another chance.", min=0)] = 0,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what happened into this SVG file.")
    ] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="table or json.")] = Form.TABLE,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are processors.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(help="promoted or rolledBack: exit code 1 where a release ends otherwise."),
    ] = None,
) -> None:
    """Play releases through the operator's own decisions: no cluster, no network.

    One release in one world is told as a story, many are counted. Exit code 0: played. 1: ended
    otherwise than by --expect. 2: input that can't be used.
    """  # fmt: skip
    with ending():
        spec = files.policy(file).spec
        described = [files.world(name) for name in world or FIRST_LOOK]
        wanted = _outcome(expect)
        if picture is not None and picture.suffix != ".svg":
            raise BadInput(f"--picture {picture}: must end in .svg")
    many = worlds or (1 if len(described) == 1 else SEVERAL)
    if len(described) * many == 1:
        story = play(spec, described[0], seed)
        _show_story(spec, story, output)
        played = [[story]]
        drawn = pictures.story(spec, story) if picture else ""
    else:
        played = _play(spec, described, many, seed, workers)
        found = [summary(each) for each in played]
        _show_summaries(found, described, output)
        drawn = pictures.outcomes(found, played) if picture else ""
    if picture is not None:
        picture.write_text(drawn)
    if wanted and any(each.outcome is not wanted for group in played for each in group):
        raise typer.Exit(NOT_WELL)


def _outcome(name: str | None) -> Outcome | None:
    known = {"promoted": Outcome.PROMOTED, "rolledBack": Outcome.ROLLED_BACK, None: None}
    if name not in known:
        raise BadInput(f"--expect {name}: is either promoted or rolledBack")
    return known[name]


def _play(
    spec: CanaryReleaseSpec,
    described: Sequence[Described],
    many: int,
    seed: int,
    workers: int | None,
) -> list[list[Played]]:
    """Many releases in each world. A release depends on its world and its number alone."""
    jobs = [(each, seed + number) for each in described for number in range(many)]
    found = spread(partial(_job, spec), jobs, workers)
    return [found[i : i + many] for i in range(0, len(found), many)]


def _job(spec: CanaryReleaseSpec, job: tuple[Described, int]) -> Played:
    return play(spec, *job)


def _show_story(spec: CanaryReleaseSpec, story: Played, output: Form) -> None:
    if output is Form.JSON:
        sys.stdout.write(as_json(story) + "\n")
    else:
        console().print(tables.story(spec, story))


def _show_summaries(found: list[Summary], described: list[Described], output: Form) -> None:
    if output is Form.JSON:
        sys.stdout.write(as_json(found) + "\n")
    else:
        console().print(tables.summaries(found, described))
