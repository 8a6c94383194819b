"""Columns of the star schema that no other table has."""

from __future__ import annotations

from transforms.columns.field import Field

STAR_COLUMNS: dict[str, Field] = {
    "architecture_id": Field("BIGINT", "key of the architecture in the star schema: 15 digits of architecture_key's hash"),
    "shape_id": Field("BIGINT", "key of the shape in the star schema: 15 digits of the hash of provider/shape"),
    "quantization_id": Field("BIGINT", "key of the weight precision in the star schema: 15 digits of its name's hash"),
    "kv_dtype_id": Field("BIGINT", "key of the KV precision in the star schema: 15 digits of its name's hash"),
    "models": Field("BIGINT", "models that have the architecture", "models"),
    "gpu_name": Field("VARCHAR", "accelerator's full name"),
    "on_ladder": Field("BOOLEAN", "whether the context is one of the catalogued lengths, not only a model's own maximum"),
}
