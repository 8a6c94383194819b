"""Which of the layouts that start is recommended: ample memory first, stages inside linked machines last, then the SLO."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

pytestmark = pytest.mark.slow(4)

OBJECTIVES = ("", "cost_", "performance_")
KEY = ["architecture_key", "provider", "shape", "nodes", "quantization", "kv_dtype", "context"]
LINKED = ("nvlink", "xgmi", "other")
SHAPES = """(
    'BM.GPU.H100.8', 'BM.GPU.H200.8', 'VM.GPU.A100.40G.4', 'BM.GPU.MI300X.8', 'g5.48xlarge', 'g5.12xlarge', 'n1-standard-16+2xT4'
)"""


@pytest.fixture(scope="module")
def offered(joined: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The recommendations of a few linked and unlinked machines."""
    return joined.sql(
        f"""select best.*, machines.interconnect_kind from architecture_recommendations as best
        join shape_hardware as machines using (provider, shape) where shape in {SHAPES} and provider in ('oci', 'aws', 'gcp')"""
    ).pl()


@pytest.fixture(scope="module")
def started(joined: duckdb.DuckDBPyConnection, offered: pl.DataFrame) -> pl.DataFrame:
    """Every layout that starts, of what is recommended."""
    assert offered.height > 500
    layouts = joined.sql(
        f"""select fits.*, within_slo(
            ttft_ms, tpot_ms, context * (1 - output_share), slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ) as meets_slo
        from fits cross join policy_settings where fits and shape in {SHAPES} and provider in ('oci', 'aws', 'gcp')"""
    ).pl()
    return layouts.join(offered.select([*KEY, "interconnect_kind"]), on=KEY)


def test_the_published_verdict_is_the_best_that_any_layout_has(offered: pl.DataFrame, started: pl.DataFrame) -> None:
    both = offered.join(started.group_by(KEY).agg(best_verdict=pl.col("verdict").min()), on=KEY)  # fits comes before tight
    assert both.height == offered.height
    for objective in OBJECTIVES:
        assert both.filter(pl.col(f"{objective}verdict") != pl.col("best_verdict")).is_empty()
    assert set(both["verdict"]) == {"fits", "tight"}


def test_stages_inside_a_linked_machine_are_offered_only_where_nothing_else_fits(
    offered: pl.DataFrame, started: pl.DataFrame
) -> None:
    without = started.filter(pl.col("pp") <= pl.col("nodes")).select([*KEY, "verdict"]).unique()
    linked = offered.filter(pl.col("interconnect_kind").is_in(LINKED))
    for objective in OBJECTIVES:
        staged = linked.filter(pl.col(f"{objective}pp") > pl.col("nodes"))
        assert staged.join(without, on=KEY, how="semi").filter(pl.col(f"{objective}verdict") == "tight").is_empty()
        fitting = without.filter(pl.col("verdict") == "fits")
        assert staged.join(fitting, on=KEY, how="semi").is_empty()
    possible = started.filter(pl.col("interconnect_kind").is_in(LINKED) & (pl.col("pp") > pl.col("nodes")))
    assert possible.height > 0, "no layout with stages starts on a linked machine: the test shows nothing"


def test_stages_stay_a_choice_over_pcie(offered: pl.DataFrame) -> None:
    over_pcie = offered.filter((pl.col("interconnect_kind") == "pcie") & (pl.col("nodes") == 1))
    assert over_pcie.filter(pl.col("cost_pp") > 1).height > 0


def test_deepseek_v3_takes_no_stages_on_eight_h200_at_any_context(offered: pl.DataFrame) -> None:
    h200 = offered.filter((pl.col("architecture_key") == "deepseek-v3") & (pl.col("shape") == "BM.GPU.H200.8"))
    assert h200.filter(pl.col("context") == pl.col("context").max()).height > 0
    for objective in OBJECTIVES:
        assert set(h200[f"{objective}pp"]) == {1}


def test_throughput_counts_only_after_layouts_that_meet_the_slo(offered: pl.DataFrame, started: pl.DataFrame) -> None:
    """Of the layouts of the best standing one that meets the default SLO is taken wherever there is one."""
    linked = pl.col("interconnect_kind").is_in(LINKED)
    standing = 2 * (pl.col("verdict") == "fits").cast(pl.Int32) + (~(linked & (pl.col("pp") > pl.col("nodes")))).cast(pl.Int32)
    best = started.with_columns(standing=standing).filter(pl.col("standing") == pl.col("standing").max().over(KEY))
    meeting = best.group_by(KEY).agg(met=pl.col("meets_slo").fill_null(False).any(), missed=(~pl.col("meets_slo")).any())
    both = offered.join(meeting, on=KEY)
    assert both.filter(pl.col("met") & pl.col("missed")).height > 0, "the SLO decides nowhere: the test shows nothing"
    for objective in ("", "cost_"):
        assert both.filter(pl.col("met") != pl.col(f"{objective}within_slo").fill_null(False)).is_empty()
