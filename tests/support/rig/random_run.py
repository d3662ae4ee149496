"""Whole releases at random, with faults on every call and troubles beside: one seed, one run."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from linnet.providers.resources import SERVICES
from tests.support.apiserver import ApiServer
from tests.support.gateway import start_gateway
from tests.support.prometheus_stub import PrometheusStub, run_prometheus_stub
from tests.support.rig.fault_proxy import FaultProxy, run_proxy
from tests.support.rig.faults import Seeded, either
from tests.support.rig.owners import Owners, run_owners
from tests.support.rig.process import KillableOperator
from tests.support.rig.shops import Shop, other_service
from tests.support.rig.tales import OFTEN, TALES, Life
from tests.support.rig.troubles import Troubles
from tests.support.rules.audit import lines, writes
from tests.support.rules.evidence import Known, Measured
from tests.support.rules.judge import Broken, judge
from tests.support.simulated_nodes import run_with_nodes

OPERATORS = ("op-1", "op-2")
NAMESPACE = "default"
PATIENCE = 45.0
"""Seconds that a route may take to lose its canary where an operator may lose its lease."""
LAG = 20.0
"""Seconds for which an operator may not hear of a change where watches are cut and silent."""


@dataclass
class Plan:
    """What a run is made of.

    releases: how many in all, `shops` of them at a time. rate: of the requests that meet a fault.
    end_s: seconds that the end of one release may take: ten times what it does.
    """

    seed: int
    shops: int
    releases: int
    rate: float = 0.1
    end_s: float = 600.0
    lease_losses: int = 1
    time_s: float = float("inf")


@dataclass
class Report:
    """What came of a run."""

    plan: Plan
    ended: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    seconds: float = 0.0
    told: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            f"seed {self.plan.seed}: {self.ended.total()} releases ended as they must in "
            f"{self.seconds:.0f} s, {len(self.failed)} did not, {len(self.broken)} rules broken",
            f"faults: {dict(self.faults.most_common())}; operators started {self.starts} times",
        ]
        if self.failed or self.broken:
            parts += [*self.told, *self.failed, *map(str, self.broken)]
            parts.append(f"again: LINNET_SEED={self.plan.seed}")
        return "\n".join(parts)


def run(plan: Plan, folder: Path) -> Report:
    """Run a plan on a cluster of its own. Its logs stay in the folder."""
    with (
        run_with_nodes(folder, users=OPERATORS) as server,
        run_prometheus_stub() as prometheus,
    ):
        start_gateway(server)
        report, measured = asyncio.run(_run(plan, server, prometheus))
    found = writes(lines([server.audit_log]))
    known = Known(measured, patience=PATIENCE, lag=LAG)
    report.broken = judge(found, known, ended=not report.failed)
    return report


async def _run(
    plan: Plan, server: ApiServer, prometheus: PrometheusStub
) -> tuple[Report, list[Measured]]:
    report, started = Report(plan), time.monotonic()
    async with (
        run_owners(server, prometheus) as owners,
        _operators(plan, server, prometheus) as (troubles, measured, seeded),
    ):
        await owners.hands.create(SERVICES, other_service(NAMESPACE))
        lives = [_life(plan, owners, number) for number in range(plan.shops)]
        for each in seeded:
            each.active = False
        await owners.create([life.shop for life in lives])
        for each in seeded:
            each.active = True
        trouble = asyncio.create_task(troubles.make(lease_losses=plan.lease_losses))
        try:
            await _tell_all(plan, lives, report)
        finally:
            trouble.cancel()
        report.faults = troubles.api.counts() + troubles.prometheus.counts()
        report.starts = sum(operator.starts for operator in troubles.operators)
        report.told = troubles.told
        for name, proxy in (("api", troubles.api), ("prometheus", troubles.prometheus)):
            text = "".join(f"{each}\n" for each in proxy.record)
            (server.folder / f"proxy-{name}.log").write_text(text)
    report.seconds = time.monotonic() - started
    return report, measured


def _life(plan: Plan, owners: Owners, number: int) -> Life:
    dice = random.Random(f"{plan.seed} shop {number}")  # noqa: S311 - dice
    shop = Shop(NAMESPACE, f"shop-{number:03}", dice.randint(1, 4), others=dice.random() < 0.5)
    return Life(owners, shop, dice, plan.end_s)


async def _tell_all(plan: Plan, lives: Sequence[Life], report: Report) -> None:
    """Tell all the tales, each shop one after the other, until enough are told or time is up."""
    dice = random.Random(f"{plan.seed} tales")  # noqa: S311 - dice
    names = [*TALES, *(dice.choice((*OFTEN, *TALES)) for _ in range(plan.releases - len(TALES)))]
    dice.shuffle(names)
    deadline = time.monotonic() + plan.time_s

    async def live(life: Life) -> None:
        while names and time.monotonic() < deadline:
            name = names.pop()
            try:
                await TALES[name](life)
            except AssertionError as error:
                report.failed.append(f"{life.shop.name}: {name}: {error}")
                return
            report.ended[name] += 1

    await asyncio.gather(*(live(life) for life in lives))


@asynccontextmanager
async def _operators(
    plan: Plan, server: ApiServer, prometheus: PrometheusStub
) -> AsyncIterator[tuple[Troubles, list[Measured], list[Seeded]]]:
    """Two operators behind proxies, kept running, and what makes trouble for them."""
    measured: list[Measured] = []

    def heard(request: web.Request, body: bytes) -> None:
        for series in json.loads(body)["data"]["result"]:
            labels, (_, value) = series["metric"], series["value"]
            measured.append(
                Measured(time.time(), labels["namespace"], labels["workload"], float(value))  # noqa: TID251 - as the audit log
            )

    seeded = [Seeded(f"{plan.seed} {what}", plan.rate) for what in ("api", "prometheus")]
    names = {token: name for name, token in server.tokens.items()}
    async with (
        run_proxy(server.url, seeded[0], ca=server.ca, users=names) as api,
        run_proxy(prometheus.url, seeded[1]) as answers,
    ):
        answers.heard = heard
        operators = [_operator(server, api, answers, name) for name in OPERATORS]
        dice = random.Random(f"{plan.seed} troubles")  # noqa: S311 - dice
        troubles = Troubles(operators, api, answers, dice)
        api.choose = either(troubles.isolate, seeded[0])
        running = asyncio.create_task(troubles.keep_running())
        try:
            yield troubles, measured, seeded
        finally:
            running.cancel()
            for operator in operators:
                operator.kill()


def _operator(
    server: ApiServer, api: FaultProxy, prometheus: FaultProxy, name: str
) -> KillableOperator:
    config = server.kubeconfig_for(name, api.url)
    return KillableOperator(server.folder, name, config, prometheus.url)
