"""Posting to receivers of notifications. Their URLs may be secrets, so no text here has one."""

from pathlib import Path

import aiohttp

from linnet.api.notifications import Receiver
from linnet.core.notifications import Message
from linnet.providers.errors import ProviderError

WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
"""Codes below 500 that time may change."""


class Undelivered(ProviderError):
    """The receiver could not be told; another try may help.

    retry_after: seconds that it asks to wait, 0 if it doesn't say.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(ProviderError):
    """The receiver doesn't want it, and won't the next time."""


class Webhooks:
    """Posts messages, each once. Follows no redirect, keeps no cookie, reads no answer's body.

    Proxies are those of the environment (HTTPS_PROXY, NO_PROXY): chats are mostly outside.
    """

    def __init__(self, timeout_seconds: float = 5.0) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
        )

    async def post(self, receiver: Receiver, message: Message) -> None:
        """Send one message.

        Raises:
            Undelivered: no answer, or one that another try may change.
            Rejected: an answer that says no for good.
        """
        url = receiver.url or _content(receiver.url_file, "the URL")
        headers = {"Content-Type": f"{message.media_type}; charset=utf-8"}
        if receiver.token_file:
            headers["Authorization"] = f"Bearer {_content(receiver.token_file, 'the token')}"
        try:
            async with self._session.post(
                url, json=message.body, headers=headers, allow_redirects=False
            ) as answer:
                _judge(answer.status, answer.headers.get("Retry-After", ""))
        except TimeoutError:
            raise Undelivered("did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Not in its own words: they may have the URL.
            raise Undelivered(f"can't be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Release the connections."""
        await self._session.close()


def _judge(status: int, retry_after: str) -> None:
    if status < 300:
        return
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        wait = float(retry_after) if retry_after.isdecimal() else 0.0
        raise Undelivered(f"answered {status}", wait)
    raise Rejected(f"answered {status}")


def _content(file: str, what: str) -> str:
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise Undelivered(f"is unknown: {what} can't be read from its Secret")
    return text
