"""A user's own shapes as CSV text → the shapes, prices and providers catalogs, checked as the bundled ones are."""

from __future__ import annotations

import csv
import io

import polars as pl

from transforms.catalogs.catalog_checks import check_catalogs
from transforms.catalogs.gpu_names import UnknownGpuError, lookup_gpu
from transforms.tables.contracts import TABLES

NEEDED = ("shape", "gpu", "gpu_count")
"""Columns that a shapes file must have; the others default to what the gpus catalog says of the accelerator."""

PRICE_COLUMNS = ("usd_per_hour", "spot_usd_per_hour", "price_region", "price_as_of")
"""Columns that a shapes file may add to those of the shapes catalog: the prices of one machine."""

OWN_PROVIDER = "own"


class ShapesFileError(ValueError):
    """A shapes file that cannot be used; the message names its line and column."""


def read_shapes(
    text: str, name: str, gpus: pl.DataFrame, aliases: pl.DataFrame, providers: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The catalogs `shapes`, `prices` and `providers` of a shapes file.

    Args: the file's text and name; the gpus, gpu_aliases and providers catalogs. Raises ShapesFileError.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    header = reader.fieldnames or []
    allowed = (*TABLES["shapes"].columns, *PRICE_COLUMNS)
    missing = [column for column in NEEDED if column not in header]
    unknown = [column for column in header if column not in allowed]
    if missing or unknown:
        wrong = f"columns are missing: {', '.join(missing)}" if missing else f"no such columns: {', '.join(unknown)}"
        raise ShapesFileError(f"{name} line 1: {wrong} (known: {', '.join(allowed)})")
    shapes, on_demand, spot, own_providers = [], [], [], {}
    for row in reader:
        if "" in row:
            raise ShapesFileError(f"{name} line {reader.line_num}: more cells than the header has columns")
        try:
            gpu = lookup_gpu(row["gpu"], gpus, aliases).gpu
        except UnknownGpuError as error:
            raise ShapesFileError(f"{name} line {reader.line_num}, column gpu: {error}") from None
        provider = row.get("provider") or OWN_PROVIDER
        own_providers[provider] = name
        identity = {"provider": provider, "shape": row["shape"], "source": name}
        facts = gpus.row(by_predicate=pl.col("gpu") == gpu, named=True)
        shapes.append({**_of_the_gpu(facts, row), **{key: value for key, value in row.items() if value}, "gpu": gpu, **identity})
        price = {**identity, "price_region": row.get("price_region"), "price_as_of": row.get("price_as_of")}
        on_demand.append({**price, "price_kind": "on_demand", "usd_per_hour": row.get("usd_per_hour")})
        if row.get("spot_usd_per_hour"):
            spot.append({**price, "price_kind": "spot", "usd_per_hour": row["spot_usd_per_hour"]})
    if not shapes:
        raise ShapesFileError(f"{name}: no shapes in it")
    frames, violations = check_catalogs({"shapes": _csv("shapes", shapes), "prices": _csv("prices", [*on_demand, *spot])})
    if violations:
        fault = violations[0]
        raise ShapesFileError(f"{name} line {fault.line}, column {fault.column}: {fault.problem}")
    known = providers.filter(pl.col("provider").is_in(own_providers))
    added = [
        {"provider": key, "provider_name": key, "source": name} for key in own_providers if key not in set(known["provider"])
    ]
    columns = {column: pl.Series([row.get(column) for row in added], dtype=dtype) for column, dtype in known.schema.items()}
    return {**frames, "providers": pl.concat([known, pl.DataFrame(columns)])}


def _of_the_gpu(facts: dict[str, object], row: dict[str, str]) -> dict[str, object]:
    """The facts of the gpus catalog about a machine with these accelerators."""
    alone = row["gpu_count"].strip() in ("1", "1.0")
    linked = facts["link_gb_per_s"] is not None
    link_type = str(facts["link_type"] or "").lower()
    kinds = (("nvlink", "nvlink_bridge" if "bridge" in link_type else "nvlink"), ("xgmi", "xgmi"), ("pcie", "pcie"))
    kind = next((kind for start, kind in kinds if link_type.startswith(start)), "other")
    return {
        "accelerator": facts["gpu"],
        "memory_gib_per_gpu": facts["memory_gib"],
        "interconnect_kind": "none" if alone else kind,
        "interconnect_gb_per_s": None if alone else facts["link_gb_per_s"] if linked else facts["pcie_gb_per_s"],
    }


def _csv(table: str, rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, TABLES[table].columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
