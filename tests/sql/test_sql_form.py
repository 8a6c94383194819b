"""Every SQL file has the form that the house gives it: narrow lines, lower case, no tabs, one newline at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SQL = Path(__file__).parents[2] / "sql"
WIDEST = 130
"""Characters of a line, as in Python. A worked example is one line however long it is: it is run as it stands."""

_KEYWORDS = """
all and as asc between by case cast create cross desc distinct drop else end except exclude exists false filter from full
group having if in inner insert intersect into is join lambda left like limit macro not null nulls offset on or order outer
over partition positional qualify recursive replace right select semi set table then true union unnest update using values
view when where window with
"""
KEYWORDS = frozenset(_KEYWORDS.split())
_NOT_CODE = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"")
_WORD = re.compile(r"\b[A-Za-z_]+\b")


def faults(text: str) -> Iterator[str]:
    """What is wrong with the form of a SQL text: line and fault."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > WIDEST and not line.startswith("-- Example: "):
            yield f"{number}: {len(line)} characters"
        if "\t" in line or line != line.rstrip():
            yield f"{number}: a tab, or space at the end"
    bare = _NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for number, line in enumerate(bare.split("\n"), 1):
        for word in _WORD.findall(line):
            if word != word.lower() and word.lower() in KEYWORDS:
                yield f"{number}: {word} in capitals"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "the end: one newline is needed"


def test_every_sql_file_has_the_form_of_the_house() -> None:
    found = {str(path.relative_to(SQL)): list(faults(path.read_text(encoding="utf-8"))) for path in sorted(SQL.rglob("*.sql"))}
    assert {name: each for name, each in found.items() if each} == {}


def test_a_fault_of_form_is_noticed() -> None:
    assert list(faults("select 1;\n")) == []
    assert list(faults("SELECT 'FROM' as \"ORDER\" -- BY\nFrom t;\n")) == ["1: SELECT in capitals", "2: From in capitals"]
    assert list(faults("select 1; \nselect\t2;\n")) == ["1: a tab, or space at the end", "2: a tab, or space at the end"]
    assert list(faults("-- " + "x" * 128 + "\n")) == ["1: 131 characters"]
    assert list(faults("-- Example: " + "x" * 128 + "\n")) == []
    assert list(faults("select 1;")) == ["the end: one newline is needed"]
