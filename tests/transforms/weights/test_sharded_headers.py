"""The Hub's answer with the headers of all shards, as the summary of a checkpoint."""

from __future__ import annotations

import json

import pytest

from transforms.weights.safetensors import MAX_SHARDS, HeaderError, TensorForm, read_summary
from transforms.weights.sharded_headers import summarize_sharded


def entry(shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}


def answer(**headers: object) -> bytes:
    return json.dumps({"index": {}, "headers": headers}).encode()


def test_tensors_of_all_shards_are_of_one_checkpoint() -> None:
    one = {"__metadata__": {"format": "pt"}, "h.0.w": entry([2, 3], 0, 12), "h.1.w": entry([2, 3], 12, 24)}
    summary = summarize_sharded(answer(first=one, second={"h.2.w": entry([2, 3], 0, 12), "x": entry([1], 12, 14)}))
    assert summary is not None
    found = read_summary(summary)
    assert (found.source, found.files) == ("sharded_metadata", 2)
    assert found.tensors == (TensorForm("h.*.w", "BF16", (2, 3), 3, "0-2"), TensorForm("x", "BF16", (1,), 1, ""))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"{}", b'{"headers": {}}', b'{"headers": []}', b'{"headers": {"a": 1}}', b'{"headers": {"a": NaN}}'],
)
def test_an_answer_of_another_form_is_not_a_summary(text: bytes) -> None:
    assert summarize_sharded(text) is None


def test_headers_that_overlap_or_repeat_a_tensor_are_refused() -> None:
    with pytest.raises(HeaderError, match="overlaps"):
        summarize_sharded(answer(a={"x": entry([2], 0, 4), "y": entry([2], 2, 6)}))
    with pytest.raises(HeaderError, match="stored in two files"):
        summarize_sharded(answer(a={"x": entry([2], 0, 4)}, b={"x": entry([2], 0, 4)}))


def test_more_shards_than_any_model_has_are_refused() -> None:
    with pytest.raises(HeaderError, match="shards") as refused:
        summarize_sharded(answer(**{f"s{number}": {} for number in range(MAX_SHARDS + 1)}))
    assert refused.value.code == "over_bound"


def test_an_answer_nested_too_deep_is_over_a_bound() -> None:
    with pytest.raises(HeaderError) as refused:
        summarize_sharded(b'{"headers":' + b"[" * 200 + b"]" * 200 + b"}")
    assert refused.value.code == "over_bound"
