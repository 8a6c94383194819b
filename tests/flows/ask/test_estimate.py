"""`shapefit estimate`: one output row for each configuration, in order, whatever is wrong with it."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import socket
import threading
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal, assert_series_equal
from published_set import small_published_set, write_local_model

from flows.ask.estimate import estimate
from flows.ask.model_facts import find_models
from flows.cli import main
from transforms.asking.configurations import INPUT_COLUMNS, RESULT_COLUMNS

pytestmark = pytest.mark.slow(14)

QWEN = "Qwen/Qwen2.5-7B-Instruct"
ROWS = [
    {"id": "plain", "model_id": QWEN, "gpu": "H100", "max_model_len": 8192},
    {"id": "unknown", "model_id": "nobody/nothing", "gpu": "H100"},
    {
        "id": "split",
        "model_id": QWEN,
        "gpu": "L40S",
        "gpu_count": 4,
        "quantization": "fp8",
        "max_model_len": 32768,
        "concurrency": 32,
    },
    {"id": "card", "model_id": QWEN, "gpu": "H1000"},
    {"id": "large", "model_id": "deepseek-ai/DeepSeek-V3", "gpu": "A10", "gpu_count": 8},
    {"id": "crowd", "model_id": QWEN, "gpu": "H100", "max_model_len": 32768, "concurrency": 100000},
    {"id": "sum", "model_id": QWEN, "gpu": "H100", "gpu_count": 8, "tp": 3},
    {"id": "exl", "model_id": QWEN, "gpu": "H100", "quantization": "exl3"},
    {"id": "encoder", "model_id": "google-t5/t5-small", "gpu": "H100"},
    {"id": "old", "model_id": QWEN, "gpu": "H100", "engine_version": "0.16.0", "max_model_len": 8192},
    {"id": "odd", "model_id": QWEN, "gpu": "H100", "gpu_count": 3},
    {"id": "cheap", "model_id": QWEN, "gpu": "H100", "max_model_len": 8192, "usd_per_gpu_hour": 1},
]


@pytest.fixture(scope="module")
def no_hub(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A Hub address at which nobody listens."""
    with socket.socket() as free, pytest.MonkeyPatch.context() as patch:
        free.bind(("127.0.0.1", 0))
        patch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        yield


