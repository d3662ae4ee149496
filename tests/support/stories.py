"""Stories of many shops at once: each in a thread and on a shop of its own."""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hack.answers import Answer
from hack.cluster.cluster import Cluster
from hack.load_process import LoadProcess
from linnet.api.status import CanaryReleaseStatus, Phase
from tests.support.shop import Shop
from tests.support.witness import broken_rules

AT_ONCE = 4
"""How many run at a time: a machine with two cores serves so many in time."""
RATE = 15
"""Requests a second to each shop."""
PATIENCE_S = 120
"""Generous: several shops share the machine."""


@dataclass(frozen=True)
class Story:
    """What happens to a shop of its own.

    tell: makes it happen, and asserts how it ends. pods: of stable. judged: whether the audit log
    is held against the rules of a release afterwards; otherwise the story does so itself. restarts:
    whether it restarts the operator, which the others then can't tell about. seconds: about how
    long it takes; the longest begin first.
    """

    tell: Callable[[Shop], None]
    pods: int = 1
    judged: bool = True
    restarts: bool = False
    seconds: int = 60

    @property
    def name(self) -> str:
        """What the story is called."""
        return self.tell.__name__


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


@dataclass(frozen=True)
class Street:
    """Opens shops, and closes them. api: the API server on loopback."""

    cluster: Cluster
    api: str

    def tell(self, story: Story) -> None:
        """Have it happen to a shop.

        Raises:
            AssertionError: it ended otherwise, or a rule was broken.
        """
        with self.opened(1, story.pods) as (shop,):
            story.tell(shop)
            if story.judged:
                assert broken_rules(self.cluster, {shop.namespace}) == []

    @contextmanager
    def opened(self, count: int, pods: int = 1) -> Iterator[list[Shop]]:
        """v1 of recochat serving in so many namespaces, not guarded yet, until the block ends."""
        image = self.cluster.images["recochat"]
        shops = [
            Shop(self.cluster, f"shop-{secrets.token_hex(3)}", image, self.api, replicas=pods)
            for _ in range(count)
        ]
        try:
            with ThreadPoolExecutor(count) as threads:
                list(threads.map(lambda shop: shop.deploy("v1", guarded=False), shops))
            yield shops
        finally:
            _close(shops)


def _close(shops: Collection[Shop]) -> None:
    """The namespaces go by and by."""
    for shop in shops:
        shop.kubectl("delete", "crel", "--all", "--wait=false")
    for shop in shops:
        shop.kubectl("delete", "crel", "--all", "--timeout=90s")
        shop.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@contextmanager
def telling(street: Street, stories: Sequence[Story]) -> Iterator[Mapping[str, Future[None]]]:
    """Tell all stories, some at a time; how each ends, by its name.

    Those that restart the operator begin when all others have ended.
    """
    assert len({story.name for story in stories}) == len(stories), "names have to differ"

    def tell(story: Story, after: Collection[Future[None]]) -> None:
        wait(after)
        street.tell(story)

    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="story")
    found: dict[str, Future[None]] = {}
    for restarts in (False, True):
        after = tuple(found.values())
        for story in sorted(stories, key=lambda story: -story.seconds):
            if story.restarts is restarts:
                found[story.name] = threads.submit(tell, story, after)
    try:
        yield found
    finally:
        threads.shutdown(cancel_futures=True)
