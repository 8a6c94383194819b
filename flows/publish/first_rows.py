"""The end of a refresh on the terminal: the first rows of the new version, and where its files are."""

from __future__ import annotations

import sys
from pathlib import Path

from flows.database.sql_files import fetch
from flows.printing.rows import Format, emit
from flows.versions.versions import open_version, read_run, require_latest
from transforms.tables.contracts import OPENED_BY

_MODELS = 12
_CONTEXT = 8192


def print_first_rows(data: Path, form: Format | None = None) -> None:
    """Print the cheapest shape for some of the models of the latest version, then its counts and files."""
    version = require_latest(data)
    with open_version(version) as connection:
        rows = fetch(connection, "ask/first_rows.sql", {"models": _MODELS, "context": _CONTEXT})
    emit(rows, form)
    if form not in (None, "table"):
        return
    run = read_run(version)
    counts, coverage = run["counts"], run["coverage"]
    sys.stdout.write(
        f"\n{counts['recommendations']:,} recommendations: {coverage['models']:,} models ({coverage['architectures']:,} "
        f"architectures) on {coverage['shapes']:,} shapes of {coverage['providers']} providers; {coverage['rejects']:,} rejects\n"
        f"files in {data / 'published' / 'latest'}:\n"
    )
    for name, meaning in _FILES.items():
        sys.stdout.write(f"  {name:<24} {meaning}\n")


_FILES = {
    "recommendations.duckdb": f"everything, with macros ({OPENED_BY}): shapefit query \"from recommend('MODEL', 8192)\"",
    "recommendations.parquet": "the published table, for older clients too, and every other table beside it",
    "data_dictionary.md": "every column, its unit and meaning",
    "run.json": "counts, inputs, freshness, tool versions",
}
