"""Tables of what was crawled and extracted: models, their architectures, and the files these were read from."""

from __future__ import annotations

from transforms.tables.fields import QUANTIZABLE_GROUPS, TENSOR_GROUPS
from transforms.tables.table import table

NOT_READ = "publicly known figures, not read from a file"
"""The source of bundled facts that no config stands behind."""

_PARAMETERS = " ".join(f"parameters_{group}" for group in TENSOR_GROUPS)
_BYTES = " ".join(f"bytes_{group}" for group in TENSOR_GROUPS)
_LINEAR = " ".join(f"linear_parameters_{group}" for group in QUANTIZABLE_GROUPS)

FACTS = (
    table(
        "models",
        "one model id and the architecture it has",
        """model_id sha? architecture_key author? license? gated? downloads? likes? last_modified? pipeline_tag? base_model?
        base_model_relation? needs_remote_code? source id_inferred fetched_at""",
        "model_id",
        exported=True,
        never_empty=True,
    ),
    table(
        "architectures",
        "one distinct architecture: everything that the estimates need to know of a model",
        f"""architecture_key architecture_class? model_type sizes_source feature_sources parameters_total parameters_text
        parameters_active weights_bytes loaded_weights_bytes {_PARAMETERS} {_BYTES} {_LINEAR}
        parameters_attention_replicated parameters_kv_projection checkpoint_dtype tied_embeddings quantization_method
        quantization_bits? quantization_group_size? quantization_activations? quantization_format? quantization_ignored
        kv_cache_scheme? attention_type layers attention_layers moe_layers linear_layers mla_layers hidden_size
        intermediate_size moe_intermediate_size? vocab_size attention_heads? kv_heads? head_dim? value_head_dim?
        kv_lora_rank? qk_rope_head_dim? experts experts_per_token max_position_embeddings max_model_len_default
        max_model_len_limit rotary_values kv_bytes_per_token kv_bytes_per_token_unbounded state_bytes_per_sequence
        flops_per_token""",
        "architecture_key",
        exported=True,
        never_empty=True,
    ),
    table(
        "parameter_groups",
        "the tensors of one architecture in one tensor group and stored dtype",
        "architecture_key tensor_group dtype logical_parameters linear_parameters stored_bytes loaded_bytes",
        "architecture_key tensor_group dtype",
        exported=True,
    ),
    table(
        "layer_groups",
        "the layers of one architecture that cache alike",
        """architecture_key layer_group kind layers attention_heads? kv_heads? head_dim? value_head_dim?
        kv_bytes_per_token_per_layer window_tokens? state_bytes_per_sequence_per_layer shards_with_tp
        decode_flops_per_context_token_per_layer prefill_flops_per_context_token_per_layer""",
        "architecture_key layer_group",
        exported=True,
    ),
    table(
        "rejects",
        "one model that has no estimate, and why",
        "model_id code message fetched_at",
        "model_id",
        exported=True,
    ),
)
"""Published of the models that were asked for."""

LAKE = (
    table(
        "hub_files",
        """one model as the crawl fetched it: listing metadata, and the names of its config and headers in hub_texts; replayable
        without a network""",
        """model_id sha? status message? author? license? gated? private? disabled? downloads? likes? last_modified? pipeline_tag?
        base_model? tags? files? safetensors_totals? config_hash? quantization_hash? header_hash? config_key?
        headers_of? source fetched_at read_at""",
        "model_id",
    ),
    table(
        "hub_texts",
        "one distinct text that the crawl fetched: a config, or headers summed up",
        "text_hash text",
        "text_hash",
    ),
    table(
        "extractions",
        "the last extraction of one model's files: its architecture or its reject",
        "model_id read_at extractor architecture_key? sizes_source? needs_remote_code? represents code? message?",
        "model_id",
    ),
    table(
        "snapshot_sources",
        f"""where the bundled facts of one model were read, and when: an address, with what else is to be known of it; or
        "{NOT_READ}", where no copy of the config was found""",
        "model_id source as_of",
        "model_id",
    ),
)
"""Kept of a crawl and an extraction for the next."""
