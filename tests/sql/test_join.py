"""The join as a whole: what is in the database, how it is ranked, and that it answers alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from architectures import architecture_frames

from flows.lake.catalogs import load_catalogs
from flows.publish.build_database import build_database
from transforms.tables import contracts

pytestmark = pytest.mark.slow(7)

CHECKS = sorted((Path(__file__).parents[2] / "sql" / "checks").glob("*.sql"))


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, object]]:
    return connection.sql(query).pl().to_dicts()


def test_recommendations_keep_their_contract(joined: duckdb.DuckDBPyConnection) -> None:
    frame = joined.sql("from recommendations").pl()
    assert tuple(frame.columns) == contracts.TABLES["recommendations"].columns
    assert contracts.conform("recommendations", frame).height == frame.height > 0
    assert frame["policy"].unique().to_list() == ["vllm"]
    contracts.conform("layouts", joined.sql("from layouts").pl())


@pytest.mark.parametrize("check", CHECKS, ids=lambda path: path.stem)
def test_no_row_offends_a_check(joined: duckdb.DuckDBPyConnection, check: Path) -> None:
    assert rows(joined, check.read_text()) == []


OFFENDERS = {
    "figures_are_sane": {"usd_per_hour": 0.0},
    "memory_is_within_bounds": {"memory_used_gib_per_gpu": 1000.0},
    "more_context_never_more_sequences": {"max_sequences": 10**9},
    "ranks_follow_their_figures": {"cost_rank": 0},
    "recommendations_are_unique": {"context": 2048},
    "the_frontier_is_not_empty": {"on_frontier": False},
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda path: path.stem)
def test_a_check_finds_what_offends_it(joined: duckdb.DuckDBPyConnection, check: Path) -> None:
    """Each check, run over a copy of one model's rows with one figure spoilt, returns them."""
    column, value = next(iter(OFFENDERS[check.stem].items()))
    change = f"if(context > 2048, {value!r}, {column}) as {column}" if column != "on_frontier" else "false as on_frontier"
    with duckdb.connect() as copy:
        spoilt = joined.sql(
            f"select * replace ({change}) from architecture_recommendations "
            "where architecture_key = 'phi-4' and quantization = 'native'"
        ).to_arrow_table()
        copy.register("architecture_recommendations", spoilt)
        assert copy.sql(check.read_text()).fetchall() != []


def test_ranks_order_their_figures(joined: duckdb.DuckDBPyConnection) -> None:
    best = rows(
        joined, "from recommendations where model_id = 'test/llama-3.1-8b' and context = 8192 order by cost_rank, provider, shape"
    )
    priced = [row for row in best if row["usd_per_hour"] is not None]
    assert best[0]["cost_rank"] == 1
    assert [row["usd_per_hour"] for row in priced] == sorted(row["usd_per_hour"] for row in priced)
    assert all(row["usd_per_hour"] is None for row in best[len(priced) :])
    unpriced = best[-1]
    assert "no catalogued on-demand price" in unpriced["reason"]
    costs = joined.sql(
        """select in_cents_per_accelerator(usd_per_million_output_tokens, usd_per_hour, gpu_count) as cost
        from recommendations
        where model_id = 'test/llama-3.1-8b' and context = 8192 and cost is not null
        order by balanced_rank"""
    ).fetchall()
    assert [cost for (cost,) in costs] == pytest.approx(sorted(cost for (cost,) in costs), abs=1e-4)


def test_nothing_dominates_the_frontier(joined: duckdb.DuckDBPyConnection) -> None:
    """Price, time per token, throughput and precision (weights before KV cache) of one model, compared pair by pair."""
    ranks = dict(joined.sql("select quantization, quality_rank from quantizations").fetchall())
    candidates = [
        (
            (
                row["usd_per_hour"],
                row["tpot_ms"],
                -row["output_tokens_per_s"],
                (ranks[row["quantization"]], row["kv_dtype"] != "auto"),
            ),
            row["on_frontier"],
        )
        for row in rows(joined, "from recommendations where model_id = 'test/phi-4' and context = 16384 and usd_per_hour < 8")
        if row["tpot_ms"] is not None
    ]
    frontier = [figures for figures, on_frontier in candidates if on_frontier]
    assert frontier
    for figures, on_frontier in candidates:
        price, step, rate, quality = figures
        dominated = any(
            price >= other[0] and step >= other[1] and rate >= other[2] and quality >= other[3]
            for other, _ in candidates
            if other != figures
        )
        assert on_frontier == (not dominated), figures


