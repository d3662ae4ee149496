"""What only the operator can know: a `Stalled` condition says it, with the remedy; nothing moves.

A real API server and the operator as a process. No controllers run, so that whatever changes was
changed by the operator. The file is long because of its table: a row for each reason, all of them
told by one operator at once.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from linnet.core.conditions import STALLED
from linnet.core.labels import RELEASE, TRACKED
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient, Manifest
from tests.support.apiserver import ApiServer, run_apiserver
from tests.support.operator_process import OperatorProcess, run_operator
from tests.support.releases import MINIMAL, release
from tests.support.workload_manifests import config_map, deployment, http_route, service

LIMIT_SECONDS = 2.0
"""From `kubectl apply` to the condition, at most."""
PATIENCE_SECONDS = 30.0
MOVABLE = "deployments,replicasets,pods,services,httproutes,configmaps,secrets"


@dataclass
class App:
    """What a user applies together with a CanaryRelease: all is well until a row spoils it."""

    deployment: Manifest = field(default_factory=deployment)
    service: Manifest = field(default_factory=service)
    route: Manifest = field(default_factory=http_route)
    more: list[Manifest] = field(default_factory=list)
    spec: dict[str, Any] = field(default_factory=lambda: dict(MINIMAL))

    def objects(self, namespace: str) -> Manifest:
        """All but the CanaryRelease, for one `kubectl apply`."""
        items = [each for each in (self.deployment, self.service, self.route, *self.more) if each]
        for each in items:
            each["metadata"]["namespace"] = namespace
        return {"apiVersion": "v1", "kind": "List", "items": items}

    def backends(self, *refs: Manifest) -> None:
        self.route = http_route(*refs)

    def sticky(self, *matches: Manifest, **way: Any) -> Manifest:
        """Users are told apart, on a route with a rule for each of these matches: its spec."""
        self.spec["traffic"] = {"httpRoute": "shop", "sticky": way}
        if matches:
            rules = [{"matches": [match], "backendRefs": [ref()]} for match in matches]
            self.route["spec"]["rules"] = rules
        spec: Manifest = self.route["spec"]
        return spec

    def tracks(self, *labels: str, **entry: str) -> Manifest:
        """The template reads what Linnet writes, from a source with these labels: the source."""
        spec = self.deployment["spec"]["template"]["spec"]
        spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings-live"}}]
        self.spec["trackedConfig"] = [{"name": "settings", "mountedAs": "settings-live"} | entry]
        found = config_map()
        found["metadata"]["labels"] = dict.fromkeys(labels, "true")
        self.more.append(found)
        return found

    def metric(self, **fields: Any) -> None:
        self.spec["analysis"] = {"metrics": [fields]}

    def query(self, promql: str) -> None:
        self.metric(name="own", query=promql, rollback={"above": 1})


def ref(name: str = "shop", **fields: Any) -> Manifest:
    return {"name": name, "port": 80, **fields}


def renamed(manifest: Manifest, name: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


PATHS = [{"path": {"value": f"/{number}"}} for number in range(6)]
NO_COOKIES = {
    "type": "ResponseHeaderModifier",
    "responseHeaderModifier": {"remove": ["Set-Cookie"]},
}

Spoil = Callable[[App], object]

ROWS: dict[str, tuple[Spoil, str, str]] = {
    # id: (what is wrong, the condition's reason, its message)
    "no Deployment": (
        lambda app: setattr(app, "deployment", {}),
        "TargetMissing",
        "spec.targetRef: there is no Deployment shop: create it",
    ),
    "a Deployment without pods": (
        lambda app: app.deployment["spec"].update(replicas=0),
        "ScaledToZero",
        "spec.replicas of the Deployment is 0: scale it up, there is nothing to guard",
    ),
    "a Deployment that another release guards": (
        lambda app: app.deployment["metadata"].update(labels={RELEASE: "other"}),
        "AlreadyGuarded",
        "Deployment shop is guarded by CanaryRelease other: delete this CanaryRelease, or the "
        "label linnet.dev/release of the Deployment if other no longer exists",
    ),
    "no Service": (
        lambda app: setattr(app, "service", {}),
        "ServiceMissing",
        "Service shop does not exist: create it, or set spec.traffic.service to the Service of "
        "the Deployment's pods",
    ),
    "the name of a Service that isn't there": (
        lambda app: app.spec.update(traffic={"httpRoute": "shop", "service": "shopp"}),
        "ServiceMissing",
        "Service shopp does not exist: create it, or set spec.traffic.service to the Service of "
        "the Deployment's pods",
    ),
    "a headless Service": (
        lambda app: app.service["spec"].update(clusterIP="None"),
        "ServiceNotSplittable",
        "Service shop is headless or of type ExternalName and has no address that a route can "
        "split: set spec.traffic.service to a Service with a cluster IP",
    ),
    "a Service of type ExternalName": (
        lambda app: app.service.update(
            spec={"type": "ExternalName", "externalName": "shop.example.com"}
        ),
        "ServiceNotSplittable",
        "Service shop is headless or of type ExternalName and has no address that a route can "
        "split: set spec.traffic.service to a Service with a cluster IP",
    ),
    "a Service without a selector": (
        lambda app: app.service["spec"].pop("selector"),
        "ServiceWithoutSelector",
        "Service shop has no spec.selector, so its canary would have no pods: set spec.selector "
        "to the labels of the Deployment's pods",
    ),
    "a Service of other pods": (
        lambda app: app.service["spec"].update(selector={"app": "shop", "tier": "db"}),
        "ServiceSelectsOthers",
        "Service shop does not select the pods of Deployment shop: make its spec.selector match "
        "spec.template.metadata.labels, or set spec.traffic.service to the Service that does",
    ),
    "a selector that any value fits": (
        lambda app: app.deployment["spec"].update(
            selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}
        ),
        "SelectorTooWide",
        "the selector of Deployment shop or Service shop would match the canary's pods as well: "
        "select by matchLabels, and by other labels than linnet.dev/track",
    ),
    "a Deployment of the canary's name": (
        lambda app: app.more.append(renamed(deployment(), "shop-canary")),
        "NameTaken",
        "Deployment shop-canary was not made for this CanaryRelease, and the canary needs its "
        "name: rename or delete it",
    ),
    "a Service of the canary's name": (
        lambda app: app.more.append(renamed(service(), "shop-canary")),
        "NameTaken",
        "Service shop-canary was not made for this CanaryRelease, and the canary needs its name: "
        "rename or delete it",
    ),
    "no route": (
        lambda app: setattr(app, "route", {}),
        "RouteMissing",
        "spec.traffic.httpRoute: there is no HTTPRoute shop: create it",
    ),
    "a route to another Service": (
        lambda app: app.backends(ref("shop-v2")),
        "NoStableBackend",
        "no rule of the HTTPRoute has Service shop among its backendRefs: add it to "
        "spec.rules[].backendRefs, or set spec.traffic.service of the CanaryRelease to the "
        "Service that the route uses",
    ),
    "a route to the Service of another namespace": (
        lambda app: app.backends(ref(namespace="other")),
        "NoStableBackend",
        "no rule of the HTTPRoute has Service shop among its backendRefs: add it to "
        "spec.rules[].backendRefs, or set spec.traffic.service of the CanaryRelease to the "
        "Service that the route uses",
    ),
    "a route that gives stable no traffic": (
        lambda app: app.backends(ref(weight=0), ref("other", weight=1)),
        "StableWithoutWeight",
        "Service shop has weight 0 in every rule of the HTTPRoute, so there is no traffic to "
        "split: give it a weight in spec.rules[].backendRefs[].weight",
    ),
    "weights that leave no room for percents": (
        lambda app: app.backends(ref(weight=500_000), ref("other", weight=500_000)),
        "WeightTooLarge",
        "a weight beside Service shop is greater than 10000, which leaves no room for whole "
        "percents: lower spec.rules[].backendRefs[].weight in proportion",
    ),
    "a rule that is full": (
        lambda app: app.backends(ref(), *(ref(f"other-{n}") for n in range(15))),
        "TooManyBackends",
        "a rule with Service shop has no room for the canary among its at most 16 backends: "
        "remove one from spec.rules[].backendRefs",
    ),
    "more matches than a route may have for buckets": (
        lambda app: app.sticky(*PATHS[:3], header={"name": "X-User-Bucket"}),
        "TooManyMatches",
        "spec.traffic.sticky needs 153 matches in the HTTPRoute at weight 50, and Gateway API "
        "allows 128: divide the HTTPRoute in two, or, with sticky.header, set its type to "
        "RegularExpression if the gateway knows it",
    ),
    "more rules than a route may have for cookies": (
        lambda app: app.sticky(*PATHS, cookie={"name": "linnet-shop"}),
        "TooManyRules",
        "spec.traffic.sticky needs 18 rules in the HTTPRoute at weight 5, and Gateway API "
        "allows 16: divide the HTTPRoute in two, or, with sticky.header, set its type to "
        "RegularExpression if the gateway knows it",
    ),
    "more steps than a rule has room for": (
        lambda app: (
            app.sticky(cookie={"name": "linnet-shop"}),
            app.spec.update(steps=[{"weight": w} for w in (*range(1, 17), 100)]),
        ),
        "TooManyBackends",
        "spec.traffic.sticky needs 17 backends in one rule at weight 1, and Gateway API allows "
        "16: take fewer steps in spec.steps, or use spec.traffic.sticky.header",
    ),
    "a rule that matches on the sticky header": (
        lambda app: app.sticky(
            {"headers": [{"name": "cookie", "value": "beta=1"}]}, cookie={"name": "linnet-shop"}
        ),
        "StickyHeaderTaken",
        "a rule of the HTTPRoute matches on header Cookie, which spec.traffic.sticky needs for "
        "itself: move that rule to another HTTPRoute, or tell users apart by another "
        "spec.traffic.sticky.header",
    ),
    "a filter that takes cookies away": (
        lambda app: app.sticky(cookie={"name": "linnet-shop"})["rules"][0].update(
            filters=[NO_COOKIES]
        ),
        "SetCookieTaken",
        "a filter beside Service shop changes header Set-Cookie, which "
        "spec.traffic.sticky.cookie adds to: remove it from the HTTPRoute's filters, or use "
        "spec.traffic.sticky.header",
    ),
    "an advance limit beyond the ready-made rollback limit": (
        lambda app: app.metric(use="errorRate", advance={"atMost": 3}),
        "InvalidLimits",
        "spec.analysis.metrics: errorRate: goes on at up to 3 but rolls back above 1: lower "
        "advance.atMost",
    ),
    "config that isn't there": (
        lambda app: app.tracks(TRACKED, name="other"),
        "ConfigMissing",
        "spec.trackedConfig[0].name: there is no ConfigMap other: create it, with the label "
        "linnet.dev/tracked=true",
    ),
    "config without its label": (
        lambda app: app.tracks(),
        "ConfigNotLabelled",
        "spec.trackedConfig[0].name: ConfigMap settings lacks the label that it is watched by: "
        "kubectl label configmap settings -n {namespace} linnet.dev/tracked=true",
    ),
    "config that no container reads": (
        lambda app: app.tracks(TRACKED, mountedAs="other-live"),
        "ConfigNotMounted",
        "spec.trackedConfig[0].mountedAs: the template of Deployment shop does not read ConfigMap "
        "other-live: name it there instead of settings, or remove the entry",
    ),
    "config that somebody else writes": (
        lambda app: app.more.append(renamed(app.tracks(TRACKED), "settings-live")),
        "NameTaken",
        "spec.trackedConfig[0].mountedAs: ConfigMap settings-live was not made for this "
        "CanaryRelease, which would write over it: choose another name, or hand it over: kubectl "
        "label configmap settings-live -n {namespace} linnet.dev/tracked=true "
        "linnet.dev/release=shop app.kubernetes.io/managed-by=linnet --overwrite",
    ),
    "config of a kind that the operator may not read": (
        lambda app: app.tracks(TRACKED, kind="Secret"),
        "KindNotTracked",
        "spec.trackedConfig[0].kind: this operator may not read Secrets: install its chart with "
        "configTracking.secrets=true, or remove the entry",
    ),
    "PromQL with a syntax error": (
        lambda app: app.query("sum(rate(orders[1m])"),
        "InvalidQuery",
        "spec.analysis.metrics[own].query: correct the PromQL: unclosed left parenthesis",
    ),
    "PromQL that a function doesn't take": (
        lambda app: app.query("rate(orders)"),
        "InvalidQuery",
        "spec.analysis.metrics[own].query: correct the PromQL: expected type matrix in call to "
        "function 'rate', got vector",
    ),
    "PromQL that gives a range": (
        lambda app: app.query("orders[{{window}}]"),
        "InvalidQuery",
        "spec.analysis.metrics[own].query: the query gives a range of values: put rate(), "
        "increase() or ..._over_time() round it",
    ),
    "PromQL that gives a text": (
        lambda app: app.query("'{{pods}}'"),
        "InvalidQuery",
        "spec.analysis.metrics[own].query: the query gives a text, not a number",
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """A server that no other test has releases on."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-apiserver-"))
    try:
        with run_apiserver(folder) as started:
            started.install_crd()
            started.install_gateway_api()
            yield started
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def operator(
    server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    with run_operator(tmp_path_factory.mktemp("operator"), server.kubeconfig) as started:
        yield started


@dataclass(frozen=True)
class Seen:
    """A release after the operator has looked at it several times."""

    release: Manifest
    before: list[Manifest]
    after: list[Manifest]

    @property
    def stalled(self) -> Manifest | None:
        return condition(self.release, STALLED)


def condition(found: Manifest | None, kind: str) -> Manifest | None:
    all_of_it = ((found or {}).get("status") or {}).get("conditions") or []
    return next((each for each in all_of_it if each["type"] == kind), None)


@pytest.fixture(scope="module")
def seen(server: ApiServer, operator: OperatorProcess) -> Mapping[str, Seen]:
    """Every row in a namespace of its own, all at the same time."""
    apps: dict[str, App] = {}
    for number, (name, (spoil, _, _)) in enumerate(ROWS.items()):
        app = App()
        spoil(app)
        apps[name] = app
        server.kubectl("create", "namespace", f"row-{number}")
        server.kubectl("create", "-f", "-", input=app.objects(f"row-{number}"))
    before = movable(server)
    manifests = []
    for number, app in enumerate(apps.values()):
        manifests.append(release(app.spec))
        manifests[-1]["metadata"]["namespace"] = f"row-{number}"
    everything = {"apiVersion": "v1", "kind": "List", "items": manifests}
    server.kubectl("apply", "-f", "-", input=everything)
    wait_until(lambda: all(condition(each, STALLED) for each in releases(server)))
    looks = operator.metric("linnet_reconcile_duration_seconds_count") + 2 * len(ROWS)
    wait_until(lambda: operator.metric("linnet_reconcile_duration_seconds_count") >= looks)
    after = movable(server)
    found = {each["metadata"]["namespace"]: each for each in releases(server)}
    return {
        name: Seen(found[f"row-{n}"], before.get(f"row-{n}", []), after.get(f"row-{n}", []))
        for n, name in enumerate(apps)
    }


def releases(server: ApiServer) -> list[Manifest]:
    return list(server.get("canaryreleases", "-A")["items"])


def movable(server: ApiServer) -> dict[str, list[Manifest]]:
    """All that could move, by namespace, as it is stored."""
    found: dict[str, list[Manifest]] = {}
    for each in server.get(MOVABLE, "-A", "--show-managed-fields")["items"]:
        found.setdefault(each["metadata"]["namespace"], []).append(each)
    return found


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not reached():
        assert monotonic() < deadline, "not reached in time"
        sleep(0.2)


@pytest.mark.parametrize("name", ROWS)
def test_stalled(seen: Mapping[str, Seen], name: str) -> None:
    _, reason, message = ROWS[name]
    row = seen[name]
    assert row.stalled is not None
    message = message.replace("{namespace}", row.release["metadata"]["namespace"])
    told = (row.stalled["status"], row.stalled["reason"], row.stalled["message"])
    assert told == ("True", reason, message)
    ready = condition(row.release, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", reason)
    status = row.release["status"]
    assert (status["phase"], status["message"]) == ("Pending", message)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_moves(seen: Mapping[str, Seen], name: str) -> None:
    """Byte for byte: not even a label, a field's owner or a resource version."""
    row = seen[name]
    assert row.before, "there is something that could have moved"
    assert json.dumps(row.after, sort_keys=True) == json.dumps(row.before, sort_keys=True)


@pytest.mark.usefixtures("seen")  # its watches are up
async def test_told_within_two_seconds(server: ApiServer) -> None:
    client = await KubernetesClient.connect(kubeconfig=str(server.kubeconfig))
    try:
        manifest = release(MINIMAL)
        manifest["metadata"]["namespace"] = "default"
        begun = monotonic()
        await client.create(CANARYRELEASES, manifest)
        while not condition(await client.get(CANARYRELEASES, "default", "shop"), STALLED):
            assert monotonic() - begun < LIMIT_SECONDS
            await asyncio.sleep(0.02)
    finally:
        await client.close()


@pytest.mark.usefixtures("operator")
def test_the_remedy_helps(server: ApiServer, seen: Mapping[str, Seen]) -> None:
    """With what was missing there, the condition goes and the Deployment is looked at."""
    number = list(ROWS).index("no route")
    assert seen["no route"].stalled is not None
    route = http_route()
    route["metadata"]["namespace"] = f"row-{number}"
    server.kubectl("create", "-f", "-", input=route)

    def told() -> bool:
        found = server.get("canaryrelease/shop", "-n", f"row-{number}")
        return condition(found, STALLED) is None

    wait_until(told)
