"""Bring a cluster up: which steps that takes, and in which order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from hack.cluster import engine as engines
from hack.cluster import existing, images, kind, local_images, node, parts, paths, preflight, tools
from hack.cluster.base import NODE_BASE, PYTHON_BASE
from hack.cluster.cache import Timings
from hack.cluster.cluster import Cluster, known, load
from hack.cluster.engine import Engine
from hack.cluster.run import note
from hack.cluster.screen import screen_for
from hack.cluster.steps import Step, run_all
from hack.cluster.tools import Tool
from hack.cluster.versions import PUBLISHED

_NEEDED = (tools.KUBE, tools.KIND, tools.HELM, tools.GATEWAY_API)


def up(name: str) -> Cluster:
    """Bring cluster `name` up with all its parts; seconds if it is up already."""
    return _run(name, Bringup(name).steps())


def up_existing(name: str) -> Cluster:
    """Install the parts into the cluster of the current context, known as `name` from then on."""
    return _run(name, existing.steps(name))


def host_tools() -> None:
    """Fetch or build what is useful on this machine, also without a cluster."""
    steps = [_fetch(tool) for tool in tools.HOST_TOOLS]
    with screen_for(steps) as screen:
        run_all(steps, screen, paths.cache() / "logs", Timings())


def _run(name: str, steps: list[Step]) -> Cluster:
    with screen_for(steps) as screen:
        records = run_all(steps, screen, paths.log_dir(name), Timings())
    return load(name).save(steps=records)


def _fetch(tool: Tool) -> Step:
    return Step(tool.name, tool.what, tool.estimate, tool.artifact.exists, tool.ensure)


class Bringup:
    """One run of `up` for one cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        before = known(name)
        self.published = before is not None and before.published

    @cached_property
    def engine(self) -> Engine:
        """The container engine, installed at first use."""
        return engines.find()

    @property
    def part_images(self) -> Mapping[str, str]:
        """The image of each part."""
        if self.published:
            return {part: PUBLISHED[part] for part in local_images.PARTS}
        return {part: image.ref for part, image in local_images.PARTS.items()}

    def steps(self) -> list[Step]:
        """List the steps, in order."""
        engine_seconds = 0 if engines.present() else 30
        return [
            Step("preflight", "This machine", 0, lambda: False, self._preflight),
            Step("engine", "Container engine", engine_seconds, self._running, self._choose_engine),
            *(_fetch(tool) for tool in _NEEDED),
            *(self._local(tool) for tool in _LOCAL),
            Step("bases", "Debian root folders", 100, self._bases_done, self._bases),
            Step("node", "Node image", 40, self._node_done, lambda: node.build(self.engine)),
            Step("cluster", f"Cluster {self.name}", 30, self._up, self._create),
            Step("definitions", "Gateway API", 3, self._definitions_done, self._definitions),
            Step("parts", parts.WHAT, 20, self._parts_done, self._parts),
            Step("answers", "Every part answers", 2, lambda: False, self._verify),
        ]

    def _preflight(self) -> None:
        wanted = (*_NEEDED, *_LOCAL)
        preflight.check(building=not all(tool.artifact.exists() for tool in wanted))

    def _choose_engine(self) -> None:
        """Find the engine, and whether published images can be had: then build none."""
        if not self.engine.has(node.image()):
            self.published = self.engine.offered(PUBLISHED["node"])
            note(f"published images can{'' if self.published else 'not'} be had")

    def _local(self, tool: Tool) -> Step:
        """Make a step that is only needed where images are built here."""
        fetch = _fetch(tool)
        return Step(
            fetch.name,
            fetch.what,
            fetch.estimate,
            lambda: fetch.done() or self._running() or self.published,
            fetch.run,
        )

    def _bases_done(self) -> bool:
        return self._node_done() or (
            engines.present()
            and all(self.engine.has(base.image) for base in (PYTHON_BASE, NODE_BASE))
        )

    def _bases(self) -> None:
        for base in (PYTHON_BASE, NODE_BASE):
            base.ensure(self.engine)

    def _node_done(self) -> bool:
        if self._running() or self.published:
            return True
        return engines.present() and self.engine.has(node.image())

    def _running(self) -> bool:
        """Tell whether a run before this one completed the cluster, and it answers."""
        return self._is_running

    @cached_property
    def _is_running(self) -> bool:
        cluster = known(self.name)
        return cluster is not None and "parts" in cluster.applied and cluster.answers()

    def _up(self) -> bool:
        cluster = known(self.name)
        return cluster is not None and os.path.exists(cluster.kubeconfig) and cluster.answers()

    def _create(self) -> None:
        image = PUBLISHED["node"] if self.published else node.image()
        kind.create(self.engine, self.name, image, published=self.published)

    def _definitions_done(self) -> bool:
        return self._applied("definitions") == parts.definitions_key()

    def _definitions(self) -> None:
        parts.apply_definitions(load(self.name))

    def _parts_done(self) -> bool:
        return self._applied("parts") == parts.manifests_key(self.part_images)

    def _parts(self) -> None:
        cluster = load(self.name)
        if not self.published:
            refs = [image.ensure(self.engine) for image in local_images.PARTS.values()]
            images.ensure_loaded(self.engine, cluster, refs)
        parts.apply(cluster, self.part_images)

    def _verify(self) -> None:
        parts.verify(load(self.name))

    def _applied(self, what: str) -> str:
        cluster = known(self.name)
        return cluster.applied.get(what, "") if cluster else ""


_LOCAL = (
    tools.PAUSE,
    tools.COREDNS,
    tools.TRAEFIK,
    tools.PROMETHEUS,
    tools.ALERTMANAGER,
    tools.REDIS,
    local_images.IPTABLES,
)
