"""The HTTP API in front of a real API server: its tokens, its RBAC, and the chart's roles."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.guarded_shop import Shop, call, signed_anew, weight
from tests.support.operator_process import OperatorProcess

HOUR = 3600
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
STREAM_SECONDS = 3
TIMED_OUT = 28
"""curl's exit code where a stream that has no end was cut off."""


@pytest.fixture(scope="module")
def shop(simulated: ApiServer, operator: OperatorProcess) -> Shop:
    """A release that waits for an approval at 10 %."""
    found = Shop.open(simulated)
    found.release("shop:2")
    return found


def count(operator: OperatorProcess, sample: str) -> float:
    try:
        return operator.metric(sample)
    except KeyError:
        return 0.0


def audited(operator: OperatorProcess, user: str) -> list[dict[str, Any]]:
    """What the log has of somebody's changes, and tries."""
    lines = map(json.loads, operator.log.read_text().splitlines())
    return [line for line in lines if line["logger"] == "linnet.audit" and line["user"] == user]


def checks(result: str, role: str) -> str:
    return f'rbac_permission_checks_total{{result="{result}",role="{role}"}}'


@pytest.mark.parametrize("path", ["", "/samples", "/decisions", "/health", "/sla", "/rights"])
def test_a_viewer_sees(operator: OperatorProcess, shop: Shop, path: str) -> None:
    before = count(operator, checks("allowed", "viewer"))
    answer = shop.see(operator, shop.token("vera"), path)
    assert answer.status == 200, answer
    assert count(operator, checks("allowed", "viewer")) == before + 1


@pytest.mark.parametrize(
    ("name", "path", "verb", "role"),
    [
        ("vera", "approve", "approve", "approver"),
        ("vera", "promote", "promote", "releaser"),
        ("vera", "rollback", "rollback", "releaser"),
        ("vera", "pause", "patch", "editor"),
        ("anna", "rollback", "rollback", "releaser"),
        ("anna", "promote", "promote", "releaser"),
        ("rolf", "approve", "approve", "approver"),
        ("rolf", "pause", "patch", "editor"),
        ("edda", "approve", "approve", "approver"),
    ],
)
def test_who_lacks_the_verb_is_denied_counted_and_recorded(
    operator: OperatorProcess, shop: Shop, name: str, path: str, verb: str, role: str
) -> None:
    token, version = shop.token(name), shop.status()["canaryRevision"]
    before = count(operator, checks("denied", role))
    answer = shop.ask(operator, token, path, reason="just so")
    assert (answer.status, f"may not {verb} " in answer.detail) == (403, True)
    assert count(operator, checks("denied", role)) == before + 1
    last = audited(operator, shop.user(name))[-1]
    assert (last["action"], last["reason"], last["status"]) == (path, "just so", 403)
    status = shop.status()
    assert (status["phase"], status["canaryRevision"]) == ("Progressing", version)
    assert (weight(status), status.get("approvals", [])) == (10, [])


def test_a_denied_approval_is_counted_as_one(operator: OperatorProcess, shop: Shop) -> None:
    before = count(operator, 'approval_requests_total{status="denied"}')
    assert shop.ask(operator, shop.token("vera"), "approve").status == 403
    assert count(operator, 'approval_requests_total{status="denied"}') == before + 1


def test_rights_end_at_the_namespace(operator: OperatorProcess, shop: Shop) -> None:
    token = shop.token("vera")
    assert call(operator, token, f"releases?namespace={shop.namespace}").status == 200
    assert call(operator, token, "releases").status == 403
    assert call(operator, token, "releases/default/shop").status == 403
    assert shop.see(operator, shop.token("nora")).status == 403


def test_only_a_token_that_the_cluster_knows_and_that_is_good_still_is_let_in(
    operator: OperatorProcess, simulated: ApiServer, shop: Shop
) -> None:
    token = shop.token("vera")
    header, claims, signature = token.split(".")
    assert shop.see(operator, signed_anew(simulated, token)).status == 200
    refused = {
        "none": "",
        "garbage": "garbage",
        "wrong signature": f"{header}.{claims}.{signature[::-1]}",
        "expired": signed_anew(simulated, token, older_by=2 * HOUR),
    }
    answers = {what: shop.see(operator, each) for what, each in refused.items()}
    assert {what: each.status for what, each in answers.items()} == dict.fromkeys(refused, 401)
    assert "has expired" in answers["expired"].detail
    assert shop.ask(operator, refused["expired"], "rollback").status == 401
    assert shop.status()["phase"] == "Progressing"


