"""A config's values under whichever names its family uses, with the source of each.

The table of synonyms is data: the first key present in the language model's config, then in its nested parts, then among
the model class's own defaults, decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from transforms.config.traits import TRAITS, is_one_of

TEXT_CONFIGS: tuple[str, ...] = (
    "text_config", "llm_config", "language_config", "llm_cfg", "text_cfg", "language_model_config", "thinker_config",
    "decoder_config",
    "text_model_config", "llm", "base_lm_config",
)  # fmt: skip
"""Keys under which multimodal configs nest their language model's config."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "n_embd", "d_model", "model_dim", "dim", "n_embed", "hidden_dim"),
    "layers": (
        "num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_transformer_layers", "num_decoder_layers", "depth",
    ),
    "attention_heads": (
        "num_attention_heads", "n_head", "n_heads", "num_heads", "num_query_heads", "num_attn_heads", "attention_heads",
    ),
    "kv_heads": (
        "num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads", "attn_config.kv_n_heads", "multi_query_group_num",
        "num_attention_groups", "num_query_groups", "n_kv_head",
    ),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels", "attention_dim_per_head", "size_per_head"),
    "value_head_dim": ("v_head_dim", "value_head_dim"),
    "intermediate_size": (
        "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "ffn_config.ffn_hidden_size", "mlp_hidden_size",
        "feed_forward_size", "d_ff", "inner_hidden_size", "block_ff_dim", "ff_intermediate_size", "ffn_intermediate_size",
        "intermediate_dim",
    ),
    "vocab_size": ("vocab_size", "padded_vocab_size", "n_vocab"),
    "max_position_embeddings": (
        "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length", "model_max_length",
        "max_context_length", "max_seq_length", "n_ctx", "max_length_of_sequence", "context_length", "seq_len",
    ),
    "experts": (
        "num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts", "ffn_config.moe_num_experts", "n_experts",
        "num_routed_experts", "moe_config.num_experts",
    ),
    "experts_per_token": (
        "num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k_experts", "experts_per_token",
        "ffn_config.moe_top_k", "num_selected_experts", "num_experts_per_topk", "expert_top_k", "moe_num_active_experts",
        "n_activated_experts",
    ),
    "moe_intermediate_size": (
        "moe_intermediate_size", "expert_intermediate_size", "moe_ffn_hidden_size", "expert_ffn_hidden_size",
        "expert_hidden_size",
        "moe_hidden_size", "expert_dim", "moe_intermediate_dim",
    ),
    "shared_experts": (
        "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts", "n_shared_expert",
    ),
    "shared_intermediate_size": (
        "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size",
        "intermediate_size_shared", "share_expert_dim", "moe_shared_intermediate_size", "shared_expert_dim",
    ),
    "dense_layers_first": ("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index", "n_dense_layers",
    "dense_layers"),
    "sliding_window": ("sliding_window", "sliding_window_size", "window_size", "attention_window", "local_attention_window_size"),
    "mtp_layers": ("num_nextn_predict_layers", "num_mtp_modules", "mtp_num_hidden_layers", "mtp_num_layers", "num_mtp_layers"),
    "kv_lora_rank": ("kv_lora_rank", "mla_kv_lora_rank"),
    "q_lora_rank": ("q_lora_rank",),
    "state_size": ("ssm_state_size", "mamba_d_state", "state_size", "d_state"),
    "conv_kernel": ("conv_kernel", "mamba_d_conv", "d_conv", "conv_kernel_size", "conv1d_width"),
    "state_heads": ("mamba_num_heads", "mamba_n_heads", "n_mamba_heads", "num_ssm_heads"),
    "state_head_dim": ("mamba_head_dim", "mamba_d_head", "mamba_headdim", "ssm_head_dim"),
    "state_groups": ("n_groups", "mamba_n_groups", "mamba_ngroups", "ngroups", "ssm_groups"),
    "expand": ("mamba_expand", "expand"),
    "state_inner": ("mamba_d_ssm", "mamba_intermediate_size"),
}  # fmt: skip

LARGEST: dict[str, int] = {"layers": 2_000, "experts": 100_000}
"""Bounds on what is enumerated; real models have at most some 130 layers and 1,000 experts."""

_LARGEST_NUMBER = 2**31 - 1


