"""Every command that asks a cluster, typed at one release after the other as a person would."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import audit, engine, kind
from hack.cluster.cluster import Cluster
from hack.cluster.run import wait_until
from hack.demo.releases import PATH, REQUEST
from linnet.cli.cluster.connection import AGENT
from tests.support.api_proxy import read
from tests.support.rules.audit import Object, lines
from tests.support.shop import NAME, Shop
from tests.support.stories import RATE, SHORT, Story
from tests.support.witness import broken_rules

LINNET = Path(sys.executable).with_name("linnet")
PATIENCE = "120s"
SOON_S = 120
APPROVER = "linnet-operator-approver"
SPEC: Mapping[str, Any] = {
    **SHORT,
    "steps": [
        {"weight": 20, "hold": "1h"},
        {"weight": 50, "hold": "2s", "approvals": {"required": 1}},
        {"weight": 100, "hold": "2s"},
    ],
}
"""Nothing goes on by itself before it was asked for."""
SET_ASIDE = {"rises_are_earned", "promotion_is_earned"}
"""The rules that don't hold where a person promotes."""


@dataclass(frozen=True)
class Person:
    """Somebody who types commands about a shop's release."""

    shop: Shop

    def types(self, *words: str, code: int = 0) -> str:
        """What a command prints; `linnet` and the namespace are left out.

        Raises:
            AssertionError: it ended with another exit code.
        """
        return self.runs("-n", self.shop.namespace, words=words, code=code)

    @property
    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": self.shop.cluster.kubeconfig, "PATH": os.environ["PATH"]}

    @contextmanager
    def watches(self) -> Iterator[Path]:
        """`status -w` while the block lasts; the file has what it prints."""
        words = (str(LINNET), "status", NAME, "-w", "-n", self.shop.namespace)
        with tempfile.NamedTemporaryFile("w") as file:
            watching = subprocess.Popen(words, env=self.environment, stdout=file)
            try:
                yield Path(file.name)
            finally:
                watching.send_signal(signal.SIGINT)
                ended = watching.wait(timeout=60)
            assert ended == 0, "Ctrl-C is how one leaves it"

    def runs(self, *where: str, words: tuple[str, ...], code: int = 0) -> str:
        """The same for a command that knows no namespace."""
        done = subprocess.run(
            [LINNET, *words, *where],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        told = f"linnet {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, told
        return done.stdout if code == 0 else done.stdout + done.stderr

    def approves(self, name: str, code: int = 0) -> str:
        """Approve with the token of another service account of the namespace."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.shop.kubectl("create", "token", name))
            file.flush()
            words = ("approve", NAME, "--reason", "fine", "--token-file", file.name)
            return self.types(*words, code=code)

    def reads(self, *words: str) -> Any:
        """What a command gives as JSON."""
        return json.loads(self.types(*words, "-o", "json"))

    def waits(self, wanted: str, code: int = 0) -> str:
        return self.types("wait", NAME, "--for", wanted, "--timeout", PATIENCE, code=code)

    def wrote(self) -> list[Object]:
        """What the API server has had of all commands that isn't reading."""
        found = lines(audit.files(self.shop.cluster.name), {AGENT})
        return [each for each in found if each["userAgent"].startswith(AGENT)]


def another_name(cluster: Cluster, image: str) -> str:
    """The same image under another name on the node, as a build that changed nothing gives."""
    found = f"{image}-again"
    for node in kind.nodes(engine.find(), cluster.name):
        tag = ("ctr", "-n", "k8s.io", "images", "tag", "--force", image, found)
        engine.find()("exec", node, *tag)
    return found


def a_release_is_walked_through_by_every_command(shop: Shop) -> None:
    person = Person(shop)
    shop.deploy("v1", spec=SPEC)
    person.waits("ended")
    with shop.load(RATE):
        the_installation_is_told(person)
        a_deployment_stays_at_its_weight(person)
        it_is_seen_from_all_sides(person)
        it_is_paused_resumed_and_promoted(person)
        a_rollback_is_foreseen_and_done(person)
        it_is_tried_again_and_approved(person)
        reports_are_written(person)
        the_service_is_probed(person)
    broken = broken_rules(shop.cluster, {shop.namespace})
    assert [each for each in broken if each.check not in SET_ASIDE] == []


def the_installation_is_told(person: Person) -> None:
    told = json.loads(person.runs(words=("version", "-o", "json")))
    assert [each["namespace"] for each in told["operators"]] == ["linnet-system"]
    assert told["client"] == told["operators"][0]["version"]
    script = person.runs(words=("completion", "bash"))
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)
    assert person.types("doctor").splitlines()[-1] == "HEALTHY"


