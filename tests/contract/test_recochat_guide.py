"""The guide that follows a request says what really happens."""

from __future__ import annotations

from pathlib import Path

from hack.ports import free_port
from tests.support.console import Console, programs, steady

GUIDE = Path(__file__).resolve().parents[2] / "docs/follow-a-request.md"


def follow(folder: Path) -> str:
    """The guide with what its commands say now."""
    bin_folder, work = folder / "bin", folder / "work"
    bin_folder.mkdir()
    work.mkdir()
    with programs(bin_folder) as environment:
        ports = {port: free_port() for port in (6380, 8080, 9000)}
        console = Console(work, environment, ports)
        try:
            return console.follow(GUIDE.read_text())
        finally:
            console.close()


def test_the_guide_shows_what_happens(tmp_path: Path) -> None:
    assert steady(follow(tmp_path)).splitlines() == steady(GUIDE.read_text()).splitlines()
