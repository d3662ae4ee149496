"""The console in a real browser: by mouse, by keyboard, as a screen reader has it, on a phone.

The operator behind it is played; `test_console.py` has a real one.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hack.browser import PLAIN, Page, open_page, run_browser
from linnet.api.request import RequestOutcome
from linnet.api.status import Phase
from tests.support import console_picture
from tests.support.api_place import Place
from tests.support.console_stage import AT, CANARY, STABLE, changed, console, experimenting
from tests.support.experiments import tried

ROOT = Path(__file__).resolve().parents[2]
CONTRAST, LARGE_CONTRAST = 4.5, 3.0
"""WCAG 2.2, 1.4.3, level AA."""
TARGET_PIXELS = 24
"""WCAG 2.2, 2.5.8."""

FAINT_TEXT = """
(() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(each).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(colour(style.color)), light(ground(node))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? LARGE : SMALL)) found.push(`${node.textContent.trim()}: ${ratio}`);
  }
  return found;
})()
""".replace("LARGE", str(LARGE_CONTRAST)).replace("SMALL", str(CONTRAST))
SMALL_TARGETS = f"""
[...document.querySelectorAll("button, input, textarea, nav a")]
  .filter((each) => each.checkVisibility())
  .filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < {TARGET_PIXELS})
  .map((each) => each.textContent)
