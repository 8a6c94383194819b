"""The grid: every architecture on every kind of machine, computed bucket by bucket, and only where something has changed.

A bucket's figures are kept for each accelerator under a key over the bucket's architectures, that accelerator and its machines,
the catalogs that know no price, and the SQL; its ranks under a key over those keys and the offers. What is found in the lake
under its key is not computed again, so that
    a new price      ranks every bucket again and estimates nothing,
    a changed GPU    estimates that accelerator and ranks every bucket,
    a new architecture   estimates and ranks its own bucket,
    a new model of a known architecture   changes nothing here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import connect, create_macros, definitions, load_tables, tables_used_by
from flows.database.sql_files import run_sql
from flows.estimate import bucket
from flows.estimate.bucket import BucketFiles, BucketResult, BucketWork, compute_bucket
from flows.estimate.kept_files import KeptFiles, frame_sum, is_sound, key_of
from flows.estimate.row_checks import check_texts
from transforms.architecture.buckets import buckets
from transforms.catalogs.policy_settings import setting
from transforms.tables import contracts

Runner = Callable[[Sequence[BucketWork]], Iterable[BucketResult]]
"""Computes works wherever it likes, each once or, after a failure, again, and returns their results in any order."""

PRICE_FREE = ("gpus", "quantizations", "kv_dtypes", "engines", "policies", "contexts", "speed_coefficients")
"""Catalogs that the estimates read, beside the machines; `gpus` one row at a time."""

_REMARKS = ("source", "as_of", "note")
"""Columns of catalogs that explain a row; blanked before a bucket reads them, so that a reworded one changes nothing."""

_DAY_S = 86_400.0


@dataclass(frozen=True)
class GridReport:
    """What was computed and what was found: figures counted in buckets times accelerators, ranks in buckets; seconds by step."""

    buckets: int
    figures_computed: int
    figures_reused: int
    ranks_computed: int
    ranks_reused: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Grid:
    """The files of each bucket, in the order of their architectures, and a key over all of them."""

    buckets: tuple[BucketFiles, ...]
    key: str
    report: GridReport


@dataclass(frozen=True)
class _Bucket:
    """One bucket: its architectures' tables, the keys of its figures by accelerator, and the key of its ranks."""

    tables: dict[str, pl.DataFrame]
    figures: dict[str, str]
    ranks: str

    @property
    def name(self) -> str:
        """Its first architecture."""
        return str(self.tables["architectures"]["architecture_key"].min())


@dataclass(frozen=True)
class _Plan:
    """The buckets of a grid, and what all of them read: price-free catalogs, kinds of machines, offers."""

    buckets: tuple[_Bucket, ...]
    catalogs: dict[str, pl.DataFrame]
    hardware: pl.DataFrame
    offers: pl.DataFrame


def one_by_one(works: Sequence[BucketWork]) -> Iterable[BucketResult]:
    """Compute works here, one after the other."""
    return map(compute_bucket, works)


def compute_grid(lake: Path, tables: dict[str, pl.DataFrame], full: bool = False, run: Runner = one_by_one) -> Grid:
    """Compute what the lake does not know yet of the grid.

    Args:
        lake: the lake's directory, where every worker can read and write.
        tables: the extracted tables and the catalogs, by name.
        full: compute everything, known or not.
        run: how the buckets are computed.

    Raises PublishError when rows offend a check.
    """
    begun = time.monotonic()
    plan = _planned(tables)
    figures, ranks = KeptFiles(lake, "figures"), KeptFiles(lake, "ranks")
    estimated, ranked = ({}, {}) if full else (figures.files(), ranks.files())
    estimated = _sound(estimated, [key for each in plan.buckets for key in each.figures.values()])
    ranked = _sound(ranked, [each.ranks for each in plan.buckets])
    largest_first = sorted(plan.buckets, key=lambda each: each.tables["architectures"].height, reverse=True)  # to end together
    seconds = {"plan": time.monotonic() - begun}

    computed = _carried_out(run, [_estimate(lake, plan, each, estimated) for each in largest_first], seconds)
    estimated |= computed
    unranked = [each for each in largest_first if each.ranks not in ranked]
    ranked |= _carried_out(run, [_rank(lake, plan, each, estimated) for each in unranked], seconds)

    kept_s = setting(tables["policies"], "publish", "computed_days_kept") * _DAY_S
    figures.keep_only(set(estimated.values()), kept_s)
    ranks.keep_only(set(ranked.values()), kept_s)
    report = GridReport(
        buckets=len(plan.buckets),
        figures_computed=len(computed),
        figures_reused=len(estimated) - len(computed),
        ranks_computed=len(unranked),
        ranks_reused=len(ranked) - len(unranked),
        seconds=seconds,
    )
    files = (BucketFiles(tuple(estimated[key] for key in each.figures.values()), ranked[each.ranks]) for each in plan.buckets)
    return Grid(tuple(files), key_of(*(each.ranks for each in plan.buckets)), report)


