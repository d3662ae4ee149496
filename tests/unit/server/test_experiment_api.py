"""`/api/v2/experiments` over loopback: what is shown to whom, and what is asked in whose name."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentStatus, ExperimentUsers
from linnet.api.request import RequestOutcome
from linnet.experiment.record import Decided
from linnet.server.alerts import AlertReceiver
from linnet.server.http import serve
from linnet.server.openapi import document
from tests.support.addresses import loopback
from tests.support.api_place import PLACE, Place
from tests.support.builders import START, make_spec, make_status
from tests.support.experiments import data, kept

ONE = "experiments/default/shop"
STATUS = ExperimentStatus(
    id="tone-v2",
    revision="v2",
    weight=50,
    started_at=START,
    users=ExperimentUsers(control=5000, treatment=5010),
    message="1 of 6 shown to be better",
)
STEPS = [
    {"weight": 50, "experiment": {"name": "tone", "hypothesis": "short"}},
    {"weight": 100},
]


def releases(namespace: str) -> list[dict[str, Any]]:
    told = STATUS.model_dump(mode="json", by_alias=True)
    status = {"tea": {}, "shop": {"experiment": told}, "odd": {"experiment": {"users": 7}}}
    status["bun"] = {"experiment": {"id": "bun-1", "users": 7}}
    return [
        {"metadata": {"namespace": "default", "name": name}, "status": each}
        for name, each in status.items()
    ]


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    found = Place()
    assert found.desk.seen is not None
    status = make_status().model_copy(update={"experiment": STATUS})
    sticky = {"httpRoute": "shop", "sticky": {"header": {"name": "X-User-Bucket"}}}
    spec = make_spec(steps=STEPS, traffic=sticky)
    found.desk.seen = replace(found.desk.seen, spec=spec, status=status)
    monkeypatch.setattr(found.desk, "releases", releases)
    found.desk.records.keep(kept())
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0), found.api)
    found.url = loopback(runner)
    yield found
    await runner.cleanup()


async def see(place: Place, path: str = "") -> Any:
    answer = await place.call(f"{ONE}{path}", token="viewer")
    assert answer.status == 200, answer.text
    return answer.body


async def test_experiments_are_listed_by_release(place: Place) -> None:
    answer = await place.call("experiments?namespace=default", token="viewer")
    first, second = answer.body["items"]
    assert (first["name"], first["id"], first["controlUsers"]) == ("bun", "bun-1", 0)
    assert (second["name"], second["id"], second["result"]) == ("shop", "tone-v2", "Running")
    assert (second["controlUsers"], second["treatmentUsers"]) == (5000, 5010)
    assert second["message"] == "1 of 6 shown to be better"


async def test_one_is_shown_with_what_is_asked_for(place: Place) -> None:
    found = await see(place)
    assert (found["control"], found["status"]["id"]) == ("v1", "tone-v2")
    assert found["experiment"]["treatmentPercent"] == 50
    assert found["experiment"]["hypothesis"] == "short"
    assert place.desk.seen is not None
    place.desk.seen = replace(place.desk.seen, spec=make_spec())
    assert "experiment" not in await see(place)


async def test_results_are_those_of_the_data_that_were_kept(place: Place) -> None:
    found = await see(place, "/results")
    assert (found["result"], found["id"], found["revision"]) == ("Success", "tone-v2", "v2")
    assert found["why"].startswith("rule success: ")
    assert found["advice"] == "Promote the treatment to all users."
    assert (found["controlUsers"], found["treatmentUsers"]) == (5000, 5000)
    assert found["mismatchP"] > 0.5
    metrics = {each["name"]: each for each in found["metrics"]}
    adoption = metrics["adoption"]
    assert adoption["effect"] == pytest.approx(12)
    assert 8 < adoption["low"] < 12 < adoption["high"] < 16
    assert adoption["states"] == ["Better", "MinimumEffect", "NotWorse"]
    assert adoption["told"] == "better, as large as asked for"
    assert metrics["slow_requests"]["role"] == "Guardrail"
    assert [each["name"] for each in found["rules"] if each["holds"]] == ["success", "unproven"]
    assert any("hours old" in each for each in found["warnings"])


async def test_what_is_not_known_is_left_out(place: Place) -> None:
    place.desk.records.keep(replace(kept(), data=data({}, days=3)))
    adoption = (await see(place, "/results"))["metrics"][0]
    assert not {"control", "treatment", "effect", "low", "high"} & set(adoption)


async def test_an_experiment_that_ended_is_told_as_it_ended(place: Place) -> None:
    word = Decided(ExperimentResult.FAILURE, "ada", "too dear", START)
    ended = replace(kept(), result=ExperimentResult.FAILURE, decided=word, ended_at=START)
    place.desk.records.keep(ended)
    found = await see(place, "/results")
    assert (found["result"], found["why"]) == ("Failure", "decided by ada: too dear")
    assert found["endedAt"] == "2030-01-01T12:00:00.000Z"


async def test_series_has_each_look(place: Place) -> None:
    looks = (await see(place, "/series"))["items"]
    assert len(looks) == 14
    assert looks[-1]["at"] == "2026-11-16T00:00:00.000Z"
    point = next(each for each in looks[-1]["metrics"] if each["name"] == "adoption")
    assert point["effect"] == pytest.approx(12)


async def test_segments_and_days_are_shown(place: Place) -> None:
    found = await see(place, "/segments")
    (division,) = found["items"]
    assert (division["metric"], division["dimension"]) == ("adoption", "country")
    assert [each["name"] for each in division["segments"]] == ["de", "fr"]
    assert division["segments"][0]["measured"] == pytest.approx(13)
    assert [each["day"] for each in found["days"]] == list(range(1, 8))
    assert found["days"][0]["effect"] == pytest.approx(15)


async def test_the_report_has_three_forms(place: Place) -> None:
    page = await place.call(f"{ONE}/report?format=html", token="viewer")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<h1>tone-v2: Success</h1>" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = await place.call(f"{ONE}/report?format=markdown", token="viewer")
    assert text.headers["Content-Type"].startswith("text/markdown")
    assert text.text.startswith("# tone-v2: Success\n")
    for query in ("", "?format=json", "?revision=v2"):
        assert (await see(place, f"/report{query}"))["versions"]["control"] == "v1"


@pytest.mark.parametrize("path", ["/results", "/series", "/segments", "/report"])
async def test_what_is_not_there_is_said(place: Place, path: str) -> None:
    assert (await place.call(f"{ONE}{path}?revision=v7")).problem == (
        404,
        "no record is kept of an experiment of shop with v7",
    )
    assert (await place.call(f"{ONE}{path}?revision=../v7")).problem[0] == 400
    place.desk.records.spoil("default", "shop", "v2")
    assert (await place.call(f"{ONE}{path}")).problem == (409, "is no JSON")
    assert place.desk.seen is not None
    place.desk.seen = replace(place.desk.seen, status=make_status())
    assert (await place.call(f"{ONE}{path}")).problem == (404, "shop has had no experiment")
    assert (await place.call(ONE)).problem == (404, "shop has had no experiment")
    assert (await place.call(f"experiments/other/shop{path}")).problem[0] == 403
    assert (await place.call(f"experiments/default/nope{path}")).problem[0] == 404


async def test_a_form_that_there_is_not_is_refused(place: Place) -> None:
    assert (await place.call(f"{ONE}/report?format=pdf")).problem == (
        400,
        "format: must be one of json, html, markdown",
    )


async def test_data_that_can_not_be_judged_are_refused(place: Place) -> None:
    spec = kept().spec.model_copy(update={"duration": START - START})
    place.desk.records.keep(replace(kept(), spec=spec))
    status, detail = (await place.call(f"{ONE}/results")).problem
    assert (status, detail.startswith("its data can't be judged: ")) == (409, True)


@pytest.mark.parametrize(
    ("path", "more", "asked"),
    [
        ("stop", {}, ("Stop", "", "")),
        ("decide", {"result": "Success", "revision": "v2"}, ("Decide", "Success", "v2")),
        ("decide", {"result": "Failure"}, ("Decide", "Failure", "")),
    ],
)
async def test_a_person_ends_it_in_the_name_that_the_cluster_knows(
    place: Place,
    path: str,
    more: dict[str, Any],
    asked: tuple[str, str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    labels = {"result": "allowed", "role": "decider"}
    before = REGISTRY.get_sample_value("rbac_permission_checks_total", labels) or 0.0
    body = {**PLACE, "reason": "seen enough", **more}
    with caplog.at_level(logging.INFO, "linnet.audit"):
        answer = await place.call(f"experiments/{path}", body, token="decider")
    assert (answer.status, answer.body["outcome"]) == (200, "Done")
    (request,) = place.desk.asked
    assert (request.action, request.result, request.revision) == asked
    assert (request.by, request.reason) == ("decider", "seen enough")
    assert REGISTRY.get_sample_value("rbac_permission_checks_total", labels) == before + 1
    (line,) = caplog.records
    assert (line.__dict__["action"], line.__dict__["reason"]) == (path, "seen enough")
    assert line.__dict__.get("result", "") == more.get("result", "")


@pytest.mark.parametrize("token", ["viewer", "releaser", "approver", "editor"])
@pytest.mark.parametrize("path", ["stop", "decide"])
async def test_who_lacks_the_verb_ends_nothing(place: Place, token: str, path: str) -> None:
    body = {**PLACE, "reason": "no"} | ({"result": "Success"} if path == "decide" else {})
    status, detail = (await place.call(f"experiments/{path}", body, token=token)).problem
    assert (status, f"{token} may not decide " in detail) == (403, True)
    assert place.desk.asked == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"result": "Conditional", "reason": "so"}, "result: Input should be"),
        ({"result": "Success"}, "reason: Field required"),
        ({"result": "Success", "reason": ""}, "reason: String should have at least 1"),
        ({"reason": "so"}, "result: Field required"),
    ],
)
async def test_a_decision_has_a_result_and_a_reason(
    place: Place, more: dict[str, Any], words: str
) -> None:
    answer = await place.call("experiments/decide", {**PLACE, **more}, token="decider")
    assert answer.problem[0] == 400
    assert answer.problem[1].startswith(words)


async def test_what_the_release_refuses_is_told(place: Place) -> None:
    place.desk.outcome = RequestOutcome.REFUSED
    answer = await place.call("experiments/stop", PLACE, token="decider")
    assert answer.problem == (409, "so it was decided")


def test_forms_and_query_are_described() -> None:
    report = document()["paths"]["/api/v2/experiments/{namespace}/{name}/report"]["get"]
    content = report["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/html", "text/markdown"}
    assert content["text/html"]["schema"] == {"type": "string"}
    told = {each["name"]: each["schema"] for each in report["parameters"]}
    assert told["format"]["enum"] == ["json", "html", "markdown"]
    assert "revision" in told
    assert json.dumps(document())
