"""Programs that are run beside this one."""

import subprocess
from typing import Any


def end(process: "subprocess.Popen[Any]", seconds: float) -> None:
    """End a process: asked first, and killed where it hasn't ended after some seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
