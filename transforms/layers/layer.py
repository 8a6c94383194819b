"""One layer of a language model, as its config describes it."""

from __future__ import annotations

from dataclasses import dataclass

STATE_KINDS = frozenset({"mamba", "linear", "short_convolution", "hybrid"})


@dataclass(frozen=True)
class Layer:
    """One layer. `kind`: full, sliding, chunked, latent, mamba, linear, short_convolution, hybrid, shared or none.

    `mlp`: dense, moe, both (a dense part beside the experts) or none; `indexed`: whether a sparse index is kept.
    """

    kind: str
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_head_dim: int = 0
    window: int | None = None
    mlp: str = "dense"
    intermediate: int = 0
    experts: int = 0
    indexed: bool = False
