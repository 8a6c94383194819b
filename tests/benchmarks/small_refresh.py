"""A whole refresh that takes seconds: the real command on a reduced catalog, for scripts that run it many times.

    python -m tests.benchmarks.small_refresh --set retire_grace_minutes=1 -- refresh --models FILE --data DIR

What follows `--` is a command line of `shapefit`. The catalogs are cut to a few shapes, contexts and precisions before it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))  # the tests' modules import each other by their own names

if TYPE_CHECKING:
    from loopback_hub import LoopbackHub

SHAPES, CONTEXTS = 12, 3
_FINGERPRINT = """
    select
        count(*),
        coalesce(bit_xor(hash(*columns(lambda name: name not in ('fetched_at', 'read_at', 'downloads', 'likes')))), 0)
    from read_parquet($files)
"""


def repositories(count: int) -> dict[str, object]:
    """Small models for a loopback Hub, each of one layer more than the one before: each an architecture of its own."""
    from loopback_hub import Repo, safetensors_file
    from small_repos import LLAMA, llama_tensors, sharded_repo

    def repo(layers: int) -> Repo:
        config = json.dumps({**LLAMA, "num_hidden_layers": layers}).encode()
        return Repo({"config.json": config, "model.safetensors": safetensors_file(llama_tensors(layers))})

    return {"org/sharded": sharded_repo(), **{f"org/layers-{layers:02}": repo(layers) for layers in range(3, count + 2)}}


def reduced(tables: Mapping[str, pl.DataFrame], settings: Mapping[str, float]) -> dict[str, pl.DataFrame]:
    """Catalogs with a few priced shapes, three contexts and two precisions, and with these settings of publishing."""
    small = dict(tables)
    priced = small["prices"].filter(pl.col("price_kind") == "on_demand").drop_nulls("usd_per_hour")
    shapes = small["shapes"].join(priced, on=["provider", "shape"], how="semi").filter(pl.col("gpu_count") >= 1)
    small["shapes"] = shapes.sort("memory_gib_per_gpu", "provider", "shape", descending=True).head(SHAPES)
    small["prices"] = small["prices"].join(small["shapes"], on=["provider", "shape"], how="semi")
    small["contexts"] = small["contexts"].head(CONTEXTS)
    small["quantizations"] = small["quantizations"].with_columns(nightly=pl.col("quantization").is_in(["native", "fp8"]))
    small["kv_dtypes"] = small["kv_dtypes"].with_columns(nightly=pl.col("kv_dtype") == "auto")
    set_here = pl.when(pl.col("policy") == "publish").then(pl.col("key").replace_strict(settings, default=None))
    small["policies"] = small["policies"].with_columns(value=pl.coalesce(set_here.cast(pl.Float64), "value"))
    return small


def start(arguments: list[str], environment: Mapping[str, str], settings: Mapping[str, float] | None = None, **options: object):
    """Start a command line of `shapefit` on the reduced catalogs, in a process of its own."""
    chosen = [f"--set={key}={value}" for key, value in (settings or {}).items()]
    command = [sys.executable, "-m", "tests.benchmarks.small_refresh", *chosen, "--", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, **{**streams, **options})


@contextmanager
def surroundings(repos: Mapping[str, object], scratch: Path) -> Iterator[tuple[dict[str, str], LoopbackHub]]:
    """A loopback Hub and one Prefect server for many runs; yields the environment that names them, and the Hub."""
    from loopback_hub import LoopbackHub

    from flows.prefect_server import prefect_server

    with LoopbackHub(repos) as hub, prefect_server(scratch / "prefect", scheduler=False) as address:
        quick = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret", "PREFECT_API_URL": address}
        yield {**quick, "PREFECT_HOME": str(scratch / "prefect")}, hub


def fingerprint(version: Path) -> dict[str, tuple[int, int]]:
    """Rows and digest of every table of a version, from the database and from Parquet, each equal to what run.json counts.

    Raises AssertionError where one is not, and whatever reading a damaged file raises. What changed since the version before is
    counted only: it is not of the version alone.
    """
    run = json.loads((version / "run.json").read_text())
    found: dict[str, tuple[int, int]] = {}
    with duckdb.connect(str(version / "recommendations.duckdb"), read_only=True) as connection:
        for name, rows in sorted(run["counts"].items()):
            files = str(version / name / "**/*.parquet") if (version / name).is_dir() else str(version / f"{name}.parquet")
            in_file = connection.execute(_FINGERPRINT, {"files": files}).fetchall()[0]
            assert in_file[0] == rows, f"{name}: {in_file[0]} rows in Parquet, {rows} in run.json"
            if name != "changes":
                found[name] = in_file
            stored = connection.execute(f'select count(*) from "{name}"').fetchall()[0][0]
            assert stored == rows, f"{name}: {stored} rows in the database, {rows} in run.json"
    return found


def main() -> int:
    """Run a command line of `shapefit` on the reduced catalogs and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of publishing")
    parser.add_argument("arguments", nargs="+", help="a command line of shapefit")
    given = parser.parse_args()
    import flows.catalogs

    whole = flows.catalogs.load_catalogs
    settings = {key: float(value) for key, value in (text.split("=") for text in given.set)}
    flows.catalogs.load_catalogs = lambda directory=None, **data: reduced(whole(directory, **data), settings)
    from flows.cli import main as shapefit

    return shapefit(given.arguments)


if __name__ == "__main__":
    sys.exit(main())
