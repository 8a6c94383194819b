"""The grid of fits: rows a second computed and written, beside a plain copy and beside plain Python.

Run from the checkout: `python -m tests.benchmarks.grid`. In one run it takes at least ten million rows of the view `fits`
(architectures of the snapshot × shapes × accepted layouts on one machine × precisions × KV precisions × contexts) and measures

* computed: every figure of the view, reduced to sums, from the architectures on;
* written: keys and figures, in the types of the view, as zstd Parquet, computed on the way from the accepted shards, which
  every load shares;
* the floor: the same columns, computed before, copied to the same Parquet; median of three alternating runs of both;
* sorted: the same copy, ordered by model, context and shape: what sorting adds to the floor;
* plain Python: the same arithmetic, one row at a time, in a function of positional floats, checked to give the same figures.

Exit 1 when writing takes more than 1.7 times the floor, computing is less than 20 times plain Python, the figures differ, or
memory passes 2 GiB.
"""

from __future__ import annotations

import inspect
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from flows.database.connection import connect, create_macros, load_tables
from flows.database.sql_files import run_sql
from flows.lake.catalogs import load_catalogs
from flows.lake.snapshot import read_snapshot
from flows.publish.build_database import prepare_machines

LEAST_ROWS = 10_000_000
SAMPLE = 20_000
"""Rows that plain Python estimates."""

WRITTEN_LIMIT, COMPUTED_LIMIT, MEMORY_LIMIT_GIB = 1.7, 20.0, 2.0

KEYS = (
    "architecture_key",
    "provider",
    "shape",
    "gpu",
    "quantization",
    "kv_dtype",
    "verdict",
    "outcome",
    "bound_by",
    "calibration",
)
COUNTS = ("tp", "pp", "dp", "ep", "context", "kv_cache_tokens", "max_context", "max_sequences", "batch_per_replica")
FIGURES = (
    "weights_gib_per_gpu",
    "activation_gib_per_gpu",
    "non_torch_gib_per_gpu",
    "cuda_graphs_gib_per_gpu",
    "memory_allowed_gib_per_gpu",
    "kv_needed_gib_per_gpu",
    "band_gib",
    "memory_used_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "free_gib_per_gpu",
    "ttft_ms",
    "tpot_ms",
    "single_stream_ttft_ms",
    "single_stream_tpot_ms",
    "output_tokens_per_s",
    "usd_per_hour",
    "usd_per_million_output_tokens",
    "usd_per_million_total_tokens",
)


def main() -> int:
    """Measure and print; 0 when every bound holds."""
    with tempfile.TemporaryDirectory() as directory, connect(Path(directory) / "grid.duckdb") as connection:
        run_sql(connection, "estimate/bucket_staging.sql", {"path": str(Path(directory) / "staging.duckdb")})
        connection.execute("set memory_limit = '1200MB'")
        load_tables(connection, {**load_catalogs(), **read_snapshot()})
        create_macros(connection)
        prepare_machines(connection)
        run_sql(connection, "published/fits_of.sql")
        rows = _choose_rows(connection)
        arithmetic = _seconds(lambda: _sums(connection))
        computed = rows / arithmetic
        written, floor, in_order = _written_floor_and_sorted(connection, Path(directory))
        plain, difference = _plain_python(connection)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ratio, gain = written / floor, computed / plain
    sorting = max(0.0, in_order - floor)
    shares = [f"{part / (arithmetic + sorting + floor):.0%}" for part in (arithmetic, sorting, floor)]
    print(f"rows of the grid        {rows:>14,}")
    print(f"computed, to sums       {computed:>14,.0f} rows/s")
    print(f"written as zstd Parquet {rows / written:>14,.0f} rows/s   {written:.1f} s")
    print(f"floor: copied alone     {rows / floor:>14,.0f} rows/s   {floor:.1f} s")
    print(f"copied in order         {rows / in_order:>14,.0f} rows/s   {in_order:.1f} s")
    print(f"share of the time       {shares[0]} arithmetic, {shares[1]} sorting, {shares[2]} writing")
    print(f"plain Python            {plain:>14,.0f} rows/s   largest relative difference {difference:.1e}")
    print(f"written over floor      {ratio:>14.2f}          at most {WRITTEN_LIMIT}")
    print(f"computed over Python    {gain:>14.1f}          at least {COMPUTED_LIMIT}")
    print(f"peak memory             {peak:>14.2f} GiB      below {MEMORY_LIMIT_GIB}")
    held = ratio <= WRITTEN_LIMIT and gain >= COMPUTED_LIMIT and difference < 1e-9 and peak < MEMORY_LIMIT_GIB
    return 0 if held else 1


