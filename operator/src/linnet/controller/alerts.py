"""Which releases an alert is about, and the desk that has it decided for each of them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from linnet.api.alertmanager import AlertState, SentAlert
from linnet.api.alerts import AlertRule
from linnet.controller.inbox import Full, Inbox
from linnet.controller.release import Key
from linnet.core.alerts import rule_for
from linnet.core.observed import Alert

SUMMARY_LENGTH = 300
_RULES = TypeAdapter(tuple[AlertRule, ...])

Body = Mapping[str, Any]


class Targets:
    """The releases that there are, as alerts find them.

    An alert is about the release that its labels name, in the namespace that they name. One that
    names no release is about those of its namespace with a rule of their own that matches.
    """

    def __init__(self, namespace_label: str, release_label: str) -> None:
        self._namespace_label = namespace_label
        self._release_label = release_label
        self._rules: dict[str, dict[str, tuple[AlertRule, ...]]] = defaultdict(dict)

    def remember(self, key: Key, release: Body, *, deleted: bool = False) -> None:
        """Take in a release as it is now."""
        if deleted:
            self._rules[key.namespace].pop(key.name, None)
        else:
            self._rules[key.namespace][key.name] = _rules_of(release)

    def of(self, alert: Alert) -> Iterator[Key]:
        """The releases that an alert is about."""
        namespace = alert.labels.get(self._namespace_label, "")
        name = alert.labels.get(self._release_label, "")
        known = self._rules.get(namespace, {})
        for each, rules in known.items():
            if name == each or (not name and rule_for(rules, alert) is not None):
                yield Key(namespace, each)


class AlertDesk:
    """Has alerts decided by a look at each release that they are about."""

    def __init__(self, targets: Targets, inbox: Inbox) -> None:
        self._targets = targets
        self._inbox = inbox

    async def decide(self, alerts: Sequence[SentAlert], seconds: float) -> Counter[str]:
        """See `linnet.server.alerts.Desk`. An alert about several releases counts for each."""
        outcomes = Counter[str]()
        waiting = []
        for sent in alerts:
            alert = read(sent)
            keys = tuple(self._targets.of(alert))
            outcomes["unrelated"] += not keys
            for key in keys:
                try:
                    told = self._inbox.put(key, alert)
                except Full:
                    outcomes["undecided"] += 1
                    continue
                if told is None:
                    outcomes["repeated"] += 1
                else:
                    waiting.append(told)
        if waiting:
            done, late = await asyncio.wait(waiting, timeout=seconds)
            outcomes["decided"] += len(done)
            outcomes["undecided"] += len(late)
        return outcomes


def read(sent: SentAlert) -> Alert:
    """An alert as decisions know it."""
    told = sent.annotations.get("summary") or sent.annotations.get("description") or ""
    return Alert(
        fingerprint=sent.fingerprint,
        starts_at=sent.starts_at,
        labels=sent.labels,
        resolved=sent.status is AlertState.RESOLVED,
        summary=told[:SUMMARY_LENGTH],
    )


def _rules_of(release: Body) -> tuple[AlertRule, ...]:
    """A release's own rules; none where they can't be read, of which its look tells."""
    try:
        return _RULES.validate_python((release.get("spec") or {}).get("alerts") or ())
    except ValidationError:
        return ()
