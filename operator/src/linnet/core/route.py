"""The rules of an HTTPRoute as data: split between stable and canary, and put back.

A rule's weights are proportions. To give the canary `w` percent of what stable had, stable's own
weight W becomes W * (100 - w), the canary gets W * w, and every other backend of the rule is
multiplied by 100: its share stays what it was. Dividing by 100 gives the user's weights back, so
nothing has to be remembered elsewhere.

The canary's Service has no place in rules of the user's own. A rule that names it without stable
is one that somebody took stable out of: stable comes back in the canary's place.

Weights that don't divide were edited by hand in mid-release. Where stable is the only backend its
weight says nothing and 1 is taken; otherwise the sums are taken as they are, which keeps the
proportions. Only where that leaves no room for whole percents they are divided and rounded up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rule = Mapping[str, Any]
Ref = Mapping[str, Any]

WHOLE = 100
WEIGHT_LIMIT = 1_000_000
"""Greatest weight that the Gateway API allows."""
ROOM = WEIGHT_LIMIT // WHOLE
"""Greatest weight that leaves room for whole percents."""
BACKENDS_LIMIT = 16
"""Most backends that the Gateway API allows in one rule."""


@dataclass(frozen=True)
class Backends:
    """The two Services of a split, in the route's own namespace."""

    namespace: str
    stable: str
    canary: str


def split(rules: Sequence[Rule], backends: Backends, weight: int) -> list[dict[str, Any]]:
    """Give the canary `weight` percent of stable's share in each rule that has stable.

    The canary's entry stands right after stable's and copies its port and filters. At 0 percent
    any rules will do: one that has no room for the canary is left without it.
    """
    return [_split_rule(rule, backends, weight) for rule in rules]


def restore(rules: Sequence[Rule], backends: Backends) -> list[dict[str, Any]]:
    """Take the canary out of each rule that names it, with the weights there were before."""
    return [
        {**rule, "backendRefs": _own_weights(rule, backends)}
        if _is_listed(rule, backends)
        else dict(rule)
        for rule in rules
    ]


def share(rules: Sequence[Rule], backends: Backends) -> int | None:
    """The canary's share in percent; None if the rules differ or the share is not whole."""
    shares = set()
    for rule in rules:
        ours = _weigh(refs_to(rule, backends, backends.stable))
        theirs = _weigh(refs_to(rule, backends, backends.canary))
        if ours + theirs == 0:
            continue
        percent, rest = divmod(WHOLE * theirs, ours + theirs)
        shares.add(None if rest else percent)
    return shares.pop() if len(shares) == 1 else None


def listed(rules: Sequence[Rule], backends: Backends) -> bool:
    """Whether some rule names the canary, so that it may get traffic."""
    return any(_is_listed(rule, backends) for rule in rules)


def problem(rules: Sequence[Rule], backends: Backends) -> tuple[str, str] | None:
    """Why these rules can't be split, as (reason, message with the field and the remedy)."""
    used = [_own_weights(rule, backends) for rule in rules]
    own = [refs for refs in used if _named(refs, backends, backends.stable)]
    if not own:
        return (
            "NoStableBackend",
            f"no rule of the HTTPRoute has Service {backends.stable} among its backendRefs: add "
            "it to spec.rules[].backendRefs, or set spec.traffic.service of the CanaryRelease to "
            "the Service that the route uses",
        )
    if not any(_weigh(_named(refs, backends, backends.stable)) for refs in own):
        return (
            "StableWithoutWeight",
            f"Service {backends.stable} has weight 0 in every rule of the HTTPRoute, so there is "
            "no traffic to split: give it a weight in spec.rules[].backendRefs[].weight",
        )
    if any(map(_too_large, own)):
        return (
            "WeightTooLarge",
            f"a weight beside Service {backends.stable} is greater than {ROOM}, which leaves no "
            "room for whole percents: lower spec.rules[].backendRefs[].weight in proportion",
        )
    if any(_too_many(refs, backends) for refs in own):
        return (
            "TooManyBackends",
            f"a rule with Service {backends.stable} has no room for the canary among its at most "
            f"{BACKENDS_LIMIT} backends: remove one from spec.rules[].backendRefs",
        )
    return None


