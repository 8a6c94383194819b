"""The command line: help, usage errors, exit statuses, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import main

COMMANDS = ("refresh", "explain", "status", "rollback", "recommend", "estimate", "query", "export", "schedule")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_names_the_data_directory(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--data" in shown
    assert "SHAPEFIT_DATA" in shown


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["nope"], "Unknown command"),
        (["recommend", "a/b", "--contxt", "5"], "--contxt"),
        (["recommend", "a/b", "--context", "many"], "--context"),
        (["recommend", "a/b", "--policy", "guess"], "--policy"),
        (["recommend", "a/b", "--context", "0"], "context"),
        (["recommend", "a/b", "--users", "-3"], "users"),
        (["recommend"], "needs a model"),
        (["recommend", "ocid1.datasciencemodel.oc1.x"], "Hugging Face id"),
        (["query"], "SQL"),
        (["export", "--format", "xlsx", "--output", "x"], "--format"),
        (["estimate", "absent.csv"], "absent.csv"),
        (["status"], "shapefit refresh"),
        (["query", "select 1"], "shapefit refresh"),
    ],
)
def test_bad_usage_and_bad_input_are_one_line_and_status_2(
    tokens: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(tokens) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_command_line_itself_imports_no_heavy_package() -> None:
    heavy = "polars duckdb pyarrow prefect huggingface_hub altair rich.table"
    code = f"import flows.cli, sys; print([name for name in {heavy.split()!r} if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m flows.cli --help | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
