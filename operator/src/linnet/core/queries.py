"""The small template language of queries: {{namespace}}, {{release}}, {{target}}, {{track}},
{{workload}}, {{pods}} and {{window}}.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from linnet.api.analysis import QUERY_VARIABLES
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.types import format_duration
from linnet.core.catalog import checks

_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
SHARED = ("canaries", "owner", "workload", "window")
"""The variables of a ready-made query."""

SUFFIX = 5
"""Length of the random end of a pod's name."""
GENERATED_LIMIT = 58
"""What Kubernetes keeps of a name before it puts the suffix on."""
HASH_LIMIT = 10
"""Most characters that a ReplicaSet's hash has."""
POD_END = f"-[0-9a-z]+-[0-9a-z]{{{SUFFIX}}}"
"""What Kubernetes puts behind a Deployment's name to make its pods' names."""
OWNER_OF_CANARY = ".+-canary"


class UnknownVariable(ValueError):
    """A query names a variable that doesn't exist."""


def fill(query: str, variables: dict[str, str], known: Sequence[str] = QUERY_VARIABLES) -> str:
    """Put the variables' values into a query.

    Raises:
        UnknownVariable: the query names another variable; the message lists those there are.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name not in variables:
            those = ", ".join(f"{{{{{each}}}}}" for each in known)
            raise UnknownVariable(f"{match.group(0)} is not a variable: there are {those}")
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
        "pods": pods_of(workload),
        "window": format_duration(window),
    }


def whole_names(workload: str) -> bool:
    """Whether the names of a Deployment's pods have its own name and the whole hash in them."""
    return GENERATED_LIMIT - len(f"{workload}-") > HASH_LIMIT


def pods_of(workload: str) -> str:
    """A regular expression for the names of a Deployment's pods: NAME-HASH-SUFFIX.

    With both parts spelled out the pattern of NAME can't match the pods of NAME-canary. Where
    the name is long Kubernetes cuts all but the suffix, in the middle of the hash or before it.
    """
    whole = f"{workload}{POD_END}"
    if whole_names(workload):
        return whole
    room = GENERATED_LIMIT - len(f"{workload}-")
    if room >= 0:
        return f"({whole}|{workload}-[0-9a-z]{{{room + SUFFIX}}})"
    return f"{workload[:GENERATED_LIMIT]}[0-9a-z]{{{SUFFIX}}}"


@dataclass(frozen=True)
class Question:
    """What is asked of Prometheus, and which row of the answer is meant; None: its one number."""

    promql: str
    row: tuple[str, ...] | None = None


def questions(
    spec: CanaryReleaseSpec, namespace: str, release: str, scope: str = ""
) -> dict[str, Question]:
    """Each check's name with what to ask about the canary.

    The text of a ready-made check is the same for all releases with this window, so that one
    answer serves them all. scope: the only namespace that may be asked about; '' for all.

    Raises:
        UnknownVariable: a query names a variable that doesn't exist.
    """
    variables = canary_variables(spec, namespace, release, spec.analysis.window)
    row = (namespace, variables["workload"])
    return {
        check.name: Question(fill(check.query, _shared_variables(variables, scope), SHARED), row)
        if check.shared
        else Question(fill(check.query, variables))
        for check in checks(spec.analysis)
    }


def _shared_variables(variables: dict[str, str], scope: str) -> dict[str, str]:
    """The variables of a ready-made query: all canaries, or one whose pods' names were cut."""
    if whole_names(variables["workload"]):
        pods, owner, workload = f"{OWNER_OF_CANARY}{POD_END}", f"(.+){POD_END}", "$1"
        namespaces = [f'namespace="{scope}"'] if scope else []
    else:
        pods, owner, workload = variables["pods"], ".*", variables["workload"]
        namespaces = [f'namespace="{variables["namespace"]}"']
    return {
        "canaries": ",".join([*namespaces, f'pod=~"{pods}"']),
        "owner": owner,
        "workload": workload,
        "window": variables["window"],
    }
