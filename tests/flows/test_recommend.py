"""`shapefit recommend`: the best shapes for one model, and why not where there are none."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from loopback_hub import LoopbackHub, Repo
from published_set import small_published_set, write_local_model

from flows.cli import main
from flows.estimator import estimating
from flows.model_facts import find_models
from flows.published import fetch
from flows.size import Subject, import_sweep
from transforms.aqua_report import aqua_report

QWEN = "Qwen/Qwen2.5-7B-Instruct"


@dataclass(frozen=True)
class Asked:
    """One `recommend`: its exit status, what it printed, and its JSON."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, object]]:
        return self.document["recommendations"]


@cache
def ask(*tokens: str, data: Path | None = None) -> Asked:
    """The answer as JSON, from the small published set unless another directory is named; asked once for the same tokens."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["recommend", *tokens, "--format", "json", "--data", str(data or small_published_set())])
    return Asked(status, out.getvalue(), err.getvalue())


def test_the_best_come_first_and_carry_the_figures_to_decide_by() -> None:
    asked = ask(QWEN, "--context", "8000")
    assert asked.status == 0
    assert asked.document["context"] == 8192
    prices = [row["total_usd_per_hour"] for row in asked.rows]
    known = [price for price in prices if price is not None]
    assert known == sorted(known)
    assert None not in prices[: len(known)]
    for row in asked.rows:
        assert row["memory_used_gib_per_gpu"] <= row["memory_allowed_gib_per_gpu"]
        assert row["max_context"] >= 8192
        assert row["concurrent_sequences"] >= 1
        assert row["tp"] * row["pp"] * row["dp"] == max(1, row["gpu_count"])
        assert row["verdict"] in ("fits", "tight")
        assert f"--max-model-len {row['context']}" in row["vllm_arguments"]


def test_every_form_gives_the_same_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tokens = [QWEN, "--context", "8192", "--provider", "aws"]
    rows = ask(*tokens).rows
    data = ["--data", str(small_published_set())]
    assert main(["recommend", *tokens, "--format", "csv", *data]) == 0
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["shape"] for row in read] == [row["shape"] for row in rows]
    assert [float(row["memory_used_gib_per_gpu"]) for row in read] == [row["memory_used_gib_per_gpu"] for row in rows]
    assert all(row["vllm_arguments"].startswith("'--") for row in read)
    assert main(["recommend", *tokens, "--format", "markdown", *data]) == 0
    assert capsys.readouterr().out.count("\n") == len(rows) + 2
    assert main(["recommend", *tokens, *data]) == 0
    table = capsys.readouterr().out
    assert all(str(row["shape"]) in table for row in rows[:5])
    assert "vllm serve" in table
    assert main(["recommend", *tokens, "--output", str(tmp_path / "answer.csv"), *data]) == 0
    assert len((tmp_path / "answer.csv").read_text().splitlines()) == len(rows) + 1


def test_conditions_select() -> None:
    every = ask(QWEN, "--context", "8192").rows
    aws = ask(QWEN, "--context", "8192", "--provider", "AWS").rows
    assert {row["provider"] for row in aws} == {"aws"}
    shape = aws[0]["shape"]
    assert {row["shape"] for row in ask(QWEN, "--context", "8192", "--shape", shape).rows} == {shape}
    assert {row["quantization"] for row in ask(QWEN, "--context", "8192", "--quantization", "awq").rows} == {"awq-4bit"}
    bound = sorted(row["total_usd_per_hour"] for row in every if row["total_usd_per_hour"])[3]
    cheap = ask(QWEN, "--context", "8192", "--max-usd-per-hour", str(bound)).rows
    assert cheap
    assert all(row["total_usd_per_hour"] <= bound for row in cheap)
    region = next(row["price_region"] for row in every if row["price_region"])
    assert {row["price_region"] for row in ask(QWEN, "--context", "8192", "--region", region).rows} == {region}


def test_a_bound_on_the_times_makes_the_batch_smaller_rather_than_the_answer_empty() -> None:
    free = {row["shape"]: row for row in ask(QWEN, "--context", "8192", "--quantization", "native").rows}
    tight = ask(QWEN, "--context", "8192", "--quantization", "native", "--max-tpot-ms", "25").rows
    assert tight
    assert all(row["tpot_ms"] <= 25 for row in tight)
    smaller = [row for row in tight if free[row["shape"]]["tpot_ms"] > 25]
    assert smaller
    assert all(row["batch_per_replica"] * row["dp"] < 10**6 for row in smaller)


def test_objectives_order_by_their_own_figure() -> None:
    fastest = [
        row["single_stream_tpot_ms"]
        for row in ask(QWEN, "--context", "8192", "--objective", "performance").rows
        if row["single_stream_tpot_ms"] is not None
    ]
    assert fastest == sorted(fastest)
    per_token = [
        row["usd_per_million_output_tokens"]
        for row in ask(QWEN, "--context", "8192", "--objective", "balanced").rows
        if row["usd_per_million_output_tokens"] is not None
    ]
    assert per_token == sorted(per_token)


def test_a_workload_sets_the_load_and_the_least_context() -> None:
    asked = ask(QWEN, "--workload", "chat")
    assert {(row["input_tokens"], row["output_tokens"]) for row in asked.rows} == {(1024, 256)}
    assert asked.document["context"] >= 1280
    refused = ask(QWEN, "--workload", "retrieval", "--context", "2048")
    assert refused.status == 2
    assert "retrieval" in refused.err


def test_many_users_take_several_deployments() -> None:
    rows = ask(QWEN, "--context", "8192", "--users", "5000").rows
    assert any(row["deployments"] > 1 for row in rows)
    for row in rows:
        carried = row["deployments"] * row["batch_per_replica"] * row["dp"]
        assert carried >= 5000
        if row["usd_per_hour"] is not None:
            assert row["total_usd_per_hour"] == pytest.approx(row["deployments"] * row["usd_per_hour"])


def test_spot_prices_count_when_asked_for() -> None:
    on_demand = {(row["provider"], row["shape"]): row["usd_per_hour"] for row in ask(QWEN, "--context", "8192").rows}
    spot = ask(QWEN, "--context", "8192", "--spot").rows
    priced = [row for row in spot if row["usd_per_hour"] is not None]
    assert priced
    assert any(row["usd_per_hour"] < (on_demand[row["provider"], row["shape"]] or 1e9) for row in priced)
    assert all(row["usd_per_hour"] is None for row in spot[len(priced) :])


def test_where_nothing_fits_the_nearest_miss_is_told_and_the_status_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    small = ask(QWEN, "--context", "8192", "--objective", "cost").rows[0]
    asked = ask("deepseek-ai/DeepSeek-V3", "--provider", small["provider"], "--shape", small["shape"])
    assert asked.status == 1
    assert asked.rows == []
    nearest = asked.document["nearest"][0]
    assert nearest["missing_gib_per_gpu"] > 0
    assert f"lacks {nearest['missing_gib_per_gpu']:.1f} GiB" in asked.document["reason"]
    assert main(["recommend", "deepseek-ai/DeepSeek-V3", "--shape", small["shape"], "--data", str(small_published_set())]) == 1
    assert "lacks" in capsys.readouterr().out


def test_bounds_that_nothing_meets_are_told_apart_from_memory() -> None:
    asked = ask(QWEN, "--context", "8192", "--max-usd-per-hour", "0.001")
    assert asked.status == 1
    assert "none within --max-usd-per-hour 0.001" in asked.document["reason"]
    assert asked.document["nearest"]


def test_a_context_beyond_the_model_s_is_answered_at_its_maximum_and_said() -> None:
    asked = ask(QWEN, "--context", "999999")
    assert asked.status == 0
    assert asked.document["context"] == 32768
    assert "999,999 is longer" in asked.document["notes"][0]


def test_the_checkpoint_s_own_precision_is_native() -> None:
    asked = ask(QWEN, "--context", "8192", "--quantization", "bf16")
    assert {row["quantization"] for row in asked.rows} == {"native"}
    assert "native" in asked.document["notes"][0]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ([QWEN, "--provider", "amazon"], "aws"),
        ([QWEN, "--workload", "talk"], "chat"),
        ([QWEN, "--shape", "p5.48xlarg"], "no shape p5.48xlarg"),
        ([QWEN, "--quantization", "q4_k_m"], "no quantization"),
        ([QWEN, "--region", "mars"], "no region"),
        (["not a model id"], "owner/name"),
        ([QWEN, "--shapes-file", "absent.csv"], "absent.csv"),
    ],
)
def test_names_that_mean_nothing_are_bad_input(tokens: list[str], said: str) -> None:
    asked = ask(*tokens)
    assert (asked.status, asked.out, asked.err.count("\n")) == (2, "", 1)
    assert said in asked.err


def test_a_refused_model_says_why_and_what_to_do() -> None:
    asked = ask("google-t5/t5-small")
    assert (asked.status, asked.out) == (1, "")
    assert "name a decoder-only one" in asked.err


def test_a_local_directory_is_a_model(tmp_path: Path) -> None:
    asked = ask(str(write_local_model(tmp_path / "mine")), "--provider", "aws", data=tmp_path)
    assert asked.status == 0
    assert asked.document["context"] == 8192
    assert {row["provider"] for row in asked.rows} == {"aws"}
    assert asked.rows[0]["weights_gib_per_gpu"] < 0.01


def test_own_shapes_take_the_place_of_the_catalogued(tmp_path: Path) -> None:
    shapes = tmp_path / "mine.csv"
    shapes.write_text("shape,gpu,gpu_count,usd_per_hour\nbox,H100,8,20\nmini,RTX 4090,2,1\n")
    asked = ask(QWEN, "--context", "8192", "--shapes-file", str(shapes))
    assert {(row["provider"], row["shape"]) for row in asked.rows} == {("own", "box"), ("own", "mini")}
    assert asked.rows[0]["shape"] == "mini"
    shapes.write_text("shape,gpu,gpu_count\nbox,H1000,8\n")
    assert "mine.csv line 2" in ask(QWEN, "--shapes-file", str(shapes)).err


def test_asking_never_imports_prefect() -> None:
    data = str(small_published_set())
    commands = [
        ["recommend", QWEN, "--context", "8192"],
        ["query", "select 1"],
        ["status"],
        ["explain", QWEN],
    ]
    code = f"""
