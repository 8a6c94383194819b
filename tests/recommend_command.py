"""`shapefit recommend`, asked once for the same tokens by all tests of a process."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from published_set import small_published_set

from flows.cli import main

QWEN = "Qwen/Qwen2.5-7B-Instruct"


@dataclass(frozen=True)
class Asked:
    """One `recommend`: its exit status, what it printed, and its JSON."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, object]]:
        return self.document["recommendations"]


@cache
def ask(*tokens: str, data: Path | None = None) -> Asked:
    """The answer as JSON, from the small published set unless another directory is named; asked once for the same tokens."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["recommend", *tokens, "--format", "json", "--data", str(data or small_published_set())])
    return Asked(status, out.getvalue(), err.getvalue())
