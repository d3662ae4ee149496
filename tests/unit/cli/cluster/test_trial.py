"""What commands show of a release's experiment: made of its status and spec."""

from datetime import timedelta
from io import StringIO

from rich.console import Console, RenderableType

from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentDecision
from linnet.api.status import DecisionKind
from linnet.cli.cluster import tree, trial
from linnet.cli.cluster.report import Paper, as_text
from linnet.controller.release import Key, Release, write_status
from linnet.experiment.asked import asked_for
from linnet.review.report import Report
from linnet.review.reporting import Known, chosen, report
from tests.support.builders import START, make_entry, make_spec, make_status
from tests.support.builders import START as RELEASED
from tests.support.experiments import START as BEGUN
from tests.support.experiments import tried

SPEC = make_spec(
    steps=[{"weight": 50, "experiment": {"name": "tone"}}, {"weight": 100}],
    traffic={"httpRoute": "shop", "sticky": {"header": {"name": "X-User-Bucket"}}},
)
NOW = BEGUN + timedelta(days=3, minutes=2)


def shown(renderable: RenderableType) -> str:
    console = Console(width=140, no_color=True, file=StringIO())
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_each_metric_has_effect_interval_and_verdict() -> None:
    assert list(trial.findings(tried(), asked_for(SPEC))) == [
        (
            "adoption",
            "30.1 %",
            "42.2 %",
            "+12.1 pp",
            "+7.9 to +16.3 pp",
            "better, as large as asked for",
        ),
        ("duration", "102 s", "104 s", "+2.5 %", "-11 to +16 %", "nothing shown"),
        ("error_rate", "0.31 %", "0.74 %", "+0.43 pp", "+0.2 to +0.66 pp", "beyond its limit"),
        ("return_rate", "–", "–", "–", "–", "no data"),
    ]


def test_a_metric_that_the_spec_does_not_know_any_more_has_no_unit() -> None:
    first = next(trial.findings(tried(), None))
    assert first[1:5] == ("30.1", "42.2", "+12.1", "+7.9 to +16.3")


def test_what_is_known_beside_the_metrics() -> None:
    assert dict(trial.facts(tried(), asked_for(SPEC), NOW)) == {
        "treatment": "v2, 50 % of users",
        "time": "3 d 2 min of 14 d",
        "users": "5,012 control, 4,988 treatment",
        "data": "2m old",
    }
    decided = ExperimentDecision(
        id="1", result=ExperimentResult.SUCCESS, by="ada", reason="good enough", at=NOW
    )
    ended = tried(ended_at=NOW, decided=decided, problem="no series of tone-v2")
    found = dict(trial.facts(ended, None, NOW + timedelta(days=9)))
    assert found["time"] == "3 d 2 min"
    assert found["problem"] == "no series of tone-v2"
    assert found["decided"] == "Success by ada: good enough"
    assert "data" not in found


def test_a_release_is_shown_with_its_experiment() -> None:
    manifest = {
        "metadata": {"name": "shop", "namespace": "shops", "generation": 1},
        "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": write_status(make_status(experiment=tried())),
    }
    text = shown(tree.tree(Release.read(Key("shops", "shop"), manifest), NOW))
    assert "experiment\n" in text
    assert "tone-v2: Running  At 50 %, 1 of 6 goals shown to be better" in text
    assert "+7.9 to +16.3 pp" in text


def reported(**changes: object) -> Report:
    status = make_status(
        experiment=tried(started_at=RELEASED + timedelta(hours=1), **changes),
        history=(make_entry(DecisionKind.STARTED, revision="v2", at=START),),
    )
    known = Known("shops", "shop", SPEC, status)
    return report(known, chosen(status), RELEASED + timedelta(days=1))


def test_the_report_of_a_release_tells_of_its_experiment() -> None:
    text = as_text(reported(), Paper.MARKDOWN)
    assert "## Experiment" in text
    assert "- tone-v2: Running" in text
    assert "| adoption | 30.1 % | 42.2 % | +12.1 pp | +7.9 to +16.3 pp |" in text
    assert "<h2>Experiment</h2>" in as_text(reported(), Paper.HTML)


def test_an_experiment_of_another_version_is_left_out() -> None:
    assert "## Experiment" not in as_text(reported(revision="v1"), Paper.MARKDOWN)
