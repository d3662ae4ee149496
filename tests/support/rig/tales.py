"""Whole releases of every kind, as owners bring them about, and how each must end."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from linnet.providers.resources import (
    CANARYRELEASES,
    DEPLOYMENTS,
    HTTPROUTES,
    SERVICES,
)
from tests.support.rig.owners import Owners
from tests.support.rig.shops import Object, Shop


@dataclass
class Life:
    """A shop from one release to the next.

    dice: for whatever a tale leaves to chance. patience: seconds that an end may take.
    version: the last one that was pushed. serving: the one that stable runs.
    """

    owners: Owners
    shop: Shop
    dice: random.Random
    patience: float
    version: int = 1
    serving: int = 1
    revision: str = ""

    async def push(self, quality: str = "good", fate: str = "") -> None:
        """Push the next version."""
        self.version += 1
        await self._push(self.version, quality, fate)

    async def push_again(self, version: int) -> None:
        """Push an earlier version, which was a good one."""
        await self._push(version, "good", "")

    async def _push(self, version: int, quality: str, fate: str) -> None:
        self.revision = await self.owners.push(self.shop, version, quality, fate)

    async def a_while(self, longest: float = 8.0) -> None:
        """Wait for a random time."""
        await asyncio.sleep(self.dice.uniform(0, longest))

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait until something is so."""
        await self.owners.until(self.shop, lambda _: reached(), self.patience)

    async def until_traffic(self) -> None:
        """Wait until the canary takes requests."""
        await self.until(lambda: self.phase == "Progressing" and self.owners.weight(self.shop))

    async def until_promoted(self) -> None:
        """Wait until stable runs what was pushed last, by a release."""
        await self.until(lambda: self.phase == "Promoted" and self.stable == self.revision)
        self.serving = self.version

    async def until_rolled_back(self) -> None:
        """Wait until what was pushed last is given up."""
        status = self.owners.status
        await self.until(
            lambda: (
                self.phase == "RolledBack"
                and status(self.shop).get("failedRevision") == self.revision
            )
        )

    @property
    def phase(self) -> str:
        """The release's."""
        return self.owners.phase(self.shop)

    @property
    def stable(self) -> str:
        """The revision that stable runs, as the status says."""
        return str(self.owners.status(self.shop).get("stableRevision"))

    def stalled(self, reason: str) -> bool:
        """Whether the release says that it is stalled for this reason."""
        conditions = self.owners.status(self.shop).get("conditions") or ()
        return any(each["type"] == "Stalled" and each["reason"] == reason for each in conditions)

    async def change_release(self, patch: Object) -> None:
        """Edit the CanaryRelease."""
        await self.owners.hands.patch(CANARYRELEASES, self.shop.namespace, self.shop.name, patch)

    async def change_deployment(self, patch: Object) -> None:
        """Edit the Deployment."""
        await self.owners.hands.patch(DEPLOYMENTS, self.shop.namespace, self.shop.name, patch)

    async def delete_release(self) -> None:
        """Delete the CanaryRelease, and wait until it is gone."""
        await self.owners.hands.delete(CANARYRELEASES, self.shop.namespace, self.shop.name)
        await self.until(lambda: self.owners.release(self.shop) is None)

    async def guard_again(self) -> None:
        """Roll out what the template says without a release, and put it under guard."""
        await self.change_deployment({"spec": {"paused": False}})
        await self.until(lambda: self.owners.is_ready(self.shop))
        await self.owners.hands.create(CANARYRELEASES, self.shop.release())
        await self.until(lambda: self.owners.is_guarded(self.shop))
        self.serving = self.version


async def good(life: Life) -> None:
    """A good version."""
    await life.push()
    await life.until_promoted()


async def breach(life: Life) -> None:
    """A version that fails requests."""
    await life.push("bad")
    await life.until_rolled_back()


def failing(fate: str) -> "Tale":
    """A version whose pods fail."""

    async def tell(life: Life) -> None:
        await life.push(fate=fate)
        await life.until_rolled_back()

    return tell


async def never_ready(life: Life) -> None:
    """A version whose pods run and are never ready."""
    await life.change_release({"spec": {"canary": {"readyDeadline": "5s"}}})
    await life.push(fate="never-ready")
    await life.until_rolled_back()
    await life.change_release({"spec": {"canary": life.shop.policy["canary"]}})


