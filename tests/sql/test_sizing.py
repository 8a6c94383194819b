"""Cluster sizing in SQL: the document's figures, and a plain status where there is no figure."""

from __future__ import annotations

import json

import pytest
from sizing_sweeps import CONCURRENCIES, P95_LATENCIES, P95_RUNTIMES, fit, runtime_fit, settings, sweep_tables

from flows.size.fit import SizingTargets, fit_sweep, sizing_database
from transforms.tables.contracts import conform

pytestmark = pytest.mark.slow(5)

DOCUMENT = SizingTargets(workflow_runtime_s=10, users=100, test_gpu_count=8)
TEN = range(1, 11)


def document_tables(**changes: object) -> dict:
    return sweep_tables(CONCURRENCIES, P95_RUNTIMES, P95_LATENCIES, passes=2, **changes)


@pytest.mark.parametrize(
    ("expression", "figure"),
    [
        ("concurrency_for_target(10, 3.5e0, 0.6e0)", 10.8333),
        ("gpus_for_users(100, concurrency_for_target(10, 3.5e0, 0.6e0), 8)", 73.8462),
        ("rough_gpus(100, 1, 8, 4.03488e0, 10)", 322.7904),
        ("whole_gpus(75.35e0, 1)", 76),
        ("whole_gpus(75.35e0, 8)", 80),
        ("whole_gpus(24e0 / 0.3e0, 8)", 80),
        ("whole_nodes(80, 1, 8)", 10),
        ("whole_nodes(81, 1, 8)", 11),
        ("whole_nodes(12, 3, 8)", 2),
        ("whole_nodes(12, 8, 4)", None),
        ("studentized_deviation(0e0, 0.2e0, 0e0, 10)", 0),
    ],
)
def test_formula(expression: str, figure: float | None) -> None:
    with sizing_database({}, settings()) as connection:
        (value,) = connection.execute(f"select {expression}").fetchone()
    assert value == pytest.approx(figure, abs=1e-4) if figure is not None else value is None


def test_the_documents_table() -> None:
    fitted = fit(document_tables(), DOCUMENT)
    row = runtime_fit(fitted)
    assert (round(row["slope_s"], 4), round(row["intercept_s"], 4), round(row["r_squared"], 4)) == (0.6568, 3.0264, 0.9955)
    assert (row["points"], row["outliers"], row["fit"], row["sizing_status"]) == (6, "[]", "line", "estimated")
    assert (round(row["line_gpus"], 1), round(row["gpus"], 1), row["whole_gpus"]) == (75.4, 75.4, 76)
    levels = fitted.per_concurrency
    rough = [None if value is None else float(f"{value:.6g}") for value in levels["rough_gpus_by_workflow_runtime"]]
    assert rough == [322.79, 188.479, 113.516, 79.0895, None, None]
    assert levels["workflow_runtime_out_of_range"].to_list() == [0, 0, 0, 0, 32, 64]
    assert not levels["workflow_interrupted"].any()


def test_an_interrupted_concurrency_is_left_out_and_flagged() -> None:
    fitted = fit(document_tables(interrupted=(4,)), DOCUMENT)
    row = runtime_fit(fitted)
    assert (row["points"], round(row["gpus"], 1), row["sizing_status"]) == (5, 75.3, "estimated")
    level = fitted.per_concurrency.filter(concurrency=4).row(0, named=True)
    assert level["workflow_interrupted"] and level["rough_gpus_by_workflow_runtime"] is None


def test_both_targets_are_sized() -> None:
    fitted = fit(document_tables(), SizingTargets(4, 10, 100, 8))
    by_metric = {row["metric"]: row for row in fitted.sizing.to_dicts()}
    assert round(by_metric["llm_latency"]["line_gpus"], 1) == 44.0
    assert round(by_metric["workflow_runtime"]["line_gpus"], 1) == 75.4
    assert fitted.per_concurrency["llm_latency_out_of_range"].to_list() == [0, 0, 0, 0, 0, 64]


def test_the_interval_holds_the_estimate_and_repeats() -> None:
    first, second = (runtime_fit(fit(document_tables(), DOCUMENT)) for _ in range(2))
    assert first["gpus_low"] < first["gpus"] < first["gpus_high"]
    assert (first["gpus_low"], first["gpus_high"]) == (second["gpus_low"], second["gpus_high"])


