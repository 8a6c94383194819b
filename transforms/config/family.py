"""A family of models: the shape of its blocks and the defaults that its configs leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

QKV, OUTPUT, MLP, HEAD = "qkv", "output", "mlp", "head"
"""Parts of a model that may have biases: projections of queries, keys and values; of the attention's output; the feed-forward
part; the output head."""

_USUAL_BIAS_KEYS: dict[str, tuple[str, ...]] = {
    "attention_bias": (QKV, OUTPUT),
    "qkv_bias": (QKV,),
    "mlp_bias": (MLP,),
    "use_bias": (QKV, OUTPUT, MLP),
    "bias": (QKV, OUTPUT, MLP),
}


@dataclass(frozen=True)
class Family:
    """The layers of a family where the config does not describe them. A config's own keys win, headers win over both.

    Args:
        mlp: gated (three matrices) or plain (two).
        bias: parts that have biases unless a key says otherwise.
        bias_keys: keys of a config that say of parts whether they have biases.
        norm: rms, layer (weight and bias) or none.
        norms: norms of a layer.
        qk_norm: "", head (weights for one head's width), full (for all heads) or layer (per head, weight and bias).
        tied: whether the output head is the embedding.
        window: which layers have one: keys (those that layer_types or a pattern name), all, even, pattern (all but every
            n-th), chunked, qwen (from max_window_layers on).
        positions: rows of a learned position table beyond the context, None where there is no such table.
        defaults: values of features (`transforms.config.config_fields.SYNONYMS`) and of keys.
    """

    mlp: str = "gated"
    bias: tuple[str, ...] = ()
    bias_keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _USUAL_BIAS_KEYS)
    norm: str = "rms"
    norms: int = 2
    qk_norm: str = ""
    tied: bool = False
    window: str = "keys"
    positions: int | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
