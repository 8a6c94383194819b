"""Every formula's worked examples hold, and every formula says what it means, in which units, from where."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from flows.size.fit import create_formulas

SQL = Path(__file__).parents[2] / "sql"
FORMULAS = sorted(path for folder in ("macros", "policies", "sizing/macros") for path in (SQL / folder).rglob("*.sql"))
SCALAR = [path for path in FORMULAS if not re.search(r"\) as table", path.read_text())]
EXAMPLES = [
    (path.stem, match[1], match[2])
    for path in SCALAR
    for match in re.finditer(r"^-- Example: (.+) = (.+)$", path.read_text(), re.M)
]


@pytest.fixture(scope="module")
def formulas(estimator: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The estimator, which knows the formulas of sizing as well."""
    create_formulas(estimator)
    return estimator


@pytest.mark.parametrize("path", FORMULAS, ids=lambda path: path.stem)
def test_a_file_defines_the_macro_of_its_name(path: Path) -> None:
    defined = re.findall(r"^create or replace macro (\w+)", path.read_text(), re.M)
    assert defined == [path.stem]


@pytest.mark.parametrize("path", SCALAR, ids=lambda path: path.stem)
def test_a_formula_gives_source_and_examples(path: Path) -> None:
    text = path.read_text()
    assert "-- Source: " in text
    assert "-- Example: " in text
    assert "-- Units: " in text or path.stem.startswith(("checkpoint_precision", "hardware_refusal"))


@pytest.mark.parametrize(("macro", "call", "value"), EXAMPLES, ids=lambda part: str(part)[:60])
def test_a_worked_example(formulas: duckdb.DuckDBPyConnection, macro: str, call: str, value: str) -> None:
    found, expected = formulas.sql(f"select {call}, {value}").fetchall()[0]
    if isinstance(expected, str) or expected is None or isinstance(expected, bool):
        assert found == expected
    else:
        assert float(found) == pytest.approx(float(expected), rel=2e-4, abs=1e-9)