def _sound(files: dict[str, Path], keys: Sequence[str]) -> dict[str, Path]:
    """The files of these keys, damaged ones set aside."""
    return {key: files[key] for key in keys if key in files and is_sound(files[key])}


def _carried_out(run: Runner, works: list[BucketWork], seconds: dict[str, float]) -> dict[str, Path]:
    """The files of works, by key; those with nothing to compute are left out. Adds up seconds by step."""
    files: dict[str, Path] = {}
    works = [work for work in works if work.keys]
    for done in run(works) if works else ():
        files |= done.files
        for step, took in done.seconds.items():
            seconds[step] = seconds.get(step, 0.0) + took
    return files


def _planned(tables: dict[str, pl.DataFrame]) -> _Plan:
    catalogs = {name: _bare(tables[name]) for name in PRICE_FREE}
    catalogs["policies"] = catalogs["policies"].filter(policy="vllm")
    hardware, offers = _machines(tables)
    gpus = catalogs["gpus"]
    sums = [frame_sum(frame) for name, frame in catalogs.items() if name != "gpus"]
    of_figures = key_of(duckdb.__version__, *definitions(), *bucket.step_texts(*bucket.MACHINES, *bucket.FIGURES), *sums)
    of_ranks = key_of(*bucket.step_texts(*bucket.RANKS), *check_texts(), frame_sum(offers))
    of_gpus = {
        gpu: key_of(frame_sum(gpus.filter(gpu=gpu)), frame_sum(hardware.filter(gpu=gpu)))
        for gpu in hardware["gpu"].unique().sort()
    }
    planned = []
    for keys in buckets(tables["architectures"]["architecture_key"]):
        own = {name: tables[name].filter(pl.col("architecture_key").is_in(keys)) for name in ("architectures", "layer_groups")}
        of_bucket = key_of(*(frame_sum(frame) for frame in own.values()))
        figures = {gpu: key_of("figures", of_figures, of_bucket, of_gpu) for gpu, of_gpu in of_gpus.items()}
        planned.append(_Bucket(own, figures, key_of("ranks", of_ranks, *figures.values())))
    return _Plan(tuple(planned), catalogs, hardware, offers)


def _estimate(lake: Path, plan: _Plan, each: _Bucket, estimated: dict[str, Path]) -> BucketWork:
    """The figures that a bucket lacks."""
    keys = {gpu: key for gpu, key in each.figures.items() if key not in estimated}
    named = pl.col("gpu").is_in(list(keys))
    tables = {
        **plan.catalogs,
        **each.tables,
        "gpus": plan.catalogs["gpus"].filter(named),
        "hardware": plan.hardware.filter(named),
    }
    return BucketWork("figures", each.name, lake, keys, tables)


def _rank(lake: Path, plan: _Plan, each: _Bucket, estimated: dict[str, Path]) -> BucketWork:
    """The ranks that a bucket lacks."""
    tables = {**plan.catalogs, **each.tables, "hardware": plan.hardware, "offers": plan.offers}
    figures = tuple(estimated[key] for key in each.figures.values())
    return BucketWork("ranks", each.name, lake, {"ranks": each.ranks}, tables, figures)


def _machines(tables: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The kinds of machines, and the shapes that are such machines with their prices of today."""
    steps = ("machines/hardware", "machines/hardware_shapes", "machines/offers")
    used = tables_used_by(bucket.step_texts(*steps), contracts.CATALOG_TABLES)
    with connect() as connection:
        load_tables(connection, {name: tables[name] for name in used}, with_comments=False)
        create_macros(connection, used_by=bucket.step_texts(*steps))
        for name in steps:
            run_sql(connection, f"{name}.sql")
        return connection.table("hardware").pl(), connection.table("offers").pl()


def _bare(catalog: pl.DataFrame) -> pl.DataFrame:
    """A catalog without the remarks on its rows."""
    schema = catalog.schema
    return catalog.with_columns(
        pl.lit("" if schema[name] == pl.String else None, schema[name]).alias(name) for name in _REMARKS if name in schema
    )
