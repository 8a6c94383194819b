"""A model in a local directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loopback_hub import Repo, VirtualFile, raw_header
from small_repos import LLAMA, sharded_repo, small_repo

from flows.ask.local_model import LocalModelError, read_local_model
from transforms.architecture.extract_models import extract_model
from transforms.tables.records import Extracted
from transforms.weights.safetensors import read_summary


def put(directory: Path, repo: Repo) -> Path:
    for name, content in repo.files.items():
        with (directory / name).open("wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.head)
            stream.truncate(len(content) if isinstance(content, bytes) else content.size)
    return directory


@pytest.mark.parametrize("repo", [small_repo(), sharded_repo(3)])
def test_a_directory_is_a_model(tmp_path: Path, repo: Repo) -> None:
    files = read_local_model(put(tmp_path, repo))
    assert (files.status, files.source, files.model_id) == ("ok", "local", str(tmp_path))
    assert read_summary(files.header_summary or "").source == "local"
    extracted = extract_model(files)
    assert isinstance(extracted, Extracted)
    assert extracted.architecture["parameters_total"] == 106_816


def test_a_directory_with_a_config_alone_is_sized_from_it(tmp_path: Path) -> None:
    files = read_local_model(put(tmp_path, Repo({"config.json": json.dumps(LLAMA).encode()})))
    assert files.status == "ok" and files.header_summary is None
    assert isinstance(extract_model(files), Extracted)


@pytest.mark.parametrize(
    ("repo", "code"),
    [
        (Repo({"x.gguf": b""}), "gguf_only"),
        (Repo({"README.md": b""}), "no_config"),
        (small_repo(files={"config.json": b"{}", "model.safetensors": raw_header(b"no json", 0)}), "unsafe_headers"),
        (small_repo(files={"config.json": b"{}", "model.safetensors": VirtualFile(b"\xff" * 8, 100)}), "over_bound"),
        (small_repo(files={"config.json": b"{}", "model.safetensors": b"123"}), "unsafe_headers"),
        (
            small_repo(
                files={
                    "config.json": b"{}",
                    "model.safetensors.index.json": b'{"weight_map": {"x": "../../../etc/passwd.safetensors"}}',
                }
            ),
            "unsafe_headers",
        ),
        (
            small_repo(files={"config.json": b"{}", "model.safetensors.index.json": b'{"weight_map": {"x": "y.safetensors"}}'}),
            "no_weights",
        ),
    ],
)
def test_trouble_with_files_is_the_models_status(tmp_path: Path, repo: Repo, code: str) -> None:
    assert read_local_model(put(tmp_path, repo)).status == code


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="is no directory"):
        read_local_model(tmp_path / "absent")
