"""Kinds of vision towers: the form of their blocks and projectors, and the sizes that configs leave out. A table, not code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tower:
    """A kind of tower.

    Args:
        matrices: those of a feed-forward part, 2 or 3.
        bias: whether projections have biases.
        positions: whether positions are learned.
        projector: the shape of the projector, see `_projector`.
        fixed: the whole count where configs give no sizes.
        defaults: sizes that configs leave out.
    """

    matrices: int = 2
    bias: bool = True
    positions: bool = True
    projector: str = "two_linear"
    fixed: int = 0
    defaults: Mapping[str, int] = field(default_factory=dict)


NO_TOWER = Tower()

_CLIP = {"hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14, "image_size": 336}
_SIGLIP = {"hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14, "image_size": 384}
TOWERS: tuple[tuple[str, Tower], ...] = (
    (
        "qwen2_5_vl",
        Tower(
            3,
            positions=False,
            projector="merger",
            defaults={"hidden_size": 1280, "layers": 32, "intermediate_size": 3420, "patch_size": 14, "temporal_patch_size": 2},
        ),
    ),
    (
        "qwen2_5_omni",
        Tower(
            3,
            positions=False,
            projector="merger",
            defaults={"hidden_size": 1280, "layers": 32, "intermediate_size": 3420, "patch_size": 14, "temporal_patch_size": 2},
        ),
    ),
    (
        "qwen2_vl",
        Tower(
            2,
            positions=False,
            projector="merger",
            defaults={"embed_dim": 1280, "layers": 32, "intermediate_size": 5120, "patch_size": 14, "temporal_patch_size": 2},
        ),
    ),
    (
        "qwen3",
        Tower(
            2,
            projector="merger",
            defaults={
                "hidden_size": 1152,
                "layers": 27,
                "intermediate_size": 4304,
                "patch_size": 16,
                "temporal_patch_size": 2,
                "num_position_embeddings": 2304,
            },
        ),
    ),
    (
        "glm4v",
        Tower(
            3,
            bias=False,
            projector="glm",
            defaults={
                "hidden_size": 1536,
                "layers": 24,
                "intermediate_size": 13696,
                "patch_size": 14,
                "temporal_patch_size": 2,
                "image_size": 336,
            },
        ),
    ),
    # MobileNet V5 300M encoder, a convolutional network without sizes in the config: the published total less text and audio
    ("gemma3n", Tower(fixed=296_700_000)),
    ("gemma4", Tower(3, bias=False, projector="linear", defaults={"patch_size": 16})),
    (
        "pixtral",
        Tower(
            3,
            bias=False,
            positions=False,
            projector="two_linear",
            defaults={"hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 16},
        ),
    ),
    (
        "mistral3",
        Tower(
            3,
            bias=False,
            positions=False,
            projector="patch_merger",
            defaults={"hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14},
        ),
    ),
    (
        "llama4",
        Tower(
            2,
            projector="llama4",
            defaults={"hidden_size": 1408, "layers": 34, "intermediate_size": 5632, "patch_size": 14, "image_size": 336},
        ),
    ),
    (
        "mllama",
        Tower(
            2,
            bias=False,
            projector="mllama",
            defaults={"hidden_size": 1280, "layers": 32, "intermediate_size": 5120, "patch_size": 14, "image_size": 560},
        ),
    ),
    (
        "kimi",
        Tower(
            2,
            positions=False,
            projector="shuffle",
            defaults={"hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14},
        ),
    ),
    (
        "moonvit",
        Tower(
            2,
            positions=False,
            projector="shuffle",
            defaults={"hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14},
        ),
    ),
    (
        "intern",
        Tower(
            2,
            projector="shuffle_text",
            defaults={"hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14, "image_size": 448},
        ),
    ),
    ("gemma3", Tower(2, projector="linear", defaults=_SIGLIP)),
    ("paligemma", Tower(2, projector="linear", defaults=_SIGLIP)),
    ("idefics3", Tower(2, projector="shuffle_linear", defaults=_SIGLIP)),
    ("smolvlm", Tower(2, projector="shuffle_linear", defaults=_SIGLIP)),
    ("minicpm", Tower(2, projector="resampler", defaults=_SIGLIP)),
    ("deepseek_vl", Tower(2, projector="shuffle_text", defaults=_SIGLIP)),
    ("phi3_v", Tower(2, projector="phi", defaults=_CLIP)),
    ("clip", Tower(2, defaults=_CLIP)),
    ("siglip", Tower(2, defaults=_SIGLIP)),
)
"""Kinds of towers by the beginning of the model's or the tower's model_type, the first that fits."""

UNKNOWN_TOWER = Tower(defaults={"patch_size": 14, "image_size": 336})
