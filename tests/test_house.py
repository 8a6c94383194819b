"""The rules of the house: which room may import which, where SQL lives, and what is capped for Prefect's sake."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("flows", "transforms", "sql", "catalogs")
FORBIDDEN_IN_TRANSFORMS = {
    "flows",
    "sql",
    "catalogs",
    "prefect",
    "huggingface_hub",
    "duckdb",
    "httpx",
    "httpx2",
    "requests",
    "socket",
}
SQL_STATEMENT = re.compile(
    r"^\s*(select|with\s+\w+\s+as|create\s+(or\s+replace\s+)?(table|view|macro)|insert\s+into|copy)\s", re.IGNORECASE
)
DDL_FROM_DECLARATIONS = {"transforms/tables/contracts.py", "transforms/tables/star_schema.py"}


def python_files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    packages: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            packages.add(node.module.split(".")[0])
    return packages


@pytest.mark.parametrize("path", python_files("transforms"), ids=lambda path: path.name)
def test_transforms_import_no_flow_and_no_network(path: Path) -> None:
    assert imported_packages(path) & FORBIDDEN_IN_TRANSFORMS == set()


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_the_tests(room: str) -> None:
    assert [path.name for path in python_files(room) if "tests" in imported_packages(path)] == []


@pytest.mark.parametrize(
    "path", [*python_files("flows"), *python_files("transforms")], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_sql_does_not_hide_in_python_strings(path: Path) -> None:
    if str(path.relative_to(ROOT)) in DDL_FROM_DECLARATIONS:
        return
    strings = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in strings if SQL_STATEMENT.match(text)] == []


def test_the_web_framework_of_the_server_is_capped() -> None:
    """FastAPI from 0.151 on breaks Prefect's server at import. The server itself is started by tests/flows/test_refresh.py."""
    major, minor = version("fastapi").split(".")[:2]
    assert (int(major), int(minor)) < (0, 151)


def test_the_database_toolkit_of_the_scheduler_is_capped() -> None:
    """SQLAlchemy from 2.1 on lets Prefect's scheduler insert no runs, so that a nightly deployment never starts."""
    major, minor = version("sqlalchemy").split(".")[:2]
    assert (int(major), int(minor)) < (2, 1)
