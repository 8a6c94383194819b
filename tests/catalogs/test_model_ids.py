"""The default list of models: readable, broad, and holding every model of the bundled snapshot."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from transforms.catalogs.model_list import parse_model_list

TEXT = (files("catalogs") / "models.txt").read_text(encoding="utf-8")
IDS = parse_model_list(TEXT, "models.txt").ids
OWNERS = """meta-llama Qwen mistralai google microsoft deepseek-ai nvidia ibm-granite allenai tiiuae 01-ai internlm THUDM zai-org
moonshotai MiniMaxAI openai CohereForAI databricks EleutherAI bigcode stabilityai HuggingFaceTB LGAI-EXAONE ai21labs
state-spaces RWKV baidu tencent facebook bigscience mosaicml RedHatAI TheBloke unsloth"""


def test_the_list_is_broad_and_asks_the_hub_nothing_by_itself() -> None:
    assert 300 <= len(IDS) <= 450
    assert parse_model_list(TEXT, "models.txt").queries == ()


def test_no_id_is_listed_twice_whatever_its_case() -> None:
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    assert len({line.casefold() for line in lines}) == len(lines) == len(IDS)


@pytest.mark.parametrize(
    "owner",
    OWNERS.split(),
)
def test_every_family_is_there(owner: str) -> None:
    assert any(model_id.startswith(f"{owner}/") for model_id in IDS)


def test_a_query_is_shown_as_a_comment() -> None:
    assert "# hub: pipeline_tag=text-generation sort=downloads limit=500" in TEXT


def test_every_model_of_the_snapshot_is_listed() -> None:
    snapshot = files("catalogs") / "snapshot" / "models.csv"
    with snapshot.open(encoding="utf-8", newline="") as file:
        missing = [row["model_id"] for row in csv.DictReader(file) if row["model_id"] not in IDS]
    assert missing == []
