"""What a recommendation says beside its layout: intervals, costs, what dominates it, and the best shape of each kind."""

from __future__ import annotations

import duckdb
import pytest

from transforms.tables import contracts

pytestmark = pytest.mark.slow(2)

MODEL = "test/phi-4"
AT = f"model_id = '{MODEL}' and context = 16384"
FIGURES = (
    "verdict",
    "memory_used_gib_per_gpu",
    "weights_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "max_context",
    "max_sequences",
    "batch_per_replica",
    "ttft_ms",
    "tpot_ms",
    "single_stream_ttft_ms",
    "single_stream_tpot_ms",
    "output_tokens_per_s",
    "bound_by",
    "calibration",
)
KINDS = {"smallest", "cheapest_per_token", "fastest", "most_users", "balanced"}


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, object]]:
    return connection.sql(query).pl().to_dicts()


def test_what_is_dominated_names_a_row_of_the_frontier_that_is_better(joined: duckdb.DuckDBPyConnection) -> None:
    ranks = dict(joined.sql("select quantization, quality_rank from quantizations").fetchall())
    found = rows(joined, f"from recommendations where {AT}")
    by_name = {"/".join(row[part] for part in ("provider", "shape", "quantization", "kv_dtype")): row for row in found}

    def figures(row: dict[str, object]) -> tuple[float, ...]:
        quality = 2 * ranks[row["quantization"]] + (row["kv_dtype"] != "auto")
        return row["usd_per_hour"], row["tpot_ms"], -row["output_tokens_per_s"], quality

    assert len(by_name) == len(found)
    assert {row["dominated_by"] is None for row in found} == {True, False}
    for row in found:
        comparable = row["usd_per_hour"] is not None and row["tpot_ms"] is not None
        assert (row["dominated_by"] is None) == (row["on_frontier"] or not comparable)
        if row["dominated_by"] is not None:
            better = by_name[row["dominated_by"]]
            assert better["on_frontier"]
            assert figures(better) != figures(row)
            assert all(theirs <= mine for theirs, mine in zip(figures(better), figures(row), strict=True))


def test_intervals_follow_the_calibration(joined: duckdb.DuckDBPyConnection) -> None:
    bounds = {row["calibration"]: row for row in rows(joined, "from speed_intervals")}
    timed = rows(joined, f"from recommendations where {AT} and provider = 'aws'")
    assert {row["calibration"] for row in timed} >= {"measured", "kernel"}
    sides = (("ttft_ms", "ttft_{}_ms", "ttft"), ("tpot_ms", "tpot_{}_ms", "tpot"))
    for row in timed:
        for figure, end, factor in (*sides, ("output_tokens_per_s", "output_{}_tokens_per_s", "rate")):
            for side in ("low", "high"):
                shown = row[end.format(side)]
                if row[figure] is None:
                    assert shown is None
                    continue
                assert shown == pytest.approx(row[figure] * bounds[row["calibration"]][f"{factor}_{side}"], rel=0.006)
                assert shown == float(f"{shown:.3g}")


def test_costs_are_of_one_deployment_at_the_stated_load(joined: duckdb.DuckDBPyConnection) -> None:
    for row in rows(joined, f"from recommendations where {AT} and output_tokens_per_s is not null and usd_per_hour is not null"):
        per_million = row["usd_per_hour"] / (row["output_tokens_per_s"] * 3600) * 1e6
        assert row["usd_per_million_output_tokens"] == pytest.approx(per_million, abs=1e-4)
        assert row["usd_per_million_total_tokens"] == pytest.approx(per_million / 4, abs=1e-4)
        if row["spot_usd_per_hour"] is None:
            assert row["spot_usd_per_million_output_tokens"] is None
        else:
            spot = per_million * row["spot_usd_per_hour"] / row["usd_per_hour"]
            assert row["spot_usd_per_million_output_tokens"] == pytest.approx(spot, abs=1e-4)
        if row["slo_users"]:
            assert row["slo_users"] == row["batch_per_replica"] * row["dp"]
            assert row["usd_per_user_hour"] == pytest.approx(row["usd_per_hour"] / row["slo_users"], abs=1e-4)
        else:
            assert row["usd_per_user_hour"] is None
            assert "misses the default SLO" in row["reason"]


def test_layouts_of_every_objective_have_their_figures(joined: duckdb.DuckDBPyConnection) -> None:
    """Stored per architecture as the view `fits` computes them for the same layout."""
    at = """architecture_key = 'llama-3.1-8b' and context = 8192 and provider = 'oci' and shape = 'BM.GPU.H100.8' and nodes = 1
        and quantization = 'native' and kv_dtype = 'auto'"""
    best = rows(joined, f"from architecture_recommendations where {at}")[0]
    layouts = {(row["tp"], row["pp"], row["dp"], row["ep"]): row for row in rows(joined, f"from fits where {at}")}
    assert (best["cost_tp"], best["cost_pp"]) != (best["performance_tp"], best["performance_pp"])
    for objective in ("cost_", "performance_"):
        layout = layouts[tuple(best[f"{objective}{degree}"] for degree in ("tp", "pp", "dp", "ep"))]
        for name in FIGURES:
            expected = layout[name]
            if isinstance(expected, float):
                expected = pytest.approx(expected, abs=1e-4)
            assert best[f"{objective}{name}"] == expected, name
        assert f"--tensor-parallel-size {layout['tp']}" in best[f"{objective}vllm_arguments"] or layout["tp"] == 1