def refs_to(rule: Rule, backends: Backends, name: str) -> list[Ref]:
    """The rule's backends that are the Service of this name in the route's namespace."""
    return _named(rule.get("backendRefs") or (), backends, name)


def refers_to(ref: Ref, backends: Backends, name: str) -> bool:
    """Whether a backend is the Service of this name in the route's namespace."""
    return (
        ref.get("name") == name
        and (ref.get("kind") or "Service") == "Service"
        and not ref.get("group")
        and (ref.get("namespace") or backends.namespace) == backends.namespace
    )


def weight_of(ref: Ref) -> int:
    """A backend's weight; the Gateway API's default where it has none."""
    weight = ref.get("weight")
    return 1 if weight is None else int(weight)


def _split_rule(rule: Rule, backends: Backends, weight: int) -> dict[str, Any]:
    refs = _own_weights(rule, backends)
    if not _weigh(_named(refs, backends, backends.stable)):
        return dict(rule)
    if weight == 0 and (_too_large(refs) or _too_many(refs, backends)):
        return {**rule, "backendRefs": refs}
    result: list[dict[str, Any]] = []
    for ref in refs:
        own = weight_of(ref)
        if not refers_to(ref, backends, backends.stable):
            result.append({**ref, "weight": own * WHOLE})
            continue
        result.append({**ref, "weight": own * (WHOLE - weight)})
        result.append({**ref, "name": backends.canary, "weight": own * weight})
    return {**rule, "backendRefs": result}


def _own_weights(rule: Rule, backends: Backends) -> list[dict[str, Any]]:
    """The rule's backends as the user had them: without the canary, divided by 100."""
    if not _is_listed(rule, backends):
        return [dict(ref) for ref in rule.get("backendRefs") or ()]
    merged = _merge_canary(rule, backends)
    weights = [weight_of(ref) for ref in merged]
    if not _weigh(_named(merged, backends, backends.stable)):
        # Both were set to 0 by hand: a rule where stable had no weight was never split.
        weights = [
            1 if refers_to(ref, backends, backends.stable) else weight_of(ref) for ref in merged
        ]
    elif all(weight % WHOLE == 0 for weight in weights):
        weights = [weight // WHOLE for weight in weights]
    elif len(merged) == 1:
        weights = [1]
    excess = _divide_up(max(weights), ROOM)
    if excess > 1:
        weights = [_divide_up(weight, excess) for weight in weights]
    return [{**ref, "weight": weight} for ref, weight in zip(merged, weights, strict=True)]


def _merge_canary(rule: Rule, backends: Backends) -> list[dict[str, Any]]:
    """The rule's backends, each canary's weight added to the stable entry of the same port."""
    if not _has_stable(rule, backends):
        return [
            {**ref, "name": backends.stable, "weight": weight_of(ref)}
            if refers_to(ref, backends, backends.canary)
            else {**ref, "weight": weight_of(ref)}
            for ref in rule["backendRefs"]
        ]
    spare = [dict(ref) for ref in refs_to(rule, backends, backends.canary)]
    merged = []
    for ref in rule["backendRefs"]:
        if refers_to(ref, backends, backends.canary):
            continue
        twin = None
        if refers_to(ref, backends, backends.stable):
            twin = next((other for other in spare if other.get("port") == ref.get("port")), None)
        if twin is not None:
            spare.remove(twin)
        merged.append({**ref, "weight": weight_of(ref) + (weight_of(twin) if twin else 0)})
    return merged


def _has_stable(rule: Rule, backends: Backends) -> bool:
    return bool(refs_to(rule, backends, backends.stable))


def _is_listed(rule: Rule, backends: Backends) -> bool:
    return bool(refs_to(rule, backends, backends.canary))


def _too_large(refs: Iterable[Ref]) -> bool:
    return any(weight_of(ref) > ROOM for ref in refs)


def _too_many(refs: Sequence[Ref], backends: Backends) -> bool:
    return len(refs) + len(_named(refs, backends, backends.stable)) > BACKENDS_LIMIT


def _named(refs: Iterable[Ref], backends: Backends, name: str) -> list[Ref]:
    return [ref for ref in refs if refers_to(ref, backends, name)]


def _divide_up(number: int, by: int) -> int:
    return -(-number // by)


def _weigh(refs: Iterable[Ref]) -> int:
    return sum(weight_of(ref) for ref in refs)
