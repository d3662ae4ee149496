"""What a kubeconfig says of the cluster, and files that are none."""

from pathlib import Path

import pytest

from linnet.providers.kubeconfig import ConfigException, namespace_of

FILE = """\
current-context: one
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts:
  - {name: one, context: {cluster: c, user: u, namespace: shops}}
  - {name: two, context: {cluster: c, user: u}}
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(FILE)
    return file


def test_a_context_names_the_namespace(kubeconfig: Path) -> None:
    assert namespace_of(str(kubeconfig)) == "shops"
    assert namespace_of(str(kubeconfig), "one") == "shops"
    assert namespace_of(str(kubeconfig), "two") == "default"


def test_a_context_that_isnt_there_is_told_with_those_that_are(kubeconfig: Path) -> None:
    with pytest.raises(ConfigException, match="no context three: there are one, two"):
        namespace_of(str(kubeconfig), "three")


def test_a_file_that_isnt_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigException, match="there is no file"):
        namespace_of(str(tmp_path / "none"))


@pytest.mark.parametrize("text", ["", "[]", "{broken", "a: 1"])
def test_a_file_that_is_no_kubeconfig_is_told_as_such(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(ConfigException, match=r"[Ii]nvalid kube-config|is no kubeconfig"):
        namespace_of(str(file))