def test_objectives_choose_their_layouts(joined: duckdb.DuckDBPyConnection) -> None:
    """On 8 H100 a small model is cheapest as copies and fastest split, and the balanced layout lies between."""
    row = rows(
        joined,
        """from recommendations where model_id = 'test/llama-3.1-8b' and provider = 'oci' and shape = 'BM.GPU.H100.8'
        and quantization = 'native' and kv_dtype = 'auto' and context = 8192""",
    )[0]
    assert row["cost_tp"] * row["cost_pp"] * row["cost_dp"] == 8
    assert row["cost_output_tokens_per_s"] >= row["output_tokens_per_s"] >= 0.999 * row["performance_output_tokens_per_s"]
    assert row["performance_tp"] > row["cost_tp"]
    fits = rows(
        joined,
        """select counted_rate(output_tokens_per_s, output_tokens_per_s * rate_low, pp, nodes) as counted, single_stream_tpot_ms
        from fits join speed_intervals using (calibration) where architecture_key = 'llama-3.1-8b'
        and provider = 'oci' and shape = 'BM.GPU.H100.8' and quantization = 'native' and kv_dtype = 'auto' and context = 8192
        and nodes = 1 and fits""",
    )
    assert row["cost_output_tokens_per_s"] == pytest.approx(max(fit["counted"] for fit in fits), rel=1e-6)
    best = max(fit["counted"] / fit["single_stream_tpot_ms"] for fit in fits)
    assert row["output_tokens_per_s"] / row["single_stream_tpot_ms"] == pytest.approx(best, rel=1e-4)


def test_several_machines_only_where_one_is_not_enough(joined: duckdb.DuckDBPyConnection) -> None:
    """DeepSeek-V3 on 8 A100 of 80 GB: 640 GiB of weights leave no room, two machines do, by pipeline stages across them."""
    found = rows(
        joined,
        """select distinct nodes, gpu_count, tp, pp, dp, vllm_arguments from recommendations where model_id = 'test/deepseek-v3'
        and gpu = 'A100-SXM4-80GB' and provider = 'oci' and kv_dtype = 'auto' and context = 8192""",
    )
    assert {row["nodes"] for row in found} == {2}
    assert {row["gpu_count"] for row in found} == {16.0}
    assert all(row["pp"] >= 2 and row["pp"] % 2 == 0 for row in found)
    assert all(f"--pipeline-parallel-size {row['pp']}" in row["vllm_arguments"] for row in found)
    single = rows(joined, "select max(nodes) as nodes from recommendations where model_id = 'test/gpt2'")
    assert single == [{"nodes": 1}]


def test_a_prequantized_checkpoint_is_never_quantized_again(joined: duckdb.DuckDBPyConnection) -> None:
    offered = dict(
        joined.sql(
            "select model_id, string_agg(distinct quantization order by quantization) from recommendations group by 1"
        ).fetchall()
    )
    assert offered["test/deepseek-v3"] == "native"
    assert offered["test/phi-4"] == "awq-4bit,fp8,int8,native"


def test_each_model_has_the_ladder_and_its_own_maximum(joined: duckdb.DuckDBPyConnection) -> None:
    lengths = dict(
        joined.sql("select model_id, list(distinct context order by context) from recommendations group by 1").fetchall()
    )
    assert lengths["test/gpt2"] == [1024]
    assert lengths["test/phi-4"] == [2048, 4096, 8192, 16384]
    assert lengths["test/deepseek-v3"][-2:] == [131072, 163840]


