"""What the process and its container use. Linux only; elsewhere 0 says that it isn't known."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")
_STATM: Final = Path("/proc/self/statm")


def memory_bytes() -> int:
    """Resident memory of the process."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def memory_limit_bytes(cgroup: Path = _CGROUP) -> int:
    """What the container may use, or else what the machine has."""
    try:
        return int((cgroup / "memory.max").read_text())
    except (OSError, ValueError):  # There is none, or it says "max".
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def cpu_cores(cgroup: Path = _CGROUP) -> float:
    """How many cores the container may use, or else those of the machine."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return float(os.cpu_count() or 1)


def disk_bytes(path: str = "/tmp") -> tuple[int, int]:  # noqa: S108 - looked at, not written
    """Bytes used and in all where temporary files go."""
    usage = shutil.disk_usage(path)
    return usage.used, usage.total


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Usage:
    """Shares in percent, the one of the processor since the last look."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu_seconds: Callable[[], float] = _cpu_seconds,
    ) -> None:
        """``clock`` and ``cpu_seconds`` count seconds."""
        self._clock, self._cpu_seconds = clock, cpu_seconds
        self._looked_at, self._used = clock(), cpu_seconds()

    def percentages(self) -> dict[str, float]:
        """Use of ``cpu``, ``memory`` and ``disk`` in percent of what there is."""
        now, used = self._clock(), self._cpu_seconds()
        elapsed = max(now - self._looked_at, 1e-9)
        cpu = (used - self._used) / elapsed / cpu_cores()
        self._looked_at, self._used = now, used
        disk_used, disk = disk_bytes()
        return {
            "cpu": 100 * cpu,
            "memory": 100 * memory_bytes() / memory_limit_bytes(),
            "disk": 100 * disk_used / max(disk, 1),
        }