def test_an_approval_opens_the_step_and_a_releaser_ends_the_release(
    operator: OperatorProcess, simulated: ApiServer
) -> None:
    shop = Shop.open(simulated)
    shop.release("shop:2")
    waits = shop.wait(lambda status: "approval" in status["message"])
    assert weight(waits) == 10
    approved = count(operator, 'approval_requests_total{status="approved"}')

    anna = shop.token("anna")
    wrong = shop.ask(operator, anna, "approve", reason="looks good", revision="another")
    assert (wrong.status, "another was approved" in wrong.detail) == (409, True)
    answer = shop.ask(
        operator, anna, "approve", reason="looks good", revision=waits["canaryRevision"]
    )
    assert (answer.status, answer.body["outcome"]) == (200, "Done"), answer
    assert count(operator, 'approval_requests_total{status="approved"}') == approved + 1
    opened = shop.wait(lambda status: weight(status) == 50)
    (given,) = opened["approvals"]
    assert (given["by"], given["reason"], given["weight"]) == (
        shop.user("anna"),
        "looks good",
        10,
    )

    answer = shop.ask(operator, shop.token("rolf"), "rollback", reason="wrong prices")
    assert answer.status == 200, answer
    ended = shop.wait(lambda status: status["phase"] == "RolledBack")
    assert ended["request"]["by"] == shop.user("rolf")
    lines = [*audited(operator, shop.user("anna")), *audited(operator, shop.user("rolf"))]
    assert [
        (line["action"], line["release"], line["reason"], line["status"]) for line in lines
    ] == [
        ("approve", "shop", "looks good", 409),
        ("approve", "shop", "looks good", 200),
        ("rollback", "shop", "wrong prices", 200),
    ]


def examples() -> list[tuple[str, str]]:
    """Each curl command of the document, and what it is said to answer; '' if nothing is."""
    blocks = re.findall(r"^```(?:bash|text)\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)
    text = "\n".join(blocks).replace("\\\n", " ")
    return re.findall(r"^(?:\$ )?(curl .*)\n((?:[{ e].*\n|id:.*\n|data:.*\n)*)", text, re.M)


def names(answer: str) -> set[str]:
    """The names of fields in JSON, which may be cut short."""
    return set(re.findall(r'"(\w+)":', answer))


def test_the_document_tells_a_client_what_to_type_and_what_comes(
    operator: OperatorProcess, simulated: ApiServer
) -> None:
    shop = Shop.open(simulated)
    shop.release("shop:2")
    shop.wait(lambda status: bool(status.get("metrics")))
    environment = {"PATH": os.environ["PATH"], "TOKEN": shop.token("edda")}
    called = []
    for command, said in examples():
        line = command.replace("localhost:8080", operator.url).replace(
            '"namespace": "default"', f'"namespace": "{shop.namespace}"'
        )
        line = line.replace("/default/", f"/{shop.namespace}/")
        done = subprocess.run(
            ["bash", "-c", f"{line} --silent --max-time {STREAM_SECONDS} --fail-with-body"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == (TIMED_OUT if line.endswith("/live") else 0), (line, done)
        assert names(said) <= names(done.stdout), line
        called.append(re.findall(r"/(\w+)(?= |$)", line)[0])
    assert called == ["shop", "enable", "metrics", "rollback", "sla", "live"]


def test_every_path_to_see_by_is_in_the_document_and_answers(
    operator: OperatorProcess, shop: Shop
) -> None:
    told = re.findall(r"^\| `(?:GET /api/v2/releases|…/NAME)(\S*)` \|", DOCUMENT.read_text(), re.M)
    assert told == [
        *("", "/NAMESPACE/NAME", "/samples", "/decisions", "/health", "/sla", "/rights", "/live")
    ]
    rights = shop.see(operator, shop.token("anna"), "/rights")
    assert (rights.body["user"], rights.body["verbs"]) == (shop.user("anna"), ["get", "approve"])
