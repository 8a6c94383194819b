"""Vision and audio towers with their projectors as parameter counts in closed form, from their part of the config.

A tower is a transformer whose sizes the config gives; a table gives the form of its blocks and of its projector by kind. Only
the total matters: towers are neither quantized nor divided by tensor parallelism.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from transforms.config.config_fields import is_number
from transforms.layers.layer import Shape
from transforms.weights.tower_table import NO_TOWER, TOWERS, UNKNOWN_TOWER, Tower

_VISION_KEYS = ("vision_config", "vision_cfg", "vision_tower_cfg", "vision_encoder_config", "vision_model_config", "visual")
_AUDIO_KEYS = ("audio_config", "audio_cfg", "audio_encoder_config", "speech_config")
_LARGEST = 2**24


def tower_tensors(root: Mapping[str, object], text_hidden: int) -> list[Shape]:
    """The towers of a config as one tensor of parameters each; none for a model of text alone."""
    thinker = root.get("thinker_config")
    holder = thinker if isinstance(thinker, Mapping) else root
    shapes: list[Shape] = []
    vision = _first(holder, _VISION_KEYS)
    outer = str(root.get("model_type") or "").lower()
    if vision is None and ("img_processor" in root or "embd_layer" in root or "phi3_v" in outer):
        vision = {}
    if vision is None and outer.startswith("llava") and root.get("mm_vision_tower"):
        vision = {"model_type": "siglip" if "siglip" in str(root["mm_vision_tower"]).lower() else "clip"}
    if vision is not None:
        shapes.append(("vision_tower.parameters", (_vision(vision, outer, text_hidden),)))
    audio = _first(holder, _AUDIO_KEYS)
    if audio is not None:
        shapes.append(("audio_tower.parameters", (_audio(audio, outer, text_hidden),)))
    return shapes


def _first(holder: Mapping[str, object], keys: tuple[str, ...]) -> Mapping[str, object] | None:
    return next((part for key in keys if isinstance(part := holder.get(key), Mapping)), None)


def _tower(vision: Mapping[str, object], outer: str) -> Tower:
    inner = str(vision.get("model_type") or vision.get("model_name") or "").lower()
    for name in (outer, inner):
        for prefix, tower in TOWERS:
            if name.startswith(prefix) or (prefix in ("siglip", "clip") and prefix in name):
                return tower
    return UNKNOWN_TOWER


def _size(config: Mapping[str, object], tower: Tower, *keys: str) -> int:
    for key in keys:
        value = config.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
            return value
    return next((tower.defaults[key] for key in keys if key in tower.defaults), 0)


def _vision(vision: Mapping[str, object], outer: str, text: int) -> int:
    tower = _tower(vision, outer)
    if tower.fixed:
        return tower.fixed
    embed = _size(vision, tower, "embed_dim")
    hidden = embed or _size(vision, tower, "hidden_size", "vt_hidden_size", "width", "image_emb_dim")
    layers = min(_size(vision, tower, "layers", "num_hidden_layers", "depth", "vt_num_hidden_layers", "image_num_layers"), 1000)
    layers = min(_size(vision, NO_TOWER, "num_hidden_layers", "depth", "vt_num_hidden_layers", "layers") or layers, 1000)
    inner = _size(vision, NO_TOWER, "intermediate_size", "vt_intermediate_size", "image_mlp_dim") or _by_ratio(vision, hidden)
    inner = inner or _size(vision, tower, "intermediate_size") or 4 * hidden
    if outer.startswith("glm4v"):
        return _glm_vision(vision, tower, hidden, layers, text)
    block = 4 * hidden * hidden + tower.matrices * hidden * inner + 2 * hidden
    if tower.bias:
        block += 4 * hidden + (tower.matrices - 1) * inner + hidden + 2 * hidden
    patch = _size(vision, tower, "patch_size", "spatial_patch_size") or 14
    stem = hidden * 3 * patch * patch * (_size(vision, tower, "temporal_patch_size") or 1)
    image = _size(vision, tower, "image_size", "force_image_size")
    if tower.positions:
        table = _size(vision, tower, "num_position_embeddings") or 2 * _size(vision, tower, "position_embedding_size")
        stem += hidden * (table or (image // patch) ** 2 + 1)
    return layers * block + stem + _projector(_Joint(tower, vision, hidden, text, block))


def _glm_vision(vision: Mapping[str, object], tower: Tower, hidden: int, layers: int, text: int) -> int:
    """GLM's tower, whose feed-forward parts are as wide as the output and whose projector is gated."""
    projected, inner = _size(vision, tower, "out_hidden_size") or text, _size(vision, tower, "intermediate_size")
    block = 4 * hidden * hidden + 3 * hidden * projected + 2 * hidden
    stem = hidden * 3 * 14 * 14 * 2 + 24 * 24 * hidden
    return layers * block + stem + 4 * hidden * projected + projected * projected + 3 * projected * inner


