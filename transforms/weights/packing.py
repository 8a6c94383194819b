"""The tensors in which quantization methods store a matrix: scales beside the weights, and packed elements.

Each method writes a module's weight under names of its own: scales, zero points, permutations and codebooks beside packed
integers. Scales count as bytes, never as parameters; packed elements are counted as the weights they hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import prod

from transforms.weights.safetensors import DTYPE_BITS, TensorForm

_COMPANION = re.compile(
    r"""(?:
      \.weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.[^.]+|SCB)    # bitsandbytes
    | \.(?:SCB|weight_format)                                                                     # bitsandbytes 8 bit
    | \.weight_(?:scale|scale_inv|scale_2|global_scale|shape|zero_point|g_idx|scale_inv_2|offset) # fp8, modelopt
    | \.(?:input|output|act|activation|prob|[qkv])_(?:scale|zero_point|global_scale|scale_inv)  # activations, KV cache
    | \.(?:scales|qzeros|g_idx|qscales|wf_unsqueeze_.*)                                           # gptq, awq
    | \.(?:pre_quant_scale|smooth_factor|act_scales|weight_quantizer\._.*|input_quantizer\._.*|bit_width|alpha_scale)
    | \.(?:codebooks|s_channel|centroids|res_centroids|weight_scale_and_zero|scale|zero|zeros)    # aqlm, vptq, torchao, hqq
    | \.(?:axis|bits|channel_wise|compute_dtype|encoded_state_dict|group_size|nbits|offload_meta|optimize|packing|quant_scale
          |quant_zero|round_zero|shape|stores_quant_config|unpack_view_dtype|view_as_float)       # hqq
    | \.weight\._(?:scale|shift|zeropoint|zero_point)                                             # quanto
    | \.(?:q_scale|q_scale_max|q_groups|q_invperm|q_perm|q_group_map)                             # exl2
    | \.(?:suh|svh|su|sv|mcg|mul1)                                                                # exl3
    | \.biases                                                                                    # mlx
    | _(?:scales|scale|scale_inv|scale_2|weight_scale|weight_scale_inv|weight_scale_2|input_scale|weight_global_scale|zero_point)
    )$""",
    re.VERBOSE,
)
_PACKED = re.compile(
    r"(\.(?:qweight|weight_packed|W_q|q_weight|trellis|codes|weight\._data|weight\._packed|Qidxs)|_blocks|_packed)$"
)
_ONLY_BESIDE_WEIGHT = re.compile(
    r"_(scale|zero_point)$|\.(scale|zero|zeros|biases|axis|bits|shape|packing|optimize|group_size|nbits|channel_wise|weight_offset|su|sv|weight_format)$"
)


@lru_cache(maxsize=50_000)
def split_name(template: str) -> tuple[str, str]:
    """A tensor's module and role: `scale`, `packed`, `weight`, `bias` or `plain`.

    The module of fused experts ("…experts.down_proj_blocks") is the name without the suffix.
    """
    match = _COMPANION.search(template)
    if match:
        return template[: match.start()], "scale"
    match = _PACKED.search(template)
    if match:
        return template[: match.start()], "packed"
    if template.endswith((".bias", "_bias")):
        return template[: -len("_bias")], "bias"
    if template.endswith(".weight"):
        return template.removesuffix(".weight"), "weight"
    return template, "plain"


def needs_weight_beside(template: str) -> bool:
    """True when a name is a scale only if its module also holds a quantized weight (a norm may be called `scale` too)."""
    return _ONLY_BESIDE_WEIGHT.search(template) is not None


def weight_of(form: TensorForm, module: Mapping[str, TensorForm], bits: float | None) -> tuple[int, bool]:
    """Logical parameters of a form that holds weights, and whether they are stored quantized.

    `module` holds the forms of the same module by the last part of their names, `bits` the method's bits where its
    config states them.
    """
    leaf = form.template.rsplit(".", 1)[-1]
    elements = form.elements
    stored = DTYPE_BITS[form.dtype]
    if leaf.endswith("_blocks"):
        return elements * 2, True
    if leaf == "trellis" and len(form.shape) == 3:  # 16 × 16 tiles (exl3)
        return form.shape[0] * form.shape[1] * 256 * form.tensors, True
    if leaf == "q_weight":  # rows of mixed bits: features in and out stand in the permutation and the scales (exl2)
        scales, order = module.get("q_scale"), module.get("q_invperm")
        if scales and order and len(scales.shape) == 2:
            return prod(order.shape) * scales.shape[1] * 8 * form.tensors, True
        return round(elements * stored / (bits or 4)), True
    if leaf == "codes" and len(form.shape) == 3:  # 8 weights a code vector, one code per codebook (aqlm)
        books = module.get("codebooks")
        vector = books.shape[-1] * books.shape[-2] if books and len(books.shape) >= 2 else 8
        return form.shape[0] * form.shape[1] * vector * form.tensors, True
    if leaf == "qweight":
        return round(elements * stored / (_qweight_bits(form, module) or bits or 4)), True
    if leaf in ("weight_packed", "W_q", "_packed", "Qidxs") or leaf.endswith("_packed"):
        per_element = 2 if stored == 8 and not (bits and bits < 4) else stored / (_grouped_bits(form, module) or bits or 4)
        return round(elements * per_element), True
    if form.dtype == "U32" and "scales" in module:  # mlx: groups of weights that share a scale
        return _mlx_weights(form, module["scales"], bits), True
    if form.dtype in ("U8", "I8"):
        return elements * _weights_in_byte(form, module, bits), True
    return elements, stored <= 8


def _qweight_bits(form: TensorForm, module: Mapping[str, TensorForm]) -> float | None:
    order, scales = module.get("g_idx"), module.get("scales")
    if order and prod(order.shape) and len(form.shape) == 2:
        return 32 * form.shape[0] / prod(order.shape)
    if scales and len(scales.shape) == len(form.shape) == 2 and scales.shape[1] and form.shape[1] < scales.shape[1]:
        return 32 * form.shape[1] / scales.shape[1]
    return None


def _grouped_bits(form: TensorForm, module: Mapping[str, TensorForm]) -> float | None:
    zero_points = module.get("weight_zero_point")
    if zero_points and len(zero_points.shape) == 2 and form.shape[0] and zero_points.dtype == form.dtype:
        return 32 * zero_points.shape[0] / form.shape[0]
    return None


def _mlx_weights(form: TensorForm, scales: TensorForm, bits: float | None) -> int:
    if bits:
        return round(form.elements * 32 / bits)
    return scales.elements * 64


def _weights_in_byte(form: TensorForm, module: Mapping[str, TensorForm], bits: float | None) -> int:
    if any(leaf.startswith("quant_state") or leaf in ("absmax", "quant_map") for leaf in module):
        return 2
    if form.dtype == "I8" and "SCB" in module:
        return 1
    scale = module.get("weight_scale") or module.get("scale") or module.get("weight_scale_inv") or module.get("_scale")
    if scale and form.shape and scale.shape and len(scale.shape) == len(form.shape) and scale.shape[-1] > 1:
        return 2 if form.shape[-1] // scale.shape[-1] in (8, 16) else 1  # groups of 16 (nvfp4) or 32 (mxfp4), two in a byte
    if form.dtype == "U8" and bits:
        return max(1, int(8 // bits))
    return 1


def detect_method(forms: Mapping[str, set[str]]) -> str | None:
    """The method that the names and dtypes of a checkpoint betray where its config names none.

    `forms` maps the last part of every tensor name to the dtypes that it is stored in.
    """
    if "qweight" in forms:
        return "gptq" if "g_idx" in forms else "awq"
    for leaf, method in (
        ("trellis", "exl3"), ("q_invperm", "exl2"), ("weight_packed", "compressed-tensors"), ("W_q", "hqq"), ("codebooks",
        "aqlm"),
        ("absmax", "bitsandbytes"), ("SCB", "bitsandbytes"), ("_data", "quanto"),
    ):  # fmt: skip
        if leaf in forms:
            return method
    if any(leaf.endswith("_blocks") for leaf in forms):
        return "mxfp4"
    weights = forms.get("weight", set())
    if "U32" in weights and "scales" in forms:
        return "mlx"
    if any(dtype.startswith(("F8_E4M3", "F8_E5M2")) for dtype in weights):
        return "fp8"
    if "I8" in weights and "weight_scale" in forms:
        return "int8"
    return None
