"""The one list of kinds of layers, and how configs name them."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, extracted, refused

import transforms.layers.layer_kinds as naming
from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.config.traits import TRAITS, is_one_of
from transforms.layers.attention.compressed import COMPRESSED
from transforms.layers.attention.sparse_latent import SPARSE_INDEX
from transforms.layers.kinds import KINDS, kind_meant
from transforms.layers.layer import Layer, LayerGroup, LayerKind
from transforms.layers.layer_groups import layer_groups
from transforms.tables.fields import FIELDS

NAMES = {kind.name for kind in KINDS}


def fields_of(**text: object) -> Fields:
    return Fields(text, text, str(text.get("model_type") or ""), None)


def kinds_of(model_type: str = "llama", layers: int = 4, **config: object) -> list[str]:
    return naming.layer_kinds(fields_of(model_type=model_type, **config), Family(), layers)


def test_the_published_kinds_are_those_of_the_list() -> None:
    """DeepSeek V4's layers are published as their parts: a sliding window, compressed latents, an index."""
    published = {kind.published for kind in KINDS if kind is not COMPRESSED} | {SPARSE_INDEX}
    assert set(FIELDS["kind"].meaning.split(", ")) == published


def test_every_kind_is_named_once_and_stands_for_kinds_of_the_list() -> None:
    assert len(NAMES) == len(KINDS)
    assert {name for kind in KINDS for name in kind.stands_for} <= NAMES
    assert {others for kind in KINDS for _, _, others in kind.flags} <= NAMES
    assert all(str(kind.published) and repr(kind) == kind.name for kind in KINDS)
    letters = [letter for kind in KINDS for letter in kind.letters]
    assert len(letters) == len(set(letters))


def test_a_new_kind_needs_only_its_own_class(monkeypatch: pytest.MonkeyPatch) -> None:
    class Powerful(LayerKind):
        name = published = "power"
        words = ("power",)

        def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
            return (LayerGroup(self.published, state_bytes=fields.require("power_size")),)

    power = Powerful()
    monkeypatch.setattr(naming, "_WORDS", (("power", power.name), *naming._WORDS))
    assert kinds_of(layers=2, layer_types=["power_attention", "full_attention"]) == ["power", "full"]
    fields = fields_of(power_size=7)
    counted = layer_groups([power.layer(fields, 64, power.name)] * 3, fields)
    assert [(group.group.kind, group.layers, group.group.state_bytes, group.holds_tokens) for group in counted] == [
        ("power", 3, 7, False)
    ]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("full_attention", "full"),
        ("sliding_attention", "sliding"),
        ("swa", "sliding"),
        ("local", "sliding"),
        ("chunked_attention", "chunked"),
        ("linear_attention", "linear"),
        ("recurrent", "linear"),
        ("kda", "linear"),
        ("lightning-attn", "linear"),
        ("gated_delta", "linear"),
        ("rwkv", "linear"),
        ("mamba", "mamba1"),
        ("SSM", "mamba1"),
        ("conv", "short_convolution"),
        ("hybrid", "hybrid"),
        ("global", "full"),
        ("deepseek_sparse_attention", "full"),
        ("moe", "none"),
        ("mlp", "none"),
        ("identity", "none"),
        ("never_heard_of", "full"),
    ],
)
def test_words(word: str, kind: str) -> None:
    assert kinds_of(layers=2, layer_types=[word, "full"]) == [kind, "full"]


