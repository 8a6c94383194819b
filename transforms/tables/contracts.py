"""Every table of shapefit, declared once: what a row is, its columns, its key and what may be null.

Parquet and Polars schemas, DuckDB tables and comments, validation and the published data dictionary all come from here.
Columns are declared in `transforms.tables.fields`; a table only names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from transforms.tables.fields import FIELDS, QUANTIZABLE_GROUPS, TENSOR_GROUPS


@dataclass(frozen=True)
class Table:
    """One table: its name, what a row is, its columns in order, its key and the columns that may be null."""

    name: str
    row: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    nullable: frozenset[str]


class ContractError(ValueError):
    """A frame breaks its table's contract; the message names the table, the column and the first offender."""


POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "INTEGER": pl.Int32(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}


def _table(name: str, row: str, columns: str, key: str, nullable: str = "") -> Table:
    table = Table(name, row, tuple(columns.split()), tuple(key.split()), frozenset(nullable.split()))
    unknown = [column for column in (*table.columns, *table.key, *table.nullable) if column not in FIELDS]
    if unknown or not set(table.key) | table.nullable <= set(table.columns):
        raise ContractError(f"{name}: columns without a declaration, or keys that are no columns: {unknown}")
    return table


NOT_READ = "publicly known figures, not read from a file"
"""The source of bundled facts that no config stands behind."""

_PARAMETERS = " ".join(f"parameters_{group}" for group in TENSOR_GROUPS)
_BYTES = " ".join(f"bytes_{group}" for group in TENSOR_GROUPS)
_LINEAR = " ".join(f"linear_parameters_{group}" for group in QUANTIZABLE_GROUPS)

_CRAWLED = (
    _table(
        "hub_files",
        """one model as the crawl fetched it: listing metadata, and the names of its config and headers in hub_texts;
        replayable without a network""",
        """model_id sha status message author license gated private disabled downloads likes last_modified pipeline_tag
        base_model tags files safetensors_totals config_hash quantization_hash header_hash config_key headers_of source
        fetched_at read_at""",
        "model_id",
        """sha message author license gated private disabled downloads likes last_modified pipeline_tag base_model tags files
        safetensors_totals config_hash quantization_hash header_hash config_key headers_of""",
    ),
    _table(
        "hub_texts", "one distinct text that the crawl fetched: a config, or headers summed up", "text_hash text", "text_hash"
    ),
    _table(
        "rejects",
        "one model that has no estimate, and why",
        "model_id code message fetched_at",
        "model_id",
    ),
)

_EXTRACTED = (
    _table(
        "models",
        "one model id and the architecture it has",
        """model_id sha architecture_key author license gated downloads likes last_modified pipeline_tag base_model
        needs_remote_code source id_inferred fetched_at""",
        "model_id",
        "sha author license gated downloads likes last_modified pipeline_tag base_model needs_remote_code",
    ),
    _table(
        "architectures",
        "one distinct architecture: everything that the estimates need to know of a model",
        f"""architecture_key architecture_class model_type sizes_source feature_sources
        parameters_total parameters_text parameters_active weights_bytes loaded_weights_bytes
        {_PARAMETERS} {_BYTES} {_LINEAR}
        parameters_attention_replicated parameters_kv_projection
        checkpoint_dtype tied_embeddings quantization_method quantization_bits quantization_group_size
        quantization_activations quantization_format quantization_ignored kv_cache_scheme
        attention_type layers attention_layers moe_layers linear_layers mla_layers
        hidden_size intermediate_size moe_intermediate_size vocab_size attention_heads kv_heads head_dim value_head_dim
        kv_lora_rank qk_rope_head_dim experts experts_per_token max_position_embeddings max_model_len_default rotary_values
        kv_bytes_per_token kv_bytes_per_token_unbounded state_bytes_per_sequence flops_per_token""",
        "architecture_key",
        """architecture_class quantization_bits quantization_group_size quantization_activations quantization_format
        kv_cache_scheme moe_intermediate_size attention_heads kv_heads head_dim value_head_dim kv_lora_rank
        qk_rope_head_dim""",
    ),
    _table(
        "parameter_groups",
        "the tensors of one architecture in one tensor group and stored dtype",
        "architecture_key tensor_group dtype logical_parameters linear_parameters stored_bytes loaded_bytes",
        "architecture_key tensor_group dtype",
    ),
    _table(
        "layer_groups",
        "the layers of one architecture that cache alike",
        """architecture_key layer_group kind layers attention_heads kv_heads head_dim value_head_dim
        kv_bytes_per_token_per_layer window_tokens state_bytes_per_sequence_per_layer shards_with_tp
        decode_flops_per_context_token_per_layer prefill_flops_per_context_token_per_layer""",
        "architecture_key layer_group",
        "attention_heads kv_heads head_dim value_head_dim window_tokens",
    ),
    _table(
        "extractions",
        "what became of one model's files when they were last extracted: its architecture or its reject",
        "model_id read_at extractor architecture_key sizes_source needs_remote_code represents code message",
        "model_id",
        "architecture_key sizes_source needs_remote_code code message",
    ),
    _table(
        "snapshot_sources",
        f"""where the bundled facts of one model were read, and when: an address, with what else is to be known of it; or
        "{NOT_READ}", where no copy of the config was found""",
        "model_id source as_of",
        "model_id",
    ),
)

