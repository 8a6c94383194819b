"""The modules that a quantized checkpoint lists, to quantize or to leave in 16 bit: names, globs and expressions.

The list is not trusted: expressions are read as globs with alternatives and never handed to a regular-expression engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d{1,6})(?=\.|\*|$)")
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")
_PREFIX = re.compile(r"^.*?(?:layers|h|blocks)\.\*\.")
_ALIASES = (
    ("mlp.experts.*", "block_sparse_moe.experts.*"), ("mlp.experts.*", "mixer.experts.*"), ("mlp.experts.*",
    "feed_forward.experts.*"),
    ("mlp.", "feed_forward."), ("mlp.shared_experts.", "mlp.shared_expert."), ("mlp.shared_experts.", "mixer.shared_experts."),
    ("mlp.shared_experts.", "shared_experts."), ("self_attn.", "mixer."), ("mamba.", "mixer."), ("mamba.", "linear_attn."),
    ("mlp.", "mixer."), ("self_attn.", "attn."), ("mlp.shared_experts.", "ffn.shared_experts."),
    ("mlp.experts.*", "ffn.experts.*"), ("mlp.", "ffn."),
)  # fmt: skip


class ListedModules:
    """The list of a checkpoint, ready to be asked for a module of a layer."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._everywhere: set[str] = set()
        self._by_layer: dict[int, set[str]] = {}
        for entry in entries:
            for glob in _globs(entry):
                found = _LAYER.search(glob)
                if found is None:
                    self._everywhere.add(_PREFIX.sub("", glob))
                    continue
                rest = _NUMBER.sub("*", glob[found.end() :].lstrip("."))
                self._by_layer.setdefault(int(found.group(1)), set()).add(rest or "*")

    def __bool__(self) -> bool:
        return bool(self._everywhere or self._by_layer)

    def matches(self, template: str, layer: int | None) -> bool:
        """True when a module (its name with `*` for numbers) of a layer is on the list."""
        rest = _PREFIX.sub("", template)
        names = [rest, *(rest.replace(ours, theirs, 1) for ours, theirs in _ALIASES if rest.startswith(ours))]
        patterns = self._everywhere | (self._by_layer.get(layer, set()) if layer is not None else set())
        return any(_matches(name, pattern) for pattern in patterns for name in names)


def _globs(entry: str) -> list[str]:
    if not entry.startswith("re:"):
        return [entry]
    text = (
        entry[3:]
        .removeprefix("^")
        .removesuffix("$")
        .replace(".*", "*")
        .replace("\\d+", "*")
        .replace("\\.", ".")
        .replace("\\", "")
    )
    found = re.search(r"\(([^()]*\|[^()]*)\)", text)
    if found is None:
        return [text.replace("(", "").replace(")", "")]
    return [
        (text[: found.start()] + word + text[found.end() :]).replace("(", "").replace(")", "")
        for word in found.group(1).split("|")[:50]
    ]


def _matches(name: str, pattern: str) -> bool:
    if "*" not in pattern:
        return name == pattern or name.startswith(f"{pattern}.") or f".{pattern}." in f".{name}."
    pieces = pattern.split("*")
    if not any(pieces):
        return True
    position = 0
    for number, piece in enumerate(pieces):
        if not piece:
            continue
        found = name.find(piece.strip(".") if number else piece, position)
        if found < 0 or (number == 0 and found != 0):
            return False
        position = found + len(piece.strip(".") if number else piece)
    return True
