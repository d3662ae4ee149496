"""The chart's roles grant what the operator does in a whole life, and nothing else.

The operator runs with the chart's own account on a cluster of simulated pods. What it did is read
from the API server's audit log; what it may do, from the roles that its account is bound to.
"""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import pytest

from linnet.api.status import Phase
from tests.support.apiserver import ApiServer, KubectlError
from tests.support.guarded_shop import call
from tests.support.helm import ACCOUNT, helm, install
from tests.support.operator_process import OperatorProcess, run_operator
from tests.support.prometheus_server import run_prometheus
from tests.support.releases import release
from tests.support.simulated_nodes import ANNOTATION
from tests.support.workload_manifests import config_map, deployment, http_route, service

Object = dict[str, Any]

PATIENCE_SECONDS = 300.0
QUICK: Object = {
    "targetRef": {"name": "shop"},
    "traffic": {"httpRoute": "shop"},
    "steps": [{"weight": 50, "hold": "0s"}, {"weight": 100, "hold": "0s"}],
    "analysis": {
        "interval": "1s",
        "window": "1s",
        "minSamples": 1,
        "metrics": [{"name": "well", "query": "vector(0)", "rollback": {"above": 1}}],
    },
    "canary": {"drainPeriod": "0s"},
    "promotion": {"progressDeadline": "5s"},
    "trackedConfig": [
        {"kind": kind, "name": "settings", "mountedAs": "settings-live"}
        for kind in ("ConfigMap", "Secret")
    ],
}


@dataclass(frozen=True, order=True)
class Right:
    """To do something with objects of a kind. namespace, name: '' for any."""

    namespace: str
    resource: str
    verb: str
    name: str = ""

    def covers(self, use: "Right") -> bool:
        """Whether this is the right that somebody needs for `use`."""
        return (
            (self.resource, self.verb) == (use.resource, use.verb)
            and self.namespace in ("", use.namespace)
            and self.name in ("", use.name)
        )


# --- what the account may do ---


def granted(server: ApiServer, system: str) -> set[Right]:
    """The rights of the chart's account, by the bindings that name it."""
    found: set[Right] = set()
    for binding in server.get("clusterrolebindings,rolebindings", "-A")["items"]:
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": system}
        if subject in binding.get("subjects", []):
            role, namespace = binding["roleRef"], binding["metadata"].get("namespace", "")
            where = ("-n", namespace) if role["kind"] == "Role" else ()
            rules = server.get(role["kind"].lower(), role["name"], *where)["rules"]
            found |= {right for rule in rules for right in rights(namespace, rule)}
    return found


def rights(namespace: str, rule: Object) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [""]):
                    yield Right(namespace, f"{group}/{resource}", verb, name)


# --- what it did ---


def requests(server: ApiServer, system: str) -> Iterator[Object]:
    """The account's finished requests for objects."""
    user = f"system:serviceaccount:{system}:{ACCOUNT}"
    for line in server.audit_log.read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] == user and "objectRef" in event:
            yield event


def used(event: Object) -> set[Right]:
    """The rights that a request took. An apply that makes an object takes `create` as well."""
    about = event["objectRef"]
    resource = "/".join(
        [about.get("apiGroup", ""), about["resource"], *filter(None, [about.get("subresource")])]
    )
    verbs = {event["verb"]}
    if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
        verbs.add("create")
    return {
        Right(about.get("namespace", ""), resource, verb, about.get("name", "")) for verb in verbs
    }


# --- a whole life ---


