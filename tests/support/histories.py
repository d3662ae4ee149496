"""Random histories from a seed: the same rules as the properties' in far greater numbers."""

from dataclasses import dataclass
from random import Random

from linnet.api.spec import CanaryReleaseSpec
from tests.support.builders import SECOND, make_spec
from tests.support.events import EVENTS, PAUSES, TRACKED, History, live, settle
from tests.support.looks import Kill
from tests.support.world import HEALTHY, World

NAMES = sorted(EVENTS)
POLICIES = ("Hold", "Rollback", "Ignore")


@dataclass(frozen=True)
class RandomHistory:
    """What happens to one release, and when the operator is killed.

    lag: seconds that the gateway takes. last_look: how far it goes. deleted: how it ends.
    """

    spec: CanaryReleaseSpec
    events: History
    kills: dict[int, Kill]
    lag: int
    last_look: int
    deleted: bool

    def begin(self) -> World:
        """The world before anything has happened."""
        world = World(self.spec)
        world.kills = self.kills
        assert world.route is not None
        world.route.lag = self.lag * SECOND
        world.last_look = self.last_look
        return world

    def finish(self, world: World) -> World:
        """Live the history, and leave it by its way out.

        Raises:
            Stuck: there is none.
            ImpossibleWorld: a decision asked for what no cluster can do.
        """
        live(world, self.events)
        settle(world, deleted=self.deleted)
        return world


def make_history(random: Random) -> RandomHistory:
    """One history; the generator's state decides which."""
    pauses = PAUSES[:-2] * 2 + PAUSES[-2:]
    return RandomHistory(
        spec=_spec(random),
        events=[
            (random.choice(NAMES), random.choice(pauses)) for _ in range(random.randint(0, 10))
        ],
        kills={
            random.randint(0, 100): Kill(random.randint(0, 3), random.random() < 0.5)
            for _ in range(random.choice((0, 0, 2, 6)))
        },
        lag=random.choice((0, 2, 2, 40)),
        last_look=random.randint(1, 70),
        deleted=random.random() < 0.5,
    )


def _spec(random: Random) -> CanaryReleaseSpec:
    uses = random.sample(sorted(HEALTHY), random.choice((0, 0, 1, 2)))
    return make_spec(
        *sorted(random.sample(range(1, 100), random.randint(0, 2))),
        100,
        hold=random.choice(("0s", "45s", "2m")),
        analysis={
            "interval": random.choice(("10s", "30s", "2m")),
            "minSamples": random.randint(1, 3),
            "metrics": [{"use": use, "noData": random.choice(POLICIES)} for use in sorted(uses)],
            "profile": random.choice(("Standard", "Strict")),
            "holdDeadline": "20m",
            "onHoldDeadline": random.choice(("Rollback", "Wait")),
        },
        canary={"minReplicas": random.randint(1, 3), "readyDeadline": "3m"},
        trackedConfig=random.choice(([], [], [TRACKED])),
    )
