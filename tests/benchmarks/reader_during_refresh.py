"""A reader that asks `latest` in a loop while refreshes publish: no error, no partial table, no mix of versions.

    python -m tests.benchmarks.reader_during_refresh [--refreshes 20]

Each refresh publishes another number of models, so that versions tell themselves apart; old versions are retired as soon as the
grace allows, here after seconds. Three readers ask all the while: SQL on the published database, Parquet files (the link resolved
once for each answer) and `shapefit query`. Each answer is compared with the run.json of the version that it came from. Prints the
answers and versions seen by reader; exits with 1 if any was wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

from tests.benchmarks.small_refresh import Command, repositories, surroundings

_MODELS = 6
_GRACE_MINUTES = 0.2
COUNTED = ("models", "recommendations")


def by_database(data: Path) -> str:
    """Rows and run by SQL on the published database, opened through the link."""
    version = (data / "published" / "latest").resolve()
    with duckdb.connect(str(version / "recommendations.duckdb"), read_only=True) as connection:
        found = {name: connection.table(name).aggregate("count(*)").fetchall()[0][0] for name in COUNTED}
    return _compared(version, found)


def by_parquet(data: Path) -> str:
    """Rows from the Parquet files of one version, the link resolved once."""
    version = (data / "published" / "latest").resolve()
    found = {name: pl.scan_parquet(version / f"{name}.parquet").select(pl.len()).collect().item() for name in COUNTED}
    return _compared(version, found)


def by_command(data: Path) -> str:
    """Rows by `shapefit query`; the models that the answer names tell which version it came from."""
    from flows.cli import main

    said, wrong = io.StringIO(), io.StringIO()
    counts = ", ".join(f"(select count(*) from {name}) as {name}" for name in COUNTED)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        status = main(["query", f"select {counts}", "--format", "json", "--data", str(data)])
    if status != 0:
        raise ValueError(wrong.getvalue())
    found = json.loads(said.getvalue())[0]
    published = {}
    for path in _runs(data):
        with contextlib.suppress(FileNotFoundError):  # retired since the directory was listed
            run = json.loads(path.read_text())
            published[run["run_id"]] = {name: run["counts"][name] for name in COUNTED}
    of = [run_id for run_id, rows in published.items() if rows == found]
    if not of:
        raise ValueError(f"{found} is of no version: {published}")
    return of[-1]


READERS: dict[str, Callable[[Path], str]] = {"database": by_database, "Parquet": by_parquet, "shapefit query": by_command}


def _compared(version: Path, found: dict[str, int]) -> str:
    run = json.loads((version / "run.json").read_text())
    wrong = {name: rows for name, rows in found.items() if rows != run["counts"][name]}
    if wrong or run["run_id"] != version.name:
        raise ValueError(f"{version.name} has {found}, run.json of {run['run_id']} says {run['counts']}")
    return version.name


def _runs(data: Path) -> list[Path]:
    return sorted((data / "published").glob("[0-9]*/run.json"))


def main() -> int:
    """Refresh and read; 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refreshes", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shapefit-readers-") as temporary:
        scratch = Path(temporary)
        repos = repositories(_MODELS)
        data = scratch / "data"
        with surroundings(repos, scratch):
            _refresh(data, scratch, list(repos))
            answers: Counter[str] = Counter()
            versions: dict[str, set[str]] = {name: set() for name in READERS}
            wrong: list[str] = []
            done = threading.Event()

            def read() -> None:
                while not done.is_set():
                    for name, reader in READERS.items():
                        try:
                            versions[name].add(reader(data))
                            answers[name] += 1
                        except Exception as error:  # whatever a reader is shown
                            wrong.append(f"{name}: {type(error).__name__}: {error}")

            reading = threading.Thread(target=read)
            reading.start()
            started = time.monotonic()
            for number in range(given.refreshes):
                _refresh(data, scratch, list(repos)[: _MODELS - number % 3])
            seconds = time.monotonic() - started
            done.set()
            reading.join()
        kept = len(_runs(data))
    print(f"{given.refreshes} refreshes in {seconds:.0f} s; {given.refreshes + 1 - kept} versions retired meanwhile, {kept} kept")
    for name in READERS:
        print(f"{name:<16} {answers[name]:>6,} answers from {len(versions[name])} versions")
    print(f"errors, partial tables, mixed versions: {len(wrong)}")
    for problem in wrong[:20]:
        print(f"  {problem}")
    return 1 if wrong or not all(answers[name] for name in READERS) else 0


def _refresh(data: Path, scratch: Path, models: list[str]) -> None:
    listed = scratch / "models.txt"
    listed.write_text("\n".join(models) + "\n")
    # A share of models lost of one: that fewer are asked for is what tells versions apart here.
    settings = {"versions_kept": 2, "retire_grace_minutes": _GRACE_MINUTES, "max_models_lost_share": 1}
    status, said = Command(["refresh", "--models", str(listed), "--data", str(data)], settings=settings).ended()
    if status != 0:
        sys.exit(f"a refresh ended with {status}: {said}")


if __name__ == "__main__":
    sys.exit(main())
