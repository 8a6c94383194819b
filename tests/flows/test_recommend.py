"""`shapefit recommend`: the best shapes for one model, and why not where there are none."""

from __future__ import annotations

import atexit
import contextlib
import csv
import io
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pytest
from loopback_hub import LoopbackHub, Repo
from published_set import copied_versions, small_catalogs, small_published_set, tables_of, write_local_model

from flows import asking, catalogs
from flows.cli import main
from flows.estimator import estimating
from flows.model_facts import find_models
from flows.publish import publish
from flows.published import answering, fetch, require_latest
from flows.recommend import Question, _conditions, _rows, recommend
from flows.recommend_output import _print_for_people
from flows.size import Subject, import_sweep
from transforms.aqua_report import aqua_report

QWEN = "Qwen/Qwen2.5-7B-Instruct"


@dataclass(frozen=True)
class Asked:
    """One `recommend`: its exit status, what it printed, and its JSON."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, object]]:
        return self.document["recommendations"]


@cache
def ask(*tokens: str, data: Path | None = None) -> Asked:
    """The answer as JSON, from the small published set unless another directory is named; asked once for the same tokens."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["recommend", *tokens, "--format", "json", "--data", str(data or small_published_set())])
    return Asked(status, out.getvalue(), err.getvalue())


@pytest.fixture
def few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many shapes in the catalogs as the small published set has: a model that it lacks is estimated on every shape."""
    few = small_catalogs(catalogs.load_catalogs())
    monkeypatch.setattr(catalogs, "load_catalogs", lambda directory=None, data=None: dict(few))


def test_the_best_come_first_and_carry_the_figures_to_decide_by() -> None:
    asked = ask(QWEN, "--context", "8000")
    assert asked.status == 0
    assert asked.document["context"] == 8192
    prices = [row["total_usd_per_hour"] for row in asked.rows]
    known = [price for price in prices if price is not None]
    assert known == sorted(known)
    assert None not in prices[: len(known)]
    for row in asked.rows:
        assert row["memory_used_gib_per_gpu"] <= row["memory_allowed_gib_per_gpu"]
        assert row["max_context"] >= 8192
        assert row["concurrent_sequences"] >= 1
        assert row["tp"] * row["pp"] * row["dp"] == max(1, row["gpu_count"])
        assert row["verdict"] in ("fits", "tight")
        assert f"--max-model-len {row['context']}" in row["vllm_arguments"]


def test_every_form_gives_the_same_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tokens = [QWEN, "--context", "8192", "--provider", "aws"]
    rows = ask(*tokens).rows
    data = ["--data", str(small_published_set())]
    assert main(["recommend", *tokens, "--format", "csv", *data]) == 0
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["shape"] for row in read] == [row["shape"] for row in rows]
    assert [float(row["memory_used_gib_per_gpu"]) for row in read] == [row["memory_used_gib_per_gpu"] for row in rows]
    assert all(row["vllm_arguments"].startswith("'--") for row in read)
    assert main(["recommend", *tokens, "--format", "markdown", *data]) == 0
    assert capsys.readouterr().out.count("\n") == len(rows) + 2
    assert main(["recommend", *tokens, *data]) == 0
    table = capsys.readouterr().out
    assert all(str(row["shape"]) in table for row in rows[:5])
    assert "vllm serve" in table
    assert main(["recommend", *tokens, "--output", str(tmp_path / "answer.csv"), *data]) == 0
    assert len((tmp_path / "answer.csv").read_text().splitlines()) == len(rows) + 1


def test_conditions_select() -> None:
    every = ask(QWEN, "--context", "8192").rows
    aws = ask(QWEN, "--context", "8192", "--provider", "AWS").rows
    assert {row["provider"] for row in aws} == {"aws"}
    shape = aws[0]["shape"]
    assert {row["shape"] for row in ask(QWEN, "--context", "8192", "--shape", shape).rows} == {shape}
    assert {row["quantization"] for row in ask(QWEN, "--context", "8192", "--quantization", "awq").rows} == {"awq-4bit"}
    bound = sorted(row["total_usd_per_hour"] for row in every if row["total_usd_per_hour"])[3]
    cheap = ask(QWEN, "--context", "8192", "--max-usd-per-hour", str(bound)).rows
    assert cheap
    assert all(row["total_usd_per_hour"] <= bound for row in cheap)
    region = next(row["price_region"] for row in every if row["price_region"])
    assert {row["price_region"] for row in ask(QWEN, "--context", "8192", "--region", region).rows} == {region}


def test_a_bound_on_the_times_makes_the_batch_smaller_rather_than_the_answer_empty() -> None:
    free = {row["shape"]: row for row in ask(QWEN, "--context", "8192", "--quantization", "native").rows}
    tight = ask(QWEN, "--context", "8192", "--quantization", "native", "--max-tpot-ms", "25").rows
    assert tight
    assert all(row["tpot_ms"] <= 25 for row in tight)
    smaller = [row for row in tight if free[row["shape"]]["tpot_ms"] > 25]
    assert smaller
    assert all(row["batch_per_replica"] * row["dp"] < 10**6 for row in smaller)


def test_objectives_order_by_their_own_figure() -> None:
    fastest = [
        row["single_stream_tpot_ms"]
        for row in ask(QWEN, "--context", "8192", "--objective", "performance").rows
        if row["single_stream_tpot_ms"] is not None
    ]
    assert fastest == sorted(fastest)
    per_token = [
        row["usd_per_million_output_tokens"]
        for row in ask(QWEN, "--context", "8192", "--objective", "balanced").rows
        if row["usd_per_million_output_tokens"] is not None
    ]
    assert per_token == sorted(per_token)


def test_a_workload_sets_the_load_and_the_least_context() -> None:
    asked = ask(QWEN, "--workload", "chat")
    assert {(row["input_tokens"], row["output_tokens"]) for row in asked.rows} == {(1024, 256)}
    assert asked.document["context"] >= 1280
    refused = ask(QWEN, "--workload", "retrieval", "--context", "2048")
    assert refused.status == 2
    assert "retrieval" in refused.err


def test_many_users_take_several_deployments() -> None:
    rows = ask(QWEN, "--context", "8192", "--users", "5000").rows
    assert any(row["deployments"] > 1 for row in rows)
    for row in rows:
        carried = row["deployments"] * row["batch_per_replica"] * row["dp"]
        assert carried >= 5000
        if row["usd_per_hour"] is not None:
            assert row["total_usd_per_hour"] == pytest.approx(row["deployments"] * row["usd_per_hour"])


def test_spot_prices_count_when_asked_for() -> None:
    on_demand = {(row["provider"], row["shape"]): row["usd_per_hour"] for row in ask(QWEN, "--context", "8192").rows}
    spot = ask(QWEN, "--context", "8192", "--spot").rows
    priced = [row for row in spot if row["usd_per_hour"] is not None]
    assert priced
    assert any(row["usd_per_hour"] < (on_demand[row["provider"], row["shape"]] or 1e9) for row in priced)
    assert all(row["usd_per_hour"] is None for row in spot[len(priced) :])


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


@pytest.mark.parametrize("objective", ["cost", "performance", "balanced"])
def test_what_is_published_is_what_would_be_estimated(objective: str) -> None:
    """The stored answer and one estimated anew under the load that published figures are stated for."""
    question = Question(QWEN, context=8192, objective=objective)
    with answering(require_latest(small_published_set())) as connection:
        model = fetch(connection, "ask/model.sql", {"model": QWEN}).records()[0]
        conditions = _conditions(connection, question, model, [])
        stored, offers = _rows(connection, conditions)
        load = {"input_tokens": 6144, "output_tokens": 2048, "cached_share": 0.0}
        estimated, count = _rows(connection, conditions | load)
    assert offers == count == len(stored.rows) > 100
    assert stored.columns == estimated.columns
    only_published = ("on_frontier", "dominated_by", "reason")
    key = operator.itemgetter("provider", "shape", "quantization")
    for one, other in zip(sorted(stored.records(), key=key), sorted(estimated.records(), key=key), strict=True):
        for name in stored.columns:
            if name not in only_published:
                expected = pytest.approx(other[name], rel=1e-4, abs=1e-3) if isinstance(other[name], float) else other[name]
                assert one[name] == expected, (name, one["provider"], one["shape"], one["quantization"])


def test_the_first_rows_are_those_of_the_whole_answer() -> None:
    every = recommend(Question(QWEN, context=8192), small_published_set())
    first = recommend(Question(QWEN, context=8192), small_published_set(), shown=3)
    assert first.offers == every.offers == len(every.rows.rows)
    assert first.rows.rows == every.rows.rows[:3]


def test_the_reasoning_is_a_paragraph_that_names_the_figures() -> None:
    asked = ask(QWEN, "--context", "8192", "--users", "5000", "--max-usd-per-hour", "500")
    first, text = asked.rows[0], asked.document["reasoning"]
    assert "\n" not in text
    assert f"take {first['deployments']} × {first['provider']} {first['shape']}" in text
    for said in (
        "for 5,000 concurrent requests",
        "within --max-usd-per-hour 500",
        "the lowest price per hour",
        "The next shape is",
    ):
        assert said in text
    assert f"USD {first['total_usd_per_hour']:,.2f} per hour for {first['deployments']} deployments" in text
    assert f"{first['memory_used_gib_per_gpu']:.1f} of the {first['memory_allowed_gib_per_gpu']:.1f} GiB" in text


def test_the_reasoning_says_why_nothing_cheaper_was_taken() -> None:
    model = "deepseek-ai/DeepSeek-V3"
    asked = ask(model, "--context", "8192")
    held = {(row["provider"], row["shape"]) for row in asked.rows}
    best = asked.rows[0]["total_usd_per_hour"]
    with answering(require_latest(small_published_set())) as connection:
        offers = connection.execute(
            """select provider, shape, usd_per_hour, offers.gpu_count, reported_memory_gib
            from offers join hardware using (hardware)"""
        ).fetchall()
    passed_over = [
        (max(1, count) * memory, f"{provider} {shape}")
        for provider, shape, price, count, memory in offers
        if price is not None and price < best and (provider, shape) not in held
    ]
    most = max(memory for memory, _ in passed_over)
    text = asked.document["reasoning"]
    assert f"The {len(passed_over):,} shapes that cost less do not hold it at this context: the largest, " in text
    assert f"has {most:,.0f} GiB in all" in text
    assert any(f"the largest, {name} (" in text for memory, name in passed_over if memory == most)
    assert "that cost less" not in ask(model, "--context", "8192", "--objective", "performance").document["reasoning"]


def test_a_batch_of_one_is_told_in_the_singular() -> None:
    rows = ask(QWEN, "--context", "131072", "--objective", "performance").rows
    single = next(row for row in rows if row["batch_per_replica"] * row["dp"] == 1)
    asked = ask(QWEN, "--context", "131072", "--objective", "performance", "--provider", single["provider"], "--shape",
                single["shape"], "--quantization", single["quantization"])  # fmt: skip
    assert "out, one request reaches an estimated " in asked.document["reasoning"]


def test_the_table_gives_the_remarks_on_its_rows_and_the_reasons_of_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = [QWEN, "--context", "131072"]
    rows = ask(*tokens).rows[:20]
    assert main(["recommend", *tokens, "--data", str(small_published_set())]) == 0
    said = " ".join(capsys.readouterr().out.split())
    remarks = {row["reason"] for row in rows if row["reason"]}
    assert remarks
    for row in rows:
        assert row["reason"] is None or f"{row['provider']} {row['shape']} in {row['quantization']}" in said
    assert all(f"{remark}: " in said for remark in remarks)
    assert "are the newest engine's defaults on this GPU, said because the fit was estimated at them" in said
    assert "--trust-remote-code" not in said


@pytest.mark.parametrize("max_tpot_ms", [None, 200.0], ids=["published", "estimated anew"])
def test_code_of_the_repository_is_named_in_the_arguments_that_need_it(
    max_tpot_ms: float | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_local_model(tmp_path / "own", model_type="mine", auto_map={"AutoConfig": "configuration_mine.MineConfig"})
    plain = write_local_model(tmp_path / "plain", auto_map={"AutoConfig": "configuration_llama.LlamaConfig"})
    shapes = tmp_path / "shapes.csv"
    shapes.write_text("shape,gpu,gpu_count,usd_per_hour\nmine,L4,1,1\n")
    for model, trusted in ((own, True), (plain, False)):
        question = Question(str(model), shapes_file=shapes, max_tpot_ms=max_tpot_ms)
        offers = recommend(question, small_published_set())
        arguments = [str(row["vllm_arguments"]) for row in offers.rows.records()]
        assert {text.endswith(" --trust-remote-code") for text in arguments} == {trusted}
        _print_for_people(question, offers)
        said = " ".join(capsys.readouterr().out.split())
        assert ("lets the engine run Python code of the repository: read that code first." in said) is trusted
    assert main(["explain", str(own), "--data", str(small_published_set())]) == 0
    assert "only with Python code of the repository (--trust-remote-code)" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_plot_shows_cost_against_throughput(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = tmp_path / f"plot.{suffix}"
    command = ["recommend", QWEN, "--context", "8192", "--plot", str(plot), "--data", str(small_published_set())]
    assert main([*command, "--objective", "balanced" if suffix == "png" else "cost"]) == 0
    shown = capsys.readouterr()
    assert f"{plot} shows" in shown.err
    assert "vllm serve" in shown.out
    if suffix == "png":
        assert plot.read_bytes().startswith(b"\x89PNG")
        return
    text = re.sub(r"\s+", " ", plot.read_text())
    best = ask(QWEN, "--context", "8192").rows[0]
    for said in ("USD per hour", "Output tokens per second", f"Cost against throughput of {QWEN}"):
        assert said in text
    assert f"{best['provider']} {best['shape']}, {best['quantization']}" in text


def test_a_plot_of_another_kind_is_bad_input(tmp_path: Path) -> None:
    asked = ask(QWEN, "--plot", str(tmp_path / "plot.gif"))
    assert (asked.status, asked.out, asked.err.count("\n")) == (2, "", 1)
    assert "end its name in .png or .svg" in asked.err


def test_a_precision_outside_the_published_grid_is_estimated_for_the_model(few_shapes: None) -> None:
    asked = ask(QWEN, "--context", "8192", "--quantization", "nvfp4", "--provider", "lambda")
    assert asked.status == 0
    assert {row["quantization"] for row in asked.rows} == {"nvfp4"}
    already = ask("openai/gpt-oss-120b", "--quantization", "int8")
    assert already.status == 1
    assert "in int8" in already.document["reason"]


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


def test_from_python_the_answer_is_a_frame() -> None:
    offers = asking.recommend(QWEN, context=8192, provider="aws", users=5000, data=small_published_set())
    rows = ask(QWEN, "--context", "8192", "--provider", "aws", "--users", "5000").rows
    assert offers["shape"].to_list() == [row["shape"] for row in rows]
    assert offers["total_usd_per_hour"].to_list() == [row["total_usd_per_hour"] for row in rows]
    assert offers.schema["price_as_of"] == pl.Date
    with pytest.warns(asking.NoOfferWarning, match="none within --max-usd-per-hour"):
        none = asking.recommend(QWEN, context=8192, max_usd_per_hour=0.001, data=small_published_set())
    assert (none.height, none.schema) == (0, offers.schema)
    with pytest.warns(UserWarning, match="is longer than"):
        asking.recommend(QWEN, context=999_999, data=small_published_set())
    for wrong in ({"objective": "best"}, {"users": 0}, {"max_ttft_ms": 0}, {"provider": "amazon"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            asking.recommend(QWEN, data=small_published_set(), **wrong)


def test_a_context_beyond_the_model_s_is_answered_at_its_maximum_and_said() -> None:
    asked = ask(QWEN, "--context", "999999")
    assert asked.status == 0
    assert asked.document["context"] == 32768
    assert "999,999 is longer" in asked.document["notes"][0]


def test_the_checkpoint_s_own_precision_is_native() -> None:
    asked = ask(QWEN, "--context", "8192", "--quantization", "bf16")
    assert {row["quantization"] for row in asked.rows} == {"native"}
    assert "native" in asked.document["notes"][0]


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


def test_a_local_directory_is_a_model(few_shapes: None, tmp_path: Path) -> None:
    asked = ask(str(write_local_model(tmp_path / "mine")), "--provider", "aws", data=tmp_path)
    assert asked.status == 0
    assert asked.document["context"] == 8192
    assert {row["provider"] for row in asked.rows} == {"aws"}
    assert asked.rows[0]["weights_gib_per_gpu"] < 0.01


def test_own_shapes_take_the_place_of_the_catalogued(few_shapes: None, tmp_path: Path) -> None:
    shapes = tmp_path / "mine.csv"
    shapes.write_text("shape,gpu,gpu_count,usd_per_hour\nbox,H100,8,20\nmini,RTX 4090,2,1\n")
    asked = ask(QWEN, "--context", "8192", "--shapes-file", str(shapes))
    assert {(row["provider"], row["shape"]) for row in asked.rows} == {("own", "box"), ("own", "mini")}
    assert asked.rows[0]["shape"] == "mini"
    shapes.write_text("shape,gpu,gpu_count\nbox,H1000,8\n")
    assert "mine.csv line 2" in ask(QWEN, "--shapes-file", str(shapes)).err


def test_asking_never_imports_prefect() -> None:
    data = str(small_published_set())
    commands = [
        ["recommend", QWEN, "--context", "8192"],
        ["query", "select 1"],
        ["status"],
        ["explain", QWEN],
    ]
    code = f"""
