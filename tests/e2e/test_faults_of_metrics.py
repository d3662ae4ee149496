"""Answers of Prometheus from which nothing may be concluded, given by a real one."""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from linnet.api.status import CanaryReleaseStatus, Phase, Verdict
from tests.support.outside import Outside, run_outside
from tests.support.prometheus_server import reconfigure, serve
from tests.support.shop import Shop, decided
from tests.support.stories import (
    FIRST,
    LINGERING,
    PATIENCE_S,
    RATE,
    SECOND,
    Story,
    begin,
    give_up,
    not_on_trial,
)
from tests.support.witness import broken_rules

GOOD = "vector(1)"
NAN = "vector(0) / vector(0)"
TWO = 'label_replace(vector(1), "of", "1", "", "") or label_replace(vector(1), "of", "2", "", "")'
NO_ANSWERS: Mapping[str, tuple[str, Verdict, str]] = {
    "nothing": ("linnet_what_nobody_exports", Verdict.NO_DATA, "gave no number"),
    "not a number": (NAN, Verdict.NO_DATA, "gave no number"),
    "infinity": ("vector(1) / vector(0)", Verdict.NO_DATA, "gave no number"),
    "minus infinity": ("vector(-1) / vector(0)", Verdict.NO_DATA, "gave no number"),
    "two series": (TWO, Verdict.ERROR, "2 series"),
    "refused": ('label_replace(vector(1), "a", "b", "c", "(")', Verdict.ERROR, "refused the query"),
    "a syntax error": ("vector(1", Verdict.ERROR, ""),
}
INTERVAL = timedelta(seconds=2)
DEADLINE = "20s"
AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""
PARTIAL = "warns that the answer may be partial"


def own(query: str, **more: Any) -> dict[str, Any]:
    """The spec with this one check."""
    metric = {"name": "own", "query": query, "rollback": {"above": 10, "consecutive": 2}, **more}
    return {**LINGERING, "analysis": {**LINGERING["analysis"], "metrics": [metric]}}


def answers_that_say_nothing(shop: Shop) -> None:
    """6 to 10: the step is held for as long as it takes, whatever there is instead of a number."""
    waits = {"holdDeadline": DEADLINE, "onHoldDeadline": "Wait"}
    with shop.load(RATE) as load:
        spec = own(NO_ANSWERS["nothing"][0])
        begin(shop, {**spec, "analysis": {**spec["analysis"], **waits}})
        for query, verdict, said in NO_ANSWERS.values():
            shop.amend({"analysis": {"metrics": own(query)["analysis"]["metrics"]}})
            hold(shop, verdict, said)
        late = shop.wait(
            lambda s: any(e.reason == "HoldDeadlineExceeded" for e in s.history), PATIENCE_S
        )
        assert late.weight.wanted == FIRST
        shop.amend({"analysis": {"metrics": own(GOOD)["analysis"]["metrics"]}})
        shop.wait_for_weight(SECOND, PATIENCE_S)
        give_up(shop)
    assert load.answers.failures(0, float("inf")) == []


def hold(shop: Shop, verdict: Verdict, said: str) -> None:
    """Wait for such a measurement, and for two more, none of which changes anything."""
    first = shop.wait(lambda s: says(s, verdict, said), PATIENCE_S).metrics[0].measured_at
    after = first + 2 * INTERVAL
    later = shop.wait(lambda s: s.metrics[0].measured_at >= after, PATIENCE_S)
    (last,) = later.metrics
    assert (last.verdict, last.passes, last.breaches) == (verdict, 0, 0)
    assert (later.phase, later.weight.wanted) == (Phase.PROGRESSING, FIRST)


def says(status: CanaryReleaseStatus, verdict: Verdict, text: str) -> bool:
    return any(each.verdict is verdict and text in each.message for each in status.metrics)


def no_number_until_the_deadline(shop: Shop) -> None:
    """7: the user has chosen that a hold ends by a rollback."""
    spec = own(NAN)
    with shop.load(RATE) as load:
        begin(shop, {**spec, "analysis": {**spec["analysis"], "holdDeadline": DEADLINE}})
        status = shop.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
        time.sleep(1)
    assert decided(status, "RolledBack").reason == "HoldDeadlineExceeded"
    assert load.answers.failures(0, float("inf")) == []
    assert load.answers.counts(0, float("inf"))["v2", "canary", 200] > 0


def no_number_where_that_is_a_breach(shop: Shop) -> None:
    """8: the user has chosen that silence is a breach; it takes as many as any breach."""
    with shop.load(RATE) as load:
        begin(shop, own("vector(1) / vector(0)", noData="Rollback"))
        status = shop.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
    decision = decided(status, "RolledBack")
    assert decision.reason == "OwnBreached"
    assert "gave no number, 2 times in a row" in decision.message
    assert not_on_trial(load) == []


def a_partial_answer(shop: Shop) -> None:
    """11: one of two sources of a Prometheus is away, and it warns. All the numbers are good."""
    lease = f"linnet-{shop.namespace}"
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        prometheus = running.enter_context(serve(folder, sources(shop, AWAY)))
        running.enter_context(
            run_outside(shop.cluster, folder, Outside(lease, shop.namespace, prometheus))
        )
        load = running.enter_context(shop.load(RATE))
        shop.guard(shop.namespace, LINGERING)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        shop.change("v2")
        shop.wait_for_weight(FIRST, PATIENCE_S)
        since = shop.wait(lambda s: says(s, Verdict.ERROR, PARTIAL), PATIENCE_S).metrics
        after = since[0].measured_at + 5 * INTERVAL
        later = shop.wait(lambda s: s.metrics[0].measured_at >= after, PATIENCE_S)
        measured = [m for m in later.metrics if m.verdict is not Verdict.SKIPPED]
        assert {(m.verdict, m.value, m.passes) for m in measured} == {(Verdict.ERROR, None, 0)}
        assert (later.phase, later.weight.wanted) == (Phase.PROGRESSING, FIRST)
        reconfigure(prometheus, folder, sources(shop))
        shop.wait_for_weight(SECOND, PATIENCE_S)
        give_up(shop)
        assert load.answers.failures(0, float("inf")) == []
        assert broken_rules(shop.cluster, {shop.namespace}, lease=lease) == []
        shop.kubectl("delete", "crel", "--all", "--timeout=60s")


def sources(shop: Shop, *more: str) -> str:
    """The configuration of a Prometheus that has nothing, and asks the cluster's, and others."""
    reads = [
        {"url": f"{url}/api/v1/read", "read_recent": True}
        for url in (shop.cluster.prometheus, *more)
    ]
    return yaml.safe_dump({"remote_read": reads})


STORIES = (
    Story(answers_that_say_nothing, seconds=110),
    Story(a_partial_answer, judged=False),
    Story(no_number_until_the_deadline),
    Story(no_number_where_that_is_a_breach),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_it_ends_as_the_rules_say(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
