"""The console in a real browser, in front of a real operator and the cluster's own tokens."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from hack.browser import Page, open_page, run_browser
from tests.support.apiserver import ApiServer
from tests.support.guarded_shop import Shop, weight
from tests.support.operator_process import OperatorProcess


@pytest.fixture(scope="module")
def browser() -> Iterator[str]:
    with run_browser() as address:
        yield address


@asynccontextmanager
async def signed_in(
    browser: str, operator: OperatorProcess, shop: Shop, name: str
) -> AsyncIterator[Page]:
    """Somebody who has signed in by a token of the API server, and looks at the release."""
    async with open_page(browser) as page:
        await page.looks(1200)
        await page.visit(f"{operator.url}/console/")
        await page.write("Token", shop.token(name))
        await page.write("Namespace", shop.namespace)
        await page.click("button", "Sign in")
        await page.click("link", f"shop {shop.namespace} Progressing 10 %")
        await page.says("failures")
        yield page
        assert page.faults == []


async def acts(page: Page, name: str, reason: str) -> None:
    await page.click("button", f"{name}…")
    await page.write("Reason (may be left out)" if name == "Roll back" else "Reason", reason)
    await page.click("button", name)


async def buttons(page: Page) -> list[str]:
    return [name for name in await page.named("button") if name != "Sign out"]


async def test_people_act_in_the_browser_as_far_as_their_roles_go(
    browser: str, operator: OperatorProcess, simulated: ApiServer
) -> None:
    """An approval opens a step and a rollback ends the release; who looks on sees both, live."""
    shop = Shop.open(simulated)
    shop.release("shop:2")
    shop.wait(lambda status: "approval" in status["message"])
    async with signed_in(browser, operator, shop, "vera") as viewer:
        await viewer.says(shop.user("vera"))
        await viewer.says("goes on ≤ 0.5 · rolls back > 1")
        assert await buttons(viewer) == []

        async with signed_in(browser, operator, shop, "anna") as approver:
            assert await buttons(approver) == ["Approve…"]
            await acts(approver, "Approve", "prices are right")
            await approver.says(f"{shop.user('anna')} approved 10 %: prices are right")
        opened = shop.wait(lambda status: weight(status) == 50)
        assert [each["by"] for each in opened["approvals"]] == [shop.user("anna")]
        await viewer.says("Progressing, the canary has 50 %")

        async with open_page(browser) as releaser:
            await releaser.looks(360)
            await releaser.visit(f"{operator.url}/console/#/{shop.namespace}/shop")
            await releaser.write("Token", shop.token("rolf"))
            await releaser.write("Namespace", shop.namespace)
            await releaser.click("button", "Sign in")
            await releaser.says("rolls back > 1")
            assert await buttons(releaser) == ["Go on to 100 %…", "Promote…", "Roll back…"]
            await acts(releaser, "Roll back", "wrong prices")
            await releaser.says("RolledBack")
        ended = shop.wait(lambda status: status["phase"] == "RolledBack")
        assert (ended["request"]["by"], ended["request"]["reason"]) == (
            shop.user("rolf"),
            "wrong prices",
        )
        await viewer.says("RolledBack, the canary has 0 %")
        await viewer.says("wrong prices")


async def test_a_token_that_is_no_good_any_more_leads_to_the_door(
    browser: str, operator: OperatorProcess, simulated: ApiServer
) -> None:
    shop = Shop.open(simulated)
    shop.release("shop:2")
    async with signed_in(browser, operator, shop, "vera") as page:
        shop.kubectl("delete", "serviceaccount", "vera")
        await page.says("the cluster doesn't know this token, or it has expired")
        assert await page.script("sessionStorage.length") == 0
        assert "failures" not in await page.text()
