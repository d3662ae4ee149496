"""Which variant of an experiment a user gets: a function of two names and a share, kept nowhere.

    bucket    = SHA-256(salt + "/" + user id), its first 8 bytes as a number, modulo 10,000
    treatment = bucket < 100 * share in percent

The number is big-endian, the text UTF-8. A larger share only adds buckets to the treatment, so a
user who is in it stays in it. Another salt deals all users anew, independently of the first.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

BUCKETS: Final = 10_000

Variant = Literal["control", "treatment"]


def bucket(user_id: str, salt: str) -> int:
    """The bucket of a user: 0 to 9,999, and the same wherever it is reckoned.

    Raises ValueError for a salt that is empty or has a slash: two names could then be one text.
    """
    if not salt or "/" in salt:
        raise ValueError(f"a salt is a text without a slash, not {salt!r}")
    digest = hashlib.sha256(f"{salt}/{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def variant(user_id: str, salt: str, percent: float) -> Variant:
    """The variant of a user while ``percent`` (0 to 100, to two places) of all get the treatment.

    Raises ValueError for a share outside of that, and for a salt as `bucket` does.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"a share is 0 to 100 percent, not {percent}")
    return "treatment" if bucket(user_id, salt) < round(percent * 100) else "control"


def route_bucket(user_id: str, salt: str) -> int:
    """The bucket from 0 to 99 by which a route draws users (docs/sticky.md).

    A route that sends those below its weight to the canary splits users just as `variant` does.
    """
    return bucket(user_id, salt) * 100 // BUCKETS
