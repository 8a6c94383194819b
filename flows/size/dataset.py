"""The inputs of a sweep: JSON, JSONL, CSV or Parquet files, or a YAML file whose `eval.general.dataset` names one."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INPUT_FIELDS = ("question", "prompt", "input", "input_message", "instruction", "query", "text", "messages", "turns")
"""Columns that are taken for the input, the first that exists; answers and other columns are not needed."""

_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


class DatasetError(ValueError):
    """The dataset cannot be read; the message says where and what to do."""


@dataclass(frozen=True)
class DatasetInput:
    """One input: its identifier and its turns. One turn is one request; several are a conversation of one workflow item.

    A turn is a text, or a list of chat messages that is sent as it is.
    """

    key: str
    turns: tuple[str | list[object], ...]


def read_dataset(path: Path, field: str | None = None) -> list[DatasetInput]:
    """The inputs of a dataset file, in order.

    Args:
        path: .json (a list), .jsonl, .csv, .parquet, or .yml/.yaml with `eval.general.dataset`.
        field: the column that holds the input; by default the first of INPUT_FIELDS that exists.
    Raises DatasetError when it is missing, malformed, empty or has no such column.
    """
    if path.suffix.lower() in (".yml", ".yaml"):
        path, kind, field, key = _named_in_yaml(path, field)
    else:
        kind, key = path.suffix.lower().lstrip("."), "id"
    if not path.is_file():
        raise DatasetError(f"{path}: no such dataset")
    readers = {"json": _json, "jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
    if kind not in readers:
        raise DatasetError(f"{path}: unknown kind of dataset {kind!r}; known are {', '.join(readers)}")
    rows = readers[kind](path)
    if not rows:
        raise DatasetError(f"{path}: the dataset has no inputs")
    return [_input(row, number, path, field, key) for number, row in enumerate(rows, 1)]


def _named_in_yaml(path: Path, field: str | None) -> tuple[Path, str, str | None, str]:
    import yaml

    if not path.is_file():
        raise DatasetError(f"{path}: no such configuration file")
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DatasetError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    named: object = config
    for step in ("eval", "general", "dataset"):
        named = named.get(step) if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(named.get("file_path"), str):
        raise DatasetError(f"{path}: eval.general.dataset.file_path is missing")
    file = Path(named["file_path"])
    if not file.is_file() and not file.is_absolute() and (path.parent / file).is_file():
        file = path.parent / file
    structure = named.get("structure")
    column = structure.get("question_key") if isinstance(structure, dict) else None
    kind = str(named.get("_type") or file.suffix.lower().lstrip("."))
    return file, kind, field or column, str(named.get("id_key") or "id")


def _json(path: Path) -> Sequence[object]:
    text = path.read_text(encoding="utf-8-sig")
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        # Lists of questions are written by hand, and often end in a comma before the bracket.
        try:
            rows = json.loads(_TRAILING_COMMA.sub(lambda match: match.group(1) or "", text))
        except json.JSONDecodeError:
            raise DatasetError(f"{path}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    if isinstance(rows, dict):
        lists = [value for value in rows.values() if isinstance(value, list)]
        rows = lists[0] if len(lists) == 1 else rows
    if not isinstance(rows, list):
        raise DatasetError(f"{path}: expected a list of inputs")
    return rows


def _jsonl(path: Path) -> Sequence[object]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise DatasetError(f"{path}: line {number} is not JSON: {error.msg} at column {error.colno}") from None
    return rows


def _csv(path: Path) -> Sequence[object]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _parquet(path: Path) -> Sequence[object]:
    import polars as pl

    try:
        return pl.read_parquet(path).to_dicts()
    except pl.exceptions.PolarsError as error:
        raise DatasetError(f"{path}: not Parquet: {str(error).splitlines()[0]}") from None


def _input(row: object, number: int, path: Path, field: str | None, key: str) -> DatasetInput:
    if isinstance(row, str):
        return DatasetInput(str(number), (row,))
    if not isinstance(row, dict):
        raise DatasetError(f"{path}: input {number} is neither a text nor an object")
    column = field or next((name for name in INPUT_FIELDS if name in row), None)
    if column is None or column not in row:
        wanted = f"column {field!r}" if field else f"any of the columns {', '.join(INPUT_FIELDS)}"
        raise DatasetError(f"{path}: input {number} lacks {wanted}; name the input's column with --dataset-field")
    value = row[column]
    is_chat = isinstance(value, list) and all(isinstance(entry, dict) and "role" in entry for entry in value)
    stated = value if isinstance(value, list) and not is_chat else [value]
    turns: tuple[str | list[object], ...] = tuple(
        turn for turn in stated if isinstance(turn, list) or (isinstance(turn, str) and turn)
    )
    if not turns or len(turns) < len(stated):
        raise DatasetError(f"{path}: input {number}: {column!r} must be a text, a list of texts or a list of chat messages")
    identifier = row.get(key)
    return DatasetInput(str(number) if identifier is None else str(identifier), turns)
