"""``python -m recochat.smoke URL``: is a running service healthy, and does it recommend?

Only the standard library, so that it starts at once as the pod of `helm test`.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

_TIMEOUT_S = 5.0


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON at ``url``, fetched by GET, or by POST if there is a ``body``.

    Raises urllib.error.URLError if there is no answer, or none with a status of success.
    """
    if not url.startswith(("http://", "https://")):
        raise urllib.error.URLError(f"not a http URL: {url}")
    data = json.dumps(body).encode() if body is not None else None
    headers = {"content-type": "application/json", "x-correlation-id": "recochat-smoke"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
        return json.load(response)


def check(base: str) -> list[str]:
    """What is wrong with the service at ``base``; nothing if it works."""
    try:
        health = call(f"{base}/health")
        recommended = call(f"{base}/api/v2/recommendations", {"user_id": "smoke"})
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        return [f"{base}: {error}"]
    problems = []
    if health.get("status") != "ok":
        problems.append(f"health is {health.get('status')}: {health.get('components')}")
    if len(recommended.get("items", ())) != 10:
        problems.append(f"expected 10 recommendations, got {len(recommended.get('items', ()))}")
    return problems


def main(arguments: list[str]) -> int:
    """Exit status: 0 works, 1 doesn't, 2 wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m recochat.smoke URL", file=sys.stderr)
        return 2
    problems = check(arguments[0].rstrip("/"))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("healthy, and recommends")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
