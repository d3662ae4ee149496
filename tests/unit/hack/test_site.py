"""The documents as a site: every page is in the navigation, and every link leads somewhere."""

from pathlib import Path

import pytest
import yaml

from hack import site

ROOT = Path(__file__).resolve().parents[3]


def listed() -> list[str]:
    sections = (pages for section in site.navigation() for pages in section.values())
    return [page for pages in sections for entry in pages for page in entry.values()]


def repository(root: Path, **pages: str) -> Path:
    for name in (*site.ELSEWHERE, *site.FILES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("# A page\n")
    for name, text in pages.items():
        file = root / "docs" / f"{name.replace('__', '/')}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(listed()) == sorted(site.pages().values())


def test_pages_are_called_by_their_headings() -> None:
    (reference,) = (section["Reference"] for section in site.navigation() if "Reference" in section)
    assert {"Chart values": "reference/charts.md"} in reference


def test_no_link_is_broken() -> None:
    assert list(site.broken()) == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    theme = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["theme"]
    assert theme["font"] is False


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("gone.md", "leads nowhere"),
        ("../hack", "leads nowhere"),
        ("../Makefile", "isn't on the site"),
        ("other.md#gone", "is no heading there"),
        ("#gone", "is no heading there"),
        ("other.md#what-it-doesnt-do", ""),
        ("#here", ""),
        ("adr/", ""),
        ("../charts/recochat/README.md#a-page", ""),
        ("https://example.com", ""),
        ("../LICENSE", ""),
    ],
)
def test_a_link_is_followed(tmp_path: Path, link: str, said: str) -> None:
    page = f"# Here\n\nSee [there]({link}).\n\n```\n[no link](nowhere.md)\n```\n"
    other = "## What it doesn't do\n"
    root = repository(tmp_path, page=page, other=other, adr__README="# Decisions\n")
    (root / "Makefile").touch()
    found = list(site.broken(root))
    assert found == ([f"docs/page.md: {link} {said}"] if said else [])


def test_links_follow_a_page_that_has_moved(tmp_path: Path) -> None:
    root = repository(tmp_path, limits="# Limits\n", ops__RUNBOOK="[x](../limits.md#limits)\n")
    (root / "README.md").write_text(
        "[Limits](docs/limits.md) [Licence](LICENSE)\n![p](docs/p.svg)\n"
    )
    (root / "charts" / "recochat" / "README.md").write_text("[Home](../../README.md#a-page)\n")
    (root / "docs" / "p.svg").touch()
    site.laid_out(root, tmp_path / "out")
    index = (tmp_path / "out" / "index.md").read_text()
    assert index == "[Limits](limits.md) [Licence](license.txt)\n![p](p.svg)\n"
    chart = (tmp_path / "out" / "charts" / "recochat.md").read_text()
    assert chart == "[Home](../index.md#a-page)\n"
    assert (tmp_path / "out" / "ops" / "RUNBOOK.md").read_text() == "[x](../limits.md#limits)\n"
    assert (tmp_path / "out" / "p.svg").is_file()


def test_a_list_gets_the_blank_line_that_it_needs() -> None:
    lines = ["Some words:", "- one", "  more of it", "- two", "", "- apart", "", "1. first"]
    found = site.relinked("\n".join(lines), "README.md", dict(site.ELSEWHERE))
    assert found.splitlines() == ["Some words:", "", *lines[1:]]


def test_a_diagram_of_states_is_a_table() -> None:
    lines = ("[*] --> A", "A --> B: it began", "B --> A: it ended", "class A resting")
    text = "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", "more"])
    found = site.relinked(text, "README.md", dict(site.ELSEWHERE)).splitlines()
    assert found[2:4] == ["| **A** | B | it began |", "| B | **A** | it ended |"]
    assert found[-1] == "more"


def test_code_is_left_as_it_is() -> None:
    text = "```yaml\nkey: [x](y.md)\nwords\n- item\n```\n"
    assert site.relinked(text, "README.md", dict(site.ELSEWHERE)) == text
