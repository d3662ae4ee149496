"""The images of a release: `python -m hack.images`, or with `push REGISTRY` to publish them."""

import argparse
import os
import sys
from pathlib import Path

from hack.cluster import engine as engines
from hack.cluster.engine import Engine
from hack.cluster.images import PROGRAMS, built, python_base
from hack.cluster.run import ClusterError, sh
from hack.cluster.versions import PUBLISHED
from hack.version import version

OUT = Path("out/images")
NAMES = {"operator": "linnet/operator", "recochat": "recochat"}
"""What the charts call each program's image."""


def main(arguments: list[str] | None = None) -> int:
    """Build both images, and write or push them; 1 if that fails."""
    parser = argparse.ArgumentParser(prog="hack.images", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("build", "push"), default="build")
    parser.add_argument("registry", nargs="?", default="", help="a host, with a path if need be")
    options = parser.parse_args(arguments)
    if (options.action == "push") != bool(options.registry):
        parser.error("push takes a registry, and nothing else does")
    try:
        engine = engines.find()
        names = named(engine)
        told = written(engine, names) if options.action == "build" else names
        for each in pushed(engine, names, options.registry) if options.registry else told:
            sys.stdout.write(f"{each}\n")
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def named(engine: Engine) -> list[str]:
    """Both images, built if need be, by the names that the charts know them by."""
    base = python_base(engine, published=has_registry(engine))
    names = []
    for program in PROGRAMS:
        name = f"{NAMES[program.part]}:{version()}"
        engine("tag", built(engine, base, program), name)
        names.append(name)
    return names


def has_registry(engine: Engine) -> bool:
    """Whether the base can be had; where it can't be, it is made of Debian's packages."""
    return engine.has(PUBLISHED["python"]) or engine.offered(PUBLISHED["python"])


def written(engine: Engine, names: list[str], target: Path = OUT) -> list[Path]:
    """An archive of each image, which `docker load` and `podman load` take."""
    target.mkdir(parents=True, exist_ok=True)
    archives = []
    for name in names:
        archive = target / f"{name.replace('/', '-').replace(':', '-')}-image.tar"
        engine.save(name, archive)
        archives.append(archive)
    return archives


def pushed(engine: Engine, names: list[str], registry: str) -> list[str]:
    """The names in a registry, after each has been pushed.

    REGISTRY_USER and REGISTRY_TOKEN log in; without them the engine is taken to be logged in.
    """
    if user := os.environ.get("REGISTRY_USER"):
        login = ("login", registry, "--username", user, "--password-stdin")
        sh(engine.program, *login, env=engine.env, stdin=os.environ["REGISTRY_TOKEN"], timeout=60)
    for name in names:
        engine("tag", name, f"{registry}/{name}")
        engine("push", f"{registry}/{name}")
    return [f"{registry}/{name}" for name in names]


if __name__ == "__main__":
    sys.exit(main())
