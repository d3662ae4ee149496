"""Run benchmarks: `python -m hack.bench [NAME ...]`; without names, all but the long ones.

A benchmark is a module `tests/bench/bench_NAME.py` with a `main() -> dict`. It prints what it
measures; the figures it returns are written to `out/bench/NAME.json`. The long ones are named
`soak_NAME.py`, and run by `python -m hack.bench soak`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

FOLDER, OUT = Path("tests/bench"), Path("out/bench")


def names(kind: str) -> list[str]:
    """The benchmarks that there are; kind: `bench` or `soak`."""
    return sorted(file.stem.removeprefix(f"{kind}_") for file in FOLDER.glob(f"{kind}_*.py"))


def main() -> int:
    """Run those asked for; 1 if one isn't there."""
    kind = "soak" if sys.argv[1:2] == ["soak"] else "bench"
    known = names(kind)
    asked = (sys.argv[1:] if kind == "bench" else sys.argv[2:]) or known
    if unknown := sorted(set(asked) - set(known)):
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(known)}\n")
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    for name in asked:
        sys.stdout.write(f"\n── {name}\n")
        figures = importlib.import_module(f"tests.bench.{kind}_{name}").main()
        target = OUT / f"{name}.json"
        target.write_text(json.dumps(figures, indent=2) + "\n")
        sys.stdout.write(f"── figures: {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
