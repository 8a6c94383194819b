"""The catalogs: CSV files of facts, read and checked whole before anything is computed from them."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from transforms.catalog_checks import Violation, check_catalogs
from transforms.contracts import CATALOG_TABLES
from transforms.gpu_names import GpuMatch, UnknownGpuError, lookup_gpu

__all__ = ["CatalogError", "GpuMatch", "UnknownGpuError", "load_catalogs", "lookup_gpu"]

SHOWN_VIOLATIONS = 5
"""Faults that an error spells out; the rest is counted."""


class CatalogError(ValueError):
    """A catalog is missing or wrong; the message names file, line and column of the first faults and counts them all."""

    def __init__(self, message: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(message)
        self.violations = violations


def load_catalogs(directory: Path | None = None) -> dict[str, pl.DataFrame]:
    """Every catalog as a frame of its contract's columns and types, by table name.

    Args: the folder with the CSV files; by default those that come with shapefit.
    Raises CatalogError where a file is missing, is not UTF-8 or breaks its contract.
    """
    folder: Traversable = files("catalogs") if directory is None else directory
    frames, violations = check_catalogs({table: _read(folder, f"{table}.csv") for table in CATALOG_TABLES})
    if violations:
        shown = "; ".join(str(violation) for violation in violations[:SHOWN_VIOLATIONS])
        rest = f"; {len(violations)} faults in all" if len(violations) > SHOWN_VIOLATIONS else ""
        raise CatalogError(f"{shown}{rest}", tuple(violations))
    return frames


def _read(folder: Traversable, name: str) -> str:
    try:
        return folder.joinpath(name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CatalogError(f"{name}: no such file in {folder}; the catalogs need one file for each table") from None
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name}: not UTF-8 text (byte {error.start})") from None
