"""`linnet probe`."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linnet.cli.cluster.options import Output, duration
from linnet.cli.output import NOT_WELL, BadInput, Shape, console, ending, plain, shaped
from linnet.cli.probe.answers import NEEDED_PERCENT, Probed, Refused, probed
from linnet.cli.probe.send import Plan, send

MOST, FASTEST = 100_000, 2000


def probe(
    url: Annotated[str, typer.Argument(help="What to ask, e.g. https://shop.example/api.")],
    requests: Annotated[
        int, typer.Option(min=1, max=MOST, help="How many requests at most.")
    ] = 200,
    rate: Annotated[float, typer.Option(min=0.1, max=FASTEST, help="How many a second.")] = 20,
    longest: Annotated[str, typer.Option(help="How long to send at most.")] = "1m",
    timeout: Annotated[str, typer.Option(help="How long to wait for each answer.")] = "5s",
    success: Annotated[
        float, typer.Option(min=0, max=100, help="Passes with more than this, in percent.")
    ] = NEEDED_PERCENT,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="e.g. 'Host: shop.example'; as often as needed."),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="A body, sent by POST; JSON unless told.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", "-X", help="GET, or POST with --data.", show_default=False)
    ] = "",
    insecure: Annotated[
        bool, typer.Option("--insecure", "-k", help="Don't verify the server's certificate.")
    ] = False,
    output: Output = Shape.TABLE,
) -> None:
    """Send requests at a rate, and see whether a limit lets them pass.

    Answers by class, those with 429 and what their Retry-After says, and how long they took. 2xx
    and 3xx are successes; redirects aren't followed. It asks nothing but the URL. Exit code 0:
    more than 95 % succeeded. 1: they didn't. 2: what was given can't be used.
    """  # fmt: skip
    with ending():
        plan = Plan(
            url=checked(url),
            requests=requests,
            rate=rate,
            longest_s=duration("--longest", longest).total_seconds(),
            timeout_s=duration("--timeout", timeout).total_seconds(),
            method=method.upper() or ("GET" if data is None else "POST"),
            headers=headers(header or (), data),
            body=data,
            verified=not insecure,
        )
        if plan.timeout_s <= 0:
            raise BadInput(f"--timeout {timeout}: has to be more than 0s")
        if not (plan.method.isascii() and plan.method.isalpha()):
            raise BadInput(f"--method {method}: is no method, e.g. GET")
    sent = asyncio.run(send(plan))
    found = probed(sent.answers, requests, sent.seconds, success)
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(plain(found), output))
    else:
        console().print(told(url, found))
    if not found.passed:
        raise typer.Exit(NOT_WELL)


def checked(url: str) -> str:
    """The URL, if it is one that can be asked.

    Raises:
        BadInput: it isn't.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise BadInput(f"{url}: is no URL with http or https, e.g. https://shop.example/api")
    return url


def headers(given: Sequence[str], data: str | None) -> dict[str, str]:
    """Headers as they are written on a command line; a body is JSON unless they say otherwise.

    Raises:
        BadInput: one can't be read.
    """
    found = {} if data is None else {"content-type": "application/json"}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon or not name.strip() or any(ord(letter) < 32 for letter in each):
            raise BadInput(f"--header {each!r}: is written 'Name: value'")
        found[name.strip().lower()] = value.strip()
    return found


def told(url: str, found: Probed) -> RenderableType:
    """What was found, for people."""
    verdict = Text("passed" if found.passed else "failed", "green" if found.passed else "red")
    head = Text(f"{url}: ").append_text(verdict)
    head.append(f", {found.success_percent:.4g} % succeeded, more than ")
    head.append(f"{found.needed_percent:g} % are needed")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, text in _rows(found):
        table.add_row(Text(name, "dim"), Text(text))
    return Group(head, table)


def _rows(found: Probed) -> Iterator[tuple[str, str]]:
    unsent = "" if found.sent == found.planned else f" of {found.planned}: time was up"
    yield "sent", f"{found.sent}{unsent}, {found.rate:.3g} a second"
    statuses = ", ".join(f"{count} × {status}" for status, count in found.statuses.items())
    answers = ", ".join(f"{count} × {kind}" for kind, count in found.answers.items())
    yield "answers", f"{answers} ({statuses})" if statuses else answers
    if found.refused.count:
        yield "refused", _refused(found.refused)
    if (latency := found.latency_ms) is not None:
        yield (
            "answered in",
            f"p50 {latency.p50:.3g} ms, p95 {latency.p95:.3g} ms, p99 {latency.p99:.3g} ms, "
            f"at most {latency.most:.3g} ms",
        )
    for problem, count in found.problems.items():
        yield "no answer", f"{count} × {problem}"


def _refused(refused: Refused) -> str:
    if not refused.with_retry_after:
        return f"{refused.count} × 429, none with Retry-After"
    least, most = refused.least_seconds, refused.most_seconds
    wait = f"{least:g} s" if least == most else f"{least:g} to {most:g} s"
    return f"{refused.count} × 429, {refused.with_retry_after} with Retry-After: {wait}"
