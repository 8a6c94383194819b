"""What an engine refuses before it loads a model, by its release: contexts, methods, precisions and cards."""

from __future__ import annotations

import pytest
from asking import Answers

LLAMA, QWEN = {"architecture": "llama-3.1-8b"}, {"architecture": "qwen2.5-7b"}


@pytest.mark.asks([{**QWEN, "context": 32768}, {**QWEN, "context": 32769}])
def test_no_context_beyond_what_the_config_derives(answers: Answers) -> None:
    longest, longer = answers
    assert (longest["outcome"], longest["max_context"]) == ("started", 32768)
    assert (longer["outcome"], longer["fits"], longer["verdict"]) == ("refused", False, "does_not_fit")
    assert longer["reason"] == "a max_model_len of 32769 is longer than the 32768 tokens that the model takes"
    assert longer["weights_gib_per_gpu"] > 0 and longer["tpot_ms"] is None
