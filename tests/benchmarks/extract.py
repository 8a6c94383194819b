"""Features of 10,000 models extracted from cached `hub_files`: time, rate, peak memory; beside transformers where installed.

Run from the checkout: `python -m tests.benchmarks.extract [COUNT]`. The corpus's models are repeated under other names, so
every one is classified like a new one; configs and headers that repeat within a chunk are read once.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

from tests.benchmarks.corpus import CorpusError, corpus_directory, read_corpus
from transforms.architecture.extract_models import extract_records
from transforms.tables.records import HubFiles

MODELS = 10_000
CHUNK = 1_000
"""Rows handed over at once, as the flow's tasks do."""


def main() -> int:
    """Print the measurement; 2 without a corpus."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MODELS
    try:
        records = read_corpus(corpus_directory())
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    peak_before = _peak_mib()
    started = time.perf_counter()
    models = rejects = 0
    keys: set[str] = set()
    for number, chunk in enumerate(_chunks(records, count)):
        tables = extract_records(chunk)
        models += tables.models.height
        rejects += tables.rejects.height
        keys |= set(tables.architectures["architecture_key"])
        if number == 0:
            peak_first = _peak_mib()
    seconds = time.perf_counter() - started
    print(f"{count:,} models in {seconds:.1f} s ({count / seconds:,.0f} a second, one process)")
    print(f"{models:,} extracted, {rejects:,} rejected, {len(keys):,} architectures")
    print(f"peak memory {_peak_mib():,.0f} MiB: {peak_before:,.0f} before, {peak_first:,.0f} after the first chunk")
    _compare_with_transformers(records)
    return 0


def _chunks(records: list[HubFiles], count: int) -> Iterator[list[HubFiles]]:
    for start in range(0, count, CHUNK):
        chunk = []
        for index in range(start, min(start + CHUNK, count)):
            record = records[index % len(records)]
            chunk.append(replace(record, model_id=f"copy-{index}/{record.model_id.split('/')[-1]}"))
        yield chunk


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _compare_with_transformers(records: list[HubFiles]) -> None:
    if find_spec("transformers") is None or find_spec("torch") is None:
        print("transformers and torch are not installed: no comparison with construction on the meta device")
        return
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    built, started = 0, time.perf_counter()
    for record in records:
        try:
            config = json.loads(record.config_json or "")
            with torch.device("meta"):
                AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
            built += 1
        except Exception as error:  # whatever a class refuses is simply not built
            print(f"  transformers: {record.model_id}: {type(error).__name__}")
    seconds = time.perf_counter() - started
    print(f"transformers built {built} of the corpus's {len(records)} configs on the meta device in {seconds:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
