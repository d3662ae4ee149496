"""The documentation site: `python -m hack.site` builds it into out/site, with no broken link.

Its pages are the documents as they are in the repository, so that each can be read in both places.
Those outside docs/ get a place among them, and links follow.
"""

import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hack.cluster import paths
from hack.cluster.cache import remove
from hack.environment import program

CONFIG = Path("mkdocs.yml")
PAGES = Path("out/site-pages")
BUILT_CONFIG = Path("out/mkdocs.yml")
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "operator/README.md": "reference/operator.md",
    "workload/README.md": "recochat.md",
    "charts/linnet-operator/README.md": "charts/linnet-operator.md",
    "charts/recochat/README.md": "charts/recochat.md",
}
"""Pages that aren't below docs/, and where they are on the site."""
FILES = {"LICENSE": "license.txt", "hack/site.css": "site.css"}
"""What is there as it is, and where."""
REST = "*"
"""Stands for the pages that no section names."""
SECTIONS: dict[str, tuple[str, ...]] = {
    "Linnet": ("index.md", "quickstart.md", "architecture.md", "limits.md", "changes.md"),
    "Guides": (
        "commands.md",
        "requests.md",
        "alerts.md",
        "notifications.md",
        "dashboards.md",
        "api.md",
        "console.md",
        "sticky.md",
        "without-a-gateway.md",
        "config.md",
        "sizing.md",
        "comparison.md",
        "statistics.md",
        "rehearse.md",
        "recochat.md",
        REST,
    ),
    "Operate": ("charts/", "ops/"),
    "Reference": ("reference/",),
    "Decisions": ("adr/",),
    "Contribute": ("contributing.md",),
}
"""The navigation; a folder stands for all of its pages."""
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
HEADING = re.compile(r"#{1,6} (.+)")
DIAGRAM = re.compile(r"```mermaid\nstateDiagram-v2\n(.*?)```\n", re.DOTALL)
FENCE = re.compile(r" *(```|~~~)")


def main() -> int:
    """Build the site; 1 if a link leads nowhere."""
    faults = list(broken())
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if faults:
        return 1
    laid_out()
    config = yaml.safe_load(CONFIG.read_text()) | {"nav": navigation()}
    config |= {"docs_dir": PAGES.name, "site_dir": Path(config["site_dir"]).name}
    BUILT_CONFIG.write_text(yaml.safe_dump(config, sort_keys=False))
    mkdocs = str(program("site", "mkdocs"))
    settings = os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    words = (mkdocs, "build", "--quiet", "--clean", "--config-file", str(BUILT_CONFIG))
    return subprocess.run(words, check=False, env=settings).returncode


def pages(root: Path = paths.REPO) -> dict[str, str]:
    """Every page's path on the site, by its path in the repository."""
    found = dict(ELSEWHERE)
    for file in sorted((root / "docs").rglob("*.md")):
        path = file.relative_to(root).as_posix()
        found[path] = path.removeprefix("docs/")
    return found


def navigation(root: Path = paths.REPO) -> list[dict[str, Any]]:
    """The sections with their pages; pages of a folder are sorted, its README first."""
    known = pages(root)
    titles = {page: title((root / source).read_text()) for source, page in known.items()}
    named = tuple(entry for entries in SECTIONS.values() for entry in entries)

    def members(entry: str) -> list[str]:
        if entry == REST:
            return sorted(page for page in titles if not page.startswith(named))
        inside = (page for page in titles if page.startswith(entry))
        return sorted(inside, key=_readme_first)

    return [
        {name: [{titles[page]: page} for entry in entries for page in members(entry)]}
        for name, entries in SECTIONS.items()
    ]


def title(text: str) -> str:
    """A page's first heading."""
    return next(line[2:] for line in text.splitlines() if line.startswith("# "))


def _readme_first(page: str) -> tuple[bool, str]:
    return not page.endswith("README.md"), page


