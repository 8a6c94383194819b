"""Accelerators by any of their spellings: the key in the gpus catalog, an alias, or either with other spacing and case."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import polars as pl

SEPARATORS = re.compile(r"[\s_\-/(),®™]+")
"""Characters that may stand between the parts of a name without changing which accelerator is meant."""

MAKERS = re.compile(r"^(nvidia|amd|intel|aws|google|tesla|geforce|instinct)+")
"""Makers and product lines that people write before the name proper."""


@dataclass(frozen=True)
class GpuMatch:
    """An accelerator's key in the gpus catalog, and what the spelling takes for granted (null for nothing)."""

    gpu: str
    assumption: str | None


class UnknownGpuError(ValueError):
    """No accelerator of the catalog has the name; the message lists the nearest ones."""


def normalized(text: str) -> str:
    """The name in lower case without spaces, underscores, hyphens and brackets: what decides whether two spellings agree."""
    return SEPARATORS.sub("", text.casefold())


def lookup_gpu(text: str, gpus: pl.DataFrame, aliases: pl.DataFrame) -> GpuMatch:
    """The accelerator that `text` names.

    Args: any spelling; the gpus catalog; the gpu_aliases catalog. A key wins over an alias, and the name as written over
    the name without its maker ("NVIDIA", "AMD Instinct", …).
    Raises UnknownGpuError with the nearest known accelerators.
    """
    known = {normalized(alias): GpuMatch(gpu, note) for alias, gpu, note in aliases.select("alias", "gpu", "assumption").rows()}
    known |= {normalized(gpu): GpuMatch(gpu, None) for gpu in gpus["gpu"]}
    name = normalized(text)
    match = known.get(name) or known.get(MAKERS.sub("", name))
    if match is not None:
        return match
    near = [known[close].gpu for close in difflib.get_close_matches(MAKERS.sub("", name), known, n=12, cutoff=0.5)]
    nearest = ", ".join(list(dict.fromkeys(near))[:3]) or "none is close; see catalogs/gpus.csv"
    raise UnknownGpuError(f"unknown gpu {text!r}; nearest known: {nearest}")
