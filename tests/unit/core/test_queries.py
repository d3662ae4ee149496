import re

import pytest

from linnet.core.queries import GENERATED_LIMIT, VARIABLES, UnknownVariable, fill, queries
from tests.support.builders import make_spec


def pod(deployment: str, hash_: str = "7d9f8c6b5d") -> str:
    """A pod's name as Kubernetes makes it."""
    return f"{deployment}-{hash_}-"[:GENERATED_LIMIT] + "x2k9z"


def pods_pattern(target: str) -> re.Pattern[str]:
    metric = {"name": "own", "query": "{{pods}}", "rollback": {"above": 1}}
    spec = make_spec(analysis={"metrics": [metric]}, targetRef={"name": target})
    return re.compile(queries(spec, "demo", "shop")["own"])


def test_every_variable_is_filled_in() -> None:
    text = " ".join(f"{{{{{name}}}}}" for name in VARIABLES)
    metric = {"name": "own", "query": text, "rollback": {"above": 1}}
    spec = make_spec(analysis={"metrics": [metric], "window": "90s"})
    assert queries(spec, "demo", "release") == {
        "own": "demo release shop canary shop-canary shop-canary-[0-9a-z]+-[0-9a-z]{5} 1m30s"
    }


def test_the_ready_made_queries_have_nothing_left_to_fill() -> None:
    for query in queries(make_spec(), "demo", "shop").values():
        assert "{{" not in query
        assert 'namespace="demo"' in query


def test_blanks_in_a_variable_do_not_matter() -> None:
    assert fill("a{{ window }}b{c}", {"window": "1m"}) == "a1mb{c}"


def test_an_unknown_variable_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UnknownVariable, match=r"{{windw}} is not a variable: there are.*{{window}}"
    ):
        fill("rate(x[{{windw}}])", {"window": "1m"})


@pytest.mark.parametrize("length", range(1, 56))
def test_the_pattern_matches_the_canarys_pods_and_not_stables(length: int) -> None:
    target = "s" * length
    pattern = pods_pattern(target)
    for hash_ in ("7d9f8c6b5d", "7d9f8c", "cccccccccc"):
        assert pattern.fullmatch(pod(f"{target}-canary", hash_))
        assert not pattern.fullmatch(pod(target, hash_))
