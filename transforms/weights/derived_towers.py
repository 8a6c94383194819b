"""Vision and audio towers with their projectors as parameter counts in closed form, from their part of the config.

A tower is a transformer whose sizes the config gives; a table gives the form of its blocks and of its projector by kind. Only
the total matters: towers are neither quantized nor divided by tensor parallelism.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transforms.layers.layer import Shape

_VISION_KEYS = ("vision_config", "vision_cfg", "vision_tower_cfg", "vision_encoder_config", "vision_model_config", "visual")
_AUDIO_KEYS = ("audio_config", "audio_cfg", "audio_encoder_config", "speech_config")
_LARGEST = 2**24


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


_CLIP = {"hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14, "image_size": 336}
_SIGLIP = {"hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14, "image_size": 384}
_TOWERS: tuple[tuple[str, Tower], ...] = (
    ("qwen2_5_vl", Tower(3, positions=False, projector="merger", defaults={
        "hidden_size": 1280, "layers": 32, "intermediate_size": 3420, "patch_size": 14, "temporal_patch_size": 2})),
    ("qwen2_5_omni", Tower(3, positions=False, projector="merger", defaults={
        "hidden_size": 1280, "layers": 32, "intermediate_size": 3420, "patch_size": 14, "temporal_patch_size": 2})),
    ("qwen2_vl", Tower(2, positions=False, projector="merger", defaults={
        "embed_dim": 1280, "layers": 32, "intermediate_size": 5120, "patch_size": 14, "temporal_patch_size": 2})),
    ("qwen3", Tower(2, projector="merger", defaults={
        "hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 16, "temporal_patch_size": 2,
        "num_position_embeddings": 2304})),
    ("glm4v", Tower(3, bias=False, projector="glm", defaults={
        "hidden_size": 1536, "layers": 24, "intermediate_size": 13696, "patch_size": 14, "temporal_patch_size": 2,
        "image_size": 336})),
    # MobileNet V5 300M encoder, a convolutional network without sizes in the config: the published total less text and audio
    ("gemma3n", Tower(fixed=296_700_000)),
    ("gemma4", Tower(3, bias=False, projector="linear", defaults={"patch_size": 16})),
    ("pixtral", Tower(3, bias=False, positions=False, projector="two_linear", defaults={
        "hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 16})),
    ("mistral3", Tower(3, bias=False, positions=False, projector="patch_merger", defaults={
        "hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14})),
    ("llama4", Tower(2, projector="llama4", defaults={
        "hidden_size": 1408, "layers": 34, "intermediate_size": 5632, "patch_size": 14, "image_size": 336})),
    ("mllama", Tower(2, bias=False, projector="mllama", defaults={
        "hidden_size": 1280, "layers": 32, "intermediate_size": 5120, "patch_size": 14, "image_size": 560})),
    ("kimi", Tower(2, positions=False, projector="shuffle", defaults={
        "hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14})),
    ("moonvit", Tower(2, positions=False, projector="shuffle", defaults={
        "hidden_size": 1152, "layers": 27, "intermediate_size": 4304, "patch_size": 14})),
    ("intern", Tower(2, projector="shuffle_text", defaults={
        "hidden_size": 1024, "layers": 24, "intermediate_size": 4096, "patch_size": 14, "image_size": 448})),
    ("gemma3", Tower(2, projector="linear", defaults=_SIGLIP)),
    ("paligemma", Tower(2, projector="linear", defaults=_SIGLIP)),
    ("idefics3", Tower(2, projector="shuffle_linear", defaults=_SIGLIP)),
    ("smolvlm", Tower(2, projector="shuffle_linear", defaults=_SIGLIP)),
    ("minicpm", Tower(2, projector="resampler", defaults=_SIGLIP)),
    ("deepseek_vl", Tower(2, projector="shuffle_text", defaults=_SIGLIP)),
    ("phi3_v", Tower(2, projector="phi", defaults=_CLIP)),
    ("clip", Tower(2, defaults=_CLIP)),
    ("siglip", Tower(2, defaults=_SIGLIP)),
)  # fmt: skip


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
        for prefix, tower in _TOWERS:
            if name.startswith(prefix) or (prefix in ("siglip", "clip") and prefix in name):
                return tower
    return Tower(defaults={"patch_size": 14, "image_size": 336})


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
    layers = min(_size(vision, Tower(), "num_hidden_layers", "depth", "vt_num_hidden_layers", "layers") or layers, 1000)
    inner = _size(vision, Tower(), "intermediate_size", "vt_intermediate_size", "image_mlp_dim") or _by_ratio(vision, hidden)
    inner = inner or _size(vision, tower, "intermediate_size") or 4 * hidden
    if outer.startswith("glm4v"):
        projected = _size(vision, tower, "out_hidden_size") or text
        block = 4 * hidden * hidden + 3 * hidden * projected + 2 * hidden
        glm_inner = _size(vision, tower, "intermediate_size")
        stem = hidden * 3 * 14 * 14 * 2 + 24 * 24 * hidden
        return layers * block + stem + 4 * hidden * projected + projected * projected + 3 * projected * glm_inner
    block = 4 * hidden * hidden + tower.matrices * hidden * inner + 2 * hidden
    if tower.bias:
        block += 4 * hidden + (tower.matrices - 1) * inner + hidden + 2 * hidden
    patch = _size(vision, tower, "patch_size", "spatial_patch_size") or 14
    stem = hidden * 3 * patch * patch * (_size(vision, tower, "temporal_patch_size") or 1)
    image = _size(vision, tower, "image_size", "force_image_size")
    if tower.positions:
        table = _size(vision, tower, "num_position_embeddings") or 2 * _size(vision, tower, "position_embedding_size")
        stem += hidden * (table or (image // patch) ** 2 + 1)
    return layers * block + stem + _projector(tower, vision, hidden, text, layers, block)


def _by_ratio(vision: Mapping[str, object], hidden: int) -> int:
    ratio = vision.get("mlp_ratio")
    return int(hidden * ratio) if isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 < ratio < 100 else 0


def _projector(tower: Tower, vision: Mapping[str, object], hidden: int, text: int, layers: int, block: int) -> int:
    shuffled = 4 * hidden
    kind = tower.projector
    if kind == "linear":
        return hidden * text
    if kind == "two_linear":
        return hidden * text + text * text + 2 * text
    if kind == "merger":
        out = _size(vision, tower, "out_hidden_size") or text
        deep = vision.get("deepstack_visual_indexes")
        mergers = 1 + (len(deep) if isinstance(deep, list) and len(deep) < 100 else 0)
        return mergers * (shuffled * shuffled + shuffled * out + shuffled + out + hidden)
    if kind == "patch_merger":
        return shuffled * hidden + hidden * text + text * text
    if kind == "shuffle":
        return shuffled * shuffled + shuffled * text + 64 * 64 * hidden
    if kind == "shuffle_text":
        return shuffled * text + text * text + 2 * text + 2 * shuffled
    if kind == "shuffle_linear":
        return (_size(vision, tower, "scale_factor") or 3) ** 2 * hidden * text
    if kind == "resampler":
        return 6 * text * text + hidden * text
    if kind == "phi":
        return shuffled * text + text * text
    if kind == "llama4":
        out = _size(vision, tower, "projector_output_dim") or 4096
        return 4 * hidden * out + out * out + out * text
    if kind == "mllama":  # eight global layers more, gated position tables, five intermediate outputs beside the last
        extra = _size(vision, tower, "num_global_layers") or 8
        tiles = 4 * (1601 + 2) * hidden * 9
        return extra * block + tiles + 6 * hidden * text + text
    return 0


def _audio(audio: Mapping[str, object], outer: str, text: int) -> int:
    width = _size(audio, Tower(), "d_model", "hidden_size") or 0
    layers = min(_size(audio, Tower(), "encoder_layers", "num_hidden_layers", "conf_num_hidden_layers", "num_layers"), 1000)
    if outer.startswith(("gemma4", "gemma3n")):  # conformer: two feed-forward halves, attention with positions, convolution
        return layers * 24 * width * width + (_size(audio, Tower(), "output_proj_dims") or text) * (width + text)
    inner = _size(audio, Tower(), "encoder_ffn_dim", "intermediate_size") or 4 * width
    stem = 3 * width * (128 + width) + 1500 * width
    return layers * (4 * width * width + 2 * width * inner) + stem + width * text
