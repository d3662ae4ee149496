"""`linnet` against a real API server: what a person types, and what comes back."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.cli.app import app
from linnet.controller.release import write_status
from linnet.core.revision import template_revision
from tests.support.apiserver import ApiServer
from tests.support.builders import make_entry, make_status
from tests.support.workload_manifests import deployment

RELEASE: dict[str, Any] = {
    "apiVersion": "linnet.dev/v1alpha1",
    "kind": "CanaryRelease",
    "metadata": {"name": "shop"},
    "spec": {"targetRef": {"name": "shop"}, "traffic": {"httpRoute": "shop"}},
}


class Shop:
    """A namespace with a Deployment and its release, and a person who types."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        shop = deployment("shop:2")
        shop["metadata"]["namespace"] = namespace
        self.kubectl("apply", "-f", "-", input=shop)
        self.kubectl("apply", "-f", "-", input=RELEASE)
        template = server.get("deployment", "shop", "-n", namespace)["spec"]["template"]
        self.revision = template_revision(template)

    def kubectl(self, *args: str, **more: Any) -> str:
        return self.server.kubectl("-n", self.namespace, *args, **more)

    def is_at(self, status: CanaryReleaseStatus) -> None:
        """Have this status, as the operator would have written it."""
        patch = json.dumps({"status": write_status(status)})
        self.kubectl(
            "patch", "crel", "shop", "--subresource=status", "--type=merge", f"--patch={patch}"
        )

    def types(self, *words: str, kubeconfig: Path | None = None) -> Result:
        given = ["-n", self.namespace] if words[0] != "version" else []
        where = ["--kubeconfig", str(kubeconfig or self.server.kubeconfig)]
        return CliRunner().invoke(app, [*words, *given, *where])


@pytest.fixture
def shop(apiserver: ApiServer, namespace: str) -> Shop:
    return Shop(apiserver, namespace)


def running(shop: Shop) -> CanaryReleaseStatus:
    entry = make_entry(DecisionKind.ADVANCED, "CanaryReady", message="it gets 5 %")
    return make_status(canary_revision=shop.revision, progress="1/4", history=(entry,))


def test_a_release_is_listed_and_shown(shop: Shop) -> None:
    shop.is_at(running(shop))
    listed = shop.types("get")
    assert listed.exit_code == 0
    assert listed.stdout.splitlines()[1].split()[:2] == ["shop", "Progressing"]
    shown = shop.types("status", "shop")
    assert "5 % wanted, 5 % seen" in shown.stdout
    assert "it gets 5 %" in shop.types("history", "shop").stdout
    assert "CanaryReady: the canary's pods are ready" in shop.types("explain", "shop").stdout


def test_other_forms_of_output(shop: Shop) -> None:
    shop.is_at(running(shop))
    items = json.loads(shop.types("get", "-o", "json").stdout)["items"]
    assert [item["metadata"]["name"] for item in items] == ["shop"]
    assert yaml.safe_load(shop.types("get", "shop", "-o", "yaml").stdout)["kind"] == "CanaryRelease"
    assert json.loads(shop.types("status", "shop", "-o", "json").stdout)["progress"] == "1/4"
    assert json.loads(shop.types("history", "shop", "-o", "json").stdout)[0]["weight"] == 5
    assert json.loads(shop.types("explain", "shop", "-o", "json").stdout)["askedBy"] == "the policy"


def test_a_report_is_written_of_what_is_kept(shop: Shop) -> None:
    started = make_entry(DecisionKind.STARTED, "TemplateChanged", revision=shop.revision)
    advanced = make_entry(DecisionKind.ADVANCED, "CanaryReady", revision=shop.revision)
    shop.is_at(make_status(canary_revision=shop.revision, history=(started, advanced)))
    written = shop.types("report", "shop")
    assert written.exit_code == 0, written.stderr
    assert f"# shop in {shop.namespace}: {shop.revision} is under way" in written.stdout
    assert "| images | shop:2 |" in written.stdout
    assert "no operator says where Prometheus is: give its address" in written.stdout
    assert shop.types("report", "shop", "--no-samples", "-o", "html").stdout.startswith("<!doctype")
    away = ("--prometheus", "http://127.0.0.1:9", "-o", "json")
    (problem,) = json.loads(shop.types("report", "shop", *away).stdout)["missing"]
    assert "can't be reached" in problem
    other = shop.types("report", "shop", "--revision", "nosuch")
    assert other.exit_code == 2
    assert shop.revision in other.stderr


def test_all_namespaces(shop: Shop) -> None:
    result = CliRunner().invoke(
        app, ["get", "-A", "--kubeconfig", str(shop.server.kubeconfig), "-o", "json"]
    )
    found = {item["metadata"]["namespace"] for item in json.loads(result.stdout)["items"]}
    assert shop.namespace in found


def test_a_release_that_isnt_there_is_told_with_those_that_are(shop: Shop) -> None:
    result = shop.types("status", "cart")
    assert result.exit_code == 2
    assert "there are shop" in result.stderr


@pytest.mark.parametrize(
    ("phase", "wanted", "code"),
    [
        (Phase.PROMOTED, "promoted", 0),
        (Phase.ROLLED_BACK, "promoted", 1),
        (Phase.ROLLED_BACK, "rolledback", 0),
        (Phase.PROGRESSING, "promoted", 4),
        (Phase.PROGRESSING, "weight=5", 0),
    ],
)
def test_waiting_ends_with_what_is_so(shop: Shop, phase: Phase, wanted: str, code: int) -> None:
    stable = shop.revision if phase is Phase.PROMOTED else "v1"
    failed = shop.revision if phase is Phase.ROLLED_BACK else ""
    shop.is_at(
        make_status(
            phase, stable_revision=stable, canary_revision=shop.revision, failed_revision=failed
        )
    )
    result = shop.types("wait", "shop", "--for", wanted, "--timeout", "1s")
    assert result.exit_code == code, result.stderr


def test_an_earlier_promotion_is_not_the_one_that_is_waited_for(shop: Shop) -> None:
    shop.is_at(make_status(Phase.PROMOTED, stable_revision="v1", canary_revision="v1"))
    assert shop.types("wait", "shop", "--timeout", "1s").exit_code == 4


def test_a_cluster_that_cant_be_asked(shop: Shop, tmp_path: Path) -> None:
    nowhere = shop.types("get", kubeconfig=tmp_path / "none")
    assert nowhere.exit_code == 3
    assert "there is no file" in nowhere.stderr
    closed = tmp_path / "closed"
    closed.write_text(
        shop.server.kubeconfig.read_text().replace(shop.server.url, "https://127.0.0.1:9")
    )
    away = shop.types("get", kubeconfig=closed)
    assert away.exit_code == 3
    assert "--context" in away.stderr


def test_somebody_without_a_role_is_told_which_one_it_takes(shop: Shop) -> None:
    shop.kubectl("create", "serviceaccount", "nobody")
    account = shop.server.kubeconfig_of("nobody", shop.namespace)
    result = shop.types("get", kubeconfig=account)
    assert result.exit_code == 3
    assert "view" in result.stderr


def test_the_version_of_a_cluster_without_an_operator(shop: Shop) -> None:
    result = shop.types("version")
    assert result.exit_code == 0
    assert "none is installed" in result.stdout
