"""``recochat``: serve until told to stop (one process; scale by pods), or make a model offline."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

# Before numpy is loaded: OpenBLAS takes memory for each thread that it might use.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import uvicorn
from pydantic import ValidationError

from recochat import logs
from recochat.app import create_app
from recochat.metrics import SERVICE
from recochat.recommender.artifact import ModelError
from recochat.server import Server, WholeAnswers
from recochat.settings import Settings, explain

# Kubernetes waits 30 s in all, of which the chart's preStop hook takes 5.
_SHUTDOWN_S = 20
# Longer than gateways keep idle connections (90 s is common). Whoever closes first must be the
# one that sends, or a request meets a connection that is just being closed: a 502 for the user.
_KEEP_ALIVE_S = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; without one, serve. The result is the exit status."""
    parser = argparse.ArgumentParser("recochat", description="A recommender and chat service.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve until told to stop (the default)")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in ([], ["serve"]):
        return serve()
    # Here, not above: serving needs none of it.
    from recochat.recommender import commands as offline

    offline.add_to(commands)
    return offline.run(parser.parse_args(words))


def serve() -> int:
    """Serve. Returns 2 if the settings or the model can't be used, and says which and why."""
    try:
        settings = Settings()
    except ValidationError as error:
        return _refused(explain(error))
    formatter = logs.JsonFormatter(
        SERVICE, settings.version, settings.track, settings.google_project
    )
    logs.configure(formatter, settings.log_level)
    try:
        app = create_app(settings)
    except ModelError as error:
        return _refused([f"RECOCHAT_MODEL_PATH: {error}"])
    except ModuleNotFoundError as error:
        if settings.otel_endpoint and str(error.name).startswith("opentelemetry"):
            return _refused([f"RECOCHAT_OTEL_ENDPOINT: {error}: install recochat[otel]"])
        raise
    config = uvicorn.Config(
        app,
        host=settings.listen_host,
        port=settings.listen_port,
        http=WholeAnswers,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # Who asks is what a gateway says in X-User-Id, not an address that it passes on.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = Server(config)
    server.lifecycle = app.state.lifecycle
    server.run()
    # Not started means that the lifespan or the port failed, which uvicorn has logged.
    return 0 if server.started else 3


def _refused(lines: Sequence[str]) -> int:
    for line in lines:
        print(f"recochat: {line}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