def laid_out(root: Path = paths.REPO, target: Path = PAGES) -> None:
    """Copy the pages, with links that follow, and everything else that is below docs/."""
    remove(target)
    shutil.copytree(root / "docs", target, ignore=shutil.ignore_patterns("*.md"))
    known = pages(root)
    for source, name in FILES.items():
        shutil.copyfile(root / source, target / name)
    for source, page in known.items():
        file = target / page
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(relinked((root / source).read_text(), source, known))


def relinked(text: str, source: str, known: dict[str, str]) -> str:
    """A page with each of its links as it has to be on the site."""
    here = posixpath.dirname(known[source])

    def follow(link: re.Match[str]) -> str:
        path, mark, anchor = link[2].partition("#")
        if outside(link[2]) or not path:
            return link[0]
        place = _place(source, path, known)
        return f"{link[1]}{posixpath.relpath(place, here or '.')}{mark}{anchor}{link[3]}"

    told: list[str] = []
    for line, prose in told_apart(text.splitlines()):
        if prose and told and begins_list(told[-1], line):
            told.append("")
        told.append(LINK.sub(follow, line) if prose else line)
    return DIAGRAM.sub(tabled, "\n".join(told) + "\n")


def tabled(diagram: re.Match[str]) -> str:
    """A state diagram as a table: what draws it would have to be loaded from elsewhere."""
    lines = [line.strip() for line in diagram[1].splitlines()]
    shaded = {name for line in lines if line.startswith("class ") for name in _names(line)}
    rows = ["| from | to | when |", "| --- | --- | --- |"]
    for line in lines:
        if move := re.fullmatch(r"(\w+) --> (\w+): (.+)", line):
            states = (f"**{name}**" if name in shaded else name for name in move.groups()[:2])
            rows.append(f"| {' | '.join(states)} | {move[3]} |")
    return "\n".join([*rows, "", "Shaded are those in bold.", ""])


def _names(line: str) -> list[str]:
    return line.split()[1].split(",")


def begins_list(before: str, line: str) -> bool:
    """Whether a list follows a paragraph: MkDocs wants a blank line there, GitHub doesn't."""
    item = re.match(r"([-*]|\d+\.) ", line)
    return bool(item and re.match(r"[^\s\-*|>#\d`]", before))


def _place(source: str, path: str, known: dict[str, str]) -> str:
    """Where on the site a link of a page leads."""
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    for candidate in (wanted, f"{wanted}/README.md"):
        if candidate in known:
            return known[candidate]
    return FILES.get(wanted) or wanted.removeprefix("docs/")


def outside(link: str) -> bool:
    """Whether a link leads out of the documents."""
    return bool(re.match(r"[a-z]+:", link))


def told_apart(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is prose: not inside a block of code."""
    fence = ""
    for line in lines:
        mark = FENCE.match(line)
        yield line, not fence and not mark
        if mark:
            fence = "" if fence else mark[1]


def broken(root: Path = paths.REPO) -> Iterator[str]:
    """Every link that leads nowhere, or out of what the site has."""
    known = pages(root)
    for source in known:
        for link in links((root / source).read_text()):
            path, _, anchor = link.partition("#")
            target = root / posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
            target = root / source if not path else target
            if target.is_dir():
                target = target / "README.md"
            name = target.relative_to(root).as_posix()
            if not target.is_file():
                yield f"{source}: {link} leads nowhere"
            elif name not in known | FILES and not name.startswith("docs/"):
                yield f"{source}: {link} isn't on the site"
            elif anchor and anchor not in anchors(target.read_text()):
                yield f"{source}: {link} is no heading there"


def links(text: str) -> Iterator[str]:
    """The links of a page to other documents."""
    for line, prose in told_apart(text.splitlines()):
        if prose:
            yield from (link[2] for link in LINK.finditer(line) if not outside(link[2]))


def anchors(text: str) -> set[str]:
    """What a link may name after #: each heading as GitHub and MkDocs spell it."""
    lines = told_apart(text.splitlines())
    headings = (HEADING.fullmatch(line) for line, prose in lines if prose)
    return {slug(heading[1]) for heading in headings if heading}


def slug(heading: str) -> str:
    """A heading as an anchor."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text))


if __name__ == "__main__":
    sys.exit(main())
