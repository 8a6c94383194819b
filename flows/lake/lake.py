"""The lake: where the crawl's and the extraction's tables are, written whole or not at all.

    <data>/lake/hub_files.parquet, architectures.parquet, …    tables, each as its contract says
    <data>/lake/hub_files.journal.jsonl                        results of a crawl under way (`flows.crawl.journal`)
    <data>/published/                                          versions for readers (`flows.publish.publish`)

Parquet pages carry checksums, so that a damaged file is noticed, set aside and written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.printing.progress import say
from flows.system.lock import LockHeldError, take_lock
from flows.system.whole_file import remove_unfinished, whole_file
from transforms.tables.contracts import ContractError, conform

_ROW_GROUP_ROWS = 20_000


class LakeError(ValueError):
    """The data directory cannot be used; the message says why."""


@dataclass(frozen=True)
class Lake:
    """The lake within a data directory."""

    root: Path

    @property
    def directory(self) -> Path:
        """The directory of the lake's tables."""
        return self.root / "lake"

    @property
    def journal(self) -> Path:
        """Results of a crawl that has not been merged into `hub_files` yet."""
        return self.directory / "hub_files.journal.jsonl"

    @property
    def queries(self) -> Path:
        """The file of the models that each Hub query named when it was last answered."""
        return self.directory / "hub_queries.json"

    @property
    def requests(self) -> Path:
        """The file that counts the requests that the Hub was sent today."""
        return self.directory / "hub_requests.json"

    @property
    def requested(self) -> Path:
        """The file of the last crawl's models, those that queries named included."""
        return self.directory / "requested.txt"

    def table(self, name: str) -> Path:
        """The Parquet file of a table."""
        return self.directory / f"{name}.parquet"


def open_lake(root: Path) -> Lake:
    """The lake of a data directory, made if absent. Raises LakeError."""
    lake = Lake(root)
    with _telling(lake.directory):
        lake.directory.mkdir(parents=True, exist_ok=True)
    return lake


@contextmanager
def refresh_lock(root: Path) -> Iterator[None]:
    """Hold the data directory's lock, so that one refresh at a time works in it; the kernel frees it if the run dies.

    Unfinished files that a killed run left in the lake are removed. Raises LakeError when another refresh holds the lock.
    """
    with _telling(root):
        root.mkdir(parents=True, exist_ok=True)
        try:
            held = take_lock(root / ".refresh.lock")
        except LockHeldError:
            raise LakeError(f"another refresh is at work in {root}; wait for it to end, or use another --data") from None
    with held:
        directory = Lake(root).directory
        with _telling(directory):
            remove_unfinished(directory)
        yield


def write_table(lake: Lake, name: str, frame: pl.DataFrame) -> None:
    """Write a table whole, or leave it as it was. Raises ContractError, or LakeError when it cannot be written."""
    table: pa.Table = conform(name, frame).to_arrow(compat_level=pl.CompatLevel.oldest())
    with writing(lake.table(name)) as stream:
        pq.write_table(table, stream, compression="zstd", write_page_checksum=True, row_group_size=_ROW_GROUP_ROWS)


def read_table(lake: Lake, name: str, columns: list[str] | None = None) -> pl.DataFrame | None:
    """A table of the lake (or some of its columns), or None when it is absent. A damaged file is set aside, with one line."""
    path = lake.table(name)
    if not path.exists():
        return None
    try:
        frame = pl.from_arrow(pq.read_table(path, columns=columns, page_checksum_verification=True))
        assert isinstance(frame, pl.DataFrame)
        return frame if columns is not None else conform(name, frame)
    except (pa.ArrowException, pl.exceptions.PolarsError, ContractError, OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise LakeError(f"{path} cannot be read: {error.strerror}") from None
        set_aside(path)
        return None


def set_aside(path: Path, remedy: str = "its facts are fetched again") -> None:
    """Rename a damaged file, which can then still be looked at, and say so, and what replaces it. Raises LakeError."""
    damaged = path.with_name(path.name + ".damaged")
    with _telling(path):
        path.replace(damaged)
    say(f"{path} is damaged: set aside as {damaged.name}, {remedy}")


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A stream to a file of the data directory, which is written whole or stays as it was. Raises LakeError."""
    with _telling(path), whole_file(path) as stream:
        yield stream


def read_queries(lake: Lake) -> dict[str, list[str]]:
    """The ids that each Hub query named when it was last answered, by the query's text."""
    if not lake.queries.exists():
        return {}
    try:
        answers = json.loads(lake.queries.read_bytes())
        return {str(text): [str(model_id) for model_id in ids] for text, ids in answers.items()}
    except (ValueError, AttributeError, TypeError):
        set_aside(lake.queries)
        return {}


def write_queries(lake: Lake, answers: dict[str, list[str]]) -> None:
    """Remember what the Hub queries named. Raises LakeError."""
    text = json.dumps(answers, ensure_ascii=False)  # an indent would cost a second for 100,000 ids
    with writing(lake.queries) as stream:
        stream.write(text.encode())


def write_requested(lake: Lake, model_ids: Sequence[str]) -> None:
    """Write the models of a crawl for the extraction, one id a line. Raises LakeError."""
    text = "".join(f"{model_id}\n" for model_id in model_ids)
    with writing(lake.requested) as stream:
        stream.write(text.encode())


def read_requested(lake: Lake) -> list[str]:
    """The models of the last crawl."""
    return lake.requested.read_text(encoding="utf-8").split() if lake.requested.exists() else []


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LakeError(f"{path} cannot be written: {error.strerror or error}; free it, or use another --data") from None
