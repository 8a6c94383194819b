"""Whole refreshes that take seconds: the real command on a reduced catalog, for scripts that run it many times.

Each runs in a process of its own, forked from one that has imported everything: a refresh of a dozen small models takes longer to
import than to work; and, unless asked for, without Prefect around its steps. The catalogs are cut to a few shapes, contexts and
precisions.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
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


@dataclass
class Command:
    """A command line of `shapefit` at work in a process of its own; what it says is kept in a file."""

    arguments: list[str]
    prefect: bool = False
    settings: Mapping[str, float] = field(default_factory=dict)
    longest_file: int | None = None
    user: int | None = None

    def __post_init__(self) -> None:
        with tempfile.NamedTemporaryFile(prefix="shapefit-said-", delete=False) as said:
            self._said = Path(said.name)
        self._said.chmod(0o666)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            [
                "flows.refresh",
                "flows.publish.first_rows",
                "flows.publish.build_database",
                "flows.ask.status",
                "flows.cli",
                __name__,
            ]
        )
        settings = {key: float(value) for key, value in self.settings.items()}
        what = (self.arguments, self.prefect, settings, self.longest_file, self.user, str(self._said))
        self._process: ForkServerProcess = context.Process(target=_run, args=what)
        self._process.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, at most so long; whether it has ended."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()

    def ended(self) -> tuple[int, str]:
        """Exit status and what was said, of one that has ended."""
        self.wait()
        said = self._said.read_text(errors="replace")
        self._said.unlink()
        return int(self._process.exitcode or 0), said


def _run(
    arguments: list[str], prefect: bool, settings: dict[str, float], longest_file: int | None, user: int | None, said: str
) -> None:
    os.chdir(ROOT)
    stream = os.open(said, os.O_WRONLY)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    from flows.cli import main as shapefit

    catalogs = sys.modules["flows.lake.catalogs"]
    whole = catalogs.load_catalogs
    small = lambda directory=None, **data: reduced(whole(directory, **data), settings)  # noqa: E731
    for name, module in list(sys.modules.items()):
        if name.startswith("flows.") and getattr(module, "load_catalogs", None) is whole:
            module.load_catalogs = small  # type: ignore[attr-defined]
    if not prefect:
        from plain_refresh import leave_prefect_out

        leave_prefect_out(setattr)
    if longest_file is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (longest_file, longest_file))
    if user is not None:
        os.setuid(user)
    sys.exit(shapefit(arguments))


@contextmanager
def surroundings(repos: Mapping[str, object], scratch: Path, prefect: bool = False) -> Iterator[LoopbackHub]:
    """A loopback Hub, and one Prefect server for many runs if asked for, named by this process's environment; yields the Hub."""
    from loopback_hub import LoopbackHub

    from flows.prefect_runtime.server import prefect_server

    home = scratch / "prefect"
    with LoopbackHub(repos) as hub, ExitStack() as stack:
        os.environ |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret", "PREFECT_HOME": str(home)}
        if prefect:
            os.environ["PREFECT_API_URL"] = stack.enter_context(prefect_server(home, scheduler=False))
        yield hub


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
