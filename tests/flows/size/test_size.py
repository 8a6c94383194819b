"""A sweep from the command line and from Python: measured, imported, estimated; and nothing measured is ever lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from queueing_server import QueueingServer, answer, serving, serving_apart
from sizing_sweeps import CONCURRENCIES, P95_LATENCIES, P95_RUNTIMES, TOTALS

from flows.cli import main
from flows.recommend.measured_beside_estimated import measured_beside_estimated
from flows.size.questions import MeasureConfig, ServedBy, SizingConfig
from flows.size.size import estimate_sweep, import_sweep, measure_to_store, run_sizing
from flows.size.sweep_store import SweepStoreError, create_run, read_group, runs

pytestmark = pytest.mark.slow(15)

KEY = "sk-secret-0123456789"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "questions.json"
    path.write_text('[{"id": "first", "question": "one?"}, {"id": "second", "question": "two?"}]')
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def sweep_csv(path: Path, interrupted: tuple[int, ...] = ()) -> Path:
    rows = zip(CONCURRENCIES, P95_LATENCIES, P95_RUNTIMES, TOTALS, strict=True)
    lines = [f"{c},{latency},{runtime},{total},{'!W' if c in interrupted else ''}" for c, latency, runtime, total in rows]
    path.write_text("\n".join(["concurrency,p95_llm_latency,p95_workflow_runtime,total_runtime,alerts", *lines]))
    return path


def measured(server: QueueingServer, dataset: Path, data: Path, **options: object) -> list[dict]:
    settings = {"concurrencies": (1, 2), "num_passes": 2, "endpoint_timeout": 5.0, **options}
    measure_to_store(MeasureConfig(server.address, dataset, **settings), data)  # type: ignore[arg-type]
    return read_group(data)["workflow_items"].to_dicts()


# ── the document's own figures, from the command line ──


def test_the_documents_summary(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", "import", str(sweep_csv(tmp_path / "sweep.csv")), "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "Targets: LLM Latency ≤ 0.0s, Workflow Runtime ≤ 0.0s, Users = 0\n"
        "Test parameters: GPUs = 0\n"
        "Per concurrency results:\n"
        "|   Concurrency |   p95 LLM Latency |   p95 WF Runtime |   Total Runtime |\n"
        "|---------------|-------------------|------------------|-----------------|\n"
        "|             1 |           1.14981 |          4.03488 |         8.06977 |\n"
        "|             2 |           1.3591  |          4.71197 |         9.32298 |\n"
    )
    options = ["--test-gpu-count", "8", "--target-workflow-runtime", "10", "--target-users", "100", "--gpu", "H100"]
    assert main(["size", "estimate", *options, "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    assert "Targets: LLM Latency ≤ 0.0s, Workflow Runtime ≤ 10.0s, Users = 100\nTest parameters: GPUs = 8\n" in printed
    assert "=== GPU ESTIMATES ===\nEstimated GPU count (Workflow Runtime): 75.4\nAnswer: 76 GPUs" in printed
    assert "Shapes that supply them" in printed


def test_the_documents_json_and_files(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_sweep([sweep_csv(tmp_path / "sweep.csv")], data)
    options = ["--test-gpu-count", "8", "--target-workflow-runtime", "10", "--target-users", "100", "--format", "json"]
    assert main(["size", "estimate", *options, "--data", str(data)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["gpu_estimates"] == {
        "gpu_estimate_by_wf_runtime": pytest.approx(75.3516, abs=1e-4),
        "gpu_estimate_by_llm_latency": None,
    }
    assert document["answer"]["whole_gpus"] == 76
    fit = document["fit_results"]["wf_runtime_fit"]
    assert (round(fit["slope"], 4), round(fit["intercept"], 4), round(fit["r_squared"], 4)) == (0.6568, 3.0264, 0.9955)
    first = document["per_concurrency_data"]["1"]
    assert first["gpu_estimates"]["gpu_estimate_by_wf_runtime"] == pytest.approx(322.79, abs=0.001)
    assert first["out_of_range_runs"]["workflow_interrupted"] is False
    assert document["per_concurrency_data"]["16"]["gpu_estimates"]["gpu_estimate_by_wf_runtime"] is None
    directory = data / "sizing" / runs(data)[0]
    names = {path.name for path in directory.iterdir()}
    plots = {f"concurrency_vs_p95_{kind}.{suffix}" for kind in ("simple", "analysis") for suffix in ("png", "svg")}
    assert plots | {"calc_runner_output.json", "summary.txt", "measurements.parquet"} <= names
    assert (directory / "concurrency_vs_p95_analysis.png").read_bytes().startswith(b"\x89PNG")
    assert "R² = 0.9955" in (directory / "concurrency_vs_p95_analysis.svg").read_text()


def test_an_interrupted_concurrency_in_the_summary(tmp_path: Path, data: Path) -> None:
    import_sweep([sweep_csv(tmp_path / "sweep.csv", interrupted=(4,))], data, subject=ServedBy(test_gpu_count=8))
    output = estimate_sweep(SizingConfig(target_users=100, target_workflow_runtime=10), data)
    assert "Alerts: !W = Workflow interrupted\n| Alerts |   Concurrency |" in output.summary
    assert "| !W     |             4 |" in output.summary
    assert "Estimated GPU count (Workflow Runtime): 75.3" in output.summary
    assert output.per_concurrency_data["4"]["out_of_range_runs"]["workflow_interrupted"] is True


def test_our_own_answer_is_imported_again(tmp_path: Path, data: Path) -> None:
    import_sweep([sweep_csv(tmp_path / "sweep.csv")], data)
    config = SizingConfig(target_users=100, target_workflow_runtime=10, test_gpu_count=8)
    first = estimate_sweep(config, data)
    import_sweep([first.directory / "calc_runner_output.json"], data)
    second = estimate_sweep(config, data)
    assert second.gpu_estimates == first.gpu_estimates
    assert second.document["sweep"]["sweep_source"] == "calculator"


def test_shapes_hold_whole_replicas(tmp_path: Path, data: Path) -> None:
    subject = ServedBy(gpu="H100", test_gpu_count=8, tp=8)
    import_sweep([sweep_csv(tmp_path / "sweep.csv")], data, subject=subject)
    output = estimate_sweep(SizingConfig(target_users=100, target_workflow_runtime=10), data)
    shapes = output.document["shapes"]
    assert output.answer.whole_gpus == 80
    assert shapes and {(shape["nodes"], shape["gpu_count"]) for shape in shapes} == {(10, 80)}
    priced = [shape["usd_per_hour"] for shape in shapes if shape["usd_per_hour"] is not None]
    assert priced == sorted(priced)


# ── answers that are no number ──


@pytest.mark.parametrize(
    ("rows", "options", "status", "words"),
    [
        (["1,1", "2,1", "4,1", "8,1"], [], "flat", "do not rise with load"),
        (["1,5.2", "2,9", "3,5", "4,8.8", "5,5.1", "6,7"], [], "noisy", "too noisy"),
        (["1,9", "2,7", "4,5", "8,3"], [], "falling", "fall as load rises"),
        (["1,4"], [], "one_point", "only one usable concurrency"),
        (["1,0", "2,0"], [], "zero_time", "no concurrency has a time above zero"),
        (["1,12", "2,13", "4,15"], [], "unreachable", "cannot be met by adding GPUs"),
        (["1,4", "2,5"], ["--target-llm-latency", "3"], "not_measured", "was not measured"),
    ],
)
def test_no_number_in_plain_words(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], rows: list[str], options: list[str], status: str, words: str
) -> None:
    path = tmp_path / "sweep.csv"
    path.write_text("\n".join(["concurrency,p95_workflow_runtime", *rows]))
    import_sweep([path], data)
    targets = ["--target-users", "100", "--target-workflow-runtime", "10", "--test-gpu-count", "8", *options]
    assert main(["size", "estimate", *targets, "--data", str(data), "--format", "json"]) == 1
    answered = json.loads(capsys.readouterr().out)["answer"]
    assert (answered["status"], answered["gpus"]) == (status, None)
    assert words in " ".join(answered["messages"])


def test_two_points_are_answered_with_a_warning(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "sweep.csv"
    path.write_text("concurrency,p95_workflow_runtime\n1,4\n2,5\n")
    import_sweep([path], data)
    output = estimate_sweep(SizingConfig(target_users=100, target_workflow_runtime=10, test_gpu_count=8), data)
    assert output.answer.gpus == pytest.approx(100 / 7 * 8)
    assert "R² proves nothing" in output.summary


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["estimate", "--target-users", "5", "--target-workflow-runtime", "5", "--test-gpu-count", "1"], "no sweep"),
        (["estimate"], "a size needs --target-users"),
        (["estimate", "--target-users", "5", "--test-gpu-count", "1"], "--target-workflow-runtime or --target-llm-latency"),
        (["estimate", "--target-users", "-5", "--test-gpu-count", "1"], "cannot be negative"),
        (["estimate", "nosuch", "--target-users", "5", "--target-workflow-runtime", "5"], "no sweep 'nosuch'"),
        (["import"], "name the files"),
        (["import", "missing.json"], "missing.json"),
        (["measure", "--endpoint", "http://127.0.0.1:1", "--dataset", "missing.json"], "no such dataset"),
        (["measure", "--endpoint", "http://127.0.0.1:1"], "--dataset"),
        (["measure", "--endpoint", "x", "--dataset", "x", "--concurrencies", "1,two"], "whole numbers"),
        (["measure", "--endpoint", "x", "--dataset", "x", "--concurrencies", "2,2"], "named twice"),
        (["measure", "--endpoint", "x", "--dataset", "x", "--concurrencies", "0"], "at least 1"),
        (["measure", "--endpoint", "x", "--dataset", "x", "--endpoint-timeout", "0"], "above 0 seconds"),
    ],
)
def test_bad_usage_is_one_line(tokens: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", *tokens, "--data", str(data)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_an_unknown_gpu_is_refused(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_sweep([sweep_csv(tmp_path / "sweep.csv")], data)
    targets = ["--target-users", "100", "--target-workflow-runtime", "10", "--test-gpu-count", "8", "--gpu", "H1000"]
    assert main(["size", "estimate", *targets, "--data", str(data)]) == 2
    assert "H1000" in capsys.readouterr().err


# ── measuring ──


def test_a_server_of_known_capacity_is_sized_within_a_tenth(dataset: Path, tmp_path: Path) -> None:
    """Four slots serve 16 closed-loop users within four service times: 160 users take ten such servers.

    A busy machine adds its own delay to every answer. It is the smaller part of a slower one, so a sweep that misses is measured
    again on a server of twice the service time.
    """
    found = []
    for service_s in (0.1, 0.2, 0.4):
        with serving_apart(slots=4, service_s=service_s) as address:
            output = run_sizing(
                MeasureConfig(address, dataset, concurrencies=(1, 2, 3, 4, 8, 12, 16, 24), num_passes=2),
                SizingConfig(target_users=160, target_workflow_runtime=4 * service_s, test_gpu_count=1),
                tmp_path / f"served in {service_s}",
            )
        found.append(output.answer.gpus)
        if found[-1] == pytest.approx(10, rel=0.1):
            break
    assert found[-1] == pytest.approx(10, rel=0.1), found


def test_each_concurrency_is_kept_up_and_no_more(dataset: Path, data: Path) -> None:
    with serving(QueueingServer(slots=8, service_s=0.05)) as server:
        items = measured(server, dataset, data, concurrencies=(6,), num_passes=3)
    assert (len(items), server.most_at_once) == (18, 6)
    begun = sorted(items, key=lambda item: item["item"])  # they are kept in the order in which they end
    assert [item["dataset_item"] for item in begun[:3]] == ["first", "second", "first"]
    assert sorted({item["pass_number"] for item in items}) == [1, 2, 3]


@pytest.mark.parametrize(("size", "passes", "sent"), [(2, 0, 3), (7, 0, 6), (7, 1, 3), (2, 2, 6)])
def test_passes(size: int, passes: int, sent: int, tmp_path: Path, data: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text(json.dumps([f"question {number}" for number in range(size)]))
    with serving(QueueingServer(service_s=0.001)) as server:
        assert len(measured(server, path, data, concurrencies=(3,), num_passes=passes)) == sent


def test_a_conversation_is_one_item_of_several_calls(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text('[{"turns": ["a", "b"]}]')
    with serving(QueueingServer(service_s=0.01)) as server:
        items = measured(server, path, data, concurrencies=(1,), num_passes=1)
    tables = read_group(data)
    assert (len(items), tables["requests"]["call"].to_list()) == (1, [1, 2])
    roles = [message["role"] for message in server.requests[-1][2]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert items[0]["workflow_runtime_s"] > items[0]["llm_latency_s"]


def test_a_workflow_endpoint_has_runtimes_and_no_latencies(dataset: Path, data: Path) -> None:
    with serving(QueueingServer(service_s=0.01)) as server:
        items = measured(server, dataset, data, api="workflow")
    assert {path for path, _, _ in server.requests} == {"/generate/full"}
    assert all(item["llm_latency_s"] is None and item["workflow_runtime_s"] > 0 for item in items)


def failing_after(count: int) -> QueueingServer:
    def misbehave(server: QueueingServer, writer: object, body: bytes) -> bool:
        return bool(body) and len(server.requests) > count and answer(writer, b"no more", "500 Oops")  # type: ignore[arg-type]

    return QueueingServer(service_s=0.005, misbehave=misbehave)


def test_a_failing_item_stops_its_concurrency_and_keeps_its_data(dataset: Path, data: Path) -> None:
    with serving(failing_after(5)) as server:
        items = measured(server, dataset, data, concurrencies=(1, 2), num_passes=10, model="m")
    by_status = [(item["concurrency"], item["request_status"]) for item in items]
    assert by_status.count((1, "ok")) == 5
    assert (1, "failed") in by_status
    assert len(items) < 10
    output = estimate_sweep(SizingConfig(), data)
    assert output.per_concurrency_data["1"]["out_of_range_runs"]["workflow_interrupted"] is True
    assert output.per_concurrency_data["1"]["sizing_metrics"]["failed_items"] == 1


def test_all_failed_is_said_and_kept(dataset: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(failing_after(0)) as server:
        common = ["--endpoint", server.address, "--dataset", str(dataset), "--concurrencies", "1,2", "--model", "m"]
        targets = ["--target-users", "10", "--target-workflow-runtime", "1", "--test-gpu-count", "1"]
        assert main(["size", "measure", *common, "--data", str(data)]) == 1
        assert main(["size", "run", *common, *targets, "--data", str(data), "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert "interrupted by a failing item: HTTP 500: no more" in captured.err
    assert '"status": "all_failed"' in captured.out
    assert len(runs(data)) == 2


def test_retries_are_off_and_can_be_had(dataset: Path, data: Path) -> None:
    def every_other(server: QueueingServer, writer: object, body: bytes) -> bool:
        return len(server.requests) % 2 == 1 and answer(writer, b"busy", "503 Busy")  # type: ignore[arg-type]

    with serving(QueueingServer(service_s=0.001, misbehave=every_other)) as server:
        items = measured(server, dataset, data, concurrencies=(1,), num_passes=1, model="m")
        assert [item["request_status"] for item in items] == ["failed"]
        items = measured(server, dataset, data, concurrencies=(1,), num_passes=1, model="m", retries=1)
    assert [item["request_status"] for item in items] == ["ok"]
    assert read_group(data)["requests"]["request_status"].sort().to_list() in (["ok"], ["failed", "ok"])


def test_the_key_comes_from_the_environment_and_is_written_nowhere(
    dataset: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)

    def repeat(server: QueueingServer, writer: object, body: bytes) -> bool:
        return len(server.requests) > 3 and answer(writer, f"bad key {KEY}".encode(), "401 No")  # type: ignore[arg-type]

    with serving(QueueingServer(service_s=0.001, misbehave=repeat)) as server:
        address = f"{server.address}/v1?token={KEY}"
        options = ["--dataset", str(dataset), "--api-key-env", "MY_KEY", "--concurrencies", "1,2", "--num-passes", "2"]
        main(["size", "measure", "--endpoint", address, *options, "--data", str(data)])
    assert server.requests[-1][1]["authorization"] == f"Bearer {KEY}"
    captured = capsys.readouterr()
    assert KEY not in captured.out + captured.err
    assert not [path for path in data.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


# ── what is kept ──


def measure_command(server: QueueingServer, dataset: Path, data: Path, concurrencies: str, passes: str) -> list[str]:
    tokens = ["size", "measure", "--endpoint", server.address, "--dataset", str(dataset), "--data", str(data)]
    tokens += ["--concurrencies", concurrencies, "--num-passes", passes]
    return [sys.executable, "-c", f"import sys; from flows.cli import main; sys.exit(main({tokens!r}))"]


def test_a_kill_in_the_middle_loses_nothing(dataset: Path, data: Path) -> None:
    with serving(QueueingServer(slots=4, service_s=0.05)) as server:
        command = measure_command(server, dataset, data, "1,2,50", "4")
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            journal = data / "sizing"
            deadline = time.monotonic() + 60
            while sum(path.read_bytes().count(b"\n") for path in journal.glob("*/workflow_items.jsonl")) < 20:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
    tables = read_group(data)
    items = tables["workflow_items"].group_by("concurrency").len().sort("concurrency").rows()
    assert items[:2] == [(1, 4), (2, 8)]
    assert items[2][1] >= 8
    requests, whole = tables["requests"], tables["workflow_items"]
    assert whole.join(requests, on=["run", "concurrency", "item"], how="anti").is_empty()
    assert requests.height - whole.height in (0, 1)  # a request is written before its item: the kill may fall between the two
    interrupted = dict(tables["sweep_levels"].select("concurrency", "workflow_interrupted").rows())
    assert interrupted == {1: False, 2: False, 50: True}
    output = estimate_sweep(SizingConfig(target_users=10, target_workflow_runtime=1, test_gpu_count=1), data)
    assert output.per_concurrency_data["50"]["out_of_range_runs"]["workflow_interrupted"] is True


def test_an_interrupt_keeps_what_was_measured_and_says_so(dataset: Path, data: Path) -> None:
    with serving(QueueingServer(slots=1, service_s=0.05)) as server:
        command = measure_command(server, dataset, data, "2", "900")
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            while not list(data.glob("sizing/*/workflow_items.jsonl")) or not read_group(data)["workflow_items"].height:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "what was measured is kept" in error and "Traceback" not in error
    assert read_group(data)["sweep_levels"]["workflow_interrupted"].to_list() == [True]


def test_a_torn_last_line_is_left_out(dataset: Path, data: Path) -> None:
    with serving(QueueingServer(service_s=0.001)) as server:
        items = measured(server, dataset, data)
    journal = data / "sizing" / runs(data)[0] / "workflow_items.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"run": "x", "concurr')
    assert read_group(data)["workflow_items"].height == len(items)


def test_append_joins_sweeps_and_the_latest_wins_otherwise(tmp_path: Path, data: Path) -> None:
    low, high = tmp_path / "low.csv", tmp_path / "high.csv"
    low.write_text("concurrency,p95_workflow_runtime\n1,4\n2,5\n")
    high.write_text("concurrency,p95_workflow_runtime\n2,5.5\n4,7\n")
    import_sweep([low], data)
    import_sweep([high], data, append=True)
    levels = estimate_sweep(SizingConfig(), data).per_concurrency_data
    times = {concurrency: level["sizing_metrics"]["workflow_runtime_p95"] for concurrency, level in levels.items()}
    assert times == {"1": 4.0, "2": 5.5, "4": 7.0}
    import_sweep([high], data)
    assert list(estimate_sweep(SizingConfig(), data).per_concurrency_data) == ["2", "4"]
    assert list(estimate_sweep(SizingConfig(), data, runs(data)[0]).per_concurrency_data) == ["1", "2", "4"]


def test_estimates_replace_one_another_unless_appended(tmp_path: Path, data: Path) -> None:
    import_sweep([sweep_csv(tmp_path / "sweep.csv")], data)
    config = {"target_users": 100, "test_gpu_count": 8}
    first = estimate_sweep(SizingConfig(target_workflow_runtime=10, **config), data)
    kept = estimate_sweep(SizingConfig(target_workflow_runtime=20, append=True, **config), data)
    assert kept.directory.parent.parent == first.directory
    assert json.loads((first.directory / "calc_runner_output.json").read_text())["targets"]["target_workflow_runtime_s"] == 10


def test_a_file_that_cannot_be_read_keeps_nothing(tmp_path: Path, data: Path) -> None:
    good, bad = sweep_csv(tmp_path / "good.csv"), tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(ValueError, match="of no known format"):
        import_sweep([good, bad], data)
    assert runs(data) == []


def test_files_of_one_sweep_may_not_repeat_a_concurrency(tmp_path: Path, data: Path) -> None:
    with pytest.raises(ValueError, match="concurrency 1 is already in"):
        import_sweep([sweep_csv(tmp_path / "a.csv"), sweep_csv(tmp_path / "b.csv")], data)


def test_a_run_without_facts_is_no_run(data: Path) -> None:
    (data / "sizing" / "20261120T000000_000000Z").mkdir(parents=True)
    with pytest.raises(SweepStoreError, match="no sweep"):
        read_group(data)
    with create_run(data, {"sweep_source": "csv"}, append=True) as writer:
        assert runs(data) == [writer.run]


def test_a_measurement_stands_beside_the_estimate_for_its_row(tmp_path: Path, data: Path) -> None:
    results = [
        {"max_concurrency": c, "completed": 8, "duration": 9.0, "p95_e2el_ms": 900.0, "median_ttft_ms": 60.0 + c}
        | {"median_tpot_ms": 8.0, "output_throughput": 100.0 * c, "total_input_tokens": 8192, "total_output_tokens": 1024}
        for c in (1, 16)
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    assert measured_beside_estimated(data) is None
    import_sweep([path], data, subject=ServedBy("Qwen/Qwen2.5-7B-Instruct", "H100", test_gpu_count=1, engine="vllm"))
    rows = measured_beside_estimated(data, "Qwen/Qwen2.5-7B-Instruct").to_dicts()
    assert [(row["concurrency"], row["gpu"], row["basis"]) for row in rows] == [
        (1, "H100-SXM5-80GB", "measured"),
        (16, "H100-SXM5-80GB", "measured"),
    ]
    assert [row["output_tokens_per_s"] for row in rows] == [100, 1600]
    for row in rows:
        assert row["ttft_ratio"] == pytest.approx(row["ttft_ms"] / row["estimated_ttft_ms"])
        assert 0.2 < row["output_tokens_ratio"] < 5
    assert measured_beside_estimated(data, "a/b") is None


def test_the_commands_import_nothing_heavy() -> None:
    code = "import flows.size.command, sys; print({'polars', 'duckdb', 'altair', 'httpx2', 'prefect', 'yaml'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
