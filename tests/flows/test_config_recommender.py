"""`recommend --policy config_recommender`: the tool's own files in, its own report out."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub, Repo, VirtualFile
from published_set import small_published_set

from flows.cli import main
from flows.config_recommender import GPURecommender, GPUSpec, ModelArchitecture
from transforms.asking.config_recommender_files import RecommenderFileError

pytestmark = pytest.mark.slow(2)

GPUS = [
    {
        "name": "NVIDIA A100 80GB",
        "memory_gb": 80.0,
        "memory_bandwidth_gb_s": 2039.0,
        "tflops_fp16": 312.0,
        "tflops_fp32": 156.0,
        "cost_per_hour": 3.67,
    },
    {
        "name": "NVIDIA H100 80GB",
        "memory_gb": 80.0,
        "memory_bandwidth_gb_s": 3350.0,
        "tflops_fp16": 989.0,
        "tflops_fp32": 494.5,
        "cost_per_hour": 4.76,
    },
    {"name": "small", "memory_gb": 8, "memory_bandwidth_gb_s": 300, "tflops_fp16": 30},
]


def run(tmp_path: Path, models: object, gpus: object, *tokens: str) -> int:
    (tmp_path / "models.json").write_text(json.dumps(models))
    (tmp_path / "gpus.json").write_text(json.dumps(gpus))
    files = ["--models", str(tmp_path / "models.json"), "--gpus", str(tmp_path / "gpus.json")]
    return main(["recommend", *files, "--policy", "config_recommender", *tokens, "--data", str(small_published_set())])


def test_the_fastest_that_fits_is_recommended_and_the_others_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, [{"name": "Qwen/Qwen2.5-7B-Instruct"}], GPUS, "--latency-bound", "5") == 0
    entry = json.loads(capsys.readouterr().out)["recommendations"][0]
    assert entry["recommended_gpu"] == "NVIDIA H100 80GB"
    # A token reads 7.6156 B parameters in 16 bit and the cache of 2,048 tokens of 57,344 bytes at 3,350 GB/s.
    read_ms = (7_615_616_512 * 2 + 2048 * 57344) / 3350e9 * 1000
    assert entry["performance"]["intertoken_latency_ms"] == pytest.approx(read_ms, rel=1e-3)
    assert entry["performance"]["fits_in_memory"] is True
    assert entry["performance"]["compute_bound"] is False
    assert [row["gpu_name"] for row in entry["all_compatible_gpus"]] == ["NVIDIA H100 80GB"]
    parts = ("memory_weights_gb", "memory_kv_cache_gb", "memory_activations_gb")
    assert sum(entry["performance"][part] for part in parts) == pytest.approx(
        entry["performance"]["memory_required_gb"], abs=1e-3
    )
    reasons = {row["gpu_name"]: row["reason"] for row in entry["incompatible_gpus"]}
    assert "above the bound of 5" in reasons["NVIDIA A100 80GB"]
    assert "has 8.0" in reasons["small"]
    assert "Selected NVIDIA H100 80GB" in entry["reasoning"]


def test_what_fits_nowhere_is_an_entry_with_its_reason_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = [{"name": "deepseek-ai/DeepSeek-V3"}, {"name": "Qwen/Qwen2.5-7B-Instruct"}, {"name": "google-t5/t5-small"}]
    assert run(tmp_path, models, GPUS, "--precision", "fp8", "--batch-size", "2", "--sequence-length", "1024") == 1
    entries = json.loads(capsys.readouterr().out)["recommendations"]
    assert [entry["recommended_gpu"] for entry in entries] == [None, "NVIDIA H100 80GB", None]
    assert "No compatible GPU: deepseek-ai/DeepSeek-V3 needs" in entries[0]["reasoning"]
    assert "decoder" in entries[2]["reasoning"]


def test_without_a_gpu_file_the_catalogued_ones_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["recommend", "Qwen/Qwen2.5-7B-Instruct", "--policy", "config_recommender", "--data", str(small_published_set())]
    assert main([*command, "--output", str(tmp_path / "answer.json")]) == 0
    assert capsys.readouterr().out == ""
    assert len(json.loads((tmp_path / "answer.json").read_text())["recommendations"][0]["all_compatible_gpus"]) > 20
    assert main([*command, "--output", str(tmp_path / "answer.parquet")]) == 2
    capsys.readouterr()
    assert main([*command, "--objective", "cost", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    prices = [float(row["cost_per_hour"]) for row in rows if row["is_compatible"] == "true" and row["cost_per_hour"]]
    assert prices == sorted(prices)
    assert all(row["reason"] for row in rows if row["is_compatible"] == "false")


@pytest.mark.parametrize(
    ("models", "gpus", "said"),
    [
        ([], GPUS, "a list of objects"),
        ([{"name": "a/b", "num_layers": 0}], GPUS, "model 1: num_layers must be a whole number"),
        ([{"id": "x"}], GPUS, "no such field id"),
        ([{"name": ""}], GPUS, "name is missing"),
        ([{"name": "a/b"}], {"name": "x"}, "a list of objects"),
        ([{"name": "a/b"}], [{**GPUS[0], "memory_gb": "80"}], "GPU 1: memory_gb must be a positive number"),
        ([{"name": "a/b"}], [{**GPUS[0], "memory_gb": -1}], "memory_gb must be a positive number"),
        ([{"name": "a/b"}], [GPUS[0], GPUS[0]], "GPU: two are called"),
        ([{"name": "a/b"}], [{"name": "x"}], "memory_gb must be"),
    ],
)
def test_a_file_that_is_none_is_bad_input(
    tmp_path: Path, models: object, gpus: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, models, gpus) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_its_options_belong_to_its_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "a/b", "--latency-bound", "5"]) == 2
    assert "--latency-bound needs --policy config_recommender" in capsys.readouterr().err
    assert main(["recommend", "a/b", "--policy", "config_recommender", "--users", "5", "--spot"]) == 2
    assert "--users, --spot are no conditions of --policy config_recommender" in capsys.readouterr().err


def test_the_same_from_python_with_the_tool_s_own_names() -> None:
    gpus = [GPUSpec(**gpu) for gpu in GPUS]
    recommender = GPURecommender(data=small_published_set())
    result = recommender.recommend_gpu(ModelArchitecture(name="Qwen/Qwen2.5-7B-Instruct"), gpus)
    assert result.recommended_gpu == "NVIDIA H100 80GB"
    assert result.performance.latency_ms_per_token == pytest.approx(1000 / result.performance.tokens_per_second, rel=1e-3)
    assert [row["gpu_name"] for row in result.all_compatible_gpus] == ["NVIDIA H100 80GB", "NVIDIA A100 80GB"]
    cheapest = GPURecommender(objective="cost", data=small_published_set())
    assert cheapest.recommend_gpu(ModelArchitecture("Qwen/Qwen2.5-7B-Instruct"), gpus).recommended_gpu == "NVIDIA A100 80GB"
    with pytest.raises(RecommenderFileError, match="no objective best"):
        GPURecommender(objective="best").recommend_gpu(ModelArchitecture("a/b"), gpus)


def test_what_is_stated_of_a_model_takes_the_place_of_what_its_files_say() -> None:
    """Llama-2-7B by its sizes alone, at 4,096 tokens; and Qwen2.5-7B with a KV head for each of its 28 heads."""
    stated = {"num_parameters": 7.0, "num_layers": 32, "hidden_size": 4096, "num_attention_heads": 32}
    models = [
        ModelArchitecture("nowhere-7b", **stated, max_sequence_length=4096),
        ModelArchitecture("Qwen/Qwen2.5-7B-Instruct", num_kv_heads=28),
    ]
    whole, other = GPURecommender(data=small_published_set()).recommend_for_models(models, [GPUSpec(**GPUS[1])])
    assert whole.performance.memory_weights_gb == 14.0
    assert whole.performance.memory_kv_cache_gb == pytest.approx(2 * 2 * 32 * 4096 * 4096 / 1e9, abs=1e-4)
    assert whole.performance.memory_activations_gb == pytest.approx(2 * 4096 * 4096 * 2 / 1e9, abs=1e-4)
    assert other.performance.memory_kv_cache_gb == pytest.approx(2 * 2 * 28 * 28 * 128 * 2048 / 1e9, abs=1e-4)
    longer = GPURecommender(sequence_length=8192, batch_size=2, data=small_published_set()).recommend_gpu(models[0])
    assert longer.performance.memory_kv_cache_gb == pytest.approx(4 * whole.performance.memory_kv_cache_gb, rel=1e-3)
    assert longer.performance.memory_activations_gb == pytest.approx(4 * whole.performance.memory_activations_gb, rel=1e-2)


def test_a_rate_that_is_not_known_is_not_taken_for_infinite() -> None:
    card = GPUSpec(**GPUS[2] | {"memory_gb": 80})
    recommender = GPURecommender(precision="fp32", data=small_published_set())
    result = recommender.recommend_gpu(ModelArchitecture("Qwen/Qwen2.5-7B-Instruct"), [card])
    assert result.recommended_gpu is None
    assert "no GPU that holds it has a known rate in fp32" in result.reasoning
    assert result.incompatible_gpus[0]["fits_in_memory"] is True


GRANITE = {
    "architectures": ["GraniteForCausalLM"],
    "model_type": "granite",
    "hidden_size": 4096,
    "intermediate_size": 12800,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 49155,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
"""The sizes of granite-3.0-8b-base: 8,170,848,256 parameters."""


def granite() -> Repo:
    """The repository of granite-3.0-8b-base as far as the crawl reads it."""
    shapes = {"model.embed_tokens.weight": (49155, 4096), "model.norm.weight": (4096,)}
    for layer in range(40):
        block = f"model.layers.{layer}"
        shapes |= {f"{block}.self_attn.{name}_proj.weight": (4096, 4096) for name in "qo"}
        shapes |= {f"{block}.self_attn.{name}_proj.weight": (1024, 4096) for name in "kv"}
        shapes |= {f"{block}.mlp.{name}_proj.weight": (12800, 4096) for name in ("gate", "up")}
        shapes |= {f"{block}.mlp.down_proj.weight": (4096, 12800)}
        shapes |= {f"{block}.{name}_layernorm.weight": (4096,) for name in ("input", "post_attention")}
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    weights = VirtualFile(struct.pack("<Q", len(text)) + text, 8 + len(text) + end)
    return Repo({"config.json": json.dumps(GRANITE).encode(), "model.safetensors": weights})


def test_the_tool_s_own_sample_gives_true_numbers(serve: Callable[..., LoopbackHub], tmp_path: Path) -> None:
    """Its three models (one of them fetched from the Hub), its two GPUs, its latency bound of 10 ms."""
    names = ("mistralai/Mixtral-8x7B-v0.1", "Qwen/Qwen2.5-7B", "ibm-granite/granite-3.0-8b-base")
    (tmp_path / "models.json").write_text(json.dumps([{"name": name} for name in names]))
    (tmp_path / "gpus.json").write_text(json.dumps(GPUS[:2]))
    command = [
        "recommend",
        "--models",
        "models.json",
        "--gpus",
        "gpus.json",
        "--latency-bound",
        "10",
        "--policy",
        "config_recommender",
    ]
    code = f"import sys; from flows.cli import main; sys.exit(main({command!r}))"
    environment = {**os.environ, "HF_ENDPOINT": serve({names[2]: granite()}).url, "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert list(document) == ["recommendations"]
    mixtral, qwen, granite_entry = document["recommendations"]
    assert [entry["model_name"] for entry in document["recommendations"]] == list(names)
    for entry in (qwen, granite_entry):
        assert {"recommended_gpu", "performance", "reasoning", "all_compatible_gpus"} <= set(entry)
        structure = {"tokens_per_second", "intertoken_latency_ms", "memory_required_gb", "fits_in_memory", "compute_bound"}
        assert structure <= set(entry["performance"])
        assert entry["recommended_gpu"] == "NVIDIA H100 80GB"
        assert entry["performance"]["compute_bound"] is False
    # 46.70 B parameters of 2 bytes, of which no 80 GB card holds more than 40 B.
    assert mixtral["recommended_gpu"] is None
    assert "needs 93.7 GB in fp16" in mixtral["reasoning"]
    assert [gpu["reason"] for gpu in mixtral["incompatible_gpus"]] == ["needs 93.7 GB, has 80.0 GB"] * 2
    assert "Mixtral-8x7B-v0.1 needs 93.7 GB" in done.stderr
    weights, cache = 8_170_848_256 * 2, 2048 * 2 * 2 * 40 * 8 * 128
    assert granite_entry["performance"]["memory_weights_gb"] == pytest.approx(weights / 1e9, abs=1e-4)
    assert granite_entry["performance"]["intertoken_latency_ms"] == pytest.approx((weights + cache) / 3350e6, rel=1e-3)
    assert [gpu["gpu_name"] for gpu in granite_entry["all_compatible_gpus"]] == ["NVIDIA H100 80GB", "NVIDIA A100 80GB"]
