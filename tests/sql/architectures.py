"""Architectures written by hand from public configs, as rows of the extracted tables: what the SQL tests estimate."""

from __future__ import annotations

import polars as pl

from transforms.tables import contracts
from transforms.tables.fields import QUANTIZABLE_GROUPS, TENSOR_GROUPS

Rows = list[dict[str, object]]


def _layers(number: int, kind: str, layers: int, **facts: object) -> dict[str, object]:
    """One layer group; attention facts give its bytes a token and its arithmetic."""
    heads, kv_heads, head_dim = (int(facts.get(name, 0)) for name in ("heads", "kv_heads", "head_dim"))
    latent = kind == "latent"
    return {
        "layer_group": number,
        "kind": kind,
        "layers": layers,
        "attention_heads": heads or None,
        "kv_heads": kv_heads or None,
        "head_dim": head_dim or None,
        "value_head_dim": head_dim or None,
        "kv_bytes_per_token_per_layer": facts.get("kv_bytes", 4 * kv_heads * head_dim),
        "window_tokens": facts.get("window"),
        "state_bytes_per_sequence_per_layer": facts.get("state", 0),
        "shards_with_tp": not latent,
        "decode_flops_per_context_token_per_layer": float(facts.get("decode_flops", 4 * heads * head_dim)),
        "prefill_flops_per_context_token_per_layer": float(facts.get("prefill_flops", 4 * heads * head_dim)),
    }


def architecture(
    key: str, parameters: dict[str, int], layer_groups: Rows, bytes_of: dict[str, int] | None = None, **facts: object
) -> tuple[dict[str, object], Rows]:
    """An architecture row and its layer groups: parameters by tensor group (16 bit unless bytes_of says otherwise) and facts."""
    held = {group: (bytes_of or {}).get(group, 2 * count) for group, count in parameters.items()}
    attending = [group for group in layer_groups if group["kv_bytes_per_token_per_layer"]]
    row: dict[str, object] = {
        "architecture_key": key,
        "model_type": key,
        "sizes_source": "header",
        "feature_sources": "{}",
        "parameters_total": sum(parameters.values()),
        "parameters_text": sum(parameters.values()) - parameters.get("vision_audio", 0),
        "parameters_active": sum(parameters.values()) - parameters.get("vision_audio", 0),
        "weights_bytes": sum(held.values()),
        "loaded_weights_bytes": sum(held.values()),
        "parameters_attention_replicated": 0,
        "parameters_kv_projection": 0,
        "checkpoint_dtype": "bfloat16",
        "tied_embeddings": "lm_head" not in parameters,
        "quantization_method": "none",
        "quantization_ignored": "[]",
        "attention_type": "GQA",
        "layers": sum(int(group["layers"]) for group in layer_groups),
        "attention_layers": sum(int(group["layers"]) for group in attending),
        "moe_layers": 0,
        "linear_layers": sum(int(group["layers"]) for group in layer_groups if group["state_bytes_per_sequence_per_layer"]),
        "mla_layers": sum(int(group["layers"]) for group in layer_groups if group["kind"] == "latent"),
        "attention_heads": layer_groups[0]["attention_heads"],
        "kv_heads": layer_groups[0]["kv_heads"],
        "head_dim": layer_groups[0]["head_dim"],
        "value_head_dim": layer_groups[0]["value_head_dim"],
        "experts": 0,
        "experts_per_token": 0,
        "max_position_embeddings": 131072,
        "kv_bytes_per_token": sum(int(group["layers"]) * int(group["kv_bytes_per_token_per_layer"]) for group in layer_groups),
        "kv_bytes_per_token_unbounded": sum(
            int(group["layers"]) * int(group["kv_bytes_per_token_per_layer"])
            for group in layer_groups
            if group["window_tokens"] is None
        ),
        "state_bytes_per_sequence": sum(
            int(group["layers"]) * int(group["state_bytes_per_sequence_per_layer"]) for group in layer_groups
        ),
        "flops_per_token": 2 * sum(parameters.values()),
    }
    row |= {f"parameters_{group}": parameters.get(group, 0) for group in TENSOR_GROUPS}
    row |= {f"bytes_{group}": held.get(group, 0) for group in TENSOR_GROUPS}
    row |= {f"linear_parameters_{group}": parameters.get(group, 0) for group in QUANTIZABLE_GROUPS}
    row |= facts
    row.setdefault("max_model_len_default", row["max_position_embeddings"])
    row.setdefault("max_model_len_limit", row["max_model_len_default"])
    row.setdefault("rotary_values", row["max_position_embeddings"] * (row.get("qk_rope_head_dim") or row["head_dim"] or 0))
    return row, [{"architecture_key": key, **group} for group in layer_groups]