"""
CUT_OFF = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[str]:
    with run_browser() as address:
        yield address


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with console() as found:
        yield found


@asynccontextmanager
async def visited(browser: str, place: Place, address: str = "") -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        await page.looks(1200)
        await page.visit(f"{place.url}/console/{address}")
        yield page
        assert page.faults == []


async def signs_in(page: Page, role: str) -> None:
    await page.write("Token", role)
    await page.write("Namespace", "default")
    await page.click("button", "Sign in")


@asynccontextmanager
async def signed_in(browser: str, place: Place, role: str) -> AsyncIterator[Page]:
    """Somebody of a role who looks at the release."""
    async with visited(browser, place, "#/default/shop") as page:
        await signs_in(page, role)
        await page.says("1 of 2 approvals are there")
        yield page


async def has_done(page: Page, button: str, reason: str) -> None:
    """Press a button that asks for a reason, give one, and see what was decided."""
    await page.click("button", f"{button}…")
    await page.write("Reason", reason)
    await page.click("button", button)
    await page.says("so it was decided")


async def buttons(page: Page) -> list[str]:
    return [name for name in await page.named("button") if name != "Sign out"]


async def test_a_token_stays_in_the_tab_and_goes_with_it(browser: str, place: Place) -> None:
    async with visited(browser, place) as page:
        await signs_in(page, "stranger")
        await page.says("the cluster doesn't know this token")
        assert await page.script("sessionStorage.length") == 0
        await page.script("document.getElementById('token').value = ''")
        await page.write("Token", "viewer")
        await page.click("button", "Sign in")
        await page.says("Releases")
        await page.click("link", "shop default Progressing 10 %")
        await page.says("1 of 2 approvals are there")
        kept = await page.script("[location.href, document.cookie, localStorage.length]")
        assert kept == [f"{place.url}/console/#/default/shop", "", 0]
        asked = await page.script("performance.getEntriesByType('resource').map((e) => e.name)")
        assert all(each.startswith(place.url) and "viewer" not in each for each in asked)

        await page.reload()
        await page.says("1 of 2 approvals are there")
        await page.click("button", "Sign out")
        await page.says("With a bearer token")
        assert await page.script("sessionStorage.length") == 0
        assert "263" not in await page.text()


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("viewer", []),
        ("approver", ["Approve…"]),
        ("releaser", ["Go on to 50 %…", "Promote…", "Roll back…"]),
        ("editor", ["Go on to 50 %…", "Promote…", "Pause…", "Roll back…"]),
    ],
)
async def test_who_may_not_do_something_is_not_offered_it(
    browser: str, place: Place, role: str, offered: list[str]
) -> None:
    async with signed_in(browser, place, role) as page:
        assert await buttons(page) == offered


async def test_all_of_a_release_is_shown_and_read_out(browser: str, place: Place) -> None:
    async with signed_in(browser, place, "viewer") as page:
        text = await page.text()
        for words in (
            *(f"Stable {STABLE}", "90 %", f"Canary {CANARY}", "10 %, 2 to approve"),
            *("0.24 %", "goes on ≤ 0.5 % · rolls back > 1 %", "263 ms", "‖ holds", "? no data"),
            *("LatencyP95Held", "prices are right", "step 2"),
        ):
            assert words in text, words
        assert [await page.named(role) for role in ("navigation", "main")] == [
            ["Releases"],
            ["shop"],
        ]
        assert await page.named("banner")
        assert await page.named("heading") == [
            *("Linnet", "Releases", "shop", "Traffic", "Checks"),
            *("errorRate", "latencyP95", "memory", "cpu", "Decisions"),
        ]
        for role in ("button", "link", "textbox", "list"):
            assert all(await page.named(role) or [True]) or role == "list"


async def test_a_change_is_shown_without_a_reload_and_told(browser: str, place: Place) -> None:
    async with signed_in(browser, place, "releaser") as page:
        await page.script("document.getElementById('act-rollback').focus()")
        evil = "<img src=x onerror=\"document.title='owned'\">"
        changed(place, weight=AT | {"wanted": 50, "seen": 50}, message=evil)
        await page.says("Canary " + CANARY + "\n50 %")
        await page.says(evil)
        status = f"document.getElementById('told').innerText{PLAIN}"
        assert await page.until(status) == "shop: Progressing, the canary has 50 %"
        assert "owned" not in await page.script("document.title")
        assert await page.script("document.activeElement.id") == "act-rollback"
        changed(place, phase=Phase.ROLLED_BACK, weight={"wanted": 0, "seen": 0})
        await page.says("RolledBack")
        assert await buttons(page) == []
        assert await page.script("document.activeElement.id") == "name"
        place.desk.seen = None
        await page.says("there is no CanaryRelease shop in default")


async def test_a_rollback_by_keyboard_with_a_reason(browser: str, place: Place) -> None:
    async with signed_in(browser, place, "releaser") as page:
        await page.script("document.getElementById('content').focus()")
        for _ in range(20):
            await page.press("Tab")
            if await page.script("document.activeElement.id") == "act-rollback":
                break
        await page.press("Enter")
        await page.says(f"All traffic returns to stable {STABLE}, at once.")
        assert await page.named("dialog") == ["Roll back shop?"]
        await page.press("Escape")
        await page.until("!document.querySelector('dialog').open")
        assert await page.script("document.activeElement.id") == "act-rollback"
        assert place.desk.asked == []

        await page.press("Enter")
        await page.write("Reason (may be left out)", "wrong prices")
        await page.press("Tab")
        await page.press("Enter")
        await page.says("so it was decided")
        (asked,) = place.desk.asked
        assert (asked.action, asked.by, asked.reason) == ("Rollback", "releaser", "wrong prices")


async def test_what_was_seen_is_what_is_approved_and_a_refusal_is_told(
    browser: str, place: Place
) -> None:
    async with signed_in(browser, place, "approver") as page:
        await page.click("button", "Approve…")
        await page.click("button", "Approve")
        assert await page.script("document.querySelector('dialog').open")
        assert place.desk.asked == []  # a reason is missing
        changed(place, canary_revision="another")
        place.desk.outcome = RequestOutcome.REFUSED
        await page.write("Reason", "prices are right")
        await page.click("button", "Approve")
        assert await page.until("document.getElementById('ask-refused').innerText")
        (asked,) = place.desk.asked
        assert (asked.action, asked.revision, asked.reason) == (
            "Approve",
            CANARY,
            "prices are right",
        )


@pytest.mark.parametrize(("path", "button"), [("next", "Go on to 50 %"), ("promote", "Promote")])
async def test_a_release_goes_on_as_far_as_the_button_said(
    browser: str, place: Place, path: str, button: str
) -> None:
    async with signed_in(browser, place, "releaser") as page:
        await has_done(page, button, "in a hurry")
        (asked,) = place.desk.asked
        wanted: Any = ("Promote", 50) if path == "next" else ("PromoteFully", None)
        assert (asked.action, asked.weight) == wanted


async def test_a_release_is_paused(browser: str, place: Place) -> None:
    async with signed_in(browser, place, "editor") as page:
        await page.click("button", "Pause…")
        # Closed, and opened anew before the browser tells of the end of the first.
        await page.script("document.getElementById('ask').close()")
        await page.script(
            "document.getElementById('act-pause').click(),"
            "document.getElementById('ask').close(),"
            "document.getElementById('act-pause').click()"
        )
        await page.click("button", "Pause")
        await page.says("It is paused.")
        assert place.desk.suspended == [True]


DECISIONS = ["Stop the experiment…", "Decide: success…", "Decide: failure…"]
REPORT = "Report as a file"


async def test_an_experiment_is_shown_with_each_effect_and_its_interval(
    browser: str, place: Place
) -> None:
    experimenting(place)
    async with signed_in(browser, place, "viewer") as page:
        await page.says("1 of 6 goals shown to be better")
        text = await page.text()
        for words in (
            *("Running", "tone-v2", "5,012", "4,988", "10\u00a0% planned"),
            *("✓ better, as large as asked for", "+12.1\u00a0pp", "+7.9 to +16.3\u00a0pp"),
            *("30.1 → 42.2\u00a0%", "-11 to +16\u00a0%", "102 → 104\u00a0s"),
            *("✕ beyond its limit", "no data"),
        ):
            assert words in text or words.replace("\u00a0", " ") in text, words
        assert await buttons(page) == [REPORT]
        changed(place, experiment=tried(revision=CANARY, message="<b>stale</b>", problem="no data"))
        await page.says("<b>stale</b>")
        await page.click("button", REPORT)
        await page.says("The report of tone-v2 is among your downloads.")


@pytest.mark.parametrize(
    ("result", "role", "offered"),
    [
        ("Running", "decider", [*DECISIONS, REPORT]),
        ("Conditional", "decider", [*DECISIONS[1:], REPORT]),
        ("Stopped", "decider", [*DECISIONS[1:], REPORT]),
        ("Success", "decider", [REPORT]),
        ("Running", "releaser", ["Roll back…", REPORT]),
    ],
)
async def test_who_may_decide_is_offered_it_while_there_is_something_to_decide(
    browser: str, place: Place, result: str, role: str, offered: list[str]
) -> None:
    experimenting(place, result=result)
    async with signed_in(browser, place, role) as page:
        await page.says("1 of 6 goals shown to be better")
        assert await buttons(page) == offered


@pytest.mark.parametrize(
    ("button", "action", "result"),
    [
        ("Stop the experiment", "Stop", ""),
        ("Decide: success", "Decide", "Success"),
        ("Decide: failure", "Decide", "Failure"),
    ],
)
async def test_an_experiment_is_ended_by_a_person_with_a_reason(
    browser: str, place: Place, button: str, action: str, result: str
) -> None:
    experimenting(place)
    async with signed_in(browser, place, "decider") as page:
        await has_done(page, button, "seen enough")
        (asked,) = place.desk.asked
        assert (asked.action, asked.result, asked.reason) == (action, result, "seen enough")
        assert asked.revision == (CANARY if action == "Decide" else "")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
async def test_an_experiment_can_be_read_on_a_phone_and_a_desk_by_day_and_by_night(
    browser: str, place: Place, width: int, dark: bool
) -> None:
    experimenting(place)
    async with signed_in(browser, place, "decider") as page:
        await page.looks(width, dark=dark)
        await page.says("beyond its limit")
        assert await page.script(FAINT_TEXT) == []
        assert await page.script(SMALL_TARGETS) == []
        assert await page.script(CUT_OFF) <= 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
async def test_it_can_be_read_and_used_on_a_phone_and_a_desk_by_day_and_by_night(
    browser: str, place: Place, width: int, dark: bool
) -> None:
    async def is_well() -> None:
        assert await page.script(FAINT_TEXT) == []
        assert await page.script(SMALL_TARGETS) == []
        assert await page.script(CUT_OFF) <= 0

    async with visited(browser, place) as page:
        await page.looks(width, dark=dark)
        await is_well()
        await signs_in(page, "editor")
        await page.says("Releases")
        await is_well()
        await page.click("link", "shop default Progressing 10 %")
        await page.says("1 of 2 approvals are there")
        await is_well()
        await page.click("button", "Roll back…")
        await page.says("All traffic returns")
        await is_well()
        await page.press("Escape")
        if width < 600:
            await page.click("link", "All releases")
            await page.until("document.getElementById('list').checkVisibility()")


async def test_the_picture_in_the_documents_is_the_page(browser: str, place: Place) -> None:
    async with signed_in(browser, place, "editor") as page:
        drawn = await console_picture.draw(page)
    assert drawn == (ROOT / console_picture.PICTURE).read_text(), (
        "write it anew: python -m tests.support.console_picture"
    )
    assert not re.search(r"https?://(?!www\.w3\.org)", drawn)
