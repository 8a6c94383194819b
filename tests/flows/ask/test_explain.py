"""`shapefit explain`: what a model weighs, caches, computes and splits into, and how that is known."""

from __future__ import annotations

import json

import pytest
from published_set import small_published_set

from flows.cli import main

pytestmark = pytest.mark.slow(2)


def explained(capsys: pytest.CaptureFixture[str], model: str) -> dict[str, dict[str, object]]:
    assert main(["explain", model, "--format", "json", "--data", str(small_published_set())]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_dense_model_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    story = explained(capsys, "Qwen/Qwen2.5-7B-Instruct")
    weights, cache = story["weights"], story["cache"]
    assert weights["parameters_total"] == 7_615_616_512
    assert sum(group["logical_parameters"] for group in weights["groups"]) == weights["parameters_total"]
    assert sum(group["loaded_bytes"] for group in weights["groups"]) == weights["loaded_weights_bytes"]
    assert cache["kv_bytes_per_token"] == 28 * 2 * 4 * 128 * 2
    splits = {row["tp"]: row for row in story["splits"]}
    assert splits[4]["accepted"] and not splits[8]["accepted"]
    assert "28 attention heads" in splits[8]["reason"]
    assert splits[4]["weights_gib_per_gpu"] < splits[1]["weights_gib_per_gpu"] / 3
    assert story["sources"]["layers"] == "config"


def test_a_latent_cache_is_not_divided_and_experts_are_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    story = explained(capsys, "deepseek-ai/DeepSeek-V3")
    assert story["cache"]["attention_type"] == "MLA"
    assert story["cache"]["kv_bytes_per_token"] == 61 * (512 + 64) * 2
    assert [group["shards_with_tp"] for group in story["cache"]["groups"]] == [False]
    assert story["weights"]["parameters_active"] < story["weights"]["parameters_total"] / 15


@pytest.mark.parametrize("form", [None, "markdown", "csv"])
def test_people_read_it_in_sections(form: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["--format", form] if form else []
    assert main(["explain", "google/gemma-3-27b-it", *tokens, "--data", str(small_published_set())]) == 0
    out = capsys.readouterr().out
    assert "1024" in out or "1,024" in out  # the sliding window
    for word in ("Weights", "Cache", "Compute", "Splits", "How we know") if form != "csv" else ("weights", "cache", "splits"):
        assert word in out


def test_a_refused_model_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "google-t5/t5-small", "--data", str(small_published_set())]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "encoder-decoder" in err
