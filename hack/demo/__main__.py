"""Command line: `python -m hack.demo` plays the demonstration. 0: everything went as it should."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hack.cluster.cluster import Cluster
from hack.cluster.images import project_images
from hack.cluster.run import ClusterError
from hack.cluster.up import up, up_existing
from hack.demo import ROOT, ink, report
from hack.demo.options import options_for, stop_like_ctrl_c
from hack.demo.play import Story
from hack.demo.releases import RELEASES
from hack.demo.scene import Show, Stage
from hack.demo.screen import screen_for
from hack.load import now
from hack.load_process import LoadFailed

OUT = ROOT / "out" / "demo.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Play the demonstration; returns 0 fine, 1 not as it should be, 2 wrong use, 130 stopped."""
    options = _options(argv)
    console = Console()
    stop_like_ctrl_c()
    try:
        return _run(options, console)
    except (ClusterError, LoadFailed) as error:
        console.print(Text.assemble("\n", ("✗", ink.BAD), f" {error}"))
        _leave(console, options)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped.", highlight=False)
        _leave(console, options)
        return 130


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = options_for("python -m hack.demo", __doc__, RELEASES, "v2,v3")
    parser.add_argument("--rate", type=float, default=150, help="requests a second (%(default)s)")
    parser.add_argument("--no-live", action="store_true", help="plain lines, no live picture")
    options = parser.parse_args(argv)
    if not 20 <= options.rate <= 1000:
        parser.error("--rate must be from 20 to 1000")
    return options


def _run(options: argparse.Namespace, console: Console) -> int:
    started, clock = now(), time.monotonic()
    cluster = up_existing(options.cluster) if options.existing else up(options.cluster)
    cluster_s = time.monotonic() - clock
    show = Show(options.cluster, started, options.only)
    show.stages.append(Stage("cluster", started, now()))
    outside = 0
    with screen_for(console, show, live=not options.no_live) as screen:
        images = Stage("images", now())
        show.stages.append(images)
        refs = project_images(cluster)
        images.ended = now()
        screen.say(f"images after {images.ended - images.began:.1f} s")
        story = Story(cluster, show, screen, options.rate)
        try:
            outside = story.play(refs)
        finally:
            _save(report.as_json(started, cluster_s, story.results, outside))
    console.print()
    console.print(Padding(report.summary(story.results, outside), (0, 2)))
    console.print(Padding(report.legend(), (0, 2)))
    console.print(Padding(_where(cluster, options), (1, 2)))
    return 0 if report.succeeded(story.results, len(options.only), outside) else 1


def _save(content: object) -> None:
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(content, indent=2) + "\n")


def _where(cluster: Cluster, options: argparse.Namespace) -> Text:
    text = report.next_commands(cluster.kubeconfig, _down(options))
    text.append(f"\n\nThe figures are in {OUT.relative_to(ROOT)}.")
    return text


def _down(options: argparse.Namespace) -> str:
    if options.cluster == "linnet-demo":
        return "make down"
    return f"python -m hack.cluster down --name {options.cluster}"


def _leave(console: Console, options: argparse.Namespace) -> None:
    remedy = f"Go on with `make demo`, or remove it with `{_down(options)}`."
    console.print(f"The cluster is still there. {remedy}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
