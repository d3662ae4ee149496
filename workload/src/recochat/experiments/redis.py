"""Outcomes in Redis, shared by all processes of an application. One round trip a call.

A script counts the outcomes of one user in one step, so no failure leaves half of them: what is
counted and the ids by which a repetition is known are written together, also to the append-only
file.

All keys have one hash tag, so one node of a cluster holds them all. By user: `…:user:NAME:ID` is
their variant, segments and variables in an experiment, `…:history:ID` their variables of all time,
`…:seen:ID` the ids of their outcomes, by the time at which each is forgotten. By experiment:
`…:totals:NAME` has a field for each sum. `…:live` has the experiments by their last outcome.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from recochat.experiments.base import (
    EXPERIMENTS,
    OUTCOMES_OF_USER,
    SERIES_DAYS,
    Record,
    Subject,
    Totals,
)
from recochat.experiments.metrics import Metric, Series, Term, terms

_PREFIX: Final = "recochat:{experiments}"
LIVE: Final = f"{_PREFIX}:live"
_TOGETHER: Final = 10
_NOT_SUMS: Final = frozenset({b"revision", b"first_day", b"about"})


def totals_key(experiment: str) -> str:
    """The hash of an experiment's sums."""
    return f"{_PREFIX}:totals:{experiment}"


def user_keys(subject: Subject) -> tuple[str, str, str]:
    """The hash of a user in an experiment, the one of all time, and the set of ids."""
    name = subject.user_id
    return (
        f"{_PREFIX}:user:{subject.experiment}:{name}",
        f"{_PREFIX}:history:{name}",
        f"{_PREFIX}:seen:{name}",
    )


class RedisOutcomes:
    """Counts in Redis (6.2 or later). Errors of the client pass through."""

    def __init__(
        self,
        client: Redis,
        metrics: Sequence[Metric],
        day_s: float = 86400,
        ttl_s: int = 60 * 86400,
        history_ttl_s: int = 30 * 86400,
    ) -> None:
        """Days last ``day_s`` seconds; ``client`` stays the caller's.

        A user's part in an experiment is forgotten ``ttl_s`` after their last outcome in it, an
        experiment as long after its last one, and a user's history after ``history_ttl_s``.
        """
        self._redis = client
        self._script = f"local TERMS = {{{','.join(map(_literal, terms(metrics)))}}}\n" + (
            resources.files(__package__).joinpath("record.lua").read_text()
        )
        self._sha = ""
        self._lives = (day_s, ttl_s, history_ttl_s)

    async def record(self, records: Sequence[Record], now: float) -> int:
        """Count ``records``; how many outcomes were new."""
        if not records:
            return 0
        try:
            return await self._run(records, now)
        except NoScriptError:
            # Redis has restarted. What was counted before it said so is known by its ids.
            self._sha = ""
            return await self._run(records, now)

    async def totals(self) -> list[Totals]:
        """Each experiment's sums, in two round trips."""
        live: list[Any] = await self._redis.zrange(LIVE, 0, -1)
        names = sorted(name.decode() for name in live)
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in names:
                pipe.hgetall(totals_key(name))
            found = await pipe.execute()
        return [_totals(name, sums) for name, sums in zip(names, found, strict=True) if sums]

    async def _run(self, records: Sequence[Record], now: float) -> int:
        if not self._sha:
            self._sha = str(await self._redis.script_load(self._script))
        async with self._redis.pipeline(transaction=False) as pipe:
            for some in _together(records):
                experiment = some[0].subject.experiment
                users = itertools.chain(*(user_keys(record.subject) for record in some))
                keys = (LIVE, totals_key(experiment), *users)
                numbers = (now, *self._lives, EXPERIMENTS, SERIES_DAYS, OUTCOMES_OF_USER)
                given = [experiment, *map(repr, numbers)]
                given += itertools.chain(*map(_arguments, some))
                pipe.evalsha(self._sha, len(keys), *keys, *given)
            return sum(await pipe.execute())


def _together(records: Sequence[Record]) -> list[list[Record]]:
    """Records that are counted in one step: of one experiment, and of different users.

    Sums are written once for all of them. Few, because Redis does nothing else meanwhile.
    """
    batches: list[list[Record]] = []
    open_ones: dict[str, list[Record]] = {}
    users: dict[str, set[str]] = {}
    for record in records:
        name, user_id = record.subject.experiment, record.subject.user_id
        batch = open_ones.get(name, [])
        if not batch or len(batch) >= _TOGETHER or user_id in users[name]:
            batch = open_ones[name] = []
            batches.append(batch)
            users[name] = set()
        batch.append(record)
        users[name].add(user_id)
    return batches


def _arguments(record: Record) -> list[str]:
    subject = record.subject
    given = [subject.variant, str(len(subject.segments)), *subject.segments]
    given.append(str(len(record.outcomes)))
    for outcome in record.outcomes:
        given += [outcome.event_id, repr(outcome.at), repr(outcome.remember_s)]
        given.append(str(len(outcome.adds)))
        for name, amount in outcome.adds.items():
            given += [name, repr(float(amount))]
    return given


def _literal(term: Term) -> str:
    """A term as the script reads it. The parts are the first ones of the sums."""
    sums = ",".join(f"{{{','.join(f'{part!r}' for part in (of, *of))}}}" for of in term.sums)
    names = f"'{term.metric}|{term.edge}','{term.y}','{term.d}'"
    return f"{{{names},{term.at_least!r},{{{sums}}},{len(term.parts)}}}"


def _totals(name: str, fields: Mapping[bytes, bytes]) -> Totals:
    sums = {
        Series(*field.decode().split("|")): float(value)
        for field, value in fields.items()
        if field not in _NOT_SUMS
    }
    return Totals(name, int(fields.get(b"revision", 0)), sums)
