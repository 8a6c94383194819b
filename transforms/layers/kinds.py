"""The one list of the kinds of layers. A new kind is a file of `attention/` or `states/` and a row here."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.layers.attention.chunked import CHUNKED
from transforms.layers.attention.compressed import COMPRESSED
from transforms.layers.attention.full import FULL
from transforms.layers.attention.latent import LATENT
from transforms.layers.attention.sliding import SLIDING
from transforms.layers.attention.sparse_latent import SPARSE_LATENT
from transforms.layers.attention.without_cache import CROSSING, NOTHING, SHARED
from transforms.layers.layer import LayerKind
from transforms.layers.states.gated_delta import GATED_DELTA
from transforms.layers.states.hybrid import HYBRID
from transforms.layers.states.kimi_delta import KIMI_DELTA
from transforms.layers.states.linear import LINEAR
from transforms.layers.states.mamba1 import MAMBA1
from transforms.layers.states.mamba2 import MAMBA2
from transforms.layers.states.recurrent_unit import RECURRENT_UNIT
from transforms.layers.states.rwkv import RWKV
from transforms.layers.states.short_convolution import SHORT_CONVOLUTION

KINDS: tuple[LayerKind, ...] = (
    KIMI_DELTA,
    SHORT_CONVOLUTION,
    HYBRID,
    MAMBA2,
    MAMBA1,
    GATED_DELTA,
    RWKV,
    RECURRENT_UNIT,
    LINEAR,
    CHUNKED,
    SLIDING,
    COMPRESSED,
    SPARSE_LATENT,
    LATENT,
    FULL,
    SHARED,
    CROSSING,
    NOTHING,
)
"""In the order in which they are asked, the particular before the general: of two kinds that a config could mean (by its keys, by
a word such as "sliding_attention", or by standing for another kind), the first is meant."""

_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_meant(named: str, fields: Fields) -> LayerKind:
    """The kind that a model has where its config names another, more general one; else the named kind itself."""
    return next((kind for kind in KINDS if named in kind.stands_for and kind.fits(fields)), _BY_NAME[named])
