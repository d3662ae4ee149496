"""`linnet doctor`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.text import Text

from linnet.api.crd import custom_resource_definition
from linnet.cli.cluster import health, operators, releases, tree
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.health import Finding, State
from linnet.cli.cluster.options import Context, Kubeconfig, Namespace, Output
from linnet.cli.output import NOT_WELL, Shape, console, ending, plain, shaped
from linnet.controller import clock
from linnet.controller.release import Release
from linnet.core.queries import pods_of
from linnet.providers.errors import ApiError, Forbidden
from linnet.providers.kubernetes import DEPLOYMENTS, LEASES, Manifest
from linnet.providers.metrics.prometheus import Prometheus
from linnet.providers.resources import ACCESS_REVIEWS, CRDS
from linnet.providers.traffic.registry import EveryTraffic

STYLES = {State.FINE: "green", State.BAD: "red", State.UNKNOWN: "yellow"}
CRD = "canaryreleases.linnet.dev"
Count = Callable[[str], Awaitable[float | None]]


def doctor(
    prometheus: Annotated[
        str,
        typer.Option(help="Ask this Prometheus; the operator's, through the cluster, if left out."),
    ] = "",
    output: Output = Shape.TABLE,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="The releases of all namespaces.")
    ] = False,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Say HEALTHY, or what is wrong and what helps.

    It looks at the clock, the CRD, the operator with its lease and its rights, each release with
    what splits its traffic, and whether Prometheus can be reached and scrapes the pods of both
    versions. What you may not look at is unknown. Exit code 0: nothing is bad. 1: something is.
    3: the cluster can't be asked.
    """  # fmt: skip
    with ending():
        found = ask(
            Place(context, kubeconfig, namespace), lambda at: examine(at, prometheus, everywhere)
        )
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(plain(found), output))
    else:
        table = tree.bare("", "", "", header=False)
        for each in found:
            table.add_row(Text(each.state, STYLES[each.state]), each.what, Text(each.said))
        console().print(table)
        bad = sum(each.state is State.BAD for each in found)
        console().print("HEALTHY" if not bad else f"{bad} of {len(found)} are bad", style="bold")
    if not health.healthy(found):
        raise typer.Exit(NOT_WELL)


async def examine(cluster: Cluster, prometheus: str, everywhere: bool) -> list[Finding]:
    """All findings, in the order in which they matter."""
    manifests = await releases.several(cluster, everywhere=everywhere)
    found = [health.clock(clock.now() - cluster.now())]
    own = custom_resource_definition()
    found += await _or_unknown("CRD", _definition(cluster, own))
    running = await _or_none(operators.deployments(cluster))
    if running is None:
        found.append(Finding("operator", State.UNKNOWN, "you may not list Deployments"))
    else:
        found += health.operators(running)
    for each in running or ():
        found += await _or_unknown("leader", _leader(cluster, each))
        found += await _or_unknown("RBAC", _rights(cluster, each))
    count = counter(cluster, prometheus or url_of(running or ()))
    found += await _or_unknown("Prometheus", _reached(count))
    for manifest in manifests:
        found += await _release(cluster, releases.parsed(manifest), count)
    return found


