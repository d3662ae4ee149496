"""One leader by Lease, and a fence that stops a leader whose lease has run out.

The official client has an election too; it compares wall clocks and can't say, before a write,
whether the lease still holds. Here that is the point (docs/adr/0004-leader-election.md).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linnet.providers.errors import ApiError, Conflict, LeaseLost
from linnet.providers.kubernetes import LEASES, KubernetesClient

log = logging.getLogger(__name__)

DURATION_SECONDS = 15
"""After this long without a renewal another replica may take the lease."""
RENEW_DEADLINE = 10.0
"""A leader that could not renew for this long writes nothing more, well before that."""
RETRY_SECONDS = 2.0
"""Time between two renewals, or two attempts."""
WRITE_SECONDS = DURATION_SECONDS - RENEW_DEADLINE
"""A write that the fence let pass may take no longer: then another replica may lead."""


ADDRESS = "linnet.dev/address"
"""An annotation of the Lease: where its holder is reached, HOST:PORT."""


@dataclass
class _Seen:
    """A holder's renewal, and when it was first seen on the own monotonic clock."""

    renewal: str
    at: float


class Leader:
    """Holds, or waits for, the Lease.

    now: wall clock, only for what the Lease shows. monotonic: seconds; decides everything.
    address: where other replicas reach this one, HOST:PORT; '' if they don't.
    """

    def __init__(
        self,
        client: KubernetesClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        address: str = "",
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._address = address
        self._now = now
        self._monotonic = monotonic
        self._pause = pause
        self._renewed: float | None = None
        self._seen: _Seen | None = None
        self._in_touch = False
        self._elsewhere = ""

    @property
    def leads(self) -> bool:
        """Whether this replica may write now."""
        renewed = self._renewed
        return renewed is not None and self._monotonic() - renewed < RENEW_DEADLINE

    @property
    def in_touch(self) -> bool:
        """Whether the API server has answered a question for the Lease."""
        return self._in_touch

    @property
    def elsewhere(self) -> str:
        """Where the replica that leads is reached, HOST:PORT; '' if none does, or this one."""
        return "" if self.leads else self._elsewhere

    def fence(self) -> None:
        """Let a write pass only while the lease holds.

        Raises:
            LeaseLost: it doesn't.
        """
        if not self.leads:
            raise LeaseLost()

    async def acquire(self) -> None:
        """Wait until this replica is the leader."""
        while not await self._try():
            await self._pause(RETRY_SECONDS)
        log.info("Leading as %s", self._identity)

    async def keep(self) -> None:
        """Renew until that fails for too long.

        Raises:
            LeaseLost: another replica leads now, or the API server was away for too long.
        """
        while True:
            await self._pause(RETRY_SECONDS)
            await self._try()
            if not self.leads:
                raise LeaseLost()

    async def release(self) -> None:
        """Give the lease up, so that the next leader need not wait."""
        if not self.leads:
            return
        self._renewed = None
        try:
            lease = await self._client.get(LEASES, self._namespace, self._name)
            spec = (lease or {}).get("spec") or {}
            if lease and spec.get("holderIdentity") == self._identity:
                lease["spec"] = {**spec, "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._put(lease)
        except ApiError as error:
            log.warning("The lease was not released: %s", error)

    async def _try(self) -> bool:
        """Take or renew the lease, counting from before the request was sent."""
        started = self._monotonic()
        try:
            lease = await self._client.get(LEASES, self._namespace, self._name)
            self._in_touch = True
            self._elsewhere = _address_in(lease, self._identity)
            if lease is None:
                await self._create()
            elif self._mine_to_take(lease):
                await self._put(self._renewal(lease))
            else:
                self._renewed = None
                return False
        except Conflict:
            return False
        except ApiError as error:
            log.warning("The lease could not be renewed: %s", error)
            return False
        self._renewed = started
        return True

    def _mine_to_take(self, lease: dict[str, Any]) -> bool:
        """Whether the lease is ours, free, or was not renewed while we watched long enough."""
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        renewal = f"{holder} {spec.get('renewTime')}"
        if self._seen is None or self._seen.renewal != renewal:
            self._seen = _Seen(renewal, self._monotonic())
            return False
        patience = spec.get("leaseDurationSeconds") or DURATION_SECONDS
        return self._monotonic() - self._seen.at > patience

    def _renewal(self, lease: dict[str, Any]) -> dict[str, Any]:
        spec = dict(lease.get("spec") or {})
        taken_over = spec.get("holderIdentity") != self._identity
        if taken_over:
            spec["leaseTransitions"] = (spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = self._stamp()
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "renewTime": self._stamp(),
        }
        return {**lease, "spec": spec}

    async def _put(self, lease: dict[str, Any]) -> None:
        """Write the lease only if nobody else has written it since it was read."""
        patch = {
            "metadata": {
                "resourceVersion": lease["metadata"]["resourceVersion"],
                "annotations": {ADDRESS: self._address},
            },
            "spec": lease["spec"],
        }
        await self._client.patch(LEASES, self._namespace, self._name, patch)

    async def _create(self) -> None:
        manifest = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                "namespace": self._namespace,
                "name": self._name,
                "annotations": {ADDRESS: self._address},
            },
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": DURATION_SECONDS,
                "acquireTime": self._stamp(),
                "renewTime": self._stamp(),
                "leaseTransitions": 0,
            },
        }
        await self._client.create(LEASES, manifest)

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="microseconds").replace("+00:00", "Z")


def _address_in(lease: dict[str, Any] | None, own: str) -> str:
    """Where the holder of a lease is reached; '' if nobody holds it, or who reads it does."""
    holder = ((lease or {}).get("spec") or {}).get("holderIdentity") or own
    annotations = ((lease or {}).get("metadata") or {}).get("annotations") or {}
    return "" if holder == own else str(annotations.get(ADDRESS, ""))
