"""/livez, /readyz and /metrics."""

from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


@dataclass
class Health:
    """Whether the process has reached the API server."""

    ready: bool = False


async def serve(port: int, health: Health) -> web.AppRunner:
    """Serve on all addresses of the pod; call `cleanup` on what is returned to stop."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", _alive),
            web.get("/readyz", _ready_when(health)),
            web.get("/metrics", _metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _ready_when(health: Health):  # type: ignore[no-untyped-def]  # a handler of aiohttp
    async def ready(_: web.Request) -> web.Response:
        if health.ready:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the API server has not been reached yet\n")

    return ready


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
