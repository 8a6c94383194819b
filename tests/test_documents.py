"""Documents tell the truth of the tree: what they name exists, and what is made of the code is of the code as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from specification import SPECIFICATION, specification

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = ("flows", "transforms", "sql", "catalogs", "tests", "docs")


def named_paths(text: str) -> set[str]:
    """Paths below the root that a text names as code, fenced examples apart."""
    spans = re.findall(r"`([^`\s]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return {span for span in spans if span.split("/")[0] in PLACES and "/" in span}


def named_modules(text: str) -> set[str]:
    """Modules of ours that a text names, as `flows.asking` or `python -m tests.benchmarks.NAME`."""
    return set(re.findall(r"\b((?:flows|tests)(?:\.[a-z_]+)+)\b", text))


def is_module(name: str) -> bool:
    """Whether a dotted name is a module or package, or a name within one."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [name for name in sorted(named_paths(text)) if not (ROOT / name).exists()] == []
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (document.parent / link).exists()] == []
    assert [name for name in sorted(named_modules(text)) if not is_module(name)] == []


def test_every_command_of_make_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, document.name


def test_every_decision_is_listed() -> None:
    pages = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    assert set(re.findall(r"\((0[^)]+\.md)\)", (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8"))) == pages


def test_the_specification_is_of_the_tests_as_they_are() -> None:
    assert SPECIFICATION.read_text(encoding="utf-8") == specification(), "write it again: make documents"


def test_a_file_that_is_not_there_is_noticed() -> None:
    assert named_paths("see `flows/none.py` and `make test`, not `a/b`") == {"flows/none.py"}
    assert not (ROOT / "flows/none.py").exists()
    assert is_module("flows.asking.recommend") and not is_module("flows.nothing.recommend")
