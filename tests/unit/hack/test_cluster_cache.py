"""The cache: same content, same key; an interrupted build leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.cache import Artifact, Timings, digest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder(root: Path, **files: str) -> Path:
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def test_equal_folders_have_equal_keys_wherever_they_lie(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1", b="2")
    two = folder(tmp_path / "two", b="2", a="1")
    assert digest(one) == digest(two)


def test_content_names_and_modes_change_the_key(tmp_path: Path) -> None:
    keys = {
        digest(folder(tmp_path / "content", a="1")),
        digest(folder(tmp_path / "other", a="2")),
        digest(folder(tmp_path / "name", b="1")),
    }
    executable = folder(tmp_path / "mode", a="1")
    (executable / "a").chmod(0o755)
    assert len(keys | {digest(executable)}) == 4


def test_bytecode_does_not_change_the_key(tmp_path: Path) -> None:
    root = folder(tmp_path / "one", a="1")
    before = digest(root)
    folder(root / "__pycache__", junk="x")
    assert digest(root) == before


def test_strings_are_kept_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_missing_input_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "nothing")


def test_a_build_runs_once() -> None:
    builds = []

    def build(target: Path) -> None:
        builds.append(target)
        (target / "file").write_text("made")

    artifact = Artifact("thing", "k1")
    assert not artifact.exists()
    assert (artifact.ensure(build) / "file").read_text() == "made"
    artifact.ensure(build)
    assert len(builds) == 1


def test_an_interrupted_build_starts_anew() -> None:
    def stopped(target: Path) -> None:
        (target / "half").write_text("")
        raise KeyboardInterrupt

    artifact = Artifact("thing", "k2")
    with pytest.raises(KeyboardInterrupt):
        artifact.ensure(stopped)
    assert not artifact.exists()
    assert list(artifact.ensure(lambda target: None).iterdir()) == []


def test_timings_survive_a_run_and_a_broken_file(cache: Path) -> None:
    Timings().record("node", 12.34)
    assert Timings().estimate("node", 99) == 12.3
    assert Timings().estimate("other", 99) == 99
    (cache / "timings.json").write_text("{")
    assert Timings().estimate("node", 99) == 99
