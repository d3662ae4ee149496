"""Draw the phases in `docs/architecture.md` from the core's own table of transitions."""

from pathlib import Path

from linnet.core.transitions import RESTING, TRANSITIONS

PAGE = "docs/architecture.md"
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


def generate() -> dict[str, str]:
    """The text of the page, by its path in the repository."""
    return {PAGE: redrawn(Path(PAGE).read_text())}
