"""A small published set for tests, built once a run from the bundled snapshot and catalogs, and a tiny local model."""

from __future__ import annotations

import atexit
import json
import shutil
import struct
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import polars as pl
from built_once import built_once

from flows.estimate.grid import Grid, compute_grid
from flows.lake.catalogs import load_catalogs
from flows.lake.snapshot import read_snapshot
from flows.publish.publish import publish
from flows.versions.versions import read_run
from transforms.tables import contracts

MODELS = ("Qwen/Qwen2.5-7B-Instruct", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3", "google/gemma-3-27b-it")
CONTEXTS = (8192, 32768, 131072)
SHAPES_PER_PROVIDER = 3


@cache
def small_published_set() -> Path:
    """A data directory with one version of a few models on a few shapes of every provider. Read it, never write to it."""
    return built_once("published", lambda data: publish(data, "2026-11-20T030000Z", small_tables(), {"requested": ["tests"]}))


@cache
def _whole() -> dict[str, pl.DataFrame]:
    return {**read_snapshot(), **load_catalogs()}


def small_tables(models: tuple[str, ...] = MODELS) -> dict[str, pl.DataFrame]:
    """The tables a version is built from, for some models of the snapshot on few shapes and contexts."""
    tables = dict(_whole())
    tables["models"] = tables["models"].filter(pl.col("model_id").is_in(models))
    for name in ("architectures", "parameter_groups", "layer_groups"):
        tables[name] = tables[name].join(tables["models"].select("architecture_key").unique(), on="architecture_key", how="semi")
    tables |= small_catalogs(tables)
    tables["rejects"] = contracts.frame_of(
        "rejects",
        [
            {
                "model_id": "google-t5/t5-small",
                "code": "encoder_decoder",
                "message": "an encoder-decoder model; name a decoder-only one",
                "fetched_at": tables["models"]["fetched_at"][0],
            }
        ],
    )
    return tables


def small_catalogs(catalogs: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The catalogs with few shapes of every provider, and few contexts."""
    shapes = catalogs["shapes"].group_by("provider", maintain_order=True).tail(SHAPES_PER_PROVIDER)
    return {
        **{name: catalogs[name] for name in contracts.CATALOG_TABLES},
        "contexts": catalogs["contexts"].filter(pl.col("context").is_in(CONTEXTS)),
        "shapes": shapes,
        "prices": catalogs["prices"].join(shapes, on=["provider", "shape"], how="semi"),
    }


def grid_of(tables: dict[str, pl.DataFrame]) -> Grid:
    """The grid of the tables, computed once in this process."""
    return compute_grid(_lake(), tables)


@cache
def _lake() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="shapefit-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


ONE = ("Qwen/Qwen2.5-7B-Instruct",)


def tables_of(models: tuple[str, ...] = ONE, shapes: int = 6) -> dict[str, pl.DataFrame]:
    """The least that can be published: one model on a few priced shapes at two contexts, in two precisions."""
    tables = small_tables(models)
    tables["quantizations"] = tables["quantizations"].with_columns(nightly=pl.col("quantization").is_in(["native", "fp8"]))
    tables["kv_dtypes"] = tables["kv_dtypes"].with_columns(nightly=pl.col("kv_dtype") == "auto")
    priced = tables["shapes"].join(
        tables["prices"].filter(pl.col("price_kind") == "on_demand").drop_nulls("usd_per_hour"),
        on=["provider", "shape"],
        how="semi",
    )
    tables["shapes"] = priced.filter(pl.col("gpu_count") >= 1).sort("memory_gib_per_gpu", descending=True).head(shapes)
    tables["prices"] = tables["prices"].join(tables["shapes"], on=["provider", "shape"], how="semi")
    tables["contexts"] = tables["contexts"].head(2)
    return tables


def _first_version() -> Path:
    return built_once("one-shape", lambda data: publish(data, "first", tables_of(shapes=1))) / "published" / "first"


def copied_versions(data: Path, *names: str) -> None:
    """Put copies of one small published version under the names, published one second after the other; the last is latest."""
    for second, name in enumerate(names):
        target = data / "published" / name
        shutil.copytree(_first_version(), target)
        run = read_run(target) | {"run_id": name, "published_at": f"2026-01-01T00:00:{second:02}+00:00"}
        (target / "run.json").write_text(json.dumps(run))
    (data / "published" / "latest").symlink_to(names[-1])


def write_local_model(directory: Path, **config: object) -> Path:
    """A directory with the config.json and safetensors file of a Llama of two small layers."""
    directory.mkdir(parents=True)
    facts = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 1024,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        **config,
    }
    (directory / "config.json").write_text(json.dumps(facts))
    shapes = {"model.embed_tokens.weight": (1024, 256), "model.norm.weight": (256,), "lm_head.weight": (1024, 256)}
    for layer in range(2):
        block = f"model.layers.{layer}"
        shapes |= {f"{block}.self_attn.{name}_proj.weight": (256, 256) for name in "qo"}
        shapes |= {f"{block}.self_attn.{name}_proj.weight": (128, 256) for name in "kv"}
        shapes |= {f"{block}.mlp.{name}_proj.weight": (512, 256) for name in ("gate", "up")}
        shapes |= {f"{block}.mlp.down_proj.weight": (256, 512)}
        shapes |= {f"{block}.{name}_layernorm.weight": (256,) for name in ("input", "post_attention")}
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    (directory / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return directory
