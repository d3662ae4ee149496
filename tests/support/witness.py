"""What the API server's audit log has of a cluster's releases, and which rules it shows broken."""

from collections.abc import Collection

import pytest

from hack.cluster import audit
from hack.cluster.cluster import Cluster
from tests.support.rules.audit import Event, lines, writes
from tests.support.rules.evidence import Known
from tests.support.rules.judge import LEASE, Broken, judge
from tests.support.rules.world import RELEASES, ROUTES, Release, listed, share

LEASES = "leases"
SLOW = Known(patience=30.0, lag=15.0)
"""What is asked of an operator on a machine that much else runs on."""


def told(cluster: Cluster, namespaces: Collection[str]) -> list[Event]:
    """All writes in these namespaces, and who led meanwhile, in order; none without a log."""
    return [
        event
        for event in writes(lines(audit.files(cluster.name), {LEASES, *namespaces}))
        if event.namespace in namespaces or event.resource == LEASES
    ]


def broken_rules(
    cluster: Cluster,
    namespaces: Collection[str],
    *,
    lease: str = LEASE,
    ended: bool = True,
    known: Known = SLOW,
) -> list[Broken]:
    """What the log shows of these namespaces that no release may do. ended: all of them rest.

    Raises:
        AssertionError: the log has no release of one of them, so that it shows nothing.
    """
    if cluster.existing:
        pytest.skip("the audit log of a cluster that we didn't make can't be read")
    events = told(cluster, namespaces)
    seen = {event.namespace for event in events if event.resource == RELEASES}
    assert seen == set(namespaces), f"the log has nothing of {set(namespaces) - seen}"
    return judge(events, known, lease=lease, ended=ended)


def shares(cluster: Cluster, namespace: str) -> list[tuple[str, float | None]]:
    """All writes of the route's rules: whose, and what share the canary then had.

    None where it isn't a backend.
    """
    events = told(cluster, {namespace})
    release = next(Release(e.response) for e in events if e.resource == RELEASES and e.response)
    return [
        (event.agent, share(event.response, release) if listed(event.response, release) else None)
        for event in events
        if event.resource == ROUTES and not event.subresource and event.response
    ]
