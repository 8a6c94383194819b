"""16-bit tensors → the same model as its quantization stores it, for checkpoints that have no headers."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.listed_modules import ListedModules
from transforms.config.quantization import Quantization
from transforms.tables.fields import QUANTIZABLE_GROUPS
from transforms.weights.count_weights import is_matrix
from transforms.weights.safetensors import TensorForm, layer_numbers
from transforms.weights.tensor_patterns import group_of

_COVERED = {"mxfp4": ("routed_experts",), "fbgemm_fp8": ("dense_mlp", "routed_experts", "shared_experts")}
"""Methods that quantize only part of the layers (transformers: `Mxfp4HfQuantizer`; Meta's Llama 3.1 405B FP8 card)."""


def quantize(forms: list[TensorForm], quantization: Quantization, fields: Fields) -> list[TensorForm]:
    """The forms with every matrix that the method covers and the checkpoint does not leave out in packed form and scales."""
    ignored = ListedModules(quantization.ignored) if not quantization.parts else ListedModules(())
    parts = [(part, ListedModules(part.modules)) for part in quantization.parts]
    four_bit_experts = fields.raw("expert_dtype") == "fp4"
    stored: list[TensorForm] = []
    for form in forms:
        group = group_of(form.template)
        covered = group in _COVERED.get(quantization.method, QUANTIZABLE_GROUPS)
        if not covered or not form.template.endswith(".weight") or not is_matrix(form) or not quantization.bits:
            stored.append(form)
            continue
        method = quantization
        if four_bit_experts and group == "routed_experts":  # deepseek v4: fp8, with experts in fp4 and a scale for 32 weights
            method = replace(quantization, method="mxfp4", bits=4.0, group_size=32)
        kept, packed = _split(form, ignored)
        if kept is not None:
            stored.append(kept)
        for part, listed in parts:  # of a mixed checkpoint: each list takes its modules, what none names stays
            if packed is not None:
                taken, packed = _split(packed, listed)
                if taken is not None:
                    stored += _packed(taken, replace(quantization, bits=part.bits, group_size=part.group_size))
        if packed is not None:
            stored += [packed] if parts else _packed(packed, method)
    return stored


def _split(form: TensorForm, listed: ListedModules) -> tuple[TensorForm | None, TensorForm | None]:
    """The form's part in layers where its module is listed, and its part in the others."""
    if not listed or not form.layers:
        return (form, None) if listed.matches(form.template.removesuffix(".weight"), None) else (None, form)
    numbers = layer_numbers(form.layers)
    module = form.template.removesuffix(".weight")
    outside = [number for number in numbers if listed.matches(module, number)]
    if not outside:
        return None, form
    inside = [number for number in numbers if number not in set(outside)]
    each = form.tensors // len(numbers)
    kept = form._replace(tensors=each * len(outside), layers=",".join(map(str, outside)))
    return kept, form._replace(tensors=each * len(inside), layers=",".join(map(str, inside))) if inside else None


def _packed(form: TensorForm, quantization: Quantization) -> list[TensorForm]:
    module = form.template.removesuffix(".weight")
    *leading, rows, columns = form.shape
    group, bits = quantization.group_size, quantization.bits or 16.0
    if bits >= 8:
        weight = form._replace(dtype="F8_E4M3" if "int" not in str(quantization.format) else "I8")
        if group:
            scale = form._replace(
                template=f"{module}.weight_scale_inv", dtype="F32", shape=(*leading, -(-rows // group), -(-columns // group))
            )
        else:
            scale = form._replace(template=f"{module}.weight_scale", dtype="F32", shape=(*leading, rows))
        return [weight, scale]
    per_word = int(32 // bits)
    if bits == 4 and group in (16, 32) and quantization.method not in ("awq", "gptq", "compressed-tensors"):
        weight = form._replace(template=f"{module}.weight_packed", dtype="U8", shape=(*leading, rows, -(-columns // 2)))
        scale = form._replace(template=f"{module}.weight_scale", dtype="F8_E4M3", shape=(*leading, rows, -(-columns // group)))
        return [weight, scale]
    weight = form._replace(template=f"{module}.weight_packed", dtype="I32", shape=(*leading, rows, -(-columns // per_word)))
    scale = form._replace(
        template=f"{module}.weight_scale", dtype="BF16", shape=(*leading, rows, -(-columns // (group or columns)))
    )
    return [weight, scale]
