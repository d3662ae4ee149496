"""Guards of the layout: the folder `operator` must not shadow Python's module `operator`."""

import operator
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "path",
    ["operator/__init__.py", "operator/conftest.py", "operator/tests", "tests/operator"],
)
def test_nothing_turns_the_folder_into_the_module(path: str) -> None:
    assert not (ROOT / path).exists(), f"{path} would shadow Python's own operator module"


def test_operator_is_pythons_own() -> None:
    assert operator.__file__ is not None
    assert Path(operator.__file__).is_relative_to(sysconfig.get_path("stdlib"))
    assert operator.add(1, 1) == 2


def test_tests_are_no_packages() -> None:
    found = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("__init__.py")]
    assert found == [], "pytest runs with --import-mode=importlib, without packages under tests/"


def test_names_of_test_files_are_unique() -> None:
    names: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        names.setdefault(path.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in names.items() if len(paths) > 1} == {}
