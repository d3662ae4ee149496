"""What `linnet doctor` looks at: judged from what was read, without asking for anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from linnet.cli.cluster.words import span
from linnet.controller.release import Release
from linnet.core import experiments
from linnet.core.conditions import STALLED

Manifest = Mapping[str, Any]

SKEW = timedelta(seconds=5)
"""What a clock may be off before it confuses people who compare times."""
RIGHTS: Mapping[tuple[str, str], Sequence[str]] = {
    ("linnet.dev", "canaryreleases"): ("get", "list", "watch", "patch"),
    ("linnet.dev", "canaryreleases/status"): ("patch",),
    ("apps", "deployments"): ("get", "list", "watch", "create", "patch", "delete"),
    ("apps", "replicasets"): ("list",),
    ("", "services"): ("get", "list", "watch", "create", "patch", "delete"),
    ("", "pods"): ("list", "watch"),
    ("", "configmaps"): ("get", "list", "create", "patch", "delete"),
    ("events.k8s.io", "events"): ("create",),
}
"""What the operator needs everywhere: (group, resource) -> verbs, as the chart gives them."""
ROUTES = {("gateway.networking.k8s.io", "httproutes"): ("get", "list", "watch", "patch")}


class State(StrEnum):
    """How something is."""

    FINE = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. said: how it is; where it is bad, with the remedy."""

    what: str
    state: State
    said: str


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether nothing is bad."""
    return all(each.state is not State.BAD for each in findings)


def clock(ahead: timedelta) -> Finding:
    """This machine's clock beside the API server's. ahead: of this machine, by so much."""
    if abs(ahead) <= SKEW:
        return Finding("clock", State.FINE, "this machine's agrees with the API server's")
    side = "ahead of" if ahead > timedelta() else "behind"
    said = f"this machine is {span(abs(ahead))} {side} the API server: synchronise it (NTP)"
    return Finding("clock", State.BAD, said)


def definition(found: Manifest | None, own: Manifest) -> Finding:
    """The CRD in the cluster beside the one that this command was made with."""
    if found is None:
        return Finding("CRD", State.BAD, "is not installed: install the chart")
    ours, theirs = _schema(own), _schema(found)
    unknown = sorted(_fields(ours) - _fields(theirs))
    if unknown:
        said = f"is older than this command: it has no {', '.join(unknown[:3])}. Upgrade the chart"
        return Finding("CRD", State.BAD, said)
    if _fields(theirs) - _fields(ours):
        return Finding("CRD", State.FINE, "is newer than this command")
    return Finding("CRD", State.FINE, "is of this command's version")


def _schema(crd: Manifest) -> Manifest:
    versions = {each["name"]: each for each in crd["spec"]["versions"]}
    found: Manifest = versions["v1alpha1"]["schema"]["openAPIV3Schema"]
    return found


def _fields(schema: Manifest, path: str = "") -> set[str]:
    """The paths of all fields."""
    found: set[str] = set()
    for name, inner in (schema.get("properties") or {}).items():
        place = f"{path}.{name}" if path else name
        found |= {place, *_fields(inner, place)}
    if isinstance(items := schema.get("items"), Mapping):
        found |= _fields(items, f"{path}[]")
    return found


def operators(deployments: Sequence[Manifest]) -> Iterator[Finding]:
    """Whether an operator runs."""
    if not deployments:
        yield Finding("operator", State.BAD, "none is installed: install the chart")
    for each in deployments:
        name = f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        ready, asked = (each.get("status") or {}).get("availableReplicas", 0), _replicas(each)
        if ready:
            yield Finding("operator", State.FINE, f"{name}: {ready} of {asked} replicas run")
        else:
            said = f"{name}: none of {asked} replicas is available: see its pods' logs"
            yield Finding("operator", State.BAD, said)


def _replicas(deployment: Manifest) -> int:
    return int(deployment["spec"].get("replicas", 1))


def leader(lease: Manifest | None, now: datetime) -> Finding:
    """Whether somebody leads."""
    spec = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        return Finding("leader", State.BAD, "nobody leads: see the operator's logs")
    age = now - datetime.fromisoformat(spec["renewTime"])
    if age > timedelta(seconds=2 * spec.get("leaseDurationSeconds", 15)):
        said = f"{spec['holderIdentity']} has not renewed its lease for {span(age)}: it doesn't run"
        return Finding("leader", State.BAD, said)
    return Finding("leader", State.FINE, f"{spec['holderIdentity']} leads")


def rights(account: str, missing: Sequence[str]) -> Finding:
    """What the operator's account may not do."""
    if missing:
        said = f"{account} may not {', '.join(missing)}: install the chart with rbac.create"
        return Finding("RBAC", State.BAD, said)
    return Finding("RBAC", State.FINE, f"{account} has the rights that it needs")


def release(found: Release) -> Finding:
    """Whether a release is held up by something that people have to put right."""
    what = f"release {found.key.namespace}/{found.key.name}"
    for condition in found.status.conditions:
        if condition.type == STALLED and condition.reason != "RolledBack":
            return Finding(what, State.BAD, f"{condition.reason}: {condition.message}")
    if found.status.observed_generation < found.generation:
        said = "the operator has not seen the last change: see that it runs and watches here"
        return Finding(what, State.BAD, said)
    return Finding(what, State.FINE, f"{found.status.phase}")


def experiment(found: Release) -> Finding | None:
    """Whether the data of an experiment that runs can be read; None if there is none to tell of."""
    known = experiments.reading(found.spec, found.status)
    if known is None or known.looked_at is None:
        return None
    what = f"experiment {found.key.namespace}/{known.id}"
    if known.problem:
        return Finding(what, State.BAD, known.problem)
    many = known.users.control + known.users.treatment
    return Finding(what, State.FINE, f"{many:,} users take part")


def scraped(what: str, seen: float | None, pods: int) -> Finding:
    """Whether Prometheus scrapes the pods of a track. seen: how many it does."""
    known = int(seen or 0)
    if known < pods:
        said = (
            f"Prometheus scrapes {known} of {pods} pods: add a PodMonitor or a scrape "
            "configuration that gives labels namespace and pod"
        )
        return Finding(what, State.BAD, said)
    return Finding(what, State.FINE, f"Prometheus scrapes {known} pods")


def service_of(url: str) -> tuple[str, str, str] | None:
    """(namespace, name for the API server's proxy, path) of a URL of a Service; None of others."""
    parts = urlsplit(url)
    name, _, rest = (parts.hostname or "").partition(".")
    namespace, _, domain = rest.partition(".")
    if not name or not namespace or not (domain == "" or domain.startswith("svc")):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return namespace, f"{parts.scheme}:{name}:{port}", parts.path.rstrip("/")
