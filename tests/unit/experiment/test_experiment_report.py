"""One record, three forms: all tell the result, and no name breaks them."""

import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from linnet.api.experiment import Experiment, ExperimentMetric, ExperimentResult, Role
from linnet.experiment import plots, words
from linnet.experiment.data import Data, Health, Measured
from linnet.experiment.html import html
from linnet.experiment.markdown import markdown
from linnet.experiment.record import Decided
from linnet.experiment.report import Report, as_json, of_record, report
from tests.support.experiments import START, data, good, kept, shares

NASTY = "a|b <script>alert(1)</script> *x*"


def told(found: Data | None = None, **spec: object) -> Report:
    found = data() if found is None else found
    return report(Experiment.model_validate(spec), found, found.until, "shop", ("v1", "v2"))


def rich() -> Data:
    parts = {"country": {"de": shares(30, 40), NASTY: shares(30, 45)}}
    days = tuple(shares(30, 50 - 2 * day, 500) for day in range(10))
    known = data(good() | {"adoption": Measured(shares(30, 42), days, parts)})
    return Data(known.started, known.until, known.users, known.metrics, (Health(NASTY, False),))


@pytest.mark.parametrize(
    ("found", "result", "advice"),
    [
        (data(), "Success", "Promote"),
        (data(days=3), "Running", "Let it run"),
        (data({}), "Conditional", "Hold for a person"),
        (data(good() | {"return_rate": Measured(shares(30, 20))}), "Failure", "Roll the treatment"),
        (data(users=(5300.0, 4700.0)), "Invalid", "Stop"),
    ],
)
def test_every_form_tells_the_result(found: Data, result: str, advice: str) -> None:
    known = told(found)
    assert markdown(known).startswith(f"# shop: {result}\n\n**{advice}")
    assert f"<h1>shop: {result}</h1>" in html(known)
    assert as_json(known)["result"] == result
    assert as_json(known)["advice"].startswith(advice)


def test_the_rule_that_gave_it_is_named() -> None:
    assert told().why == (
        "rule success: 3 of 6 shown to be better (adoption, duration, satisfaction), 1 needed; "
        "3 of 4 measured with the effect asked for (adoption, duration, satisfaction), 2 needed; "
        "2 of 2 within their limits (error_rate, slow_requests), 2 needed"
    )
    assert told(data({})).why == "rule unproven: no other rule held by the end"
    assert told(data(days=3)).why == "no rule holds yet"


def test_markdown_has_every_part() -> None:
    text = markdown(told(rich(), hypothesis="short answers"))
    for part in (
        "| tested | short answers |",
        "| time | 14 d of 14 d, from 2026-11-02 00:00 to 2026-11-16 00:00 |",
        "| adoption (proportion, goal) | 30 % | 42 % | +12 pp | +8.53 to +15.5 pp | +10 pp |",
        "| slow\\_requests (p95, guardrail) |",
        "### adoption by country",
        "- warning: adoption: the effect fades",
        "not well",
    ):
        assert part in text


def test_no_name_breaks_a_form() -> None:
    known = told(rich(), hypothesis=NASTY, audience=NASTY)
    page, text = html(known), markdown(known)
    assert "<script" not in page
    assert "<script" not in text.replace("\\<", "")
    rows = [line for line in text.splitlines() if line.startswith("| tested")]
    assert rows[0].replace("\\|", "").count("|") == 3
    assert json.loads(json.dumps(as_json(known)))["experiment"]["hypothesis"] == NASTY


def test_plots_are_svg() -> None:
    known = told(rich())
    drawn = [plots.effects(known), *(plots.days(known, each) for each in known.found.days)]
    drawn += [plots.segments(known, each) for each in known.found.segments]
    assert len(drawn) == 3
    for each in drawn:
        assert ElementTree.fromstring(each).tag.endswith("svg")  # noqa: S314 - our own
    empty = plots.effects(told(data({})))
    assert "no data yet" in empty


def test_a_day_without_users_is_left_out() -> None:
    nobody = Measured(shares(30, 40), (shares(0, 0, 0), shares(0, 0, 0)))
    known = told(data({"adoption": nobody}))
    (found,) = known.found.days
    assert "too little on each day" in plots.days(known, found)


def test_json_has_no_infinity() -> None:
    assert "Infinity" not in json.dumps(as_json(told(data({}))))


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(days=13, hours=2, minutes=5), "13 d 2 h"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(), "0 min"),
    ],
)
def test_times_in_words(passed: timedelta, said: str) -> None:
    assert words.span(passed) == said


def test_figures_in_words() -> None:
    metric = ExperimentMetric(name="a", role=Role.GUARDRAIL, margin=1.5, minimum_effect=2)
    assert words.asked(metric) == "+2 pp, worse by less than 1.5 pp"
    assert words.value(metric, 12345.6) == "12,346 %"
    assert words.effect(metric, float("nan")) == "–"
    assert words.chance(0.00001) == "< 0.0001"
    assert words.chance(0.0301) == "0.03"


def kept_as_ended(**changes: object) -> Report:
    return of_record(replace(kept(), **changes), START + timedelta(days=30))  # type: ignore[arg-type]


def test_a_record_that_runs_is_judged_anew() -> None:
    found = of_record(kept(), START + timedelta(days=14))
    assert (found.result, found.name, found.control, found.treatment) == (
        "Success",
        "tone-v2",
        "v1",
        "v2",
    )
    assert found.why.startswith("rule success: ")


@pytest.mark.parametrize(
    ("changes", "result", "why", "advice"),
    [
        (
            {"decided": Decided(ExperimentResult.FAILURE, "ada", "too dear", START)},
            "Failure",
            "decided by ada: too dear",
            "Roll the treatment back",
        ),
        (
            {"decided": Decided(ExperimentResult.STOPPED, "", "", START)},
            "Stopped",
            "stopped by somebody",
            "Hold for a person",
        ),
        ({"rule": "harm"}, "Failure", "rule harm", "Roll the treatment back"),
        ({"rule": "success"}, "Success", "rule success: 3 of 6 shown", "Promote"),
        ({"data": data({}, days=1)}, "Conditional", "no rule was asked", "Hold for a person"),
        (
            {"data": data(users=(5300.0, 4700.0))},
            "Invalid",
            "sample ratio mismatch",
            "Stop",
        ),
    ],
)
def test_what_came_of_it_is_told_as_it_was(
    changes: dict[str, object], result: str, why: str, advice: str
) -> None:
    ended = {"result": ExperimentResult(result), "ended_at": START + timedelta(days=14)}
    found = kept_as_ended(**ended, **changes)
    assert found.result == result
    assert found.why.startswith(why)
    assert found.advice.startswith(advice)


def test_data_that_can_not_be_judged_are_refused() -> None:
    spec = Experiment().model_copy(update={"duration": timedelta()})
    with pytest.raises(ValueError, match="its data can't be judged"):
        kept_as_ended(spec=spec)
