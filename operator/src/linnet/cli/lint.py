"""`linnet lint`: what a policy can't do."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from linnet.api.types import parse_duration
from linnet.cli import files
from linnet.cli.output import NOT_WELL, BadInput, Form, as_json, console, ending
from linnet.core.observed import Sample
from linnet.core.queries import questions
from linnet.providers.metrics import syntax
from linnet.providers.metrics.prometheus import Prometheus
from linnet.review.chances import Expected
from linnet.review.lint import Finding, Known, Severity
from linnet.review.lint import lint as judge
from linnet.review.silence import asked_of_stable

STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}


def lint(
    file: Annotated[
        str,
        typer.Option(
            "--file",
            "-f",
            help="CanaryRelease to look at, - for standard input. Where "
            "the Deployment stands in the same file, its config is looked at, too.",
        ),
    ],
    requests_per_second: Annotated[
        float | None,
        typer.Option(
            "--requests-per-second", "-r", min=0.001, help="Of stable and canary together."
        ),
    ] = None,
    error_percent: Annotated[
        float, typer.Option("--error-percent", "-e", min=0, max=100, help="What fails of them.")
    ] = 0.2,
    scrape_interval: Annotated[str, typer.Option(help="Prometheus' own.")] = "15s",
    prometheus: Annotated[
        str | None, typer.Option(help="Ask this Prometheus whether the queries match anything.")
    ] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="table or json.")] = Form.TABLE,
) -> None:
    """Say what a policy can't do, and what would help.

    Exit code 0: nothing but advice. 1: an error or a warning. 2: input that can't be used.
    """  # fmt: skip
    with ending():
        policy = files.policy(file)
        expected = requests_per_second and Expected(requests_per_second, error_percent)
        known = Known(
            policy.spec, expected or None, _deployment(policy), _duration(scrape_interval)
        )
    found = [*_bad_queries(policy), *judge(known)]
    if prometheus is not None:
        found += asyncio.run(_silent(policy, prometheus))
    if output is Form.JSON:
        sys.stdout.write(as_json(found) + "\n")
    else:
        console().print(_table(found) if found else "nothing to say against it")
    if any(each.severity is not Severity.ADVICE for each in found):
        raise typer.Exit(NOT_WELL)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"--scrape-interval: {error}") from error


def _deployment(policy: files.Policy) -> Any:
    name = policy.spec.target_ref.name
    for each in policy.others:
        if each.get("kind") == "Deployment" and (each.get("metadata") or {}).get("name") == name:
            return each
    return None


def _bad_queries(policy: files.Policy) -> Iterator[Finding]:
    for name, question in questions(policy.spec, policy.namespace, policy.name).items():
        if text := syntax.check(question.promql):
            place = f"spec.analysis.metrics[{name}].query"
            yield Finding(Severity.ERROR, "invalidQuery", place, text)


async def _silent(policy: files.Policy, url: str) -> list[Finding]:
    """What matches nothing for stable's pods will match nothing for the canary's."""
    client = Prometheus(url)
    try:
        asked = asked_of_stable(policy.spec, policy.namespace, policy.name)
        answers = await asyncio.gather(*(client.query(promql) for promql in asked.values()))
    finally:
        await client.close()
    return [
        Finding(Severity.ERROR, "matchesNothing", place, _said(answer, asked[place]))
        for place, answer in zip(asked, answers, strict=True)
        if answer.value is None
    ]


def _said(answer: Sample, promql: str) -> str:
    if answer.error:
        return f"{answer.error}: {promql}"
    return (
        f"matches nothing for stable's pods, so it won't for the canary's: see that these metrics "
        f"are scraped, with labels namespace and pod. Asked was: {promql}"
    )


def _table(found: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "field", "what, and what helps"):
        table.add_column(name, overflow="fold")
    for each in found:
        table.add_row(
            Text(each.severity, STYLES[each.severity]), Text(each.field), Text(each.message)
        )
    return table
