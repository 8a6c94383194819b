"""The fit of the speed coefficients: it finds what the runs were made with, and its intervals hold what they state."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks.fit_speed import Fitted, rewritten
from tests.benchmarks.speed_errors import SHARE, coverage, coverage_left_out, held_interval, interval, judged, overall
from tests.benchmarks.speed_fitting import Anchor, fit, left_out, named, weights
from tests.benchmarks.speed_runs import MeasuredRuns, read_other_runs, read_runs, speed_macros

pytestmark = pytest.mark.slow(4)

MODELS = ("meta-llama/Meta-Llama-3.1-8B", "mistralai/Mixtral-8x7B-Instruct-v0.1", "Qwen/Qwen3-32B")
TRUE = {("generation", "hopper", "e_mem"): 0.7, ("global", "all", "t_layer_us"): 80.0, ("ttft", "closed_vllm", "kappa"): 0.05}
ANCHORS = [Anchor(name, value * 1.25, value / 4, value * 4, 1.0) for name, value in TRUE.items()]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> MeasuredRuns:
    """Runs of three models whose times are what the macros make of TRUE."""
    directory = tmp_path_factory.mktemp("runs")
    columns = [
        "gpu_key",
        "model",
        "backend",
        "quant",
        "tp",
        "dp",
        "ep",
        "isl",
        "osl",
        "batch_per_dp_rank",
        "ttft_ms",
        "tpot_ms",
        "note",
    ]
    rows = [
        ["H100-SXM5-80GB", model, "vllm", "bf16", 4, 1, 1, tokens, 512, batch, 1.0, 1.0, None]
        for model in MODELS
        for tokens in (512, 4096)
        for batch in (2.0, 16.0, 100.0)
    ]
    rows.append(["H100-SXM5-80GB", "nobody/unknown", "vllm", "bf16", 1, 1, 1, 512, 512, 2.0, 1.0, 1.0, None])
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(directory / "runs.csv")
    (directory / "twins.csv").write_text(
        "model_id,corpus_model_id,quantization,note\nmistralai/Mixtral-8x7B-Instruct-v0.1,mistralai/Mixtral-8x7B-v0.1,native,\n"
    )
    read = read_runs(directory / "runs.csv", directory / "twins.csv", lifted=True)
    with speed_macros(read) as macros:
        times = macros.predict(TRUE)
    runs = read.runs.drop("ttft_ms", "tpot_ms", "output_tokens_per_s").join(times, on="run")
    runs = (
        runs.rename({"predicted_ttft_ms": "ttft_ms", "predicted_tpot_ms": "tpot_ms"})
        .drop("calibration", "predicted_requests")
        .sort("run")
    )
    rate = (
        1000
        * pl.col("requests")
        * pl.col("output_tokens")
        / (pl.col("ttft_ms") + (pl.col("output_tokens") - 1) * pl.col("tpot_ms"))
    )
    return MeasuredRuns(runs.with_columns(output_tokens_per_s=rate), read.configurations, read.facts, read.given)


def test_a_model_without_facts_is_counted_and_left_out(measured: MeasuredRuns) -> None:
    assert (measured.given, measured.runs.height) == (19, 18)
    assert set(measured.runs["kind"]) == {"dense", "moe"}


def test_the_fit_finds_what_the_runs_were_made_with(measured: MeasuredRuns) -> None:
    used = ~measured.runs["suspect"]
    with speed_macros(measured) as macros:
        whole = fit(macros, measured.runs, used, ANCHORS)
        outside = judged(measured.runs, left_out(macros, whole, measured.runs, used, ANCHORS, "model"))
    for name, value in named(ANCHORS, whole.point).items():
        assert value == pytest.approx(TRUE[name], rel=0.03)
    assert overall(outside)["tpot_ms_mean"] < 0.03


def test_bounds_hold(measured: MeasuredRuns) -> None:
    bounded = [Anchor(("generation", "hopper", "e_mem"), 0.9, 0.8, 0.97, 1.0)]
    with speed_macros(measured) as macros:
        found = named(bounded, fit(macros, measured.runs, ~measured.runs["suspect"], bounded).point)
    assert found["generation", "hopper", "e_mem"] == pytest.approx(0.8)


def test_each_model_counts_for_one(measured: MeasuredRuns) -> None:
    first = measured.runs["model"] == measured.runs["model"][0]
    counted = measured.runs.with_columns(weight=weights(measured.runs, ~first))
    totals = dict(counted.group_by("model").agg(pl.col("weight").sum()).iter_rows())
    assert sorted(totals.values()) == pytest.approx([0, 1, 1])


def test_an_interval_holds_its_share() -> None:
    ratios = [0.5 + 0.01 * number for number in range(101)]
    errors = pl.DataFrame({"model": ["a"] * 101, "tpot_ms_ratio": ratios})
    bounds = interval(errors, "tpot_ms")
    assert coverage(errors, "tpot_ms", bounds) == pytest.approx(SHARE, abs=0.02)
    assert bounds[0] < 1 < bounds[1]


def test_an_interval_of_few_models_is_widened_until_it_holds_the_next_ones_runs() -> None:
    ratios = {model: [0.9 + 0.05 * model + 0.004 * number for number in range(25)] for model in range(6)}
    rows = [(str(model), ratio) for model, values in ratios.items() for ratio in values]
    errors = pl.DataFrame(rows, schema=["model", "tpot_ms_ratio"], orient="row")
    assert coverage_left_out(errors, "tpot_ms") < SHARE
    narrow, wide = interval(errors, "tpot_ms"), held_interval(errors, "tpot_ms")
    assert wide[0] <= narrow[0]
    assert wide[1] >= narrow[1]
    assert wide != narrow


def test_fitted_rows_replace_their_own_and_keep_the_rest() -> None:
    text = (
        "scope,key,name,value,basis,source,as_of\n"
        "global,all,e_kv,0.85,kernel: points,tables,2026-01-01\n"
        "global,all,e_dec,0.75,x,y,2026-01-01\n"
    )
    new = {
        ("global", "all", "e_kv"): Fitted(0.912345, "measured: runs", "runs"),
        ("interval", "measured", "share"): Fitted(0.8, "measured: runs", "runs"),
    }
    rows = list(csv.DictReader(io.StringIO(rewritten(text, new, date(2026, 2, 3)))))
    assert [(row["name"], row["value"], row["as_of"]) for row in rows] == [
        ("e_kv", "0.9123", "2026-02-03"),
        ("e_dec", "0.75", "2026-01-01"),
        ("share", "0.8", "2026-02-03"),
    ]


def test_flagged_and_unfinished_runs_are_left_out(tmp_path: Path) -> None:
    sound = {
        "model_id": MODELS[0],
        "gpu": "H100 SXM",
        "gpu_count": 2,
        "tp": 1,
        "pp": 1,
        "ep": 1,
        "weight_precision": "bf16",
        "engine": "vLLM 0.11",
        "isl": 512.0,
        "osl": 512.0,
        "concurrency": 8,
        "regime": "fixed_concurrency",
        "ttft_ms": 50.0,
        "tpot_ms": 9.0,
        "notes": "steady",
    }
    changes = {"notes": "FLAGS=power_cap", "regime": "offline_max", "tpot_ms": None, "engine": "ATOM", "pp": 2}
    others = [{**sound, name: value} for name, value in changes.items()]
    pl.DataFrame([sound, *others]).write_csv(tmp_path / "other.csv")
    (tmp_path / "twins.csv").write_text("model_id,corpus_model_id,quantization,note\n")
    read = read_other_runs(tmp_path / "other.csv", tmp_path / "twins.csv", lifted=True)
    assert (read.given, read.runs.height) == (1, 1)
    assert read.runs.select("dp", "batch", "gpu").row(0) == (2, 4.0, "H100-SXM5-80GB")
    assert read.configurations["reported_memory_gib"].item() > 1000
    queueing = read_other_runs(tmp_path / "other.csv", tmp_path / "twins.csv")
    assert queueing.configurations["reported_memory_gib"].item() == 79.2
