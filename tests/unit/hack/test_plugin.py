"""The archive of `kubectl linnet`: what is shared, and the same bytes each time."""

import os
import tarfile
from pathlib import Path

import yaml

from hack.plugin import COMMAND, LAUNCHER, PLATFORMS, PYTHONS, manifest, pack, same, sha256, share


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_what_is_the_same_for_all_pythons_is_kept_once(tmp_path: Path) -> None:
    for python, compiled in (("a", "for a"), ("b", "for b")):
        tree(tmp_path / python / "rich", text="same")
        tree(tmp_path / python / "numpy", core=compiled, init="same")
        tree(tmp_path / python, **{"six.py": "same"})
    tree(tmp_path / "a" / "backport", text="only here")
    share([tmp_path / "a", tmp_path / "b"], tmp_path / "common")
    found = {each: sorted(os.listdir(tmp_path / each)) for each in ("common", "a", "b")}
    assert found == {"common": ["rich", "six.py"], "a": ["backport", "numpy"], "b": ["numpy"]}


def test_a_file_and_a_folder_of_one_name_differ(tmp_path: Path) -> None:
    tree(tmp_path / "a" / "x", text="")
    tree(tmp_path / "b", x="")
    assert not same(tmp_path / "a" / "x", tmp_path / "b" / "x")
    assert not same(tmp_path / "a", tmp_path / "c")
    tree(tmp_path / "d" / "x", text="", more="")
    assert not same(tmp_path / "a", tmp_path / "d")


def test_an_archive_tells_nothing_of_when_and_by_whom_it_was_made(tmp_path: Path) -> None:
    for name, time in (("one", 1_000_000_000), ("two", 1_700_000_000)):
        root = tree(tmp_path / name, **{COMMAND: LAUNCHER, "LICENSE": "text"})
        tree(root / "lib", **{"a.py": "pass"})
        os.utime(root / COMMAND, (time, time))
        pack(root, tmp_path / f"{name}.tar.gz")
    assert sha256(tmp_path / "one.tar.gz") == sha256(tmp_path / "two.tar.gz")
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        modes = {each.name: each.mode for each in archive}
        assert {each.uid for each in archive} == {0}
    assert modes == {"LICENSE": 0o644, COMMAND: 0o755, "lib": 0o755, "lib/a.py": 0o644}


def test_the_manifest_names_each_archive_with_its_digest() -> None:
    digests = {each: str(place) * 64 for place, each in enumerate(PLATFORMS)}
    told = yaml.safe_load(yaml.safe_dump(manifest(digests, "https://example.com/files")))
    assert told["kind"] == "Plugin"
    first = told["spec"]["platforms"][0]
    assert first["selector"]["matchLabels"] == {"os": "linux", "arch": "amd64"}
    assert first["uri"].startswith("https://example.com/files/v")
    assert first["uri"].endswith("-linux-amd64.tar.gz")
    assert first["sha256"] == "0" * 64
    assert len(told["spec"]["platforms"]) == len(PLATFORMS)


def test_another_python_is_told_which_ones_do() -> None:
    assert all(python in LAUNCHER for python in PYTHONS)
    compile(LAUNCHER, COMMAND, "exec")
