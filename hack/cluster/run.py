"""Run programs, keep what they print in the log of the current step."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

_log: ContextVar[Path | None] = ContextVar("log", default=None)


class ClusterError(Exception):
    """Something the user should read: what went wrong and what to do about it."""


class CommandFailed(ClusterError):
    """A program ended with an error; the last lines it printed are in the message."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        tail = "\n".join(output.strip().splitlines()[-12:])
        super().__init__(f"`{' '.join(argv)[:200]}` ended with {code}\n{tail}")
        self.code = code
        self.output = output


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Let every program run inside the block write to `file`, emptied first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    token = _log.set(file)
    try:
        yield
    finally:
        _log.reset(token)


def note(line: str) -> None:
    """Write one line of our own to the log of the current step."""
    if file := _log.get():
        with file.open("a") as log:
            log.write(line.rstrip() + "\n")


def sh(
    *argv: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 1800,
    check: bool = True,
) -> str:
    """Run a program to its end and return what it wrote to standard output.

    `env` is added to this process' environment; `timeout` is in seconds. Raises
    CommandFailed on an exit code other than 0 (unless `check` is false), when it
    takes too long, or when there is no such program.
    """
    words = [str(word) for word in argv]
    note(f"$ {' '.join(words)}")
    with _stderr() as errors:
        start = errors.tell()
        try:
            done = subprocess.run(
                words,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(words, 124, f"no end after {timeout:.0f} s") from error
        except FileNotFoundError as error:
            raise CommandFailed(words, 127, str(error)) from error
        errors.seek(start)
        complaint = errors.read().decode(errors="replace")
    if done.stdout:
        note(done.stdout)
    if check and done.returncode:
        raise CommandFailed(words, done.returncode, complaint or done.stdout)
    return done.stdout


def _stderr() -> IO[bytes]:
    """Open the log of the step, so that it can be followed while a program runs."""
    file = _log.get()
    return file.open("a+b") if file else tempfile.TemporaryFile()


def wait_until(what: str, ready: Callable[[], bool], seconds: float, every: float = 0.5) -> None:
    """Ask again and again until `ready` says yes; ClusterError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: still not so after {seconds:.0f} s")
        time.sleep(every)
