"""The nightly refresh at the Hub's scale: fine-tunes of the corpus from a loopback Hub, crawled, deduplicated and published.

    python -m tests.benchmarks.hub_scale [--models 100000] [--latency 0.02] [--sweep]

Runs the real `shapefit refresh --models "hub: …"` twice, the second time with 1 % of the models changed, and compares the first
with its floor: the greater of requests × latency / concurrency and the time that a bare loop of the same client (same session,
same concurrency) takes for the same requests. The Hub and the client share the processors. Ends with 1 beyond the limits.
`--sweep` runs 1k, 10k and 100k models and writes time and memory by stage as CSV and as a plot beside this file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from flows.crawl.fetch_threads import THREADS
from tests.benchmarks.corpus import CorpusError, corpus_directory

QUERY = "hub: pipeline_tag=text-generation"
RATIO_LIMIT, SECOND_SHARE_LIMIT, REQUESTS_LIMIT, MEMORY_LIMIT_GIB = 1.5, 0.05, 1.3, 6.0
_LIMITS_FROM = 50_000
"""From so many models on the limits hold: below, what a run costs whatever its size weighs more than its models."""

STAGES = ("start", "crawl", "extract", "compute", "publish")
SWEEP = (1_000, 10_000, 100_000)
_PLOT, _TABLE = "hub_scale.png", "hub_scale.csv"


@dataclass(frozen=True)
class Run:
    """One refresh: seconds in all and by stage, the requests it sent, and the memory of all its processes at its fullest.

    The stages follow one another from the command to the switch of `latest`; compute is what the others leave: the grid, the
    hand-overs of the flows and, after a crawl shorter than that, the rest of Prefect's start.
    """

    seconds: float
    stages: dict[str, float]
    requests: int
    models: int
    fetched: int
    peak_gib: float
    architectures: int


def main() -> int:
    """Measure and print; 1 when a limit is missed, 2 without a corpus."""
    parser = argparse.ArgumentParser(description="The nightly refresh over many fine-tunes of the corpus.")
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds before each answer of the Hub")
    parser.add_argument("--sweep", action="store_true", help="1k, 10k and 100k models, written as CSV and plot")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="where the sweep is written")
    parser.add_argument("--bare", nargs=2, metavar=("ADDRESS", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if arguments.bare:
        print(bare_loop(arguments.bare[0], json.loads(Path(arguments.bare[1]).read_text())))
        return 0
    try:
        corpus_directory()
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    if not arguments.sweep:
        return 1 if measure(arguments.models, arguments.latency)[1] else 0
    rows = [measure(models, arguments.latency) for models in SWEEP]
    write_sweep(arguments.output, [run for run, _ in rows])
    return 1 if any(missed for _, missed in rows) else 0


def measure(models: int, latency: float) -> tuple[Run, list[str]]:
    """Two refreshes and their floor, printed; returns the first run and the limits that were missed."""
    print(f"{models:,} fine-tunes, latency {latency * 1000:.0f} ms, {THREADS} requests in flight, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as temporary, served(models, latency) as address:
        data = Path(temporary)
        first = refresh(address, data / "data", "first run")
        asked = control(address, "requests")
        changed = control(address, f"change?count={models // 100}")
        second = refresh(address, data / "data", f"second run, {changed:,} models changed")
        control(address, "requests")
        (data / "asked.json").write_text(json.dumps(asked))
        command = [sys.executable, "-m", "tests.benchmarks.hub_scale", "--bare", address, str(data / "asked.json")]
        bare = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    by_latency = len(asked) * latency / THREADS
    ratio = first.seconds / max(by_latency, bare)
    share = second.seconds / first.seconds
    print(f"floor: {by_latency:.1f} s of latency ({len(asked):,} requests), {bare:.1f} s for a bare loop of the same requests")
    print(
        f"first run / floor: {ratio:.2f} (limit {RATIO_LIMIT}); crawl alone {first.stages['crawl'] / max(by_latency, bare):.2f}"
    )
    print(f"second run / first: {share:.3f} (limit {SECOND_SHARE_LIMIT})")
    limits = {
        "first run / floor": (ratio, RATIO_LIMIT),
        "second run / first": (share, SECOND_SHARE_LIMIT),
        "requests a model": (first.requests / models, REQUESTS_LIMIT),
        "memory, GiB": (max(first.peak_gib, second.peak_gib), MEMORY_LIMIT_GIB),
    }
    missed = [f"{name} {value:.3g} > {limit}" for name, (value, limit) in limits.items() if value > limit]
    if models < _LIMITS_FROM:
        print(f"limits hold from {_LIMITS_FROM:,} models on; here: {'; '.join(missed) or 'all met'}\n")
        return first, []
    print(f"limits: {'; '.join(missed) or 'all met'}\n")
    return first, missed


def refresh(address: str, data: Path, title: str) -> Run:
    """One `shapefit refresh` in a process of its own, measured and printed."""
    command = [str(Path(sys.executable).with_name("shapefit")), "refresh", "--models", QUERY, "--data", str(data)]
    variables = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "SHAPEFIT_DATA")}
    began, started = datetime.now(UTC), time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, env={**variables, "HF_ENDPOINT": address}, stdout=said, stderr=said, start_new_session=True
        )
        try:
            peak = _watched(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # what an interrupted measurement would leave behind
        seconds = time.monotonic() - started
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"refresh ended with {process.returncode}:\n{said.read()[-3000:]}")
    facts = json.loads((data / "published" / "latest" / "run.json").read_text())
    crawl, extract = facts["crawl"], facts["extract"]
    crawl_began = datetime.fromisoformat(crawl["began_at"])
    worked = (datetime.fromisoformat(facts["published_at"]) - crawl_began).total_seconds()
    stages = {
        "start": (crawl_began - began).total_seconds(),
        "crawl": crawl["seconds"],
        "extract": extract["seconds"],
        "publish": facts["build_seconds"],
    }
    stages["compute"] = max(0.0, worked - crawl["seconds"] - extract["seconds"] - facts["build_seconds"])
    counts = control(address, "counts")
    run = Run(
        seconds, {stage: stages[stage] for stage in STAGES}, sum(counts.values()), crawl["models"], crawl["fetched"], peak,
        extract["counts"]["architectures"],
    )  # fmt: skip
    print(
        f"{title}: {run.seconds:.1f} s, {run.models / run.seconds:,.0f} models/s; {run.fetched:,} fetched "
        f"({crawl['shared_headers']:,} with the headers of another), {extract['extracted']:,} extracted, "
        f"{run.architectures:,} architectures; {run.requests:,} requests, {run.requests / run.models:.3f} a model {counts}; "
        f"peak memory {run.peak_gib:.2f} GiB"
    )
    print("  by stage: " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in run.stages.items()))
    return run


@contextmanager
def served(models: int, latency: float) -> Iterator[str]:
    """The Hub in a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.benchmarks.scale_hub", "--models", str(models), "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def control(address: str, command: str) -> object:
    """What the Hub is told or asked beside its work."""
    with urllib.request.urlopen(f"{address}/control/{command}") as answer:
        return json.load(answer)