import contextlib, io, sys
from flows.cli import main
for command in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*command, "--data", {data!r}]) == 0
    light = ["recommend", "query"]
    print(command[0], "prefect" in sys.modules, command[0] in light and "polars" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["recommend False False", "query False False", "status False False", "explain False False"]


NINE_SHAPES = {
    "BM.GPU.MI300X.8": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.H200.8": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.L40S-NC.4": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.L40S.4": (28.16, 26.844, 131072, "bfloat16"),
    "BM.GPU.A10.4": (28.16, 26.844, 131072, "bfloat16"),
    "VM.GPU.A10.2": (28.16, 13.422, 65536, "bfloat16"),
    "BM.GPU2.2": (28.16, 0.419, 2048, "bfloat16"),
    "VM.GPU.A10.1": (14.08, 6.711, 32768, "8bit"),
    "VM.GPU2.1": (7.04, 6.711, 32768, "4bit"),
}
"""The tool's sample report: weights and KV cache in GB, context, precision."""


def test_the_aqua_policy_gives_the_sample_report_s_figures(tmp_path: Path) -> None:
    """The sample names no model: 40 layers, 10 KV heads of 128, 14.08 B parameters and 131,072 positions have its figures."""
    model = write_local_model(
        tmp_path / "sample",
        num_hidden_layers=40,
        num_attention_heads=40,
        num_key_value_heads=10,
        hidden_size=5120,
        max_position_embeddings=131072,
    )
    facts = find_models([str(model)], tmp_path)
    sized = facts.architectures.with_columns(parameters_total=pl.lit(14_080_000_000, pl.Int64))
    shipped = catalogs.load_catalogs()
    shipped["aqua_shapes"] = shipped["aqua_shapes"].filter(pl.col("shape").is_in(NINE_SHAPES))
    assert shipped["aqua_shapes"].height == len(NINE_SHAPES)
    with estimating(type(facts)(**{**facts.tables(), "architectures": sized}), shipped) as connection:
        rows = fetch(connection, "ask/aqua.sql", {"architecture": sized["architecture_key"][0], "shape": None})
    report = aqua_report(rows.records())
    figures = {}
    for entry in report["recommendations"]:
        details, parameters = entry["configurations"][0]["model_details"], entry["configurations"][0]["deployment_params"]
        figures[entry["shape_details"]["name"]] = (
            details["model_size_gb"],
            details["kv_cache_size_gb"],
            parameters["max_model_len"],
            parameters["quantization"],
        )
    assert figures == NINE_SHAPES
    said = {entry["shape_details"]["name"]: entry["configurations"][0]["recommendation"] for entry in report["recommendations"]}
    assert "(55.0GB used / 1536.0GB allowed)" in said["BM.GPU.MI300X.8"]
    assert "close to the GPU memory limit" in said["VM.GPU.A10.2"]
    assert "8bit, 4bit quantization" in said["VM.GPU.A10.2"]
    assert "Both model weights and KV cache" in said["VM.GPU2.1"]


@pytest.mark.parametrize(("policy", "column"), [("aqua", "weights_gb"), ("kaito", "gpus_needed"), ("lmi", "batch_size")])
def test_other_tools_rules_answer_beside_ours(policy: str, column: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(small_published_set())]
    assert main(["recommend", QWEN, "--policy", policy, "--format", "csv", *data]) == 0
    assert column in capsys.readouterr().out.splitlines()[0]
    assert main(["recommend", QWEN, "--policy", policy, "--users", "3", *data]) == 2
    assert "knows no users" in capsys.readouterr().err


def test_the_aqua_report_has_the_tool_s_words_for_models_it_does_not_take() -> None:
    asked = ask("google-t5/t5-small", "--policy", "aqua")
    assert asked.status == 1
    assert asked.document["recommendations"] == []
    assert asked.document["troubleshoot"].startswith("Please provide a decoder-only text-generation model")


def test_a_model_that_is_not_published_is_fetched_on_the_spot(serve: Callable[..., LoopbackHub], tmp_path: Path) -> None:
    """In a process of its own, which reads HF_ENDPOINT as a user's would."""
    model = write_local_model(tmp_path / "mine")
    hub = serve({"me/mine": Repo({path.name: path.read_bytes() for path in model.iterdir()})})
    commands = (["recommend", "me/mine", "--provider", "aws"], ["explain", "me/mine"], ["recommend", "me/other"])
    code = f"""
import sys
sys.path.append({str(Path(__file__).parents[1])!r})
from flows import catalogs
from published_set import small_catalogs
few = small_catalogs(catalogs.load_catalogs())
catalogs.load_catalogs = lambda directory=None, data=None: dict(few)
from flows.cli import main
print([main([*command, "--data", {str(small_published_set())!r}]) for command in {commands!r}])
"""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[0, 0, 1]"
    assert re.search(r"vllm serve (<a checkpoint of )?me/mine ", done.stdout)
    assert "facts from hub" in done.stdout
    assert "no such repository" in done.stderr
    assert hub.weight_bytes == 0


def test_what_was_measured_stands_beside_the_estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(small_published_set() / "published")
    level = {"max_concurrency": 16, "completed": 8, "duration": 9.0, "p95_e2el_ms": 900.0, "median_ttft_ms": 60.0}
    level |= {"median_tpot_ms": 8.0, "output_throughput": 1600.0, "total_input_tokens": 8192, "total_output_tokens": 1024}
    results = tmp_path / "results.json"
    results.write_text(json.dumps([level]))
    import_sweep([results], data, subject=Subject(QWEN, "H100", test_gpu_count=1, engine="vllm"))
    [measured] = ask(QWEN, "--context", "8192", data=data).document["measured"]
    assert (measured["basis"], measured["gpu"], measured["tpot_ms"]) == ("measured", "H100-SXM5-80GB", 8.0)
    assert measured["tpot_ratio"] == pytest.approx(8.0 / measured["estimated_tpot_ms"])
    assert main(["recommend", QWEN, "--context", "8192", "--data", str(data)]) == 0
    assert "Measured, beside the estimate" in capsys.readouterr().out
    assert ask(QWEN, "--context", "8192").document["measured"] == []
