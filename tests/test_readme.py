"""README and docs speak of the project as it is."""

import re

import pytest

from asr.configuration.search_path import CONF

ROOT = CONF.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "recipes").glob("*/README.md"))]


def test_the_tree_names_every_room_of_the_package_and_no_other():
    tree = README[README.index("## The tree") :]
    named = re.findall(r"^      (\w+)/\s{2,}\S", tree, re.MULTILINE)
    assert sorted(named) == sorted(path.parent.name for path in (ROOT / "asr").glob("*/__init__.py"))
    assert len(re.findall(r"^    .*", tree[: tree.index("\n## ", 5)], re.MULTILINE)) <= 40


def test_the_index_has_a_line_for_every_page():
    lines = re.findall(r"^- \[([\w-]+\.md)\]\(\1\): \S", (ROOT / "docs" / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(lines) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "index.md")
    assert "](docs/index.md)" in README


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 130


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "asr").glob("*/__init__.py")))
def test_the_architecture_places_every_room(room):
    """Among the layers of imports, as import-linter is told them."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    layers = page[page.index("## Imports run one way") : page.index("## Contracts")]
    assert re.search(rf"^    (\w+ +)*{room}\b", layers, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_files_exist(page):
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), f"{page}: {link}"
    for name in re.findall(r"`((?:asr|conf|tests|bench|recipes|docs)/[\w/.]+\.\w+)`", text):
        assert (ROOT / name).exists() or "tdnn" in name or "NAME" in name, f"{page}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_choices_that_are_shown_exist(page):
    text = page.read_text("utf-8")
    shown = re.findall(r"\b(task|encoder|features|tokenizer|loss|trainer|experiment|search|augment)=([a-z_0-9]+)", text)
    for group, choice in shown:
        assert (CONF / group / f"{choice}.yaml").is_file() or choice in ("tdnn", "transfomer"), (
            f"{page}: {group}={choice}"
        )