def test_letters_and_flags() -> None:
    assert kinds_of(layers=7, hybrid_override_pattern="M*|E-GSC") == [
        "mamba1", "full", "none", "none", "linear", "sliding", "short_convolution",
    ]  # fmt: skip
    assert kinds_of(attn_type_list=[0, 1, 0, 2]) == ["linear", "full", "linear", "linear"]
    assert kinds_of(hybrid_layer_pattern=[0, 1, 1, 0]) == ["full", "sliding", "sliding", "full"]


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        ({"linear_attn_config": {"full_attn_layers": [2, 4]}}, ["linear", "full", "linear", "full"]),
        ({"full_attn_idxs": [0]}, ["full", *["short_convolution"] * 3]),
        ({"attn_layer_indices": [1]}, ["mamba1", "full", "mamba1", "mamba1"]),
        ({"full_attention_layers": [3]}, ["linear", "linear", "linear", "full"]),
        ({"hybrid_layer_ids": [0, 2]}, ["hybrid", "mamba1", "hybrid", "mamba1"]),
        ({"attn_layer_period": 3, "attn_layer_offset": 1}, ["mamba1", "full", "mamba1", "mamba1"]),
        ({"attn_layer_period": 2}, ["full", "mamba1", "full", "mamba1"]),
        ({"full_attention_interval": 2}, ["linear", "full", "linear", "full"]),
        ({"layer_group_size": 3}, ["linear", "linear", "full", "full"]),
        ({"layer_group_size": 1}, ["full"] * 4),
        ({"model_type": "rwkv7"}, ["linear"] * 4),
        ({"model_type": "hymba"}, ["hybrid"] * 4),
        ({"model_type": "codestral_mamba"}, ["mamba1"] * 4),
        ({"block_types": ["recurrent", "attention"]}, ["linear", "full", "linear", "full"]),
        ({"attention_types": [[["global", "local"], 2]]}, ["full", "sliding", "full", "sliding"]),
        ({"attention_types": [[["global", "local"], 1]]}, ["full"] * 4),
        ({"attention_types": [["global"]]}, ["full"] * 4),
        ({"cross_attention_layers": [1, 9]}, ["full", "crossing", "full", "full"]),
        ({"layer_types": ["full", "local", "full", "local"], "attn_layer_period": 2}, ["full", "sliding"] * 2),
        ({"attn_type_list": [1]}, ["full"] * 4),
    ],
)
def test_keys_that_only_some_models_have(config: dict[str, object], kinds: list[str]) -> None:
    assert kinds_of(**config) == kinds  # type: ignore[arg-type]


def test_even_layers_have_the_window_and_qwen_begins_at_its_own() -> None:
    fields = fields_of(sliding_window=8)
    assert naming.layer_kinds(fields, Family(window="even"), 3) == ["sliding", "full", "sliding"]
    qwen = fields_of(sliding_window=8, use_sliding_window=True, max_window_layers=1)
    assert naming.layer_kinds(qwen, Family(window="qwen"), 3) == ["full", "sliding", "sliding"]


@pytest.mark.parametrize(
    ("config", "meant"),
    [
        ({"linear_attn_config": {}}, "kimi_delta"),
        ({"linear_num_value_heads": 4}, "gated_delta"),
        ({"model_type": "rwkv6"}, "rwkv"),
        ({"lru_width": 8}, "recurrent_unit"),
        ({"model_type": "recurrent_gemma"}, "recurrent_unit"),
        ({"model_type": "minimax_m1"}, "linear"),
    ],
)
def test_what_linear_means(config: dict[str, object], meant: str) -> None:
    assert kind_meant("linear", fields_of(**config)).name == meant


@pytest.mark.parametrize(
    ("config", "meant"),
    [
        ({"model_type": "granitemoehybrid"}, "mamba2"),
        ({"model_type": "new", "mamba_n_heads": 4}, "mamba2"),
        ({"model_type": "new"}, "mamba1"),
        ({"model_type": "jamba", "mamba_n_heads": 4}, "mamba1"),
    ],
)
def test_what_mamba_means(config: dict[str, object], meant: str) -> None:
    assert kind_meant("mamba1", fields_of(**config)).name == meant


