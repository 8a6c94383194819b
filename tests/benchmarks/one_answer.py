"""One question, three doors: the macro `recommend`, the command and Python give the same rows in the same order.

Run from the checkout: `python -m tests.benchmarks.one_answer [--data DIR] [--questions N] [--seed N]`. It draws questions of the
published version of DIR (default `data`) and prints those whose answers differ; the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows import asking
from flows.cli import main as shapefit
from flows.versions.versions import open_version, require_latest

CONTEXTS = (1024, 4000, 8192, 32768, 100000)
USERS = (None, None, 1, 64, 1000)
OBJECTIVES = ("cost", "performance", "balanced")


@dataclass(frozen=True)
class Asked:
    """A question that all three doors can be asked."""

    model: str
    context: int
    objective: str
    users: int | None
    provider: str | None
    spot: bool

    def tokens(self) -> list[str]:
        """The question as the command takes it."""
        stated = {"--context": self.context, "--objective": self.objective, "--users": self.users, "--provider": self.provider}
        options = [str(part) for option, value in stated.items() if value is not None for part in (option, value)]
        return [self.model, *options, *(["--spot"] if self.spot else [])]

    def macro(self) -> str:
        """The question as SQL."""
        users = "null" if self.users is None else str(self.users)
        provider = "null" if self.provider is None else f"'{self.provider}'"
        return (
            f"from recommend('{self.model}', {self.context}, objective := '{self.objective}', users := {users}, "
            f"provider := {provider}, spot := {self.spot})"
        )


def questions(connection: duckdb.DuckDBPyConnection, count: int, seed: int) -> Iterator[Asked]:
    """Questions drawn from the models and providers of a published version."""
    drawn = random.Random(seed)
    models = sorted(str(row[0]) for row in connection.execute("select model_id from models").fetchall())
    providers = sorted(str(row[0]) for row in connection.execute("select distinct provider from offers").fetchall())
    for _ in range(count):
        yield Asked(
            model=drawn.choice(models),
            context=drawn.choice(CONTEXTS),
            objective=drawn.choice(OBJECTIVES),
            users=drawn.choice(USERS),
            provider=drawn.choice((None, None, *providers)),
            spot=drawn.random() < 0.2,
        )


def differences(connection: duckdb.DuckDBPyConnection, data: Path, asked: Asked) -> list[str]:
    """What the doors say differently of a question; nothing where they agree."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        shapefit(["recommend", *asked.tokens(), "--format", "json", "--data", str(data)])
    command = json.loads(said.getvalue())["recommendations"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = asking.recommend(
            asked.model,
            data=data,
            context=asked.context,
            objective=asked.objective,
            users=asked.users,
            provider=asked.provider,
            spot=asked.spot,
        )
    longest = connection.execute(
        "select max_model_len_limit from models join architectures using (architecture_key) where model_id = $1", [asked.model]
    ).fetchall()[0][0]
    within = Asked(asked.model, min(asked.context, longest), asked.objective, asked.users, asked.provider, asked.spot)
    cursor = connection.execute(within.macro())
    columns = [column[0] for column in cursor.description]
    macro = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    python = frame.to_dicts()
    found = [] if len(command) == len(python) == len(macro) else [f"rows {len(macro)}, {len(command)}, {len(python)}"]
    for place, (one, two, three) in enumerate(zip(macro, command, python, strict=False), 1):
        for name, value in three.items():
            plain = value.isoformat() if hasattr(value, "isoformat") else value
            if not (one[name] == value and two[name] == plain):
                found.append(f"row {place}, {name}: macro {one[name]}, command {two[name]}, Python {value}")
    return found


def main() -> int:
    """Ask the questions; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    differing = rows = 0
    with open_version(require_latest(given.data)) as connection:
        for asked in questions(connection, given.questions, given.seed):
            found = differences(connection, given.data, asked)
            rows += connection.execute(f"select count(*) from ({asked.macro()})").fetchall()[0][0]
            if found:
                differing += 1
                print(f"{asked}: {len(found)} differences, first {found[0]}")
    print(f"{given.questions} questions, {rows:,} rows: {differing} answered differently by macro, command or Python")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
