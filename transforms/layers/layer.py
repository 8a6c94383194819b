"""One layer of a language model, the interface of a kind of layer, and the groups of layers that cache alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.config.config_fields import Fields
from transforms.config.family import Family

CACHE_BYTES = 2
"""Bytes of a cached value: caches are counted at 16 bit."""
CONVOLUTION_BYTES = 2
"""Bytes of a value in a convolution's state, which is held in 16 bit over the kernel's width."""
RECURRENT_BYTES = 4
"""Bytes of a value in a recurrent state, which is held in 32 bit."""

Shape = tuple[str, tuple[int, ...]]
"""A tensor's name within its layer (or model) and its shape."""


class StateBlock(NamedTuple):
    """A state-space, linear-attention or convolution block: the bytes of state that one sequence keeps in it, its tensors."""

    state_bytes: int
    tensors: tuple[Shape, ...]


class LayerGroup(NamedTuple):
    """The cache, state and arithmetic of one layer, as a row of `layer_groups`; layers with equal ones are counted together.

    Args:
        kind: the published kind.
        attention_heads, kv_heads, head_dim, value_head_dim: the attention's shape, None without attention.
        kv_bytes: cache of one token in one layer, in bytes.
        window: tokens that are cached at most, None without a bound.
        state_bytes: fixed state of one sequence in one layer, in bytes.
        shards: whether tensor parallelism divides it.
        decode_flops, prefill_flops: operations for each pair of a new token and a token of context, in one layer.
        place: groups of a lower place come first; those of one place in the order of their layers.
    """

    kind: str
    attention_heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    value_head_dim: int | None = None
    kv_bytes: int = 0
    window: int | None = None
    state_bytes: int = 0
    shards: bool = True
    decode_flops: float = 0.0
    prefill_flops: float = 0.0
    place: int = 0


class LayerKind:
    """A kind of layer: how configs name it, what it caches and computes, which tensors it has. One object a kind.

    A new kind is one file with a subclass that overrides what differs, and its object in `transforms.layers.kinds.KINDS`.

    Attributes:
        name: the kind's own name.
        published: its name in `layer_groups`.
        words: parts of the words by which configs name a layer of this kind (`layer_types` and its like).
        letters: letters for it in a pattern of letters (`hybrid_override_pattern`).
        flags: lists with a number per layer that mark this kind: the key, the number, the kind of the other layers.
        model_types: types whose layers are of this kind where the config does not say; * ends a beginning.
        stands_for: names of kinds in whose place a config names this one; `fits` says in which models.
        latent: whether the layer counts as one of MLA.
        turns_locally: whether rotary parameters for windowed layers are this kind's.
        borrows_cache: whether the layer reads the cache of another.
        mixes: whether the layer mixes tokens at all.
    """

    name: str = ""
    published: str = ""
    words: tuple[str, ...] = ()
    letters: str = ""
    flags: tuple[tuple[str, int, str], ...] = ()
    model_types: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    latent: bool = False
    turns_locally: bool = False
    borrows_cache: bool = False
    mixes: bool = True

    def fits(self, fields: Fields) -> bool:
        """True when this model's layers of a kind in `stands_for` are really of this kind."""
        return False

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        """The name of every layer's kind by the keys that only models with this kind have, None where there are none.

        Raises FieldError where such a key does not cover the layers.
        """
        return None

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        """A layer of this kind in a model of the given width. `named` is the kind that the config names.

        Raises FieldError when a field is missing that its cache or its arithmetic rests on.
        """
        return Layer(self)

    def at(self, layer: Layer, fields: Fields, index: int, layers: int) -> Layer:
        """The layer at its index of the model's, where layers of this kind differ among each other."""
        return layer

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        """The cache and arithmetic of a layer, in one part or several."""
        return (LayerGroup(self.published),)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        """The tensors of the layer's attention; those of its state block come with the block."""
        return []

    def model_tensors(self, fields: Fields, layers: int) -> list[Shape]:
        """Tensors of this kind that are counted over all layers at once."""
        return []

    def key_rows(self, layer: Layer) -> int | None:
        """Rows of the layer's projection of keys where it is stored as a tensor of its own, else None."""
        return None

    def turned_width(self, layer: Layer, fields: Fields) -> int:
        """Width of the part of a head that rotary positions may turn."""
        return layer.head_dim

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Layer:
    """One layer.

    Args:
        kind: its kind.
        heads, kv_heads, head_dim, value_head_dim: the attention's shape, 0 without attention.
        window: tokens that it sees at most, None without a bound.
        mlp: dense, moe, both (a dense part beside the experts), linear (one matrix) or none.
        intermediate: width of the dense feed-forward part.
        experts: routed experts.
        ratio: tokens that share one compressed vector, 0 where none are compressed.
        indexed: whether an index over the cache is kept.
        state: its state block, None without one; one kind has one block in a model.
    """

    kind: LayerKind
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_head_dim: int = 0
    window: int | None = None
    mlp: str = "dense"
    intermediate: int = 0
    experts: int = 0
    ratio: int = 0
    indexed: bool = False
    state: StateBlock | None = field(default=None, compare=False)