@pytest.fixture(scope="module")
def answers(no_hub: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    directory = tmp_path_factory.mktemp("estimates")
    with (directory / "in.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(INPUT_COLUMNS))
        writer.writeheader()
        writer.writerows(ROWS)
    command = [
        "estimate",
        str(directory / "in.csv"),
        "--output",
        str(directory / "out.csv"),
        "--data",
        str(small_published_set()),
    ]
    assert main(command) == 0
    with (directory / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    assert list(rows[0]) == [*INPUT_COLUMNS, *RESULT_COLUMNS]
    return {row["id"]: row for row in rows}


def test_each_row_has_its_status(answers: dict[str, dict[str, str]]) -> None:
    assert {name: row["status"] for name, row in answers.items()} == {
        "plain": "ok",
        "unknown": "unknown_model",
        "split": "ok",
        "card": "unknown_gpu",
        "large": "ok",
        "crowd": "ok",
        "sum": "bad_input",
        "exl": "unsupported",
        "encoder": "unsupported",
        "old": "ok",
        "odd": "ok",
        "cheap": "ok",
    }


def test_a_row_that_fits_has_every_figure(answers: dict[str, dict[str, str]]) -> None:
    row = answers["plain"]
    assert (row["fits"], row["verdict"], row["outcome"]) == ("true", "fits", "started")
    assert row["gpu"] == "H100-SXM5-80GB"
    assert (row["tp"], row["gpu_count"], row["engine"], row["quantization"]) == ("1", "1", "vllm", "native")
    # 7,615,616,512 parameters in 16 bit.
    assert float(row["weights_gib_per_gpu"]) == pytest.approx(7_615_616_512 * 2 / 2**30, rel=0.01)
    # 28 layers × 2 × 4 KV heads × 128 × 2 bytes a token.
    pool = float(row["kv_cache_gib_per_gpu"]) * 2**30
    assert float(row["kv_cache_tokens"]) == pytest.approx(pool / 57344, rel=0.01)
    assert float(row["max_sequences"]) == pytest.approx(float(row["kv_cache_tokens"]) / 8192, abs=1)
    for column in ("ttft_ms", "tpot_ms", "output_tokens_per_s", "usd_per_million_output_tokens"):
        assert float(row[column]) > 0
    assert row["gpu_memory_utilization"] and row["max_num_seqs"] and row["max_num_batched_tokens"]


def test_a_row_that_does_not_fit_is_an_answer_too(answers: dict[str, dict[str, str]]) -> None:
    row = answers["large"]
    assert (row["fits"], row["verdict"]) == ("false", "does_not_fit")
    assert float(row["weights_gib_per_gpu"]) > 24
    assert (row["ttft_ms"], row["tpot_ms"], row["output_tokens_per_s"]) == ("", "", "")
    assert "GiB" in row["reason"]
    assert answers["odd"]["outcome"] == "refused"
    assert "tp 3" in answers["odd"]["reason"]


def test_a_crowd_queues_and_the_reason_says_so(answers: dict[str, dict[str, str]]) -> None:
    running = re.search(r"at most (\d+) of 100000 requests run at once, the others queue", answers["crowd"]["reason"])
    assert running is not None
    assert int(running[1]) > int(answers["crowd"]["max_sequences"])  # they are shorter than the context


def test_an_older_engine_is_another_engine(answers: dict[str, dict[str, str]]) -> None:
    assert answers["old"]["engine_version"] == "0.16.0"
    assert answers["old"]["gpu_memory_utilization"] == "0.9"
    assert answers["old"]["kv_cache_gib_per_gpu"] != answers["plain"]["kv_cache_gib_per_gpu"]


def test_a_stated_price_scales_the_cost(answers: dict[str, dict[str, str]]) -> None:
    ratio = float(answers["plain"]["usd_per_gpu_hour"])
    cost = [float(answers[name]["usd_per_million_output_tokens"]) for name in ("plain", "cheap")]
    assert cost[0] / cost[1] == pytest.approx(ratio)


def test_an_unreachable_hub_is_noticed_once_and_not_once_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0

    def hang_up(listener: socket.socket) -> None:
        nonlocal attempts
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
                attempts += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        rows = pl.DataFrame({"model_id": [f"nobody/model-{number % 500}" for number in range(2000)], "gpu": ["L4"] * 2000})
        answer = estimate(rows, tmp_path)
        listener.shutdown(socket.SHUT_RDWR)
    assert set(answer["status"]) == {"unknown_model"}
    assert "cannot be reached" in answer["reason"][0]
    assert 1 <= attempts < 50


def test_thousands_of_rows_in_both_file_forms_give_the_same_answer(no_hub: None, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "model_id": [QWEN] * 4000,
            "gpu": ["H100", "L40S", "A100-80GB", "T4"] * 1000,
            "tp": [1, 2] * 2000,
            "max_model_len": [8192] * 4000,
            "concurrency": [1 + number % 64 for number in range(4000)],
        }
    )
    rows.write_parquet(tmp_path / "in.parquet")
    rows.write_csv(tmp_path / "in.csv")
    data = ["--data", str(small_published_set())]
    assert main(["estimate", str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out.parquet"), *data]) == 0
    assert main(["estimate", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"), *data]) == 0
    typed = pl.read_parquet(tmp_path / "out.parquet")
    text = pl.read_csv(tmp_path / "out.csv", schema_overrides=typed.schema)
    assert typed.height == 4000
    assert text.equals(typed)
    assert typed["id"].to_list() == [str(number) for number in range(1, 4001)]


def test_rows_keep_their_order_and_number_over_several_parts(
    no_hub: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answers however many rows are evaluated at once, from a frame and from files; the models are looked up once."""
    rows = [{name: str(value) for name, value in row.items() if name != "id"} for row in (*ROWS, *ROWS)]
    configurations = pl.DataFrame(rows, infer_schema_length=None)
    whole = estimate(configurations, small_published_set())
    assert whole["id"].to_list() == [str(number) for number in range(1, len(rows) + 1)]
    configurations.write_csv(tmp_path / "in.csv")
    monkeypatch.setattr("flows.ask.estimate.ROWS_AT_ONCE", len(rows) // 2)
    lookups = []
    monkeypatch.setattr("flows.ask.estimate.find_models", lambda *asked: lookups.append(asked) or find_models(*asked))
    assert_frame_equal(estimate(configurations, small_published_set()), whole)
    assert len(lookups) == 1
    for form in ("csv", "parquet"):
        output = tmp_path / f"out.{form}"
        assert main(["estimate", str(tmp_path / "in.csv"), "--output", str(output), "--data", str(small_published_set())]) == 0
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 2
    assert_frame_equal(pl.read_parquet(tmp_path / "out.parquet"), whole)
    written = pl.read_csv(tmp_path / "out.csv", schema=whole.schema)
    assert written["id"].to_list() == whole["id"].to_list()
    assert_series_equal(written["tpot_ms"], whole["tpot_ms"])


def test_a_list_without_rows_is_answered_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.csv").write_text("model_id,gpu\n")
    assert main(["estimate", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.parquet")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out.parquet'}: 0 rows\n"
    assert pl.read_parquet(tmp_path / "out.parquet").columns == [*INPUT_COLUMNS, *RESULT_COLUMNS]
    answer = estimate(pl.DataFrame(schema={"model_id": pl.String, "gpu": pl.String}), small_published_set())
    assert (answer.height, answer.columns) == (0, [*INPUT_COLUMNS, *RESULT_COLUMNS])


def test_a_local_directory_is_a_model_here_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_local_model(tmp_path / "mine")
    (tmp_path / "in.csv").write_text(f"model_id,gpu,colour\n{model},L4,red\n")
    assert main(["estimate", str(tmp_path / "in.csv"), "--format", "json", "--data", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["status"] == "ok"
    assert "colour" in err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.csv", "", "in.csv"),
        ("in.csv", "model_id\nx\n", "no column gpu"),
        ("in.csv", "model_id,gpu\nx\na,b,c\n", "in.csv"),
        ("in.parquet", "no parquet", "in.parquet"),
    ],
)
def test_a_file_that_is_none_is_bad_input(
    tmp_path: Path, name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content)
    assert main(["estimate", str(tmp_path / name), "--data", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
