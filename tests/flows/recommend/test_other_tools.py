"""`shapefit recommend --policy`: the rules of other tools beside ours."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from published_set import small_published_set, write_local_model
from recommend_command import QWEN, ask

from flows.ask.estimate_database import estimating
from flows.ask.model_facts import find_models
from flows.cli import main
from flows.database.sql_files import fetch
from flows.lake import catalogs
from transforms.asking.aqua_report import aqua_report

pytestmark = pytest.mark.slow(2)

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
    model = write_local_model(
        tmp_path / "sample",
        num_hidden_layers=40,
        num_attention_heads=40,
        num_key_value_heads=10,
        hidden_size=5120,
        max_position_embeddings=131072,
    )
    (model / "model.safetensors").unlink()  # it holds two layers; the sizes follow from the config
    facts = find_models([str(model)], tmp_path)
    sized = facts.architectures.with_columns(parameters_total=pl.lit(14_080_000_000, pl.Int64))
    shipped = catalogs.load_catalogs()
    shipped["aqua_shapes"] = shipped["aqua_shapes"].filter(pl.col("shape").is_in(NINE_SHAPES))
    assert shipped["aqua_shapes"].height == len(NINE_SHAPES)
    with estimating(type(facts)(**{**facts.tables(), "architectures": sized}), shipped) as connection:
        rows = fetch(connection, "recommend/aqua.sql", {"architecture": sized["architecture_key"][0], "shape": None})
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
    assert "--users is no condition of --policy" in capsys.readouterr().err


def test_the_aqua_report_has_the_tool_s_words_for_models_it_does_not_take() -> None:
    asked = ask("google-t5/t5-small", "--policy", "aqua")
    assert asked.status == 1
    assert asked.document["recommendations"] == []
    assert asked.document["troubleshoot"].startswith("Please provide a decoder-only text-generation model")


@pytest.mark.parametrize(
    ("policy", "tokens", "said"),
    [
        ("kaito", ["--shape", "p5.48xlarg"], "no shape p5.48xlarg; nearest: p5.48xlarge, "),
        ("lmi", ["--shape", "p5.48xlarg"], "no shape p5.48xlarg; nearest: p5.48xlarge, "),
        ("kaito", ["--provider", "amazon"], "no provider amazon; known: aws, "),
        ("lmi", ["--provider", "oci", "--shape", "p5.48xlarge"], "p5.48xlarge is a shape of aws, not of oci"),
        ("aqua", ["--shape", "BM.GPU.H1"], "no shape BM.GPU.H1; known: BM.GPU.A10.4, "),
    ],
)
def test_a_shape_or_provider_that_is_unknown_is_named(policy: str, tokens: list[str], said: str) -> None:
    asked = ask(QWEN, "--policy", policy, *tokens)
    assert (asked.status, asked.out, asked.err.count("\n")) == (2, "", 1)
    assert said in asked.err


def test_a_policy_takes_names_in_any_case() -> None:
    for policy, shape in (("kaito", "P5.48XLARGE"), ("aqua", "bm.gpu.h100.8")):
        assert ask(QWEN, "--policy", policy, "--shape", shape) == ask(QWEN, "--policy", policy, "--shape", shape.swapcase())
