"""What a stated load is held to: bounds by the high end of the estimate, and no other bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from published_set import small_published_set
from recommend_command import QWEN, ask

from flows.versions.versions import open_version, require_latest

pytestmark = pytest.mark.slow(5)

LOAD = ("--input-tokens", "1500", "--output-tokens", "300")


def test_bounds_hold_at_the_high_end_unless_the_middle_is_asked_for() -> None:
    held = ask(QWEN, "--context", "8192", *LOAD, "--users", "64", "--max-tpot-ms", "30").rows
    middle = ask(QWEN, "--context", "8192", *LOAD, "--users", "64", "--max-tpot-ms", "30", "--percentile", "50").rows
    assert held and all(row["tpot_high_ms"] <= 30.3 for row in held)  # three digits are published
    assert all(row["tpot_ms"] <= 30 for row in middle)
    assert any(row["tpot_high_ms"] > 30.3 for row in middle)


def test_a_bound_on_one_time_leaves_the_other_free_and_says_so() -> None:
    """Where the default service level would leave one request a machine, the bound that was stated lets it fill."""
    asked = ask(QWEN, "--context", "8192", "--users", "64", "--max-tpot-ms", "60")
    both = ask(QWEN, "--context", "8192", "--users", "64", "--max-tpot-ms", "60", "--max-ttft-ms", "60000000")
    assert [row["deployments"] for row in asked.rows] == [row["deployments"] for row in both.rows]
    first = asked.rows[0]
    assert f"none was stated on its {first['ttft_ms']:,.0f} ms to the first token" in asked.document["reasoning"]
    assert "default service level" not in asked.document["reasoning"]
    assert "default service level" in ask(QWEN, "--context", "8192").document["reasoning"]


def test_the_context_never_changes_a_stated_load_until_a_longest_request_no_longer_fits() -> None:
    """Of the same layout every figure is the same; another is taken only where the first has no ample room at the length."""
    names = ("deployments", "total_usd_per_hour", "tpot_ms", "ttft_ms", "requests_per_s", "batch_per_replica", "utilization")
    layouts = ("tp", "pp", "dp", "ep", "nodes", "kv_dtype")
    answers = {
        context: {
            (row["provider"], row["shape"]): row for row in ask(QWEN, "--context", str(context), *LOAD, "--users", "64").rows
        }
        for context in (2048, 8192, 32768)
    }
    compared = 0
    for shorter, longer in ((2048, 8192), (8192, 32768)):
        for key, row in answers[longer].items():
            before = answers[shorter][key]
            if all(row[name] == before[name] for name in layouts):
                assert [row[name] for name in names] == [before[name] for name in names], key
                compared += 1
            else:
                assert before["max_context"] < longer or before["verdict"] == "tight" or row["verdict"] == "tight", key
    assert compared > 50


def test_a_rate_of_requests_is_carried_at_its_peaks() -> None:
    """Little's law: what is in flight is the rate times the latency; deployments hold what 19 moments of 20 bring."""
    rows = ask(QWEN, "--context", "8192", *LOAD, "--requests-per-s", "20").rows
    for row in rows:
        if row["tpot_ms"] is None:
            continue
        latency_s = (row["ttft_ms"] + (row["output_tokens"] - 1) * row["tpot_ms"]) / 1000
        in_flight = row["requests_per_deployment"] * row["deployments"]
        assert row["requests_per_s"] == pytest.approx(20)
        assert in_flight >= 0.75 * 20 * latency_s or row["requests_per_deployment"] < row["dp"]  # the line errs towards more
        held = row["batch_per_replica"] * row["dp"] * row["deployments"]
        assert in_flight + 1.645 * in_flight**0.5 <= held * 1.001
        assert row["utilization"] == pytest.approx(in_flight / held, rel=1e-3)
    assert sum(row["tpot_ms"] is not None for row in rows) > 20


def test_money_follows_from_price_and_rate() -> None:
    for tokens in ((*LOAD, "--users", "64"), (*LOAD, "--requests-per-s", "20"), ()):
        for row in ask(QWEN, "--context", "8192", *tokens).rows:
            if row["usd_per_hour"] is None or row["tpot_ms"] is None:
                continue
            assert row["machines"] == row["nodes"] * row["deployments"]
            assert row["total_usd_per_hour"] == pytest.approx(row["usd_per_hour"] * row["deployments"])
            assert row["total_usd_per_month"] == pytest.approx(730 * row["total_usd_per_hour"], rel=1e-6)
            assert row["usd_per_1000_requests"] == pytest.approx(
                row["total_usd_per_hour"] / (3.6 * row["requests_per_s"]), rel=2e-3, abs=2e-4
            )


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (("--input-tokens", "10"), "go together"),
        (("--workload", "chat", *LOAD), "leave out --input-tokens"),
        ((*LOAD, "--users", "3", "--requests-per-s", "1"), "leave one out"),
        (("--context", "1000", *LOAD), "does not hold a request of the load: 1,800 tokens"),
        (("--input-tokens", "40000", "--output-tokens", "1"), "the load needs 40,001 tokens"),
        ((*LOAD, "--cached-share", "1"), "cached-share"),
        ((*LOAD, "--percentile", "99"), "percentile"),
    ],
)
def test_a_load_that_contradicts_itself_is_refused_in_one_line(tokens: tuple[str, ...], message: str) -> None:
    refused = ask(QWEN, *tokens)
    assert refused.status == 2 and message in refused.err and refused.err.count("\n") == 1


def test_no_precision_is_taken_for_its_price() -> None:
    model = "google/gemma-3-27b-it"
    asked = ask(model, "--context", "8192")
    assert {row["quantization"] for row in asked.rows} == {"native"}
    every = ask(model, "--context", "8192", "--quantization", "any").rows
    assert len({row["quantization"] for row in every}) > 2
    prices = [row["total_usd_per_hour"] for row in every if row["total_usd_per_hour"] is not None]
    assert prices == sorted(prices)
    assert prices[0] < asked.rows[0]["total_usd_per_hour"]
    said = asked.document["reasoning"]
    assert "Better by this objective in another precision: " in said and (
        "published as " in said or "which the engine makes" in said
    )
    assert "known loss" in said


def test_where_the_checkpoint_fits_nowhere_what_is_known_to_exist_answers() -> None:
    with open_version(require_latest(Path(small_published_set()))) as connection:
        shape = connection.execute(
            """select provider, shape from recommendations where model_id = 'deepseek-ai/DeepSeek-V3' limit 1"""
        ).fetchall()
        small = connection.execute(
            f"""select provider, shape, list(distinct quantization) as precisions from recommendations
            where model_id = '{QWEN}' and context = 32768 group by all having not list_contains(precisions, 'native')
            order by all"""
        ).fetchall()
    assert shape and small
    provider, name, precisions = small[0]
    asked = ask(QWEN, "--context", "32768", "--provider", provider, "--shape", name)
    assert asked.status == 0
    assert {row["quantization"] for row in asked.rows} <= set(precisions)
    for row in asked.rows:
        assert row["quantization"] != "native"
        assert not row["needs_checkpoint"] or row["checkpoint"] or all(other["needs_checkpoint"] for other in asked.rows)
