"""What an attacker would look for: `python -m hack.security`, which is what `make security` runs.

Three parts: the code by bandit's rules (Ruff has them), the workflows by zizmor, and the locked
packages by the advisories that the package index publishes. The last one needs the network. Where
it can't be asked nothing is known, which is a failure of its own (exit code 3) and never a pass.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.environment import LOCKS, program

CODE = ("operator/src", "workload/src", "hack")
WORKFLOWS = Path(".github")
NO_FAULT = ("S603", "S607")
"""Programs are called with lists, never through a shell, and found on PATH on purpose."""
LEFT_OUT = {"data"}
"""Of its packages only the data inside is used: none of their code is ever run."""
WELL, FOUND, UNKNOWN = 0, 1, 3
"""Exit codes."""


@dataclass(frozen=True)
class Audit:
    """What is known of one lock. unknown: packages about which the index didn't answer."""

    lock: str
    packages: int
    found: tuple[str, ...]
    unknown: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Run all parts; the exit code is that of the worst."""
    parser = argparse.ArgumentParser(prog="hack.security", description=__doc__)
    parser.add_argument("--offline", action="store_true", help="leave the advisories out")
    offline = parser.parse_args(arguments).offline
    ends = [code(), workflows()]
    if offline:
        say("packages: left out, because of --offline")
    else:
        audits = [audited(lock) for lock in locks()]
        for line in told(audits):
            say(line)
        ends.append(verdict(audits))
    return FOUND if FOUND in ends else max(ends)


def code() -> int:
    """Bandit's rules on all code that runs outside tests."""
    rules = ("--select=S", f"--ignore={','.join(NO_FAULT)}")
    return _part("code", ".venv/bin/ruff", "check", "--quiet", *rules, *CODE)


def workflows() -> int:
    """What the workflows let others do: tokens, injected text, actions that aren't pinned."""
    zizmor = str(program("security", "zizmor"))
    return _part("workflows", zizmor, "--offline", "--quiet", "--no-progress", str(WORKFLOWS))


def _part(name: str, *words: str) -> int:
    failed = subprocess.run(words, check=False).returncode != 0
    say(f"{name}: {'see above' if failed else 'nothing found'}")
    return FOUND if failed else WELL


def locks() -> list[Path]:
    """The locks whose packages run anywhere."""
    return [lock for lock in sorted(LOCKS.glob("*.txt")) if lock.stem not in LEFT_OUT]


def audited(lock: Path) -> Audit:
    """Ask for the advisories of everything in a lock."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")
    words = (str(program("security", "pip-audit")), *options, "--requirement", str(lock))
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return judged(lock.stem, done.stdout)


def judged(lock: str, printed: str) -> Audit:
    """What pip-audit's JSON says; all is unknown where it printed none."""
    try:
        packages: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError):
        return Audit(lock, 0, (), ("all of its packages",))
    found = tuple(
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in "
        + (", ".join(flaw["fix_versions"]) or "no version")
        for each in packages
        for flaw in each.get("vulns", ())
    )
    unknown = tuple(each["name"] for each in packages if "skip_reason" in each)
    return Audit(lock, len(packages), found, unknown)


def told(audits: list[Audit]) -> Iterator[str]:
    """A line for each lock, and one for each finding."""
    for each in audits:
        if each.unknown:
            known = each.packages - len(each.unknown)
            yield f"packages of {each.lock}: the index told of {max(known, 0)} of {each.packages}"
        else:
            yield f"packages of {each.lock}: {len(each.found)} found in {each.packages}"
        yield from (f"  {flaw}" for flaw in each.found)
    if verdict(audits) == UNKNOWN:
        yield "packages: the advisories can't be asked from here; --offline leaves them out"


def verdict(audits: list[Audit]) -> int:
    """The exit code of the packages."""
    if any(each.found for each in audits):
        return FOUND
    return UNKNOWN if any(each.unknown for each in audits) else WELL


def say(line: str) -> None:
    """Print at once, in order with what programs print."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
