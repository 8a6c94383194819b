"""State-space, linear-attention and convolution blocks: their tensors and the state that one sequence keeps in them.

Convolution states are held in 16 bit over the kernel's width, recurrent states in 32 bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from transforms.config.config_fields import FieldError, Fields

_CONVOLUTION_BYTES = 2
_RECURRENT_BYTES = 4

Shape = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class StateBlock:
    """One block: its kind (as in layer_groups), bytes of state per sequence, its tensors as (name, shape)."""

    kind: str
    state_bytes: int
    tensors: tuple[Shape, ...]


def state_block(kind: str, fields: Fields, hidden: int) -> StateBlock:
    """The block of a layer of the given kind (mamba, linear, short_convolution or hybrid). Raises FieldError."""
    if kind == "short_convolution":
        return _short_convolution(fields, hidden)
    if kind in ("mamba", "hybrid"):
        return _mamba2(fields, hidden) if _is_mamba2(fields) else _mamba1(fields, hidden)
    if isinstance(fields.raw("linear_attn_config"), Mapping):
        return _delta_attention(fields, hidden)
    if fields.positive("linear_num_value_heads"):
        return _gated_delta(fields, hidden)
    if fields.model_type.startswith("rwkv"):
        return _rwkv(fields, hidden)
    if fields.positive("lru_width") or fields.model_type == "recurrent_gemma":
        return _recurrent_unit(fields, hidden)
    return _lightning(fields, hidden)


def _is_mamba2(fields: Fields) -> bool:
    named = fields.model_type in ("mamba2", "nemotron_h", "bamba", "granitemoehybrid", "zamba2", "falcon_h1")
    given = (
        fields.raw("mamba_num_heads") or fields.raw("mamba_n_heads") or fields.raw("mamba_d_head") or fields.raw("mamba_headdim")
    )
    return (named or bool(given)) and fields.model_type not in ("zamba", "jamba", "mamba", "falcon_mamba")


def _mamba1(fields: Fields, hidden: int) -> StateBlock:
    stated = fields.positive("intermediate_size") if fields.model_type in ("mamba", "falcon_mamba") else None
    inner = stated or round(fields.number("expand", 2) * hidden)
    state, kernel = fields.require("state_size"), fields.require("conv_kernel")
    rank = fields.value("time_step_rank") or fields.value("mamba_dt_rank")
    rank = rank if isinstance(rank, int) and 0 < rank <= hidden else -(-hidden // 16)
    return StateBlock(
        "mamba1",
        inner * kernel * _CONVOLUTION_BYTES + inner * state * _RECURRENT_BYTES,
        (
            ("in_proj.weight", (2 * inner, hidden)), ("conv1d.weight", (inner, 1, kernel)), ("conv1d.bias", (inner,)),
            ("x_proj.weight", (rank + 2 * state, inner)), ("dt_proj.weight", (inner, rank)), ("dt_proj.bias", (inner,)),
            ("A_log", (inner, state)), ("D", (inner,)), ("out_proj.weight", (hidden, inner)),
        ),
    )  # fmt: skip


def _mamba2(fields: Fields, hidden: int) -> StateBlock:
    state, kernel, groups = fields.require("state_size"), fields.require("conv_kernel"), fields.require("state_groups")
    stated = fields.value("state_heads")
    heads = stated if isinstance(stated, int) and not isinstance(stated, bool) else None
    width = fields.value("state_head_dim")
    width = width if isinstance(width, int) and not isinstance(width, bool) and width > 0 else None
    if fields.model_type == "mamba2":
        width = fields.positive("head_dim") or width
        heads = fields.positive("num_heads") or heads
    inner = fields.positive("state_inner") or round(fields.number("expand", 2) * hidden)
    if fields.model_type == "nemotron_h" and heads and width:
        inner = heads * width
    heads = heads or (inner // width if width else None)
    if not heads or heads < 0:
        raise FieldError("missing_field", "config.json gives neither mamba_num_heads nor mamba_head_dim; add them to the config")
    channels = inner + 2 * groups * state
    return StateBlock(
        "mamba2",
        channels * kernel * _CONVOLUTION_BYTES + inner * state * _RECURRENT_BYTES,
        (
            ("in_proj.weight", (inner + channels + heads, hidden)), ("conv1d.weight", (channels, 1, kernel)),
            ("conv1d.bias", (channels,)), ("A_log", (heads,)), ("D", (heads,)), ("dt_bias", (heads,)), ("norm.weight", (inner,)),
            ("out_proj.weight", (hidden, inner)),
        ),
    )  # fmt: skip


def _gated_delta(fields: Fields, hidden: int) -> StateBlock:
    kernel, values = fields.require("linear_conv_kernel_dim"), fields.require("linear_num_value_heads")
    key_width, value_width = fields.require("linear_key_head_dim"), fields.require("linear_value_head_dim")
    keys, value = fields.require("linear_num_key_heads") * key_width, values * value_width
    channels = 2 * keys + value
    if fields.model_type.startswith("qwen3_5"):  # four matrices, which quantizations tell apart
        projections = (
            ("in_proj_qkv.weight", (channels, hidden)), ("in_proj_z.weight", (value, hidden)),
            ("in_proj_b.weight", (values, hidden)), ("in_proj_a.weight", (values, hidden)),
        )  # fmt: skip
    else:
        projections = (("in_proj_qkvz.weight", (channels + value, hidden)), ("in_proj_ba.weight", (2 * values, hidden)))
    return StateBlock(
        "gated_delta",
        channels * kernel * _CONVOLUTION_BYTES + values * key_width * value_width * _RECURRENT_BYTES,
        (
            *projections,
            ("conv1d.weight", (channels, 1, kernel)), ("A_log", (values,)), ("dt_bias", (values,)), ("norm.weight",
            (value_width,)),
            ("out_proj.weight", (hidden, value)),
        ),
    )  # fmt: skip


def _delta_attention(fields: Fields, hidden: int) -> StateBlock:
    """Kimi's delta attention: separate convolutions for Q, K and V, gates through a head-wide bottleneck."""
    config = fields.raw("linear_attn_config")
    numbers = [
        config.get(key) if isinstance(config, Mapping) else None for key in ("num_heads", "head_dim", "short_conv_kernel_size")
    ]
    if not all(isinstance(number, int) and 0 < number < 2**20 for number in numbers):
        raise FieldError("missing_field", "linear_attn_config lacks num_heads, head_dim or short_conv_kernel_size; add them")
    heads, width, kernel = numbers
    inner = heads * width
    return StateBlock(
        "gated_delta",
        3 * inner * kernel * _CONVOLUTION_BYTES + heads * width * width * _RECURRENT_BYTES,
        (
            ("qkv_proj.weight", (3 * inner, hidden)), ("qkv_conv1d.weight", (3 * inner, 1, kernel)), ("A_log", (heads,)),
            ("dt_bias", (inner,)), ("f_a_proj.weight", (width, hidden)), ("f_b_proj.weight", (inner, width)),
            ("b_proj.weight", (heads, hidden)), ("g_a_proj.weight", (width, hidden)), ("g_b_proj.weight", (inner, width)),
            ("o_norm.weight", (width,)), ("o_proj.weight", (hidden, inner)),
        ),
    )  # fmt: skip


