"""`recommend --policy config_recommender`: the tool's own files in, its own report out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_set import small_published_set

from flows.cli import main

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
    assert [row["gpu"] for row in entry["all_compatible_gpus"]] == ["NVIDIA H100 80GB"]
    reasons = {row["gpu"]: row["reason"] for row in entry["incompatible_gpus"]}
    assert "above the bound of 5" in reasons["NVIDIA A100 80GB"]
    assert "has 8.0" in reasons["small"]
    assert "Selected NVIDIA H100 80GB" in entry["reasoning"]


def test_what_fits_nowhere_is_an_entry_with_its_reason_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = [{"name": "deepseek-ai/DeepSeek-V3"}, {"name": "Qwen/Qwen2.5-7B-Instruct"}, {"name": "google-t5/t5-small"}]
    assert run(tmp_path, models, GPUS, "--precision", "fp8", "--batch-size", "2", "--sequence-length", "1024") == 1
    entries = json.loads(capsys.readouterr().out)["recommendations"]
    assert [entry["recommended_gpu"] for entry in entries] == [None, "NVIDIA H100 80GB", None]
    assert "No GPU" in entries[0]["reasoning"]
    assert "decoder" in entries[2]["reasoning"]


def test_without_a_gpu_file_the_catalogued_ones_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["recommend", "Qwen/Qwen2.5-7B-Instruct", "--policy", "config_recommender", "--data", str(small_published_set())]
    assert main([*command, "--output", str(tmp_path / "answer.json")]) == 0
    assert capsys.readouterr().out == ""
    assert len(json.loads((tmp_path / "answer.json").read_text())["recommendations"][0]["all_compatible_gpus"]) > 20
    assert main([*command, "--output", str(tmp_path / "answer.csv")]) == 2


@pytest.mark.parametrize(
    ("models", "gpus", "said"),
    [
        ([], GPUS, "a list of objects"),
        ([{"id": "x"}], GPUS, "no such field id"),
        ([{"name": ""}], GPUS, "name is missing"),
        ([{"name": "a/b"}], {"name": "x"}, "a list of objects"),
        ([{"name": "a/b"}], [{**GPUS[0], "memory_gb": "80"}], "GPU 1: memory_gb must be a positive number"),
        ([{"name": "a/b"}], [{**GPUS[0], "memory_gb": -1}], "memory_gb must be a positive number"),
        ([{"name": "a/b"}], [GPUS[0], GPUS[0]], "two GPUs are called"),
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
