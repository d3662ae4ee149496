"""Draw the phases in `docs/architecture.md` from the core's own table of transitions."""

import sys
from pathlib import Path

from linnet.core.transitions import RESTING, TRANSITIONS

PAGE = Path("docs/architecture.md")
BEGIN, END = "<!-- phases: drawn from linnet.core.transitions -->", "<!-- end of phases -->"


def picture() -> str:
    """The table as a Mermaid state diagram; resting phases are marked."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Pending"]
    for before, moves in TRANSITIONS.items():
        lines += [f"    {before} --> {after}: {why}" for after, why in moves.items()]
    lines += ["    classDef resting fill:#eef,stroke:#88a"]
    lines += [f"    class {','.join(phase for phase in TRANSITIONS if phase in RESTING)} resting"]
    return "\n".join([*lines, "```"])


def redrawn(page: str) -> str:
    """The page with its picture drawn anew.

    Raises:
        ValueError: the page has lost the marks between which the picture stands.
    """
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Redraw the page, or with --check say whether that would change it."""
    page = PAGE.read_text()
    fresh = redrawn(page)
    if page == fresh:
        return 0
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        sys.stderr.write(f"{PAGE} is stale: run make verify\n")
        return 1
    PAGE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
