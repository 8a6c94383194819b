"""The bundled snapshot: extracted facts of well-known models as CSV, for when the Hub cannot be reached.

    python -m flows.lake.snapshot --data DIR [--labels index.csv] [--add]

writes `catalogs/snapshot/*.csv` from the last extraction of any lake, in the form of the tables' contracts, and reads back
exactly what was written. `--add` keeps the models that the lake does not hold. `sources.csv` says of each model where its
config was read, and when.
"""

from __future__ import annotations

import argparse
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl

from flows.lake.lake import Lake, read_table, writing
from transforms.architecture.architecture import architecture_key
from transforms.tables.contracts import NOT_READ, ContractError, conform, polars_schema

TABLES = ("models", "architectures", "parameter_groups", "layer_groups")
_SOURCES = "snapshot_sources"
_BY_MODEL = ("models", _SOURCES)
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


class SnapshotError(ValueError):
    """A snapshot that cannot be read or made; the message names the file."""


def read_snapshot() -> dict[str, pl.DataFrame]:
    """The bundled models, architectures, parameter_groups and layer_groups. Raises SnapshotError."""
    directory = Path(str(files("catalogs").joinpath("snapshot")))
    return {name: read_csv(name, directory / f"{name}.csv") for name in TABLES}


def read_csv(table: str, path: Path) -> pl.DataFrame:
    """A CSV of the snapshot as its table. Raises SnapshotError naming file and column."""
    schema = polars_schema(table)
    times = [column for column, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
    try:
        frame = pl.read_csv(path, schema={column: pl.String() if column in times else dtype for column, dtype in schema.items()})
        parsed = [pl.col(column).str.to_datetime(_TIME, time_unit="us", time_zone="UTC") for column in times]
        return conform(table, frame.with_columns(parsed))
    except (pl.exceptions.PolarsError, ContractError, OSError) as error:
        raise SnapshotError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def write_snapshot(lake: Lake, directory: Path, labels: pl.DataFrame | None = None, add: bool = False) -> dict[str, int]:
    """Write the snapshot of a lake's last extraction and return its row counts.

    `labels` (model_id, name, and source or source_repo and source_path) are facts about configs that were not read from the
    Hub: an id whose `name` is "inferred" was read from the config's contents, neither commit nor gate is known, nor which other
    files there are (the config may tell that an engine needs the repository's code, never that it does not), and a label
    without a source is of figures that were not read at all. `add` keeps the directory's models that the lake does not hold;
    a label of one of those mends its source. Raises SnapshotError.
    """
    tables: dict[str, pl.DataFrame] = {}
    for name in TABLES:
        frame = read_table(lake, name)
        if frame is None:
            raise SnapshotError(f"{lake.root} holds no extracted {name}; run `shapefit refresh --data {lake.root}` first")
        tables[name] = frame
    models = tables["models"].with_columns(source=pl.lit("snapshot"))
    labelled = None if labels is None else _labelled(labels)
    if labelled is not None:
        named = models.join(labelled, on="model_id", how="semi")
        inferred = labelled.filter(pl.col("name") == "inferred")["model_id"].to_list()
        unknown = pl.lit(None, pl.String)
        told = pl.when("needs_remote_code").then(True)  # null where it is false
        models = named.with_columns(
            sha=unknown, gated=unknown, needs_remote_code=told, id_inferred=pl.col("model_id").is_in(inferred)
        )
    tables["models"] = models
    tables[_SOURCES] = _sources(models, labelled)
    if add:
        tables = _added(tables, {name: read_csv(name, _file(directory, name)) for name in (*TABLES, _SOURCES)}, labelled)
    kept = tables["models"].select("architecture_key").unique()
    for name in TABLES[1:]:
        tables[name] = tables[name].join(kept, on="architecture_key", how="semi")
    for name, frame in tables.items():
        _write_csv(name, frame, _file(directory, name))
    return {name: frame.height for name, frame in tables.items()}


def _labelled(labels: pl.DataFrame) -> pl.DataFrame:
    """Labels as model_id, name and source."""
    if "source" in labels.columns:
        source = pl.col("source").fill_null(NOT_READ)
    else:
        source = pl.format("https://github.com/{}: {}", "source_repo", "source_path")
    return labels.select("model_id", "name", source.alias("source"))


def _sources(models: pl.DataFrame, labelled: pl.DataFrame | None) -> pl.DataFrame:
    as_of = pl.col("fetched_at").dt.date().alias("as_of")
    if labelled is None:
        source = pl.format("https://huggingface.co/{}/blob/{}/config.json", "model_id", pl.col("sha").fill_null("main"))
        return models.select("model_id", source.alias("source"), as_of)
    return models.drop("source").join(labelled, on="model_id").select("model_id", "source", as_of)


def _added(
    tables: dict[str, pl.DataFrame], bundled: dict[str, pl.DataFrame], labelled: pl.DataFrame | None
) -> dict[str, pl.DataFrame]:
    """The bundled tables with a lake's in place of theirs where both know a model, or an architecture no better sized."""
    bundled = keyed(bundled)
    merged = {name: pl.concat([bundled[name].join(tables[name], on="model_id", how="anti"), tables[name]]) for name in _BY_MODEL}
    if labelled is not None:
        mended = labelled.select("model_id", "source")
        merged[_SOURCES] = merged[_SOURCES].update(mended, on="model_id")
    counted = bundled["architectures"].filter(pl.col("sizes_source") == "header").select("architecture_key")
    derived = tables["architectures"].filter(pl.col("sizes_source") != "header")
    worse = derived.join(counted, on="architecture_key", how="semi").select("architecture_key")
    better = tables["architectures"].join(worse, on="architecture_key", how="anti").select("architecture_key")
    for name in TABLES[1:]:
        old = bundled[name].join(better, on="architecture_key", how="anti")
        merged[name] = pl.concat([old, tables[name].join(better, on="architecture_key", how="semi")])
    return merged


def keyed(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables with the keys that extraction gives these facts today: a new fact makes new keys."""
    parts, groups = (_without_keys(tables[name]) for name in ("parameter_groups", "layer_groups"))
    old = [str(key) for key in tables["architectures"]["architecture_key"]]
    rows = tables["architectures"].iter_rows(named=True)
    new = [architecture_key(row, parts.get(key, []), groups.get(key, [])) for key, row in zip(old, rows, strict=True)]
    return {
        name: frame.with_columns(pl.col("architecture_key").replace(old, new)) if "architecture_key" in frame.columns else frame
        for name, frame in tables.items()
    }


def _without_keys(frame: pl.DataFrame) -> dict[str, list[dict[str, object]]]:
    """Rows by architecture_key, without it, in the table's order."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in frame.sort(frame.columns[:3]).iter_rows(named=True):
        rows.setdefault(str(row.pop("architecture_key")), []).append(row)
    return rows


def _file(directory: Path, table: str) -> Path:
    return directory / f"{table.removeprefix('snapshot_')}.csv"


def _write_csv(table: str, frame: pl.DataFrame, path: Path) -> None:
    frame = conform(table, frame)
    frame = frame.sort(frame.columns[:3])
    with writing(path) as stream:
        frame.write_csv(stream, datetime_format=_TIME, date_format="%Y-%m-%d")
    if not read_csv(table, path).equals(frame):
        raise SnapshotError(f"{path} does not read back as it was written")


def main() -> None:
    """Write the bundled snapshot from a lake."""
    parser = argparse.ArgumentParser(description="Write catalogs/snapshot/*.csv from a lake's last extraction.")
    parser.add_argument("--data", type=Path, required=True, help="data directory with the lake")
    parser.add_argument("--labels", type=Path, help="CSV that says of each model whether its id was inferred, and its source")
    parser.add_argument("--add", action="store_true", help="keep the models that the lake does not hold")
    arguments = parser.parse_args()
    labels = pl.read_csv(arguments.labels, infer_schema=False) if arguments.labels else None
    directory = Path(str(files("catalogs").joinpath("snapshot")))
    directory.mkdir(exist_ok=True)
    counts = write_snapshot(Lake(arguments.data), directory, labels, arguments.add)
    print(f"{date.today()}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + f" in {directory}")


if __name__ == "__main__":
    main()
