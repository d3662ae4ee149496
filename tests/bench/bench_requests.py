"""What one request of each endpoint costs the process of recochat, with its Redis beside it.

Processor time, not waiting: it is the same on a busy machine, and says how many requests a second
one core can answer. LINNET_REQUESTS scales it (3,000 requests of each endpoint by default).
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hack.loadtest.service import Service, local
from hack.loadtest.watch import cpu_s

REQUESTS = int(os.environ.get("LINNET_REQUESTS") or 3000)
WARM_UP = REQUESTS // 10
CONNECTIONS = 16
OUT = Path("out/bench")
SAYINGS = ("I like jazz and hiking", "suggest something", "another one", "why?", "thanks")
SHARES = {"recommendations": 6, "guests": 4, "chat": 6, "similar": 2, "item": 1, "session": 1}
"""Of twenty requests of the standard load (see recochat.js). Guests are new to the service."""


def main() -> dict[str, Any]:
    """Ask each endpoint in turn; returns processor milliseconds a request, of recochat and Redis.

    `nothing` is the cost of server and framework alone; every other cost holds it too.
    """
    OUT.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    with local(OUT) as service:
        for name in ("nothing", *SHARES):
            asyncio.run(ask(service, name, WARM_UP))
            before = used(service)
            asyncio.run(ask(service, name, REQUESTS))
            after = used(service)
            found[name] = {p: round(1000 * (after[p] - before[p]) / REQUESTS, 3) for p in after}
            print(f"{name}: {found[name]}")
    mixed = sum(share * found[name]["recochat"] for name, share in SHARES.items()) / 20
    found["mixed_ms"], found["per_core"] = round(mixed, 3), round(1000 / mixed)
    print(f"mixed: {mixed:.3f} ms, {1000 / mixed:.0f} requests a second on one core of recochat")
    return found


def used(service: Service) -> dict[str, float]:
    """Seconds of processor time so far, by process."""
    return {name: cpu_s(pid) for name, pid in service.processes.items()}


async def ask(service: Service, name: str, requests: int) -> None:
    """Send so many requests over a few connections, each as soon as the one before is answered."""
    address = urlsplit(service.url)
    each = requests // CONNECTIONS + 1

    async def talk(number: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for n in range(each):
            writer.write(request(name, number, n))
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            # A session that nobody has spoken in yet isn't there.
            assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404")), head
        writer.close()

    await asyncio.gather(*(talk(number) for number in range(CONNECTIONS)))


def request(name: str, number: int, n: int) -> bytes:
    """The bytes of one request, as the standard load sends them."""
    user, session = f"user-{(number * 37 + n) % 240:03d}", f"bench-{number}-{n // 20}"
    item = f"item-{(number + n) % 48:02d}"
    posts: dict[str, tuple[str, dict[str, Any]]] = {
        "recommendations": ("recommendations", {"user_id": user, "interests": ["jazz"]}),
        "guests": (
            "recommendations",
            {"user_id": f"guest-{number}-{n}", "history": [item, f"item-{(7 * n + 1) % 48:02d}"]},
        ),
        "chat": ("chat", {"message": SAYINGS[n % 5], "session_id": session, "user_id": user}),
    }
    gets = {
        "nothing": "/livez",
        "similar": f"/api/v2/items/{item}/similar",
        "item": f"/api/v2/items/{item}",
        "session": f"/api/v2/session/{session}",
    }
    if name in gets:
        return f"GET {gets[name]} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    path, body = posts[name]
    data = json.dumps(body).encode()
    head = (
        f"POST /api/v2/{path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data
