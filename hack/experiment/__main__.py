"""Command line: `python -m hack.experiment` plays the demonstration. 0: all went as it should."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from hack.cluster.images import project_images
from hack.cluster.run import ClusterError
from hack.cluster.up import up, up_existing
from hack.demo import ROOT
from hack.demo.options import options_for, stop_like_ctrl_c
from hack.demo.screen import Lines
from hack.experiment.play import Story
from hack.experiment.releases import TRIALS
from hack.experiment.reports import keep
from hack.load import now
from hack.load_process import LoadFailed

OUT = ROOT / "out" / "demo-experiment"


def main(argv: Sequence[str] | None = None) -> int:
    """Play the demonstration; returns 0 fine, 1 not as it should be, 2 wrong use, 130 stopped."""
    options = options_for("python -m hack.experiment", __doc__, TRIALS, "v2,v6").parse_args(argv)
    console = Console()
    stop_like_ctrl_c()
    try:
        return _run(options, console)
    except (ClusterError, LoadFailed) as error:
        console.print(f"✗ {error}", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. The cluster is still there.", highlight=False)
        return 130


def _run(options: argparse.Namespace, console: Console) -> int:
    screen = Lines(console, now())
    cluster = up_existing(options.cluster) if options.existing else up(options.cluster)
    images = project_images(cluster)
    story = Story(cluster, screen, lambda outcome: keep(cluster, outcome, OUT))
    try:
        story.play(images, options.only)
    finally:
        OUT.mkdir(parents=True, exist_ok=True)
        told = [outcome.as_json() for outcome in story.outcomes]
        (OUT / "figures.json").write_text(json.dumps(told, indent=2) + "\n")
    good = len(story.outcomes) == len(options.only) and not any(o.wrong for o in story.outcomes)
    screen.say(f"{'✓' if good else '✗'} reports and figures are in {OUT.relative_to(ROOT)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