def test_what_is_listed_but_not_recommended_says_why(joined: duckdb.DuckDBPyConnection) -> None:
    remarks = {
        (row["provider"], row["shape"]): row["not_recommended_reason"]
        for row in rows(joined, "select provider, shape, not_recommended_reason from shape_remarks")
    }
    assert remarks["oci", "VM.GPU2.1"] == "the engine needs compute capability 7.5, the card has 6.0"
    assert "the number of its accelerators is not known" in remarks.values()
    recommended = set(joined.sql("select distinct provider, shape from recommendations").fetchall())
    assert recommended & remarks.keys() == set()
    listed = joined.sql("select count(*) from shapes").fetchall()[0][0]
    layouts = joined.sql("select count(distinct (provider, shape)) from layouts").fetchall()[0][0]
    assert layouts + len(remarks) == listed


def test_shared_accelerators_have_their_share(joined: duckdb.DuckDBPyConnection) -> None:
    """Half an L4 holds half the memory, in one GPU without links."""
    half = rows(joined, "from layouts where provider = 'aws' and shape = 'g6f.4xlarge'")
    assert [(row["tp"], row["pp"], row["dp"], row["ep"], row["gpu_count"]) for row in half] == [(1, 1, 1, 1, 0.5)]
    allowed = rows(joined, "select distinct memory_allowed_gib_per_gpu as gib from recommendations where shape = 'g6f.4xlarge'")
    assert allowed[0]["gib"] == pytest.approx(0.92 * 22 / 2, rel=1e-6)


def test_the_layout_rule_is_a_view(joined: duckdb.DuckDBPyConnection) -> None:
    checks = rows(
        joined,
        """select tp, layout_valid, reason from layout_checks where architecture_key = 'phi-4' and quantization = 'native'
        and pp = 1 and dp = 1 and ep = 1 and tp in (1, 2, 4, 8) order by tp""",
    )
    assert [(row["tp"], row["layout_valid"]) for row in checks] == [(1, True), (2, True), (4, False), (8, False)]
    assert "10 KV heads" in checks[-1]["reason"]


def test_what_does_not_fit_is_answered_with_its_reason(joined: duckdb.DuckDBPyConnection) -> None:
    answers = rows(
        joined,
        """select tp, fits, outcome, reason from fits where architecture_key = 'deepseek-v3' and provider = 'oci'
        and shape = 'BM.GPU.H100.8' and nodes = 1 and quantization = 'native' and kv_dtype = 'auto' and context = 8192""",
    )
    assert answers
    assert not any(row["fits"] for row in answers)
    assert all(row["reason"] for row in answers)


def test_recommend_takes_the_smallest_context_not_below(joined: duckdb.DuckDBPyConnection) -> None:
    answers = rows(joined, "from recommend('test/llama-3.1-8b', 8000)")
    assert {row["context"] for row in answers} == {8192}
    assert set(contracts.TABLES["recommendations"].columns) <= set(answers[0])
    keys = [(row["provider"], row["shape"], row["quantization"]) for row in answers]
    assert len(keys) == len(set(keys))
    ranks = [row["cost_rank"] for row in answers]
    assert ranks == sorted(ranks)
    assert rows(joined, "from recommend('test/llama-3.1-8b', 131073)") == []


@pytest.mark.parametrize("objective", ["cost", "performance", "balanced"])
def test_recommend_orders_by_the_objective(joined: duckdb.DuckDBPyConnection, objective: str) -> None:
    answers = rows(joined, f"from recommend('test/phi-4', 4096, objective := '{objective}', provider := 'aws')")
    assert {row["provider"] for row in answers} == {"aws"}
    ranks = [row[f"{objective}_rank"] for row in answers]
    assert ranks == sorted(ranks)
    assert {row["deployments"] for row in answers} == {1}