def dense(
    key: str,
    layers: int,
    hidden: int,
    intermediate: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocab: int,
    groups: Rows | None = None,
    tied: bool = False,
    **facts: object,
) -> tuple[dict[str, object], Rows]:
    """A dense decoder with gated feed-forward layers, from the figures of its config."""
    kv_projection = 2 * layers * hidden * kv_heads * head_dim
    parameters = {
        "embedding": vocab * hidden,
        "attention": 2 * layers * hidden * heads * head_dim + kv_projection,
        "dense_mlp": 3 * layers * hidden * intermediate,
        "norms": (2 * layers + 1) * hidden,
    } | ({} if tied else {"lm_head": vocab * hidden})
    parameters |= facts.pop("more_parameters", {})  # type: ignore[arg-type]
    return architecture(
        key,
        parameters,
        groups or [_layers(0, "full", layers, heads=heads, kv_heads=kv_heads, head_dim=head_dim)],
        hidden_size=hidden,
        intermediate_size=intermediate,
        vocab_size=vocab,
        **{"parameters_kv_projection": kv_projection} | facts,
    )


def known_architectures() -> dict[str, tuple[dict[str, object], Rows]]:
    """The hand-written architectures by key."""
    made = [
        dense("llama-3.1-8b", 32, 4096, 14336, 32, 8, 128, 128256),
        dense("llama-3.3-70b", 80, 8192, 28672, 64, 8, 128, 128256),
        dense("qwen2.5-7b", 28, 3584, 18944, 28, 4, 128, 152064, max_position_embeddings=32768),
        dense("phi-4", 40, 5120, 17920, 40, 10, 128, 100352, max_position_embeddings=16384),
        dense("falcon-7b", 32, 4544, 18176, 71, 1, 64, 65024, max_position_embeddings=2048, model_type="falcon"),
        dense("gpt2", 12, 768, 3072, 12, 12, 64, 50257, tied=True, max_position_embeddings=1024),
        dense(
            "gemma-3-27b",
            62,
            5376,
            21504,
            32,
            16,
            128,
            262208,
            tied=True,
            groups=[
                _layers(0, "full", 10, heads=32, kv_heads=16, head_dim=128),
                _layers(1, "sliding", 52, heads=32, kv_heads=16, head_dim=128, window=1024),
            ],
            more_parameters={"vision_audio": 417_000_000},
        ),
        dense(
            "qwen2.5-vl-7b",
            28,
            3584,
            18944,
            28,
            4,
            128,
            152064,
            more_parameters={"vision_audio": 676_000_000},
            architecture_class="Qwen2_5_VLForConditionalGeneration",
            max_position_embeddings=128000,
        ),
        architecture(
            "mixtral-8x7b",
            {
                "embedding": 131_072_000,
                "lm_head": 131_072_000,
                "attention": 1_342_177_280,
                "routed_experts": 45_097_156_608,
                "router": 1_048_576,
                "norms": 266_240,
            },
            [_layers(0, "full", 32, heads=32, kv_heads=8, head_dim=128)],
            hidden_size=4096,
            intermediate_size=14336,
            moe_intermediate_size=14336,
            vocab_size=32000,
            moe_layers=32,
            experts=8,
            experts_per_token=2,
            parameters_active=12_879_925_248,
            parameters_kv_projection=268_435_456,
            max_position_embeddings=32768,
        ),
        architecture(
            "aqua-sample",
            {"embedding": 2_560_000_000, "attention": 4_000_000_000, "dense_mlp": 7_519_800_000},
            [_layers(0, "full", 40, heads=40, kv_heads=10, head_dim=128)],
            hidden_size=5120,
            intermediate_size=17920,
            vocab_size=100352,
        ),
        architecture(
            "llama-2-13b",
            {"embedding": 163_840_000, "lm_head": 163_840_000, "attention": 4_194_304_000, "dense_mlp": 8_478_016_000},
            [_layers(0, "full", 40, heads=40, kv_heads=40, head_dim=128)],
            hidden_size=5120,
            intermediate_size=13824,
            vocab_size=32000,
            max_position_embeddings=4096,
        ),
        architecture(
            "deepseek-v3",
            {
                "embedding": 926_679_040,
                "lm_head": 926_679_040,
                "attention": 11_413_422_080,
                "dense_mlp": 1_189_085_184,
                "shared_experts": 2_554_331_136,
                "routed_experts": 653_908_770_816,
                "router": 106_446_848,
                "norms": 1_100_000,
            },
            [
                _layers(
                    0, "latent", 61, heads=128, kv_heads=1, head_dim=576, kv_bytes=1152, decode_flops=278528, prefill_flops=81920
                ),
            ],
            bytes_of={
                "attention": 11_420_000_000,
                "dense_mlp": 1_189_375_488,
                "shared_experts": 2_555_000_000,
                "routed_experts": 654_068_000_000,
            },
            head_dim=192,
            value_head_dim=128,
            hidden_size=7168,
            intermediate_size=18432,
            moe_intermediate_size=2048,
            vocab_size=129280,
            moe_layers=58,
            experts=256,
            experts_per_token=8,
            attention_type="MLA",
            parameters_attention_replicated=923_000_000,
            kv_lora_rank=512,
            qk_rope_head_dim=64,
            quantization_method="fp8",
            quantization_bits=8,
            quantization_group_size=128,
            quantization_activations="dynamic",
            max_position_embeddings=163840,
        ),
        architecture(
            "gpt-oss-120b",
            {
                "embedding": 579_133_440,
                "lm_head": 579_133_440,
                "attention": 955_000_000,
                "routed_experts": 114_661_785_600,
                "router": 13_300_000,
                "norms": 210_240,
            },
            [
                _layers(0, "full", 18, heads=64, kv_heads=8, head_dim=64),
                _layers(1, "sliding", 18, heads=64, kv_heads=8, head_dim=64, window=128),
            ],
            bytes_of={"routed_experts": 60_900_000_000},
            hidden_size=2880,
            intermediate_size=2880,
            moe_intermediate_size=2880,
            vocab_size=201088,
            moe_layers=36,
            experts=128,
            experts_per_token=4,
            parameters_kv_projection=106_168_320,
            quantization_method="mxfp4",
            quantization_bits=4,
            quantization_group_size=32,
        ),
        architecture(
            "qwen3-235b",
            {
                "embedding": 622_329_856,
                "lm_head": 622_329_856,
                "attention": 6_703_546_368,
                "routed_experts": 227_097_444_352,
                "router": 49_283_072,
                "norms": 800_000,
            },
            [_layers(0, "full", 94, heads=64, kv_heads=4, head_dim=128)],
            hidden_size=4096,
            intermediate_size=1536,
            moe_intermediate_size=1536,
            vocab_size=151936,
            moe_layers=94,
            experts=128,
            experts_per_token=8,
            parameters_kv_projection=394_264_576,
            max_position_embeddings=40960,
        ),
        architecture(
            "qwen3-30b-a3b",
            {
                "embedding": 311_164_928,
                "lm_head": 311_164_928,
                "attention": 905_969_664,
                "routed_experts": 28_991_029_248,
                "router": 12_582_912,
                "norms": 198_656,
            },
            [_layers(0, "full", 48, heads=32, kv_heads=4, head_dim=128)],
            hidden_size=2048,
            intermediate_size=6144,
            moe_intermediate_size=768,
            vocab_size=151936,
            moe_layers=48,
            experts=128,
            experts_per_token=8,
            parameters_kv_projection=100_663_296,
            max_position_embeddings=40960,
        ),
        architecture(
            "mamba-hybrid",
            {
                "embedding": 500_000_000,
                "lm_head": 500_000_000,
                "attention": 600_000_000,
                "dense_mlp": 4_000_000_000,
                "linear_attention": 2_000_000_000,
            },
            [
                _layers(0, "full", 10, heads=16, kv_heads=2, head_dim=256),
                _layers(1, "gated_delta", 30, state=2_146_304),
            ],
            hidden_size=2048,
            intermediate_size=8192,
            vocab_size=248320,
            max_position_embeddings=262144,
        ),
    ]
    return {str(row["architecture_key"]): (row, groups) for row, groups in made}


def architecture_frames(keys: list[str] | None = None) -> dict[str, pl.DataFrame]:
    """The frames `architectures` and `layer_groups` of the hand-written architectures (all, or those of the keys)."""
    known = known_architectures()
    chosen = [known[key] for key in keys or known]
    return {
        "architectures": contracts.frame_of("architectures", [row for row, _ in chosen]),
        "layer_groups": contracts.frame_of("layer_groups", [group for _, groups in chosen for group in groups]),
    }
