"""Draw the dashboards for the documents: `python -m hack.panels`, about four minutes.

A good version of recochat is released and promoted, then one that fails is rolled back, on this
machine and under load (see `stage`). The pictures show what the dashboards' own queries gave.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from hack.dashboards.files import FILES
from hack.panels.draw import board
from hack.panels.prometheus import Span, answers
from hack.panels.stage import VALUES, stage

DOCS = Path(__file__).resolve().parents[2] / "docs" / "examples"
_POINTS = 110
"""Points of a line: as many as can be told apart."""


async def draw(folder: Path) -> None:
    """Play the releases, and write a picture of each dashboard."""
    async with stage(folder) as played:
        start = time.time()  # noqa: TID251 - Prometheus goes by the real clock
        await played.rest(20)
        sys.stdout.write(f"version 2: {await played.release('2')}\n")
        await played.rest(20)
        faults = {"ERROR_SHARE": "0.2", "LATENCY_MS": "60", "LEAK_MB_PER_S": "2"}
        sys.stdout.write(f"version 3: {await played.release('3', **faults)}\n")
        await played.rest(20)
        end = time.time()  # noqa: TID251
        span = Span(start, end, max(2.0, (end - start) / _POINTS))
        for dashboard in FILES.values():
            found = await asyncio.to_thread(answers, played.prometheus, dashboard, VALUES, span)
            file = DOCS / f"dashboard-{dashboard.title.lower()}.svg"
            file.write_text(board(dashboard, found, span))
            sys.stdout.write(f"wrote {file}\n")


def main() -> int:
    """Draw them all."""
    with tempfile.TemporaryDirectory(prefix="panels") as folder:
        asyncio.run(draw(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
