"""Run benchmarks: `python -m hack.bench [NAME ...]`; without names, all of them.

A benchmark is a module `tests/bench/bench_NAME.py` with a `main() -> dict`. It prints what it
measures; the figures it returns are written to `out/bench/NAME.json`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

FOLDER, OUT = Path("tests/bench"), Path("out/bench")


def names() -> list[str]:
    """The benchmarks that there are."""
    return sorted(file.stem.removeprefix("bench_") for file in FOLDER.glob("bench_*.py"))


def main() -> int:
    """Run those asked for; 1 if one isn't there."""
    known = names()
    asked = sys.argv[1:] or known
    if unknown := sorted(set(asked) - set(known)):
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(known)}\n")
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    for name in asked:
        sys.stdout.write(f"\n── {name}\n")
        figures = importlib.import_module(f"tests.bench.bench_{name}").main()
        target = OUT / f"{name}.json"
        target.write_text(json.dumps(figures, indent=2) + "\n")
        sys.stdout.write(f"── figures: {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
