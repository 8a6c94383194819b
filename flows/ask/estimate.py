"""`shapefit estimate`: a list of configurations, one row out for each row in, in order; millions of rows in flat memory."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import polars as pl

from flows.ask.estimate_database import EVALUATE, estimating, evaluate
from flows.ask.model_facts import find_models
from flows.lake.catalogs import load_catalogs
from flows.printing.rows import Format, emit, form_of, rows_of_frame, write_csv_frame, write_file
from flows.system.whole_file import whole_file
from transforms.asking.configurations import INPUT_COLUMNS, ConfigurationsError, assemble, for_evaluation, parse, resolve
from transforms.catalogs.engine_versions import resolve_engine_version

ROWS_AT_ONCE = 100_000
"""Configurations that are evaluated together: as many as keep the work in memory small and the planning of it rare."""

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


Estimator = Callable[[pl.DataFrame, int], pl.DataFrame]
"""Configurations and the number of their first row (from 0) → their answers."""


def estimate(configurations: pl.DataFrame, data: Path | str = "data") -> pl.DataFrame:
    """Evaluate configurations, one row each, in order.

    Args:
        configurations: the columns of `transforms.asking.configurations.INPUT_COLUMNS`, text or typed; absent and null mean
            default, others are ignored.
        data: where published versions and the lake are looked up before the snapshot and the Hub.

    Returns the same columns as resolved, then `transforms.asking.configurations.RESULT_COLUMNS`: memory in GiB of the fullest
    GPU, times in ms, cache and sequences of one replica, throughput of the whole deployment. Raises ConfigurationsError when
    there are no columns model_id and gpu.
    """
    parts = configurations.iter_slices(ROWS_AT_ONCE) if configurations.height else [configurations]
    with _estimator(_models_of(configurations.lazy()), Path(data)) as evaluated:
        return pl.concat(_answers(parts, evaluated))


def print_estimates(path: Path, data: Path, form: Format | None, output: Path | None) -> int:
    """Evaluate a file of configurations and print the answer, or write it to a file and count it."""
    if output is not None:
        form_of(output)
    configurations = read_configurations(path)
    with _reading(path):
        models = _models_of(configurations)
    with _estimator(models, data) as evaluated:
        answers = _answers(_parts_of(configurations, path), evaluated)
        if output is None:
            answer = pl.concat(answers)
            emit(rows_of_frame(answer if form not in (None, "table") else answer.select(_SHOWN)), form)
            return 0
        counted = _write(answers, output)
    statuses = ", ".join(f"{count:,} {status}" for status, count in sorted(counted.items()))
    print(f"{output}: {counted.total():,} rows{f' ({statuses})' if statuses else ''}")
    return 0


def read_configurations(path: Path) -> pl.LazyFrame:
    """A CSV or Parquet file of configurations, CSV cells as text; read when it is collected. Raises ConfigurationsError."""
    if not path.is_file():
        raise ConfigurationsError(f"{path}: no such file")
    parquet = path.suffix.lower() == ".parquet"
    with _reading(path):
        found = pl.scan_parquet(path) if parquet else pl.scan_csv(path, infer_schema=False, raise_if_empty=True)
        columns = found.collect_schema().names()
    ignored = [column for column in columns if column not in INPUT_COLUMNS]
    if ignored:
        print(f"shapefit: columns that no configuration has are ignored: {', '.join(ignored)}", file=sys.stderr)
    return found.select(column for column in columns if column in INPUT_COLUMNS)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What Polars finds wrong with the file, as ConfigurationsError."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise ConfigurationsError(f"{path}: {str(error).splitlines()[0]}") from error


def _parts_of(configurations: pl.LazyFrame, path: Path) -> Iterator[pl.DataFrame]:
    """The configurations a part at a time; one part without rows where there are none."""
    with _reading(path):
        parts = iter(configurations.collect_batches(chunk_size=ROWS_AT_ONCE))
        part: pl.DataFrame | None = next(parts, configurations.clear().collect())
    while part is not None:
        yield part
        with _reading(path):
            part = next(parts, None)


def _models_of(configurations: pl.LazyFrame) -> list[str]:
    """The distinct models that are named. Raises ConfigurationsError when a column that every configuration needs is absent."""
    parse(configurations.clear().collect())
    named = configurations.select(pl.col("model_id").cast(pl.String).str.strip_chars()).unique(maintain_order=True)
    return [name for name in named.collect()["model_id"] if name]


@contextmanager
def _estimator(models: Iterable[str], data: Path) -> Iterator[Estimator]:
    """An evaluation of configurations of these models, a part at a time: models are looked up and formulas loaded once."""
    facts = find_models(models, data)
    catalogs = load_catalogs(data=data)
    known = facts.models.join(facts.architectures.select("architecture_key", "max_model_len_default"), on="architecture_key")
    engine_version = partial(resolve_engine_version, catalogs["engines"])
    with estimating(facts, catalogs, [EVALUATE]) as connection:

        def evaluated(part: pl.DataFrame, first_row: int) -> pl.DataFrame:
            resolved = resolve(parse(part, first_row), known, facts.rejects, catalogs, engine_version)
            return assemble(resolved, evaluate(connection, for_evaluation(resolved)))

        yield evaluated


def _answers(parts: Iterable[pl.DataFrame], evaluated: Estimator) -> Iterator[pl.DataFrame]:
    done = 0
    for part in parts:
        yield evaluated(part, done)
        done += part.height


def _write(answers: Iterator[pl.DataFrame], output: Path) -> Counter[str]:
    """Write the answers as they come; how many rows have which status."""
    counted: Counter[str] = Counter()

    def counting() -> Iterator[pl.DataFrame]:
        for answer in answers:
            counted.update(answer["status"])
            yield answer

    form = form_of(output)
    if form not in ("csv", "parquet"):
        write_file(rows_of_frame(pl.concat(counting())), output)
        return counted
    with whole_file(output) as stream:
        (_write_csv if form == "csv" else _write_parquet)(counting(), stream)
    return counted


def _write_csv(answers: Iterator[pl.DataFrame], stream: IO[bytes]) -> None:
    for number, answer in enumerate(answers):
        write_csv_frame(answer, stream, header=number == 0)


def _write_parquet(answers: Iterator[pl.DataFrame], stream: IO[bytes]) -> None:
    """Each part as row groups of its own, so that no more than one is in memory."""
    from pyarrow import parquet

    first = next(answers).to_arrow()
    with parquet.ParquetWriter(stream, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for answer in answers:
            writer.write_table(answer.to_arrow().cast(first.schema))
