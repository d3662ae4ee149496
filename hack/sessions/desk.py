"""The operator's API beside the cluster in memory: its own handlers and desk, without HTTP."""

import asyncio
from typing import Any

from linnet.api.types import Model
from linnet.controller.desk import ReleaseDesk
from linnet.controller.release import Key
from linnet.providers.access import Caller
from linnet.providers.kubernetes import Manifest
from linnet.providers.mirror import Mirror
from linnet.server.call import Call, Verb
from linnet.server.routes import ROUTES
from tests.support.simulated_cluster import SimulatedCluster


class PlayedApi:
    """Answers a caller who may do everything. who: as the API server knows them."""

    def __init__(self, cluster: SimulatedCluster, who: str) -> None:
        self._cluster, self._who = cluster, who
        self._looks: set[asyncio.Task[Any]] = set()

    async def answer(self, path: str, body: Any) -> Manifest:
        """What is answered to a POST of this body to a path."""
        cluster = self._cluster
        (route,) = (each for each in ROUTES if (each.method, each.path) == ("POST", path))
        assert route.body is not None
        asked = route.body.model_validate(body)
        mirror = Mirror(lambda: 0.0)
        desk = ReleaseDesk(cluster.client, mirror, cluster.asked, self._wake, lambda: cluster.now)
        call = Call(desk, Caller(self._who), asked.namespace, asked.name, self._may, asked)
        found = await route.handle(call)
        assert isinstance(found, Model)
        return found.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _wake(self, key: Key) -> None:
        """Have the operator look at a release, as it does when it is told of a change."""
        look = asyncio.get_running_loop().create_task(self._cluster.reconciler.reconcile(key))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _may(self, verb: Verb) -> bool:
        return True
