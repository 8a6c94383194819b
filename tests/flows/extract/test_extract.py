"""`hub_files` and the snapshot → the run's tables: who has which facts, and which refusal comes first."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from small_repos import LLAMA

from flows.crawl.fetch_model import FetchedModel
from flows.crawl.journal import Journal, merge_journal
from flows.extract.extract import extract, extract_tables, read_extracted
from flows.lake.lake import Lake
from flows.lake.snapshot import read_snapshot
from transforms.tables.records import HubFiles

NOW = datetime(2025, 1, 2, tzinfo=UTC)
KNOWN = "microsoft/phi-4"  # a model of the bundled snapshot


def row(model_id: str, config: dict[str, object] | None = None, **changes: object) -> HubFiles:
    text = None if config is None else json.dumps(config)
    return replace(HubFiles(model_id, "ok", "hub", NOW, config_json=text), **changes)  # type: ignore[arg-type]


def store(lake: Lake, *rows: HubFiles) -> None:
    with Journal(lake, full=False) as journal:
        journal.append(map(FetchedModel, rows))
    merge_journal(lake)


def test_facts_of_the_hub_come_before_the_snapshots(lake: Lake) -> None:
    store(lake, row("a/b", LLAMA), row(KNOWN, LLAMA), row("a/other", LLAMA))
    report = extract(lake, ["a/b", KNOWN])
    assert report.counts["models"] == 2 and report.sources == {"hub": 2}
    assert report.counts["architectures"] == 1  # the same architecture is one row
    assert read_extracted(lake)["models"]["model_id"].to_list() == ["a/b", KNOWN]


@pytest.mark.parametrize(
    ("tags", "base", "relation"),
    [
        (["base_model:maker/base", "base_model:quantized:maker/base"], "maker/base", "quantized"),
        (["base_model:maker/base", "base_model:finetune:maker/base"], "maker/base", "finetune"),
        (["base_model:quantized:maker/base-2"], "maker/base", None),  # said of another model
        (["base_model:maker/base"], "maker/base", None),
        (["base_model:quantized:maker/base"], None, None),
        (None, "maker/base", None),
    ],
)
def test_how_a_model_derives_from_its_base_is_what_the_hub_tags(
    lake: Lake, tags: list[str] | None, base: str | None, relation: str | None
) -> None:
    files = row("a/b", LLAMA, tags=None if tags is None else json.dumps(tags), base_model=base)
    store(lake, files)
    extract(lake, ["a/b"])
    assert read_extracted(lake)["models"]["base_model_relation"].to_list() == [relation]
    assert extract_tables([files])["models"]["base_model_relation"].to_list() == [relation]


def test_models_of_one_architecture_differ_in_the_code_that_they_need(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept over an extraction that finds nothing changed, found anew when the libraries come to know another model type."""
    own = {**LLAMA, "model_type": "mine", "auto_map": {"AutoConfig": "configuration_mine.MineConfig"}}
    store(lake, row("a/own", own), row("a/plain", LLAMA))
    expected = {"a/own": True, "a/plain": False}
    for extracted in (2, 0):
        assert extract(lake, list(expected)).extracted == extracted
        assert dict(read_extracted(lake)["models"].select("model_id", "needs_remote_code").rows()) == expected
    monkeypatch.setattr("flows.extract.extract._model_types", lambda: frozenset({"llama", "mine"}))
    assert extract(lake, list(expected)).extracted == 2
    assert read_extracted(lake)["models"]["needs_remote_code"].to_list() == [False, False]


def test_other_code_extracts_anew_where_it_is_code_that_extracts(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(lake, row("a/b", LLAMA))
    hall = tmp_path / "transforms"
    shutil.copytree(Path(str(files("transforms"))), hall, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("flows.extract.extract.files", lambda package: hall)
    assert extract(lake, ["a/b"]).extracted == 1

    def extracted_after_an_edit_of(name: str) -> int:
        (hall / name).write_text((hall / name).read_text() + "# edited\n")
        return extract(lake, ["a/b"]).extracted

    assert extracted_after_an_edit_of("price_lists/aws.py") == 0
    assert extracted_after_an_edit_of("layers/rotary.py") == 1
    assert extracted_after_an_edit_of("tables/fields.py") == 1
    assert extracted_after_an_edit_of("asking/configurations.py") == 0


def test_without_the_hub_the_snapshot_answers_and_unknown_ids_are_one_line(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    report = extract(lake, [KNOWN, "nobody/knows", "nobody/either"])
    assert report.sources == {"snapshot": 1} and report.rejects == {}
    assert report.without_facts == ("nobody/knows", "nobody/either")
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "2 models are left out" in said
    tables = read_extracted(lake)
    key = tables["models"]["architecture_key"][0]
    snapshot = read_snapshot()
    for name in ("architectures", "parameter_groups", "layer_groups"):
        assert tables[name].equals(snapshot[name].filter(pl.col("architecture_key") == key))


def test_a_model_that_did_not_answer_has_its_last_known_facts(lake: Lake) -> None:
    failed = {"status": "network_failure", "message": "no answer"}
    store(lake, row(KNOWN, **failed), row("a/b", **failed))
    report = extract(lake, [KNOWN, "a/b"])
    assert report.sources == {"snapshot": 1}
    assert report.rejects == {"network_failure": 1}


def test_a_model_that_the_hub_refuses_is_not_taken_from_the_snapshot(lake: Lake) -> None:
    store(lake, row(KNOWN, status="not_found", message="gone"))
    report = extract(lake, [KNOWN])
    assert report.sources == {} and report.rejects == {"not_found": 1}
    assert report.without_facts == ()


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (LLAMA, "unsafe_headers"),
        ({**LLAMA, "architectures": ["BertForMaskedLM"], "model_type": "bert"}, "encoder_only"),
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": "many"}, "missing_field"),
    ],
)
def test_unsafe_headers_are_the_reason_only_when_the_config_would_do(config: dict[str, object], code: str) -> None:
    unsafe = row("a/b", config, status="unsafe_headers", message="the header overlaps")
    tables = extract_tables([unsafe, row("c/d", LLAMA)])
    assert tables["rejects"].select("model_id", "code").rows() == [("a/b", code)]
    assert tables["models"]["model_id"].to_list() == ["c/d"]
    if code == "unsafe_headers":
        assert tables["rejects"]["message"][0] == "the header overlaps"


def test_the_status_of_the_crawl_is_the_code_of_the_reject(lake: Lake) -> None:
    codes = ["not_found", "gated", "disabled", "over_bound", "no_config", "gguf_only", "network_failure"]
    store(lake, *(row(f"a/{code}", status=code, message=f"about {code}") for code in codes))
    report = extract(lake, [f"a/{code}" for code in codes])
    assert report.rejects == dict.fromkeys(sorted(codes), 1)
    assert set(read_extracted(lake)["rejects"]["message"]) == {f"about {code}" for code in codes}
