"""Traffic in memory: passes the same contract suite as the real provider."""

from dataclasses import dataclass, field, replace

from linnet.core.observed import RouteObserved
from linnet.providers.errors import NotFound, Unusable
from linnet.providers.traffic.base import Split


@dataclass
class FakeTraffic:
    """Routes by name. `accept` plays the gateway; a route without stable is made by a test."""

    routes: dict[str, RouteObserved] = field(default_factory=dict)
    without_stable: set[str] = field(default_factory=set)

    def add(self, route: str) -> None:
        """A new route, not yet reported by its gateway."""
        self.routes[route] = RouteObserved(0, canary_listed=False, accepted=False)

    def accept(self, route: str) -> None:
        """The gateway reports the route as it stands."""
        self.routes[route] = replace(self.routes[route], accepted=True)

    async def observe(self, split: Split) -> RouteObserved | None:
        """See `TrafficProvider`."""
        found = self.routes.get(split.route)
        return found and replace(found, problem=self._problem(split))

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        """See `TrafficProvider`."""
        problem = self._problem(split)
        if problem and weight:
            raise Unusable(*problem)
        if split.route not in self.routes:
            raise NotFound(f"no route {split.route}")
        if not problem:
            self._change(split, RouteObserved(weight, True, False, experiment=experiment))

    async def restore(self, split: Split) -> None:
        """See `TrafficProvider`."""
        if split.route in self.routes:
            self._change(split, RouteObserved(0, canary_listed=False, accepted=False))

    def _problem(self, split: Split) -> tuple[str, str] | None:
        if split.route in self.without_stable:
            return "NoStableBackend", f"add {split.stable_service}"
        return None

    def _change(self, split: Split, wanted: RouteObserved) -> None:
        if replace(self.routes[split.route], accepted=False) != wanted:
            self.routes[split.route] = wanted
