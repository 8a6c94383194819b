"""One key for equal architectures, another for every fact that an estimate rests on."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, architecture, extracted, files_of, llama_header

from transforms.architecture.architecture import architecture_key
from transforms.architecture.extract_models import extract_records
from transforms.tables.contracts import conform


def key(config: object, rows: object = None) -> object:
    return architecture(config, rows)["architecture_key"]


def test_names_and_provenance_are_not_in_the_key() -> None:
    renamed = {
        **LLAMA,
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "_name_or_path": "x",
        "rms_norm_eps": 1e-5,
    }
    assert key(LLAMA) == key(renamed)
    assert key(LLAMA) == key(LLAMA, llama_header())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_size", 128), ("num_hidden_layers", 3), ("num_attention_heads", 4), ("num_key_value_heads", 1),
        ("intermediate_size", 256), ("vocab_size", 512), ("max_position_embeddings", 2048), ("tie_word_embeddings", True),
        ("torch_dtype", "float32"), ("head_dim", 16), ("attention_bias", True), ("rope_scaling", {"type": "linear",
        "factor": 2.0}),
        ("quantization_config", {"quant_method": "fp8", "activation_scheme": "dynamic"}),
        ("layer_types", ["full_attention", "linear_attention"]),
    ],
)  # fmt: skip
def test_every_estimated_from_field_changes_the_key(field: str, value: object) -> None:
    assert key(LLAMA) != key({**LLAMA, field: value})


def test_a_window_changes_the_key() -> None:
    mistral = {**LLAMA, "model_type": "mistral"}
    keys = {key({**mistral, "sliding_window": window}) for window in (None, 256, 512)}
    assert len(keys) == 3


def test_frames_keep_one_row_per_architecture_and_prefer_headers() -> None:
    records = [
        files_of(LLAMA, model_id="a/derived"),
        files_of(LLAMA, llama_header(), model_id="b/stored"),
        files_of(LLAMA, model_id="c/derived"),
        files_of({}, model_id="d/none"),
        files_of(LLAMA, model_id="e/gated", status="gated", message="ask for access"),
    ]
    tables = extract_records(records)
    for name in ("architectures", "parameter_groups", "layer_groups", "models", "rejects"):
        conform(name, getattr(tables, name))
    assert tables.architectures.select("sizes_source", "architecture_key").rows() == [("header", key(LLAMA))]
    assert tables.models["model_id"].to_list() == ["a/derived", "b/stored", "c/derived"]
    assert tables.models["architecture_key"].n_unique() == 1
    assert dict(tables.rejects.select("model_id", "code").rows()) == {"d/none": "missing_field", "e/gated": "gated"}


def test_the_key_of_rows_is_the_key_that_extraction_gave_them() -> None:
    result = extracted({**LLAMA, "layer_types": ["full_attention", "linear_attention"]})
    parts, groups = ([{**row} for row in rows] for rows in (result.parameter_groups, result.layer_groups))
    for row in (*parts, *groups):
        row.pop("architecture_key")
    assert architecture_key(result.architecture, parts, groups) == result.architecture["architecture_key"]
    assert architecture_key(result.architecture, parts, []) != result.architecture["architecture_key"]


def test_an_empty_lake_gives_empty_tables() -> None:
    tables = extract_records([])
    assert tables.architectures.is_empty() and tables.rejects.is_empty()
