"""Environments of programs that only some commands need: the one for development stays small.

Each is named after its lock, `requirements/NAME.txt`, and kept in the cache.
"""

import sys
from pathlib import Path

from hack.cluster import paths
from hack.cluster.cache import Artifact, digest
from hack.cluster.images import uv
from hack.cluster.run import sh

LOCKS = paths.REPO / "requirements"


def program(environment: str, name: str) -> Path:
    """The path of a program in an environment, made first if need be (seconds).

    Raises:
        ClusterError: the packages can't be had.
    """
    lock = LOCKS / f"{environment}.txt"
    running = ".".join(map(str, sys.version_info[:2]))

    def install(target: Path) -> None:
        # relocatable: the cache renames the folder when it is complete
        sh(uv(), "venv", "--quiet", "--relocatable", "--allow-existing", target,
           "--python", sys.executable)  # fmt: skip
        sh(uv(), "pip", "install", "--quiet", "--require-hashes", "--no-deps",
           "--python", target / "bin" / "python", "--requirements", lock)  # fmt: skip

    return Artifact(f"env-{environment}", digest(running, lock)).ensure(install) / "bin" / name