def _by_ratio(vision: Mapping[str, object], hidden: int) -> int:
    ratio = vision.get("mlp_ratio")
    return int(hidden * ratio) if is_number(ratio) and 0 < ratio < 100 else 0


class _Joint(NamedTuple):
    """The place between tower and language model: the tower, its config and widths, and the parameters of one block."""

    tower: Tower
    vision: Mapping[str, object]
    hidden: int
    text: int
    block: int


def _projector(joint: _Joint) -> int:
    """Parameters of the projector, and of what else a tower has beyond its blocks."""
    _, _, hidden, text, _ = joint
    shuffled = 4 * hidden  # four neighbouring patches as one
    simple = {
        "linear": hidden * text,
        "two_linear": hidden * text + text * text + 2 * text,
        "patch_merger": shuffled * hidden + hidden * text + text * text,
        "shuffle": shuffled * shuffled + shuffled * text + 64 * 64 * hidden,
        "shuffle_text": shuffled * text + text * text + 2 * text + 2 * shuffled,
        "resampler": 6 * text * text + hidden * text,
        "phi": shuffled * text + text * text,
    }
    by_config = {"merger": _merger, "shuffle_linear": _shuffle_linear, "llama4": _llama4, "mllama": _mllama}
    kind = joint.tower.projector
    return by_config[kind](joint) if kind in by_config else simple.get(kind, 0)


def _merger(joint: _Joint) -> int:
    tower, vision, hidden, text, _ = joint
    shuffled, out = 4 * hidden, _size(vision, tower, "out_hidden_size") or text
    deep = vision.get("deepstack_visual_indexes")
    mergers = 1 + (len(deep) if isinstance(deep, list) and len(deep) < 100 else 0)
    return mergers * (shuffled * shuffled + shuffled * out + shuffled + out + hidden)


def _shuffle_linear(joint: _Joint) -> int:
    return (_size(joint.vision, joint.tower, "scale_factor") or 3) ** 2 * joint.hidden * joint.text


def _llama4(joint: _Joint) -> int:
    out = _size(joint.vision, joint.tower, "projector_output_dim") or 4096
    return 4 * joint.hidden * out + out * out + out * joint.text


def _mllama(joint: _Joint) -> int:
    """Eight global layers more, gated position tables, five intermediate outputs beside the last."""
    tower, vision, hidden, text, block = joint
    extra = _size(vision, tower, "num_global_layers") or 8
    tiles = 4 * (1601 + 2) * hidden * 9
    return extra * block + tiles + 6 * hidden * text + text


def _audio(audio: Mapping[str, object], outer: str, text: int) -> int:
    width = _size(audio, NO_TOWER, "d_model", "hidden_size") or 0
    layers = min(_size(audio, NO_TOWER, "encoder_layers", "num_hidden_layers", "conf_num_hidden_layers", "num_layers"), 1000)
    if outer.startswith(("gemma4", "gemma3n")):  # conformer: two feed-forward halves, attention with positions, convolution
        return layers * 24 * width * width + (_size(audio, NO_TOWER, "output_proj_dims") or text) * (width + text)
    inner = _size(audio, NO_TOWER, "encoder_ffn_dim", "intermediate_size") or 4 * width
    stem = 3 * width * (128 + width) + 1500 * width
    return layers * (4 * width * width + 2 * width * inner) + stem + width * text
