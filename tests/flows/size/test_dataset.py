"""The inputs of a sweep, from every kind of file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from flows.size.dataset import DatasetError, read_dataset

ROWS = [{"id": 1, "question": "one?"}, {"id": 2, "question": "two?"}]


def turns(path: Path, field: str | None = None) -> list[tuple[str, tuple[object, ...]]]:
    return [(item.key, item.turns) for item in read_dataset(path, field)]


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "parquet"])
def test_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"inputs.{kind}"
    frame = pl.DataFrame(ROWS)
    {"json": frame.write_json, "jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[kind](path)
    assert turns(path) == [("1", ("one?",)), ("2", ("two?",))]


def test_trailing_commas_as_in_hand_written_lists(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text('[\n  {"id": 1, "question": "a, ]b",},\n  {"id": 2, "question": "c"},\n]')
    assert turns(path) == [("1", ("a, ]b",)), ("2", ("c",))]


def test_a_yaml_file_names_the_dataset(tmp_path: Path) -> None:
    pl.DataFrame(ROWS).rename({"question": "ask", "id": "key"}).write_json(tmp_path / "inputs.json")
    config = tmp_path / "config.yml"
    config.write_text(
        "eval:\n  general:\n    output_dir: out\n    dataset:\n      _type: json\n      file_path: inputs.json\n"
        "      id_key: key\n      structure:\n        question_key: ask\nworkflow:\n  _type: react\n"
    )
    assert turns(config) == [("1", ("one?",)), ("2", ("two?",))]


def test_texts_conversations_and_chat_messages(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text('["a", {"turns": ["b", "c"]}, {"messages": [{"role": "user", "content": "d"}]}, {"prompt": "e"}]')
    assert [item for _, item in turns(path)] == [("a",), ("b", "c"), ([{"role": "user", "content": "d"}],), ("e",)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '[{"question": "x"', "a.json: not JSON: line 1, column"),
        ("a.json", "[]", "no inputs"),
        ("a.json", '[{"answer": 3}]', "input 1 lacks any of the columns question"),
        ("a.json", '[{"question": ""}]', "must be a text"),
        ("a.jsonl", '{"question": "x"}\n{oops}', "line 2 is not JSON"),
        ("a.txt", "hello", "unknown kind of dataset 'txt'"),
        ("a.yaml", "eval: {general: {}}", "eval.general.dataset.file_path is missing"),
        ("a.yaml", "eval: [", "not YAML"),
        ("a.parquet", "nonsense", "not Parquet"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_dataset(path)


def test_a_named_field_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"question": "x"}]')
    with pytest.raises(DatasetError, match="lacks column 'ask'"):
        read_dataset(path, "ask")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such dataset"):
        read_dataset(tmp_path / "none.json")