@dataclass(frozen=True)
class Life:
    """An app in a namespace of its own; its user, and what happens to it."""

    server: ApiServer
    system: str
    namespace: str
    operator: OperatorProcess

    def kubectl(self, *words: str, **more: Any) -> str:
        return self.server.kubectl("-n", self.namespace, *words, **more)

    def get(self, kind: str) -> Any:
        return self.server.get(f"{kind}/shop", "-n", self.namespace)

    def apply(self, manifest: Object) -> None:
        manifest["metadata"]["namespace"] = self.namespace
        self.kubectl("apply", "-f", "-", input=manifest)

    def release(self, image: str, fate: str = "") -> None:
        manifest = deployment(image)
        [container] = manifest["spec"]["template"]["spec"]["containers"]
        container["envFrom"] = [
            {"configMapRef": {"name": "settings-live"}},
            {"secretRef": {"name": "settings-live"}},
        ]
        if fate:
            manifest["spec"]["template"]["metadata"]["annotations"] = {ANNOTATION: fate}
        self.apply(manifest)

    def configure(self, colour: str) -> None:
        """Change all tracked config."""
        self.apply(config_map(colour=colour))
        self.apply({**config_map(colour=b64encode(colour.encode()).decode()), "kind": "Secret"})

    def wait_for(self, phase: Phase) -> None:
        until(lambda: self.get("canaryrelease").get("status", {}).get("phase") == phase)

    def live(self) -> None:
        """Adopt, promote twice with trouble and once not, roll back, and leave in mid-release."""
        self.configure("red")
        self.release("shop:1")
        self.apply(service())
        self.apply(http_route())
        self.apply(release(QUICK))
        self.wait_for(Phase.IDLE)
        with self.refused("canaryreleases"):
            self.release("shop:2")
        self.wait_for(Phase.PROMOTED)
        with self.refused("httproutes"), self.refused("services"):
            self.configure("blue")
            self.release("shop:3")
        self.wait_for(Phase.PROMOTED)
        self.release("shop:4", "stable-never-ready")
        self.wait_for(Phase.PROMOTING)
        until(lambda: self.get("deployment")["status"].get("updatedReplicas"))
        self.release("shop:5", "crash")  # before that stable goes back to shop:3
        self.wait_for(Phase.ROLLED_BACK)
        self.release("shop:6", "never-ready")
        self.wait_for(Phase.STARTING)
        self.be_looked_at()
        self.kubectl("delete", "canaryrelease", "shop", "--timeout=30s")
        self.kubectl("delete", "deployment", "shop", "--timeout=30s")
        self.live_without_gateway()

    def be_looked_at(self) -> None:
        """Have the HTTP API asked by somebody whose token and rights it has to have reviewed."""
        self.kubectl("create", "serviceaccount", "jane")
        whom = f"--serviceaccount={self.namespace}:jane"
        role = "--clusterrole=linnet-operator-approver"
        self.kubectl("create", "rolebinding", "jane", role, whom)
        token = self.server.token_of("jane", self.namespace)
        path = f"releases/{self.namespace}/shop"
        until(lambda: call(self.operator, token, path).status == 200)

    def live_without_gateway(self) -> None:
        """Adopt and promote where the pods behind the Service are the weights, and leave."""
        self.release("shop:1")
        self.apply(release(QUICK | {"traffic": {"provider": "Replicas"}}))
        self.wait_for(Phase.IDLE)
        self.release("shop:2")
        self.wait_for(Phase.PROMOTED)
        self.kubectl("delete", "canaryrelease", "shop", "--timeout=30s")

    @contextmanager
    def refused(self, resource: str) -> Iterator[None]:
        """Refuse the account's writes until it has read such an object again because of that."""
        user = f"system:serviceaccount:{self.system}:{ACCOUNT}"
        name = f"{self.namespace}-{resource}"
        for manifest in refusal(name, resource, user):
            self.server.kubectl("create", "-f", "-", input=manifest)
        until(lambda: self.cannot_write(resource, user))
        yield
        until(lambda: self.did(resource, "get"))
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            self.server.kubectl("delete", kind, name)

    def cannot_write(self, resource: str, user: str) -> bool:
        """Whether the server has taken the refusal in."""
        try:
            self.kubectl("label", resource, "shop", "a=b", "--dry-run=server", f"--as={user}")
        except KubectlError as error:
            return "denied request" in str(error)
        return False

    def did(self, resource: str, verb: str) -> bool:
        """Whether the account has done that in the app's namespace."""
        return any(
            (event["objectRef"]["resource"], event["verb"]) == (resource, verb)
            and event["objectRef"].get("namespace") == self.namespace
            for event in requests(self.server, self.system)
        )


def refusal(name: str, plural: str, user: str) -> tuple[Object, Object]:
    """A policy, and its binding, by which a user may write nothing of this kind."""
    api = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [plural, f"{plural}/*"],
    }
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"request.userInfo.username != '{user}'"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return (
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": policy,
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": binding,
        },
    )


def until(reached: Callable[[], Any]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not reached():
        assert monotonic() < deadline, "not so in time"
        sleep(0.2)


@dataclass(frozen=True)
class Record:
    """What the account may do, and what it did."""

    granted: set[Right]
    events: list[Object]

    @property
    def used(self) -> set[Right]:
        return {right for event in self.events for right in used(event)}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_prometheus(tmp_path_factory.mktemp("prometheus"), "up 1") as url:
        yield url


@pytest.fixture(scope="module", params=["everywhere", "one-namespace"])
def record(
    request: pytest.FixtureRequest,
    simulated: ApiServer,
    prometheus: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Record:
    mark = secrets.token_hex(3)
    system, app = f"system-{mark}", f"app-{mark}"
    for namespace in (system, app):
        simulated.kubectl("create", "namespace", namespace)
    only = app if request.param == "one-namespace" else ""
    sets = (
        *(f"scope.namespace={only}", "replicas=1", "configTracking.secrets=true"),
        "api.enabled=true",
    )
    install(simulated, system, *sets)
    may = granted(simulated, system)
    with run_operator(
        tmp_path_factory.mktemp("operator"),
        simulated.kubeconfig_of(ACCOUNT, system),
        prometheus=prometheus,
        namespace=only,
        lease_namespace=system,
        tracked_kinds="ConfigMap,Secret",
        api=True,
    ) as operator:
        Life(simulated, system, app, operator).live()
    done = list(requests(simulated, system))
    helm(simulated, system, "uninstall", "linnet")
    return Record(may, done)


def test_every_right_is_needed(record: Record) -> None:
    assert record.granted
    assert {right for right in record.granted if not any(map(right.covers, record.used))} == set()


def test_every_need_is_granted(record: Record) -> None:
    """The first says which right is missing, the second that none was without effect."""
    missing = {use for use in record.used if not any(may.covers(use) for may in record.granted)}
    assert missing == set()
    assert [each for each in record.events if each["responseStatus"]["code"] == 403] == []


def test_nothing_is_granted_by_a_wildcard(record: Record) -> None:
    assert not [right for right in record.granted if "*" in f"{right.resource} {right.verb}"]
