"""Header summaries that are known already: models with the same config and the same totals share one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from transforms.architecture.content_keys import config_key, text_hash
from transforms.tables.records import HubFiles


@dataclass(frozen=True)
class KnownHeaders:
    """Header summaries by config and totals: a model that shares both with a known one needs no header read."""

    by_content: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    being_read: dict[tuple[str, str], threading.Lock] = field(default_factory=dict)
    keys: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def key(self, config_json: str, quantization_json: str | None) -> str | None:
        """The `config_key` of a config and the quantization file beside it, worked out once for equal texts."""
        texts = (text_hash(config_json), text_hash(quantization_json or ""))
        if texts not in self.keys:
            self.keys[texts] = config_key(config_json, quantization_json)
        return self.keys[texts]

    @contextmanager
    def found(self, row: HubFiles) -> Iterator[tuple[str, str] | None]:
        """Header summary and the model it was read from, for a row with config and totals, or None: the caller then reads it.

        While one thread reads, others that want the same headers wait for it.
        """
        if row.config_key is None or row.safetensors_totals is None:
            yield None
            return
        content = (row.config_key, row.safetensors_totals)
        if content in self.by_content:
            yield self.by_content[content]
            return
        with self.being_read.setdefault(content, threading.Lock()):
            yield self.by_content.get(content)

    def add(self, row: HubFiles) -> None:
        """Remember a model's own headers, once they were found to agree with its totals."""
        if row.headers_of == row.model_id and row.config_key and row.safetensors_totals and row.header_summary:
            self.by_content.setdefault((row.config_key, row.safetensors_totals), (row.header_summary, row.model_id))
