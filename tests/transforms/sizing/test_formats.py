"""Files of other tools: each becomes the same rows, or an error that says what is missing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sizing.formats import parse_sweep_file
from transforms.sizing.records import FormatError

VLLM = {
    "date": "20261120-101010",
    "model_id": "meta-llama/Llama-3.1-8B-Instruct",
    "num_prompts": 4,
    "max_concurrency": 2,
    "duration": 3.5,
    "completed": 4,
    "total_input_tokens": 400,
    "total_output_tokens": 80,
    "output_throughput": 22.9,
    "median_ttft_ms": 120.0,
    "median_tpot_ms": 20.0,
}
GUIDELLM = {
    "config": {"strategy": {"type_": "concurrent", "streams": 4}, "backend": {"model": "a/b"}},
    "duration": 12.0,
    "metrics": {
        "request_totals": {"successful": 40, "errored": 0, "incomplete": 3, "total": 43},
        "request_latency": {"successful": {"mean": 1.0, "percentiles": {"p50": 1.0, "p95": 1.5}}},
        "time_to_first_token_ms": {"successful": {"median": 90.0}},
        "request_concurrency": {"successful": {"mean": 3.9}},
    },
    "requests": {"successful": [{"request_latency": 1.0}, {"request_latency": 1.5}]},
}
AIPERF = {
    "schema_version": "1.3",
    "request_latency": {"unit": "ms", "avg": 900.0, "p50": 880.0, "p95": 1250.0},
    "time_to_first_token": {"unit": "ms", "p50": 110.0},
    "benchmark_duration": {"unit": "sec", "avg": 30.0},
    "request_count": {"unit": "requests", "avg": 64.0},
    "input_config": {"endpoint": {"model_names": ["a/b"]}, "loadgen": {"concurrency": 8}},
    "run_info": {"variation_values": {"phases.profiling.concurrency": 8}},
}
CALCULATOR = {
    "gpu_estimates": {"gpu_estimate_by_wf_runtime": 76.6, "gpu_estimate_by_llm_latency": None},
    "per_concurrency_data": {
        "1": {
            "gpu_estimates": {"gpu_estimate_by_wf_runtime": 309.2, "gpu_estimate_by_llm_latency": None},
            "out_of_range_runs": {"num_items_greater_than_target_latency": 0, "workflow_interrupted": False},
            "sizing_metrics": {
                "llm_latency_p95": 1.1,
                "workflow_runtime_p95": 4.0,
                "total_runtime": 8.0,
                "per_item_metrics": {"0": {"llm_latency": 1.0, "workflow_runtime": 3.9}},
            },
        },
        "2": {
            "out_of_range_runs": {"workflow_interrupted": True},
            "sizing_metrics": {"llm_latency_p95": 0, "workflow_runtime_p95": 4.5, "total_runtime": 9.0},
        },
    },
}


def parse(document: object, name: str = "file.json", concurrency: int | None = None):
    return parse_sweep_file(name, document if isinstance(document, str) else json.dumps(document), concurrency)


def figures(imported) -> list[tuple[object, ...]]:
    keys = ("concurrency", "p95_llm_latency_s", "p95_workflow_runtime_s", "total_runtime_s", "workflow_interrupted")
    return [tuple(row[key] for key in keys) for row in imported.measurements]


def test_the_calculators_output() -> None:
    imported = parse(CALCULATOR)
    assert figures(imported) == [(1, 1.1, 4.0, 8.0, False), (2, None, 4.5, 9.0, True)]
    assert [(row["item"], row["workflow_runtime_s"], row["llm_latency_s"]) for row in imported.workflow_items] == [(1, 3.9, 1.0)]


def test_the_calculators_later_output() -> None:
    level = {"sizing_metrics": {"llm_latency_p95": 1, "workflow_runtime_p95": 4, "alerts": {"workflow_interrupted": True}}}
    assert figures(parse({"calc_data": {"16": level}})) == [(16, 1.0, 4.0, None, True)]


def test_a_calculators_output_without_times_is_named() -> None:
    with pytest.raises(FormatError, match="concurrency 1 has no sizing_metrics"):
        parse({"per_concurrency_data": {"1": {"gpu_estimates": {}}}})


def test_vllm_with_percentiles() -> None:
    imported = parse(VLLM | {"p95_e2el_ms": 1500.0})
    assert figures(imported) == [(2, 1.5, 1.5, 3.5, False)]
    assert imported.model == "meta-llama/Llama-3.1-8B-Instruct"
    assert imported.measurements[0]["mean_output_tokens"] == 20


def test_vllm_with_single_times() -> None:
    detailed = {"ttfts": [0.1, 0.2, 0.3, 0.0], "itls": [[0.5, 0.4], [0.5], [], []], "errors": ["", "", "", "boom"]}
    imported = parse(VLLM | detailed | {"completed": 3})
    assert [row["workflow_runtime_s"] for row in imported.workflow_items] == [1.0, 0.7, 0.3]
    assert figures(imported) == [(2, None, None, 3.5, True)]


def test_vllm_results_in_a_list_and_on_lines() -> None:
    results = [VLLM | {"p95_e2el_ms": 1000.0 * c, "max_concurrency": c} for c in (1, 2, 4)]
    for text in (json.dumps(results), "\n".join(map(json.dumps, results))):
        assert [row["concurrency"] for row in parse(text).measurements] == [1, 2, 4]


def test_vllm_without_end_to_end_times_says_how_to_get_them() -> None:
    with pytest.raises(FormatError, match="--percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 95"):
        parse(VLLM)


def test_vllm_without_a_concurrency_takes_the_stated_one() -> None:
    result = VLLM | {"p95_e2el_ms": 1500.0, "max_concurrency": None}
    with pytest.raises(FormatError, match="--concurrency"):
        parse(result)
    assert figures(parse(result, concurrency=16))[0][0] == 16


def test_guidellm() -> None:
    imported = parse({"benchmarks": [GUIDELLM]})
    assert figures(imported) == [(4, 1.5, 1.5, 12.0, False)]
    assert (imported.model, imported.measurements[0]["ttft_ms"]) == ("a/b", 90.0)
    assert len(imported.workflow_items) == 2


def test_guidellm_of_before_0_4() -> None:
    old = {
        "args": {"strategy": {"type_": "synchronous"}},
        "run_stats": {"start_time": 10.0, "end_time": 15.0, "total_successful": 5, "total_errored": 1},
        "metrics": {"request_latency": {"successful": {"percentiles": {"p95": 0.9}}}},
        "worker": {"backend_model": "a/b"},
    }
    assert figures(parse({"benchmarks": [old]})) == [(1, 0.9, 0.9, 5.0, True)]


def test_guidellm_at_a_rate_is_taken_at_its_mean_concurrency_and_says_so() -> None:
    imported = parse({"benchmarks": [GUIDELLM | {"config": {"strategy": {"type_": "constant", "rate": 2}}}]})
    assert figures(imported)[0][0] == 4
    assert "mean concurrency 3.9" in imported.notes[0]


def test_aiperf_summary_in_its_own_units() -> None:
    imported = parse(AIPERF)
    assert figures(imported) == [(8, 1.25, 1.25, 30.0, False)]
    assert imported.model == "a/b"
    seconds = AIPERF | {"request_latency": {"unit": "sec", "p95": 1.25}, "error_request_count": {"avg": 2.0}}
    assert figures(parse(seconds)) == [(8, 1.25, 1.25, 30.0, True)]


@pytest.mark.parametrize(
    ("settings", "name", "concurrency"),
    [
        ({"perf_analyzer": {"stimulus": {"concurrency": 16}}}, "x.json", 16),
        ({"concurrency": 4}, "x.json", 4),
        ({}, "artifacts/llama-openai-chat-concurrency32/profile_export_genai_perf.json", 32),
        ({}, "results/c64/profile_export_genai_perf.json", 64),
    ],
)
def test_genai_perfs_concurrency(settings: dict, name: str, concurrency: int) -> None:
    document = {"request_latency": AIPERF["request_latency"], "input_config": settings}
    assert figures(parse(document, name))[0][0] == concurrency


def test_aiperf_records_make_items_of_sessions() -> None:
    def record(session: str, start: float, seconds: float, **more: object) -> dict:
        facts = {"x_correlation_id": session, "request_start_ns": start * 1e9, "request_end_ns": (start + seconds) * 1e9}
        metrics = {"request_latency": {"value": seconds * 1000, "unit": "ms"}}
        return {"metadata": facts | {"benchmark_phase": "profiling"}, "metrics": metrics, "error": None} | more

    records = [record("a", 0, 1), record("a", 5, 2), record("b", 0, 4)]
    imported = parse("\n".join(map(json.dumps, records)), "concurrency2/profile_export.jsonl")
    assert [(row["workflow_runtime_s"], row["llm_latency_s"]) for row in imported.workflow_items] == [(3, 2), (4, 4)]
    assert figures(imported) == [(2, None, None, 7.0, False)]
    failed = parse(json.dumps([*records, record("c", 1, 1, error={"code": 499})]), concurrency=2)
    assert failed.measurements[0]["workflow_interrupted"] is True


def test_plain_csv() -> None:
    text = "Concurrency,p95 LLM Latency,p95 WF Runtime,Total Runtime,Alerts\n1,1.1,4.0,8.0,\n2,,4.5,9.0,!W\n"
    assert figures(parse(text, "sweep.csv")) == [(1, 1.1, 4.0, 8.0, False), (2, None, 4.5, 9.0, True)]


def test_plain_csv_in_milliseconds() -> None:
    assert figures(parse("users,latency_p95_ms\n3,250\n", "sweep.csv")) == [(3, 0.25, None, None, False)]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("{]", "x.json", "x.json: not JSON: line 1, column 2"),
        ('{"hello": 1}', "x.json", "of no known format"),
        ("[]", "x.json", "empty"),
        ("[" * 100_000, "x.json", "x.json: "),
        ("a,b\n1,2\n", "x.csv", "no column concurrency; columns are a, b"),
        ("concurrency,ttft\n1,2\n", "x.csv", "neither p95_llm_latency nor p95_workflow_runtime"),
        ("concurrency,p95_latency\n1.5,2\n", "x.csv", "line 2, concurrency: '1.5' is not a whole number"),
        ("concurrency,p95_latency\n1,fast\n", "x.csv", "line 2, column p95_latency: 'fast' is not a number"),
        ("concurrency,p95_latency\n", "x.csv", "no measured concurrency"),
        ('{"benchmarks": []}', "x.json", "no measured concurrency"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, name: str, message: str) -> None:
    with pytest.raises(FormatError, match=message.replace("(", r"\(")):
        parse(text, name)


def spoiled(value: object, spoil: object, draw: st.DataObject) -> object:
    """The document with one value somewhere in it replaced."""
    if isinstance(value, dict) and value and draw.draw(st.booleans()):
        key = draw.draw(st.sampled_from(sorted(value)))
        return {**value, key: spoiled(value[key], spoil, draw)}
    if isinstance(value, list) and value and draw.draw(st.booleans()):
        place = draw.draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoiled(value[place], spoil, draw), *value[place + 1 :]]
    return spoil


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([VLLM | {"p95_e2el_ms": 1.0}, {"benchmarks": [GUIDELLM]}, AIPERF, CALCULATOR]), st.data())
def test_a_spoiled_file_is_read_or_refused(document: dict, draw: st.DataObject) -> None:
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([1]), st.just({"a": 1}))
    try:
        imported = parse(spoiled(document, draw.draw(junk), draw))
    except FormatError:
        return
    assert all(isinstance(row["concurrency"], int) and row["concurrency"] >= 1 for row in imported.measurements)
