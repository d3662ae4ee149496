"""`kubectl linnet` as a plugin: an archive for each platform, and the manifest that Krew reads.

`python -m hack.plugin` builds the one for this machine into out/plugin, `--all` builds every one.
An archive has the packages of `requirements/cli.txt` and a launcher; it runs on the user's own
Python. What is compiled is there for each of PYTHONS, everything else once. The same sources give
the same bytes, so anyone can check a published digest.
"""

import argparse
import filecmp
import gzip
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from hack.cluster import paths
from hack.cluster.cache import remove
from hack.cluster.images import uv
from hack.cluster.run import ClusterError, sh
from hack.version import version

OUT = Path("out/plugin")
URL = "https://linnet.dev/releases"
"""Where releases are published, unless --url says otherwise: archives are at URL/vVERSION/."""
LOCK = paths.REPO / "requirements" / "cli.txt"
LICENCE = paths.REPO / "LICENSE"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
COMMAND = "kubectl-linnet"
NOT_AT_RUN_TIME = ("bin", "**/tests", "**/*.a", "**/*.pyi", "**/__pycache__", ".lock")
LAUNCHER = f'''\
#!/usr/bin/env python3
"""kubectl linnet: finds the packages beside it that fit the Python that runs it."""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
OWN = "python%d.%d" % sys.version_info[:2]
if not os.path.isdir(os.path.join(HERE, "lib", OWN)):
    known = "{", ".join(PYTHONS)}"
    sys.exit("kubectl linnet runs on Python " + known + "; python3 here is " + OWN[6:])
sys.path[1:1] = [os.path.join(HERE, "lib", "common"), os.path.join(HERE, "lib", OWN)]

from linnet.cli.entry import main

sys.exit(main())
'''


@dataclass(frozen=True)
class Platform:
    """What Krew and what the package index call a kind of machine."""

    os: str
    arch: str
    wheels: str

    @property
    def archive(self) -> str:
        """The name of its archive."""
        return f"{COMMAND}-{version()}-{self.os}-{self.arch}.tar.gz"


PLATFORMS = (
    Platform("linux", "amd64", "x86_64-manylinux_2_28"),
    Platform("linux", "arm64", "aarch64-manylinux_2_28"),
    Platform("darwin", "amd64", "x86_64-apple-darwin"),
    Platform("darwin", "arm64", "aarch64-apple-darwin"),
)


def main(arguments: list[str] | None = None) -> int:
    """Build archives and the manifest that names them; 1 if that fails."""
    parser = argparse.ArgumentParser(prog="hack.plugin", description=__doc__)
    parser.add_argument("--all", action="store_true", help="for every platform")
    parser.add_argument("--url", default=URL, help="where releases are published")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    try:
        platforms = PLATFORMS if options.all else (here(),)
        for file in written(platforms, options.out, options.url):
            sys.stdout.write(f"{file}\n")
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def here() -> Platform:
    """The platform of this machine.

    Raises:
        ClusterError: there are no archives for it.
    """
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for each in PLATFORMS:
        if (each.os, each.arch) == (sys.platform, arch):
            return each
    raise ClusterError(f"there is no plugin for {sys.platform} on {arch}")


def written(platforms: tuple[Platform, ...], target: Path, url: str = URL) -> list[Path]:
    """The archives of some platforms, and their manifest."""
    target.mkdir(parents=True, exist_ok=True)
    archives = {each: built(each, PYTHONS, target / each.archive) for each in platforms}
    digests = {each: sha256(file) for each, file in archives.items()}
    described = target / "linnet.yaml"
    described.write_text(yaml.safe_dump(manifest(digests, url), sort_keys=False, width=120))
    return [*archives.values(), described]


def built(wanted: Platform, pythons: tuple[str, ...], file: Path) -> Path:
    """Write the archive for a platform."""
    with tempfile.TemporaryDirectory(dir=paths.cache()) as folder:
        root = Path(folder) / COMMAND
        folders = [_installed(wanted, python, root / "lib") for python in pythons]
        share(folders, root / "lib" / "common")
        _own_package(root / "lib" / "common")
        shutil.copyfile(LICENCE, root / "LICENSE")
        (root / COMMAND).write_text(LAUNCHER)
        pack(root, file)
    return file


def _installed(wanted: Platform, python: str, lib: Path) -> Path:
    """Install what the lock names for a platform and a Python, whichever runs here."""
    target = lib / f"python{python}"
    sh(uv(), "pip", "install", "--quiet", "--python-version", python, "--python-platform",
       wanted.wheels, "--only-binary", ":all:", "--no-deps", "--require-hashes", "--link-mode",
       "copy", "--target", target, "--requirements", LOCK)  # fmt: skip
    for pattern in NOT_AT_RUN_TIME:
        for found in sorted(target.glob(pattern)):
            remove(found)
    return target


def _own_package(target: Path) -> None:
    """Install the project itself, as a wheel: it has to know its version."""
    sh(uv(), "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--link-mode",
       "copy", "--target", target, paths.REPO / "operator")  # fmt: skip
    (about,) = target.glob("linnet_operator-*.dist-info")
    for name in ("direct_url.json", "uv_cache.json", "uv_build.json", "RECORD"):
        remove(about / name)  # they tell where it was built
    for name in ("bin", ".lock"):
        remove(target / name)


def share(folders: list[Path], common: Path) -> None:
    """Move what is the same in all folders into one; compiled packages stay in each."""
    common.mkdir()
    first, *others = folders
    for entry in sorted(first.iterdir()):
        if all(same(entry, other / entry.name) for other in others):
            for other in others:
                remove(other / entry.name)
            entry.rename(common / entry.name)


def same(one: Path, other: Path) -> bool:
    """Whether two files or folders have the same content."""
    if one.is_dir() != other.is_dir() or not other.exists():
        return False
    if one.is_file():
        return filecmp.cmp(one, other, shallow=False)
    names = {path.name for path in one.iterdir()}
    if names != {path.name for path in other.iterdir()}:
        return False
    return all(same(one / name, other / name) for name in names)


def pack(root: Path, file: Path) -> None:
    """Write a folder's content as an archive without times and owners, in a fixed order."""

    def nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        runs = entry.isdir() or entry.name == COMMAND
        entry.mode = 0o755 if runs else 0o644
        return entry

    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(root.rglob("*")):
            name = os.fspath(path.relative_to(root))
            archive.add(path, name, recursive=False, filter=nameless)


def sha256(file: Path) -> str:
    """The digest of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def manifest(digests: dict[Platform, str], url: str) -> dict[str, object]:
    """What Krew reads: where each platform's archive is, and its digest."""
    platforms = [
        {
            "selector": {"matchLabels": {"os": each.os, "arch": each.arch}},
            "uri": f"{url}/v{version()}/{each.archive}",
            "sha256": digest,
            "bin": COMMAND,
        }
        for each, digest in digests.items()
    ]
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "linnet"},
        "spec": {
            "version": f"v{version()}",
            "homepage": "https://linnet.dev",
            "shortDescription": "Watch and steer canary releases",
            "description": "See what a release does and why, act on it, rehearse its policy.",
            "caveats": f"Needs python3 on the PATH, one of {', '.join(PYTHONS)}.",
            "platforms": platforms,
        },
    }


if __name__ == "__main__":
    sys.exit(main())
