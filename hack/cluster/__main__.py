"""Command line: `python -m hack.cluster up|down|status|images|tools`."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence

from hack.cluster import engine, kind, parts, paths
from hack.cluster.cache import remove
from hack.cluster.cluster import Cluster, known, load
from hack.cluster.images import build_and_load, project_images
from hack.cluster.run import ClusterError
from hack.cluster.screen import duration
from hack.cluster.up import host_tools, up, up_existing

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 fine, 1 failed, 130 interrupted."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options) or 0)
    except ClusterError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the next run goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, run: object) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    def named(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("--name", default="linnet-demo", type=_name, help="default: %(default)s")
        return sub

    bring = named(command("up", "bring a cluster up with all its parts", _up))
    bring.add_argument(
        "--existing",
        action="store_true",
        help="install the parts into the cluster of the current kubectl context instead",
    )
    named(command("down", "delete a cluster", _down))
    named(command("status", "show addresses, and whether each part answers", _status))
    load_images = named(command("images", "build images and load them into the cluster", _images))
    load_images.add_argument(
        "image", nargs="*", metavar="IMAGE=CONTEXT", help="without any: the project's own two"
    )
    command("tools", "fetch or build the tools for this machine only", _tools)
    return parser


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("only lower-case letters, digits and hyphens")
    return text


def _up(options: argparse.Namespace) -> None:
    started = time.monotonic()
    cluster = up_existing(options.name) if options.existing else up(options.name)
    print(f"\n{cluster.name} is up after {duration(time.monotonic() - started)}.")
    _addresses(cluster)


def _down(options: argparse.Namespace) -> None:
    cluster = known(options.name)
    if cluster and cluster.existing:
        print(f"{options.name} isn't ours to delete; only its description is removed")
    else:
        kind.delete(engine.find(), options.name)
    remove(paths.cluster_dir(options.name))


def _status(options: argparse.Namespace) -> int:
    cluster = load(options.name)
    checks = {"API server": cluster.answers(), **parts.answers(cluster)}
    for what, fine in checks.items():
        print(f"{'✓' if fine else '✗'} {what}")
    _addresses(cluster)
    return 0 if all(checks.values()) else 1


def _images(options: argparse.Namespace) -> None:
    cluster = load(options.name)
    if not options.image:
        for part, ref in project_images(cluster).items():
            print(f"{part}: {ref}")
    for pair in options.image:
        image, equals, context = pair.partition("=")
        if not equals:
            raise ClusterError(f"{pair!r} isn't of the form IMAGE=CONTEXT")
        print(build_and_load(options.name, image, paths.REPO / context))


def _tools(_: argparse.Namespace) -> None:
    host_tools()
    print(f"\nall in {paths.cache()}")


def _addresses(cluster: Cluster) -> None:
    print(f"  export KUBECONFIG={cluster.kubeconfig}")
    for what in ("gateway", "prometheus", "alertmanager"):
        print(f"  {what:<13}{getattr(cluster, what)}")
    for part, ref in cluster.images.items():
        print(f"  {part:<13}{ref}")


if __name__ == "__main__":
    sys.exit(main())
