"""A turn as it is stored in Redis, in a form that older and newer versions of the service can read.

Form 1 is a JSON object. Fields may be added to it, never renamed or given another meaning.
Form 2 is form 1, compressed with zlib behind the byte 0x02, where that makes it smaller.

Every version reads all forms it knows, and drops what it doesn't. So a new form takes two releases:
first everybody learns to read it, then everybody may write it. That is why the form to write is a
setting: while a release is under way, stable reads what the canary writes, and the other way round.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal

import orjson

from recochat.sessions.base import Turn

Form = Literal[1, 2]

_COMPRESSED: Final = b"\x02"
_WORTH_IT: Final = 96  # bytes; a shorter record hardly shrinks
_LARGEST: Final = 64 * 1024  # bytes of a record when unpacked: nothing that we wrote is larger

# What most records have in them: zlib finds it from the first byte on. It belongs to the form, and
# must never change: what was written with it can't be read with another.
_DICTIONARY: Final = (
    b'"}],"items":["item- I like love enjoy interested in recommend suggest something another more '
    b"What is my name? You are Hello Tell me what you like, or ask for a suggestion. How about "
    b"Noted: Shall I suggest something? the and for with that this have you are not was will can "
    b'{"role":"user","text":"{"role":"assistant","text":"","at":17'
)


def dump(turn: Turn, form: Form = 1) -> bytes:
    """The record of ``turn``."""
    plain = orjson.dumps(
        {"role": turn.role, "text": turn.text, "at": turn.at, "items": list(turn.items)}
    )
    if form == 1 or len(plain) < _WORTH_IT:
        return plain
    packer = zlib.compressobj(level=6, wbits=-15, zdict=_DICTIONARY)
    packed = _COMPRESSED + packer.compress(plain) + packer.flush()
    return min(packed, plain, key=len)


def load(record: bytes) -> Turn | None:
    """The turn, or None if it can't be read. Unknown fields are ignored."""
    try:
        data = orjson.loads(_plain(record))
        if data["role"] not in ("user", "assistant"):
            return None
        items = tuple(str(item) for item in data.get("items", ()))
        return Turn(data["role"], str(data["text"]), float(data["at"]), items)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _plain(record: bytes) -> bytes:
    if not record.startswith(_COMPRESSED):
        return record
    unpacker = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
    return unpacker.decompress(record[1:], _LARGEST)
