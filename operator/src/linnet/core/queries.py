"""The small template language of queries: {{namespace}}, {{release}}, {{target}}, {{track}},
{{workload}}, {{pods}} and {{window}}.
"""

import re
from datetime import timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.types import format_duration
from linnet.core.catalog import checks

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z]*)\s*\}\}")
VARIABLES = ("namespace", "release", "target", "track", "workload", "pods", "window")

SUFFIX = 5
"""Length of the random end of a pod's name."""
GENERATED_LIMIT = 58
"""What Kubernetes keeps of a name before it puts the suffix on."""
HASH_LIMIT = 10
"""Most characters that a ReplicaSet's hash has."""


class UnknownVariable(ValueError):
    """A query names a variable that doesn't exist."""


def fill(query: str, variables: dict[str, str]) -> str:
    """Put the variables' values into a query.

    Raises:
        UnknownVariable: the query names another variable; the message lists those there are.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            known = ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
            raise UnknownVariable(f"{match.group(0)} is not a variable: there are {known}")
        return variables[name]

    return _VARIABLE.sub(value, query)


def canary_variables(
    spec: CanaryReleaseSpec, namespace: str, release: str, window: timedelta
) -> dict[str, str]:
    """The variables for the canary's track."""
    workload = f"{spec.target_ref.name}-canary"
    return {
        "namespace": namespace,
        "release": release,
        "target": spec.target_ref.name,
        "track": "canary",
        "workload": workload,
        "pods": _pods(workload),
        "window": format_duration(window),
    }


def _pods(workload: str) -> str:
    """A regular expression for the names of a Deployment's pods: NAME-HASH-SUFFIX.

    With both parts spelled out the pattern of NAME can't match the pods of NAME-canary. Where
    the name is long Kubernetes cuts all but the suffix, in the middle of the hash or before it.
    """
    whole = f"{workload}-[0-9a-z]+-[0-9a-z]{{{SUFFIX}}}"
    room = GENERATED_LIMIT - len(f"{workload}-")
    if room > HASH_LIMIT:
        return whole
    if room >= 0:
        return f"({whole}|{workload}-[0-9a-z]{{{room + SUFFIX}}})"
    return f"{workload[:GENERATED_LIMIT]}[0-9a-z]{{{SUFFIX}}}"


def queries(spec: CanaryReleaseSpec, namespace: str, release: str) -> dict[str, str]:
    """Each check's name with its query, filled in for the canary.

    Raises:
        UnknownVariable: a query names a variable that doesn't exist.
    """
    variables = canary_variables(spec, namespace, release, spec.analysis.window)
    return {check.name: fill(check.query, variables) for check in checks(spec.analysis)}
