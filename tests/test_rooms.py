"""The rooms of the house: which may import which. Arrows run one way, so that each room can be read without those above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.extract.extract import EXTRACTING_ROOMS, extracting_code

ROOT = Path(__file__).parent.parent
FLOORS = {
    "transforms": (
        ("columns",),
        ("tables",),
        ("catalogs", "config"),
        ("layers", "asking", "price_lists", "sizing"),
        ("weights",),
        ("architecture",),
    ),
    "flows": (
        ("system",),
        ("printing",),
        ("prefect_runtime", "database"),
        ("lake",),
        ("hub", "versions"),
        ("crawl", "export", "size"),
        ("extract",),
        ("estimate",),
        ("publish",),
        ("remote",),
        ("ask", "prices"),
        ("recommend",),
        ("refresh", "asking", "config_recommender"),
        ("nightly",),
        ("cli",),
    ),
}
"""From the ground up: a room imports rooms of lower floors only. Of `flows`, the last three floors but `nightly` are doors: files
that people start from. Every room of `flows` may import every room of `transforms`."""

MOST_FILES = 12


def floor(hall: str, room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS[hall]) if room in rooms)


def imported_modules(code: str, known: set[str]) -> set[str]:
    """The project's modules that a file imports, wherever in it: at the top, in a function, or for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {whole if (whole := f"{node.module}.{alias.name}") in known else node.module for alias in node.names}
    return found & known


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for hall in FLOORS
        for path in sorted((ROOT / hall).rglob("*.py"))
        if path.name != "__init__.py"
    }


MODULES = modules()
IMPORTS = {module: imported_modules(path.read_text(), set(MODULES)) for module, path in MODULES.items()}


def arrows_back(module: str, imports: set[str]) -> Iterator[str]:
    """Imports of a room that is not below the module's own."""
    hall, room, *_ = module.split(".")
    for target in sorted(imports):
        other_hall, other_room, *_ = target.split(".")
        if hall == "transforms" and other_hall == "flows":
            yield target
        if hall == other_hall and room != other_room and floor(hall, other_room) >= floor(hall, room):
            yield target


def test_a_room_imports_only_rooms_below_it() -> None:
    back = {module: list(arrows_back(module, imports)) for module, imports in IMPORTS.items()}
    assert {module: targets for module, targets in back.items() if targets} == {}


def test_an_arrow_that_runs_back_is_noticed() -> None:
    def planted(module: str, line: str) -> list[str]:
        return list(arrows_back(module, imported_modules(line, set(MODULES))))

    assert planted("flows.lake.lake", "from flows.publish.publish import publish") == ["flows.publish.publish"]
    assert planted("flows.prices.refresh_catalogs", "from flows.ask import query") == ["flows.ask.query"]
    assert planted("transforms.layers.layer", "def late():\n    import flows.cli") == ["flows.cli"]
    assert planted("flows.publish.publish", "from flows.lake.lake import Lake") == []


def test_no_circle_of_imports() -> None:
    left = dict(IMPORTS)
    while leaves := [module for module, imports in left.items() if not imports & set(left) - {module}]:
        left = {module: imports for module, imports in left.items() if module not in leaves}
    assert sorted(left) == []


def folders(hall: Path) -> list[Path]:
    """The rooms of a hall and the folders within them."""
    return [path for path in sorted(hall.rglob("*")) if path.is_dir() and path.name != "__pycache__"]


@pytest.mark.parametrize("hall", FLOORS)
def test_every_room_has_a_floor_a_purpose_and_no_more_files_than_the_eye_takes_in(hall: str) -> None:
    named = {room for rooms in FLOORS[hall] for room in rooms}
    assert {module.split(".")[1] for module in MODULES if module.startswith(f"{hall}.")} == named
    for room in folders(ROOT / hall):
        assert ast.get_docstring(ast.parse((room / "__init__.py").read_text())), room
        assert len([path for path in room.glob("*.py") if path.name != "__init__.py"]) <= MOST_FILES, room


def test_what_decides_that_models_are_extracted_anew_is_the_code_that_extracts_them_and_no_other() -> None:
    """A room that extraction came to use would be left out of the hash; a room that it does not use would extract for nothing."""
    used, ahead = set(), ["transforms.architecture.extract_models"]
    while ahead:
        module = ahead.pop()
        if module not in used:
            used.add(module)
            ahead += IMPORTS[module]
    assert {module.split(".")[1] for module in used} == set(EXTRACTING_ROOMS)
    hashed = {f"transforms.{name.removesuffix('.py').replace('/', '.')}" for name in extracting_code()}
    assert used <= hashed
    assert {name.split("/")[0] for name in extracting_code()} == set(EXTRACTING_ROOMS)
