"""The tests as a specification, `docs/specification.md`: what each finds, as a sentence, room by room.

python -m tests.specification        writes the file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
SPECIFICATION = TESTS.parent / "docs" / "specification.md"

_HEAD = """# What the tests say

Every test by what it finds, room by room; made from the names of the tests by `make documents`. A sentence may be tried on many
cases.
"""


def specification() -> str:
    """The document."""
    parts = [_HEAD]
    for path in sorted(TESTS.rglob("test_*.py"), key=lambda path: (path.parent.as_posix(), path.name)):
        sentences = list(_sentences(path))
        if sentences:
            parts.append(f"## {path.relative_to(TESTS.parent).as_posix()}\n\n{_subject(path)}\n")
            parts.append("\n".join(f"* {sentence}" for sentence in sentences) + "\n")
    return "\n".join(parts)


def _sentences(path: Path) -> Iterator[str]:
    """The names of a file's tests as sentences."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")


def _subject(path: Path) -> str:
    """The first paragraph of a file's docstring."""
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    return " ".join(first.split())


if __name__ == "__main__":
    SPECIFICATION.write_text(specification(), encoding="utf-8")
