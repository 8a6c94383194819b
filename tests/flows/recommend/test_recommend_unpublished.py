"""`shapefit recommend` of what no version holds: other precisions, shapes of one's own, models on disk or on the Hub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub, Repo
from published_set import small_catalogs, small_published_set, write_local_model
from recommend_command import QWEN, ask

from flows.lake import catalogs

pytestmark = pytest.mark.slow(8)


@pytest.fixture
def few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many shapes in the catalogs as the small published set has: a model that it lacks is estimated on every shape."""
    few = small_catalogs(catalogs.load_catalogs())
    monkeypatch.setattr(catalogs, "load_catalogs", lambda directory=None, data=None: dict(few))


def test_a_precision_outside_the_published_grid_is_estimated_for_the_model(few_shapes: None) -> None:
    asked = ask(QWEN, "--context", "8192", "--quantization", "nvfp4", "--provider", "lambda")
    assert asked.status == 0
    assert {row["quantization"] for row in asked.rows} == {"nvfp4"}
    already = ask("openai/gpt-oss-120b", "--quantization", "int8")
    assert already.status == 1
    assert "in int8" in already.document["reason"]


def test_a_local_directory_is_a_model(few_shapes: None, tmp_path: Path) -> None:
    asked = ask(str(write_local_model(tmp_path / "mine")), "--provider", "aws", data=tmp_path)
    assert asked.status == 0
    assert asked.document["context"] == 8192
    assert {row["provider"] for row in asked.rows} == {"aws"}
    assert asked.rows[0]["weights_gib_per_gpu"] < 0.01


def test_a_context_beyond_the_default_is_answered_up_to_the_limit(few_shapes: None, tmp_path: Path) -> None:
    scaling = {"rope_type": "longrope", "short_factor": [1.0] * 32, "long_factor": [2.0] * 32}
    lengths = {"max_position_embeddings": 32768, "original_max_position_embeddings": 4096}
    model = str(write_local_model(tmp_path / "long", rope_scaling=scaling, **lengths))
    asked = ask(model, "--provider", "aws", "--context", "16384", data=tmp_path)
    assert asked.status == 0 and asked.document["context"] >= 16384  # the next one of the ladder
    assert ask(model, "--provider", "aws", "--context", "65536", data=tmp_path).document["context"] == 32768


def test_a_method_that_the_engine_lacks_is_recommended_nowhere(few_shapes: None, tmp_path: Path) -> None:
    packed = {"quantization_config": {"quant_method": "exl2", "bits": 4.25}}
    asked = ask(str(write_local_model(tmp_path / "packed", **packed)), "--provider", "aws", data=tmp_path)
    assert asked.status == 1
    assert "vllm has no quantization method exl2" in asked.document["reason"]
    assert "vllm_arguments" not in str(asked.rows)


def test_own_shapes_take_the_place_of_the_catalogued(few_shapes: None, tmp_path: Path) -> None:
    shapes = tmp_path / "mine.csv"
    shapes.write_text("shape,gpu,gpu_count,usd_per_hour\nbox,H100,8,20\nmini,RTX 4090,2,1\n")
    asked = ask(QWEN, "--context", "8192", "--shapes-file", str(shapes))
    assert {(row["provider"], row["shape"]) for row in asked.rows} == {("own", "box"), ("own", "mini")}
    assert asked.rows[0]["shape"] == "mini"
    shapes.write_text("shape,gpu,gpu_count\nbox,H1000,8\n")
    assert "mine.csv line 2" in ask(QWEN, "--shapes-file", str(shapes)).err


def test_a_model_that_is_not_published_is_fetched_on_the_spot(serve: Callable[..., LoopbackHub], tmp_path: Path) -> None:
    """In a process of its own, which reads HF_ENDPOINT as a user's would."""
    model = write_local_model(tmp_path / "mine")
    hub = serve({"me/mine": Repo({path.name: path.read_bytes() for path in model.iterdir()})})
    commands = (["recommend", "me/mine", "--provider", "aws"], ["explain", "me/mine"], ["recommend", "me/other"])
    code = f"""
import sys
sys.path.append({str(Path(__file__).parents[2])!r})
from flows.lake import catalogs
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
