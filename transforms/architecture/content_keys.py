"""Hashes by which two checkpoints are known to have the same tensors: of their texts, and of what in a config can matter.

Hundreds of thousands of fine-tunes repeat a few thousand configs, differing in their own name, the version that wrote the file
and the like. Two models whose configs are the same but for such keys, and whose stored elements are the same by dtype, are taken
to have the same tensors. (Different groupings with equal totals, say a wider MLP paid for by a smaller vocabulary under one and
the same config, cannot be told apart this way; the config states both, so an engine could not load such a model either.)
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from transforms.config.config import ConfigError, parse_config
from transforms.weights.safetensors import HeaderError, read_summary

INERT_KEYS = frozenset({
    "_name_or_path", "_commit_hash", "transformers_version", "use_cache", "bos_token_id", "eos_token_id", "pad_token_id",
    "initializer_range", "attention_dropout", "hidden_dropout", "embd_pdrop", "attn_pdrop", "resid_pdrop", "unsloth_fixed",
    "unsloth_version",
})  # fmt: skip
"""Keys of a config that say nothing of tensors, caches or arithmetic; no estimate reads them."""


_REMEMBERED_CHARACTERS = 2**16
"""Texts up to this length, nearly all configs and summaries of headers, are hashed once however many models repeat them."""


def text_hash(text: str) -> str:
    """The name of a text in `hub_texts`: BLAKE2b of its UTF-8 bytes, 128 bit."""
    return _remembered_hash(text) if len(text) <= _REMEMBERED_CHARACTERS else _hash(text)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


_remembered_hash = lru_cache(maxsize=1_024)(_hash)


def config_key(config_json: str, quantization_json: str | None = None) -> str | None:
    """Hash of what in a config.json (and the quantization file beside it) can matter; None when the config cannot be read."""
    try:
        config = parse_config(config_json)
    except ConfigError:
        return None
    return key_of(config, quantization_json)


def key_of(config: dict[str, object], quantization_json: str | None) -> str:
    """`config_key` of a config that has been parsed."""
    kept = {key: value for key, value in config.items() if key not in INERT_KEYS}
    return text_hash(json.dumps([kept, quantization_json], sort_keys=True, separators=(",", ":")))


def totals_agree(header_summary: str, safetensors_totals: str | None) -> bool:
    """True when headers hold exactly the elements by dtype that the Hub states, so that they may stand for others'."""
    if safetensors_totals is None:
        return False
    try:
        forms = read_summary(header_summary).tensors
    except HeaderError:
        return False
    counted: dict[str, int] = {}
    for form in forms:
        counted[form.dtype] = counted.get(form.dtype, 0) + form.elements
    stated = json.loads(safetensors_totals)
    return {dtype: elements for dtype, elements in counted.items() if elements} == {
        dtype: elements for dtype, elements in stated.items() if elements
    }
