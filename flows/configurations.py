"""`shapefit estimate`: a list of configurations → whether each starts, what it holds, how fast it is and what it costs."""

from __future__ import annotations

import io
import sys
from functools import partial
from pathlib import Path

import polars as pl

from flows.catalogs import load_catalogs
from flows.estimator import evaluate
from flows.model_facts import find_models
from flows.output import Format, emit, form_of, rows_of_frame, write_atomically, write_csv_frame, write_file
from transforms.configurations import INPUT_COLUMNS, ConfigurationsError, assemble, for_evaluation, parse, resolve
from transforms.engine_versions import resolve_engine_version

_SHOWN = (
    "id",
    "model_id",
    "gpu",
    "gpu_count",
    "tp",
    "pp",
    "dp",
    "quantization",
    "max_model_len",
    "status",
    "verdict",
    "weights_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "max_context",
    "max_sequences",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "usd_per_million_output_tokens",
    "reason",
)
"""What a table on a terminal shows of an estimate; files and the other forms hold every column."""


def estimate(configurations: pl.DataFrame, data: Path) -> pl.DataFrame:
    """Evaluate configurations, one row each, in order.

    Args:
        configurations: the columns of `transforms.configurations.INPUT_COLUMNS`, text or typed; absent and null mean default,
            others are ignored.
        data: where published versions and the lake are looked up before the snapshot and the Hub.

    Returns the same columns as resolved, then `transforms.configurations.RESULT_COLUMNS`: memory in GiB of the fullest GPU, times
    in ms, cache and sequences of one replica, throughput of the whole deployment. Raises ConfigurationsError when there are no
    columns model_id and gpu.
    """
    parsed = parse(configurations)
    catalogs = load_catalogs()
    facts = find_models(parsed.filter(pl.col("problem").is_null())["model_id"].unique(maintain_order=True), data)
    models = facts.models.join(facts.architectures.select("architecture_key", "max_model_len_default"), on="architecture_key")
    resolved = resolve(parsed, models, facts.rejects, catalogs, partial(resolve_engine_version, catalogs["engines"]))
    return assemble(resolved, evaluate(for_evaluation(resolved), facts, catalogs))


def print_estimates(path: Path, data: Path, form: Format | None, output: Path | None) -> int:
    """Evaluate a file of configurations and print the answer, or write it to a file and count it."""
    if output is not None:
        form_of(output)
    configurations = read_configurations(path)
    ignored = [column for column in configurations.columns if column not in INPUT_COLUMNS]
    if ignored:
        print(f"shapefit: columns that no configuration has are ignored: {', '.join(ignored)}", file=sys.stderr)
    answer = estimate(configurations, data)
    if output is None:
        emit(rows_of_frame(answer if form not in (None, "table") else answer.select(_SHOWN)), form)
        return 0
    _write(answer, output)
    counted = answer.group_by("status").len().sort("status")
    statuses = ", ".join(f"{count:,} {status}" for status, count in counted.iter_rows())
    print(f"{output}: {answer.height:,} rows ({statuses})")
    return 0


def read_configurations(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file of configurations; CSV cells as text. Raises ConfigurationsError."""
    if not path.is_file():
        raise ConfigurationsError(f"{path}: no such file")
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False, raise_if_empty=True)
    except pl.exceptions.PolarsError as error:
        raise ConfigurationsError(f"{path}: {str(error).splitlines()[0]}") from error


def _write(answer: pl.DataFrame, output: Path) -> None:
    form = form_of(output)
    buffer = io.BytesIO()
    if form == "csv":
        write_csv_frame(answer, buffer)
    elif form == "parquet":
        answer.write_parquet(buffer)
    else:
        write_file(rows_of_frame(answer), output)
        return
    write_atomically(output, buffer.getvalue())
