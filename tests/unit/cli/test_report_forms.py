"""A report in Markdown, JSON and HTML: the same facts, whatever words others have put in it."""

import json
import re
from xml.etree import ElementTree

import pytest

from linnet.api.approvals import Approval
from linnet.api.comparison import ComparisonStatus, FindingStatus
from linnet.api.status import Phase
from linnet.cli.cluster.report import Paper, as_text
from linnet.cli.cluster.samples import meant, ranged
from linnet.cli.report.told import lasting, sections
from linnet.core.queries import questions
from linnet.core.series import Series
from linnet.providers.errors import ApiError
from linnet.review.report import Report
from linnet.review.reporting import Known, chosen, report
from tests.support.asking import ask, fire
from tests.support.builders import MINUTE, SECOND, make_spec
from tests.support.world import World, releasing

EVIL = "<script>alert(1)</script> | [here](http://evil)\n# not a heading"


def rolled_back(reason: str = "wrong prices") -> World:
    world = releasing(until=Phase.PROGRESSING)
    ask(world, "Rollback", reason=reason)
    world.run(Phase.ROLLED_BACK)
    return world


def told(world: World) -> Report:
    began = chosen(world.status).entries[0].at.timestamp()
    points = tuple((began + 30 * i, 0.1 * i) for i in range(1, 9))
    lower = tuple((began + 30 * i, 99.9) for i in range(1, 9))
    samples = {"errorRate": points, "availability": lower}
    known = Known("shops", "shop", world.spec, world.status, samples=samples)
    return report(known, chosen(world.status), world.now)


def test_markdown_has_each_part() -> None:
    text = as_text(told(rolled_back()), Paper.MARKDOWN)
    assert text.startswith("# shop in shops: v2 was rolled back\n")
    assert (
        "| outcome | RolledBack: Requested: Rollback was asked for by jane: wrong prices |" in text
    )
    assert "| asked for by | jane |" in text
    assert re.search(r"^\| 5 % \| Progressing \| 2030-01-01 .* UTC \| .+ \|$", text, re.MULTILINE)
    assert "| errorRate | ≤ 0.5 % | > 1 % 3 times in a row |" in text
    assert "## For the post-mortem" in text
    assert re.findall("^## (.+)$", text, re.MULTILINE)[:4] == [
        "Summary",
        "Steps",
        "Checks",
        "Decisions",
    ]


def test_every_row_of_a_table_has_its_columns() -> None:
    for section in sections(told(rolled_back())):
        wide = {len(row) for row in (section.head, *section.rows) if row}
        assert len(wide) <= 1, section.title


def test_words_of_others_stay_words() -> None:
    found = told(rolled_back(EVIL))
    text = as_text(found, Paper.MARKDOWN)
    assert "\n# not a heading" not in text
    assert r"\<script>alert(1)\</script> \| \[here\](http://evil)" in text
    html = as_text(found, Paper.HTML)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_page_needs_nothing_else_and_can_be_read() -> None:
    html = as_text(told(rolled_back()), Paper.HTML)
    assert "default-src &#x27;none&#x27;" in html
    assert not re.search(r'(src|href)="', html)
    pictures = list(map(ElementTree.fromstring, re.findall(r"<svg.*?</svg>", html, re.S)))
    titles = [each.findtext("{http://www.w3.org/2000/svg}title") for each in pictures]
    assert titles == [
        "The canary's share of traffic: v2",
        "errorRate against its limits",
        "availability against its limits",
    ]
    for picture in pictures:
        numbers = re.findall(r"-?\d+\.\d+", ElementTree.tostring(picture, encoding="unicode"))
        assert all(-5 <= float(number) <= 900 for number in numbers)


def test_json_has_the_facts_under_their_names() -> None:
    found = json.loads(as_text(told(rolled_back()), Paper.JSON))
    assert (found["outcome"], found["askedBy"]) == ("RolledBack", "jane")
    assert found["stages"][1]["weight"] == 5
    assert Report.model_validate(found).times.decided_at is not None


@pytest.mark.parametrize("paper", Paper)
def test_one_that_has_just_begun(paper: Paper) -> None:
    world = releasing(until=Phase.STARTING)
    known = Known("shops", "shop", world.spec, world.status)
    text = as_text(report(known, chosen(world.status), world.now), paper)
    assert "v2" in text
    assert "post-mortem" not in text


def test_alerts_approvals_and_the_comparison_have_parts_of_their_own() -> None:
    world = releasing(until=Phase.PROGRESSING)
    fire(world)
    world.look()
    finding = FindingStatus(name="errors", verdict="Clear", message="no worse", needed=20)
    approval = Approval(id="a", by="ann", at=world.now, reason="fine", revision="v2", weight=5)
    compared = ComparisonStatus(until=world.now, weight=5, findings=(finding,))
    parts = {"comparison": compared, "approvals": (approval,)}
    world.status = world.status.model_copy(update=parts)
    text = as_text(told(world), Paper.MARKDOWN)
    assert "| errors | Clear | no worse |" in text
    assert "| ann | 5 % | fine |" in text
    assert re.search(r"\| HighErrors \| RolledBack \| Alert HighErrors fires", text)


def test_what_isnt_known_is_left_empty() -> None:
    assert lasting(None) == ""
    assert lasting(90) == "1m30s"


@pytest.mark.parametrize(
    ("span", "interval", "end"),
    [
        (10 * MINUTE, 30 * SECOND, "[10m:30s]"),
        (0 * MINUTE, SECOND, "[1s:1s]"),
        (48 * 60 * MINUTE, 30 * SECOND, "[48h:12m]"),
    ],
)
def test_a_long_release_is_sampled_less_often(span: object, interval: object, end: str) -> None:
    assert ranged("up", span, interval) == f"(up){end}"  # type: ignore[arg-type]


def test_every_query_can_be_asked_over_time() -> None:
    promql_parser = pytest.importorskip("promql_parser")
    asked = questions(make_spec(), "shops", "shop", scope="shops")
    assert len(asked) >= 5
    for each in asked.values():
        assert promql_parser.parse(ranged(each.promql, MINUTE, SECOND)) is not None


def test_the_series_that_is_meant_is_taken() -> None:
    own = {"namespace": "shops", "workload": "shop-canary"}
    other = {"namespace": "shops", "workload": "cart-canary"}
    series = (Series(other, ((1.0, 9.0),)), Series(own, ((1.0, 0.5), (2.0, float("nan")))))
    assert meant(series, ("shops", "shop-canary")) == ((1.0, 0.5),)
    assert meant((), None) == ()
    with pytest.raises(ApiError, match="2 series"):
        meant(series, None)