def test_the_interval_is_tight_for_a_clean_line_and_wide_for_a_scattered_one() -> None:
    scatter = [0.3, -0.4, 0.5, -0.2, -0.5, 0.4, 0.2, -0.3, 0.4, -0.4]
    clean = runtime_fit(fit(sweep_tables(TEN, [3 + 0.6 * c for c in TEN]), DOCUMENT))
    noisy = runtime_fit(fit(sweep_tables(TEN, [3 + 0.6 * c + e for c, e in zip(TEN, scatter, strict=True)]), DOCUMENT))
    assert clean["gpus_high"] - clean["gpus_low"] < 1e-6
    assert noisy["gpus_high"] - noisy["gpus_low"] > 1


@pytest.mark.parametrize(
    ("runtimes", "target", "status"),
    [
        ([1.0] * 10, 10, "flat"),
        ([1.0, 1.01, 0.99, 1.02, 1.0, 1.01, 1.0, 0.99, 1.01, 1.0], 10, "flat"),
        ([12.0] * 10, 10, "unreachable"),
        ([5.2, 9.1, 6.0, 7.7, 5.1, 8.9, 6.3, 9.4, 5.0, 7.2], 10, "noisy"),
        ([20.0 - 1.5 * c for c in TEN], 10, "falling"),
        ([3.0 + 0.6 * c for c in TEN], 3, "unreachable"),
        ([3.0 + 0.6 * c for c in TEN], 2.5, "unreachable"),
        ([3.0 + 0.6 * c for c in TEN], 3.5, "unreachable"),
        ([3.0 + 0.6 * c for c in TEN], 3.7, "estimated"),
        ([0.0] * 10, 10, "zero_time"),
        ([None] * 10, 10, "not_measured"),
        ([3.0 + 0.6 * c for c in TEN], None, "no_target"),
    ],
)
def test_what_has_no_answer_says_why(runtimes: list[float | None], target: float | None, status: str) -> None:
    row = runtime_fit(fit(sweep_tables(TEN, runtimes), SizingTargets(None, target, 100, 8)))
    assert row["sizing_status"] == status
    assert (row["gpus"] is None) == (status != "estimated")


@pytest.mark.parametrize(
    ("concurrencies", "interrupted", "status"),
    [((4,), (), "one_point"), ((4, 8), (), "estimated"), ((4, 8), (8,), "one_point"), ((4, 8), (4, 8), "all_failed")],
)
def test_too_few_points(concurrencies: tuple[int, ...], interrupted: tuple[int, ...], status: str) -> None:
    runtimes = [3 + 0.6 * c for c in concurrencies]
    row = runtime_fit(fit(sweep_tables(concurrencies, runtimes, interrupted=interrupted), DOCUMENT))
    assert row["sizing_status"] == status


def test_a_zero_time_is_left_out_and_the_rest_is_fitted() -> None:
    fitted = fit(sweep_tables(CONCURRENCIES, [0.0, *P95_RUNTIMES[1:]]), DOCUMENT)
    assert runtime_fit(fitted)["points"] == 5
    assert fitted.per_concurrency["zero_time"].to_list() == [True, False, False, False, False, False]


def test_users_within_the_flat_part_bound_the_answer() -> None:
    row = runtime_fit(fit(sweep_tables(TEN, [1.0] * 10), DOCUMENT))
    assert (row["proven_concurrency"], row["proven_gpus"]) == (10, 80)


def test_an_outlier_is_taken_out_of_the_line_and_named() -> None:
    runtimes = [1 + 0.5 * c + (8 if c == 4 else 0) + (0.01 if c % 2 else -0.01) for c in TEN]
    fitted = fit(sweep_tables(TEN, runtimes), DOCUMENT)
    row = runtime_fit(fitted)
    assert json.loads(row["outliers"]) == [4]
    assert row["slope_s"] == pytest.approx(0.5, abs=0.01)
    assert fitted.per_concurrency.filter(concurrency=4)["outlier_workflow_runtime"].to_list() == [True]


def test_the_highest_load_is_never_taken_out_but_flagged() -> None:
    runtimes = [1 + 0.5 * c + (8 if c == 10 else 0) + (0.01 if c % 2 else -0.01) for c in TEN]
    fitted = fit(sweep_tables(TEN, runtimes), DOCUMENT)
    assert runtime_fit(fitted)["outliers"] == "[]"
    assert fitted.per_concurrency.filter(concurrency=10)["highest_deviates"].to_list() == [True]