def test_recommend_counts_deployments_for_users(joined: duckdb.DuckDBPyConnection) -> None:
    answers = rows(joined, "from recommend('test/phi-4', 4096, users := 300)")
    for row in answers:
        assert row["deployments"] == -(-300 // (row["batch_per_replica"] * row["dp"]))
        if row["usd_per_hour"] is not None:
            assert row["total_usd_per_hour"] == pytest.approx(row["deployments"] * row["usd_per_hour"])
    totals = [row["total_usd_per_hour"] for row in answers if row["total_usd_per_hour"] is not None]
    assert totals == sorted(totals)


def test_recommend_takes_a_16_bit_cache_where_it_fits(joined: duckdb.DuckDBPyConnection) -> None:
    """fp8 KV is only offered in rows where nothing else fits: then no auto row of that shape and precision exists."""
    answers = rows(joined, "from recommend('test/llama-3.1-8b', 131072)")
    with_fp8 = [row for row in answers if row["kv_dtype"] == "fp8"]
    assert with_fp8
    for row in with_fp8[:20]:
        query = f"""select count(*) from recommendations where model_id = 'test/llama-3.1-8b' and context = 131072
            and provider = '{row["provider"]}' and shape = '{row["shape"]}' and quantization = '{row["quantization"]}'
            and kv_dtype = 'auto'"""
        assert joined.sql(query).fetchall() == [(0,)]


def test_recommend_names_the_objectives(joined: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="objective is cost, performance or balanced"):
        rows(joined, "from recommend('test/phi-4', 4096, objective := 'cheap')")


def test_policies_stand_side_by_side(joined: duckdb.DuckDBPyConnection) -> None:
    """Every column of the view is its policy's own answer, on every shape, and the engine's are the recommendations'."""
    for key in ("llama-3.1-8b", "phi-4", "deepseek-v3"):
        of_key = f"from policy_comparison where architecture_key = '{key}' and context = 8192"
        sides = (
            (
                f"""select provider, shape, kaito_gpus_needed, kaito_nodes_needed, kaito_max_tokens {of_key}
                and kaito_fits is not null""",
                f"select provider, shape, gpus_needed, nodes_needed, final_max_tokens from kaito('{key}', context := 8192)",
            ),
            (
                f"select provider, shape, lmi_batch_size, lmi_available_gb {of_key} and lmi_fits is not null",
                f"select provider, shape, batch_size, memory_gb from lmi('{key}', context := 8192)",
            ),
            (
                f"select shape, aqua_memory_gb, aqua_max_context {of_key} and aqua_memory_gb is not null",
                f"""select catalog_shape, total_gb, context from aqua('{key}') join aqua_shapes using (shape)
                where catalog_shape is not null""",
            ),
            (
                f"select provider, shape, vllm_verdict, vllm_max_context {of_key} and vllm_fits",
                f"""select provider, shape, arg_min(verdict, kv_dtype), arg_min(max_context, kv_dtype)
                from architecture_recommendations
                where architecture_key = '{key}' and context = 8192 and nodes = 1 and quantization = 'native' group by all""",
            ),
        )
        for shown, own in sides:
            told, expected = joined.sql(f"{shown} order by all").fetchall(), joined.sql(f"{own} order by all").fetchall()
            assert told == expected and told


def test_the_file_answers_alone(tmp_path: Path) -> None:
    """Built on disk and opened by plain DuckDB: tables, views, macros and comments are all in the file."""
    frames = architecture_frames(["gpt2"])
    model = {
        "model_id": "test/gpt2",
        "architecture_key": "gpt2",
        "source": "snapshot",
        "id_inferred": False,
        "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    tables: dict[str, pl.DataFrame] = {**load_catalogs(), **frames, "models": contracts.frame_of("models", [model])}
    tables["shapes"] = tables["shapes"].filter(pl.col("provider").is_in(["aws", "azure", "oci"]))  # as the policies know
    tables["prices"] = tables["prices"].join(tables["shapes"], on=["provider", "shape"], how="semi")
    path = tmp_path / "recommendations.duckdb"
    build_database(path, tables)
    with duckdb.connect(str(path), read_only=True) as alone:
        assert alone.sql("from recommend('test/gpt2', 100) limit 1").fetchall()
        assert alone.sql("from policy_comparison where vllm_fits and kaito_fits and lmi_fits and aqua_fits limit 1").fetchall()
        comment = alone.sql(
            "select comment from duckdb_columns() where table_name = 'recommendations' and column_name = 'tpot_ms'"
        ).fetchall()
        assert comment == [("median time per output token (ms)",)]
        assert alone.sql("select count(*) from duckdb_tables() where table_name like 'bucket_%'").fetchall() == [(0,)]
    with pytest.raises(FileExistsError, match="exists already"):
        build_database(path, tables)
    with pytest.raises(contracts.ContractError, match="lacks architectures"):
        build_database(tmp_path / "other.duckdb", {name: frame for name, frame in tables.items() if name != "architectures"})
