"""Tensors → parameters and bytes by group, as a checkpoint stores them and as an engine holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from transforms.config.family import MLP, OUTPUT, QKV
from transforms.tables.fields import QUANTIZABLE_GROUPS
from transforms.weights.packing import detect_method, needs_weight_beside, split_name, weight_of
from transforms.weights.safetensors import TensorForm, layer_numbers
from transforms.weights.tensor_patterns import BUFFER, group_of

_KV_PROJECTION = re.compile(r"\.(k_proj|v_proj|key|value|wk|wv|k|v|k_b_proj|key_proj|value_proj)$")
_FUSED_QKV = re.compile(r"\.(qkv_proj|query_key_value|wqkv|Wqkv|c_attn|W_pack|qkv|att_proj|in_proj|fused_qkv)$")
_REPLICATED = re.compile(r"\.(kv_a_proj_with_mqa|q_a_proj|fused_qkv_a_proj|indexer|wq_a|wkv_a|wkv|compressor|q_a|kv_a)(\.|$|_)")
_NO_LINEAR = re.compile(
    r"(conv1d|\.conv$|conv\.conv|A_log|\.D$|dt_bias|sinks|time_|shared_expert_gate|relative_attention|lora_[AB]|_gate$)"
)
_NOT_LOADED = re.compile(r"^(talker|token2wav|code2wav)\.")
_TEXT_LAYERS = re.compile(r"(^|\.)(layers|h|blocks|block)\.\*")


@dataclass(frozen=True)
class GroupWeights:
    """The tensors of one group and stored dtype: logical parameters, those in quantizable matrices, bytes."""

    logical: int = 0
    linear: int = 0
    stored_bytes: int = 0
    loaded_bytes: int = 0

    def __add__(self, other: GroupWeights) -> GroupWeights:
        return GroupWeights(
            self.logical + other.logical,
            self.linear + other.linear,
            self.stored_bytes + other.stored_bytes,
            self.loaded_bytes + other.loaded_bytes,
        )


@dataclass(frozen=True)
class Weights:
    """The weights of a checkpoint. `groups` is keyed by (tensor group, dtype); the rest are parts of attention and findings."""

    groups: dict[tuple[str, str], GroupWeights]
    attention_replicated: int
    kv_projection: int
    fused_kv_projection: int
    head_stored: bool
    detected_method: str | None
    dominant_dtype: str | None

    def logical(self, *groups: str) -> int:
        """Logical parameters of the given groups."""
        return sum(weights.logical for (group, _), weights in self.groups.items() if group in groups)


def count_weights(
    forms: Iterable[TensorForm],
    layers: int,
    tied: bool,
    bits: float | None,
    prequantized: bool,
    linear_layers: frozenset[int] = frozenset(),
    biased: frozenset[str] | None = None,
) -> Weights:
    """Parameters and bytes of all tensors by group and dtype.

    `layers` is the number of layers of the language model (tensors of layers beyond it are next-token-prediction heads),
    `tied` whether the engine shares head and embedding (a head that is stored all the same is not loaded), `bits` those
    of the checkpoint's quantization where stated, `prequantized` whether it has one, `linear_layers` the layers whose
    attention is linear (kimi linear and minimax name it like softmax attention), `biased` which parts the family
    gives a bias, None where unknown: gptq writes biases of zeros beside the others.
    """
    forms = tuple(forms)
    modules: dict[str, dict[str, TensorForm]] = {}
    leaves: dict[str, set[str]] = {}
    for form in forms:
        leaf = form.template.rsplit(".", 1)[-1]
        leaves.setdefault(leaf, set()).add(form.dtype)
        module = split_name(form.template)[0]
        modules.setdefault(module, {}).setdefault(leaf.removeprefix(module.rsplit(".", 1)[-1]) or leaf, form)
    method = detect_method(leaves)
    dominant = _dominant_dtype(forms)
    counter = _Counter(modules, tied, bits, prequantized or method is not None, dominant == "F32", biased)
    for form in forms:
        for part, group in _parts(form, layers, linear_layers):
            counter.add(part, group)
    return Weights(
        groups=counter.groups,
        attention_replicated=counter.replicated,
        kv_projection=counter.kv_projection,
        fused_kv_projection=counter.fused,
        head_stored=counter.head_stored,
        detected_method=method,
        dominant_dtype=dominant,
    )


class _Counter:
    def __init__(
        self,
        modules: dict[str, dict[str, TensorForm]],
        tied: bool,
        bits: float | None,
        quantized: bool,
        halve: bool,
        biased: frozenset[str] | None,
    ) -> None:
        self.modules, self.tied, self.bits = modules, tied, bits
        self.quantized, self.halve, self.biased = quantized, halve, biased
        self.groups: dict[tuple[str, str], GroupWeights] = {}
        self.replicated = self.kv_projection = self.fused = 0
        self.head_stored = False

    def add(self, form: TensorForm, group: str) -> None:
        module, role = split_name(form.template)
        siblings = self.modules[module]
        if role == "scale" and needs_weight_beside(form.template) and len(siblings) < 2:
            module, role = form.template, "plain"
        logical, linear = 0, 0
        if role == "bias" and group != BUFFER:
            logical = 0 if self._is_filler(module, siblings) else form.elements
        elif role != "scale" and group != BUFFER:
            logical, packed = weight_of(form, siblings, self.bits)
            if group in QUANTIZABLE_GROUPS and is_matrix(form) and (packed or not self.quantized):
                linear = logical
        loaded = form.elements * 2 if self.halve and role != "scale" and form.dtype in ("F32", "F64") else form.stored_bytes
        if group in (BUFFER, "mtp") or _NOT_LOADED.match(form.template):
            loaded = 0
        if group == "lm_head" and role != "bias":
            self.head_stored = True
            if self.tied:
                logical = loaded = 0
        elif group == "attention":
            self._count_attention_parts(module, logical)
        key = ("other" if group == BUFFER else group, form.dtype)
        part = GroupWeights(logical, 0 if group == "mtp" else linear, form.stored_bytes, loaded)
        self.groups[key] = self.groups.get(key, GroupWeights()) + part

    def _is_filler(self, module: str, siblings: dict[str, TensorForm]) -> bool:
        if self.biased is None or "qweight" not in siblings:
            return False
        leaf = module.rsplit(".", 1)[-1]
        inputs = leaf in ("q_proj", "k_proj", "v_proj", "qkv_proj", "c_attn", "query_key_value")
        part = QKV if inputs else OUTPUT if "o_proj" in leaf else MLP
        return part not in self.biased

    def _count_attention_parts(self, module: str, logical: int) -> None:
        if _REPLICATED.search(module):
            self.replicated += logical
        elif _KV_PROJECTION.search(module):
            self.kv_projection += logical
        elif _FUSED_QKV.search(module):
            self.fused += logical


def is_matrix(form: TensorForm) -> bool:
    """True when a form is a matrix that quantized publications would quantize (no convolution, decay, gate of one row, sink)."""
    return len(form.shape) >= 2 and form.shape[-2] != 1 and not _NO_LINEAR.search(split_name(form.template)[0])


def _parts(form: TensorForm, layers: int, linear_layers: frozenset[int]) -> list[tuple[TensorForm, str]]:
    """The form's tensors by group: those of layers beyond the model's are mtp, attention in linear layers is linear."""
    module, role = split_name(form.template)
    group = group_of(f"{module}.weight" if role in ("scale", "packed") else form.template)
    if not form.layers or group in ("vision_audio", "mtp") or not _TEXT_LAYERS.search(form.template):
        return [(form, group)]
    numbers = _span(form.layers)
    beyond = sum(number >= layers for number in numbers)
    moved = 0
    if linear_layers and (group == "attention" or (group == "norms" and re.search(r"\.(self_attn|attention)\.", form.template))):
        moved = sum(number in linear_layers for number in numbers)
    if not beyond and not moved:
        return [(form, group)]
    each = form.tensors // len(numbers)
    counts = ((len(numbers) - beyond - moved, group), (beyond, "mtp"), (moved, "linear_attention"))
    return [(form._replace(tensors=each * number), name) for number, name in counts if number]


@lru_cache(maxsize=10_000)
def _span(layers: str) -> tuple[int, ...]:
    return tuple(layer_numbers(layers))


def _dominant_dtype(forms: tuple[TensorForm, ...]) -> str | None:
    sizes: dict[str, int] = {}
    for form in forms:
        if form.dtype in ("F16", "BF16", "F32", "F64") and split_name(form.template)[1] != "scale":
            sizes[form.dtype] = sizes.get(form.dtype, 0) + prod(form.shape) * form.tensors
    return max(sizes, key=lambda dtype: (sizes[dtype], dtype)) if sizes else None
