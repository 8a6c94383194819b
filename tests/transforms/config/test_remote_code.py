"""When an engine needs a repository's own code: a config that no library has a class for, or a tokenizer of its own."""

from __future__ import annotations

import json

import pytest
from extraction_cases import LLAMA, files_of

from flows.lake.catalogs import load_catalogs
from transforms.architecture.extract_models import extract_records
from transforms.config.remote_code import needs_remote_code

KNOWN = frozenset(load_catalogs()["model_types"]["model_type"])
OWN_CONFIG = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XForCausalLM"}


@pytest.mark.parametrize(
    ("model_type", "auto_map", "files", "needed"),
    [
        ("deepseek_v3", OWN_CONFIG, ["config.json", "configuration_deepseek.py", "modeling_deepseek.py"], False),
        ("nemotron_h", OWN_CONFIG, ["config.json", "configuration_nemotron_h.py"], False),
        ("llama", None, ["config.json", "tokenizer.json"], False),
        ("qwen", OWN_CONFIG, ["config.json", "tokenization_qwen.py"], True),
        ("internlm2", OWN_CONFIG, None, True),
        ("xverse", OWN_CONFIG, ["config.json"], True),
        (None, OWN_CONFIG, None, True),
        (["a", "list"], OWN_CONFIG, None, True),
        ("kimi_k2", OWN_CONFIG, ["config.json", "tokenization_kimi.py"], True),
        ("kimi_k2", OWN_CONFIG, ["config.json", "old/tokenization_kimi.py"], False),
        ("qwen2", {"AutoModel": "modeling_qwen.Qwen2Model"}, None, False),
        ("nobody_knows", "no mapping", None, False),
        ("nobody_knows", {"AutoConfig": 3}, None, False),
    ],
)
def test_code_is_needed_where_no_library_has_the_class(
    model_type: object, auto_map: object, files: list[str] | None, needed: bool
) -> None:
    config = {"model_type": model_type} | ({} if auto_map is None else {"auto_map": auto_map})
    assert needs_remote_code(config, None if files is None else json.dumps(files), KNOWN) is needed


def test_it_is_a_fact_of_the_repository_and_not_of_the_architecture() -> None:
    records = [
        files_of({**LLAMA, "model_type": "mine", "auto_map": OWN_CONFIG}, model_id="a/own-code"),
        files_of(LLAMA, model_id="b/plain"),
        files_of(LLAMA, model_id="c/own-tokenizer", files='["config.json", "tokenization_c.py", "model.safetensors"]'),
        files_of({}, model_id="d/refused"),
    ]
    models = extract_records(records, KNOWN).models
    assert models.select("model_id", "needs_remote_code").rows() == [
        ("a/own-code", True), ("b/plain", False), ("c/own-tokenizer", True),
    ]  # fmt: skip
    assert (
        models.filter(~models["needs_remote_code"] | (models["model_id"] == "c/own-tokenizer"))["architecture_key"].n_unique()
        == 1
    )


def test_it_is_unknown_where_nobody_says_what_the_libraries_know() -> None:
    assert extract_records([files_of({**LLAMA, "auto_map": OWN_CONFIG})]).models["needs_remote_code"].to_list() == [None]
