"""Why a model has no estimate: the stable codes of the `rejects` table.

Where several hold, the first in this order is the one reported.
"""

from __future__ import annotations

REJECT_CODES: dict[str, str] = {
    "not_found": "no such repository, or a private one without a token that may read it",
    "disabled": "the Hub has disabled the repository",
    "gated": "access must be asked for, and the config cannot be read without it",
    "network_failure": "the Hub did not answer after all retries",
    "over_bound": "a file is larger, deeper or more divided than any real model's",
    "no_config": "the repository has no config.json",
    "gguf_only": "the repository holds only GGUF files",
    "invalid_json": "a file that must be JSON is not",
    "speech": "a speech model (Whisper and its like)",
    "embedding": "an encoder that yields embeddings",
    "encoder_decoder": "an encoder-decoder model",
    "encoder_only": "an encoder without a decoder",
    "not_a_language_model": "no language model: diffusion, adapter, draft head, vision only, …",
    "missing_field": "a field that the estimate needs is neither in the config nor known for the model type",
    "unsafe_headers": "a safetensors header that overlaps, overflows or leaves its stated length",
    "no_weights": "no weights that can be sized",
    "incomplete_weights": "the stored tensors leave out layers that the config has",
}
