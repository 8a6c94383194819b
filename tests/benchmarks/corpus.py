"""The corpus of real configs and headers as `hub_files` records, for the measurements of this folder.

The corpus lies beside the checkout (`../shared/hub-corpus`) and is no part of it; `SHAPEFIT_CORPUS` names another place.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from transforms.tables.records import HubFiles
from transforms.weights.safetensors import parse_header, summarize

FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class CorpusError(ValueError):
    """The corpus is not where it is looked for; the message says where that is."""


def corpus_directory() -> Path:
    """Where the corpus lies. Raises CorpusError when it does not."""
    given = os.environ.get("SHAPEFIT_CORPUS")
    directory = Path(given) if given else Path(__file__).resolve().parents[2].parent / "shared" / "hub-corpus"
    if not (directory / "index.csv").is_file():
        raise CorpusError(f"no corpus at {directory}: put it there or set SHAPEFIT_CORPUS to its folder")
    return directory


def read_corpus(directory: Path, headers: bool = True) -> list[HubFiles]:
    """Every model of the corpus as the crawl would have fetched it; without headers all are sized from their configs."""
    return [_hub_files(directory, row, headers) for row in read_rows(directory / "index.csv")]


def read_odd(directory: Path) -> list[HubFiles]:
    """The malformed, trimmed and misleading configs of the corpus, named `odd/<name>`."""
    records = []
    for row in read_rows(directory / "odd" / "odd.csv"):
        config = directory / "odd" / row["name"] / "config.json"
        text = config.read_text(errors="replace")
        records.append(HubFiles(f"odd/{row['name']}", "ok", "corpus", FETCHED_AT, config_json=text))
    return records


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, every value as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _hub_files(directory: Path, row: dict[str, str], headers: bool) -> HubFiles:
    folder = row["model_id"].replace("/", "__")
    configs = directory / "configs" / folder
    shards = sorted((directory / "headers" / folder).glob("*.header.gz")) if headers else []
    quantization = [configs / name for name in ("hf_quant_config.json", "quantize_config.json") if (configs / name).is_file()]
    return HubFiles(
        model_id=row["model_id"],
        status="ok",
        source="corpus",
        fetched_at=FETCHED_AT,
        author=row["model_id"].split("/")[0],
        files=json.dumps(["config.json", *(shard.name.removesuffix(".header.gz") for shard in shards)]),
        config_json=(configs / "config.json").read_text(),
        quantization_json=quantization[0].read_text() if quantization else None,
        header_summary=_summary(shards) if shards else None,
    )


def _summary(shards: list[Path]) -> str:
    tensors = [tensor for shard in shards for tensor in parse_header(gzip.decompress(shard.read_bytes()))]
    return summarize(tensors, len(shards), "local")
