"""Rules of an HTTPRoute as users of the Deployment `shop` write them."""

from typing import Any

from linnet.core.route import Backends

SHOP = Backends("default", "shop", "shop-canary")
Rule = dict[str, Any]

BUCKET = "X-Bucket"
RELEASE = "7e8a1b-1767225600"


def ref(name: str, weight: int = 1, **more: Any) -> Rule:
    """A backend of a rule."""
    return {"name": name, "port": 80, "weight": weight, **more}


def rule(*refs: Rule, path: str = "/", **more: Any) -> Rule:
    """A rule for all requests below a path."""
    match = {"path": {"type": "PathPrefix", "value": path}}
    return {"matches": [match], "backendRefs": list(refs), **more}


PLAIN = [rule(ref("shop"))]