def _choose_rows(connection: duckdb.DuckDBPyConnection) -> int:
    """Keep as many architectures as make LEAST_ROWS rows on one machine, and make the view `grid_rows`; how many rows it has."""
    connection.execute(
        """create table grid_sizes as
        with layouts_of_shapes as (
            select ways.tp, ways.pp, ways.ep, count(*) as copies
            from replica_classes as ways
            join deployment_classes as classes using (replica_class)
            join offers using (hardware)
            where ways.nodes = 1
            group by all
        ),
        keys as (
            select grid.*, ways.* exclude (copies), greatest(1, ways.ep // ways.tp)::integer as dp, ways.copies
            from grid_quantizations as grid cross join layouts_of_shapes as ways
        ),
        accepted as (select architecture_key, sum(copies) as places from sharded('keys') where layout_refusal is null group by 1),
        loads as (
            select architecture_key, count(*) * (select count(*) from kv_dtypes where nightly) as loads from grid_loads group by 1
        ),
        sizes as (select architecture_key, places * loads as held from accepted join loads using (architecture_key))
        select architecture_key, held, sum(held) over (order by architecture_key) as so_far from sizes"""
    )
    connection.execute(f"delete from grid_sizes where so_far - held >= {LEAST_ROWS}")
    connection.execute("delete from architectures where architecture_key not in (select architecture_key from grid_sizes)")
    _stage_shards(connection)
    connection.execute(
        """create temp view grid_replicas as
        with shards as (from staging.grid_shards),
        places as (from replica_classes where nodes = 1),
        placed as (from placed_shards('shards', 'places'))
        from sized('placed')"""
    )
    columns = ", ".join((*KEYS, *COUNTS, *FIGURES))
    connection.execute(f"create temp view grid_rows as select {columns} from fits_of('grid_replicas')")
    return connection.sql("select count(*) from grid_rows").fetchall()[0][0]


def _stage_shards(connection: duckdb.DuckDBPyConnection) -> None:
    """The accepted shards, in small row groups: all processors then share the work on what follows from them."""
    connection.execute(
        """create or replace table staging.grid_shards as
        with places as (from replica_classes where nodes = 1),
        keys as (from grid_shard_keys('places'))
        select * replace (1 as dp) from sharded('keys') where layout_refusal is null"""
    )


def _sums(connection: duckdb.DuckDBPyConnection) -> None:
    _stage_shards(connection)
    counted = ", ".join(f"sum({name})" for name in (*COUNTS, *FIGURES))
    keyed = ", ".join(f"count({name})" for name in KEYS)
    connection.sql(f"select {keyed}, {counted} from grid_rows").fetchall()


def _written_floor_and_sorted(connection: duckdb.DuckDBPyConnection, directory: Path) -> tuple[float, float, float]:
    """Seconds: grid_rows computed and written, the same rows copied from a table, and copied in order.

    The first two are medians of three alternating runs.
    """
    connection.execute("create table computed_rows as from grid_rows")
    connection.execute("checkpoint")
    target = directory / "grid.parquet"
    options = "(format parquet, compression zstd)"
    written, floor = [], []
    for _ in range(3):
        written.append(_seconds(lambda: connection.execute(f"copy grid_rows to '{target}' {options}").fetchall()))
        floor.append(_seconds(lambda: connection.execute(f"copy computed_rows to '{target}' {options}").fetchall()))
    keys = "architecture_key, context, quantization, kv_dtype, provider, shape"
    in_order = _seconds(
        lambda: connection.execute(f"copy (from computed_rows order by {keys}) to '{target}' {options}").fetchall()
    )
    return statistics.median(written), statistics.median(floor), in_order