def bare_loop(address: str, asked: Sequence[tuple[str, str]]) -> float:
    """Seconds that huggingface_hub's session takes for these requests with as many threads as the crawl, answers thrown away."""
    from huggingface_hub.utils import get_session

    session = get_session()
    waiting: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
    for request in [*asked, *[None] * THREADS]:
        waiting.put(request)  # type: ignore[arg-type]

    def work() -> None:
        while (request := waiting.get()) is not None:
            target, span = request
            session.get(address + target, headers={"range": span} if span else None)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - started


def write_sweep(directory: Path, runs: Sequence[Run]) -> None:
    """Time and memory by stage and size, as CSV and as a plot."""
    import altair as alt

    rows = [
        {
            "models": run.models,
            "stage": stage,
            "seconds": round(took, 2),
            "ms_per_model": round(1000 * took / run.models, 4),
        }
        for run in runs
        for stage, took in run.stages.items()
    ]
    memory = [{"models": run.models, "peak_gib": round(run.peak_gib, 3)} for run in runs]
    with (directory / _TABLE).open("w", newline="") as file:
        writer = csv.DictWriter(file, ["models", "stage", "seconds", "ms_per_model", "peak_gib"])
        writer.writeheader()
        peaks = {row["models"]: row["peak_gib"] for row in memory}
        writer.writerows({**row, "peak_gib": peaks[row["models"]]} for row in rows)
    models = alt.X("models:Q", title="models").scale(type="log")
    stage = alt.Color("stage:N", title="stage").sort(list(STAGES))
    each = alt.Y("ms_per_model:Q", title="milliseconds per model").scale(type="log")
    panels = (
        alt.Chart(alt.Data(values=rows)).mark_line(point=True).encode(models, each, stage).properties(width=320, height=240),
        alt.Chart(alt.Data(values=memory)).mark_line(point=True).encode(models, alt.Y("peak_gib:Q", title="peak memory, GiB"))
        .properties(width=320, height=240),
    )  # fmt: skip
    alt.hconcat(*panels).configure_view(stroke=None).save(str(directory / _PLOT), scale_factor=2.0)
    print(f"wrote {directory / _TABLE} and {directory / _PLOT}")


def _watched(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; the most memory (GiB) that it and its children held together, looked at twice a second."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_resident(process.pid)))
        time.sleep(0.5)
    return peak / 2**30


def _resident(session: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    yield int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            except (OSError, IndexError, ValueError):
                continue  # it ended meanwhile


if __name__ == "__main__":
    sys.exit(main())
