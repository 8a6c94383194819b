"""`shapefit recommend` where the answer is no, and where the question is none."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pytest
from published_set import copied_versions, small_published_set, tables_of
from recommend_command import QWEN, ask

from flows.cli import main
from flows.lake import catalogs
from flows.publish.publish import publish

pytestmark = pytest.mark.slow(4)


def test_a_plot_of_another_kind_is_bad_input(tmp_path: Path) -> None:
    asked = ask(QWEN, "--plot", str(tmp_path / "plot.gif"))
    assert (asked.status, asked.out, asked.err.count("\n")) == (2, "", 1)
    assert "end its name in .png or .svg" in asked.err


def test_a_version_that_lacks_what_is_asked_of_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after an update of shapefit: the published set was written by the release before."""
    copied_versions(tmp_path, "old")
    with duckdb.connect(str(tmp_path / "published" / "old" / "recommendations.duckdb")) as connection:
        connection.execute("drop view recommendations")
        connection.execute("alter table architecture_recommendations drop column cost_verdict")
    assert main(["recommend", QWEN, "--data", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "old was published by another version of shapefit" in err
    assert "run `shapefit refresh`" in err


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ([QWEN, "--provider", "amazon"], "aws"),
        ([QWEN, "--workload", "talk"], "chat"),
        ([QWEN, "--shape", "p5.48xlarg"], "no shape p5.48xlarg"),
        ([QWEN, "--quantization", "q4_k_m"], "no quantization"),
        ([QWEN, "--region", "mars"], "no region"),
        (["not a model id"], "owner/name"),
        ([QWEN, "--shapes-file", "absent.csv"], "absent.csv"),
        ([QWEN, "--output", "answer.xlsx"], "end its name in"),
        ([QWEN, "--context", "1.5"], "a whole number is needed, not 1.5"),
        ([QWEN, "--max-tpot-ms", "inf"], "--max-tpot-ms"),
        ([QWEN, "--policy", "kaito", "--spot"], "--spot is no condition of --policy kaito"),
        (["", "--context", "8192"], "needs a model"),
        ([QWEN, "--workload", "chat", "--context", "100"], "does not hold a request of the workload chat"),
    ],
)
def test_names_that_mean_nothing_are_bad_input(tokens: list[str], said: str) -> None:
    asked = ask(*tokens)
    assert (asked.status, asked.out, asked.err.count("\n")) == (2, "", 1)
    assert said in asked.err


def test_a_shape_of_another_provider_is_bad_input() -> None:
    best = ask(QWEN, "--context", "8192").rows[0]
    other = next(row["provider"] for row in ask(QWEN, "--context", "8192").rows if row["provider"] != best["provider"])
    asked = ask(QWEN, "--shape", best["shape"], "--provider", other)
    assert asked.status == 2
    assert f"{best['shape']} is a shape of {best['provider']}, not of {other}" in asked.err


def test_a_refused_model_says_why_and_what_to_do() -> None:
    asked = ask("google-t5/t5-small")
    assert (asked.status, asked.out) == (1, "")
    assert "name a decoder-only one" in asked.err


def test_a_context_beyond_the_model_s_is_answered_at_its_maximum_and_said() -> None:
    asked = ask(QWEN, "--context", "999999")
    assert asked.status == 0
    assert asked.document["context"] == 32768
    assert "999,999 is longer" in asked.document["notes"][0]


def test_the_checkpoint_s_own_precision_is_native() -> None:
    asked = ask(QWEN, "--context", "8192", "--quantization", "bf16")
    assert {row["quantization"] for row in asked.rows} == {"native"}
    assert "native" in asked.document["notes"][0]


def test_bounds_that_nothing_meets_are_told_apart_from_memory() -> None:
    asked = ask(QWEN, "--context", "8192", "--max-usd-per-hour", "0.001")
    assert asked.status == 1
    assert "none within --max-usd-per-hour 0.001; the cheapest, " in asked.document["reason"]
    cheapest = ask(QWEN, "--context", "8192").rows[0]
    assert f"is at {cheapest['total_usd_per_hour']:.2f} USD an hour" in asked.document["reason"]
    assert asked.document["reasoning"] == asked.document["reason"]
    assert 1 <= len(asked.document["nearest"]) <= 5
    asked = ask(QWEN, "--context", "8192", "--max-tpot-ms", "0.01")
    fastest = ask(QWEN, "--context", "8192", "--objective", "performance").rows[0]
    assert asked.status == 1
    assert f"{fastest['single_stream_tpot_ms']:.1f} ms for each further one" in asked.document["reason"]


def test_where_nothing_fits_the_nearest_miss_is_told_and_the_status_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    small = ask(QWEN, "--context", "8192", "--objective", "cost").rows[0]
    asked = ask("deepseek-ai/DeepSeek-V3", "--provider", small["provider"], "--shape", small["shape"])
    assert asked.status == 1
    assert asked.rows == []
    nearest = asked.document["nearest"][0]
    assert nearest["missing_gib_per_gpu"] > 0
    assert f"lacks {nearest['missing_gib_per_gpu']:.1f} GiB" in asked.document["reason"]
    assert "and fits with" not in asked.document["reason"]
    assert main(["recommend", "deepseek-ai/DeepSeek-V3", "--shape", small["shape"], "--data", str(small_published_set())]) == 1
    assert "lacks" in capsys.readouterr().out


def test_a_miss_says_what_would_make_it_fit() -> None:
    asked = ask("openai/gpt-oss-120b", "--context", "131072", "--shape", "p5.4xlarge", data=_one_h100())
    nearest = asked.document["nearest"][0]
    cure = nearest["reason"].rpartition("; ")[2]
    assert cure.startswith("fits with --")
    cache = "" if nearest["kv_dtype"] == "auto" else f" with {nearest['kv_dtype']} KV cache"
    assert f"p5.4xlarge in native{cache}, which lacks " in asked.document["reason"]
    assert f" GiB a GPU and {cure}" in asked.document["reason"]


@cache
def _one_h100() -> Path:
    """A data directory with a version of gpt-oss-120b on one H100, whose memory it fills, and on eight."""
    data = Path(tempfile.mkdtemp(prefix="shapefit-tests-"))
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    tables = tables_of(("openai/gpt-oss-120b",))
    shipped = catalogs.load_catalogs()
    tables["shapes"] = shipped["shapes"].filter(pl.col("shape").is_in(["p5.4xlarge", "p5.48xlarge"]))
    tables["prices"] = shipped["prices"].join(tables["shapes"], on=["provider", "shape"], how="semi")
    publish(data, "one", tables)
    return data
