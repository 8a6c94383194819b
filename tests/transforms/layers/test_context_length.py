"""The context that a model declares where its config is nested or names none, and what an engine makes of it."""

from __future__ import annotations

from extraction_cases import LLAMA, architecture, refused

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


def test_a_model_without_a_growing_cache_has_the_longest_published_context() -> None:
    mamba = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 256}
    assert architecture(mamba)["max_position_embeddings"] == 2**20
