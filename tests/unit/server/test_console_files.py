"""The console's files as they are served: whole, of one origin, and under a policy."""

import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from linnet.server import console as module
from linnet.server.alerts import AlertReceiver
from linnet.server.http import serve
from tests.support.addresses import loopback
from tests.support.api_place import Place
from tests.support.console_stage import console


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with console() as found:
        yield found


async def get(url: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


LINK = re.compile(r'(?:src|href|from) ?=? ?"(?:\./)?([\w.-]+)"')
WITHIN = re.compile(r"<style|\sstyle=|\son\w+=|javascript:|<script>|innerHTML|eval\(")
"""What would be a script or a style within the page, or text taken for markup."""


async def linked(url: str) -> dict[str, str]:
    """The page and all that it links to, by name, and that which this links to."""
    found: dict[str, str] = {}
    names = {""}
    while names := names - set(found):
        for name in names:
            status, text, _ = await get(f"{url}/console/{name}")
            assert status == 200, name
            found[name] = text
        names = set(LINK.findall("".join(found.values())))
    return found


async def test_all_that_the_page_takes_is_served_and_nothing_else_there_is(place: Place) -> None:
    found = await linked(place.url)
    served = {path.rpartition("/")[2] for path in (each.path for each in module.routes())}
    assert set(found) == served - {"console"}
    assert {"console.css", "main.js", "client.js", "icon.svg"} <= set(found)
    assert (await get(f"{place.url}/console/__init__.py"))[0] == 404
    assert (await get(f"{place.url}/console/../http.py"))[0] == 404


async def test_no_file_asks_another_server_or_has_a_script_or_a_style_within(place: Place) -> None:
    for name, text in (await linked(place.url)).items():
        addresses = set(re.findall(r"\bhttps?://[^\s\"'`]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name
        assert not WITHIN.search(text), name


async def test_the_page_comes_under_a_policy_that_takes_nothing_from_elsewhere(
    place: Place,
) -> None:
    status, _, headers = await get(f"{place.url}/console/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    rules = dict(
        rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";")
    )
    assert rules.pop("default-src") == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert rules["frame-ancestors"] == "'none'"
    assert not [rule for rule in rules.values() if "unsafe" in rule or "*" in rule]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_browser_that_has_the_file_is_told_so(place: Place) -> None:
    url = f"{place.url}/console/main.js"
    _, text, headers = await get(url)
    status, again, _ = await get(url, **{"If-None-Match": headers["ETag"]})
    assert (status, again) == (304, "")
    assert (await get(url, **{"If-None-Match": '"other"'}))[:2] == (200, text)


async def test_the_short_address_leads_to_the_page_behind_any_path(place: Place) -> None:
    status, _, headers = await get(f"{place.url}/console")
    assert (status, headers["Location"]) == (308, "console/")


async def test_without_the_console_there_is_no_page() -> None:
    place = Place()
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), place.api)
    try:
        assert (await get(f"{loopback(runner)}/console/"))[0] == 404
    finally:
        await runner.cleanup()
