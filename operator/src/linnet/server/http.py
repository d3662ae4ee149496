"""/livez, /readyz, /metrics, /alerts, the HTTP API and the console."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from linnet.server import console
from linnet.server.alerts import BODY_BYTES, AlertReceiver
from linnet.server.api import Api

STOP_SECONDS = 2.0
"""How long answers that are under way get at the end. Streams don't end by themselves."""


async def serve(
    port: int,
    ready: Callable[[], bool],
    alerts: AlertReceiver,
    api: Api | None = None,
    *,
    with_console: bool = False,
) -> web.AppRunner:
    """Serve on all addresses of the pod; call `cleanup` on what is returned to stop.

    ready: whether the API server has been reached. alerts: takes Alertmanager's notifications.
    api: None if it is off. with_console: whether its page is served, too.
    """
    app = web.Application(client_max_size=BODY_BYTES)
    app.add_routes(
        [
            web.get("/livez", _alive),
            web.get("/readyz", _ready_when(ready)),
            web.get("/metrics", _metrics),
            web.post("/alerts", alerts.post),
        ]
    )
    if api is not None:
        app.add_routes(api.routes())
        if with_console:
            app.add_routes(console.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _ready_when(ready: Callable[[], bool]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the API server has not been reached yet\n")

    return answer


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
