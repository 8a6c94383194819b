"""What is no decoder, and what cannot be sized: each its own code, and a message that says what to do."""

from __future__ import annotations

import json

import pytest
from extraction_cases import LLAMA, architecture, files_of, llama_header, refused

from transforms.architecture.extract_models import extract_model
from transforms.tables.records import Extracted, Reject


@pytest.mark.parametrize(
    ("config", "more", "code", "says"),
    [
        ({"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}, {}, "speech", "speech model"),
        ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, {},
        "encoder_decoder", "decoder"),
        ({"model_type": "new_seq2seq", "is_encoder_decoder": True}, {}, "encoder_decoder", "encoder-decoder"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, {}, "encoder_only", "encoder"),
        ({"model_type": "xlm-roberta", "architectures": ["XLMRobertaForSequenceClassification"]}, {}, "encoder_only", "ranks"),
        ({"model_type": "bert", "architectures": ["BertModel"]}, {}, "embedding", "embeddings"),
        ({"model_type": "mpnet", "architectures": ["MPNetForMaskedLM"]}, {"model_id": "sentence-transformers/all-mpnet"},
        "embedding", "embeddings"),
        ({**LLAMA, "architectures": ["LlamaForCausalLMEagle3"]}, {}, "not_a_language_model", "target model"),
        ({**LLAMA, "architectures": ["Qwen2ForSequenceClassification"], "model_type": "qwen2"}, {}, "not_a_language_model",
        "reranker"),
        ({"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.1"}, {}, "not_a_language_model", "diffusion"),
        ({"peft_type": "LORA", "base_model_name_or_path": "meta/base"}, {}, "not_a_language_model", "size meta/base"),
        ({"model_type": "siglip", "architectures": ["SiglipModel"]}, {}, "not_a_language_model", "vision"),
        ({**LLAMA, "architectures": ["DeepseekV41ForCausalLM"]}, {}, "not_a_language_model", "shim"),
        (LLAMA, {"files": json.dumps(["a.Q4_K_M.gguf", "config.json"]), "base_model": "meta/base"}, "gguf_only", "meta/base"),
        ({**LLAMA, "num_hidden_layers": None}, {}, "missing_field", "num_hidden_layers"),
        ({key: value for key, value in LLAMA.items() if key != "vocab_size"}, {}, "missing_field", "vocab_size"),
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, {}, "missing_field", "num_hidden_layers"),
        ({**LLAMA, "layer_types": ["full_attention"]}, {}, "missing_field", "layer_types"),
        ({**LLAMA, "layer_types": ["sliding_attention"] * 2}, {}, "missing_field", "sliding_window"),
        ("[1, 2]", {}, "invalid_json", "object"),
        ("{,}", {}, "invalid_json", "not valid JSON"),
    ],
)  # fmt: skip
def test_refusals(config: object, more: dict[str, object], code: str, says: str) -> None:
    reject = refused(config, **more)
    assert reject.code == code
    assert says in reject.message


def test_what_the_crawl_could_not_read_keeps_its_code() -> None:
    assert refused(LLAMA, status="gated", message="ask for access") == Reject("gated", "ask for access")
    reject = extract_model(files_of(LLAMA, config_json=None))
    assert isinstance(reject, Reject) and reject.code == "no_config"
    reject = extract_model(files_of(LLAMA, config_json=None, files='["x.gguf"]', base_model="a/b"))
    assert isinstance(reject, Reject) and reject.code == "gguf_only"


def test_no_decoder_comes_before_a_missing_field() -> None:
    assert refused({"model_type": "whisper"}).code == "speech"


@pytest.mark.parametrize(
    "config",
    [
        {**LLAMA, "model_type": "gemma", "architectures": ["GemmaForCausalLM"]},
        {**LLAMA, "architectures": ["LLaMAForCausalLM"]},
        {**LLAMA, "architectures": None},
        {**LLAMA, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]},
    ],
)
def test_decoders_are_sized_under_any_spelling_and_tag(config: dict[str, object]) -> None:
    result = extract_model(files_of(config, model_id="Qwen/Qwen3-Embedding-0.6B", pipeline_tag="feature-extraction"))
    assert isinstance(result, Extracted)


def test_an_unknown_type_whose_config_disagrees_with_its_tensors_is_refused() -> None:
    rows = [(name.replace("self_attn.k_proj", "mixer.k"), dtype, shape) for name, dtype, shape in llama_header()]
    odd = {**LLAMA, "model_type": "never_seen", "intermediate_size": 4096}
    assert "attention cannot be established" in refused(odd, rows).message
    assert architecture({**LLAMA, "model_type": "never_seen"}, rows)["sizes_source"] == "header"
