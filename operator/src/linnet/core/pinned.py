"""The rules of an HTTPRoute that keeps users on their version: `linnet.core.route`, and pins.

Each of the user's rules that has stable is led by copies of it, which match on one header more:
by Gateway API's precedence they come before the rule itself. The first sends users of the canary
to the canary, the second (cookies only) users of stable to stable; the rule itself is left with
those who have not been seen, or have no bucket. A rule without stable that some request prefers
to one with stable is led by a copy too, or that request would now prefer stable's copies.

At weight 0 and 100 there is nothing to tell apart and there are no pins, so a rollback is the
same one write that it is without them. What is generated can be told from what the user wrote by
the header that it matches on, so the user's rules can be read back, and nothing is remembered
elsewhere. Rules that differ from what would be generated were edited, and have no share.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from linnet.core import route
from linnet.core.route import WHOLE, Backends, Rule
from linnet.core.sticky import JOINED, CookiePins, Match, Pins

MATCHES_LIMIT = 64
"""Most matches that the Gateway API allows in one rule."""

Rules = list[dict[str, Any]]
Problem = tuple[str, str]


def split(rules: Sequence[Rule], backends: Backends, weight: int, pins: Pins | None) -> Rules:
    """Give the canary `weight` percent of the users in each rule that has stable.

    Without pins, and at 0 and 100 percent, this is `route.split`.
    """
    own = restore(rules, backends, pins)
    if pins is None or weight in (0, WHOLE):
        return route.split(own, backends, weight)
    shared = [rule for rule in own if is_shared(rule, backends)]
    result: Rules = []
    for rule in own:
        if rule in shared:
            result += _pinned(rule, backends, weight, pins)
            continue
        if any(_rivals(rule, other) for other in shared):
            result += _copies(rule, _anyone(pins, weight))
        result.append(rule)
    return result


def restore(rules: Sequence[Rule], backends: Backends, pins: Pins | None) -> Rules:
    """Take canary and pins out of the rules, which then read as the user wrote them."""
    if pins is None:
        return route.restore(rules, backends)
    return route.restore(_bases(rules, backends, pins), backends)


def share(rules: Sequence[Rule], backends: Backends, pins: Pins | None) -> int | None:
    """The canary's share in percent; None if the rules are not what `split` makes of any."""
    if pins is None:
        return route.share(rules, backends)
    if not _copies_in(rules, backends, pins):
        plain = route.share(rules, backends)
        return plain if plain in (0, WHOLE) else None
    weight = _asked(rules, backends, pins)
    pinned = 0 < weight < WHOLE and split(rules, backends, weight, pins) == list(rules)
    return weight if pinned else None


def problem(rules: Sequence[Rule], backends: Backends, pins: Pins | None) -> Problem | None:
    """Why these rules can't be split at all, as (reason, message with the field and the remedy)."""
    return route.problem(restore(rules, backends, pins) if pins else rules, backends)


def is_shared(rule: Rule, backends: Backends) -> bool:
    """Whether the rule has stable with some weight, so that there is something to split."""
    return route.listed(route.split([rule], backends, 0), backends)


def matches_of(rule: Rule) -> list[Match]:
    """The matches; those that the API server fills in where there are none."""
    return list(rule.get("matches") or [{"path": {"type": "PathPrefix", "value": "/"}}])


def headers_of(rule: Rule) -> Iterator[Match]:
    """The header matches of all its matches."""
    for match in matches_of(rule):
        yield from match.get("headers") or ()


def _pinned(rule: Rule, backends: Backends, weight: int, pins: Pins) -> Rules:
    """The rule, led by its copies."""
    (canary,) = route.split([rule], backends, WHOLE)
    (stable,) = route.split([rule], backends, 0)
    if not isinstance(pins, CookiePins):
        return [*_copies(canary, pins.on_canary(weight)), stable]
    # On each of its answers, so that nobody who keeps coming back loses the canary.
    refs = [
        pins.stamp(ref, JOINED) if route.refers_to(ref, backends, backends.canary) else ref
        for ref in canary["backendRefs"]
    ]
    return [
        *_copies({**canary, "backendRefs": refs}, pins.on_canary(weight)),
        *_copies(stable, pins.on_stable()),
        _drawing(rule, backends, weight, pins),
    ]


def _drawing(rule: Rule, backends: Backends, weight: int, pins: CookiePins) -> dict[str, Any]:
    """The rule that draws, for each user who has not been seen, when to join the canary."""
    (halves,) = route.split([rule], backends, weight)
    result: list[dict[str, Any]] = []
    for ref in halves["backendRefs"]:
        if route.refers_to(ref, backends, backends.canary):
            result.append(pins.stamp(ref, JOINED))
        elif route.refers_to(ref, backends, backends.stable):
            own = ref["weight"] // (WHOLE - weight)
            before = weight
            for step in pins.steps:
                if step > before:
                    result.append(pins.stamp({**ref, "weight": own * (step - before)}, step))
                    before = step
        else:
            result.append(ref)
    return {**halves, "backendRefs": result}


