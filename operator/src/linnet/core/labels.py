"""The labels the operator writes, the names it gives, and label selectors as data."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Object = Mapping[str, Any]
Labels = Mapping[str, str]

GROUP = "linnet.dev"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "linnet"
RELEASE = f"{GROUP}/release"
TRACK = f"{GROUP}/track"
REVISION = f"{GROUP}/revision"
STABLE, CANARY, BOTH = "stable", "canary", "both"
SPLIT = f"{GROUP}/split"
"""On a Service with the pods of both tracks behind it: the release that splits it. On an
HTTPRoute: the release that has taken its canary out and has not yet given up the rules."""
TRACKS = f"{GROUP}/tracks"
"""On the same: whose pods its selector picks: stable, canary or both."""
WEIGHT = f"{GROUP}/weight"
"""An annotation on the same: the weight asked for, in percent."""
TRACKED = f"{GROUP}/tracked"
"""On what a release tracks, and on what is made of it: what the operator watches."""
CONFIG = f"{GROUP}/config"
"""The hash of tracked content: a label on its copies, and an annotation on promoted templates."""

NAME_LIMIT = 63


def label_value(text: str) -> str:
    """`text` as a label value or a name of at most 63 characters: the end gives way to a hash."""
    if len(text) <= NAME_LIMIT:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: NAME_LIMIT - 9].rstrip('-._')}-{digest}"


def canary_name(name: str) -> str:
    """The name of the canary's counterpart of a Deployment, a Service or a label value."""
    return label_value(f"{name}-{CANARY}")


def labels_of(found: Object) -> Labels:
    """The labels of an object or of a pod template."""
    return (found.get("metadata") or {}).get("labels") or {}


def is_ours(found: Object) -> bool:
    """Whether the operator made this object."""
    return labels_of(found).get(MANAGED_BY) == MANAGER


def is_own(found: Object, release: str) -> bool:
    """Whether the operator made this object for this CanaryRelease."""
    return is_ours(found) and labels_of(found).get(RELEASE) == label_value(release)


def matches(wanted: Labels, labels: Labels) -> bool:
    """Whether each wanted label is there with that value."""
    return all(labels.get(key) == value for key, value in wanted.items())


_OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def selects(selector: Object, labels: Labels) -> bool:
    """Whether a selector (`matchLabels`, `matchExpressions`) matches these labels."""
    return matches(selector.get("matchLabels") or {}, labels) and all(
        _OPERATORS[term["operator"]](labels.get(term["key"]), term.get("values") or [])
        for term in selector.get("matchExpressions") or ()
    )


def selector_text(selector: Object) -> str:
    """A selector the way a list request takes it: ``app=shop,tier in (a,b),!old``."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for term in selector.get("matchExpressions") or ():
        key, values = term["key"], ",".join(term.get("values") or ())
        terms.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[term["operator"]]
        )
    return ",".join(terms)
