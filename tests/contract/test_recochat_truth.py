"""Users of whom all is known, against the sums that recochat exports of them: to the last user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hack.experiment.crowd import Behaviour, User, crowd
from hack.experiment.exported import from_process
from hack.experiment.truth import compare, people, sums
from hack.experiment.visits import Visits
from tests.support.recochat_pods import Service

TONE = "tone-7e8a1b"
DAY_S = 6.0
COUNT = 160
FAULTY = {"RECOCHAT_DEMO_ENABLED": "true", "RECOCHAT_FAULT_ERROR_SHARE": "0.1"}
SETTINGS = {"RECOCHAT_EXPERIMENTS": "tone-*", "RECOCHAT_EXPERIMENT_DAY_S": str(DAY_S)}
DOES = Behaviour(pause_s=0.2)
LIKES = Behaviour(adopt=0.8, complete=0.7, pause_s=0.4, rating=4.0, lost=0.1)


@pytest.fixture
async def service(redis_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A stable pod, and a canary that fails every tenth request, over one Redis."""
    made = Service(redis_url, tmp_path)
    try:
        await made.start("v1", RECOCHAT_TRACK="stable", **SETTINGS)
        await made.start("v2", RECOCHAT_TRACK="canary", **SETTINGS, **FAULTY)
        yield made
    finally:
        made.close()


async def test_the_sums_are_those_of_what_users_saw(service: Service) -> None:
    stable, canary = (pod.url for pod in service.pods)
    users = crowd("tone", COUNT, 6.0, 50, DOES, LIKES)

    def where(user: User) -> str:
        return canary if int(user.header) < 50 else stable

    visits = Visits(users, where, DAY_S, {"X-Experiment": TONE})
    async with asyncio.timeout(120):
        await visits.run()
    await asyncio.sleep(1.5)  # what the service saw itself is counted half a second later
    for pod in service.pods:
        persons = people(visits.seen, TONE, DAY_S)
        found = compare(sums(persons.values()), from_process(pod.url, TONE))
        assert found.wrong == ()
        assert sum(found.users.values()) == COUNT - sum(user.lost for user in users)
        assert found.exact > 40
    # The faults, the conversations and the second days were there to be counted.
    assert sum(person.errors for person in persons.values()) > 5
    assert sum(person.completions for person in persons.values()) > 20
    assert sum(len(person.days) > 1 for person in persons.values()) > 20


async def test_what_a_caller_says_is_not_counted_as_another(service: Service) -> None:
    stable = service.pods[0].url
    (user,) = crowd("tone", 1, 1.0, 50, DOES, DOES)
    visits = Visits([user], lambda _: stable, DAY_S)
    async with asyncio.timeout(60):
        await visits.run()
    assert {asked.experiment for asked in visits.seen} == {""}
    assert from_process(stable, "what-a-caller-says") == {}


async def test_an_answer_names_the_experiment_that_counts_it(service: Service) -> None:
    url = f"{service.pods[1].url}/api/v2/personas"
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, headers in (
            (TONE, {"X-Experiment": TONE, "X-User-Id": "ada"}),
            (None, {"X-Experiment": TONE}),
            (None, {"X-Experiment": "unknown", "X-User-Id": "ada"}),
        ):
            for _ in range(11):  # one of ten fails on purpose
                answer = await client.get(url, headers=headers)
                assert answer.headers.get("x-recochat-experiment") == name