_CATALOGS = (
    _table("providers", "one provider of shapes", "provider provider_name source as_of", "provider", "as_of"),
    _table(
        "gpus",
        "one accelerator: its memory and peak rates",
        """gpu vendor name gpu_architecture generation compute_capability capability memory_gib driver_memory_gib
        reported_memory_gib reported_memory_basis memory_bandwidth_gb_per_s fp16_tflops bf16_tflops fp8_tflops int8_tops
        fp4_tflops achievable_bf16_tflops achievable_fp8_tflops link_type link_gb_per_s link_domain_gpus pcie_gb_per_s
        source as_of note""",
        "gpu",
        """compute_capability capability memory_gib driver_memory_gib reported_memory_gib memory_bandwidth_gb_per_s
        fp16_tflops bf16_tflops fp8_tflops int8_tops fp4_tflops achievable_bf16_tflops achievable_fp8_tflops
        link_type link_gb_per_s link_domain_gpus pcie_gb_per_s as_of note""",
    ),
    _table("gpu_aliases", "one spelling of an accelerator", "alias gpu source as_of assumption", "alias", "as_of assumption"),
    _table(
        "shapes",
        "one machine type of one provider: its hardware, never its price",
        """provider shape accelerator gpu gpu_count memory_gib_per_gpu provider_memory_gib_per_gpu driver_memory_gib_per_gpu vcpu
        host_memory_gib interconnect interconnect_kind interconnect_gb_per_s network_gb_per_s source as_of note""",
        "provider shape",
        """gpu_count memory_gib_per_gpu provider_memory_gib_per_gpu driver_memory_gib_per_gpu vcpu host_memory_gib interconnect
        interconnect_kind interconnect_gb_per_s network_gb_per_s as_of note""",
    ),
    _table(
        "prices",
        "one price of one shape",
        "provider shape price_kind usd_per_hour price_region price_as_of source note",
        "provider shape price_kind",
        "usd_per_hour price_region price_as_of note",
    ),
    _table(
        "price_sources",
        "one machine-readable price list of one provider in one region",
        "provider price_region list_format url key_variable key_help source as_of",
        "provider price_region",
        "key_variable key_help",
    ),
    _table(
        "price_parts",
        "one part that one shape is billed by, where the provider's price list has parts rather than machines",
        "provider shape part part_unit part_quantity source as_of",
        "provider shape part",
    ),
    _table(
        "quantizations",
        "one weight precision that a configuration may ask for",
        """quantization bits_per_weight weight_bytes applies_to shard_multiple min_capability max_capability amd_supported
        arithmetic speed_class nightly quality_rank engine_arguments source as_of note""",
        "quantization",
        "bits_per_weight weight_bytes shard_multiple min_capability max_capability engine_arguments as_of note",
    ),
    _table("quantization_aliases", "another name of a weight precision", "alias quantization source", "alias"),
    _table(
        "quantization_support",
        "whether an engine runs a quantization method on an accelerator generation",
        "engine method applies_to bits scheme target compute_capability supported mode versions note source as_of",
        "engine method applies_to target compute_capability scheme versions",
        "bits scheme compute_capability mode versions as_of note",
    ),
    _table(
        "kv_dtypes",
        "one precision of the KV cache",
        "kv_dtype kv_bytes_factor min_capability nightly engine_arguments source",
        "kv_dtype",
        "min_capability engine_arguments",
    ),
    _table(
        "engines",
        "one setting of an engine over a range of its releases",
        "engine version_from version_below scope key value unit basis source as_of",
        "engine version_from scope key",
        "version_below as_of",
    ),
    _table(
        "policies",
        "one setting of one rule set for fit and choice",
        "policy key value unit basis source as_of",
        "policy key",
        "as_of",
    ),
    _table(
        "model_types",
        "one model_type whose config a library reads without code of the repository",
        "model_type library library_version source as_of",
        "model_type",
    ),
    _table("contexts", "one context length of the nightly grid", "context source", "context"),
    _table(
        "workloads",
        "one kind of load: what a request looks like and what its user expects",
        "workload input_tokens output_tokens cached_share target_ttft_ms target_tpot_ms source as_of",
        "workload",
        "as_of",
    ),
    _table(
        "speed_coefficients",
        "one coefficient of the speed formulas",
        "scope key name value basis source as_of",
        "scope key name",
        "as_of",
    ),
    _table(
        "sizing_settings",
        "one setting of the rules that fit a concurrency sweep",
        "key value unit basis source as_of",
        "key",
        "as_of",
    ),
    _table(
        "aqua_shapes",
        "one OCI shape as the aqua policy ranks it",
        """shape catalog_shape accelerator gpu_count memory_gib memory_gb cost_rank performance_rank cost_rank_value
        performance_rank_value quantization_methods source as_of note""",
        "shape",
        "catalog_shape note",
    ),
    _table(
        "lmi_guide",
        "one sample model of one row of the LMI guide's instance table",
        """parameters_billion shape sample_model sample_parameters_billion layers hidden_size guide_batch_low guide_batch_high
        source as_of note""",
        "parameters_billion shape sample_model",
        "layers hidden_size note",
    ),
)

