"""The Hub's sharded metadata, the headers of all shards of a checkpoint in one answer → the checkpoint's header summary."""

from __future__ import annotations

from transforms.config.json_text import JsonError, parse_json
from transforms.weights.safetensors import HEADER_BYTES, MAX_SHARDS, MAX_TENSORS, HeaderError, check_tensors, summarize


def summarize_sharded(answer: bytes) -> str | None:
    """The header summary of a sharded checkpoint, None where the answer has another form.

    Raises HeaderError for headers that are refused.
    """
    try:
        parsed = parse_json(answer, "the sharded metadata", HEADER_BYTES, 3 * MAX_TENSORS, allow_constants=False)
    except JsonError as error:
        if error.code == "over_bound":
            raise HeaderError(str(error), "over_bound") from None
        return None
    headers = parsed.get("headers") if isinstance(parsed, dict) else None
    if not isinstance(headers, dict) or not headers or not all(isinstance(header, dict) for header in headers.values()):
        return None
    if len(headers) > MAX_SHARDS:
        raise HeaderError(f"the model has {len(headers):,} shards, more than {MAX_SHARDS:,}", "over_bound")
    tensors = (tensor for header in headers.values() for tensor in check_tensors(header))
    return summarize(tensors, len(headers), "sharded_metadata")
