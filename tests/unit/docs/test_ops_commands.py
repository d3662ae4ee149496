"""Every command in docs/ops is one that there is, and every link leads somewhere.

What the commands do is tested elsewhere; here it is that nobody in an incident types one that was
renamed, or follows a link to nothing.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperCommand, TyperGroup

from linnet.cli.commands import BY_NAME

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs" / "ops").glob("*.md"))
RUN = {"DRILL"}
"""Pages whose commands are all run, on a cluster, by tests/e2e/test_quickstart.py."""
GUIDES = ("api", "console", "notifications", "quickstart")
LINKED = [*PAGES, *(ROOT / "docs" / f"{name}.md" for name in GUIDES)]

KUBECTL = {
    *("annotate", "apply", "auth", "delete", "describe", "events", "explain", "get", "logs"),
    *("patch", "rollout", "set", "version", "wait"),
}
ROLLOUT = {"history", "resume", "status"}
"""The rest of `kubectl rollout` is refused for a Deployment that Linnet holds."""
HELM = {"get", "install", "rollback", "test", "uninstall", "upgrade"}
OTHERS = {"git", "grep", "source"}
VALUED = {"-n", "--namespace", "--context", "--kubeconfig"}
"""Options before the verb that have a value."""

UsageError = typer.BadParameter.__mro__[1]
"""What the command says to words that it doesn't take; typer has no public name for it."""

Words = list[str]


def pipelines(text: str) -> Iterator[str]:
    """Each command of the blocks that a reader is to type; in `console` the lines after `$ `."""
    for indent, kind, block in re.findall(
        r"^( *)```(bash|console)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL
    ):
        lines = re.sub(r"\\\n\s*", "", block).splitlines()
        typed = [line.removeprefix(indent) for line in lines if line.strip()]
        if kind == "console":
            typed = [line.removeprefix("$ ") for line in typed if line.startswith("$ ")]
        yield from typed


def commands(text: str) -> Iterator[Words]:
    """Each command, those of a pipeline one by one, and those within a sentence or a table."""
    for line in pipelines(text):
        words = shlex.split(line, comments=True)
        words = words[: words.index(">")] if ">" in words else words
        while "|" in words:
            at = words.index("|")
            yield words[:at]
            words = words[at + 1 :]
        yield words
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    for said in re.findall(r"`((?:linnet|make|helm|kubectl) [^`]+)`", prose):
        yield shlex.split(said.replace("\n", " "))


def verbs(words: Words) -> Words:
    """The words without options; an option's value is left out where it could pass for a verb."""
    found, rest = [], iter(words)
    for word in rest:
        if word in VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return found


@cache
def command(name: str) -> TyperCommand | TyperGroup:
    return BY_NAME[name].load()


def linnet(words: Words) -> None:
    """Have the command itself read its words, but for one that is only named.

    Raises:
        UsageError, KeyError: it doesn't take them.
    """
    name, *rest = words
    command(name).make_context(name, list(rest), resilient_parsing=not rest)


def make(words: Words) -> None:
    targets = re.findall(r"^([a-z0-9%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    patterns = [re.escape(target).replace("%", ".+") for target in targets]
    for target in verbs(words):
        assert any(re.fullmatch(pattern, target) for pattern in patterns), target


def kubectl(words: Words) -> None:
    verb, *rest = verbs(words)
    assert verb in KUBECTL, verb
    assert verb != "rollout" or rest[0] in ROLLOUT, rest


def helm(words: Words) -> None:
    verb, *rest = verbs(words)
    assert verb in HELM, verb
    for chart in (word for word in rest if word.startswith("charts/")):
        values = yaml.safe_load((ROOT / chart / "values.yaml").read_text())
        for option, setting in pairwise(words):
            if option == "--set":
                value_of(values, setting.partition("=")[0])


def value_of(values: Any, path: str) -> Any:
    """The value that `--set` names, up to a list.

    Raises:
        KeyError: there is none.
    """
    for name in path.partition("[")[0].split("."):
        values = values[name]
    return values


CHECKS = {"linnet": linnet, "make": make, "kubectl": kubectl, "helm": helm}
ALL = [
    (page, words) for page in PAGES if page.stem not in RUN for words in commands(page.read_text())
]


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=f"{page.stem}: {shlex.join(words)}") for page, words in ALL]
)
def test_a_command_of_the_documents_is_one_that_there_is(words: Words) -> None:
    program, *rest = words
    assert program in CHECKS or program in OTHERS
    if program in CHECKS:
        CHECKS[program](rest)


def test_commands_are_found_in_blocks_sentences_and_tables() -> None:
    text = (
        "1. Do `make check`,\n\n   ```bash\n   kubectl -n a get b \\\n     -o yaml | grep x\n"
        "   ```\n"
        "| `linnet get` |\n\n```console\n$ helm test a\nNAME: a\n```\n"
    )
    assert list(commands(text)) == [
        ["kubectl", "-n", "a", "get", "b", "-o", "yaml"],
        ["grep", "x"],
        ["helm", "test", "a"],
        ["make", "check"],
        ["linnet", "get"],
    ]


@pytest.mark.parametrize(
    "line",
    [
        "linnet abort shop",
        "linnet promote shop --fully",
        "linnet rollback --dry-run",
        "make everything",
        "kubectl -n shops rollout undo deployment/shop",
        "kubectl drain node",
        "helm upgrade linnet charts/linnet-operator --set prometeus.url=x",
    ],
)
def test_a_command_that_there_is_not_is_found(line: str) -> None:
    program, *rest = shlex.split(line)
    with pytest.raises((AssertionError, KeyError, UsageError)):
        CHECKS[program](rest)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)", page.read_text())
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_no_alert_is_missing_in_the_guide() -> None:
    rules = ROOT / "charts" / "linnet-operator" / "files" / "alerts" / "rules.yaml"
    alerts = {
        rule["alert"]: rule["labels"]["severity"]
        for group in yaml.safe_load(rules.read_text())["groups"]
        for rule in group["rules"]
    }
    guide = (ROOT / "docs" / "ops" / "MONITORING_GUIDE.md").read_text()
    told = dict(re.findall(r"^\| `(Linnet\w+)` \| (\w+) \|", guide, re.MULTILINE))
    assert told == alerts


def test_every_metric_of_the_guide_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    known = set(re.findall(r"^\| `(linnet_\w+)`", reference, re.MULTILINE))
    guide = (ROOT / "docs" / "ops" / "MONITORING_GUIDE.md").read_text()
    named = {name.removesuffix("_bucket") for name in re.findall(r"\blinnet_\w+", guide)}
    assert named
    assert named <= known
