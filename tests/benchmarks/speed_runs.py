"""Measured serving runs as configurations, and the estimate macros as a function of their coefficients.

The runs lie beside the checkout (`../shared/calibration/throughput.csv`) and are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from flows.ask.estimate_database import estimating
from flows.ask.model_facts import ModelFacts, find_models
from flows.lake.catalogs import load_catalogs
from flows.lake.snapshot import read_snapshot
from transforms.asking.configurations import for_evaluation, parse, resolve
from transforms.catalogs.engine_versions import resolve_engine_version

Coefficient = tuple[str, str, str]
"""Scope, key and name of a row of the speed_coefficients catalog."""

HERE = Path(__file__).parent

_LIFTED = {"reported_memory_gib": 1e5, "max_num_seqs": 2**20, "max_num_batched_tokens": 8192}
"""Limits under which every run takes place, whatever the memory formulas make of it: for fits, never for errors."""

_BATCHES = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class MeasuredRuns:
    """Runs that can be asked (`run` numbers them from 0), their configurations in the same order, and the rows given."""

    runs: pl.DataFrame
    configurations: pl.DataFrame
    facts: ModelFacts
    given: int


def read_runs(path: Path, twins: Path, lifted: bool = False, with_length: bool = True) -> MeasuredRuns:
    """The closed-loop runs of a file in the form of `throughput.csv`, asked as a user of `estimate` asks: memory limits hold.

    `lifted` takes the limits away, for a fit; `with_length` states max_model_len, as long as one request, else it stays blank.

    `runs` has model, gpu, engine, precision, tp, dp, ep, input_tokens, output_tokens, batch (of one replica), requests, ttft_ms,
    tpot_ms and output_tokens_per_s as measured, kind of model, batch_bucket, and `suspect` (a note says that the row contradicts
    its neighbours). A model without facts of its own is asked as its twin; rows whose model or layout cannot be asked are left
    out and counted by `given`. Experts in fewer groups than tp lie on all its GPUs all the same, so such rows ask for ep 1.
    """
    table = pl.read_csv(path, infer_schema_length=None)
    stand_ins = pl.read_csv(twins).select(model="model_id", twin="corpus_model_id", twin_quantization="quantization")
    runs = table.join(stand_ins, on="model", how="left", maintain_order="left").select(
        "model",
        "twin",
        "twin_quantization",
        "tp",
        "dp",
        gpu="gpu_key",
        engine="backend",
        precision="quant",
        ep=pl.when(pl.col("ep") >= pl.col("tp")).then("ep").otherwise(1),
        input_tokens="isl",
        output_tokens="osl",
        batch="batch_per_dp_rank",
        requests=pl.col("batch_per_dp_rank") * pl.col("dp"),
        ttft_ms="ttft_ms",
        tpot_ms="tpot_ms",
        suspect=pl.col("note").fill_null("").str.contains("suspect"),
    )
    return _asked(runs, lifted, with_length)


def read_other_runs(path: Path, twins: Path, lifted: bool = False) -> MeasuredRuns:
    """The runs of mixed trust (`throughput_other.csv`) that are complete: a stated load and both times, of an engine we estimate.

    Rows that their collector flagged are left out, and so are offline maxima, static batches and rates of requests. `lifted` as
    for `read_runs`: without it requests beyond what memory holds wait (on small cards most do).
    """
    table = pl.read_csv(path, infer_schema_length=None)
    stand_ins = pl.read_csv(twins).select(model="model_id", twin="corpus_model_id", twin_quantization="quantization")
    engine = (
        pl.when(pl.col("engine").str.starts_with("vLLM"))
        .then(pl.lit("vllm"))
        .when(pl.col("engine").str.starts_with("SGLang"))
        .then(pl.lit("sglang"))
        .when(pl.col("engine").str.starts_with("TensorRT-LLM"))
        .then(pl.lit("trtllm"))
    )
    complete = table.filter(
        ~pl.col("notes").fill_null("").str.contains("FLAGS"),
        pl.col("regime").is_in(["fixed_concurrency", "single_stream"]),
        pl.all_horizontal(pl.col("tp", "isl", "osl", "concurrency", "ttft_ms", "tpot_ms").is_not_null()),
        pl.col("pp").fill_null(1) == 1,
        engine.is_not_null(),
    )
    copies = pl.col("gpu_count").fill_null(pl.col("tp")) // pl.col("tp")
    precision = pl.col("weight_precision").replace({"16bit": "bf16", "fp16": "bf16", "awq-int4": "awq-4bit"})
    runs = complete.join(stand_ins, left_on="model_id", right_on="model", how="left", maintain_order="left").select(
        "twin",
        "twin_quantization",
        "tp",
        model="model_id",
        dp=copies,
        gpu="gpu",
        engine=engine,
        precision=precision,
        ep=pl.when(pl.col("ep") >= pl.col("tp")).then("ep").otherwise(1),
        input_tokens=pl.col("isl").round().cast(pl.Int64),
        output_tokens=pl.col("osl").round().cast(pl.Int64),
        batch=pl.col("concurrency") / copies,
        requests=pl.col("concurrency").cast(pl.Float64),
        ttft_ms="ttft_ms",
        tpot_ms="tpot_ms",
        suspect=pl.lit(False),
    )
    return _asked(runs, lifted)


def _asked(runs: pl.DataFrame, lifted: bool, with_length: bool = True) -> MeasuredRuns:
    given = runs.height
    known = read_snapshot()["models"]["model_id"]
    with TemporaryDirectory() as nowhere:
        runs = runs.with_columns(asked=pl.when(pl.col("model").is_in(known.to_list())).then("model").otherwise("twin"))
        runs = runs.filter(pl.col("asked").is_not_null()).with_row_index("run")
        facts = find_models(runs["asked"].unique(), Path(nowhere))
    catalogs = load_catalogs()
    asked = parse(
        runs.select(
            id="run",
            model_id="asked",
            gpu="gpu",
            tp="tp",
            dp="dp",
            ep="ep",
            quantization="precision",
            engine="engine",
            input_tokens="input_tokens",
            output_tokens="output_tokens",
            concurrency=pl.col("requests").round().clip(1).cast(pl.Int64),
            max_model_len=pl.when(with_length).then(pl.col("input_tokens") + pl.col("output_tokens")),
        )
    )
    lengths = facts.architectures.select("architecture_key", "max_model_len_default")
    models = facts.models.join(lengths, on="architecture_key")
    version = partial(resolve_engine_version, catalogs["engines"])
    resolved = resolve(asked, models, facts.rejects, catalogs, version)
    configurations = for_evaluation(resolved)
    if lifted:
        configurations = configurations.with_columns(
            pl.lit(value, dtype).alias(name)
            for (name, value), dtype in zip(_LIFTED.items(), (pl.Float64(), pl.Int32(), pl.Int32()), strict=True)
        )
    kinds = models.select(asked="model_id", key="architecture_key").join(
        facts.architectures.select(
            key="architecture_key",
            kind=pl.when(pl.col("linear_layers") > 0)
            .then(pl.lit("hybrid"))
            .when((pl.col("moe_layers") > 0) & (pl.col("mla_layers") > 0))
            .then(pl.lit("moe, latent attention"))
            .when(pl.col("moe_layers") > 0)
            .then(pl.lit("moe"))
            .otherwise(pl.lit("dense")),
        ),
        on="key",
    )
    generations = catalogs["gpus"].select("gpu", "generation")
    usable = configurations.select(run=pl.col("id").cast(pl.UInt32), gpu="gpu").join(generations, on="gpu")
    runs = runs.drop("gpu").join(usable, on="run").join(kinds.drop("key"), on="asked", how="left").sort("run")
    runs = runs.with_columns(
        batch_bucket=_bucket(pl.col("batch")),
        output_tokens_per_s=output_rate(pl.col("ttft_ms"), pl.col("tpot_ms")),
    )
    return MeasuredRuns(runs, configurations, facts, given)


def _bucket(batch: pl.Expr) -> pl.Expr:
    """The range of batches that a run belongs to, in words that sort."""
    named = pl.lit(f"above {_BATCHES[-1]}")
    for top in reversed(_BATCHES):
        named = pl.when(batch <= top).then(pl.lit(f"up to {top:>3}")).otherwise(named)
    return named


def output_rate(ttft: pl.Expr, tpot: pl.Expr, requests: str = "requests") -> pl.Expr:
    """Output tokens per second of a deployment whose requests take these times (ms), as the closed loop makes it."""
    return 1000 * pl.col(requests) * pl.col("output_tokens") / (ttft + (pl.col("output_tokens") - 1) * tpot)


class SpeedMacros:
    """The estimate macros over fixed runs, as a function of coefficients."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute((HERE / "speed_shards.sql").read_text(encoding="utf-8"))
        self.shipped = coefficients_of(connection.table("speed_coefficients").pl())

    def predict(self, coefficients: Mapping[Coefficient, float]) -> pl.DataFrame:
        """run, predicted times (ms) and requests running, of every run with these coefficients, the others as shipped."""
        rows = [(*name, value) for name, value in {**self.shipped, **coefficients}.items()]
        self._connection.register("candidates", pl.DataFrame(rows, schema=["scope", "key", "name", "value"], orient="row"))
        self._connection.execute((HERE / "speed_candidates.sql").read_text(encoding="utf-8"))
        predictions = (HERE / "speed_predictions.sql").read_text(encoding="utf-8")
        self._connection.execute(f"create or replace temp table predictions as\n{predictions}")  # planned once, unlike by sql()
        return self._connection.table("predictions").order("run").pl()


@contextmanager
def speed_macros(measured: MeasuredRuns) -> Iterator[SpeedMacros]:
    """The macros over some runs; gone when the block ends."""
    with estimating(measured.facts, load_catalogs()) as connection:
        connection.register("configurations", measured.configurations)
        yield SpeedMacros(connection)


def coefficients_of(table: pl.DataFrame) -> dict[Coefficient, float]:
    """The values of a speed_coefficients table by scope, key and name."""
    return {(scope, key, name): value for scope, key, name, value in table.select("scope", "key", "name", "value").iter_rows()}
