"""Stories of many shops at once: each in a thread and on a shop of its own."""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hack.answers import Answer
from hack.cluster.cluster import Cluster
from hack.load_process import LoadProcess
from linnet.api.status import CanaryReleaseStatus, Phase
from tests.support.shop import Shop

AT_ONCE = 6
"""How many run at a time: a machine with two cores starts the pods of so many in time."""
RATE = 15
"""Requests a second to each shop."""
PATIENCE_S = 120
"""Generous: several shops share the machine."""

Story = Callable[[Shop], None]

SHORT: Mapping[str, Any] = {
    "steps": [{"weight": weight, "hold": "2s"} for weight in (20, 50, 100)],
    "analysis": {
        "interval": "2s",
        "window": "8s",
        "minSamples": 2,
        "holdDeadline": "4m",
        "metrics": [{"use": "errorRate"}, {"use": "availability"}],
    },
    "canary": {"readyDeadline": "90s", "drainPeriod": "3s"},
}
"""A release of half a minute, by what doesn't depend on how busy the machine is."""
FIRST, SECOND = 20, 50
LINGERING: Mapping[str, Any] = {
    **SHORT,
    "steps": [{"weight": FIRST, "hold": "10s"}, {"weight": SECOND, "hold": "1h"}, {"weight": 100}],
}
"""The same for a story that ends at the second weight, however slow the machine is."""


def begin(shop: Shop, spec: Mapping[str, Any] = LINGERING) -> CanaryReleaseStatus:
    """Put a shop under guard, and release v2 to its first weight."""
    shop.deploy("v1", spec=spec)
    shop.wait_for(Phase.IDLE, PATIENCE_S)
    shop.change("v2")
    return shop.wait_for_weight(FIRST, PATIENCE_S)


def give_up(shop: Shop) -> CanaryReleaseStatus:
    """End a release whose end is not what the story is about: v1 again."""
    shop.change("v1")
    return shop.wait_for(Phase.IDLE, PATIENCE_S)


def not_on_trial(load: LoadProcess) -> list[Answer]:
    """The failures that no canary has answered. A good release has none, and a bad one neither."""
    failures = load.answers.failures(0, float("inf"))
    return [answer for answer in failures if answer.track != "canary"]


@dataclass
class Street:
    """Opens shops, and closes them in the end. shops: those of stories, by the story's name."""

    cluster: Cluster
    api: str
    shops: dict[str, Shop] = field(default_factory=dict)

    def open(self, story: str) -> Shop:
        """v1 of recochat serving in a namespace of its own, not guarded yet."""
        shop = self._new()
        self.shops[story] = shop
        shop.deploy("v1", guarded=False)
        return shop

    @contextmanager
    def opened(self, count: int) -> Iterator[list[Shop]]:
        """So many, until the block ends."""
        shops = [self._new() for _ in range(count)]
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(lambda shop: shop.deploy("v1", guarded=False), shops))
        try:
            yield shops
        finally:
            _close(shops)

    def namespaces(self, stories: Iterable[str]) -> set[str]:
        """Of the shops of these stories, as far as they are open."""
        return {self.shops[name].namespace for name in stories if name in self.shops}

    def close(self) -> None:
        """Take the shops of all stories away."""
        _close(self.shops.values())

    def _new(self) -> Shop:
        image = self.cluster.images["recochat"]
        return Shop(self.cluster, f"shop-{secrets.token_hex(3)}", image, self.api, replicas=1)


def _close(shops: Collection[Shop]) -> None:
    """The namespaces go by and by."""
    for shop in shops:
        shop.kubectl("delete", "crel", "--all", "--wait=false")
    for shop in shops:
        shop.kubectl("delete", "crel", "--all", "--timeout=90s")
        shop.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@contextmanager
def telling(street: Street, stories: Sequence[Story]) -> Iterator[Mapping[str, Future[None]]]:
    """Tell all stories, some at a time; how each ends, by its name."""

    def tell(story: Story) -> None:
        story(street.open(story.__name__))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="story") as threads:
        yield {story.__name__: threads.submit(tell, story) for story in stories}