_RECOMMENDED = """architecture_key provider shape nodes gpu gpu_count quantization kv_dtype context tp pp dp ep verdict
        memory_used_gib_per_gpu memory_allowed_gib_per_gpu weights_gib_per_gpu activation_gib_per_gpu
        non_torch_gib_per_gpu cuda_graphs_gib_per_gpu kv_cache_gib_per_gpu band_gib kv_cache_tokens max_context
        max_sequences batch_per_replica slo_users ttft_ms ttft_low_ms ttft_high_ms tpot_ms tpot_low_ms tpot_high_ms
        single_stream_ttft_ms single_stream_tpot_ms output_tokens_per_s output_low_tokens_per_s output_high_tokens_per_s
        bound_by calibration usd_per_hour spot_usd_per_hour price_region price_as_of price_stale
        usd_per_million_output_tokens spot_usd_per_million_output_tokens usd_per_million_total_tokens usd_per_user_hour
        cost_tp cost_pp cost_dp cost_ep cost_output_tokens_per_s cost_ttft_ms cost_tpot_ms
        cost_usd_per_million_output_tokens
        performance_tp performance_pp performance_dp performance_ep performance_output_tokens_per_s
        performance_ttft_ms performance_tpot_ms performance_usd_per_million_output_tokens
        cost_rank performance_rank balanced_rank on_frontier dominated_by policy reason vllm_arguments"""
