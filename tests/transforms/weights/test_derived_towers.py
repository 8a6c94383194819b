"""Vision and audio towers in closed form: against the towers of published models, and each projector by hand."""

from __future__ import annotations

import pytest

from transforms.weights.derived_towers import tower_tensors

CLIP_L = {"model_type": "clip_vision_model", "hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096,
          "image_size": 336, "patch_size": 14}  # fmt: skip
SIGLIP = {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_hidden_layers": 27, "intermediate_size": 4304,
          "image_size": 896, "patch_size": 14}  # fmt: skip


def tower(model_type: str, vision: dict[str, object], text: int, key: str = "vision_config", **more: object) -> int:
    ((name, (count,)),) = tower_tensors({"model_type": model_type, key: vision, **more}, text)
    assert name == "vision_tower.parameters"
    return count


@pytest.mark.parametrize(
    ("model_type", "vision", "text", "published"),
    [
        ("llava", CLIP_L, 4096, 324_487_168),
        ("gemma3", SIGLIP, 5376, 423_060_336),
        ("qwen2_vl", {"embed_dim": 1280, "depth": 32, "mlp_ratio": 4, "patch_size": 14, "temporal_patch_size": 2}, 3584,
         675_759_104),
        ("qwen2_5_vl", {"hidden_size": 1280, "depth": 32, "intermediate_size": 3420, "out_hidden_size": 3584, "patch_size": 14,
                        "temporal_patch_size": 2}, 3584, 676_550_144),
        ("glm4v", {"hidden_size": 1536, "depth": 24, "intermediate_size": 13696, "out_hidden_size": 4096}, 4096, 892_498_432),
        ("mistral3", {"hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096, "patch_size": 14}, 5120,
         438_958_080),
        ("mllama", {"hidden_size": 1280, "num_hidden_layers": 32, "intermediate_size": 5120, "patch_size": 14,
                    "image_size": 560, "num_global_layers": 8}, 4096, 895_028_755),
        ("internvl_chat", {"hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096, "patch_size": 14,
                           "image_size": 448}, 2048, 316_607_488),
        ("kimi_k25", {"vt_hidden_size": 1152, "vt_num_hidden_layers": 27, "vt_intermediate_size": 4304}, 7168, 471_143_920),
    ],
)  # fmt: skip
def test_towers_of_published_models(model_type: str, vision: dict[str, object], text: int, published: int) -> None:
    assert tower(model_type, vision, text) == pytest.approx(published, rel=0.02)


def test_a_block_has_four_projections_a_feed_forward_part_two_norms_and_biases() -> None:
    """Width 8, inner 16, patches of 2 in an image of 4: 5 positions. Two matrices; text of 32."""
    vision = {"model_type": "siglip", "hidden_size": 8, "num_hidden_layers": 3, "intermediate_size": 16, "patch_size": 2,
              "image_size": 4}  # fmt: skip
    block = 4 * (8 * 8 + 8) + (8 * 16 + 16) + (16 * 8 + 8) + 2 * (8 + 8)
    stem = 3 * 2 * 2 * 8 + 5 * 8
    assert tower("new", vision, 32) == 3 * block + stem + (8 * 32 + 32) + (32 * 32 + 32)


def test_a_tower_without_biases_and_positions_has_three_matrices() -> None:
    vision = {"hidden_size": 8, "num_hidden_layers": 3, "intermediate_size": 16, "patch_size": 2}
    block = 4 * 8 * 8 + 3 * 8 * 16 + 2 * 8
    assert tower("pixtral", vision, 32) == 3 * block + 3 * 2 * 2 * 8 + (8 * 32 + 32) + (32 * 32 + 32)


SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 16, "patch_size": 2, "image_size": 4,
         "temporal_patch_size": 1, "num_position_embeddings": 5, "out_hidden_size": 32}  # fmt: skip


@pytest.mark.parametrize(
    ("model_type", "more", "projector"),
    [
        ("gemma3", {}, 8 * 32),
        ("qwen3_vl", {}, 32 * 32 + 32 * 32 + 32 + 32 + 8),
        ("qwen3_vl", {"deepstack_visual_indexes": [1, 2]}, 3 * (32 * 32 + 32 * 32 + 32 + 32 + 8)),
        ("internvl_chat", {}, 32 * 32 + 32 * 32 + 2 * 32 + 2 * 32),
        ("idefics3", {"scale_factor": 2}, 4 * 8 * 32),
        ("smolvlm", {}, 9 * 8 * 32),
        ("minicpmv", {}, 6 * 32 * 32 + 8 * 32),
        ("phi3_v", {}, 32 * 32 + 32 * 32),
        ("llama4", {"projector_output_dim": 64}, 4 * 8 * 64 + 64 * 64 + 64 * 32),
        ("clip", {}, 8 * 32 + 32 * 32 + 2 * 32),
    ],
)
def test_projectors(model_type: str, more: dict[str, object], projector: int) -> None:
    block = 4 * (8 * 8 + 8) + (8 * 16 + 16) + (16 * 8 + 8) + 2 * (8 + 8)
    assert tower(model_type, {**SMALL, **more}, 32) == block + 3 * 2 * 2 * 8 + 5 * 8 + projector