import contextlib, io, sys
from flows.cli import main
for command in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*command, "--data", {data!r}]) == 0
    light = ["recommend", "query", "status"]
    print(command[0], "prefect" in sys.modules, command[0] in light and "polars" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["recommend False False", "query False False", "status False False", "explain False False"]


NINE_SHAPES = {
    "BM.GPU.MI300X.8": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.H200.8": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.L40S-NC.4": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.L40S.4": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.A10.4": (28.16, 26.844, 131072, "bfloat16"),
    "VM.GPU.A10.2": (28.16, 13.422, 65536, "bfloat16"),
    "BM.GPU2.2": (28.16, 0.419, 2048, "bfloat16"),
    "VM.GPU.A10.1": (14.08, 6.711, 32768, "8bit"),
    "VM.GPU2.1": (7.04, 6.711, 32768, "4bit"),
}
"""The tool's sample report: weights and KV cache in GB, context, precision."""


def test_the_aqua_policy_gives_the_sample_report_s_figures(tmp_path: Path) -> None:
    """The sample names no model: 40 layers, 10 KV heads of 128, 14.08 B parameters and 131,072 positions have its figures."""
    from flows.catalogs import load_catalogs

    model = write_local_model(
        tmp_path / "sample",
        num_hidden_layers=40,
        num_attention_heads=40,
        num_key_value_heads=10,
        hidden_size=5120,
        max_position_embeddings=131072,
    )
    facts = find_models([str(model)], tmp_path)
    sized = facts.architectures.with_columns(parameters_total=pl.lit(14_080_000_000, pl.Int64))
    catalogs = load_catalogs()
    catalogs["aqua_shapes"] = catalogs["aqua_shapes"].filter(pl.col("shape").is_in(NINE_SHAPES))
    assert catalogs["aqua_shapes"].height == len(NINE_SHAPES)
    with estimating(type(facts)(**{**facts.tables(), "architectures": sized}), catalogs) as connection:
        rows = fetch(connection, "ask/aqua.sql", {"architecture": sized["architecture_key"][0], "shape": None})
    report = aqua_report(rows.records())
    figures = {}
    for entry in report["recommendations"]:
        details, parameters = entry["configurations"][0]["model_details"], entry["configurations"][0]["deployment_params"]
        figures[entry["shape_details"]["name"]] = (
            details["model_size_gb"],
            details["kv_cache_size_gb"],
            parameters["max_model_len"],
            parameters["quantization"],
        )
    assert figures == NINE_SHAPES
    said = {entry["shape_details"]["name"]: entry["configurations"][0]["recommendation"] for entry in report["recommendations"]}
    assert "(55.0GB used / 1536.0GB allowed)" in said["BM.GPU.MI300X.8"]
    assert "close to the GPU memory limit" in said["VM.GPU.A10.2"]
    assert "8bit, 4bit quantization" in said["VM.GPU.A10.2"]
    assert "Both model weights and KV cache" in said["VM.GPU2.1"]


@pytest.mark.parametrize(("policy", "column"), [("aqua", "weights_gb"), ("kaito", "gpus_needed"), ("lmi", "batch_size")])
def test_other_tools_rules_answer_beside_ours(policy: str, column: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(small_published_set())]
    assert main(["recommend", QWEN, "--policy", policy, "--format", "csv", *data]) == 0
    assert column in capsys.readouterr().out.splitlines()[0]
    assert main(["recommend", QWEN, "--policy", policy, "--users", "3", *data]) == 2
    assert "knows no users" in capsys.readouterr().err


def test_the_aqua_report_has_the_tool_s_words_for_models_it_does_not_take() -> None:
    asked = ask("google-t5/t5-small", "--policy", "aqua")
    assert asked.status == 1
    assert asked.document["recommendations"] == []
    assert asked.document["troubleshoot"].startswith("Please provide a decoder-only text-generation model")


def test_a_model_that_is_not_published_is_fetched_on_the_spot(serve: Callable[..., LoopbackHub], tmp_path: Path) -> None:
    """In a process of its own, which reads HF_ENDPOINT as a user's would."""
    model = write_local_model(tmp_path / "mine")
    hub = serve({"me/mine": Repo({path.name: path.read_bytes() for path in model.iterdir()})})
    commands = (["recommend", "me/mine", "--provider", "aws"], ["explain", "me/mine"], ["recommend", "me/other"])
    code = f"""
from flows.cli import main
print([main([*command, "--data", {str(small_published_set())!r}]) for command in {commands!r}])
"""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[0, 0, 1]"
    assert "vllm serve me/mine" in done.stdout
    assert "facts from hub" in done.stdout
    assert "no such repository" in done.stderr
    assert hub.weight_bytes == 0


def test_what_was_measured_stands_beside_the_estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(small_published_set() / "published")
    level = {"max_concurrency": 16, "completed": 8, "duration": 9.0, "p95_e2el_ms": 900.0, "median_ttft_ms": 60.0}
    level |= {"median_tpot_ms": 8.0, "output_throughput": 1600.0, "total_input_tokens": 8192, "total_output_tokens": 1024}
    results = tmp_path / "results.json"
    results.write_text(json.dumps([level]))
    import_sweep([results], data, subject=Subject(QWEN, "H100", test_gpu_count=1, engine="vllm"))
    [measured] = ask(QWEN, "--context", "8192", data=data).document["measured"]
    assert (measured["basis"], measured["gpu"], measured["tpot_ms"]) == ("measured", "H100-SXM5-80GB", 8.0)
    assert measured["tpot_ratio"] == pytest.approx(8.0 / measured["estimated_tpot_ms"])
    assert main(["recommend", QWEN, "--context", "8192", "--data", str(data)]) == 0
    assert "Measured, beside the estimate" in capsys.readouterr().out
    assert ask(QWEN, "--context", "8192").document["measured"] == []