def _plain_python(connection: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Rows a second of `estimate`, and the largest relative difference of its figures from those of the macros."""
    connection.execute("create temp table sampled_shards as from staging.grid_shards using sample 3000")
    connection.execute("create temp view sampled_places as from replica_classes where nodes = 1")
    connection.execute(
        f"""create temp table sampled as
        with usable as (from usable_replicas('sampled_shards', 'sampled_places')),
        offered as (
            select usable.* replace (2 as dp), kv_dtypes.kv_dtype, loads.context, loads.input_tokens, loads.output_tokens,
                null::bigint as concurrency, 0e0 as cached_share
            from usable join grid_loads as loads using (architecture_key) cross join kv_dtypes where kv_dtypes.nightly
        ),
        loaded as (select *, 3e0 as usd_per_hour from served('offered') where fits and tpot_ms is not null)
        from answered('loaded') using sample {SAMPLE}"""
    )
    names = tuple(inspect.signature(estimate).parameters)
    columns = {
        "charged_in_full": "windowed_layers_charged_in_full",
        "divided_by_groups": "tokens_divided_by_layer_groups",
        "longest_length": "max_model_len_limit",
        "reported_gib": "reported_memory_gib",
        "allowed_gib": "memory_allowed_gib_per_gpu",
        "weights_gib": "weights_gib_per_gpu",
        "activation_gib": "activation_gib_per_gpu",
        "graphs_gib": "cuda_graphs_gib_per_gpu",
        "graphs_in_budget": "cuda_graphs_in_budget",
        "pool_gib": "kv_cache_gib_per_gpu",
        "tflops": "plain_tflops * card_share",
    }
    arguments = ", ".join(f"coalesce({columns.get(name, name)}, -1)::double" for name in names)
    expected = "max_context, max_sequences, kv_cache_tokens, ttft_ms, tpot_ms, single_stream_tpot_ms, output_tokens_per_s"
    found = connection.sql(f"select {arguments}, {expected}, usd_per_million_output_tokens from sampled").fetchall()
    rows = [row[: len(names)] for row in found]
    figures: list[tuple[float, ...]] = []
    seconds = _seconds(lambda: figures.extend(estimate(*row) for row in rows))
    difference = max(
        abs(mine - theirs) / max(abs(theirs), 1e-12)
        for mine_row, row in zip(figures, found, strict=True)
        for mine, theirs in zip(mine_row, row[len(names) :], strict=True)
    )
    return len(rows) / seconds, difference


def estimate(
    kv_factor: float, context: float, input_tokens: float, output_tokens: float, new_tokens: float, tp: float, pp: float,
    stage_full_layers: float, full_layers: float, full_divided_bytes: float, full_copied_bytes: float, full_kv_share: float,
    index_bytes: float, stage_window_1_layers: float, window_1_layers: float, window_1_bytes: float, window_1_tokens: float,
    stage_window_2_layers: float, window_2_layers: float, window_2_bytes: float, window_2_tokens: float, window_kv_share: float,
    stage_state_layers: float, state_bytes_per_layer: float, state_bytes: float, layer_group_tolerance: float,
    block_tokens: float, charged_in_full: float, divided_by_groups: float, max_num_batched_tokens: float, max_num_seqs: float,
    longest_length: float, reported_gib: float, allowed_gib: float, weights_gib: float, activation_gib: float,
    graphs_gib: float, graphs_in_budget: float, pool_gib: float, bandwidth: float, kv_efficiency: float,
    full_decode_flops: float, window_1_decode_flops: float, window_2_decode_flops: float, full_prefill_flops: float,
    window_1_prefill_flops: float, window_2_prefill_flops: float, tflops: float, decode_efficiency: float,
    attention_efficiency: float, prefill_efficiency: float, dense_token_ms: float, head_token_ms: float, matrices_ms: float,
    experts_ms: float, expert_token_ms: float, expert_log_miss: float, expert_tokens: float, communication_ms: float,
    communication_token_ms: float, overhead_ms: float, request_ms: float, activation_token_ms: float, idle_t0_ms: float,
    loaded_t0_ms: float, loaded_steps: float, kappa: float, gamma: float, phi: float, slo_ttft_ms: float,
    slo_ttft_ms_per_input_token: float, slo_tpot_ms: float, dp: float, usd_per_hour: float,
) -> tuple[float, ...]:  # fmt: skip
    """One row of the grid in plain Python: what the macros `served` and `answered` compute, from the same columns.

    Returns max_context, max_sequences, kv_cache_tokens, ttft_ms, tpot_ms, time per token of one request, output tokens per
    second and dollars per million output tokens; not a number where the engine does not start.
    """
    share_full = stage_full_layers / full_layers if full_layers else 0.0
    full = kv_factor * share_full * (full_divided_bytes * full_kv_share + full_copied_bytes) + share_full * index_bytes
    window_1 = (
        kv_factor * (stage_window_1_layers / window_1_layers if window_1_layers else 0.0) * window_1_bytes * window_kv_share
    )
    window_2 = (
        kv_factor * (stage_window_2_layers / window_2_layers if window_2_layers else 0.0) * window_2_bytes * window_kv_share
    )
    state_of_layer = state_bytes_per_layer / tp
    windowed_layers = stage_window_1_layers + stage_window_2_layers
    others = windowed_layers if windowed_layers > 0 else stage_state_layers
    full_page = full * _padded(stage_full_layers, others, layer_group_tolerance) / max(stage_full_layers, 1.0)
    window_1_page = window_1 * _padded(stage_window_1_layers, stage_full_layers, layer_group_tolerance)
    window_1_page /= max(stage_window_1_layers, 1.0)
    window_2_page = window_2 * _padded(stage_window_2_layers, stage_full_layers, layer_group_tolerance)
    window_2_page /= max(stage_window_2_layers, 1.0)
    of_layer = full / stage_full_layers if stage_full_layers > 0 else window_1 / max(stage_window_1_layers, 1.0)
    block = block_tokens
    if stage_state_layers > 0 and of_layer > 0:
        block = max(block, math.ceil(state_of_layer / of_layer / block_tokens) * block_tokens)
    token = full_page + (window_1_page + window_2_page if charged_in_full == 1 else 0.0)
    if charged_in_full == 1:
        window_1_page = window_2_page = 0.0
    padded_state = _padded(stage_state_layers, stage_full_layers, layer_group_tolerance)
    if stage_full_layers > 0:
        state = padded_state * max(state_of_layer, block * full / stage_full_layers) * (stage_state_layers > 0)
    else:
        state = stage_state_layers * state_of_layer
    pool = pool_gib * 1024**3

    def held_tokens(length: float, window: float, of_a_step: float = max_num_batched_tokens) -> float:
        return math.ceil(min(length, window - 1 + of_a_step) / block_tokens) * block_tokens + block_tokens

    def held_bytes(length: float, of_a_step: float) -> float:
        held = math.ceil(length / block) * block * token + state
        held += held_tokens(length, window_1_tokens, of_a_step) * window_1_page if window_1_tokens >= 0 else 0.0
        return held + (held_tokens(length, window_2_tokens, of_a_step) * window_2_page if window_2_tokens >= 0 else 0.0)

    needed = held_bytes(context, max_num_batched_tokens)
    if pool < state:
        max_context = 0.0
    else:
        free = pool - state
        kept_1 = window_1_page * held_tokens(longest_length, window_1_tokens) if window_1_tokens >= 0 else math.inf
        kept_2 = window_2_page * held_tokens(longest_length, window_2_tokens) if window_2_tokens >= 0 else math.inf
        lines = [
            (free - block_tokens * (window_1_page + window_2_page)) / (token + window_1_page + window_2_page or 1e-9),
            (free - block_tokens * window_2_page - kept_1) / (token + window_2_page or 1e-9),
            (free - kept_1 - kept_2) / (token or 1e-9),
        ]
        blocks = [math.floor(line / block) * block for line in lines if line > -math.inf]
        max_context = float(min(longest_length, max(0.0, *blocks)))
    max_sequences = max(0, math.floor(pool / needed))
    if divided_by_groups == 0 and window_1_page + window_2_page + state > 0:
        kv_cache_tokens = math.floor(pool / needed * context)
    else:
        groups = 1 + padded_state / stage_full_layers if divided_by_groups == 1 and stage_full_layers > 0 else 1.0
        kv_cache_tokens = math.floor(pool / (token * groups) / block) * block

    length = input_tokens + output_tokens / 2
    read_1 = window_1_bytes * min(length, window_1_tokens) if window_1_tokens >= 0 else 0.0
    read_2 = window_2_bytes * min(length, window_2_tokens) if window_2_tokens >= 0 else 0.0
    cached = (full_divided_bytes * full_kv_share + full_copied_bytes) * length + window_kv_share * (read_1 + read_2)
    kv_read_ms = (kv_factor * cached + index_bytes * length) / (bandwidth * kv_efficiency * 1e6)
    flops = full_decode_flops * length
    flops += window_1_decode_flops * min(length, window_1_tokens) if window_1_tokens >= 0 else 0.0
    flops += window_2_decode_flops * min(length, window_2_tokens) if window_2_tokens >= 0 else 0.0
    attention_ms = flops / tp / (tflops * decode_efficiency * attention_efficiency * 1e9)
    state_ms = 2 * state_bytes / tp / (bandwidth * kv_efficiency * 1e6)

    def pairs(window: float) -> float:
        if window < 0 or window >= input_tokens:
            return new_tokens * (input_tokens - new_tokens / 2)
        return new_tokens * window - max(0.0, window - (input_tokens - new_tokens)) ** 2 / 2

    prompt_flops = full_prefill_flops * pairs(-1.0)
    prompt_flops += window_1_prefill_flops * pairs(window_1_tokens) if window_1_tokens >= 0 else 0.0
    prompt_flops += window_2_prefill_flops * pairs(window_2_tokens) if window_2_tokens >= 0 else 0.0
    prompt_attention_ms = prompt_flops / tp / (tflops * prefill_efficiency * attention_efficiency * 1e9)
    mean, peak = held_bytes(math.ceil(length), 1), held_bytes(input_tokens + output_tokens, 1)
    slack = 2 * (peak - mean) / math.sqrt(3)
    room = max(0.0, pool)
    running = max(math.floor(room / peak), math.floor(((math.sqrt(slack**2 + 4 * mean * room) - slack) / (2 * mean)) ** 2))
    batch_limit = float(max(1, min(running, max_num_seqs)))
    matrices_token_ms = (dense_token_ms + head_token_ms) / decode_efficiency
    experts_token_ms = expert_token_ms / decode_efficiency
    fixed_ms = communication_ms + overhead_ms
    per_request_ms = max(kv_read_ms, attention_ms) + state_ms + communication_token_ms + request_ms
    prompt_ms = 0.0
    if new_tokens > 0:
        met = expert_tokens * new_tokens
        experts = max(experts_ms * (1 - math.exp(expert_log_miss * met)), expert_token_ms / prefill_efficiency * met)
        prompt_ms = max(matrices_ms, dense_token_ms / prefill_efficiency * new_tokens) + experts
        prompt_ms += communication_ms + (communication_token_ms + activation_token_ms) * new_tokens + prompt_attention_ms
        chunks = max(1, math.ceil(new_tokens / max_num_batched_tokens))
        prompt_ms *= (chunks + pp - 1) / (chunks * pp)

    def decode(part: float) -> float:
        met = expert_tokens * part
        experts = max(experts_ms * (1 - math.exp(expert_log_miss * met)), experts_token_ms * met)
        return max(matrices_ms, matrices_token_ms * part) + experts + fixed_ms + per_request_ms * part

    def times(part: float) -> tuple[float, float]:
        step = decode(part)
        if part <= 1:
            first = idle_t0_ms + prompt_ms + step
        else:
            first = loaded_t0_ms + loaded_steps * step + prompt_ms * (1 + kappa * (part - 1) ** gamma)
        return first, step + phi * (part - 1) / output_tokens * prompt_ms

    def meets(batch: float) -> bool:
        first, each = times(max(1.0, batch / pp))
        return first <= slo_ttft_ms + slo_ttft_ms_per_input_token * input_tokens and each <= slo_tpot_ms

    exponent = 0
    for more in (8, 4, 2, 1):
        if batch_limit >= 2 ** (exponent + more) and meets(2 ** (exponent + more)):
            exponent += more
    batch = batch_limit if meets(batch_limit) else float(2**exponent)
    greater = min(2 * batch, batch_limit)
    if greater > batch:
        near, far = times(max(1.0, batch / pp)), times(max(1.0, greater / pp))
        bounds = (slo_ttft_ms + slo_ttft_ms_per_input_token * input_tokens, slo_tpot_ms)
        fine = greater
        for low, high, bound in zip(near, far, bounds, strict=True):
            if high > bound:
                way = (bound - low) / (high - low) if high != low else 0.0
                fine = min(fine, max(batch, batch + (greater - batch) * way))
        if math.floor(fine) > batch and meets(math.floor(fine)):
            batch = float(math.floor(fine))
    ttft_ms, tpot_ms = times(max(1.0, batch / pp))
    single_ms = decode(1.0)
    tokens_per_s = 1000 * batch * dp * output_tokens / (ttft_ms + (output_tokens - 1) * tpot_ms)
    usd_per_million = usd_per_hour / (tokens_per_s * 3600) * 1e6
    started = weights_gib + activation_gib <= reported_gib and pool >= needed
    started = started and (graphs_in_budget == 1 or allowed_gib - activation_gib + graphs_gib <= reported_gib)
    if not started:
        ttft_ms = tpot_ms = single_ms = tokens_per_s = usd_per_million = math.nan
    return max_context, max_sequences, kv_cache_tokens, ttft_ms, tpot_ms, single_ms, tokens_per_s, usd_per_million


def _padded(layers: float, other: float, tolerance: float) -> float:
    if layers == 0 or other == 0:
        return layers
    if max(layers, other) < min(layers, other) * tolerance:
        return max(layers, other)
    return math.ceil(layers / min(layers, other)) * min(layers, other)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
