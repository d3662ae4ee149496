"""The way of an alert: from the first request that a canary fails to its last one. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

PARTS = (
    ("scrape", "until Prometheus has found the new pod and scraped a failure"),
    ("evidence", "until the rule's expression holds: a rate takes two scrapes"),
    ("rule interval", "until the rule is evaluated"),
    ("group wait", "until Alertmanager has it and begins to notify"),
    ("decision", "until the operator has decided"),
    ("routing", "until the last request on the canary"),
)
"""Name of each part, and what ends it."""
_FLUSHED = re.compile(r"ts=(\S+) .*component=dispatcher .*msg=flushing ")


@dataclass(frozen=True)
class Way:
    """One rollback by an alert, as moments in unix seconds.

    failed: the client sent the first request that the canary failed. sampled: the first sample
    that counts one. held: the rule's expression held. fired: the evaluation that found so.
    notified: Alertmanager began to hand the alert to the operator, which then has it within
    milliseconds. decided: the decision's time in status. last: the last request sent that the
    canary answered, or the decision where none came after it. following: the next request sent, on
    stable; a client that is held up sends nothing for a while, of which nothing is known.
    """

    failed: float
    sampled: float
    held: float
    fired: float
    notified: float
    decided: float
    last: float
    following: float

    @property
    def parts(self) -> dict[str, float]:
        """Seconds that each of `PARTS` took, in their order."""
        moments = (
            *(self.failed, self.sampled, self.held, self.fired),
            *(self.notified, self.decided, self.last),
        )
        names = (name for name, _ in PARTS)
        steps = zip(names, pairwise(moments), strict=True)
        return {name: later - before for name, (before, later) in steps}

    @property
    def from_first_bad_sample(self) -> float:
        """Seconds from the first bad sample in Prometheus to the last request on the canary."""
        return self.last - self.sampled

    @property
    def from_webhook(self) -> float:
        """Seconds from the notification to the last request on the canary."""
        return self.last - self.notified

    @property
    def from_webhook_at_most(self) -> float:
        """The same to the first request that can't have been the canary's."""
        return self.following - self.notified


def notified_at(log: Iterable[str], alert: str, namespace: str, release: str) -> float:
    """When Alertmanager began to tell the operator of an alert, by its log of level debug.

    Raises:
        AssertionError: it didn't, as far as the log goes.
    """
    group = (f'namespace=\\"{namespace}\\"', f'linnet_release=\\"{release}\\"')
    for line in log:
        found = _FLUSHED.match(line)
        if found and f"{alert}[" in line and "[active]" in line and all(g in line for g in group):
            return datetime.fromisoformat(found[1]).timestamp()
    raise AssertionError(f"Alertmanager didn't notify of {alert} about {namespace}/{release}")