_RECOMMENDED_KEY = "provider shape nodes quantization kv_dtype context"
_RECOMMENDED_NULLABLE = """ttft_ms ttft_low_ms ttft_high_ms tpot_ms tpot_low_ms tpot_high_ms single_stream_ttft_ms
        single_stream_tpot_ms output_tokens_per_s output_low_tokens_per_s output_high_tokens_per_s bound_by calibration
        usd_per_hour spot_usd_per_hour price_region price_as_of price_stale usd_per_million_output_tokens
        spot_usd_per_million_output_tokens usd_per_million_total_tokens usd_per_user_hour cost_output_tokens_per_s cost_ttft_ms
        cost_tpot_ms cost_usd_per_million_output_tokens performance_output_tokens_per_s performance_ttft_ms
        performance_tpot_ms performance_usd_per_million_output_tokens dominated_by reason"""

_COMPUTED = (
    _table(
        "layouts",
        "one way to spread an engine over one or more machines of a shape, free of any model",
        "provider shape nodes tp pp dp ep gpu_count",
        "provider shape nodes tp pp dp ep",
    ),
    _table(
        "recommendations",
        "one model on one shape at one quantization, KV precision and context that fits: best layouts, figures, ranks",
        f"model_id {_RECOMMENDED}",
        f"model_id {_RECOMMENDED_KEY}",
        _RECOMMENDED_NULLABLE,
    ),
    _table(
        "architecture_recommendations",
        "one architecture on one shape at one quantization, KV precision and context that fits; models join by architecture_key",
        _RECOMMENDED,
        f"architecture_key {_RECOMMENDED_KEY}",
        _RECOMMENDED_NULLABLE,
    ),
    _table(
        "best_shapes",
        "the best shape of one kind for one model at one quantization and context, in the layout of that kind",
        """model_id quantization context shape_kind provider shape nodes gpu gpu_count kv_dtype tp pp dp ep verdict
        memory_used_gib_per_gpu memory_allowed_gib_per_gpu max_context slo_users ttft_ms tpot_ms single_stream_ttft_ms
        single_stream_tpot_ms output_tokens_per_s within_slo usd_per_hour price_as_of price_age_days price_stale
        usd_per_million_output_tokens usd_per_user_hour on_frontier dominated_by reason vllm_arguments""",
        "model_id quantization context shape_kind",
        """ttft_ms tpot_ms single_stream_ttft_ms single_stream_tpot_ms output_tokens_per_s within_slo usd_per_hour price_as_of
        price_age_days price_stale usd_per_million_output_tokens usd_per_user_hour dominated_by reason""",
    ),
    _table(
        "changes",
        "one difference between a published version and the one before",
        "change model_id provider shape quantization context was now",
        "change model_id provider shape quantization context",
        "model_id provider shape quantization context was now",
    ),
)

_SIZING = (
    _table(
        "sweeps",
        "one measured or imported concurrency sweep: what was measured, and on what",
        """run run_group sweep_source api served_model model_id gpu test_gpu_count tp quantization kv_dtype engine
        engine_version started_at note""",
        "run",
        "api served_model model_id gpu test_gpu_count tp quantization kv_dtype engine engine_version note",
    ),
    _table(
        "sweep_levels",
        "one concurrency of one sweep as it was sent",
        "run concurrency passes planned_items started_at total_runtime_s workflow_interrupted",
        "run concurrency",
        "total_runtime_s",
    ),
    _table(
        "requests",
        "one request of a sweep",
        """run concurrency pass_number item call request_kind start_s first_token_s last_token_s end_s request_input_tokens
        request_output_tokens request_status http_status error""",
        "run concurrency item call",
        "first_token_s last_token_s request_input_tokens request_output_tokens http_status error",
    ),
    _table(
        "workflow_items",
        "one workflow item of a sweep: one input and its answer, by one or more language-model calls",
        """run concurrency pass_number item dataset_item start_s end_s workflow_runtime_s llm_latency_s request_status error""",
        "run concurrency item",
        "start_s end_s llm_latency_s error",
    ),
    _table(
        "measurements",
        "one concurrency of one sweep and the times that were measured there",
        """run concurrency passes items failed_items p95_llm_latency_s p95_workflow_runtime_s total_runtime_s ttft_ms tpot_ms
        output_tokens_per_s mean_input_tokens mean_output_tokens workflow_interrupted""",
        "run concurrency",
        """passes items failed_items p95_llm_latency_s p95_workflow_runtime_s total_runtime_s ttft_ms tpot_ms
        output_tokens_per_s mean_input_tokens mean_output_tokens""",
    ),
    _table(
        "sizing",
        "one target of one sweep and the GPUs that would meet it",
        """metric target_s target_users test_gpu_count points outliers slope_s intercept_s r_squared required_concurrency
        proven_concurrency line_gpus knee_concurrency knee_base_s knee_slope_s knee_r_squared knee_gpus fit gpus
        gpus_low gpus_high whole_gpus proven_gpus gpus_per_replica sizing_status""",
        "metric",
        """target_s target_users test_gpu_count slope_s intercept_s r_squared required_concurrency proven_concurrency
        line_gpus knee_concurrency knee_base_s knee_slope_s knee_r_squared knee_gpus fit gpus gpus_low gpus_high
        whole_gpus proven_gpus""",
    ),
)