@pytest.mark.parametrize(
    ("config", "meant"),
    [
        ({"kv_lora_rank": 8}, "latent"),
        ({"kv_lora_rank": 8, "use_mla": False}, "full"),
        ({"kv_lora_rank": 8, "index_head_dim": 4}, "sparse_latent"),
        ({"index_head_dim": 4}, "full"),
        ({"model_type": "deepseek_v4", "kv_lora_rank": 8}, "compressed"),
        ({}, "full"),
    ],
)
def test_what_full_means(config: dict[str, object], meant: str) -> None:
    assert kind_meant("full", fields_of(**config)).name == meant


def test_a_list_that_leaves_layers_out_is_refused() -> None:
    assert "names 1 layers of 2" in refused({**LLAMA, "layer_types": ["full_attention"]}).message
    assert "names 1 layers of 2" in refused({**LLAMA, "hybrid_override_pattern": "M"}).message
    assert "no sliding_window" in refused({**LLAMA, "layer_types": ["sliding_attention"] * 2}).message
    assert (
        "linear_attn_config lacks" in refused({**LLAMA, "linear_attn_config": {"full_attn_layers": [1], "num_heads": 2}}).message
    )
    mamba = {**LLAMA, "model_type": "bamba", "layer_types": ["mamba"] * 2, "mamba_d_head": "auto", "mamba_d_state": 4,
             "mamba_d_conv": 4, "mamba_n_groups": 1, "mamba_n_heads": -1}  # fmt: skip
    assert "neither mamba_num_heads nor mamba_head_dim" in refused(mamba).message


def test_the_number_of_layers_may_be_that_of_a_list() -> None:
    config = {key: value for key, value in LLAMA.items() if key != "num_hidden_layers"}
    found = extracted({**config, "layer_types": ["full_attention"] * 3})
    assert found.architecture["layers"] == 3


@pytest.mark.parametrize(
    ("more", "kv_heads", "head_dim"),
    [
        ({}, 2, 8),
        ({"num_key_value_heads": None}, 8, 8),
        ({"num_key_value_heads": None, "multi_query": True}, 1, 8),
        ({"multi_query_attention": False}, 8, 8),
        ({"attn_config": {"attn_type": "multiquery_attention"}}, 1, 8),
        ({"model_type": "falcon"}, 1, 8),
        ({"model_type": "falcon", "multi_query": False}, 2, 8),
        ({"model_type": "falcon", "multi_query": False, "num_key_value_heads": None}, 8, 8),
        ({"model_type": "falcon", "new_decoder_architecture": True}, 2, 8),
        ({"model_type": "RefinedWeb", "n_head_kv": 4, "num_key_value_heads": None}, 4, 8),
        ({"attention_hidden_size": 128}, 2, 16),
        ({"attention_hidden_size_per_head": 4}, 2, 4),
        ({"num_key_value_heads": [2, 4]}, 4, 8),
    ],
)
def test_heads_of_a_layer(more: dict[str, object], kv_heads: int, head_dim: int) -> None:
    row = extracted({**LLAMA, **more}).architecture
    assert (row["kv_heads"], row["head_dim"]) == (kv_heads, head_dim)


def test_layers_whose_list_of_kv_heads_says_none_do_not_attend() -> None:
    found = extracted({**LLAMA, "num_key_value_heads": [2, 0]})
    assert [(group["kind"], group["layers"]) for group in found.layer_groups] == [("full", 1), ("none", 1)]
    assert found.architecture["parameters_attention"] == 64 * 8 * (8 + 2 + 2 + 8)


def test_more_heads_than_values_are_refused() -> None:
    assert "do not divide" in refused({**LLAMA, "num_attention_heads": 65}).message


def test_a_trait_names_types_or_beginnings_of_types() -> None:
    assert is_one_of("qwen3_5_moe", TRAITS["four_input_projections"])
    assert not is_one_of("qwen3", TRAITS["four_input_projections"])
    assert not is_one_of("mamba2x", TRAITS["no_feed_forward"])
    assert all(TRAITS.values())
