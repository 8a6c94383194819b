"""The listed repositories that publish a model in another precision."""

from __future__ import annotations

import polars as pl

from flows.lake.catalogs import load_catalogs
from flows.lake.model_lists import read_model_lists
from flows.lake.snapshot import read_snapshot
from transforms.catalogs.model_list import is_model_id

LISTED = load_catalogs()["known_checkpoints"]


def test_each_is_of_a_listed_model_and_no_model_is_its_own_checkpoint() -> None:
    assert LISTED.height > 150
    assert set(LISTED["model_id"]) <= set(read_model_lists([]).ids)
    assert all(map(is_model_id, LISTED["checkpoint"]))
    assert LISTED.filter(pl.col("model_id") == pl.col("checkpoint")).is_empty()


def test_a_precision_is_one_that_needs_a_checkpoint() -> None:
    assert set(LISTED["quantization"]) == {"fp8", "fp8_block", "int8", "nvfp4", "awq-4bit", "gptq-4bit", "w4a16", "bnb-4bit"}


def test_a_checkpoint_has_the_dimensions_of_its_model() -> None:
    """Of those whose facts are bundled: quantizing changes no layer, no head and no width."""
    facts = read_snapshot()
    sized = (
        facts["models"]
        .join(facts["architectures"], on="architecture_key")
        .select("model_id", "layers", "hidden_size", "kv_heads")
    )
    both = LISTED.join(sized, on="model_id").join(sized, left_on="checkpoint", right_on="model_id", suffix="_of_checkpoint")
    assert both.height >= 15
    for column in ("layers", "hidden_size", "kv_heads"):
        other = both.filter(pl.col(column).ne_missing(pl.col(f"{column}_of_checkpoint")))
        assert other.select("model_id", "checkpoint", column).rows() == []


def test_each_names_a_public_file() -> None:
    assert LISTED["source"].str.starts_with("https://").all()
    assert LISTED["as_of"].null_count() == 0
