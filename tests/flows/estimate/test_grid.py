"""The grid: what has changed is computed, what is known is found, whoever computes and whatever breaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from published_set import tables_of

from flows.database.connection import connect
from flows.estimate import grid as module
from flows.estimate.bucket import BucketResult, BucketWork, add_buckets, compute_bucket
from flows.estimate.grid import Grid, compute_grid
from flows.estimate.row_checks import PublishError
from flows.publish.build_database import create_empty
from transforms.architecture.buckets import buckets

pytestmark = pytest.mark.slow(7)

KEY = "architecture_key, provider, shape, nodes, quantization, kv_dtype, context"
KNOWN, ADDED = "Qwen/Qwen2.5-7B-Instruct", "google/gemma-3-27b-it"


def small(*models: str) -> dict[str, pl.DataFrame]:
    """Models on three shapes with two kinds of accelerators, at one context and precision."""
    tables = tables_of(models, shapes=40)
    kinds = tables["shapes"]["gpu"].unique(maintain_order=True)[:2]
    tables["shapes"] = (
        tables["shapes"].filter(pl.col("gpu").is_in(kinds.to_list())).group_by("gpu", maintain_order=True).head(2).head(3)
    )
    tables["quantizations"] = tables["quantizations"].with_columns(nightly=False)
    tables["contexts"] = tables["contexts"].head(1)
    return tables


def counted(grid: Grid) -> tuple[int, int, int, int]:
    report = grid.report
    return report.figures_computed, report.figures_reused, report.ranks_computed, report.ranks_reused


def on_two_threads(works: Sequence[BucketWork]) -> Iterable[BucketResult]:
    """Compute works on more threads than a worker of the tests has processors for: rows must not depend on it."""
    return [compute_bucket(replace(work, threads=2)) for work in works]


def rows(grid: Grid) -> pl.DataFrame:
    with connect() as connection:
        create_empty(connection, "architecture_recommendations")
        add_buckets(connection, grid.buckets)
        return connection.table("architecture_recommendations").order(KEY).pl()


@dataclass(frozen=True)
class Computed:
    """Grids that were computed one after the other in one lake, and what each had to compute."""

    lake: Path
    first: Grid
    again: Grid
    added: Grid


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computed]:
    """One architecture; nothing new; one more, by workers of which one is thought dead and ends all the same."""

    def careless(works: Sequence[BucketWork]) -> Iterable[BucketResult]:
        for work in works[:1]:
            compute_bucket(work)
        return [compute_bucket(work) for work in reversed(works)]

    lake = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "buckets", partial(buckets, most=1))
        first = compute_grid(lake, small(KNOWN))
        again = compute_grid(lake, small(KNOWN))
        yield Computed(lake, first, again, compute_grid(lake, small(KNOWN, ADDED), run=careless))


@pytest.fixture
def lake(computed: Computed, tmp_path: Path) -> Path:
    """A copy of the lake of these grids."""
    return Path(shutil.copytree(computed.lake, tmp_path / "lake"))


def test_nothing_new_computes_nothing(computed: Computed) -> None:
    assert counted(computed.first) == (2, 0, 1, 0)
    assert counted(computed.again) == (0, 2, 0, 1)
    assert (computed.again.key, computed.again.buckets) == (computed.first.key, computed.first.buckets)


def test_a_new_architecture_computes_its_own_bucket(computed: Computed) -> None:
    assert counted(computed.added) == (2, 2, 1, 1)
    assert set(computed.first.buckets) < set(computed.added.buckets)


def test_no_row_is_lost_or_doubled_by_who_computes_it(computed: Computed) -> None:
    found = rows(computed.added)
    assert found.select(KEY.split(", ")).is_unique().all()
    assert found["architecture_key"].n_unique() == 2
    kept = [path.name.split(".")[0] for path in (computed.lake / "computed").glob("*/*.parquet")]
    assert len(kept) == len(set(kept)) == 6


def test_only_what_depends_on_a_change_is_computed(lake: Path) -> None:
    """A price, an accelerator, and what no estimate reads, one after the other; the rows are in the end those of a full run."""
    tables = small(KNOWN)
    tables["prices"] = tables["prices"].with_columns(usd_per_hour=pl.col("usd_per_hour") * 1.5)
    assert counted(compute_grid(lake, tables)) == (0, 2, 1, 0)

    changed = pl.col("gpu") == tables["shapes"]["gpu"][0]
    bandwidth = pl.col("memory_bandwidth_gb_per_s")
    tables["gpus"] = tables["gpus"].with_columns(pl.when(changed).then(bandwidth * 1.1).otherwise(bandwidth))
    grid = compute_grid(lake, tables)
    assert counted(grid) == (1, 1, 1, 0)

    tables["gpus"] = tables["gpus"].with_columns(note=pl.lit("seen again"))
    tables["models"] = pl.concat([tables["models"], tables["models"].with_columns(model_id=pl.lit("a/fine-tune"))])
    of_publishing = pl.col("policy") == "publish"
    tables["policies"] = tables["policies"].with_columns(value=pl.when(of_publishing).then(3.0).otherwise("value"))
    assert counted(compute_grid(lake, tables)) == (0, 2, 0, 1)

    found = rows(grid)
    full = compute_grid(lake, tables, full=True, run=on_two_threads)
    assert counted(full) == (2, 0, 1, 0)
    assert full.key == grid.key
    assert found.height > 0 and rows(full).equals(found)


def test_damaged_and_unfinished_files_are_made_again(computed: Computed, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ranks,) = (lake / files.ranks.relative_to(computed.lake) for files in computed.first.buckets)
    keys = {path.name.split(".")[0]: path for path in (lake / "computed" / "figures").glob("*.parquet")}
    for path in (ranks, *keys.values()):
        path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    leftover = ranks.with_name(".half-written.tmp")
    leftover.write_bytes(b"PAR1")
    grid = compute_grid(lake, small(KNOWN))
    assert counted(grid) == (2, 0, 1, 0)
    assert rows(grid).equals(rows(computed.first))
    assert not leftover.exists()
    assert ranks.with_name(f"{ranks.name}.damaged").exists()
    assert capsys.readouterr().err.count("is damaged: set aside") == 3


def test_lost_figures_are_made_again_for_ranks_that_are_not(computed: Computed, lake: Path) -> None:
    lost = next((lake / "computed" / "figures").glob("*.parquet"))
    lost.unlink()
    grid = compute_grid(lake, small(KNOWN, ADDED))
    assert counted(grid) == (1, 3, 0, 2)
    assert list(lost.parent.glob(f"{lost.name.split('.')[0]}.*"))
    assert rows(grid).equals(rows(computed.added))


def test_rows_that_offend_a_check_are_not_kept(lake: Path) -> None:
    tables = small(KNOWN)
    tables["prices"] = tables["prices"].with_columns(usd_per_hour=-pl.col("usd_per_hour"))
    before = set((lake / "computed" / "ranks").iterdir())
    with pytest.raises(PublishError, match="check figures_are_sane failed, first offender: architecture_key="):
        compute_grid(lake, tables)
    assert set((lake / "computed" / "ranks").iterdir()) == before


def test_a_setting_names_who_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.task_runners import ThreadPoolTaskRunner
    from prefect_dask import DaskTaskRunner

    from flows.estimate.estimate_flow import RunnerError, task_runner

    assert isinstance(task_runner(), ThreadPoolTaskRunner)
    for name in ("dask", "tcp://127.0.0.1:8786"):
        monkeypatch.setenv("SHAPEFIT_RUNNER", name)
        assert isinstance(task_runner(), DaskTaskRunner)
    monkeypatch.setenv("SHAPEFIT_RUNNER", "ray")
    with pytest.raises(RunnerError, match="name threads, dask, or a Dask scheduler"):
        task_runner()
    monkeypatch.setenv("SHAPEFIT_RUNNER", "threads")
    monkeypatch.setenv("SHAPEFIT_WORKERS", "0")
    with pytest.raises(RunnerError, match="1 or more"):
        task_runner()


def test_another_process_names_the_files_alike() -> None:
    imports = "from flows.database.connection import definitions; from flows.estimate.kept_files import key_of"
    code = f"{imports}; print(key_of(*definitions()))"
    named = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(named) == 1
