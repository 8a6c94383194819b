"""What stored shapes say of a model, and when they contradict its config."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, architecture, llama_header, refused

Rows = list[tuple[str, str, tuple[int, ...]]]
UNKNOWN = {**LLAMA, "model_type": "never_seen"}


def reshaped(part: str, shape: tuple[int, ...]) -> Rows:
    """The header of LLAMA with another shape for the tensors whose names hold this part."""
    return [(name, dtype, shape if part in name else old) for name, dtype, old in llama_header()]


def test_a_config_without_layers_has_those_that_are_stored() -> None:
    config = {key: value for key, value in LLAMA.items() if key != "num_hidden_layers"}
    assert architecture(config, llama_header(layers=3))["layers"] == 3
    assert "num_hidden_layers" in refused(config, [("model.embed_tokens.weight", "BF16", (256, 64))]).message


def test_the_embedding_gives_vocabulary_and_width() -> None:
    config = {key: value for key, value in LLAMA.items() if key not in ("vocab_size", "hidden_size")}
    row = architecture(config, llama_header())
    assert (row["vocab_size"], row["hidden_size"]) == (256, 64)
    padded = architecture({**LLAMA, "vocab_size": 250}, llama_header())
    assert padded["vocab_size"] == 256


def test_an_embedding_of_another_width_is_not_believed() -> None:
    row = architecture({**LLAMA, "hidden_size": 32, "head_dim": 8}, llama_header())
    assert row["hidden_size"] == 32


@pytest.mark.parametrize(
    ("more", "rows", "kv_heads", "head_dim"),
    [
        ({}, llama_header(kv_rows=32), 4, 8),
        ({"head_dim": 16}, llama_header(kv_rows=32), 4, 8),  # 64 rows are no 8 heads of 16
        ({}, llama_header(kv_rows=20), 2, 8),  # no whole number of heads
        ({"num_key_value_heads": None}, llama_header(kv_rows=64), 8, 8),
        ({"num_key_value_heads": None}, llama_header(kv_rows=8), 1, 8),
        ({"num_key_value_heads": [2, 2]}, llama_header(kv_rows=32), 2, 8),
        ({"attn_output_gate": True}, llama_header(kv_rows=32), 2, 8),
        ({"num_attention_heads": [8, 8]}, llama_header(kv_rows=32), 2, 8),
        ({"head_dim": 8}, reshaped("q_proj", (128, 64)), 2, 8),  # queries and a gate
        ({}, reshaped("q_proj", (60, 64)), 2, 8),
    ],
)
def test_projections_give_the_heads(more: dict[str, object], rows: Rows, kv_heads: int, head_dim: int) -> None:
    row = architecture({**LLAMA, **more}, rows)
    assert (row["kv_heads"], row["head_dim"]) == (kv_heads, head_dim)


def test_projections_that_differ_between_layers_say_nothing() -> None:
    rows = [row for row in llama_header() if "layers.1.self_attn.k_proj" not in row[0]]
    rows.append(("model.layers.1.self_attn.k_proj.weight", "BF16", (32, 64)))
    assert architecture(LLAMA, rows)["kv_heads"] == 2


@pytest.mark.parametrize("more", [{}, {"sliding_window": 8, "layer_types": ["sliding", "full"]}])
def test_an_unknown_type_is_believed_when_its_keys_are_as_wide_as_stored(more: dict[str, object]) -> None:
    row = architecture({**UNKNOWN, **more}, llama_header())
    assert '"kv_heads_check": "header"' in str(row["feature_sources"])


def test_an_unknown_type_is_believed_when_its_parameters_are_as_many_as_stored() -> None:
    fused = [row for row in llama_header() if ".k_proj" not in row[0] and ".v_proj" not in row[0] and ".q_proj" not in row[0]]
    fused += [(f"model.layers.{layer}.self_attn.qkv_proj.weight", "BF16", (96, 64)) for layer in range(2)]
    assert architecture(UNKNOWN, fused)["sizes_source"] == "header"


def test_an_unknown_type_that_describes_other_tensors_is_refused() -> None:
    rows = [row for row in llama_header() if ".k_proj" not in row[0]]
    rows.append(("model.layers.0.self_attn.mystery.weight", "BF16", (2000, 64)))
    refusal = refused(UNKNOWN, rows)
    assert refusal.code == "missing_field"
    assert "where the headers hold" in refusal.message
    assert architecture(LLAMA, rows)["layers"] == 2  # a known type is not asked