class FieldError(ValueError):
    """A field that is missing, of the wrong type or absurd; `code` is the reject code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Fields:
    """A language model's config: the whole file, the part that describes the language model, and the class's defaults.

    `stored` holds what headers say, which wins over the config. `sources` collects, for each feature asked for, whether it
    came from the headers, the config or the defaults.
    """

    root: Mapping[str, object]
    text: Mapping[str, object]
    model_type: str
    architecture: str | None
    defaults: Mapping[str, object] = field(default_factory=dict)
    stored: Mapping[str, object] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    _found: dict[str, object] = field(default_factory=dict)

    def raw(self, key: str) -> object:
        """The value of one key of the language model's config ("a.b" looks into a nested object), None where absent."""
        if "." not in key:
            return self.text.get(key)
        value: object = self.text
        for part in key.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    def value(self, feature: str) -> object:
        """The first value of the feature's synonyms that is present and not null, else the class default, else None."""
        if feature in self._found:
            return self._found[feature]
        found = self._found[feature] = self._look_up(feature)
        return found

    def _look_up(self, feature: str) -> object:
        if feature in self.stored:
            self.sources[feature] = "header"
            return self.stored[feature]
        for key in SYNONYMS.get(feature, (feature,)):
            value = self.raw(key)
            if value is not None:
                self.sources.setdefault(feature, "config")
                return value
        if feature in self.defaults:
            self.sources.setdefault(feature, "model_type default")
            return self.defaults[feature]
        return None

    def integer(self, feature: str) -> int | None:
        """A whole number, None where absent. Raises FieldError when it is not a number or beyond any real model."""
        value = self.value(feature)
        if isinstance(value, list):
            numbers = [_whole(item) for item in value[: LARGEST["layers"]]]
            known = [number for number in numbers if number is not None]
            value = max(known) if known else None
        if value is None:
            return None
        number = _whole(value)
        if number is None:
            raise FieldError(
                "missing_field", f"{self._named(feature)} is {str(value)[:40]!r}, not a whole number; correct config.json"
            )
        if not 0 <= number <= LARGEST.get(feature, _LARGEST_NUMBER):
            raise FieldError(
                "over_bound", f"{self._named(feature)} is {str(value)[:40]}, beyond any real model; correct config.json"
            )
        return number

    def positive(self, feature: str) -> int | None:
        """A whole number of at least one; None where absent or zero."""
        return self.integer(feature) or None

    def require(self, feature: str) -> int:
        """A whole number of at least one. Raises FieldError naming the missing field."""
        number = self.positive(feature)
        if number is None:
            raise FieldError(
                "missing_field",
                f"config.json gives no {SYNONYMS.get(feature, (feature,))[0]}, on which the size of a "
                f"{self.model_type[:60] or 'model'} rests; use the whole config as it was published",
            )
        return number

    def per_layer(self, feature: str, layers: int) -> list[int] | None:
        """A list with one whole number per layer, where the config gives one; None otherwise."""
        value = self.value(feature)
        if not isinstance(value, list) or len(value) < layers:
            return None
        numbers = [_whole(item) for item in value[:layers]]
        if any(number is None or not 0 <= number <= _LARGEST_NUMBER for number in numbers):
            return None
        return [number for number in numbers if number is not None]

    def number(self, feature: str, absent: float) -> float:
        """A finite number, or the value for its absence."""
        value = self.value(feature)
        return float(value) if is_number(value) and abs(value) < 1e18 else absent

    def flag(self, feature: str, absent: bool = False) -> bool:
        """A truth value, or the value for its absence."""
        value = self.value(feature)
        return value if isinstance(value, bool) else absent

    def has(self, trait: str) -> bool:
        """True when the model type has a trait of `transforms.config.traits`."""
        return is_one_of(self.model_type, TRAITS[trait])

    def indexes(self, key: str) -> frozenset[int] | None:
        """The whole numbers of a list of layers, None where the config has no such list."""
        value = self.raw(key)
        return frozenset(item for item in value if isinstance(item, int)) if isinstance(value, list) else None

    def strings(self, feature: str) -> list[str] | None:
        """A list of words, None where absent or something else."""
        value = self.value(feature)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return value
        return None

    def _named(self, feature: str) -> str:
        for key in SYNONYMS.get(feature, (feature,)):
            if self.raw(key) is not None:
                return key
        return feature


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def is_number(value: object) -> TypeGuard[int | float]:
    """True for a number as JSON writes one; True and False are not numbers, although Python counts them as such."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def small_whole(value: object) -> int | None:
    """A value that is a whole number above zero and below 2³¹; else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_NUMBER else None


def positive_whole(value: object) -> int | None:
    """A value that is a whole number of positions as JSON writes one, above zero and below any absurd length; else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else None


def text_config(root: Mapping[str, object]) -> Mapping[str, object]:
    """The part of a config that describes the language model: the deepest nested one that gives sizes, else the whole.

    Values that a nested config leaves out and its parent states (vocabulary, tied head) are taken from the parent.
    """
    config = root
    for _ in range(3):
        nested = next((part for key in TEXT_CONFIGS if isinstance(part := config.get(key), Mapping) and part), None)
        if nested is None:
            break
        inherited = {
            key: config[key]
            for key in (
                "tie_word_embeddings",
                "vocab_size",
                "torch_dtype",
                "dtype",
                "quantization_config",
                "num_nextn_predict_layers",
            )
            if key in config and config[key] is not None and nested.get(key) is None
        }
        config = {**nested, **inherited}
    return config
