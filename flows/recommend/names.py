"""Names of catalogs that a question uses, and which known ones they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.database.sql_files import fetch
from flows.recommend.question import Question, QuestionError

if TYPE_CHECKING:
    import duckdb

NAMES = ("recommend/names.sql", "recommend/shape_providers.sql")
"""What `names_meant` asks of a connection."""

_NAMED = ("provider", "shape", "quantization", "region", "workload")
"""Conditions that are names of catalogs."""

_LISTED_NAMES = 30
"""The most known names that an error lists whole; of more, it lists the nearest."""


def names_meant(connection: duckdb.DuckDBPyConnection, question: Question, names: str = "recommend/names.sql") -> dict[str, Any]:
    """The catalog names that the question's names mean, by condition; null for conditions that are not stated.

    `names` is the query of `sql/` that gives the known names. Raises QuestionError with the nearest known ones for a name that
    means nothing, and for a shape that the stated provider does not offer.
    """
    asked: dict[str, str | None] = {kind: getattr(question, kind) for kind in _NAMED}
    if not any(asked.values()):
        return asked
    known = fetch(connection, names).records()
    meant: dict[str, Any] = {}
    for kind, name in asked.items():
        of_kind: dict[str, str] = {row["name"].casefold(): row["meant"] for row in known if row["kind"] == kind}
        if name is not None and name.casefold() not in of_kind:
            raise QuestionError(f"no {kind} {name}{_known_or_nearest(name, of_kind)}")
        meant[kind] = None if name is None else of_kind[name.casefold()]
    if meant["shape"] is not None and meant["provider"] is not None:
        offering = [str(row[0]) for row in fetch(connection, "recommend/shape_providers.sql", meant).rows]
        if meant["provider"] not in offering:
            raise QuestionError(f"{meant['shape']} is a shape of {', '.join(offering)}, not of {meant['provider']}")
    return meant


def _known_or_nearest(name: str, known: dict[str, str]) -> str:
    """The end of an error: all known names where they are few, else the nearest, nothing where none is near."""
    import difflib

    every = sorted(set(known.values()))
    if len(every) <= _LISTED_NAMES:
        return f"; known: {', '.join(every)}"
    near = dict.fromkeys(known[close] for close in difflib.get_close_matches(name.casefold(), known, n=3, cutoff=0.4))
    return f"; nearest: {', '.join(near)}" if near else ""
