"""Models that are known by name, published or not, and which of them an id that no place knows may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from flows.database.connection import connect
from flows.database.sql_files import fetch
from flows.lake.model_lists import read_model_lists
from flows.lake.snapshot import read_snapshot
from flows.versions.versions import Versions

_KNOWN = pl.Schema({"model_id": pl.String(), "downloads": pl.Int64(), "reject_code": pl.String()})

_UNANSWERED = ("network_failure", "not_found")
"""Codes of rejects that only say that nobody found the model."""

_NEAREST_FOR = 5
"""The most unknown ids of one question that the nearest known ones are looked up for: each is compared with every known id."""


def known_models(data: Path) -> pl.DataFrame:
    """Every model that the published version, the lake, the bundled snapshot or the bundled list names, once.

    Returns model_id, downloads (null where unknown) and reject_code (null where the model was not refused).
    """
    published = Versions(data).latest()
    places = [place for place in (published, data / "lake") if place is not None]
    found = [frame for place in places for frame in (_accepted(place), _refused(place)) if frame is not None]
    listed = pl.DataFrame({"model_id": read_model_lists([]).ids})
    named = [read_snapshot()["models"].select("model_id"), listed]
    return pl.concat([pl.DataFrame(schema=_KNOWN), *found, *named], how="diagonal").unique(
        "model_id", keep="first", maintain_order=True
    )


def nearest_models(asked: Iterable[str], known: pl.DataFrame) -> dict[str, str]:
    """The known models that come nearest to each id, as text; ids that none comes near to are left out."""
    ids = list(asked)[:_NEAREST_FOR]
    with connect() as connection:
        connection.register("known_models", known)
        rows = fetch(connection, "ask/nearest_models.sql", {"asked": ids}).records()
    names: dict[str, list[str]] = {}
    for row in rows:
        refused = f" (rejected: {row['reject_code']})" if row["reject_code"] else ""
        names.setdefault(row["asked_id"], []).append(f"{row['model_id']}{refused}")
    return {asked_id: ", ".join(near) for asked_id, near in names.items()}


def with_nearest(message: str, model_id: str, nearest: Mapping[str, str]) -> str:
    """A message about an unknown model, with the known ones that it may mean."""
    return f"{message}; nearest: {nearest[model_id]}" if model_id in nearest else message


def known_spelling(asked: str, known: pl.DataFrame) -> str:
    """The known id that is the one asked for but for the case of letters, which the Hub ignores; else the one asked for."""
    ids = known["model_id"]
    if asked in ids:
        return asked
    return str(next(iter(ids.filter(ids.str.to_lowercase() == asked.lower())), asked))


def _accepted(place: Path) -> pl.DataFrame | None:
    path = place / "models.parquet"
    return pl.read_parquet(path, columns=["model_id", "downloads"]) if path.is_file() else None


def _refused(place: Path) -> pl.DataFrame | None:
    path = place / "rejects.parquet"
    if not path.is_file():
        return None
    rejects = pl.read_parquet(path, columns=["model_id", "code"]).rename({"code": "reject_code"})
    return rejects.filter(~pl.col("reject_code").is_in(_UNANSWERED))