def _gathered(rule: Rule, pins: CookiePins) -> Rule:
    """The rule without stamps, with the weights of each backend's parts added up."""
    result: list[dict[str, Any]] = []
    before: int | None = None
    for ref in rule.get("backendRefs") or ():
        bare, stamp = pins.unstamp(ref)
        follows = stamp is not None and before is not None and stamp > before
        if follows and {**result[-1], "weight": 0} == {**bare, "weight": 0}:
            result[-1]["weight"] = route.weight_of(result[-1]) + route.weight_of(bare)
        else:
            result.append(bare)
        before = stamp
    return {**rule, "backendRefs": result} if result else rule


def _copies(rule: Rule, headers: Sequence[Match]) -> Rules:
    """The rule for requests that match one of the headers as well, as often as it takes."""
    matches = [
        {**match, "headers": [*(match.get("headers") or ()), header]}
        for match in matches_of(rule)
        for header in headers
    ]
    # Gateway API allows one match where a path's prefix is replaced. A name stands once.
    size = 1 if _replaces_prefix(rule) else MATCHES_LIMIT
    rest = {key: value for key, value in rule.items() if key != "name"}
    return [
        {**rest, "matches": matches[first : first + size]} for first in range(0, len(matches), size)
    ]


def _originals(rules: Sequence[Rule], pins: Pins) -> list[Rule]:
    """The rules that the copies were made from, each once."""
    result: list[Rule] = []
    for rule in rules:
        matches: list[Match] = []
        for match in matches_of(rule):
            kept = [each for each in match.get("headers") or () if not pins.owns(each)]
            rest = {key: value for key, value in match.items() if key != "headers"}
            bare = rest | ({"headers": kept} if kept else {})
            if bare not in matches:
                matches.append(bare)
        if not any(matches_of(other) == matches for other in result):
            result.append({**rule, "matches": matches})
    return result


def _anyone(pins: Pins, weight: int) -> list[Match]:
    """The header matches of everybody who is led past the rule itself by a copy of it."""
    return pins.on_stable() if isinstance(pins, CookiePins) else pins.on_canary(weight)


def _asked(rules: Sequence[Rule], backends: Backends, pins: Pins) -> int:
    """The weight that pinned rules seem to be made for; 0 if they don't say."""
    if isinstance(pins, CookiePins):
        return route.share(_bases(rules, backends, pins), backends) or 0
    ours = (match for rule in rules for match in headers_of(rule) if pins.owns(match))
    buckets = (int(number) for match in ours for number in re.findall("[0-9]+", match["value"]))
    return max(buckets, default=-1) + 1


def _bases(rules: Sequence[Rule], backends: Backends, pins: Pins) -> list[Rule]:
    """The rules without their copies and stamps, still split."""
    copies = _copies_in(rules, backends, pins)
    own = [rule for rule in rules if rule not in copies]
    if copies and not any(route.refs_to(rule, backends, backends.stable) for rule in own):
        own = _originals(rules, pins)  # somebody has left only the copies
    return [_gathered(rule, pins) for rule in own] if isinstance(pins, CookiePins) else own


def _copies_in(rules: Sequence[Rule], backends: Backends, pins: Pins) -> list[Rule]:
    """The rules that are copies. Where no rule has the canary, all are the user's own."""
    if not route.listed(rules, backends):
        return []
    return [
        rule
        for rule in rules
        if all(any(map(pins.owns, match.get("headers") or ())) for match in matches_of(rule))
    ]


def _rivals(one: Rule, other: Rule) -> bool:
    """Whether only headers, or what counts less, decide which of the rules a request prefers."""
    return any(_same_rank(a, b) for a in matches_of(one) for b in matches_of(other))


def _same_rank(one: Match, other: Match) -> bool:
    paths = [one.get("path") or {}, other.get("path") or {}]
    # What a regular expression ranks as is up to the gateway.
    vague = any(path.get("type") == "RegularExpression" for path in paths)
    ranks = [(path.get("type", "PathPrefix"), path.get("value", "/")) for path in paths]
    return one.get("method") == other.get("method") and (vague or ranks[0] == ranks[1])


def _replaces_prefix(rule: Rule) -> bool:
    owners = [rule, *(rule.get("backendRefs") or ())]
    changes = (
        each.get(kind) or {}
        for owner in owners
        for each in owner.get("filters") or ()
        for kind in ("requestRedirect", "urlRewrite")
    )
    return any("replacePrefixMatch" in (change.get("path") or {}) for change in changes)
