"""A checkpoint's quantization: method, bits, groups, activations, modules left out, and the KV cache that it asks for.

Methods differ in where they say so: `quantization_config` of the config (also of a nested one), `hf_quant_config.json`
(modelopt), `quantize_config.json` (gptq), `quantization` (mlx). Unknown methods keep their own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.config.json_text import object_in

UNSTATED = "unstated"
"""Format of a checkpoint whose packed tensors show a method that its config does not name."""

_BITS_KEYS = ("bits", "w_bit", "nbits", "num_bits", "weight_bits", "wbits", "w_bits", "weight_num_bits")
_GROUP_KEYS = ("group_size", "q_group_size", "in_group_size", "weight_group_size", "groupsize")
_IGNORE_KEYS = ("ignore", "modules_to_not_convert", "exclude_modules", "exclude", "ignored_layers", "llm_int8_skip_modules",
                "modules_in_block_to_not_quantize", "skip_modules", "ignored_modules")  # fmt: skip
_MAX_IGNORED = 20_000
_MAX_MODULES = 300_000
"""Most modules that a mixed checkpoint may list; one that names every expert has some 50,000."""
_OWN_BITS = {"fp8": 8.0, "fbgemm_fp8": 8.0, "mxfp4": 4.0, "mxfp8": 8.0, "nvfp4": 4.0, "awq": 4.0, "gptq": 4.0, "bitnet": 2.0,
             "eetq": 8.0, "modelopt_fp4": 4.0, "fp_quant": 4.0, "int8": 8.0}  # fmt: skip


@dataclass(frozen=True)
class QuantizedPart:
    """Modules (names or globs) that a mixed checkpoint stores in one precision."""

    bits: float
    group_size: int | None
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Quantization:
    """A checkpoint's own quantization; `method` is "none" for 16 and 32 bit.

    `parts` is empty where all linear layers but the ignored ones are stored alike; else bits and group size are those of
    the part with the fewest bits.
    """

    method: str = "none"
    bits: float | None = None
    group_size: int | None = None
    activations: str | None = None
    format: str | None = None
    ignored: tuple[str, ...] = ()
    kv_cache: str | None = None
    parts: tuple[QuantizedPart, ...] = ()


def read_quantization(
    root: Mapping[str, object], text: Mapping[str, object], beside: Mapping[str, object] | None
) -> Quantization:
    """The quantization that the config (or the file beside it, hf_quant_config.json or quantize_config.json) states."""
    keys = ("quantization_config", "compression_config", "quantization")
    stated = next((config for holder in (text, root) for key in keys if (config := object_in(holder.get(key)))), None)
    modelopt = beside.get("quantization") if beside is not None else None
    if stated is None and isinstance(modelopt, Mapping):
        return _modelopt(modelopt, beside or {})
    if stated is None:
        return Quantization() if beside is None else _read({"quant_method": "gptq", **beside})
    if isinstance(modelopt, Mapping) and not stated.get("config_groups"):
        return _read({**modelopt, **stated})
    return _read(stated)


def _read(config: Mapping[str, object]) -> Quantization:
    method = _word(config.get("quant_method") or config.get("quant_type") or config.get("method"))
    if not method:
        if config.get("quant_algo") or isinstance(config.get("quantization"), Mapping):
            method = "modelopt"
        elif config.get("load_in_4bit") or config.get("load_in_8bit"):
            method = "bitsandbytes"
        elif config.get("config_groups"):
            method = "compressed-tensors"
        elif _first(config, _BITS_KEYS) is not None:
            method = "mlx"
        else:
            return Quantization()
    if method.startswith("modelopt") or config.get("quant_algo"):
        return _modelopt(config, config, method)
    if method in ("compressed-tensors", "compressed_tensors") or config.get("config_groups"):
        return _compressed_tensors(config)
    if method == "bitsandbytes":
        return _bitsandbytes(config)
    if method == "quark":
        return _quark(config)
    block = config.get("weight_block_size")
    group = _first(config, _GROUP_KEYS)
    if group is None and isinstance(block, list) and block:
        group = block[-1]
    parameters = config.get("weight_quant_params") or config.get("quant_config")
    if isinstance(parameters, Mapping):  # hqq
        nested = parameters.get("weight_quant_params")
        inner: Mapping[str, object] = nested if isinstance(nested, Mapping) else parameters
        config = {**inner, **config}
        group = group if group is not None else _first(inner, _GROUP_KEYS)
    return Quantization(
        method=method,
        bits=_bits(config, method),
        group_size=32 if method == "mxfp4" and group is None else _group(group),
        activations=_activations(config, method),
        format=_format(config, method),
        ignored=_ignored(config),
        kv_cache=_kv_cache(config),
    )


def _bits(config: Mapping[str, object], method: str) -> float | None:
    if config.get("load_in_4bit"):
        return 4.0
    stated = _first(config, _BITS_KEYS)
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 < stated <= 32:
        return float(stated)
    if method == "aqlm":
        books, bits = config.get("num_codebooks"), config.get("nbits_per_codebook")
        vector = (_group(config.get("in_group_size")) or 8) * (_group(config.get("out_group_size")) or 1)
        if isinstance(books, int) and isinstance(bits, int):
            return books * bits / vector
    for key in ("weights", "quant_type", "weight_format", "forward_dtype"):
        match = re.search(r"(?:int|uint|float|fp|qint|qfloat|w)_?(\d)", str(config.get(key))[:200].lower())
        if match:
            return float(match.group(1))
    return _OWN_BITS.get(method)


def _activations(config: Mapping[str, object], method: str) -> str | None:
    scheme = config.get("activation_scheme")
    if isinstance(scheme, str):
        return scheme[:20]
    if method == "fbgemm_fp8":
        return "dynamic"
    activations = config.get("activations")
    if isinstance(activations, str) and activations != "none":
        return "static"
    return "none"


def _format(config: Mapping[str, object], method: str) -> str | None:
    if method == "awq":
        return _word(config.get("version")) or None
    sides = config.get("weight_block_size")
    if isinstance(sides, list):
        block = "x".join(str(side)[:8] for side in sides[:2])
        return f"{_word(config.get('fmt')) or 'e4m3'}-block-{block}"
    for key in ("checkpoint_format", "packing_format", "format", "fmt", "quant_type", "weights", "out_channel_split"):
        if isinstance(config.get(key), str) and config[key] != method:
            return _word(config[key])
    return None


def _compressed_tensors(config: Mapping[str, object]) -> Quantization:
    groups = [group for group in object_in(config.get("config_groups")).values() if isinstance(group, Mapping)]
    if not groups:  # only the KV cache, or a sparse checkpoint
        return Quantization("compressed-tensors" if config.get("kv_cache_scheme") else "none", kv_cache=_kv_cache(config))
    weights = _weights(groups)
    inputs = next((group["input_activations"] for group in groups if isinstance(group.get("input_activations"), Mapping)), None)
    kinds = {str(group.get("format"))[:40] for group in groups if isinstance(group.get("format"), str)}
    stored = _word(config.get("format"))
    group_size = weights.get("group_size")
    block = weights.get("block_structure")
    if group_size is None and isinstance(block, list) and block:
        group_size = block[-1]
    return Quantization(
        method="compressed-tensors",
        bits=_bits(weights, "compressed-tensors"),
        group_size=_group(group_size),
        activations="none" if inputs is None else "dynamic" if inputs.get("dynamic") else "static",
        format="+".join(sorted(kinds)) if stored in ("", "mixed-precision") and kinds else stored or None,
        ignored=_ignored(config),
        kv_cache=_kv_cache(config),
    )


def _weights(groups: Sequence[object]) -> Mapping[str, object]:
    """The scheme of the weights of the first group of a config that has one."""
    return next((weights for group in groups if isinstance(weights := object_in(group).get("weights"), Mapping)), {})


def _modelopt(config: Mapping[str, object], beside: Mapping[str, object], method: str = "modelopt") -> Quantization:
    nested = config.get("quantization")
    inner: Mapping[str, object] = nested if isinstance(nested, Mapping) else config
    algorithm = (_word(inner.get("quant_algo")) or _word(config.get("quant_algo"))).upper()
    weights = _weights(list(object_in(config.get("config_groups")).values()))
    bits = _bits(weights, "") or (4.0 if re.search(r"FP4|W4|INT4", algorithm) else 8.0 if re.search(r"8", algorithm) else None)
    parts = _parts(config, inner)
    if parts:
        bits = min(part.bits for part in parts)
    group = _group(_first(inner, _GROUP_KEYS)) or _group(weights.get("group_size"))
    if group is None and "NVFP4" in algorithm:
        group = 16
    if parts:
        group = next(part.group_size for part in parts if part.bits == bits)
    if "PER_CHANNEL" in algorithm or (algorithm == "FP8" and not weights.get("group_size")):
        group = None
    weights_only = re.search(r"W4A16|WO$|_WO|A16", algorithm)
    dynamic = re.search(r"TOKEN|DYNAMIC|MXFP8", algorithm)
    return Quantization(
        method=method if method.startswith("modelopt") else "modelopt",
        bits=bits,
        group_size=group,
        activations="none" if weights_only else "dynamic" if dynamic else "static",
        format=algorithm.lower() or None,
        ignored=_ignored(inner) or _ignored(beside),
        kv_cache=_kv_cache(inner) or _kv_cache(config),
        parts=parts,
    )


def _parts(config: Mapping[str, object], inner: Mapping[str, object]) -> tuple[QuantizedPart, ...]:
    """The precisions of a mixed checkpoint: `quantized_layers`, or config groups that name their modules one by one."""
    modules: dict[tuple[float, int | None], list[str]] = {}
    layers = inner.get("quantized_layers")
    for name, scheme in list(layers.items())[:_MAX_MODULES] if isinstance(layers, Mapping) else []:
        algorithm = _word(scheme.get("quant_algo")) if isinstance(scheme, Mapping) else ""
        if algorithm:
            bits = 4.0 if re.search(r"fp4|w4|int4", algorithm) else 8.0
            modules.setdefault((bits, _group(scheme.get("group_size"))), []).append(name[:300])
    groups = config.get("config_groups")
    for scheme in list(groups.values())[:100] if isinstance(groups, Mapping) and not modules else []:
        weights = scheme.get("weights") if isinstance(scheme, Mapping) else None
        targets = scheme.get("targets") if isinstance(scheme, Mapping) else None
        if isinstance(weights, Mapping) and isinstance(targets, list) and "Linear" not in targets and _bits(weights, ""):
            names = [target[:300] for target in targets[:_MAX_MODULES] if isinstance(target, str)]
            modules.setdefault((_bits(weights, "") or 8.0, _group(weights.get("group_size"))), []).extend(names)
    if modules and isinstance(config.get("weight_block_size"), list):  # the rest stays as the original stored it
        modules.setdefault((8.0, 128), []).append("*")
    return tuple(QuantizedPart(bits, group, tuple(names)) for (bits, group), names in sorted(modules.items(), key=str))


def _bitsandbytes(config: Mapping[str, object]) -> Quantization:
    four = config.get("load_in_4bit") is True or (config.get("_load_in_4bit") is True)
    kind = _word(config.get("bnb_4bit_quant_type")) or "fp4"
    double = "-double" if config.get("bnb_4bit_use_double_quant") is True else ""
    return Quantization(
        method="bitsandbytes",
        bits=4.0 if four else 8.0,
        group_size=64 if four else None,
        activations="none" if four else "dynamic",
        format=f"{kind}{double}" if four else "int8",
        ignored=_ignored(config),
    )


def _quark(config: Mapping[str, object]) -> Quantization:
    scheme = object_in(config.get("global_quant_config"))
    stated = scheme.get("weight")
    weight = object_in(stated[0] if isinstance(stated, list) and stated else stated)
    inputs = scheme.get("input_tensors")
    kind = _word(weight.get("dtype"))
    digits = re.search(r"(\d)", kind)
    return Quantization(
        method="quark",
        bits=float(digits.group(1)) if digits else None,
        group_size=_group(weight.get("group_size")),
        activations="none" if not isinstance(inputs, Mapping) else "dynamic" if inputs.get("is_dynamic") else "static",
        format=kind or None,
        ignored=_ignored(config),
        kv_cache="fp8" if config.get("kv_cache_quant_config") or config.get("kv_cache_group") else None,
    )


def _ignored(config: Mapping[str, object]) -> tuple[str, ...]:
    for key in _IGNORE_KEYS:
        names = config.get(key)
        if isinstance(names, list):
            return tuple(name[:300] for name in names[:_MAX_IGNORED] if isinstance(name, str))
    return ()


def _kv_cache(config: Mapping[str, object]) -> str | None:
    scheme = config.get("kv_cache_scheme")
    if isinstance(scheme, Mapping):
        bits = scheme.get("num_bits")
        kind = "fp" if scheme.get("type") == "float" else _word(scheme.get("type")) or "int"
        return f"{kind}{bits}" if isinstance(bits, int) and not isinstance(bits, bool) and 0 < bits <= 32 else None
    for key in ("kv_cache_quant_algo", "kv_cache_dtype", "kv_cache_scheme"):
        if isinstance(config.get(key), str):
            return _word(config[key]) or None
    return None


def _first(config: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((config[key] for key in keys if config.get(key) is not None), None)


def _group(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _word(value: object) -> str:
    return value.strip().lower()[:40] if isinstance(value, str) else ""
