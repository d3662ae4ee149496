"""``python -m recochat``: serve until told to stop. One process; scale by pods."""

from __future__ import annotations

import os
import sys

# Before numpy is loaded: OpenBLAS takes memory for each thread that it might use.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import uvicorn
from pydantic import ValidationError

from recochat import logs
from recochat.app import create_app
from recochat.settings import Settings, explain
from recochat.telemetry import SERVICE

# Kubernetes waits 30 s in all, of which the chart's preStop hook takes 5.
_SHUTDOWN_S = 20
# Longer than gateways keep idle connections (90 s is common). Whoever closes first must be the
# one that sends, or a request meets a connection that is just being closed: a 502 for the user.
_KEEP_ALIVE_S = 120


def main() -> int:
    """Serve. Returns 2 if the settings can't be used, and says which and why."""
    try:
        settings = Settings()
    except ValidationError as error:
        for line in explain(error):
            print(f"recochat: {line}", file=sys.stderr)
        return 2
    formatter = logs.JsonFormatter(
        SERVICE, settings.version, settings.track, settings.google_project
    )
    logs.configure(formatter, settings.log_level)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.listen_host,
        port=settings.listen_port,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = uvicorn.Server(config)
    server.run()
    # Not started means that the lifespan or the port failed, which uvicorn has logged.
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main())