def test_a_saturating_server_is_fitted_with_a_knee() -> None:
    loads = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    row = runtime_fit(fit(sweep_tables(loads, [max(1.0, c / 8) for c in loads]), SizingTargets(None, 3, 240, 1)))
    assert (row["fit"], row["sizing_status"]) == ("knee", "estimated")
    assert row["knee_concurrency"] == pytest.approx(8, abs=0.1)
    assert row["gpus"] == pytest.approx(10, rel=0.01)
    assert row["line_gpus"] > row["gpus"]


def test_a_server_that_falls_off_a_cliff_is_flat_against_its_rise() -> None:
    """Measured: transformers' server with a tiny model on two cores."""
    loads = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16)
    times = (0.195, 0.241, 0.309, 0.441, 0.608, 6.657, 10.660, 12.627, 14.263, 17.075)
    row = runtime_fit(fit(sweep_tables(loads, times), SizingTargets(None, 4, 100, 1)))
    assert (row["fit"], row["outliers"]) == ("knee", "[]")
    assert 6 <= row["required_concurrency"] <= 8


def test_below_the_flat_part_no_target_is_reachable() -> None:
    loads = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    row = runtime_fit(fit(sweep_tables(loads, [max(1.0, c / 8) for c in loads]), SizingTargets(None, 0.9, 240, 1)))
    assert (row["sizing_status"], row["gpus"]) == ("unreachable", None)


def test_the_last_whole_measurement_of_a_concurrency_counts() -> None:
    import polars as pl

    old, new, broken = (document_tables() for _ in range(3))
    frames = {}
    for table in ("sweeps", "measurements", "workflow_items"):
        parts = []
        for tables, run in ((old, "a"), (new, "b"), (broken, "c")):
            frame = tables[table].with_columns(run=pl.lit(run))
            if table == "sweeps":
                frame = frame.with_columns(pl.col("started_at") + pl.duration(hours="abc".index(run)))
            if table == "measurements":
                scale = {"a": 3.0, "b": 1.0, "c": 9.0}[run]
                frame = frame.with_columns(pl.col("p95_workflow_runtime_s") * scale, workflow_interrupted=pl.lit(run == "c"))
            parts.append(frame)
        frames[table] = pl.concat(parts)
    fitted = fit(frames, DOCUMENT)
    assert set(fitted.per_concurrency["run"]) == {"b"}
    assert round(runtime_fit(fitted)["gpus"], 1) == 75.4


def test_the_result_keeps_its_contract() -> None:
    fitted = fit(document_tables(), DOCUMENT)
    conform("sizing", fitted.sizing)
    conform("measurements", fitted.measurements)


def test_requests_and_items_become_a_measurement() -> None:
    from datetime import UTC, datetime

    from transforms.tables.contracts import frame_of

    level = {
        "run": "r",
        "concurrency": 2,
        "passes": 5,
        "planned_items": 10,
        "started_at": datetime(2026, 11, 20, tzinfo=UTC),
        "total_runtime_s": 20.0,
        "workflow_interrupted": False,
    }
    requests, items = [], []
    for number in range(1, 11):
        base = {"run": "r", "concurrency": 2, "pass_number": 1, "item": number, "start_s": 0.0}
        requests.append(
            {
                **base,
                "call": 1,
                "request_kind": "llm",
                "first_token_s": 0.1 * number,
                "last_token_s": 0.1 * number + 0.9,
                "end_s": float(number),
                "request_input_tokens": 5,
                "request_output_tokens": 10,
                "request_status": "ok",
            }
        )
        items.append(
            {**base, "dataset_item": "1", "end_s": number + 1.0, "workflow_runtime_s": number + 1.0, "request_status": "ok"}
        )
    items[-1]["request_status"] = "failed"
    tables = sweep_tables((), ()) | {
        "sweep_levels": frame_of("sweep_levels", [level]),
        "requests": frame_of("requests", requests),
        "workflow_items": frame_of("workflow_items", items),
    }
    row = fit_sweep(tables, SizingTargets(), settings()).measurements.row(0, named=True)
    assert row["p95_llm_latency_s"] == pytest.approx(9.55)
    assert row["p95_workflow_runtime_s"] == pytest.approx(9.6)
    assert row["ttft_ms"] == pytest.approx(550)
    assert row["tpot_ms"] == pytest.approx(100)
    assert row["output_tokens_per_s"] == pytest.approx(5)
    assert (row["items"], row["failed_items"], row["workflow_interrupted"]) == (9, 1, True)
