"""`hub_files` → `architectures`, `parameter_groups`, `layer_groups`, `models` and `rejects`: one record or one reject a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import polars as pl

from transforms.architecture.architecture import Facts, describe
from transforms.architecture.content_keys import key_of
from transforms.config.config import ConfigError, parse_config
from transforms.config.config_fields import FieldError, Fields, text_config
from transforms.config.decoders import refusal, without_weights
from transforms.config.families import biased_parts, family_of
from transforms.config.family import Family
from transforms.config.quantization import UNSTATED, Quantization, read_quantization
from transforms.config.remote_code import needs_remote_code
from transforms.layers.layer import Layer
from transforms.layers.layer_plan import plan_layers
from transforms.tables.contracts import conform, frame_of, polars_schema
from transforms.tables.records import Extracted, HubFiles, Reject
from transforms.tables.rejects import REJECT_CODES
from transforms.weights.count_weights import count_weights
from transforms.weights.derived import derive_tensors
from transforms.weights.header_facts import check_layers, confirm, stored_facts
from transforms.weights.quantized_layout import quantize
from transforms.weights.safetensors import HeaderError, HeaderSummary, TensorForm, read_summary

_SIZES = frozenset({"hidden_size", "layers", "attention_heads", "vocab_size", "intermediate_size"})
_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32", "float64": "F64", "half": "F16", "float": "F32"}
_MODEL_COLUMNS = (
    "sha",
    "author",
    "license",
    "gated",
    "downloads",
    "likes",
    "last_modified",
    "pipeline_tag",
    "base_model",
    "tags",
    "source",
)

_RELATIONS = ("quantized", "finetune", "adapter", "merge")
"""The Hub's words for how a repository derives from another."""


