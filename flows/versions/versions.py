"""Where the published versions are, and how they are opened: read-only, without any way out of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from flows.database.errors import one_line
from flows.database.settings import SETTINGS
from flows.database.sql_files import sql_text

if TYPE_CHECKING:
    import duckdb

DATABASE = "recommendations.duckdb"
RUN = "run.json"


class NotPublishedError(ValueError):
    """There is no published version to answer from."""


class OtherVersionError(ValueError):
    """The published version lacks what is asked of it: another release of shapefit wrote it."""


class RejectedModelError(Exception):
    """A model has no estimate; code and message say why and what to do. The answer to the question is "no"."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class FileSum(TypedDict):
    """Size and hash of one file of a version."""

    bytes: int
    sha256: str


class Coverage(TypedDict):
    """Counts of what a version covers."""

    models: int
    models_by_source: dict[str, int]
    architectures: int
    rejects: int
    rejects_by_code: dict[str, int]
    shapes: int
    providers: int
    priced_shapes: int


class RunFacts(TypedDict, total=False):
    """The contents of a version's run.json, beside what the run that made it said of itself."""

    run_id: str
    sequence: int
    published_at: str
    previous: str | None
    requested: list[str]
    content_hash: str
    grid_hash: str
    unchanged: bool
    counts: dict[str, int]
    recommendations_left_out: str | None
    changes: dict[str, int]
    coverage: Coverage
    freshness: dict[str, object]
    inputs: dict[str, dict[str, object]]
    files: dict[str, FileSum]
    tools: dict[str, str]
    build_seconds: float


@dataclass(frozen=True)
class Versions:
    """The published versions under a data directory."""

    data: Path

    @property
    def root(self) -> Path:
        """The directory of all versions."""
        return self.data / "published"

    @property
    def latest_link(self) -> Path:
        """The symlink that names the current version."""
        return self.root / "latest"

    def latest(self) -> Path | None:
        """The directory of the current version, or None where nothing is published."""
        try:
            target = self.root / self.latest_link.readlink().name
        except OSError:
            return None
        return target if (target / DATABASE).is_file() else None

    def all(self) -> list[Path]:
        """Every complete version, oldest first."""
        if not self.root.is_dir():
            return []
        found = [entry for entry in self.root.iterdir() if not entry.name.startswith(".") and not entry.is_symlink()]
        complete = [entry for entry in found if (entry / RUN).is_file() and (entry / DATABASE).is_file()]
        ordered = [(order, version) for version in complete if (order := _order(version)) is not None]
        return [version for _, version in sorted(ordered)]

    def next_sequence(self) -> int:
        """The number of the version that is published next."""
        return max((order[0] for version in self.all() if (order := _order(version))), default=0) + 1


def _order(version: Path) -> tuple[int, str, str] | None:
    """A version's place among the others, by its number: a clock may go backwards. None where run.json is damaged."""
    try:
        return published_order(read_run(version) | {"run_id": version.name})
    except (OSError, ValueError, TypeError):
        return None


def published_order(run: Mapping[str, object]) -> tuple[int, str, str]:
    """The order of versions, from a run.json: its number, and for versions without one the time."""
    return int(str(run.get("sequence", 0))), str(run.get("published_at", "")), str(run["run_id"])


def read_run(version: Path) -> RunFacts:
    """A version's run.json."""
    facts: RunFacts = json.loads((version / RUN).read_text(encoding="utf-8"))
    return facts


def require_latest(data: Path) -> Path:
    """The current version's directory. Raises NotPublishedError."""
    latest = Versions(data).latest()
    if latest is None:
        raise NotPublishedError(f"nothing is published in {data}: run `shapefit refresh` first, or name another --data")
    return latest


def open_version(version: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a version's database, closed to files, extensions and further settings.

    Each connection is an instance of its own, so that many threads may open one, beside whatever else the process does with the
    file. The version may be replaced meanwhile: the connection goes on reading the one that it opened. Raises
    NotPublishedError where the file is no database that can be read.
    """
    import _duckdb  # alone: the package around it takes 0.1 s to import, a third of an answer, and adds nothing to a query

    path = version.resolve() / DATABASE
    connection = _duckdb.connect(":memory:", config=SETTINGS)
    try:
        connection.execute(sql_text("ask/attach_version.sql"), {"path": str(path)})
        connection.execute(sql_text("ask/session.sql"))
    except (_duckdb.IOException, _duckdb.SerializationException) as error:
        connection.close()
        raise NotPublishedError(f"{path} cannot be read: {one_line(str(error))}") from error
    return connection


@contextmanager
def answering(version: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """`open_version` for questions of our own. Raises OtherVersionError where the version lacks a table, column or macro."""
    import _duckdb

    with open_version(version) as connection:
        try:
            yield connection
        except (_duckdb.BinderException, _duckdb.CatalogException) as error:
            lacking = str(error).splitlines()[0]
            raise OtherVersionError(
                f"{version.name} was published by another version of shapefit ({lacking}): run `shapefit refresh`"
            ) from error
