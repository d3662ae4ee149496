"""The request header that tells an application in which experiment a request is.

While an experiment runs, each rule that has the canary sets it for stable and canary alike,
whatever the caller has sent. Gateway API allows a rule one filter that changes request headers,
so one of the user's takes the header in.

HTTP doesn't care how a header's name is spelled (RFC 9110, section 5.1), so the spelling tells it
from a header of the user's, and says what stood in its place. So it can be taken out again as if
it had never been there, and nothing is remembered elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linnet.core import pinned, route
from linnet.core.route import Backends, Rule

HEADER = "X-Experiment"
LIMIT = 16
"""Most filters that the Gateway API allows in one rule, and most headers that a filter sets."""
MODIFIER = "RequestHeaderModifier"
_CHANGES = "requestHeaderModifier"

_SPELLINGS = {
    # (whether the filter is the user's, whether an empty list stood there): the header's name
    (False, False): "x-Experiment",
    (False, True): "X-experiment",
    (True, False): "x-eXperiment",
    (True, True): "X-eXperiment",
}
_MEANINGS = {spelling: meaning for meaning, spelling in _SPELLINGS.items()}

Filter = Mapping[str, Any]
Header = Mapping[str, Any]
Rules = list[dict[str, Any]]


def name(rules: Sequence[Rule], backends: Backends, experiment: str) -> Rules:
    """Have the rules that have the canary tell of this experiment; of none if it is ''.

    The rules are to have no such header yet: see `without`.
    """
    return [
        _named(rule, experiment) if experiment and _has_canary(rule, backends) else dict(rule)
        for rule in rules
    ]


def without(rules: Sequence[Rule], backends: Backends) -> Rules:
    """Take the header out of the rules that are split, which then are as they were before."""
    return [_bare(rule) if _is_ours(rule, backends) else dict(rule) for rule in rules]


def named(rules: Sequence[Rule], backends: Backends) -> str | None:
    """The experiment that all rules with the canary tell of, '' if none does.

    None where they differ, or a rule without the canary has kept its header.
    """
    told = {_value(rule) for rule in rules if _has_canary(rule, backends)}
    rest = [rule for rule in rules if not _has_canary(rule, backends)]
    if len(told) > 1 or any(_value(rule) for rule in rest if _is_ours(rule, backends)):
        return None
    return told.pop() if told else ""


def problem(rules: Sequence[Rule], backends: Backends) -> tuple[str, str] | None:
    """Why the header can't be set, as (reason, message with the field and the remedy).

    rules: as the user wrote them.
    """
    own = [rule for rule in rules if pinned.is_shared(rule, backends)]
    if any(header.lower() == HEADER.lower() for rule in own for header in _touched(rule, backends)):
        return (
            "ExperimentHeaderTaken",
            f"a filter of a rule with Service {backends.stable} changes request header {HEADER}, "
            "by which an experiment is told to the application: remove it from the HTTPRoute's "
            "filters",
        )
    if any(_is_full(rule) for rule in own):
        return (
            "TooManyFilters",
            f"a rule with Service {backends.stable} has no room for request header {HEADER} among "
            f"its at most {LIMIT} filters, or the at most {LIMIT} headers that one sets: remove "
            "one from spec.rules[].filters",
        )
    return None


def _named(rule: Rule, experiment: str) -> dict[str, Any]:
    filters = list(rule.get("filters") or ())
    place = _place(filters)
    if place is None:
        header = _header((False, rule.get("filters") == []), experiment)
        return {**rule, "filters": [*filters, {"type": MODIFIER, _CHANGES: {"set": [header]}}]}
    changes = filters[place][_CHANGES]
    header = _header((True, changes.get("set") == []), experiment)
    wanted = {**changes, "set": [*(changes.get("set") or ()), header]}
    filters[place] = {**filters[place], _CHANGES: wanted}
    return {**rule, "filters": filters}


def _bare(rule: Rule) -> dict[str, Any]:
    filters: list[Filter] = []
    empty = "filters" in rule
    for each in rule.get("filters") or ():
        ours = next(_ours(each), None)
        if ours is None:
            filters.append(each)
            continue
        users, empty = _MEANINGS[ours["name"]]
        changes = _others(each[_CHANGES], keep_list=users and empty)
        if users or changes:
            filters.append({**each, _CHANGES: changes})
    rest = {key: value for key, value in rule.items() if key != "filters"}
    return rest | ({"filters": filters} if filters or empty else {})


def _others(changes: Mapping[str, Any], *, keep_list: bool) -> dict[str, Any]:
    """What a filter changes beside the header. keep_list: also one that has no headers then."""
    kept = [header for header in changes["set"] if header["name"] not in _MEANINGS]
    rest = {key: value for key, value in changes.items() if key != "set"}
    return rest | ({"set": kept} if kept or keep_list else {})


def _header(meaning: tuple[bool, bool], experiment: str) -> Header:
    return {"name": _SPELLINGS[meaning], "value": experiment}


def _place(filters: Sequence[Filter]) -> int | None:
    """Where the filter is that changes request headers."""
    return next((n for n, each in enumerate(filters) if each["type"] == MODIFIER), None)


def _ours(each: Filter) -> Iterator[Header]:
    headers = (each.get(_CHANGES) or {}).get("set") or ()
    return (header for header in headers if header["name"] in _MEANINGS)


def _value(rule: Rule) -> str:
    """The experiment that a rule tells of."""
    found = (header["value"] for each in rule.get("filters") or () for header in _ours(each))
    return str(next(found, ""))


def _has_canary(rule: Rule, backends: Backends) -> bool:
    return bool(route.refs_to(rule, backends, backends.canary))


def _is_ours(rule: Rule, backends: Backends) -> bool:
    return _has_canary(rule, backends) or bool(route.refs_to(rule, backends, backends.stable))


def _is_full(rule: Rule) -> bool:
    filters = rule.get("filters") or ()
    place = _place(filters)
    if place is None:
        return len(filters) >= LIMIT
    return len(filters[place][_CHANGES].get("set") or ()) >= LIMIT


def _touched(rule: Rule, backends: Backends) -> Iterator[str]:
    """The names of the request headers that the filters of a rule, and of stable in it, change."""
    for owner in (rule, *route.refs_to(rule, backends, backends.stable)):
        for each in owner.get("filters") or ():
            changes = each.get(_CHANGES) or {}
            for kind in ("set", "add"):
                yield from (header["name"] for header in changes.get(kind) or ())
            yield from changes.get("remove") or ()