_DESCRIBED = {
    **{column: dtype for column, dtype in polars_schema("models").items() if column != "base_model_relation"},
    "tags": pl.String(),
}
"""Models as extraction describes them, before their relation is read from the tags."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class ExtractedTables:
    """The five tables that extraction yields, each through its contract."""

    architectures: pl.DataFrame
    parameter_groups: pl.DataFrame
    layer_groups: pl.DataFrame
    models: pl.DataFrame
    rejects: pl.DataFrame


_ORDER = tuple(REJECT_CODES)
_MOST_SHARED = 5_000  # results kept for later models; the oldest make way


@dataclass(frozen=True)
class Shared:
    """Results that models have in common: fine-tunes repeat the config and the headers of a few thousand models.

    `model_types` are those that a library reads without code of the repository; None where that is not known.
    """

    model_types: frozenset[str] | None = None
    configs: dict[str, dict[str, object]] = field(default_factory=dict)
    keys: dict[tuple[str, str | None], str] = field(default_factory=dict)
    extracted: dict[tuple[str, str | None], Extracted | Reject] = field(default_factory=dict)


def extract_records(records: Iterable[HubFiles], model_types: frozenset[str] | None = None) -> ExtractedTables:
    """Every model as a row of `models` (and its architecture's rows) or of `rejects`. `model_types` as in Shared.

    Where models of one architecture were sized from headers and from configs, the one from headers stands for it.
    """
    kept: dict[str, Extracted] = {}
    models, rejects = [], []
    shared = Shared(model_types)
    for files in records:
        result = extract_model(files, shared)
        if isinstance(result, Reject):
            rejects.append(
                {"model_id": files.model_id, "code": result.code, "message": result.message, "fetched_at": files.fetched_at}
            )
            continue
        key = str(result.architecture["architecture_key"])
        if key not in kept or (kept[key].architecture["sizes_source"] != "header" == result.architecture["sizes_source"]):
            kept[key] = result
        models.append(
            {
                "model_id": files.model_id,
                "architecture_key": key,
                "needs_remote_code": remote_code_of(files, shared),
                "id_inferred": False,
                "fetched_at": files.fetched_at,
                **{column: getattr(files, column) for column in _MODEL_COLUMNS},
            }
        )
    return ExtractedTables(
        architectures=frame_of("architectures", (extracted.architecture for extracted in kept.values())),
        parameter_groups=frame_of(
            "parameter_groups", (part for extracted in kept.values() for part in extracted.parameter_groups)
        ),
        layer_groups=frame_of("layer_groups", (group for extracted in kept.values() for group in extracted.layer_groups)),
        models=conform("models", pl.DataFrame(models, schema=_DESCRIBED).with_columns(relation_to_base())),
        rejects=frame_of("rejects", rejects),
    )


def relation_to_base() -> pl.Expr:
    """The column base_model_relation, from the columns base_model and tags of `hub_files`."""
    told = (
        pl.when(pl.col("tags").str.contains(pl.format(f'"base_model:{relation}:{{}}"', "base_model"), literal=True)).then(
            pl.lit(relation)
        )
        for relation in _RELATIONS
    )
    return pl.coalesce(*told).alias("base_model_relation")


def extract_model(files: HubFiles, shared: Shared | None = None) -> Extracted | Reject:
    """One model's rows, or the reject that says why it has none. Never raises on what the files contain.

    The crawl refuses headers that it cannot take before anyone has read the config; if the config is to be refused for
    something that comes first, that is what is said. `shared` keeps results for other models with the same files.
    """
    shared = shared or Shared()
    if files.status in ("unsafe_headers", "no_weights") and files.config_json is not None:
        of_headers = Reject(files.status, files.message or "the safetensors headers cannot be taken")
        of_config = _read_model(replace(files, status="ok", message=None, header_summary=None), shared)
        if isinstance(of_config, Reject) and _ORDER.index(of_config.code) < _ORDER.index(of_headers.code):
            return of_config
        return of_headers
    return _read_model(files, shared)


def remote_code_of(files: HubFiles, shared: Shared) -> bool | None:
    """True when an engine has to run code of an accepted model's repository, None where unknown."""
    if files.config_json is None or shared.model_types is None:
        return None
    return needs_remote_code(_parsed(files.config_json, shared), files.files, shared.model_types)


def _read_model(files: HubFiles, shared: Shared) -> Extracted | Reject:
    if files.status != "ok":
        return Reject(files.status, files.message or f"the crawl ended with {files.status}; run it again")
    only_gguf = without_weights(files)
    if files.config_json is None:
        return only_gguf or Reject("no_config", "the repository has no config.json; name the model that it belongs to instead")
    try:
        root = _parsed(files.config_json, shared)
        beside = _parsed(files.quantization_json, shared) if files.quantization_json else None
        refused = refusal(files, root)
        if refused is not None:
            return refused
        if only_gguf is not None:
            return only_gguf
    except (ConfigError, FieldError) as error:
        return Reject(error.code, str(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return _unforeseen(error)
    texts = (files.config_json, files.quantization_json)
    key = shared.keys.get(texts) or _keep(shared.keys, texts, key_of(root, files.quantization_json))
    content = (key, files.header_summary)
    result = shared.extracted.get(content)
    return result or _keep(shared.extracted, content, _extracted(root, beside, files.header_summary))


def _parsed(text: str, shared: Shared) -> dict[str, object]:
    config = shared.configs.get(text)
    return _keep(shared.configs, text, parse_config(text)) if config is None else config


def _extracted(root: Mapping[str, object], beside: Mapping[str, object] | None, header_summary: str | None) -> Extracted | Reject:
    try:
        summary = read_summary(header_summary) if header_summary else None
        return _extract(root, beside, summary)
    except (ConfigError, FieldError, HeaderError) as error:
        return Reject(error.code, str(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> Reject:
    """The reject of a config of a shape that nobody foresaw."""
    return Reject(
        "missing_field", f"config.json cannot be read as a model ({type(error).__name__}: {str(error)[:100]!r}); correct it"
    )


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(kept) >= _MOST_SHARED:
        del kept[next(iter(kept))]
    kept[key] = value
    return value


def _extract(root: Mapping[str, object], beside: Mapping[str, object] | None, summary: HeaderSummary | None) -> Extracted:
    fields, family, known = _read_fields(root, summary)
    plan = plan_layers(fields, family, summary is not None)
    quantization = read_quantization(root, fields.text, beside)
    tied = _tied(fields, family)
    forms = list(summary.tensors) if summary is not None else _derived(fields, family, plan, quantization, tied)
    halved = summary is not None and fields.flag("two_blocks")  # whose layers are stored in pairs
    stored_layers = len(plan) // 2 if halved else len(plan)
    if summary is not None:
        check_layers(plan, stored_layers, summary)
    weights = count_weights(
        forms,
        layers=stored_layers,
        tied=tied,
        bits=quantization.bits,
        prequantized=quantization.method != "none",
        linear_layers=frozenset(index for index, layer in enumerate(plan) if layer.state is not None and not layer.heads),
        biased=biased_parts(fields, family) if known else None,
    )
    if summary is not None:
        if quantization.method == "none" and weights.detected_method:
            quantization = Quantization(weights.detected_method, format=UNSTATED)
        confirm(fields, family, known, plan, tied, summary, weights)
        tied = tied or not weights.head_stored
    sizes_source = "header" if summary is not None else "derived"
    sources = {**fields.sources, "sizes": sizes_source, "family": "known" if known else "inferred"}
    return describe(Facts(fields, plan, weights, quantization, tied, sizes_source, sources))


def _read_fields(root: Mapping[str, object], summary: HeaderSummary | None) -> tuple[Fields, Family, bool]:
    """The language model's fields, its family, and whether the family is a known one."""
    text = text_config(root)
    model_type = str(text.get("model_type") or root.get("model_type") or "")[:100]
    family, known = family_of(model_type, text)
    if not known and text is not root:
        family, known = family_of(str(root.get("model_type") or "")[:100], text)
    names = root.get("architectures") or text.get("architectures")
    architecture = str(names[0])[:100] if isinstance(names, list) and names else None
    defaults = family.defaults
    if text is root:  # only nested configs leave sizes to the class: what a whole config lacks was trimmed
        defaults = {feature: value for feature, value in defaults.items() if feature not in _SIZES}
    fields = Fields(root, text, model_type, architecture, defaults)
    if summary is not None:
        fields = Fields(root, text, model_type, architecture, defaults, stored_facts(fields, summary))
    return fields, family, known


def _derived(fields: Fields, family: Family, plan: Sequence[Layer], quantization: Quantization, tied: bool) -> list[TensorForm]:
    """The tensors that the config describes, as its quantization would store them."""
    forms = derive_tensors(fields, family, plan, tied, _DTYPES.get(_stated_dtype(fields), "BF16"))
    return forms if quantization.method == "none" else quantize(forms, quantization, fields)


def _tied(fields: Fields, family: Family) -> bool:
    for key in ("tie_word_embeddings", "tie_embedding", "share_input_output_layers"):
        stated = fields.raw(key)
        if isinstance(stated, bool):
            fields.sources["tied_embeddings"] = "config"
            return stated
    stated = fields.root.get("tie_word_embeddings")
    if isinstance(stated, bool):
        fields.sources["tied_embeddings"] = "config"
        return stated
    fields.sources["tied_embeddings"] = "model_type default"
    return family.tied


def _stated_dtype(fields: Fields) -> str:
    for holder in (fields.text, fields.root):
        for key in ("dtype", "torch_dtype"):
            if isinstance(holder.get(key), str):
                return str(holder[key]).removeprefix("torch.")
    return ""
