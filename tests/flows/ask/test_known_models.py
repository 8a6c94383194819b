"""Wrong model ids: which known ones are told, and which are taken as meant."""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from loopback_hub import LoopbackHub, Repo
from published_set import small_published_set
from recommend_command import QWEN, ask

from flows import asking
from flows.ask.known_models import known_models, known_spelling, nearest_models
from flows.ask.model_facts import facts_of
from flows.cli import main
from flows.versions.versions import RejectedModelError
from transforms.tables.contracts import frame_of

pytestmark = pytest.mark.slow(6)


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Hub address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        yield


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    return known_models(small_published_set())


def test_known_models_are_the_published_the_refused_the_bundled_and_the_listed(known: pl.DataFrame) -> None:
    codes = dict(known.select("model_id", "reject_code").iter_rows())
    assert codes["google-t5/t5-small"] == "encoder_decoder"
    assert codes[QWEN] is None
    assert {"01-ai/Yi-34B", "RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic"} <= codes.keys()  # the snapshot's, and one only listed
    assert known["model_id"].is_unique().all()


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("llama-3.3-70b", "meta-llama/Llama-3.3-70B-Instruct"),
        ("qwen/Qwen2.5-7B-Instrct", QWEN),
        ("mistral/Mistral-7B-Instruct-v0.2", "mistralai/Mistral-7B-Instruct-v0.2"),
        ("Meta/Llama 3.3 70B", "meta-llama/Llama-3.3-70B-Instruct"),
        ("openai/gptoss_120b", "openai/gpt-oss-120b"),
        ("google/t5-smal", "google-t5/t5-small (rejected: encoder_decoder)"),
    ],
)
def test_the_nearest_known_ids_are_found_by_case_owner_and_spelling(known: pl.DataFrame, asked: str, first: str) -> None:
    assert nearest_models([asked], known)[asked].split(", ")[0] == first


def test_of_equally_near_ones_the_most_downloaded_is_first() -> None:
    known = pl.DataFrame({"model_id": ["a/beta-7b-chat", "b/beta-7b-tuned"], "downloads": [3, 9], "reject_code": [None, None]})
    assert nearest_models(["beta-7b", "nothing/like-it"], known) == {"beta-7b": "b/beta-7b-tuned, a/beta-7b-chat"}


def test_case_alone_makes_no_other_id(known: pl.DataFrame) -> None:
    assert known_spelling(QWEN.upper(), known) == QWEN
    assert known_spelling(QWEN, known) == QWEN
    assert known_spelling("nobody/nothing", known) == "nobody/nothing"


@pytest.mark.parametrize("command", ["recommend", "explain"])
def test_an_unknown_id_is_one_line_with_the_nearest(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "llama-3.3-70b", "--data", str(small_published_set())]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "llama-3.3-70b: not known" in err
    assert "cannot be reached; nearest: meta-llama/Llama-3.3-70B-Instruct, " in err
    assert main([command, "Llama 3.3 70B", "--data", str(small_published_set())]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "write owner/name" in err and "; nearest: meta-llama/Llama-3.3-70B-Instruct, " in err


def test_another_case_of_a_known_id_is_that_id_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ask(QWEN.lower(), "--context", "8192")
    assert asked.status == 0
    assert asked.document["model_id"] == QWEN
    assert asked.document["notes"] == [f"{QWEN.lower()} is taken as {QWEN}: ids of the Hub do not differ by case"]
    assert asked.rows == ask(QWEN, "--context", "8192").rows
    assert main(["explain", QWEN.lower(), "--format", "json", "--data", str(small_published_set())]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["model"]["model_id"] == QWEN
    assert err == f"shapefit: {QWEN.lower()} is taken as {QWEN}: ids of the Hub do not differ by case\n"


def test_another_case_of_a_refused_id_is_refused_with_its_reason() -> None:
    asked = ask("Google-T5/T5-Small")
    assert asked.status == 1
    assert asked.err.startswith("shapefit: google-t5/t5-small: an encoder-decoder model")


def test_python_is_told_as_the_command_is() -> None:
    data = small_published_set()
    with pytest.raises(RejectedModelError, match=r"nearest: meta-llama/Llama-3\.3-70B-Instruct, "):
        asking.recommend("llama-3.3-70b", data=data)
    for policy in ("vllm", "kaito"):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = asking.recommend(QWEN.lower(), data=data, policy=policy)
        assert found.height and [str(warning.message).split(":")[0] for warning in told] == [f"{QWEN.lower()} is taken as {QWEN}"]
    answer = asking.estimate(pl.DataFrame({"model_id": ["qwen/qwen2.5-7b-instrct"], "gpu": ["H100"]}), data=data)
    assert answer["status"].to_list() == ["unknown_model"]
    assert f"nearest: {QWEN}" in answer["reason"][0]


def test_the_hub_is_asked_before_the_nearest_are_told(
    serve: Callable[..., LoopbackHub], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub = serve({"me/mine": Repo({"config.json": b"{}"})})
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    with pytest.raises(RejectedModelError, match=r"check the id.*; nearest: meta-llama/Llama-3.3-70B-Instruct, .*not_found"):
        facts_of("llama-3.3-70b", tmp_path)
    with pytest.raises(RejectedModelError) as refused:
        facts_of("me/mine", tmp_path)
    assert "nearest" not in str(refused.value)


def test_a_model_that_the_lake_once_did_not_find_is_not_known(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    rows = [{"model_id": f"a/{code}", "code": code, "message": "m", "fetched_at": now} for code in ("not_found", "gguf_only")]
    (tmp_path / "lake").mkdir()
    frame_of("rejects", rows).write_parquet(tmp_path / "lake" / "rejects.parquet")
    assert [model for model in known_models(tmp_path)["model_id"] if model.startswith("a/")] == ["a/gguf_only"]
