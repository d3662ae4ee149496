"""Generate the CRD, the chart's copy of it, and its reference page from the pydantic models.

Run as ``python -m hack.crds``. With ``--check`` nothing is written; it ends with 1 and names the
files that differ from what would be written.
"""

import argparse
import sys
from pathlib import Path

import yaml

from hack.crd_reference import reference

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "operator" / "src"))  # works before anything is installed

from linnet.api.crd import custom_resource_definition  # noqa: E402

CRD = "crds/linnet.dev_canaryreleases.yaml"
CHART = "charts/linnet-operator/files/crds/canaryreleases.yaml"
REFERENCE = "docs/reference/canaryrelease.md"
HEADER = "# Generated from operator/src/linnet/api by `python -m hack.crds`. Do not edit.\n"


def generate() -> dict[str, str]:
    """Return the text of every generated file by its path in the repository."""
    crd = custom_resource_definition()
    text = HEADER + yaml.safe_dump(crd, sort_keys=False, width=98, allow_unicode=True)
    return {CRD: text, CHART: text, REFERENCE: reference(crd)}


def stale(files: dict[str, str]) -> list[str]:
    """Name the files that are missing or differ."""
    return [path for path, text in files.items() if _read(ROOT / path) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main(argv: list[str] | None = None) -> int:
    """Write or check the files; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="hack.crds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name stale files")
    check = parser.parse_args(argv).check
    files = generate()
    changed = stale(files)
    for path in changed:
        if check:
            print(f"{path} is stale: run `python -m hack.crds`", file=sys.stderr)
            continue
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(files[path], encoding="utf-8")
        print(f"wrote {path}")
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
