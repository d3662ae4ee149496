"""Matchers on labels as Alertmanager writes them, and no slower than the labels are long."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_FORM = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"(.*)"', re.DOTALL)
ANY = ".*"


def matches(matchers: Iterable[str], labels: Mapping[str, str]) -> bool:
    """Whether the labels are as every matcher wants them; one that isn't there is empty.

    Raises:
        ValueError: a text is no matcher.
    """
    return all(_matches(matcher, labels) for matcher in matchers)


def _matches(matcher: str, labels: Mapping[str, str]) -> bool:
    name, operator, wanted = _parsed(matcher)
    value = labels.get(name, "")
    if operator in ("=", "!="):
        return (value == wanted) is (operator == "=")
    found = any(_like(choice, value) for choice in wanted.split("|"))
    return found is (operator == "=~")


@lru_cache(maxsize=1024)
def _parsed(matcher: str) -> tuple[str, str, str]:
    found = _FORM.fullmatch(matcher)
    if found is None:
        raise ValueError(f"{matcher!r} is no matcher")
    name, operator, wanted = found.groups()
    return name, operator, wanted


def _like(pattern: str, value: str) -> bool:
    """Whether a value is this text with anything in place of each `.*`; the whole of it.

    Each part is looked for once, from where the one before ended: the leftmost place leaves the
    most for what follows, so none has to be tried again.
    """
    first, *rest = pattern.split(ANY)
    if not rest:
        return _same(first, value)
    *middle, last = rest
    if len(first) + len(last) > len(value) or not _same(first, value[: len(first)]):
        return False
    end = len(value) - len(last)
    if not _same(last, value[end:]):
        return False
    place = len(first)
    for part in middle:
        found = _find(part, value, place, end)
        if found is None:
            return False
        place = found + len(part)
    return True


def _find(part: str, value: str, begin: int, end: int) -> int | None:
    last = end - len(part)
    places = range(begin, last + 1)
    return next((at for at in places if _same(part, value[at : at + len(part)])), None)


def _same(part: str, text: str) -> bool:
    """Whether a text is this part, in which a dot is any one character."""
    return len(part) == len(text) and all(
        wanted in (".", found) for wanted, found in zip(part, text, strict=True)
    )
