"""The project's own images: build what changed, load it into the cluster."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import engine as engines
from hack.cluster import kind, local_images, paths
from hack.cluster.base import PYTHON_BASE
from hack.cluster.cache import Artifact, digest, remove
from hack.cluster.cluster import Cluster, load
from hack.cluster.engine import Engine
from hack.cluster.run import ClusterError, sh
from hack.cluster.versions import PUBLISHED, PYTHON


@dataclass(frozen=True)
class Program:
    """One of the project's programs: its image's name and where its parts lie."""

    part: str
    folder: str
    package: str
    requirements: str

    @property
    def containerfile(self) -> Path:
        """The recipe; it takes the base image as build argument BASE."""
        return paths.REPO / self.folder / "Containerfile"

    @property
    def source(self) -> Path:
        """The import package."""
        return paths.REPO / self.folder / "src" / self.package

    @property
    def locked(self) -> Path:
        """The hash-pinned dependencies."""
        return paths.REPO / "requirements" / self.requirements

    def ready(self) -> bool:
        """Tell whether everything that the image is made of has been written."""
        return all(path.exists() for path in (self.containerfile, self.source, self.locked))


PROGRAMS = (
    Program("operator", "operator", "linnet", "operator.txt"),
    Program("recochat", "workload", "recochat", "workload.txt"),
)


def project_images(cluster: Cluster) -> dict[str, str]:
    """Build and load both programs and return their full names by part.

    Costs a second or two when nothing changed. The names are also written to the
    cluster's description; raises ClusterError if a part isn't there to build.
    """
    refs = {program.part: _program_image(cluster, program) for program in PROGRAMS}
    load(cluster.name).save(images=refs)
    return refs


def build_and_load(name: str, image: str, context: Path) -> str:
    """Build `context` (with a Containerfile) for cluster `name`, return the full name.

    `image` is the name without a tag; the tag is a hash of the context's content,
    so that a changed image is never mistaken for the one a pod already runs.
    """
    engine = engines.find()
    cluster = load(name)
    base = python_base(engine, published=cluster.published)
    ref = f"{image}:{digest(base, context)}"
    if not engine.has(ref):
        engine.build(ref, context, context / "Containerfile", {"BASE": base})
    ensure_loaded(engine, cluster, [ref])
    return ref


def ensure_loaded(engine: Engine, cluster: Cluster, refs: list[str]) -> None:
    """Bring images into every node of the cluster that doesn't have them."""
    if cluster.existing:
        context = cluster.kubectl("config", "current-context").strip()
        kind.load_images(engine, context.removeprefix("kind-"), refs)
        return
    for ref in _missing(engine, cluster, refs):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            engine.save(ref, archive)
            kind.load_archive(engine, cluster.name, archive)


def _missing(engine: Engine, cluster: Cluster, refs: list[str]) -> list[str]:
    present = [
        set(engine("exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split())
        for node in kind.nodes(engine, cluster.name)
    ]
    return [ref for ref in refs if not all(ref in images for images in present)]


def _program_image(cluster: Cluster, program: Program) -> str:
    engine = engines.find()
    ref = built(engine, python_base(engine, published=cluster.published), program)
    ensure_loaded(engine, cluster, [ref])
    return ref


def built(engine: Engine, base: str, program: Program) -> str:
    """Build a program's image on `base` if the engine doesn't have it; return its full name.

    Raises ClusterError if a part isn't there to build.
    """
    if not program.ready():
        raise ClusterError(
            f"{program.part} can't be built: {program.containerfile}, {program.source} "
            f"and {program.locked} must exist"
        )
    installed = packages(program)
    key = digest(base, installed.name, program.containerfile, program.source)
    ref = f"localhost/linnet/{program.part}:{key}"
    if not engine.has(ref):
        with tempfile.TemporaryDirectory(dir=paths.cache()) as folder:
            context = Path(folder)
            _link_tree(installed, context / "site-packages")
            shutil.copytree(
                program.source,
                context / "src" / program.package,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            _compile(context / "src")
            engine.build(ref, context, program.containerfile, {"BASE": base})
    return ref


def packages(program: Program) -> Path:
    """The locked dependencies, installed into a folder of the cache if need be."""
    artifact = Artifact(f"packages-{program.part}", digest("modules only", PYTHON, program.locked))

    def install(target: Path) -> None:
        sh(uv(), "pip", "install", "--python-version", PYTHON, "--python-platform", "linux",
           "--only-binary", ":all:", "--no-deps", "--require-hashes", "--target", target,
           "--requirements", program.locked)  # fmt: skip
        remove(target / "bin")
        remove(target / ".lock")
        _compile(target)

    return artifact.ensure(install)


def _compile(folder: Path) -> None:
    """Write bytecode: an image's file system is read-only, so a pod can't keep its own."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON:
        sh(sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
           folder, check=False)  # fmt: skip


def uv() -> str:
    """The path of uv, which installs packages.

    Raises ClusterError where there is none.
    """
    beside = paths.REPO / ".venv" / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise ClusterError("uv is missing: `python -m pip install uv`")
    return found


def python_base(engine: Engine, *, published: bool) -> str:
    """The image with Python that programs are built on: a published one, or one made here."""
    if not published:
        return PYTHON_BASE.ensure(engine)
    if not engine.has(PUBLISHED["python"]):
        engine("pull", PUBLISHED["python"])
    return PUBLISHED["python"]


def _link_tree(source: Path, target: Path) -> None:
    """Copy a folder by hard links: the build only reads it."""
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    local_images.link_or_copy(Path(source), Path(target))
