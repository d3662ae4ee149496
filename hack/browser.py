"""Chromium without a window, spoken to by the DevTools protocol: for pages as people meet them.

Elements are found as a screen reader finds them, by role and name, and clicked where they are.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hack.cluster import debian
from hack.processes import end

PROGRAM = "chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-port=0",
)
PHONE = 600
"""Pixels: a page less wide is a phone's."""
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
PLAIN = r".replaceAll('\u00a0', ' ')"
"""What makes each space of a text in the page one that may be broken at."""
ERRORS = {"javascript", "security", "rendering", "other"}
"""Sources of log lines that tell of a fault of the page; an answer like 403 is none."""


class PageError(Exception):
    """The page has not become what was waited for, or a script failed."""


@contextlib.contextmanager
def run_browser() -> Iterator[str]:
    """Run Chromium, installed as a Debian package if need be; give where it is spoken to.

    Raises:
        ClusterError: it isn't there, and can't be installed.
        PageError: it didn't start in time.
    """
    if not shutil.which(PROGRAM):
        debian.install(PROGRAM)
    with tempfile.TemporaryDirectory(prefix="linnet-chromium-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield _address(process, folder)
        finally:
            end(process, 10)


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    told = folder / "profile" / "DevToolsActivePort"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(FileNotFoundError):
            port, _, rest = told.read_text().partition("\n")
            if rest:
                return f"http://127.0.0.1:{port}"
        if process.poll() is not None or time.monotonic() > deadline:
            raise PageError((folder / "log").read_text(errors="replace")[-3000:])
        time.sleep(LOOK_SECONDS)


@contextlib.asynccontextmanager
async def open_page(browser: str) -> AsyncIterator[Page]:
    """A tab of its own, empty, in UTC."""
    limit = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(timeout=limit) as session:
        async with session.put(f"{browser}/json/new?about:blank") as answer:
            target = await answer.json(content_type=None)
        socket = await session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        page = Page(socket)
        listening = asyncio.create_task(page.listen())
        try:
            for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
                await page.send(f"{domain}.enable")
            # Each tab is one that somebody looks at, whichever is in front.
            await page.send("Emulation.setFocusEmulationEnabled", enabled=True)
            await page.send("Emulation.setTimezoneOverride", timezoneId="UTC")
            yield page
        finally:
            await socket.close()
            await asyncio.gather(listening, return_exceptions=True)
            async with session.get(f"{browser}/json/close/{target['id']}"):
                pass


@dataclass
class Page:
    """A tab. faults: what its scripts threw, and what the browser has refused them."""

    socket: aiohttp.ClientWebSocketResponse
    faults: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _answers: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def listen(self) -> None:
        """Take in answers and events until the tab is closed."""
        async for message in self.socket:
            found = json.loads(message.data)
            if "id" in found:
                self._answers.pop(found["id"]).set_result(found)
            elif found["method"] == "Runtime.exceptionThrown":
                details = found["params"]["exceptionDetails"]
                self.faults.append(str(details.get("exception", details)))
            elif found["method"] == "Log.entryAdded":
                entry = found["params"]["entry"]
                if entry["level"] == "error" and entry["source"] in ERRORS:
                    self.faults.append(entry["text"])

    async def send(self, method: str, **params: Any) -> Any:
        """Have the browser do something, and give its result.

        Raises:
            PageError: it could not.
            TimeoutError: it doesn't answer.
        """
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await self._answers[number]
        if "error" in found:
            raise PageError(f"{method}: {found['error']['message']}")
        return found["result"]

    async def script(self, text: str) -> Any:
        """The value of an expression in the page, once it is there.

        Raises:
            PageError: it threw.
        """
        found = await self.send(
            "Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise PageError(str(found["exceptionDetails"].get("exception", found)))
        return found["result"].get("value")

    async def until(self, text: str) -> Any:
        """Wait until an expression in the page is true, and give its value.

        Raises:
            PageError: it isn't in time; the message has the text of the page.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := await self._tried(text)):
            if time.monotonic() > deadline:
                shown = await self.script("document.body.innerText")
                raise PageError(f"never: {text}\n{shown}\n{self.faults}")
            await asyncio.sleep(LOOK_SECONDS)
        return found

    async def says(self, words: str) -> None:
        """Wait until these words are to be seen.

        Raises:
            PageError: they aren't in time.
        """
        await self.until(f"document.body.innerText{PLAIN}.includes({json.dumps(words)})")

    async def text(self) -> str:
        """The words that are to be seen."""
        return str(await self.script(f"document.body.innerText{PLAIN}"))

    async def reload(self) -> None:
        """Have the page loaded anew, and wait until it is there."""
        await self.script("window.old = true")
        await self.send("Page.reload")
        await self.until("!window.old && document.readyState === 'complete'")

    async def visit(self, url: str) -> None:
        """Go to an address, and wait until the page is there."""
        await self.send("Page.navigate", url=url)
        await self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    async def looks(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """Be so many pixels wide and high, by day or by night."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < PHONE,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def named(self, role: str) -> list[str]:
        """The names of all elements of a role, as a screen reader reads them, in order."""
        return [_name(node) for node in await self._nodes(role)]

    async def click(self, role: str, name: str) -> None:
        """Wait for the element of this role and name, and click on its middle.

        Raises:
            PageError: there is none in time.
        """
        node = await self._one(role, name)
        await self.send("DOM.scrollIntoViewIfNeeded", backendNodeId=node)
        box = (await self.send("DOM.getBoxModel", backendNodeId=node))["model"]["content"]
        at = {"x": (box[0] + box[4]) / 2, "y": (box[1] + box[5]) / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at
            )

    async def write(self, name: str, text: str) -> None:
        """Write into the field of this name what a person would."""
        await self.send("DOM.focus", backendNodeId=await self._one("textbox", name))
        await self.send("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press a key, e.g. Tab, Enter or Escape."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind, more in (("keyDown", text), ("keyUp", {})):
            await self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **more,
            )

    async def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        found = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    async def _tried(self, text: str) -> Any:
        try:
            return await self.script(text)
        except PageError:
            return None  # a page that is on its way has no scripts yet

    async def _one(self, role: str, name: str) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for node in await self._nodes(role):
                if _name(node) == name:
                    return int(node["backendDOMNodeId"])
            if time.monotonic() > deadline:
                raise PageError(f"no {role} {name!r}, but {await self.named(role)}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _nodes(self, role: str) -> list[Any]:
        root = (await self.send("DOM.getDocument", depth=0))["root"]["nodeId"]
        found = await self.send("Accessibility.queryAXTree", nodeId=root, role=role)
        return [node for node in found["nodes"] if not node["ignored"]]


def _name(node: Any) -> str:
    return str(node.get("name", {}).get("value", "")).replace("\u00a0", " ")