def test_each_kind_is_the_best_of_its_kind(joined: duckdb.DuckDBPyConnection) -> None:
    found = joined.sql("from best_shapes").pl()
    assert tuple(found.columns) == contracts.TABLES["best_shapes"].columns
    comment = "select comment from duckdb_columns() where table_name = 'best_shapes' and column_name = 'shape_kind'"
    assert joined.sql(comment).fetchall() == [("smallest, cheapest_per_token, fastest, most_users or balanced",)]
    contracts.conform("best_shapes", found)
    for quantization in ("native", "fp8"):
        at = f"{AT} and quantization = '{quantization}'"
        best = {row["shape_kind"]: row for row in rows(joined, f"from best_shapes where {at}")}
        assert set(best) == KINDS
        offers = rows(
            joined,
            f"""from architecture_recommendations join gpus using (gpu) where architecture_key = 'phi-4' and context = 16384
            and quantization = '{quantization}' and kv_dtype = 'auto' and verdict = 'fits' and usd_per_hour is not null
            and within_slo""",
        )
        assert {row["kv_dtype"] for row in best.values()} == {"auto"}
        paid = [row for row in offers if row["cost_verdict"] == "fits" and row["cost_within_slo"]]
        quick = [row for row in offers if row["performance_verdict"] == "fits"]
        least = min(row["cost_usd_per_million_output_tokens"] for row in paid)
        assert best["cheapest_per_token"]["usd_per_million_output_tokens"] == least
        assert best["fastest"]["single_stream_tpot_ms"] == min(row["performance_single_stream_tpot_ms"] for row in quick)
        assert best["most_users"]["slo_users"] == max(row["slo_users"] for row in offers)
        assert best["balanced"]["usd_per_million_output_tokens"] == min(row["usd_per_million_output_tokens"] for row in offers)
        smallest = best["smallest"]
        sold = joined.sql(f"select memory_gib from gpus where gpu = '{smallest['gpu']}'").fetchall()[0][0]
        assert smallest["gpu_count"] * sold == min(row["gpu_count"] * row["memory_gib"] for row in offers)
        assert all("--max-model-len 16384" in row["vllm_arguments"] for row in best.values())


def test_arguments_say_what_the_estimate_assumed(joined: duckdb.DuckDBPyConnection) -> None:
    """Sequences and tokens of a step differ by card: the arguments are the engine's own defaults there, in every objective."""
    for provider, shape, sequences, tokens in (("oci", "BM.GPU.H100.8", 1024, 8192), ("aws", "g5.12xlarge", 256, 2048)):
        found = rows(
            joined,
            f"""select vllm_arguments, cost_vllm_arguments, performance_vllm_arguments, max_sequences, batch_per_replica
            from architecture_recommendations where provider = '{provider}' and shape = '{shape}'""",
        )
        assert found
        for row in found:
            assert row["batch_per_replica"] <= sequences
            for column in ("vllm_arguments", "cost_vllm_arguments", "performance_vllm_arguments"):
                assert f"--max-num-seqs {sequences} --max-num-batched-tokens {tokens} " in row[column]


@pytest.mark.parametrize("view", ["recommendations", "best_shapes", "recommend('{}', 1024)"])
@pytest.mark.parametrize(("model", "trusted"), [("test/phi-4", True), ("test/gpt2", False), ("test/llama-3.1-8b", False)])
def test_code_of_a_repository_is_run_only_where_it_is_known_to_be_needed(
    joined: duckdb.DuckDBPyConnection, view: str, model: str, trusted: bool
) -> None:
    arguments = joined.sql(f"select vllm_arguments from {view.format(model)} where model_id = '{model}'").fetchall()
    assert arguments
    assert {argument.endswith(" --trust-remote-code") for (argument,) in arguments} == {trusted}


def test_what_a_repository_needs_is_not_told_of_its_architecture(joined: duckdb.DuckDBPyConnection) -> None:
    """Another model of the architecture may not need it: the files of architectures are joined to models by their readers."""
    key = joined.sql("select architecture_key from models where model_id = 'test/phi-4'").fetchall()[0][0]
    arguments = joined.sql(f"select vllm_arguments from architecture_offers where architecture_key = '{key}'").fetchall()
    assert arguments
    assert not any("--trust-remote-code" in text for (text,) in arguments)


def test_at_one_price_what_meets_the_slo_ranks_first(joined: duckdb.DuckDBPyConnection) -> None:
    """One shape in several precisions has one price: however many tokens a missed service level yields, it comes after."""
    pairs = rows(
        joined,
        """select met.cost_usd_per_million_output_tokens > missed.cost_usd_per_million_output_tokens as dearer,
            met.cost_rank < missed.cost_rank as before
        from architecture_recommendations as met
        join architecture_recommendations as missed
            using (architecture_key, context, provider, shape, nodes, usd_per_hour)
        where met.cost_within_slo and not missed.cost_within_slo""",
    )
    assert {pair["before"] for pair in pairs} == {True}
    assert any(pair["dearer"] for pair in pairs)


def test_prices_have_their_age(joined: duckdb.DuckDBPyConnection) -> None:
    """Days to the day of publication; an undated price has none."""
    aged = rows(
        joined,
        f"""select price_as_of, price_age_days, published_on from recommend('{MODEL}', 16384) cross join publication""",
    )
    assert {row["price_as_of"] is None for row in aged} == {True, False}
    for row in aged:
        if row["price_as_of"] is None:
            assert row["price_age_days"] is None
        else:
            assert row["price_age_days"] == (row["published_on"] - row["price_as_of"]).days
