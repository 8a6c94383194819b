"""Layers → groups that cache alike: bytes per token, windows, state per sequence, and attention's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from transforms.config.config_fields import Fields
from transforms.layers.attention.sparse_latent import SPARSE_INDEX
from transforms.layers.layer import Layer, LayerGroup


class CountedGroup(NamedTuple):
    """A group and how many layers have it."""

    group: LayerGroup
    layers: int

    @property
    def holds_tokens(self) -> bool:
        """True when keys and values are cached for every token (an index over them is not counted)."""
        return self.group.kv_bytes > 0 and self.group.kind != SPARSE_INDEX

    @property
    def kv_bytes_per_token(self) -> int:
        """Cache of one token over the group's layers, in bytes."""
        return self.group.kv_bytes * self.layers

    def row(self, number: int) -> dict[str, object]:
        """The group as a row of `layer_groups` without its key."""
        group = self.group
        return {
            "layer_group": number,
            "kind": group.kind,
            "layers": self.layers,
            "attention_heads": group.attention_heads,
            "kv_heads": group.kv_heads,
            "head_dim": group.head_dim,
            "value_head_dim": group.value_head_dim,
            "kv_bytes_per_token_per_layer": group.kv_bytes,
            "window_tokens": group.window,
            "state_bytes_per_sequence_per_layer": group.state_bytes,
            "shards_with_tp": group.shards,
            "decode_flops_per_context_token_per_layer": group.decode_flops,
            "prefill_flops_per_context_token_per_layer": group.prefill_flops,
        }


def layer_groups(layers: Sequence[Layer], fields: Fields) -> list[CountedGroup]:
    """The groups of all layers, by place and then in the order in which they first occur. Raises FieldError."""
    groups_of = {layer: layer.kind.groups(layer, fields) for layer in dict.fromkeys(layers)}
    counts: dict[LayerGroup, int] = {}
    for layer in layers:
        for group in groups_of[layer]:
            counts[group] = counts.get(group, 0) + 1
    counted = [CountedGroup(group, count) for group, count in counts.items()]
    return sorted(counted, key=lambda counted: counted.group.place)


def caching_layers(layers: Sequence[Layer], fields: Fields) -> int:
    """Layers that cache keys and values."""
    caches = {layer: any(part.holds_tokens for part in layer_groups([layer], fields)) for layer in dict.fromkeys(layers)}
    return sum(caches[layer] for layer in layers)
