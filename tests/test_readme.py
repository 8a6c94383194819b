"""The README tells the truth: its commands are run as they stand, on a small published set and a small local model."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from published_set import small_catalogs, small_published_set, write_local_model

from flows.cli import main
from flows.lake import catalogs

pytestmark = pytest.mark.slow(6)

README = Path(__file__).parent.parent / "README.md"
NOT_RUN = ("refresh", "refresh-catalogs", "schedule")
"""Commands that work for minutes or for ever; that they exist and take these options is checked by their help."""


def readme_commands() -> list[str]:
    """The command lines of the README's shell fences, comments cut off."""
    fences = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for fence in fences for line in fence.splitlines()]
    return [command for line in lines if (command := re.split(r"\s+# ", line)[0].strip())]


def test_the_readme_shows_the_two_commands_that_do_everything() -> None:
    assert {"make refresh", "make test"} <= set(readme_commands())


@pytest.mark.parametrize("target", ["refresh", "test"])
def test_make_knows_the_targets_of_the_readme(target: str) -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_commands_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, in one directory, as a reader would: each ends with status 0 and says something. Few shapes are catalogued."""
    few = small_catalogs(catalogs.load_catalogs())
    monkeypatch.setattr(catalogs, "load_catalogs", lambda directory=None, data=None: dict(few))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "published").symlink_to(small_published_set() / "published")
    write_local_model(tmp_path / "my-model")
    for command in readme_commands():
        words = shlex.split(command)
        if words[0] == "printf":
            subprocess.run(["bash", "-c", command], check=True)
        elif words[0] == "shapefit" and words[1] not in (*NOT_RUN, "rollback"):
            assert main(words[1:]) == 0, command
            assert capsys.readouterr().out.strip(), command


@pytest.mark.parametrize("command", [line for line in readme_commands() if line.startswith("shapefit")])
def test_every_option_of_the_readme_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)
    subcommand = words[1:3] if words[1] == "size" else words[1:2]
    assert main([*subcommand, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [word for word in words if word.startswith("--") and word not in shown] == []
