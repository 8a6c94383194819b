"""One model at one context from a published set: bytes read and time, from Parquet and from the database.

Run from the checkout: `python -m tests.benchmarks.point_query [--data DIR] [--model ID] [--context N]`; without a model the one
with the most rows at a context, which costs most. Every column of every row is fetched as Arrow. Bytes are those that the
process reads for the first answer of a fresh connection (Linux: rchar of /proc/self/io), footers included; times are the
median of the answers after it, with the processor time beside, for other work on the machine lengthens the former.

Exit 1 when the Parquet laid out for it, the model's folder of architecture_recommendations, takes 2 MB or more, or 20 ms or more;
the lookup of the folder's key in models.parquet is part of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.versions.versions import DATABASE, NotPublishedError, require_latest

BYTES_LIMIT, MS_LIMIT = 2_000_000, 20.0
ANSWERS = 31

_LARGEST = """
    select any_value(models.model_id), context, count(*) as found
    from architecture_recommendations join (select architecture_key, min(model_id) as model_id from models group by all) as models
        using (architecture_key)
    where ($model is null or architecture_key = (select architecture_key from models where model_id = $model))
        and ($context is null or context = $context)
    group by architecture_key, context order by found desc, architecture_key, context limit 1
"""
_KEY = """
    set variable architecture_key = (
        select architecture_key from read_parquet('{version}/models.parquet') where model_id = '{model}'
    )
"""
_PARQUET = """
    from read_parquet(
        '{version}/architecture_recommendations/architecture_key=' || getvariable('architecture_key') || '/*.parquet'
    )
    where context = {context}
"""
_BEST_TEN = _PARQUET + "order by cost_rank, provider, shape limit 10"
_JOIN = """
    select models.model_id, best.*
    from read_parquet('{version}/models.parquet') as models
    join read_parquet('{version}/architecture_recommendations/*/*.parquet', hive_partitioning = true) as best
        using (architecture_key)
    where models.model_id = '{model}' and best.context = {context}
"""
_ONE_FILE = "from read_parquet('{version}/recommendations.parquet') where model_id = '{model}' and context = {context}"
_VIEW = "from recommendations where model_id = '{model}' and context = {context}"
_MACRO = "from recommend('{model}', {context})"


@dataclass(frozen=True)
class Measured:
    """One way to ask: rows of its answer, bytes read for the first, and median times of the others in ms."""

    rows: int
    bytes_read: int | None
    wall_ms: float
    cpu_ms: float


def main() -> int:
    """Print the measurement; 1 beyond the limits, 2 without a published set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SHAPEFIT_DATA", "data")))
    parser.add_argument("--model")
    parser.add_argument("--context", type=int)
    asked = parser.parse_args()
    try:
        version = require_latest(asked.data)
    except NotPublishedError as error:
        print(error, file=sys.stderr)
        return 2
    with duckdb.connect(str(version / DATABASE), read_only=True) as connection:
        found = connection.execute(_LARGEST, {"model": asked.model, "context": asked.context}).fetchall()
    if not found:
        print(f"{asked.data} has no rows of {asked.model} at {asked.context} tokens", file=sys.stderr)
        return 2
    model, context = asked.model or found[0][0], found[0][1]
    print(f"{model} at {context:,} tokens, {version}")
    over = []
    for name, statements, database, limited in (
        ("Parquet per architecture", (_KEY, _PARQUET), None, True),
        ("  its ten cheapest rows", (_KEY, _BEST_TEN), None, True),
        ("  all of its files, joined", (_JOIN,), None, False),
        ("Parquet of all models in one file", (_ONE_FILE,), None, False),
        ("database, view recommendations", (_VIEW,), version / DATABASE, False),
        ("database, macro recommend", (_MACRO,), version / DATABASE, False),
    ):
        if _ONE_FILE in statements and not (version / "recommendations.parquet").exists():
            continue
        names = {"version": version, "model": model.replace("'", "''"), "context": context}
        measured = _measure([statement.format(**names) for statement in statements], database)
        read = "?" if measured.bytes_read is None else f"{measured.bytes_read / 1e6:.2f}"
        print(
            f"{name:34} {measured.rows:6,} rows  {read:>6} MB  {measured.wall_ms:6.1f} ms"
            f"  ({measured.cpu_ms:.1f} ms of processor time)"
        )
        if limited and (measured.wall_ms >= MS_LIMIT or (measured.bytes_read or 0) >= BYTES_LIMIT):
            over.append(name.strip())
    if over:
        print(f"beyond {BYTES_LIMIT / 1e6:g} MB or {MS_LIMIT:g} ms: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


def _measure(statements: list[str], database: Path | None) -> Measured:
    """Ask once and then again, all statements each time; the last one answers."""
    with duckdb.connect(":memory:" if database is None else str(database), read_only=database is not None) as connection:

        def answer() -> int:
            for statement in statements[:-1]:
                connection.execute(statement)
            return connection.sql(statements[-1]).to_arrow_table().num_rows

        before = _bytes_read()
        rows = answer()
        after = _bytes_read()
        times = [_timed(answer) for _ in range(ANSWERS)]
    wall, cpu = (statistics.median(figures) * 1000 for figures in zip(*times, strict=True))
    return Measured(rows, None if before is None or after is None else after - before, wall, cpu)


def _timed(answer: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer()
    return time.perf_counter() - wall, time.process_time() - cpu


def _bytes_read() -> int | None:
    """Bytes that this process has read so far, whether from disk or from the system's cache; None where it is not counted."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return int(dict(line.split(": ") for line in lines)["rchar"])


if __name__ == "__main__":
    sys.exit(main())
