"""Builds kept by the hash of what went into them, so that nothing is built twice."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import paths

IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def digest(*parts: str | Path) -> str:
    """Hash strings, files and folders (names, modes and contents) to 12 hex digits."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            total.update(f"s{len(part)}:{part}".encode())
            continue
        for file in _files(part):
            content = file.read_bytes()
            name = file.relative_to(part).as_posix() if file != part else file.name
            executable = bool(file.stat().st_mode & 0o100)
            total.update(f"f{name}:{executable}:{len(content)}:".encode() + content)
    return total.hexdigest()[:12]


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise FileNotFoundError(root)
    found = (path for path in root.rglob("*") if not IGNORED & set(path.relative_to(root).parts))
    return sorted(path for path in found if path.is_file())


@dataclass(frozen=True)
class Artifact:
    """A folder of the cache that holds the result of one build."""

    name: str
    key: str

    @property
    def path(self) -> Path:
        """The folder; it exists only when the build has been completed."""
        return paths.cache() / f"{self.name}-{self.key}"

    def exists(self) -> bool:
        """Tell whether a finished build is in the cache."""
        return self.path.is_dir()

    def ensure(self, build: Callable[[Path], None]) -> Path:
        """Return the folder, filled by `build` first if it isn't there yet.

        The build happens beside the final place and is renamed at its end: an
        interrupted build leaves nothing that could be taken for a finished one.
        """
        if self.exists():
            return self.path
        with locked(f"{self.name}-{self.key}"):
            if not self.exists():
                partial = self.path.with_name(f"{self.path.name}.partial")
                remove(partial)
                partial.mkdir(parents=True)
                build(partial)
                partial.rename(self.path)
        return self.path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock between processes; waits for as long as another one builds."""
    locks = paths.cache() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remove(path: Path) -> None:
    """Delete a file or folder if it exists, read-only parts included."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


class Timings:
    """How long each step took when last done in full, in seconds."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or paths.cache() / "timings.json"
        try:
            self.seconds: dict[str, float] = json.loads(self.file.read_text())
        except (OSError, ValueError):
            self.seconds = {}

    def estimate(self, step: str, default: float) -> float:
        """Expect what was measured last time, else `default` seconds."""
        return self.seconds.get(step, default)

    def record(self, step: str, seconds: float) -> None:
        """Remember a measurement for the next run."""
        self.seconds[step] = round(seconds, 1)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.seconds, indent=1, sort_keys=True))
