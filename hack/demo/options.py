"""What a demonstration is asked to play, and how it is stopped."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Version(Protocol):
    """What is released."""

    @property
    def name(self) -> str:
        """As the user calls it: v2."""


V = TypeVar("V", bound=Version)


def select(versions: Sequence[V], only: str) -> tuple[V, ...]:
    """The versions of a list like ``v2,v3``, in the demonstration's order; all if it is empty.

    Raises:
        argparse.ArgumentTypeError: it names one that there isn't.
    """
    wanted = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := wanted - {version.name for version in versions}:
        known = ", ".join(version.name for version in versions)
        told = f"there is no {', '.join(sorted(unknown))}: there are {known}"
        raise argparse.ArgumentTypeError(told)
    return tuple(version for version in versions if not wanted or version.name in wanted)


def options_for(
    prog: str, description: str | None, versions: Sequence[V], example: str
) -> argparse.ArgumentParser:
    """The options that every demonstration has. example: of a value of ``--only``."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--cluster", default="linnet-demo", metavar="NAME", help="%(default)s")
    parser.add_argument(
        "--existing", action="store_true", help="use the cluster of the current kubectl context"
    )
    parser.add_argument(
        "--only",
        default=tuple(versions),
        type=lambda text: select(versions, text),
        metavar=example,
        help=f"default: all {len(versions)}",
    )
    return parser


def stop_like_ctrl_c() -> None:
    """A demonstration that is ended by its runner cleans up like one that is ended by Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
