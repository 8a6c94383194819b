"""`shapefit explain`: what a model weighs, caches, computes and splits into, and how that is known."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from flows.ask.estimate_database import estimating
from flows.ask.model_facts import facts_of
from flows.database.sql_files import fetch
from flows.lake.catalogs import load_catalogs
from flows.printing.rows import Format, Rows, rows_of_frame, rows_of_records, shown, write_object, write_rows
from flows.versions.versions import RejectedModelError
from transforms.catalogs.model_list import spelling_note

_GIB = 2**30
_SPLITS = "ask/splits.sql"


def explanation(model: str, data: Path) -> dict[str, Any]:
    """The explanation of a model as nested plain values: identity, weights, cache, compute, splits, sources.

    Sizes in bytes, cache at 16 bit. Raises as `facts_of`.
    """
    facts = facts_of(model, data)
    architecture = facts.architectures.row(0, named=True)
    with estimating(facts, load_catalogs(), [_SPLITS]) as connection:
        splits = fetch(connection, _SPLITS)
    return {
        "model": facts.models.row(0, named=True),
        "weights": {
            **_picked(
                architecture,
                "parameters_total parameters_text parameters_active weights_bytes loaded_weights_bytes checkpoint_dtype "
                "tied_embeddings quantization_method quantization_bits quantization_group_size quantization_format sizes_source",
            ),
            "groups": facts.parameter_groups.drop("architecture_key").sort("loaded_bytes", descending=True).to_dicts(),
        },
        "cache": {
            **_picked(
                architecture,
                "attention_type kv_bytes_per_token kv_bytes_per_token_unbounded state_bytes_per_sequence kv_cache_scheme "
                "max_position_embeddings max_model_len_default max_model_len_limit",
            ),
            "groups": facts.layer_groups.drop("architecture_key").to_dicts(),
        },
        "compute": _picked(
            architecture,
            "architecture_class model_type layers attention_layers moe_layers linear_layers mla_layers hidden_size "
            "intermediate_size moe_intermediate_size vocab_size attention_heads kv_heads head_dim experts experts_per_token "
            "flops_per_token",
        ),
        "splits": splits.records(),
        "sources": json.loads(architecture["feature_sources"]),
    }


def print_explanation(model: str, data: Path, form: Format | None) -> int:
    """Print the explanation; 1 when the model has no estimate."""
    try:
        story = explanation(model, data)
    except RejectedModelError as error:
        print(f"shapefit: {error}", file=sys.stderr)
        return 1
    if (note := spelling_note(model, story["model"]["model_id"])) is not None:
        print(f"shapefit: {note}", file=sys.stderr)
    if form == "json":
        write_object(story)
    elif form == "csv":
        write_rows(_flat(story), "csv", sys.stdout)
    else:
        _print_sections(story, form or "table")
    return 0


def _picked(row: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}


def _flat(story: dict[str, Any]) -> Rows:
    """The explanation as fact and value, one row each; groups are numbered."""
    rows: list[tuple[object, ...]] = []

    def walk(name: str, value: object) -> None:
        if isinstance(value, dict):
            for key, entry in value.items():
                walk(f"{name}.{key}" if name else str(key), entry)
        elif isinstance(value, list):
            for index, entry in enumerate(value, 1):
                walk(f"{name}.{index}", entry)
        else:
            rows.append((name, value))

    walk("", story)
    return Rows(("fact", "value"), rows)


def _print_sections(story: dict[str, Any], form: Format) -> None:
    model, weights, cache, compute = (story[name] for name in ("model", "weights", "cache", "compute"))
    heading = "## {}\n\n" if form == "markdown" else "{}\n"
    out = sys.stdout

    def section(title: str, rows: Rows) -> None:
        out.write("\n" + heading.format(title))
        write_rows(rows, form, out)

    out.write(f"{shown(model['model_id'])}: {shown(compute['architecture_class'])}, facts from {model['source']}, ")
    out.write(f"read {model['fetched_at']:%Y-%m-%d}{', id inferred' if model['id_inferred'] else ''}\n")
    if model["needs_remote_code"]:
        out.write("An engine reads it only with Python code of the repository (--trust-remote-code): read that code first.\n")
    section(
        f"Weights: {_gib(weights['loaded_weights_bytes'])} GiB loaded, {shown(weights['parameters_total'])} parameters, "
        f"{shown(weights['parameters_active'])} active per token, {_precision(weights)}",
        rows_of_records(
            [
                {
                    "group": group["tensor_group"],
                    "dtype": group["dtype"],
                    "parameters": group["logical_parameters"],
                    "stored_gib": group["stored_bytes"] / _GIB,
                    "loaded_gib": group["loaded_bytes"] / _GIB,
                }
                for group in weights["groups"]
            ]
        ),
    )
    section(
        f"Cache: {cache['attention_type']}, {shown(cache['kv_bytes_per_token'])} bytes a token at 16 bit "
        f"({shown(cache['kv_bytes_per_token_unbounded'])} beyond every window), {shown(cache['state_bytes_per_sequence'])} bytes "
        f"of state a sequence, up to {shown(cache['max_position_embeddings'])} tokens",
        rows_of_frame(
            pl.DataFrame(cache["groups"], infer_schema_length=None).select(
                "layer_group",
                "kind",
                "layers",
                "kv_heads",
                "head_dim",
                pl.col("kv_bytes_per_token_per_layer").alias("bytes_per_token_per_layer"),
                "window_tokens",
                "state_bytes_per_sequence_per_layer",
                "shards_with_tp",
            )
        ),
    )
    section(
        f"Compute: {shown(compute['flops_per_token'])} FLOPs a token",
        Rows(("fact", "value"), [(name, value) for name, value in compute.items() if value is not None]),
    )
    section("Splits: tensor parallel degrees", rows_of_records(story["splits"]))
    section("How we know", Rows(("feature", "source"), sorted(story["sources"].items())))


def _gib(count: int) -> str:
    return f"{count / _GIB:,.2f}"


def _precision(weights: dict[str, Any]) -> str:
    method = weights["quantization_method"]
    return f"stored as {weights['checkpoint_dtype']}" if method == "none" else f"quantized by {method}"
