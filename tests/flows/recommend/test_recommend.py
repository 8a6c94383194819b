"""`shapefit recommend`: the best shapes for one model."""

from __future__ import annotations

import csv
import io
import json
import operator
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from published_set import small_published_set, write_local_model
from recommend_command import QWEN, ask

from flows import asking
from flows.cli import main
from flows.database.sql_files import fetch, run_sql
from flows.recommend.output import _print_for_people
from flows.recommend.recommend import Question, _conditions, _rows, recommend
from flows.size.questions import ServedBy
from flows.size.size import import_sweep
from flows.versions.versions import answering, require_latest

pytestmark = pytest.mark.slow(16)


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


@pytest.mark.parametrize("objective", ["cost", "performance", "balanced"])
def test_what_is_published_is_what_would_be_estimated(objective: str) -> None:
    """The stored answer and one estimated anew under the load that published figures are stated for."""
    question = Question(QWEN, context=8192, objective=objective, quantization="any")
    with answering(require_latest(small_published_set())) as connection:
        model = fetch(connection, "ask/model.sql", {"model": QWEN}).records()[0]
        conditions = _conditions(connection, question, model, [])
        run_sql(connection, "recommend/asked_shapes.sql", conditions)
        stored, _, offers = _rows(connection, conditions)
        load = {"input_tokens": 6144, "output_tokens": 2048, "cached_share": 0.0}
        estimated, _, count = _rows(connection, conditions | load | {"estimated": True})
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
    assert f"USD {first['total_usd_per_hour']:,.2f} per hour, USD {first['total_usd_per_month']:,.0f} a month" in text
    assert f" for {first['deployments']} deployments" in text
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
    said = f"Of the shapes whose machine costs less, {len(passed_over):,} do not hold it at this context (the largest, "
    assert said in text
    assert any(
        f"(the largest, {name}: " in text and f", {most:,.0f} GiB; " in text for memory, name in passed_over if memory == most
    )
    assert "costs less" not in ask(model, "--context", "8192", "--objective", "performance").document["reasoning"]


def test_a_batch_of_one_is_told_in_the_singular() -> None:
    rows = ask(QWEN, "--context", "131072", "--objective", "performance").rows
    single = next(row for row in rows if row["batch_per_replica"] * row["dp"] == 1)
    asked = ask(QWEN, "--context", "131072", "--objective", "performance", "--provider", single["provider"], "--shape",
                single["shape"], "--quantization", single["quantization"])  # fmt: skip
    assert "out, 1 request at once reaches an estimated " in asked.document["reasoning"]


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


def test_what_was_measured_stands_beside_the_estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(small_published_set() / "published")
    level = {"max_concurrency": 16, "completed": 8, "duration": 9.0, "p95_e2el_ms": 900.0, "median_ttft_ms": 60.0}
    level |= {"median_tpot_ms": 8.0, "output_throughput": 1600.0, "total_input_tokens": 8192, "total_output_tokens": 1024}
    results = tmp_path / "results.json"
    results.write_text(json.dumps([level]))
    import_sweep([results], data, subject=ServedBy(QWEN, "H100", test_gpu_count=1, engine="vllm"))
    [measured] = ask(QWEN, "--context", "8192", data=data).document["measured"]
    assert (measured["basis"], measured["gpu"], measured["tpot_ms"]) == ("measured", "H100-SXM5-80GB", 8.0)
    assert measured["tpot_ratio"] == pytest.approx(8.0 / measured["estimated_tpot_ms"])
    assert main(["recommend", QWEN, "--context", "8192", "--data", str(data)]) == 0
    assert "Measured, beside the estimate" in capsys.readouterr().out
    assert ask(QWEN, "--context", "8192").document["measured"] == []
