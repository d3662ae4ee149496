import re

import pytest

from linnet.api.analysis import QUERY_VARIABLES
from linnet.core.queries import GENERATED_LIMIT, Question, UnknownVariable, fill, questions
from linnet.providers.metrics import syntax
from tests.support.builders import make_spec


def pod(deployment: str, hash_: str = "7d9f8c6b5d") -> str:
    """A pod's name as Kubernetes makes it."""
    return f"{deployment}-{hash_}-"[:GENERATED_LIMIT] + "x2k9z"


def pods_pattern(target: str) -> re.Pattern[str]:
    metric = {"name": "own", "query": "{{pods}}", "rollback": {"above": 1}}
    spec = make_spec(analysis={"metrics": [metric]}, targetRef={"name": target})
    return re.compile(questions(spec, "demo", "shop")["own"].promql)


def test_every_variable_is_filled_in() -> None:
    text = " ".join(f"{{{{{name}}}}}" for name in QUERY_VARIABLES)
    metric = {"name": "own", "query": text, "rollback": {"above": 1}}
    spec = make_spec(analysis={"metrics": [metric], "window": "90s"})
    assert questions(spec, "demo", "release") == {
        "own": Question(
            "demo release shop canary shop-canary shop-canary-[0-9a-z]+-[0-9a-z]{5} 1m30s"
        )
    }


def test_a_ready_made_query_is_the_same_for_all_releases() -> None:
    one = questions(make_spec(), "demo", "shop")
    other = questions(make_spec(targetRef={"name": "tea"}), "prod", "cups")
    for name, question in one.items():
        assert "{{" not in question.promql
        assert syntax.check(question.promql) == ""
        assert question.promql == other[name].promql
        assert (question.row, other[name].row) == (("demo", "shop-canary"), ("prod", "tea-canary"))


def test_a_ready_made_query_keeps_to_the_operators_namespace() -> None:
    for question in questions(make_spec(), "demo", "shop", scope="demo").values():
        assert 'namespace="demo"' in question.promql


def canary_of(query: str, pod: str) -> str:
    """The workload that a ready-made query takes a pod for; '' if it leaves the pod out."""
    (pods,) = set(re.findall(r'pod=~"([^"]*)"', query))
    ((workload, owner),) = set(re.findall(r'"workload", "([^"]*)", "pod", "([^"]*)"', query))
    if not re.fullmatch(pods, pod):
        return ""
    return re.sub(f"^(?:{owner})$", workload.replace("$1", r"\1"), pod)


@pytest.mark.parametrize("length", range(1, 56))
def test_a_ready_made_query_knows_the_canary_by_its_pods(length: int) -> None:
    target = "s" * length
    question = questions(make_spec(targetRef={"name": target}), "demo", "shop")["errorRate"]
    for hash_ in ("7d9f8c6b5d", "7d9f8c", "cccccccccc"):
        name = canary_of(question.promql, pod(f"{target}-canary", hash_))
        assert ("demo", name) == question.row
        assert canary_of(question.promql, pod(target, hash_)) == ""


def test_blanks_in_a_variable_do_not_matter() -> None:
    assert fill("a{{ window }}b{c}", {"window": "1m"}) == "a1mb{c}"


@pytest.mark.parametrize("wrong", ["windw", " .Window ", "args.window", "pod_name", ""])
def test_an_unknown_variable_is_refused_with_those_there_are(wrong: str) -> None:
    with pytest.raises(UnknownVariable) as refused:
        fill(f"rate(x[{{{{{wrong}}}}}])", {"window": "1m"})
    told = str(refused.value)
    assert told.startswith(f"{{{{{wrong}}}}} is not a variable: there are ")
    assert told.endswith(", {{window}}")


@pytest.mark.parametrize("length", range(1, 56))
def test_the_pattern_matches_the_canarys_pods_and_not_stables(length: int) -> None:
    target = "s" * length
    pattern = pods_pattern(target)
    for hash_ in ("7d9f8c6b5d", "7d9f8c", "cccccccccc"):
        assert pattern.fullmatch(pod(f"{target}-canary", hash_))
        assert not pattern.fullmatch(pod(target, hash_))
