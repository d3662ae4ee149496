"""Why the rules of an HTTPRoute can't keep users on their version, said before anything moves."""

from collections.abc import Iterator, Sequence

from linnet.core import pinned, route
from linnet.core.route import WHOLE, Backends, Ref, Rule
from linnet.core.sticky import MODIFIER, SET_COOKIE, CookiePins, Match, Pins, is_header

RULES_LIMIT = 16
MATCHES_LIMIT = 128
HEADERS_LIMIT = 16
"""Most rules of an HTTPRoute, matches of all its rules, and headers of one match."""


def misfit(
    rules: Sequence[Rule], backends: Backends, pins: Pins | None, weight: int | None = None
) -> pinned.Problem | None:
    """Why users can't be told apart at this weight, or at some step, as `problem` says it.

    Never at 0 and 100 percent.
    """
    if weight in (0, WHOLE):
        return None
    persistent = [rule for rule in rules if "sessionPersistence" in rule]
    if any(route.refs_to(rule, backends, backends.stable) for rule in persistent):
        return (
            "SessionPersistence",
            f"a rule of the HTTPRoute with Service {backends.stable} has sessionPersistence, which "
            "keeps users on a canary that has weight 0, so a rollback could not move them back: "
            "remove it from spec.rules[], or use spec.traffic.sticky instead",
        )
    if pins is None:
        return None
    own = pinned.restore(rules, backends, pins)
    if any(is_header(match, pins.header) for rule in own for match in pinned.headers_of(rule)):
        return (
            "StickyHeaderTaken",
            f"a rule of the HTTPRoute matches on header {pins.header}, which spec.traffic.sticky "
            "needs for itself: move that rule to another HTTPRoute, or tell users apart by "
            "another spec.traffic.sticky.header",
        )
    shared = [rule for rule in own if pinned.is_shared(rule, backends)]
    if isinstance(pins, CookiePins) and any(_touches_cookies(rule, backends) for rule in shared):
        return (
            "SetCookieTaken",
            f"a filter beside Service {backends.stable} changes header Set-Cookie, which "
            "spec.traffic.sticky.cookie adds to: remove it from the HTTPRoute's filters, or use "
            "spec.traffic.sticky.header",
        )
    asked = [weight] if weight else [step for step in pins.steps if step < WHOLE]
    sizes = (_too_large(pinned.split(own, backends, step, pins), step) for step in asked)
    return next((size for size in sizes if size), None)


def _too_large(rules: pinned.Rules, weight: int) -> pinned.Problem | None:
    backends = max(len(rule.get("backendRefs") or ()) for rule in rules)
    matches = sum(len(pinned.matches_of(rule)) for rule in rules)
    headers = max(
        len(match.get("headers") or ()) for rule in rules for match in pinned.matches_of(rule)
    )
    sizes = (
        ("TooManyRules", "rules in the HTTPRoute", len(rules), RULES_LIMIT),
        ("TooManyMatches", "matches in the HTTPRoute", matches, MATCHES_LIMIT),
        ("TooManyHeaders", "headers in one match", headers, HEADERS_LIMIT),
        ("TooManyBackends", "backends in one rule", backends, route.BACKENDS_LIMIT),
    )
    for reason, what, size, limit in sizes:
        if size > limit:
            return (
                reason,
                f"spec.traffic.sticky needs {size} {what} at weight {weight}, and Gateway API "
                f"allows {limit}: {_REMEDIES[reason]}",
            )
    return None


_FEWER = (
    "divide the HTTPRoute in two, or, with sticky.header, set its type to RegularExpression if "
    "the gateway knows it"
)
_REMEDIES = {
    "TooManyRules": _FEWER,
    "TooManyMatches": _FEWER,
    "TooManyHeaders": "match on one header less",
    "TooManyBackends": "take fewer steps in spec.steps, or use spec.traffic.sticky.header",
}


def _touches_cookies(rule: Rule, backends: Backends) -> bool:
    """Whether a filter would take our Set-Cookie away, or leave no room for it."""
    outer = _modifiers(rule)
    inner = [
        each for ref in route.refs_to(rule, backends, backends.stable) for each in _modifiers(ref)
    ]
    taken = [name for each in [*outer, *inner] for name in _replaced(each)]
    added = [header["name"] for each in inner for header in each.get("add") or ()]
    return any(name.lower() == SET_COOKIE.lower() for name in [*taken, *added])


def _replaced(modifier: Match) -> Iterator[str]:
    yield from (header["name"] for header in modifier.get("set") or ())
    yield from modifier.get("remove") or ()


def _modifiers(owner: Rule | Ref) -> list[Match]:
    filters = owner.get("filters") or ()
    return [each["responseHeaderModifier"] for each in filters if each["type"] == MODIFIER]
