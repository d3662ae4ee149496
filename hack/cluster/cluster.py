"""What other code needs to know of a cluster: addresses, kubeconfig, images."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from hack.cluster import paths, tools
from hack.cluster.run import ClusterError, CommandFailed, sh


class StepRecord(TypedDict):
    """One step of the latest `up`: `seconds` it took, and whether nothing was to do."""

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up: addresses are URLs on this machine's loopback."""

    name: str
    kubeconfig: str
    gateway: str
    prometheus: str
    alertmanager: str
    steps: tuple[StepRecord, ...] = ()
    images: dict[str, str] = field(default_factory=dict)
    applied: dict[str, str] = field(default_factory=dict)
    published: bool = False
    existing: bool = False

    def kubectl(self, *argv: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl against this cluster and return its output; CommandFailed if it fails."""
        kubectl = tools.tool("kubectl")
        return sh(kubectl, *argv, stdin=stdin, env={"KUBECONFIG": self.kubeconfig}, timeout=timeout)

    def answers(self) -> bool:
        """Tell whether the API server says that it is ready (waits up to 5 s)."""
        try:
            return self.kubectl("get", "--raw", "/readyz", "--request-timeout=5s") == "ok"
        except CommandFailed:
            return False

    def nodes(self) -> list[str]:
        """Return the names of the nodes."""
        return self.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()

    def save(self, **changes: object) -> Cluster:
        """Write the description, with `changes` to its fields, and return it."""
        new = replace(self, **changes)  # type: ignore[arg-type]
        file = description(self.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".partial")
        scratch.write_text(json.dumps(asdict(new), indent=2) + "\n")
        scratch.rename(file)
        (file.parent / "env").write_text(new.environment())
        return new

    def environment(self) -> str:
        """Lines for a shell to source: tools on the path, and where the cluster is."""
        # only named here, not built: the description is written before all tools are there
        folders = [str(tool.artifact.path) for tool in (tools.KUBE, tools.HELM)]
        values = {
            "KUBECONFIG": self.kubeconfig,
            "GATEWAY": self.gateway,
            "ALERTMANAGER": self.alertmanager,
        }
        values |= {f"{part.upper()}_IMAGE": ref for part, ref in self.images.items()}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
        return "\n".join([f"export PATH={':'.join(folders)}:$PATH", *lines, ""])


def description(name: str) -> Path:
    """Return the file that describes cluster `name`."""
    return paths.cluster_dir(name) / "cluster.json"


def known(name: str) -> Cluster | None:
    """Read the description of cluster `name`, None if there is none that can be read."""
    try:
        values = json.loads(description(name).read_text())
        values["steps"] = tuple(values["steps"])
        return Cluster(**values)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def load(name: str) -> Cluster:
    """Read the description of cluster `name`; ClusterError if it was never brought up."""
    if cluster := known(name):
        return cluster
    command = f"python -m hack.cluster up --name {name}"
    raise ClusterError(f"there is no cluster {name!r} here; `{command}` makes one")
