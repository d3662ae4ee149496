"""Write, or with --check compare, every generated file: `python -m hack.generate`."""

import argparse
import sys
from pathlib import Path

from hack import architecture, chart_reference, commands, crds, metrics_reference
from hack.dashboards import files as dashboards

ROOT = Path(__file__).resolve().parent.parent
GENERATORS = (crds, architecture, commands, metrics_reference, chart_reference, dashboards)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the files; 1 if a check found one that is stale or missing."""
    parser = argparse.ArgumentParser(prog="hack.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name stale files")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, text in generated().items():
        file = root / path
        if file.is_file() and file.read_text() == text:
            continue
        if check:
            sys.stderr.write(f"{path} is stale: run `make verify`\n")
            stale = 1
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        sys.stdout.write(f"wrote {path}\n")
    return stale


def generated() -> dict[str, str]:
    """The text of every generated file, by its path in the repository."""
    return {path: text for each in GENERATORS for path, text in each.generate().items()}


if __name__ == "__main__":
    sys.exit(main())
