"""What happens to the operator while releases run: kills, lost leases, silent watches, outages."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from tests.support.rig.fault_proxy import FaultProxy
from tests.support.rig.faults import Asked, Fault, Met
from tests.support.rig.process import KillableOperator

LEASE_SECONDS = 18.0
"""Until another operator has the lease of one that is away."""
RESTART_SECONDS = 0.5


@dataclass
class Troubles:
    """Makes trouble by the dice, one after the other. told: what was done, with its moment.

    api, prometheus: the proxies between the operators and these.
    """

    operators: list[KillableOperator]
    api: FaultProxy
    prometheus: FaultProxy
    dice: random.Random
    told: list[str] = field(default_factory=list)
    _apart: set[str] = field(default_factory=set)

    def isolate(self, request: Asked) -> Met | None:
        """Nothing of an operator that is cut off gets through."""
        return Met(Fault.RESET) if request.user in self._apart else None

    async def keep_running(self) -> None:
        """Start operators that have ended again, as a kubelet does."""
        while True:
            for operator in self.operators:
                if not operator.runs:
                    self._tell(f"{operator.identity} starts")
                    operator.start()
            await asyncio.sleep(RESTART_SECONDS)

    async def make(self, *, longest_pause: float = 8.0, lease_losses: int = 1) -> None:
        """Make trouble for ever; so often of the kind that costs a lease, after some others."""
        small = (self.kill, self.kill, self.cut_watches, self.silence, self.outage)
        for number in range(1_000_000):
            await asyncio.sleep(self.dice.uniform(2, longest_pause))
            if number % 5 == 2 and lease_losses:
                lease_losses -= 1
                await self.dice.choice((self.cut_off, self.stop_for_a_while))()
            else:
                await self.dice.choice(small)()

    async def kill(self) -> None:
        """An operator is killed at whatever it does."""
        operator = self.dice.choice(self.operators)
        self._tell(f"{operator.identity} is killed")
        operator.kill()

    async def cut_watches(self) -> None:
        """All watches break."""
        self._tell("all watches break")
        self.api.cut_watches()

    async def silence(self) -> None:
        """All watches are silent for some seconds."""
        seconds = self.dice.uniform(1, 4)
        self._tell(f"all watches are silent for {seconds:.1f} s")
        self.api.freeze_watches()
        await asyncio.sleep(seconds)
        self.api.thaw_watches()

    async def outage(self) -> None:
        """Prometheus is away for some seconds."""
        seconds = self.dice.uniform(2, 6)
        self._tell(f"Prometheus is away for {seconds:.1f} s")
        before = self.prometheus.choose
        self.prometheus.choose = lambda _: Met(Fault.RESET)
        await asyncio.sleep(seconds)
        self.prometheus.choose = before

    async def cut_off(self) -> None:
        """An operator can't reach the API server until another one leads."""
        operator = self.dice.choice(self.operators)
        self._tell(f"{operator.identity} is cut off")
        self._apart.add(operator.identity)
        self.api.cut_watches()
        await asyncio.sleep(LEASE_SECONDS)
        self._apart.discard(operator.identity)
        self._tell(f"{operator.identity} is back")

    async def stop_for_a_while(self) -> None:
        """An operator's process stands still until another one leads, and then goes on."""
        operator = self.dice.choice(self.operators)
        if not operator.runs:
            return
        self._tell(f"{operator.identity} stands still")
        operator.freeze()
        await asyncio.sleep(LEASE_SECONDS)
        operator.thaw()
        self._tell(f"{operator.identity} goes on")

    def _tell(self, what: str) -> None:
        self.told.append(f"{time.time():.3f} {what}")  # noqa: TID251 - as the audit log
