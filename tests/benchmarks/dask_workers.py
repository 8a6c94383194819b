"""The grid on a Dask cluster of this machine, a worker killed in the middle: no row lost, none doubled, the same as by threads.

Run from the checkout: `python -m tests.benchmarks.dask_workers [--models N] [--kills K]`. It computes the grid of N models of the
snapshot (default 24, in buckets of 4 architectures) three times, each in a lake of its own and through Prefect as a refresh does:
by threads, on two worker processes of a Dask cluster on loopback, and on such a cluster while K of its workers (default 2) are
killed by SIGKILL as they work; a nanny starts each anew. Printed are seconds, buckets, rows, and rows missing or doubled. Exit 1
when any is, or when the three differ in any figure.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import polars as pl

from flows.database.sql_files import run_sql
from flows.prefect_runtime import settings as orchestration

# isort: split
from distributed import LocalCluster

from flows.database.connection import connect
from flows.estimate import estimate_flow, grid
from flows.estimate.bucket import add_buckets
from flows.extract.extract import EXTRACTED
from flows.lake.lake import open_lake, write_table
from flows.lake.snapshot import read_snapshot
from transforms.architecture.buckets import buckets
from transforms.tables import contracts

KEY = ["architecture_key", "provider", "shape", "nodes", "quantization", "kv_dtype", "context"]


def main() -> int:
    """Measure and print; 0 when no row is lost, doubled or different."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=24)
    parser.add_argument("--kills", type=int, default=2)
    asked = parser.parse_args()
    grid.buckets = lambda keys: buckets(keys, most=4)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        with orchestration.prefect_home(orchestration.start_server(root / "home")):
            threads = _computed(root / "threads", asked.models, "threads")
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
                dask = _computed(root / "dask", asked.models, cluster.scheduler_address)
                ended = threading.Event()
                killer = threading.Thread(target=_kill, args=(cluster, asked.kills, ended))
                killer.start()
                killed = _computed(root / "killed", asked.models, cluster.scheduler_address)
                ended.set()
                killer.join()
    faults = 0
    for name, rows in {"threads": threads, "dask": dask, "dask, workers killed": killed}.items():
        lost = threads.join(rows, on=KEY, how="anti").height
        doubled = rows.height - rows.unique(KEY).height
        same = rows.equals(threads)
        faults += lost + doubled + (not same)
        print(f"{name:24} {rows.height:>9,} rows   lost {lost}   doubled {doubled}   {'the same' if same else 'DIFFERENT'}")
    return 1 if faults else 0


def _computed(data: Path, models: int, runner: str) -> pl.DataFrame:
    lake = open_lake(data)
    for name, frame in _facts(models).items():
        write_table(lake, name, frame)
    os.environ[estimate_flow.RUNNER] = runner
    begun = time.monotonic()
    found = estimate_flow.estimate_grid(str(data), full=False)
    print(f"{runner:24} {time.monotonic() - begun:9.1f} s   {found.report.buckets} buckets", flush=True)
    with connect() as connection:
        run_sql(connection, "published/architecture_recommendations.sql")
        add_buckets(connection, found.buckets)
        return connection.table("architecture_recommendations").order(", ".join(KEY)).pl()


def _facts(models: int) -> dict[str, pl.DataFrame]:
    """The extracted tables of the first models of the snapshot."""
    snapshot = read_snapshot()
    chosen = snapshot["models"].head(models)
    tables = {name: snapshot.get(name, contracts.empty_frame(name)) for name in EXTRACTED} | {"models": chosen}
    for name in ("architectures", "parameter_groups", "layer_groups"):
        tables[name] = tables[name].join(chosen.select("architecture_key").unique(), on="architecture_key", how="semi")
    return tables


def _kill(cluster: LocalCluster, kills: int, ended: threading.Event) -> None:
    """Kill one busy worker after the other, each a few seconds after the one before."""
    for _ in range(kills):
        while not ended.wait(0.2) and not any(worker.processing for worker in cluster.scheduler.workers.values()):
            pass
        if ended.wait(4):
            return
        for worker in [worker for worker in cluster.scheduler.workers.values() if worker.processing][:1]:
            os.kill(cluster.workers[worker.name].pid, signal.SIGKILL)
            print(f"killed worker {worker.name} with {len(worker.processing)} buckets in hand", flush=True)


if __name__ == "__main__":
    sys.exit(main())
