"""The container engine: Docker where a daemon answers, else podman, set up for this machine."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hack.cluster import debian, paths
from hack.cluster.run import CommandFailed, sh

PROBE_SECONDS = 10
_PODMAN_PACKAGES = ("podman", "runc", "conmon", "netavark", "aardvark-dns", "iptables")
_PID_MAX = Path("/proc/sys/kernel/pid_max")


@dataclass(frozen=True)
class Engine:
    """A program that speaks Docker's command line, and the environment it needs."""

    program: str
    env: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *argv: str | Path, timeout: float = 900) -> str:
        """Run one engine command; CommandFailed if it fails."""
        return sh(self.program, *argv, env=self.env, timeout=timeout)

    def has(self, image: str) -> bool:
        """Tell whether an image is in the local storage."""
        try:
            self("image", "inspect", "--format", "{{.Id}}", image)
        except CommandFailed:
            return False
        return True

    def offered(self, image: str) -> bool:
        """Tell whether a registry has `image`, asked without downloading it."""
        try:
            self("manifest", "inspect", image, timeout=PROBE_SECONDS)
        except CommandFailed:
            return False
        return True

    def build(self, image: str, context: Path, file: Path, args: Mapping[str, str]) -> None:
        """Build `image` from a folder, without a network: all it needs is in there."""
        words = [f"--build-arg={name}={value}" for name, value in args.items()]
        self("build", "--network", "none", "--tag", image, "--file", file, *words, context)

    def import_root(self, image: str, tar: Path, changes: Sequence[str] = ()) -> None:
        """Make an image of a root folder's archive; `changes` are Containerfile lines."""
        words = [word for change in changes for word in ("--change", change)]
        self("import", *words, tar, image)

    def save(self, image: str, archive: Path) -> None:
        """Write an image as an archive that containerd can import."""
        archive.unlink(missing_ok=True)
        self("save", "--output", archive, image)


@cache
def find() -> Engine:
    """Choose the engine, installing podman where there is none (needs root and apt)."""
    if shutil.which("docker") and _docker_answers():
        return Engine("docker")
    if not all(map(shutil.which, ("podman", "runc", "conmon"))):
        debian.install(*_PODMAN_PACKAGES)
    if not Path("/lib/modules").exists():
        # kind mounts it into every node; an empty one will do
        Path("/lib/modules").mkdir()
    settings = {"CONTAINERS_CONF": str(_podman_settings()), "KIND_EXPERIMENTAL_PROVIDER": "podman"}
    return Engine("podman", settings)


def present() -> bool:
    """Tell whether an engine can be used without installing anything."""
    return bool(shutil.which("podman") and shutil.which("runc")) or _docker_answers()


def _docker_answers() -> bool:
    try:
        sh("docker", "info", "--format", "{{.ServerVersion}}", timeout=PROBE_SECONDS)
    except CommandFailed:
        return False
    return True


def _podman_settings() -> Path:
    """Write podman's settings for this machine and return their file.

    runc, because crun refuses machines with mixed cgroup versions; limits no
    higher than ours, because raising them needs a capability that we may lack.
    """
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    processes = min(int(_PID_MAX.read_text()), 32768)
    limits = [f"nofile={files}:{files}", f"nproc={processes}:{processes}"]
    file = paths.cache() / "containers.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ["[engine]", 'runtime = "runc"', "[containers]",
             f"default_ulimits = {json.dumps(limits)}"]  # fmt: skip
    scratch = file.with_suffix(f".{os.getpid()}")
    scratch.write_text("\n".join(lines) + "\n")
    scratch.rename(file)
    return file