def test_projectors_of_towers_without_positions() -> None:
    block = 4 * (8 * 8 + 8) + (8 * 16 + 16) + (16 * 8 + 8) + 2 * (8 + 8)
    stem = 3 * 2 * 2 * 8
    assert tower("moonvit", SMALL, 32) == block + stem + 32 * 32 + 32 * 32 + 64 * 64 * 8
    plain = 4 * 8 * 8 + 3 * 8 * 16 + 2 * 8
    assert tower("mistral3", SMALL, 32) == plain + stem + 32 * 8 + 8 * 32 + 32 * 32


def test_mllama_has_global_layers_and_gated_position_tables() -> None:
    block = 4 * 8 * 8 + 2 * 8 * 16 + 2 * 8
    tiles = 4 * (1601 + 2) * 8 * 9
    found = tower("mllama", {**SMALL, "num_global_layers": 2}, 32)
    assert found == (1 + 2) * block + 3 * 2 * 2 * 8 + 5 * 8 + tiles + 6 * 8 * 32 + 32


def test_gemma_4_states_half_of_its_positions() -> None:
    vision = {key: value for key, value in SMALL.items() if key != "num_position_embeddings"} | {"position_embedding_size": 10}
    block = 4 * 8 * 8 + 3 * 8 * 16 + 2 * 8
    assert tower("gemma4", vision, 32) == block + 3 * 2 * 2 * 8 + 2 * 10 * 8 + 8 * 32


def test_sizes_that_a_config_leaves_out_are_those_of_its_kind() -> None:
    assert tower("gemma3n", {}, 2048) == 296_700_000
    assert tower("phi3_v", {}, 3072) == tower("phi3_v", CLIP_L, 3072)
    assert tower_tensors({"model_type": "phi3_v"}, 3072) == [("vision_tower.parameters", (tower("phi3_v", CLIP_L, 3072),))]
    assert tower_tensors({"model_type": "x", "img_processor": None}, 64)
    named = tower_tensors({"model_type": "llava_llama", "mm_vision_tower": "google/siglip-so400m-patch14-384"}, 64)
    assert named[0][1][0] == tower("new", {**SIGLIP, "image_size": 384}, 64)
    assert tower_tensors({"model_type": "llava_llama", "mm_vision_tower": "clip-large"}, 64) == [
        ("vision_tower.parameters", (tower("new", CLIP_L, 64),))
    ]


def test_a_width_may_be_stated_as_a_ratio_or_a_list() -> None:
    by_ratio = {**SMALL, "intermediate_size": None, "mlp_ratio": 2.0}
    assert tower("clip", by_ratio, 32) == tower("clip", SMALL, 32)
    assert tower("clip", {**SMALL, "patch_size": [2, 2]}, 32) == tower("clip", SMALL, 32)
    assert tower("new", {**by_ratio, "mlp_ratio": True}, 32) == tower("new", {**SMALL, "intermediate_size": 32}, 32)


def test_a_model_of_text_alone_has_no_tower() -> None:
    assert tower_tensors({"model_type": "llama"}, 64) == []


def test_audio_towers() -> None:
    whisper = {"d_model": 8, "encoder_layers": 2, "encoder_ffn_dim": 32}
    found = tower_tensors({"model_type": "qwen2_audio", "audio_config": whisper}, 16)
    stem = 3 * 8 * (128 + 8) + 1500 * 8
    assert found == [("audio_tower.parameters", (2 * (4 * 64 + 2 * 8 * 32) + stem + 8 * 16,))]
    inside = tower_tensors({"model_type": "qwen2_5_omni", "thinker_config": {"audio_config": whisper}}, 16)
    assert inside == found
    conformer = {"hidden_size": 8, "conf_num_hidden_layers": 2}
    assert tower_tensors({"model_type": "gemma3n", "audio_config": conformer}, 16) == [
        ("audio_tower.parameters", (2 * 24 * 64 + 16 * (8 + 16),))
    ]
    wide = {"d_model": 8, "encoder_layers": 2}
    assert tower_tensors({"model_type": "x", "audio_config": wide}, 16)[0][1] == (2 * (4 * 64 + 2 * 8 * 32) + stem + 8 * 16,)
