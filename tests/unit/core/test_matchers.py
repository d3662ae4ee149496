"""Matchers on labels: the same answers as Alertmanager's, in time that no label can stretch."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.core.matchers import matches

LABELS = {"team": "shop", "severity": "critical", "empty": ""}


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ('team="shop"', True),
        ('team="sho"', False),
        ('team!="shop"', False),
        ('other=""', True),
        ('other!=""', False),
        ('team=~"shop|cart"', True),
        ('team=~"sh"', False),
        ('team=~"sh.*"', True),
        ('team=~".*op"', True),
        ('team=~"s.*o.*p"', True),
        ('team=~"s.*x.*p"', False),
        ('team=~"sho.*op"', False),
        ('team=~"x.*p"', False),
        ('team=~"s.*x"', False),
        ('team=~"sh.p"', True),
        ('team!~"sh.*"', False),
        ('team!~"cart"', True),
        ('other=~""', True),
        ('other=~".*"', True),
    ],
)
def test_one_matcher(matcher: str, expected: bool) -> None:
    assert matches([matcher], LABELS) is expected


def test_all_have_to_match() -> None:
    assert matches(['team="shop"', 'severity="critical"'], LABELS)
    assert not matches(['team="shop"', 'severity="warning"'], LABELS)


def test_what_is_no_matcher_is_an_error() -> None:
    with pytest.raises(ValueError, match="no matcher"):
        matches(["team"], LABELS)


@given(st.text("ab.*|", max_size=8), st.text("ab", max_size=8))
def test_the_answer_is_that_of_a_regular_expression(pattern: str, value: str) -> None:
    text = re.sub(r"(?<!\.)\*", "", pattern.replace("**", "*"))
    expected = re.fullmatch(f"(?:{text})", value) is not None
    assert matches([f'label=~"{text}"'], {"label": value}) is expected


def test_no_label_makes_it_slow() -> None:
    began = process_time()
    assert not matches([f'label=~"{"a.*" * 40}b"'], {"label": "a" * 10_000})
    assert process_time() - began < 5
