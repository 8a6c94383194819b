"""Records that pass between rooms: what the crawl fetched of a model, and why a model was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class HubFiles:
    """One row of `hub_files`: a model as fetched. Texts are as published; nothing in them is trusted."""

    model_id: str
    status: str
    source: str
    fetched_at: datetime
    sha: str | None = None
    message: str | None = None
    author: str | None = None
    license: str | None = None
    gated: str | None = None
    private: bool | None = None
    disabled: bool | None = None
    downloads: int | None = None
    likes: int | None = None
    last_modified: datetime | None = None
    pipeline_tag: str | None = None
    base_model: str | None = None
    tags: str | None = None
    files: str | None = None
    safetensors_totals: str | None = None
    config_json: str | None = None
    quantization_json: str | None = None
    header_summary: str | None = None
    config_key: str | None = None
    headers_of: str | None = None


@dataclass(frozen=True)
class Reject:
    """Why a model has no estimate: a stable code (see `transforms.tables.rejects`) and what is wrong and what to do."""

    code: str
    message: str


@dataclass(frozen=True)
class Extracted:
    """One architecture as rows of the tables that describe it, by column name."""

    architecture: dict[str, object]
    parameter_groups: list[dict[str, object]] = field(default_factory=list)
    layer_groups: list[dict[str, object]] = field(default_factory=list)
