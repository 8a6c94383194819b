"""What stored shapes say of a model, and when they contradict its config."""

from __future__ import annotations

from collections.abc import Sequence

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


def test_a_checkpoint_without_tensors_has_no_weights() -> None:
    reject = refused(LLAMA, [])
    assert reject.code == "no_weights" and "hold no tensors" in reject.message
    assert refused(LLAMA, [("model.embed_tokens.weight", "BF16", (0, 64))]).code == "no_weights"


@pytest.mark.parametrize(
    ("layers", "stored", "named"),
    [
        (4, range(2), "2 of 4 layers (2, 3)"),
        (3, (0, 2), "1 of 3 layers (1)"),
        (12, range(2), "10 of 12 layers (2, 3, 4, 5, 6, …)"),
    ],
)
def test_layers_that_are_not_stored_are_named(layers: int, stored: Sequence[int], named: str) -> None:
    kept = {str(number) for number in stored}
    rows = [row for row in llama_header(layers=layers) if ".layers." not in row[0] or row[0].split(".")[2] in kept]
    reject = refused({**LLAMA, "num_hidden_layers": layers}, rows)
    assert reject.code == "incomplete_weights" and named in reject.message


def test_a_norm_alone_is_no_layer() -> None:
    rows = [row for row in llama_header(layers=2) if ".layers.1." not in row[0] or row[0].endswith("norm.weight")]
    assert "1 of 2 layers (1)" in refused(LLAMA, rows).message


def test_towers_heads_and_layers_that_do_nothing_need_no_weights() -> None:
    tower = [("vision_tower.layers.5.mlp.fc1.weight", "BF16", (8, 8)), ("model.layers.7.eh_proj.weight", "BF16", (8, 8))]
    assert architecture(LLAMA, llama_header() + tower)["layers"] == 2
    block = {"attention": {"n_heads_in_group": 2}, "ffn": {"intermediate_size": 128}}
    idle = {"attention": {"no_op": True}, "ffn": {"no_op": True}}
    searched = {**LLAMA, "model_type": "nemotron-nas", "num_hidden_layers": 3, "block_configs": [block, block, idle]}
    assert architecture(searched, llama_header(layers=2))["layers"] == 3


def test_tensors_without_numbers_are_believed() -> None:
    rows = [("model.embed_tokens.weight", "BF16", (256, 64)), ("model.stack.mlp.up_proj.weight", "BF16", (2, 128, 64))]
    assert architecture(LLAMA, rows)["parameters_dense_mlp"] == 2 * 128 * 64
