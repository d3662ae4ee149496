"""What an answer of Prometheus must be like before anything is read from it."""

import io
import json
from time import monotonic
from typing import Any

import requests

LARGEST_ANSWER_BYTES = 8 << 20
"""A number with its labels takes some hundred bytes; many more than there are releases are a
mistake."""
PIECE_BYTES = 1 << 16
MESSAGE_LIMIT = 300


class Refused(Exception):
    """An answer that must not reach a verdict. The text goes on from "Prometheus at <url>"."""


class AnswerCheck:
    """A response hook for a `requests` session that streams.

    Lets through a whole answer to a query that succeeded without warnings, and gave numbers.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds

    def __call__(self, response: requests.Response, *_: Any, **__: Any) -> requests.Response:
        """Check one answer.

        Raises:
            Refused: the answer must not be used.
        """
        if response.is_redirect:
            response.close()
            raise Refused("sends the query elsewhere: set the address that it redirects to")
        body = self._read(response)
        response.raw = io.BytesIO(body)
        _check(response.status_code, body)
        return response

    def _read(self, response: requests.Response) -> bytes:
        """The body, piece by piece: a time-out between pieces alone lets a slow one last."""
        deadline = monotonic() + self._timeout_seconds
        body = bytearray()
        with response.raw as raw:
            while piece := raw.read1(PIECE_BYTES, decode_content=True):
                body += piece
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise Refused(
                        f"gave more than {LARGEST_ANSWER_BYTES >> 20} MiB: aggregate with sum(...)"
                    )
                if monotonic() > deadline:
                    raise Refused(f"did not answer within {self._timeout_seconds:g} s")
        return bytes(body)


def _check(status: int, body: bytes) -> None:
    try:
        answer = json.loads(body)
        outcome = answer["status"]
    except (ValueError, TypeError, KeyError):
        raise Refused(f"answered with HTTP status {status} and not as Prometheus does") from None
    if status != 200 or outcome != "success":
        raise Refused(f"refused the query: {str(answer.get('error'))[:MESSAGE_LIMIT]}")
    if answer.get("warnings"):
        said = "; ".join(map(str, answer["warnings"]))
        raise Refused(f"warns that the answer may be partial: {said[:MESSAGE_LIMIT]}")
    kind = (answer.get("data") or {}).get("resultType")
    if kind not in ("scalar", "vector", "matrix"):
        raise Refused(f"gave a {kind} instead of one number")