_STAR = (
    _table(
        "dim_shape",
        "one shape with its provider, its accelerator and its prices for one machine",
        """shape_id provider provider_name shape accelerator gpu vendor gpu_name gpu_architecture memory_bandwidth_gb_per_s
        gpu_count memory_gib_per_gpu vcpu host_memory_gib interconnect_kind interconnect_gb_per_s network_gb_per_s
        usd_per_hour spot_usd_per_hour price_region price_as_of price_stale not_recommended_reason""",
        "shape_id",
        """memory_bandwidth_gb_per_s gpu_count memory_gib_per_gpu vcpu host_memory_gib interconnect_kind
        interconnect_gb_per_s network_gb_per_s usd_per_hour spot_usd_per_hour price_region price_as_of price_stale
        not_recommended_reason""",
    ),
    _table(
        "dim_architecture",
        "one distinct architecture, which one or many models have",
        """architecture_id architecture_key architecture_class model_type models parameters_total parameters_active
        weights_bytes checkpoint_dtype quantization_method quantization_bits attention_type layers experts
        experts_per_token max_position_embeddings max_model_len_default kv_bytes_per_token state_bytes_per_sequence
        sizes_source""",
        "architecture_id",
        "architecture_class quantization_bits",
    ),
    _table(
        "dim_model",
        "one model; its architecture joins it to the facts",
        """model_id architecture_id author license gated downloads likes last_modified pipeline_tag base_model
        needs_remote_code source fetched_at""",
        "model_id",
        "author license gated downloads likes last_modified pipeline_tag base_model needs_remote_code",
    ),
    _table(
        "dim_quantization",
        "one weight precision",
        """quantization_id quantization bits_per_weight weight_bytes applies_to arithmetic quality_rank engine_arguments""",
        "quantization_id",
        "bits_per_weight weight_bytes engine_arguments",
    ),
    _table(
        "dim_kv_dtype",
        "one precision of the KV cache",
        "kv_dtype_id kv_dtype kv_bytes_factor engine_arguments",
        "kv_dtype_id",
        "engine_arguments",
    ),
    _table("dim_context", "one context length, which is its own key", "context on_ladder", "context"),
    _table(
        "fact_recommendation",
        "one architecture on one shape at one quantization, KV precision and context that fits, with the balanced layout",
        """architecture_id shape_id nodes quantization_id kv_dtype_id context tp pp dp ep verdict memory_used_gib_per_gpu
        memory_allowed_gib_per_gpu weights_gib_per_gpu kv_cache_gib_per_gpu kv_cache_tokens max_context max_sequences
        batch_per_replica slo_users ttft_ms tpot_ms single_stream_ttft_ms single_stream_tpot_ms output_tokens_per_s bound_by
        calibration usd_per_hour spot_usd_per_hour usd_per_million_output_tokens spot_usd_per_million_output_tokens
        usd_per_million_total_tokens usd_per_user_hour cost_output_tokens_per_s
        cost_usd_per_million_output_tokens performance_output_tokens_per_s
        performance_usd_per_million_output_tokens cost_rank performance_rank balanced_rank on_frontier""",
        "architecture_id shape_id nodes quantization_id kv_dtype_id context",
        """ttft_ms tpot_ms single_stream_ttft_ms single_stream_tpot_ms output_tokens_per_s bound_by calibration
        usd_per_hour spot_usd_per_hour usd_per_million_output_tokens spot_usd_per_million_output_tokens
        usd_per_million_total_tokens usd_per_user_hour cost_output_tokens_per_s
        cost_usd_per_million_output_tokens performance_output_tokens_per_s
        performance_usd_per_million_output_tokens""",
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (*_CRAWLED, *_EXTRACTED, *_CATALOGS, *_COMPUTED, *_SIZING, *_STAR)}
CATALOG_TABLES: tuple[str, ...] = tuple(table.name for table in _CATALOGS)
STAR_TABLES: tuple[str, ...] = tuple(table.name for table in _STAR)


def polars_schema(table: str) -> pl.Schema:
    """The Polars schema of a table: column names and types in order."""
    return pl.Schema({column: POLARS_TYPES[FIELDS[column].type] for column in TABLES[table].columns})


def empty_frame(table: str) -> pl.DataFrame:
    """A frame of a table's schema without rows."""
    return pl.DataFrame(schema=polars_schema(table))


def frame_of(table: str, rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Rows (dictionaries by column name) as a frame of a table's schema; missing entries are null."""
    return pl.DataFrame(list(rows), schema=polars_schema(table), orient="row")


def conform(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the table's columns, order and types, checked against its contract.

    Raises ContractError when a column is missing, a type does not convert, a key repeats or a null stands where none may.
    """
    schema = polars_schema(table)
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ContractError(f"{table}: missing columns {', '.join(missing)}")
    try:
        frame = frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{table}: {str(error).splitlines()[0]}") from error
    declared = TABLES[table]
    for column in schema:
        if column not in declared.nullable and frame[column].null_count():
            row = frame[column].is_null().arg_true()[0]
            raise ContractError(f"{table}: {column} is empty in row {row}, which its contract forbids")
    repeated = frame.select(declared.key).is_duplicated()
    if repeated.any():
        row = frame.select(declared.key).row(repeated.arg_true()[0])
        raise ContractError(f"{table}: key {', '.join(declared.key)} repeats: {row}")
    return frame


def duckdb_table_statement(table: str) -> str:
    """The `create table` statement of a table, from its declaration."""
    declared = TABLES[table]
    columns = (
        f'"{column}" {FIELDS[column].type}' + ("" if column in declared.nullable else " not null") for column in declared.columns
    )
    return f'create table "{table}" ({", ".join(columns)})'


def duckdb_comment_statements(table: str, kind: str = "table") -> list[str]:
    """The `comment on` statements of a table or view and its columns, from the declarations."""
    declared = TABLES[table]
    statements = [f'comment on {kind} "{table}" is {_quoted(declared.row)}']
    statements += [f'comment on column "{table}"."{column}" is {_quoted(_described(column))}' for column in declared.columns]
    return statements


def data_dictionary(tables: Iterable[str]) -> str:
    """The data dictionary of the given tables as Markdown: each table's row, key, columns, types, units and meanings."""
    lines = ["# Data dictionary", "", "GiB is 2^30 bytes. `null` says whether a column may be empty.", ""]
    for name in tables:
        table = TABLES[name]
        lines += [f"## {name}", "", f"A row is {table.row}. Key: {', '.join(table.key)}.", ""]
        lines += ["| column | type | unit | null | meaning |", "| --- | --- | --- | --- | --- |"]
        for column in table.columns:
            field = FIELDS[column]
            null = "yes" if column in table.nullable else "no"
            lines.append(f"| {column} | {field.type} | {field.unit} | {null} | {field.meaning} |")
        lines.append("")
    return "\n".join(lines)


def _described(column: str) -> str:
    field = FIELDS[column]
    return f"{field.meaning} ({field.unit})" if field.unit else field.meaning


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
