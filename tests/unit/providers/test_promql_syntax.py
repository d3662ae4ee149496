import pytest

from linnet.providers.metrics.syntax import check


@pytest.mark.parametrize(
    "promql",
    ["up", "1", "sum(rate(x_total[5m])) / sum(rate(y_total[5m]))", "max_over_time(up[1h:5m])"],
)
def test_a_query_that_gives_numbers(promql: str) -> None:
    assert check(promql) == ""


@pytest.mark.parametrize(
    ("promql", "said"),
    [
        ("sum(", "correct the PromQL: unclosed left parenthesis"),
        ("rate(up)", "expected type matrix"),
        ("", "no expression"),
        ("up[5m]", "a range of values"),
        ("rate(x[1m])[1h:5m]", "a range of values"),
        ('"text"', "a text"),
    ],
)
def test_a_query_that_cannot_work(promql: str, said: str) -> None:
    assert said in check(promql)
