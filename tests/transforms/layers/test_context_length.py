"""The context that a model declares where its config is nested or names none, and what an engine makes of it."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, architecture, refused

from transforms.architecture.architecture import architecture_key

TEXT = {key: value for key, value in LLAMA.items() if key != "max_position_embeddings"}


def test_the_outer_config_may_declare_the_context() -> None:
    nested = {
        "architectures": ["NewForConditionalGeneration"],
        "model_type": "some_vl",
        "text_config": {**TEXT, "model_type": "olmo2"},
    }
    assert architecture({**nested, "max_sequence_length": 2048})["max_position_embeddings"] == 2048
    assert architecture({**nested, "max_position_embeddings": 512})["max_position_embeddings"] == 512
    assert "max_position_embeddings" in refused(nested).message


def test_gemma_3_declares_the_stretched_context_although_it_scales() -> None:
    config = {**LLAMA, "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window": 8}
    assert architecture({**config, "model_type": "gemma3_text"})["max_model_len_default"] == 1024
    assert architecture(config)["max_model_len_default"] == 8192
    yarn = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 512}
    assert architecture({**config, "model_type": "gemma3_text", "rope_scaling": yarn})["max_model_len_default"] == 4096


def test_model_max_length_wins_over_every_other_length() -> None:
    config = {**LLAMA, "model_type": "cohere", "max_position_embeddings": 8192, "model_max_length": 131072}
    row = architecture(config)
    assert (row["max_position_embeddings"], row["max_model_len_default"], row["max_model_len_limit"]) == (8192, 131072, 131072)
    assert architecture({**config, "model_max_length": 2048})["max_model_len_limit"] == 2048
    assert architecture({**config, "model_max_length": None})["max_model_len_default"] == 8192


def test_the_least_of_several_lengths_decides() -> None:
    row = architecture({**LLAMA, "max_position_embeddings": 32768, "seq_length": 8192})
    assert (row["max_position_embeddings"], row["max_model_len_default"]) == (32768, 8192)


@pytest.mark.parametrize("kind", ["longrope", "su"])
def test_longrope_starts_at_the_trained_length_and_takes_the_declared_one(kind: str) -> None:
    scaling = {"type": kind, "short_factor": [1.0], "long_factor": [4.0]}
    config = {**LLAMA, "max_position_embeddings": 16384, "rope_scaling": scaling}
    trained = architecture({**config, "original_max_position_embeddings": 2048})
    assert (trained["max_model_len_default"], trained["max_model_len_limit"]) == (2048, 16384)
    beside = architecture({**config, "rope_scaling": {**scaling, "original_max_position_embeddings": 2048}})
    assert (beside["max_model_len_default"], beside["max_model_len_limit"]) == (16384, 16384)


def test_a_limit_that_says_nothing_new_makes_no_new_key() -> None:
    extracted_row = architecture(LLAMA)
    assert extracted_row["max_model_len_limit"] == extracted_row["max_model_len_default"]
    without = {column: value for column, value in extracted_row.items() if column != "max_model_len_limit"}
    assert architecture_key(extracted_row, [], []) == architecture_key(without, [], [])
    assert architecture_key({**extracted_row, "max_model_len_limit": 2**20}, [], []) != architecture_key(without, [], [])


def test_a_model_without_a_growing_cache_has_the_longest_published_context() -> None:
    mamba = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 256}
    assert architecture(mamba)["max_position_embeddings"] == 2**20
