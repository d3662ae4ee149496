"""Alerts that wait for the decision about a release, and who waits for it."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from linnet.controller.release import Key
from linnet.core.observed import Alert

WAITING_MOST = 10_000
DECIDED_MOST = 20_000
"""How many decided alerts are known without a look. What is forgotten costs a look, no more."""

Identity = tuple[str, datetime, bool]


@dataclass
class _Waiting:
    alert: Alert
    told: list[asyncio.Future[None]] = field(default_factory=list)


class Full(Exception):
    """Too many alerts wait already."""


class Inbox:
    """The alerts about each release, until a look at it has stored what they do.

    wake: has a release looked at, at once.
    """

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self._waiting: dict[Key, dict[Identity, _Waiting]] = defaultdict(dict)
        self._decided: OrderedDict[tuple[Key, Identity], None] = OrderedDict()
        self._count = 0

    def put(self, key: Key, alert: Alert) -> asyncio.Future[None] | None:
        """Have an alert decided; what is given is done then. None: it was decided before.

        Raises:
            Full: it must be tried again later.
        """
        identity = _identity(alert)
        if (key, identity) in self._decided:
            return None
        entry = self._waiting[key].get(identity)
        if entry is None:
            if self._count >= WAITING_MOST:
                raise Full()
            self._count += 1
            entry = self._waiting[key][identity] = _Waiting(alert)
        told = asyncio.get_running_loop().create_future()
        entry.told.append(told)
        self._wake(key)
        return told

    def alerts(self, key: Key) -> tuple[Alert, ...]:
        """What is to be decided about a release, in the order in which it came."""
        return tuple(entry.alert for entry in self._waiting.get(key, {}).values())

    def decided(self, key: Key, alerts: Iterable[Alert]) -> None:
        """Say that the status that knows of these alerts is stored."""
        waiting = self._waiting.get(key, {})
        for alert in alerts:
            identity = _identity(alert)
            self._decided[key, identity] = None
            entry = waiting.pop(identity, None)
            if entry is None:
                continue
            self._count -= 1
            for told in entry.told:
                if not told.done():
                    told.set_result(None)
        if not waiting:
            self._waiting.pop(key, None)
        while len(self._decided) > DECIDED_MOST:
            self._decided.popitem(last=False)

    def gone(self, key: Key) -> None:
        """A release is gone: its alerts are about nothing."""
        self.decided(key, self.alerts(key))


def _identity(alert: Alert) -> Identity:
    return alert.fingerprint, alert.starts_at, alert.resolved
