"""All that a release is made of, in out/release: `python -m hack.release`.

Charts, the command as a wheel and as plugins with Krew's manifest, images, what is in them, and the
digests of all. Nothing is published from here.
"""

import argparse
import gzip
import os
import shutil
import sys
from pathlib import Path

from hack import charts, images, plugin, sbom
from hack.cluster import engine as engines
from hack.cluster.cache import remove
from hack.cluster.images import PROGRAMS
from hack.cluster.run import ClusterError, sh
from hack.version import version

OUT = Path("out/release")
SUMS = "SHA256SUMS"


def main(arguments: list[str] | None = None) -> int:
    """Build everything anew and print the files; 1 if a part fails."""
    parser = argparse.ArgumentParser(prog="hack.release", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("RELEASE_URL") or plugin.URL)
    parser.add_argument("--tag", default=os.environ.get("RELEASE_TAG"), help="has to be vVERSION")
    options = parser.parse_args(arguments)
    try:
        agreed(options.tag)
        for file in built(OUT, options.url):
            sys.stdout.write(f"{file}\n")
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def agreed(tag: str | None) -> None:
    """Refuse a tag that names another version than the sources do.

    Raises:
        ClusterError: it does, or the sources don't agree among themselves.
    """
    if tag and tag != f"v{version()}":
        raise ClusterError(f"the tag is {tag} and the sources are at {version()}")


def built(target: Path, url: str) -> list[Path]:
    """Every file of a release, the digests last; what was there before is removed."""
    remove(target)
    target.mkdir(parents=True)
    charts.packed(target)
    sh(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target.resolve(),
       cwd=Path("operator"), timeout=120)  # fmt: skip
    plugin.written(plugin.PLATFORMS, target, url)
    for each in PROGRAMS:
        sbom.written(each, target)
    engine = engines.find()
    for archive in images.written(engine, images.named(engine), target):
        compress(archive)
    return [*sorted(target.iterdir()), summed(target)]


def compress(file: Path) -> None:
    """Replace a file by FILE.gz, without a time in it."""
    with (
        file.open("rb") as plain,
        file.with_name(f"{file.name}.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 20)
    file.unlink()


def summed(target: Path) -> Path:
    """Write the digests as sha256sum reads them."""
    lines = [f"{plugin.sha256(file)}  {file.name}\n" for file in sorted(target.iterdir())]
    (target / SUMS).write_text("".join(lines))
    return target / SUMS


if __name__ == "__main__":
    sys.exit(main())
