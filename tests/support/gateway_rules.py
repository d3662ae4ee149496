"""What a gateway does with an HTTPRoute's rules: which rule a request gets, and which backends.

By the precedence of Gateway API: an exact path, then the longest prefix, then a method, then the
most headers, then the most query parameters, then the first rule in the list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Rule = Mapping[str, Any]
Ref = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """A request, as far as rules look at it."""

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def rule_for(rules: Sequence[Rule], request: Request) -> Rule | None:
    """The rule that a request gets, None if it gets none."""
    ranked = [
        (_rank(match), -place, rule)
        for place, rule in enumerate(rules)
        for match in rule["matches"]
        if _fits(match, request)
    ]
    return max(ranked, key=lambda each: each[:2])[2] if ranked else None


def backends(rule: Rule) -> Iterator[tuple[Ref, Fraction]]:
    """The backends of a rule that get requests, each with its part of them."""
    total = sum(ref["weight"] for ref in rule["backendRefs"])
    for ref in rule["backendRefs"]:
        if ref["weight"]:
            yield ref, Fraction(ref["weight"], total)


def set_cookie(ref: Ref) -> str | None:
    """The `name=value` of the cookie that a backend's filters add, if they do."""
    for each in ref.get("filters") or ():
        for header in (each.get("responseHeaderModifier") or {}).get("add") or ():
            if header["name"] == "Set-Cookie":
                return str(header["value"]).partition(";")[0]
    return None


def request_headers(rule: Rule, sent: Mapping[str, str]) -> dict[str, str]:
    """What a request's headers are behind the filters of a rule, by names in small letters."""
    headers = {name.lower(): value for name, value in sent.items()}
    for each in rule.get("filters") or ():
        changes = each.get("requestHeaderModifier") or {}
        for header in changes.get("set") or ():
            headers[header["name"].lower()] = header["value"]
        for header in changes.get("add") or ():
            before = headers.get(header["name"].lower())
            headers[header["name"].lower()] = ",".join(filter(None, [before, header["value"]]))
        for name in changes.get("remove") or ():
            headers.pop(name.lower(), None)
    return headers


def _rank(match: Mapping[str, Any]) -> tuple[int, int, bool, int, int]:
    path = match["path"]
    return (
        path["type"] == "Exact",
        len(path["value"]),
        "method" in match,
        len(match.get("headers") or ()),
        len(match.get("queryParams") or ()),
    )


def _fits(match: Mapping[str, Any], request: Request) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return (
        _path_fits(match["path"], request.path)
        and match.get("method", request.method) == request.method
        and all(
            _header_fits(each, headers.get(each["name"].lower()))
            for each in match.get("headers") or ()
        )
        and all(
            request.query.get(each["name"]) == each["value"]
            for each in match.get("queryParams") or ()
        )
    )


def _path_fits(path: Mapping[str, str], asked: str) -> bool:
    if path["type"] == "Exact":
        return asked == path["value"]
    prefix = path["value"].rstrip("/")
    return asked == prefix or asked.startswith(f"{prefix}/")


def _header_fits(match: Mapping[str, str], value: str | None) -> bool:
    if value is None:
        return False
    if match["type"] == "Exact":
        return value == match["value"]
    # Some gateways compare all of the header, others look for a part: both have to agree.
    part, whole = re.search(match["value"], value), re.fullmatch(match["value"], value)
    assert bool(part) == bool(whole), match["value"]
    return bool(part)
