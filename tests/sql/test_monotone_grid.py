"""Over the whole grid of the view `fits`: more memory, less context, a smaller cache and fewer bits never make a fit a misfit."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow(3)


def test_nothing_in_the_grid_fits_worse_for_asking_less(joined: duckdb.DuckDBPyConnection) -> None:
    offenders = joined.sql(Path(__file__).with_name("monotone_grid.sql").read_text(encoding="utf-8")).pl()
    assert offenders.is_empty(), offenders
