"""`linnet rollback`, `linnet promote` and `linnet retry`: what the operator is asked for."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from linnet.api.request import RequestAction
from linnet.cli.cluster import asking, releases, words
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.foreseen import Foreseen, foresee
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, Output, duration
from linnet.cli.output import Shape, console, ending, plain, shaped

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the history.")]
By = Annotated[
    str, typer.Option(help="Who asks; as the API server knows you if left out.", show_default=False)
]
Timeout = Annotated[str, typer.Option(help="How long to wait for the operator's answer.")]
WAIT = "30s"
CUT = 300
"""Characters of a call's body that people are shown."""
NAMING = ("apiVersion", "kind", "metadata")


def rollback(
    name: Name,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print each call that would be made, and make none.")
    ] = False,
    reason: Reason = "",
    by: By = "",
    timeout: Timeout = WAIT,
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Give all traffic back to stable, at once.

    The version isn't tried again until it changes, or until `linnet retry`. With --dry-run the
    operator's own decisions are played on what the cluster has: nothing is written, and nothing
    asked of the operator. Exit code 0: done. 1: refused. 2: there is no such release. 3: the
    cluster can't be asked. 4: no operator has answered.
    """  # fmt: skip
    place = Place(context, kubeconfig, namespace)
    if not dry_run:
        _request(place, name, RequestAction.ROLLBACK, by, reason, timeout)
        return

    async def play(cluster: Cluster) -> list[Foreseen]:
        release = await releases.one(cluster, name)
        asked = await asking.request(cluster, RequestAction.ROLLBACK, by, reason, dry=True)
        return await foresee(cluster, release, asked)

    with ending():
        looks = ask(place, play)
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(plain([_as_data(look) for look in looks]), output))
    else:
        console().print(told(name, looks), soft_wrap=True)
    for look in looks[:1]:
        if look.status.request is not None:
            asking.refused(name, look.status.request)


def promote(
    name: Name,
    full: Annotated[
        bool, typer.Option("--full", help="Past all steps that are left, with the promotion.")
    ] = False,
    reason: Reason = "",
    by: By = "",
    timeout: Timeout = WAIT,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Go on to the next step now, without waiting for its time.

    A check beyond its rollback limit refuses it, and pods have to be ready before traffic comes.
    Exit code 0: accepted. 1: refused. 2: there is no such release. 3: the cluster can't be asked.
    4: no operator has answered.
    """  # fmt: skip
    action = RequestAction.PROMOTE_FULLY if full else RequestAction.PROMOTE
    _request(Place(context, kubeconfig, namespace), name, action, by, reason, timeout)


def retry(
    name: Name,
    reason: Reason = "",
    by: By = "",
    timeout: Timeout = WAIT,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Release a version again that was rolled back.

    From its first step. Exit code 0: accepted. 1: refused. 2: there is no such release. 3: the
    cluster can't be asked. 4: no operator has answered.
    """  # fmt: skip
    place = Place(context, kubeconfig, namespace)
    _request(place, name, RequestAction.RETRY, by, reason, timeout)


def _request(
    place: Place, name: str, action: RequestAction, by: str, reason: str, timeout: str
) -> None:
    """Ask the operator, and tell what it answers."""

    async def work(cluster: Cluster) -> None:
        await releases.one(cluster, name)
        asked = await asking.request(cluster, action, by, reason)
        found = await asking.answer(cluster, name, asked, longest)
        asking.refused(name, found)
        sys.stdout.write(f"{name}: {found.outcome.lower()}: {found.message}\n")

    with ending():
        longest = duration("--timeout", timeout)
        ask(place, work)


def told(name: str, looks: list[Foreseen]) -> Group:
    """What would be done, for people: each call in a line, with what it says in the next."""
    parts: list[Text] = []
    for look in looks:
        when = "at once" if not look.after else f"after {words.span(look.after)}"
        head = Text(f"{when}: ", "bold")
        head.append_text(words.phase(look.status))
        head.append(f"  {look.status.message}", "not bold")
        parts.append(head)
        for call in look.calls:
            query = "&".join(f"{key}={value}" for key, value in call.query.items())
            parts.append(Text(f"  {call.method} {call.path}{'?' if query else ''}{query}"))
            parts.append(Text(f"    {_gist(call.body)}", "dim"))
    parts.append(Text(f"{name}: nothing was written"))
    return Group(*parts)


def _gist(body: Any) -> str:
    """What a call says, without what names its object; long ones are cut."""
    if isinstance(body, list):  # a JSON patch
        body = {each["path"]: _brief(each.get("value")) for each in body}
    elif "apiVersion" in body:
        body = {key: body[key] for key in body if key not in NAMING} or body
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= CUT else f"{text[:CUT]} … (-o json has it all)"


def _brief(value: Any) -> Any:
    """Of a status, what a release is at."""
    shown = ("phase", "weight", "message")
    return {key: value[key] for key in shown if key in value} if isinstance(value, dict) else value


def _as_data(look: Foreseen) -> dict[str, Any]:
    return {
        "after_seconds": look.after.total_seconds(),
        "phase": look.status.phase,
        "message": look.status.message,
        "calls": [vars(call) for call in look.calls],
    }
