"""The catalogs: CSV files of facts, read and checked whole before anything is computed from them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from transforms.catalogs.catalog_checks import Violation, check_catalogs
from transforms.catalogs.gpu_names import GpuMatch, UnknownGpuError, lookup_gpu
from transforms.price_lists.formats import FORMATS
from transforms.tables.contracts import CATALOG_TABLES, TABLES, empty_frame

__all__ = ["CatalogError", "GpuMatch", "UnknownGpuError", "load_catalogs", "lookup_gpu"]

REFRESHED = ("prices", "shapes")
"""Catalogs that a data directory may hold refreshed rows of."""

REFRESHED_DATES = {"prices": "price_as_of", "shapes": "as_of"}

SHOWN_VIOLATIONS = 5
"""Faults that an error spells out; the rest is counted."""


class CatalogError(ValueError):
    """A catalog is missing or wrong; the message names file, line and column of the first faults and counts them all."""

    def __init__(self, message: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(message)
        self.violations = violations


def load_catalogs(directory: Path | None = None, data: Path | None = None) -> dict[str, pl.DataFrame]:
    """Every catalog as a frame of its contract's columns and types, by table name.

    Args:
        directory: the folder with the CSV files; by default those that come with shapefit.
        data: a data directory, whose own prices and shapes (`<data>/catalogs/`, written by `flows.prices.refresh_catalogs`) are
            preferred, row by row, to older ones of the folder.

    Raises CatalogError where a file is missing, is not UTF-8 or breaks its contract.
    """
    frames = dict(_bundled()) if directory is None else _checked(directory)
    if data is not None:
        # Prices first: a refresh that writes both writes shapes first, so that no price is read before its shape.
        refreshed = {table: _refreshed(data, table) for table in REFRESHED}
        refreshed["prices"] = _sold(refreshed["prices"], frames)
        for table in REFRESHED:
            frames[table] = _preferred(table, frames[table], refreshed[table])
        for column, target in (("provider", "providers"), ("gpu", "gpus")):
            unknown = refreshed["shapes"].join(frames[target], on=column, how="anti")
            if unknown.height:
                named = f"{unknown['provider'][0]} {unknown['shape'][0]}: {unknown[column][0]!r}"
                raise CatalogError(f"{refreshed_directory(data)}/shapes.csv, column {column}: {named} is not in {target}.csv")
        frames["prices"] = frames["prices"].join(frames["shapes"], on=TABLES["shapes"].key, how="semi", maintain_order="left")
    return frames


@cache
def _bundled() -> dict[str, pl.DataFrame]:
    """The catalogs that come with shapefit: they do not change while it runs."""
    return _checked(files("catalogs"))


def _checked(folder: Traversable) -> dict[str, pl.DataFrame]:
    frames, violations = check_catalogs({table: _read(folder, f"{table}.csv") for table in CATALOG_TABLES}, _words())
    _refuse(violations, "")
    return frames


def _words() -> dict[tuple[str, str], Collection[str]]:
    """Words of columns that follow from what the code can read."""
    return {("price_sources", "list_format"): FORMATS.keys()}


def refreshed_directory(data: Path) -> Path:
    """The folder of a data directory with the prices and shapes that were refreshed."""
    return data / "catalogs"


def _refreshed(data: Path, table: str) -> pl.DataFrame:
    folder = refreshed_directory(data)
    if not (folder / f"{table}.csv").is_file():
        return empty_frame(table)
    frames, violations = check_catalogs({table: _read(folder, f"{table}.csv")})
    _refuse(violations, f"{folder}/")
    return frames[table]


def _sold(prices: pl.DataFrame, frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Refreshed prices without those that a provider's list once named and nobody can buy at; a user's own stay."""
    lists = frames["price_sources"]["url"].str.split("?").list.first().implode()
    unsold = prices.filter(pl.col("source").is_in(lists)).join(frames["unsold_prices"], on=TABLES["prices"].key, how="semi")
    return prices.join(unsold, on=TABLES["prices"].key, how="anti", maintain_order="left")


def _preferred(table: str, bundled: pl.DataFrame, refreshed: pl.DataFrame) -> pl.DataFrame:
    """The bundled rows, each replaced by the refreshed one of its key unless that is older; and refreshed rows of other keys."""
    key, dated = list(TABLES[table].key), REFRESHED_DATES[table]
    older = refreshed.join(bundled, on=key, suffix="_bundled").filter(pl.col(dated) < pl.col(f"{dated}_bundled"))
    kept = refreshed.join(older, on=key, how="anti", maintain_order="left")
    return pl.concat([bundled.join(kept, on=key, how="anti", maintain_order="left"), kept])


def _refuse(violations: list[Violation], folder: str) -> None:
    if violations:
        shown = "; ".join(f"{folder}{violation}" for violation in violations[:SHOWN_VIOLATIONS])
        rest = f"; {len(violations)} faults in all" if len(violations) > SHOWN_VIOLATIONS else ""
        raise CatalogError(f"{shown}{rest}", tuple(violations))


def _read(folder: Traversable, name: str) -> str:
    try:
        return folder.joinpath(name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CatalogError(f"{name}: no such file in {folder}; the catalogs need one file for each table") from None
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name}: not UTF-8 text (byte {error.start})") from None