def superseded(quality: str) -> "Tale":
    """A version that another one follows before its release is over."""

    async def tell(life: Life) -> None:
        await life.push()
        first = life.version
        await life.a_while()
        if life.phase in ("Promoting", "Returning"):
            await life.until_promoted()
        await life.push(quality)
        end = life.until_promoted if quality == "good" else life.until_rolled_back
        over = {"good": "Promoted", "bad": "RolledBack"}[quality]
        await life.until(lambda: life.stalled("ChangedWhilePromoting") or life.phase == over)
        if life.stalled("ChangedWhilePromoting"):
            second, life.version = life.version, first
            await life.push_again(first)
            await life.until_promoted()
            life.version = second - 1
            await life.push(quality)
        await end()

    return tell


async def reverted(life: Life) -> None:
    """A version that is taken back before its release is over."""
    await life.push()
    pushed, before = life.version, life.serving
    await life.a_while(5)
    if life.phase in ("Promoting", "Returning", "Promoted"):
        await life.until_promoted()
        return
    serving = life.stable
    await life.push_again(before)
    await life.until(
        lambda: (
            life.stalled("ChangedWhilePromoting")
            or (life.phase == "Idle" and life.stable == serving)
        )
    )
    if life.stalled("ChangedWhilePromoting"):
        await life.push_again(pushed)
        await life.until_promoted()


async def deleted(life: Life) -> None:
    """The CanaryRelease is deleted in the middle."""
    await life.push()
    await life.a_while()
    await life.delete_release()
    assert not life.owners.weight(life.shop), "the canary has traffic and nobody to watch over it"
    await life.guard_again()


async def suspended(life: Life) -> None:
    """The release is frozen for a while."""
    await life.push()
    await life.until_traffic()
    await life.change_release({"spec": {"suspend": True}})
    await asyncio.sleep(5)
    assert life.phase in ("Progressing", "Promoting", "Returning", "Promoted"), life.phase
    await life.change_release({"spec": {"suspend": False}})
    await life.until_promoted()


async def edited(life: Life) -> None:
    """Somebody sets the weights by hand."""
    await life.push()
    await life.until_traffic()
    route = life.owners.route(life.shop)
    assert route is not None
    rules = route["spec"]["rules"]
    for rule in rules:
        for ref in rule["backendRefs"]:
            ref["weight"] = life.dice.choice([1, 30, 90])
    patch = {"spec": {"rules": rules}}
    await life.owners.hands.patch(HTTPROUTES, life.shop.namespace, life.shop.name, patch)
    await life.until_promoted()


async def resumed(life: Life) -> None:
    """Somebody resumes the Deployment."""
    await life.push()
    await life.until_traffic()
    await life.change_deployment({"spec": {"paused": False}})
    await life.until_promoted()


async def canary_deleted(life: Life) -> None:
    """Somebody deletes the canary."""
    await life.push()
    await life.until_traffic()
    await life.owners.hands.delete(DEPLOYMENTS, life.shop.namespace, life.shop.canary)
    await life.until_rolled_back()


async def stuck(life: Life) -> None:
    """Stable can't take over what every step has passed; the resource is deleted in the end."""
    await life.change_release({"spec": {"promotion": {"progressDeadline": "4s"}}})
    await life.push(fate="stable-never-ready")
    await life.until(lambda: life.stalled("PromotionStuck"))
    assert life.owners.weight(life.shop), "traffic stays on what works"
    await life.delete_release()
    assert life.owners.weight(life.shop), "also when nobody watches over it"
    await _clear_up(life)


async def _clear_up(life: Life) -> None:
    """What a user would do with a shop that its canary serves: a good version, no release."""
    hands, shop = life.owners.hands, life.shop
    await life.push()
    await life.change_deployment({"spec": {"paused": False}})
    await life.until(lambda: life.owners.is_ready(shop))
    (route,) = (each for kind, each in shop.manifests() if kind == HTTPROUTES)
    await hands.patch(HTTPROUTES, shop.namespace, shop.name, {"spec": route["spec"]})
    await hands.delete(DEPLOYMENTS, shop.namespace, shop.canary)
    await hands.delete(SERVICES, shop.namespace, shop.canary)
    await life.guard_again()


Tale = Callable[[Life], Awaitable[None]]

TALES: dict[str, Tale] = {
    "good": good,
    "breach": breach,
    "crash": failing("crash"),
    "crash-later": failing("crash-later"),
    "out-of-memory": failing("out-of-memory"),
    "no-image": failing("no-image"),
    "never ready": never_ready,
    "superseded by a good one": superseded("good"),
    "superseded by a bad one": superseded("bad"),
    "reverted": reverted,
    "deleted": deleted,
    "suspended": suspended,
    "edited": edited,
    "resumed": resumed,
    "canary deleted": canary_deleted,
    "stuck": stuck,
}
OFTEN = ("good", "good", "good", "breach", "breach", "superseded by a good one")
"""What comes again, where there are more releases than tales."""