def _lightning(fields: Fields, hidden: int) -> StateBlock:
    """Lightning attention (MiniMax 01, Ling linear): Q, K, V and an output gate, one square state per head."""
    heads = fields.require("attention_heads")
    width = fields.positive("head_dim") or hidden // heads
    inner = heads * width
    return StateBlock(
        "linear",
        heads * width * width * _RECURRENT_BYTES,
        (
            ("qkv_proj.weight", (3 * inner, hidden)), ("output_gate.weight", (inner, hidden)), ("norm.weight", (inner,)),
            ("out_proj.weight", (hidden, inner)),
        ),
    )  # fmt: skip


def _short_convolution(fields: Fields, hidden: int) -> StateBlock:
    kernel = fields.require("conv_L_cache")
    return StateBlock(
        "short_convolution",
        hidden * kernel * _CONVOLUTION_BYTES,
        (("in_proj.weight", (3 * hidden, hidden)), ("conv.weight", (hidden, 1, kernel)), ("out_proj.weight", (hidden, hidden))),
    )


def _rwkv(fields: Fields, hidden: int) -> StateBlock:
    width = fields.positive("head_size") or fields.positive("head_dim") or 64
    return StateBlock(
        "linear",
        2 * hidden * _CONVOLUTION_BYTES + hidden * width * _RECURRENT_BYTES,
        tuple((f"{name}.weight", (hidden, hidden)) for name in ("receptance", "key", "value", "gate", "output")),
    )


def _recurrent_unit(fields: Fields, hidden: int) -> StateBlock:
    width, kernel = fields.positive("lru_width") or hidden, fields.require("conv_kernel")
    heads = fields.require("attention_heads")
    return StateBlock(
        "linear",
        width * kernel * _CONVOLUTION_BYTES + width * _RECURRENT_BYTES,
        (
            ("linear_x.weight", (width, hidden)), ("linear_y.weight", (width, hidden)), ("linear_out.weight", (hidden, width)),
            ("conv1d.weight", (width, 1, kernel)), ("input_gate.weight", (heads, width // heads, width // heads)),
            ("recurrent_gate.weight", (heads, width // heads, width // heads)), ("recurrent_param", (width,)),
        ),
    )  # fmt: skip
