"""The whole corpus crawled from a loopback Hub with the real client, twice, then extracted and compared with the oracle.

Run from the checkout: `python -m tests.benchmarks.crawl_corpus [--data DIR] [--fault-rate 0.1] [--latency 0.02]`.
The Hub runs in a process of its own; `--data` keeps the lake, from which `python -m flows.lake.snapshot` makes the snapshot.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.crawl.crawl import crawl
from flows.crawl.crawl_report import CrawlReport
from flows.extract.extract import extract, read_extracted
from flows.hub.client import open_hub
from flows.lake.lake import Lake, open_lake, refresh_lock
from tests.benchmarks.corpus import CorpusError, corpus_directory, read_rows
from transforms.catalogs.model_list import ModelList


@contextmanager
def served(corpus: Path, fault_rate: float, latency: float) -> Iterator[str]:
    """The corpus on a loopback Hub; yields its address."""
    script = Path(__file__).resolve().parents[1] / "loopback_hub.py"
    options = ["--corpus", str(corpus), "--fault-rate", str(fault_rate), "--latency", str(latency)]
    process = subprocess.Popen([sys.executable, str(script), *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def counted(address: str) -> dict[str, int]:
    """Requests by route and bytes of weights since the last time."""
    with urllib.request.urlopen(f"{address}/counts") as answer:
        return json.load(answer)


def main() -> None:
    """Crawl, extract, compare and print."""
    parser = argparse.ArgumentParser(description="Crawl the corpus from a loopback Hub and compare with the oracle.")
    parser.add_argument("--data", type=Path, help="keep the lake here (default: a temporary directory)")
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--latency", type=float, default=0.0)
    arguments = parser.parse_args()
    try:
        corpus = corpus_directory()
    except CorpusError as error:
        sys.exit(str(error))
    ids = [row["model_id"] for row in read_rows(corpus / "index.csv")]
    odd = [f"odd/{row['name']}" for row in read_rows(corpus / "odd" / "odd.csv")]
    with tempfile.TemporaryDirectory() as temporary, served(corpus, arguments.fault_rate, arguments.latency) as address:
        data = arguments.data or Path(temporary)
        with refresh_lock(data):
            lake = open_lake(data)
            for run in ("first", "second"):
                report = crawl(lake, ModelList((*ids, *odd)), hub=open_hub(address, token=False))
                _print_run(run, report, counted(address))
            extract(lake, [*ids, *odd])
            _print_extraction(lake, corpus, ids, odd)


def _print_run(run: str, report: CrawlReport, counts: dict[str, int]) -> None:
    weights = counts.pop("weight bytes")
    requests, models = sum(counts.values()), report.models
    print(
        f"{run} run: {models} models in {report.seconds:.1f} s ({report.fetched} fetched, {report.unchanged} unchanged, "
        f"{report.statuses}); {requests} requests, {requests / models:.2f} a model {counts}; bytes of weights: {weights}"
    )


def _print_extraction(lake: Lake, corpus: Path, ids: list[str], odd: list[str]) -> None:
    tables = read_extracted(lake)
    models = tables["models"].join(tables["architectures"], on="architecture_key")
    totals = dict(models.select("model_id", "parameters_total").iter_rows())
    rejects = {model_id: (code, message) for model_id, code, message, _ in tables["rejects"].iter_rows()}
    print(f"architectures: {tables['architectures'].height}; models: {tables['models'].height} of {len(ids) + len(odd)}")
    print("rejects:", dict(tables["rejects"].group_by("code").len().sort("code").iter_rows()))
    oracle = {row["model_id"]: row["total_params"] for row in read_rows(corpus / "oracle_params.csv")}
    unquantised = [row["model_id"] for row in read_rows(corpus / "index.csv") if row["headers"] == "unquantised"]
    known = [model_id for model_id in unquantised if oracle[model_id] and model_id in totals]
    wrong = [model_id for model_id in known if totals[model_id] != int(oracle[model_id])]
    refused = [model_id for model_id in unquantised if model_id not in totals]
    print(f"totals equal to the oracle, unquantised: {len(known) - len(wrong)} of {len(known)} read; refused: {len(refused)}")
    for model_id in wrong:
        print(f"  {model_id}: {totals[model_id]:,} for {int(oracle[model_id]):,}")
    for model_id in sorted(rejects):
        print(f"  {model_id}: {rejects[model_id][0]}: {rejects[model_id][1]}")
    for model_id in odd:
        if model_id not in rejects:
            print(f"  {model_id}: read, {totals[model_id]:,} parameters")
    lost = [model_id for model_id in [*ids, *odd] if model_id not in totals and model_id not in rejects]
    print("neither read nor rejected:", lost or "none")


if __name__ == "__main__":
    main()
