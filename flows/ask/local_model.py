"""A model in a local directory: its config.json and safetensors headers, as one row of `hub_files`."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flows.crawl.fetch_model import QUANTIZATION_FILES, without_config
from flows.hub.headers import INDEX_FILE, formats_found, single_weights
from transforms.config.config import CONFIG_BYTES
from transforms.tables.records import HubFiles
from transforms.weights.safetensors import HEADER_BYTES, INDEX_BYTES, HeaderError, Tensor, parse_header, parse_index, summarize


class LocalModelError(ValueError):
    """A directory that cannot be read as a model."""


def read_local_model(path: Path) -> HubFiles:
    """The model in a directory, `source` 'local' and its path as id; trouble with its files becomes the row's status.

    Raises LocalModelError when the path is no directory.
    """
    if not path.is_dir():
        raise LocalModelError(f"{path} is no directory; name one that holds a config.json and safetensors files")
    names = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    row = HubFiles(model_id=str(path), status="ok", source="local", fetched_at=datetime.now(UTC), files=json.dumps(names))
    if "config.json" not in names:
        return without_config(row, names)
    config = _read(path / "config.json", CONFIG_BYTES)
    if config is None:
        return replace(row, status="over_bound", message=f"config.json is longer than the {CONFIG_BYTES:,} bytes that are read")
    quantization = next((_read(path / name, CONFIG_BYTES) for name in QUANTIZATION_FILES if name in names), None)
    row = replace(
        row,
        config_json=config.decode("utf-8-sig", errors="replace"),
        quantization_json=None if quantization is None else quantization.decode("utf-8-sig", errors="replace"),
    )
    try:
        weights = _weights(path, names)
        if not weights:
            return replace(row, message=formats_found(names))
        return replace(row, header_summary=summarize(_tensors(path, weights), len(weights), "local"))
    except HeaderError as error:
        return replace(row, status=error.code, message=str(error))


def _weights(path: Path, names: list[str]) -> list[str]:
    if INDEX_FILE not in names:
        return single_weights(names)
    index = _read(path / INDEX_FILE, INDEX_BYTES)
    if index is None:
        raise HeaderError(f"{INDEX_FILE} is longer than the {INDEX_BYTES:,} bytes that are read", "over_bound")
    shards = sorted(set(parse_index(index).values()))
    absent = [shard for shard in shards if shard not in names]
    if absent:
        raise HeaderError(f"{INDEX_FILE} names {absent[0]}, which is not in the directory; fetch it", "no_weights")
    return shards


def _tensors(path: Path, weights: list[str]) -> Iterator[Tensor]:
    for name in weights:
        file = path / name
        with file.open("rb") as stream:
            prefix = stream.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
            if length > HEADER_BYTES:
                raise HeaderError(f"the header of {name} claims {length:,} bytes, more than {HEADER_BYTES:,}", "over_bound")
            data = prefix + stream.read(length)
        yield from parse_header(data, file.stat().st_size)


def _read(file: Path, limit: int) -> bytes | None:
    with file.open("rb") as stream:
        data = stream.read(limit + 1)
    return data if len(data) <= limit else None