def a_deployment_stays_at_its_weight(person: Person) -> None:
    image = another_name(person.shop.cluster, person.shop.image)
    words = ("--image", image, "--weight", "20", "--watch", PATIENCE)
    # It may take long to get there. From then on the release is paused, and nobody needs to watch.
    watched = subprocess.Popen(
        [LINNET, "deploy", NAME, *words, "-n", person.shop.namespace],
        env=person.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watched.stdout is not None
    try:
        assert watched.stdout.readline() == f"{NAME}: the route has 20 %\n"
        assert "paused" in watched.stdout.readline()
    finally:
        watched.terminate()
        watched.wait(timeout=30)
        watched.stdout.close()
    (container,) = person.shop.template()["spec"]["containers"]
    assert container["image"] == image


def it_is_seen_from_all_sides(person: Person) -> None:
    shop = person.shop
    shop.wait(lambda status: any(each.value is not None for each in status.metrics), 90)
    assert "Progressing (suspended)" in person.types("get")
    assert yaml.safe_load(person.types("get", NAME, "-o", "yaml"))["kind"] == "CanaryRelease"
    assert "20 % wanted, 20 % seen" in person.types("status", NAME)
    assert "CanaryReady" in person.types("history", NAME)
    assert person.reads("explain", NAME, "Advanced")["askedBy"] == "the policy"
    measured = {each["name"]: each for each in person.reads("metrics", NAME)["canary"]}
    assert measured["errorRate"]["value"] == 0
    assert measured["errorRate"]["rollsBack"].startswith("> 1 %")
    findings = {each["what"]: each["state"] for each in person.reads("doctor")}
    assert findings[f"scrapes {shop.namespace}/{NAME}-canary"] == "ok"
    assert "is under way" in person.types("report", NAME)


def it_is_paused_resumed_and_promoted(person: Person) -> None:
    with person.watches() as shown:
        wait_until("status -w shows 20 %", lambda: "20 %" in shown.read_text(), SOON_S)
        assert "is paused already" in person.types("pause", NAME)
        assert "suspended" in person.types("promote", NAME, code=1)
        assert "resumed" in person.types("resume", NAME)
        words = ("promote", NAME, "--reason", "looks good", "--by", "jane")
        assert "looks good" in person.types(*words)
        person.waits("weight=50")
        assert person.reads("explain", NAME, "Advanced")["askedBy"] == "jane"
        wait_until("status -w shows 50 %", lambda: "50 %" in shown.read_text(), SOON_S)


def a_rollback_is_foreseen_and_done(person: Person) -> None:
    shop, before = person.shop, person.wrote()
    assert before  # the log shows what commands write
    looks = person.reads("rollback", NAME, "--dry-run", "--reason", "wrong prices")
    assert person.wrote() == before
    assert shop.route_weight() == 50
    assert looks[0]["calls"][0]["path"].endswith(f"/httproutes/{NAME}")
    assert looks[-1]["phase"] == "RolledBack"

    person.types("rollback", NAME, "--reason", "wrong prices")
    assert not shop.route_weight()
    wrote = [each["objectRef"]["resource"] for each in person.wrote()[len(before) :]]
    assert wrote == ["selfsubjectreviews", "canaryreleases"]
    person.waits("rolledback")
    assert "wrong prices" in person.waits("promoted", code=1)
    assert "wrong prices" in person.types("explain", NAME, "RolledBack")
    assert "nothing is being released" in person.types("rollback", NAME, code=1)


def it_is_tried_again_and_approved(person: Person) -> None:
    shop = person.shop
    for name in ("ann", "bob"):
        shop.kubectl("create", "serviceaccount", name)
    shop.kubectl(
        *("create", "rolebinding", "ann", f"--clusterrole={APPROVER}"),
        f"--serviceaccount={shop.namespace}:ann",
    )
    person.types("retry", NAME)
    person.waits("weight=20")
    person.types("promote", NAME, "--full")
    person.waits("weight=50")  # nobody asks past an approval
    before = approvals(shop.cluster)
    assert "may not approve" in person.approves("bob", code=3)
    assert "approved 50 %: fine" in person.approves("ann")
    person.waits("promoted")
    once_more = {each: before.get(each, 0) + 1 for each in ("approved", "denied")}
    counted = lambda: approvals(shop.cluster) == {**before, **once_more}  # noqa: E731
    wait_until("both are counted", counted, SOON_S)


def approvals(cluster: Cluster) -> dict[str, float]:
    """How many approvals Prometheus has been told of, by what became of them."""
    asked = urllib.parse.urlencode({"query": "sum by (status) (approval_requests_total) > 0"})
    found = read(f"{cluster.prometheus}/api/v1/query?{asked}")["data"]["result"]
    return {each["metric"]["status"]: float(each["value"][1]) for each in found}


def reports_are_written(person: Person) -> None:
    shop = person.shop
    found = json.loads(person.types("report", NAME, "-o", "json"))
    assert (found["outcome"], found["checks"][0]["name"]) == ("Promoted", "errorRate")
    assert [each["weight"] for each in found["stages"]][:3] == [0, 20, 50]
    assert found["checks"][0]["samples"], found.get("missing")
    assert [each["by"] for each in found["approvals"]] == [
        f"system:serviceaccount:{shop.namespace}:ann"
    ]
    page = person.types("report", NAME, "-o", "html")
    assert "was promoted" in page
    assert "errorRate against its limits" in page


def the_service_is_probed(person: Person) -> None:
    shop = person.shop
    words = ("--requests", "40", "--rate", "20", "-H", f"Host: {shop.host}")
    url = f"{shop.cluster.gateway}{PATH}"
    body = json.dumps(REQUEST)
    assert "passed" in person.runs(words=("probe", url, *words, "-d", body))
    nowhere = ("probe", f"{url}/nowhere", *words, "-o", "json")
    assert json.loads(person.runs(words=nowhere, code=1))["answers"] == {"4xx": 40}


STORIES = (Story(a_release_is_walked_through_by_every_command, judged=False, seconds=110),)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_commands(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
