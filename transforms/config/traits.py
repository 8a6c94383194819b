"""Peculiarities of single model types that no key of their configs states: one row each, with the types that have it.

A table, not code: whatever a rule asks of a model type by name is asked here, through `Fields.has`. Which kind of layer a type
has where its config does not say is known by the kind itself (`transforms/layers/attention`, `transforms/layers/states`).
"""

from __future__ import annotations

from collections.abc import Sequence

TRAITS: dict[str, tuple[str, ...]] = {
    # The feed-forward part.
    "feed_forward_is_four_times_the_width": (
        "gpt2",
        "gpt_bigcode",
        "gptj",
        "gpt_neo",
        "bloom",
        "falcon",
        "codegen",
        "RefinedWeb",
        "RefinedWebModel",
        "opt",
        "rwkv",
    ),
    "no_feed_forward": ("mamba", "mamba2", "falcon_mamba", "codestral_mamba", "mamba_ssm"),
    "words_name_the_only_part": ("nemotron_h",),  # layers_block_type: a layer is attention, state space, mlp or experts
    "width_is_adjusted_to_a_multiple": ("lfm2", "lfm2_vl"),
    "shared_experts_are_gated": ("qwen2_moe*", "qwen3_next*", "qwen3_5*"),
    "shared_width_is_of_one_expert": ("nemotron_h",),
    # Attention.
    "one_kv_head_unless_stated": ("falcon", "RefinedWeb", "RefinedWebModel"),
    "norm_for_every_head": ("cohere*",),  # use_qk_norm means weights for all heads, not for one head's width
    "layers_without_cache_store_keys": ("gemma3n*",),
    "attention_block_is_shared": ("zamba", "zamba2"),
    # Positions.
    "windowed_layers_turn_unscaled": ("gemma3*",),  # at a base frequency of their own
    "declares_the_stretched_context": ("gemma3*",),  # although the scaling is linear (vllm/config/model.py)
    # State blocks.
    "state_heads_under_the_keys_of_attention": ("mamba2",),
    "four_input_projections": ("qwen3_5*",),
    "inner_width_is_heads_times_width": ("nemotron_h",),
    # Tensors that only one family has.
    "per_layer_inputs": ("gemma3n*", "gemma4*"),
    "alternating_updates": ("gemma3n*",),
    "shared_blocks_with_adapters": ("zamba2",),
    "shared_block_of_twice_the_width": ("zamba",),
    "projected_embedding": ("opt",),
    "residual_feed_forward": ("arctic",),
}
"""Model types by trait; a name that ends in * stands for every type that begins so."""


def is_one_of(model_type: str, names: Sequence[str]) -> bool:
    """True when a model type is among the names; a name that ends in * stands for every type that begins so."""
    return any(model_type.startswith(name[:-1]) if name.endswith("*") else model_type == name for name in names)