async def _or_unknown(what: str, asked: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await asked
    except Forbidden as error:
        return [Finding(what, State.UNKNOWN, f"you may not look: {error}")]
    except ApiError as error:
        return [Finding(what, State.BAD, str(error))]


async def _or_none(asked: Awaitable[list[Manifest]]) -> list[Manifest] | None:
    try:
        return await asked
    except Forbidden:
        return None


async def _definition(cluster: Cluster, own: Manifest) -> list[Finding]:
    return [health.definition(await cluster.client.get(CRDS, "", CRD), own)]


async def _leader(cluster: Cluster, operator: Manifest) -> list[Finding]:
    environment = _environment(operator)
    namespace = environment.get("LINNET_LEASE_NAMESPACE") or operator["metadata"]["namespace"]
    name = environment.get("LINNET_LEASE_NAME") or operator["metadata"]["name"]
    return [health.leader(await cluster.client.get(LEASES, namespace, name), cluster.now())]


async def _rights(cluster: Cluster, operator: Manifest) -> list[Finding]:
    """Ask the API server what the operator's account may do."""
    metadata, pod = operator["metadata"], operator["spec"]["template"]["spec"]
    account = f"system:serviceaccount:{metadata['namespace']}:{pod['serviceAccountName']}"
    scope = _environment(operator).get("LINNET_NAMESPACE", "")
    asked = [
        (verb, group, resource)
        for (group, resource), verbs in {**health.RIGHTS, **health.ROUTES}.items()
        for verb in verbs
    ]
    allowed = await asyncio.gather(*(_may(cluster, account, scope, *each) for each in asked))
    missing = [
        f"{verb} {what}" for (verb, _, what), may in zip(asked, allowed, strict=True) if not may
    ]
    return [health.rights(account, missing)]


async def _may(
    cluster: Cluster, account: str, scope: str, verb: str, group: str, resource: str
) -> bool:
    plural, _, subresource = resource.partition("/")
    attributes = {"namespace": scope, "verb": verb, "group": group, "resource": plural}
    review = {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "metadata": {},
        "spec": {
            "user": account,
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {**attributes, "subresource": subresource},
        },
    }
    answer = await cluster.client.create(ACCESS_REVIEWS, review)
    return bool(answer["status"]["allowed"])


def _environment(operator: Manifest) -> dict[str, str]:
    found = operator["spec"]["template"]["spec"]["containers"][0].get("env") or []
    return {each["name"]: each.get("value", "") for each in found}


def url_of(running: Any) -> str:
    """The Prometheus that the operator asks; '' if that isn't known."""
    found = (_environment(each).get("LINNET_PROMETHEUS_URL", "") for each in running)
    return next((url for url in found if url), "")


def counter(cluster: Cluster, url: str) -> Count | None:
    """What asks Prometheus for one number: a Service through the API server's proxy."""
    if not url:
        return None
    service = health.service_of(url)

    async def directly(promql: str) -> float | None:
        client = Prometheus(url)
        try:
            answer = await client.query(promql)
        finally:
            await client.close()
        if answer.error:
            raise ApiError(0, "Prometheus", answer.error)
        return answer.value

    async def by_proxy(promql: str) -> float | None:
        namespace, name, path = service or ("", "", "")
        place = f"/api/v1/namespaces/{namespace}/services/{name}/proxy{path}/api/v1/query"
        answer = await cluster.client.read(place, {"query": promql})
        rows = answer["data"]["result"]
        return float(rows[0]["value"][1]) if rows else None

    return directly if service is None else by_proxy


async def _reached(count: Count | None) -> list[Finding]:
    if count is None:
        said = "its address isn't known: give --prometheus"
        return [Finding("Prometheus", State.UNKNOWN, said)]
    await count("vector(1)")
    return [Finding("Prometheus", State.FINE, "answers")]


async def _release(cluster: Cluster, release: Release, count: Count | None) -> list[Finding]:
    what = f"{release.key.namespace}/{release.key.name}"
    found = [health.release(release)]
    if (experiment := health.experiment(release)) is not None:
        found.append(experiment)
    found += await _or_unknown(f"route {what}", _route(cluster, release, what))
    if count is not None:
        for track in (release.target.name, f"{release.target.name}-canary"):
            scrapes = _scraped(cluster, release, track, count)
            found += await _or_unknown(f"scrapes {what} {track}", scrapes)
    return found


async def _route(cluster: Cluster, release: Release, what: str) -> list[Finding]:
    route = await EveryTraffic(cluster.client).observe(release.split)
    if route is None:
        return [Finding(f"route {what}", State.BAD, release.missing_route)]
    if route.problem is not None:
        return [Finding(f"route {what}", State.BAD, route.problem[1])]
    if not route.accepted:
        said = f"the gateway doesn't serve it as it stands: {route.message}"
        return [Finding(f"route {what}", State.BAD, said)]
    return [Finding(f"route {what}", State.FINE, "is accepted")]


async def _scraped(
    cluster: Cluster, release: Release, workload: str, count: Count
) -> list[Finding]:
    """Whether the pods of one version are scraped; nothing to say where there are none."""
    namespace = release.key.namespace
    deployment = await cluster.client.get(DEPLOYMENTS, namespace, workload)
    ready = ((deployment or {}).get("status") or {}).get("readyReplicas", 0)
    if not ready:
        return []
    seen = await count(f'count(up{{namespace="{namespace}",pod=~"{pods_of(workload)}"}} == 1)')
    return [health.scraped(f"scrapes {namespace}/{workload}", seen, ready)]
