"""Safetensors headers: what is read, and what is refused."""

from __future__ import annotations

import contextlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.weights.safetensors import HeaderError, Tensor, layer_numbers, parse_header, parse_index, read_summary, summarize


def packed(entries: object, length: int | None = None) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


def entry(shape: list[int], start: int, end: int, dtype: str = "BF16") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_reads_tensors_in_order_of_their_data_and_ignores_metadata() -> None:
    data = packed({"__metadata__": {"format": "pt"}, "b": entry([3], 8, 14), "a": entry([2, 2], 0, 8)})
    assert parse_header(data, len(data) + 14) == [Tensor("a", "BF16", (2, 2), 0, 8), Tensor("b", "BF16", (3,), 8, 14)]


def test_padding_and_scalars_and_half_byte_types_are_read() -> None:
    text = json.dumps({"s": entry([], 0, 4, "F32"), "f": entry([4, 2], 4, 8, "F4")}).encode() + b"   "
    assert [tensor.name for tensor in parse_header(packed(text))] == ["s", "f"]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"a": entry([2], 0, 4), "b": entry([2], 2, 6)}, "overlaps"),
        ({"a": entry([2], 4, 8)}, "gap"),
        ({"a": entry([2], 0, 8)}, "shape and dtype make"),
        ({"a": entry([2], 4, 0)}, "no byte range"),
        ({"a": entry([-2], 0, 4)}, "shape"),
        ({"a": entry([2**63, 2], 0, 4)}, "shape"),
        ({"a": entry([2], 0, 4, "Q9")}, "does not know"),
        ({"a": entry([True], 0, 2)}, "shape"),
        ({"a": {"dtype": "BF16", "shape": [1]}}, "offsets"),
        ({"a": 3}, "not described"),
        ([1], "not a JSON object"),
        (b'{"a":1,"a":2}', "repeats a key"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":', "not valid JSON"),
        (b"[" * 5000 + b"]" * 5000, "nested deeper"),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "nested deeper"),
        (b'{"a":{"dtype":"BF16","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,2]}}', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_refuses_with_a_reason(entries: object, says: str) -> None:
    with pytest.raises(HeaderError, match=says):
        parse_header(packed(entries))


def test_refuses_lengths_that_lie() -> None:
    good = packed({"a": entry([2], 0, 4)})
    with pytest.raises(HeaderError, match="shorter"):
        parse_header(b"\x01")
    with pytest.raises(HeaderError, match="only"):
        parse_header(good[:-1])
    with pytest.raises(HeaderError, match="in a file of"):
        parse_header(good, 20)
    with pytest.raises(HeaderError, match="of a file of"):
        parse_header(good, len(good) + 3)
    with pytest.raises(HeaderError, match="more than the format's") as refused:
        parse_header(packed({}, 2**40))
    assert refused.value.code == "over_bound"


@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(HeaderError):
        parse_header(struct.pack("<Q", len(data)) + data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("BF16"),
        lambda child: st.lists(child, max_size=4) | st.dictionaries(
            st.sampled_from(["a", "dtype", "shape", "data_offsets", "__metadata__"]), child, max_size=4),
        max_leaves=20,
    )
)  # fmt: skip
def test_random_trees_are_read_or_refused(tree: object) -> None:
    try:
        tensors = parse_header(packed(tree))
    except HeaderError:
        return
    assert sum(tensor.end - tensor.start for tensor in tensors) == max((tensor.end for tensor in tensors), default=0)


def test_index_gives_shards_and_refuses_paths() -> None:
    assert parse_index(b'{"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors"}}') == {
        "a": "model-00001-of-00002.safetensors"
    }
    for shard in (
        "../model.safetensors",
        "a/b.safetensors",
        "/etc/passwd",
        "http://x/y.safetensors",
        ".safetensors",
        "model.bin",
        "a\\b.safetensors",
    ):
        with pytest.raises(HeaderError):
            parse_index(json.dumps({"weight_map": {"a": shard}}).encode())
    for text in (b"[]", b"{}", b'{"weight_map":{"a":1}}', b'{"weight_map":[]}', b"nonsense"):
        with pytest.raises(HeaderError):
            parse_index(text)


def test_index_bounds_the_number_of_shards() -> None:
    many = {"weight_map": {f"t{number}": f"model-{number}.safetensors" for number in range(2001)}}
    with pytest.raises(HeaderError, match="2,001 shards") as refused:
        parse_index(json.dumps(many).encode())
    assert refused.value.code == "over_bound"


def test_summary_counts_alike_tensors_together_and_replays() -> None:
    names = [f"model.layers.{layer}.mlp.experts.{expert}.up_proj.weight" for layer in (0, 1, 2, 5) for expert in range(3)]
    tensors = [Tensor(name, "BF16", (4, 8), 0, 64) for name in names] + [Tensor("lm_head.weight", "F32", (4,), 0, 16)]
    summary = read_summary(summarize(tensors, 2, "index"))
    assert [tuple(form) for form in summary.tensors] == [
        ("lm_head.weight", "F32", (4,), 1, ""),
        ("model.layers.*.mlp.experts.*.up_proj.weight", "BF16", (4, 8), 12, "0-2,5"),
    ]
    assert (summary.source, summary.files) == ("index", 2)
    assert sum(form.stored_bytes for form in summary.tensors) == 12 * 64 + 16


def test_summary_refuses_a_tensor_in_two_files() -> None:
    with pytest.raises(HeaderError, match="two files"):
        summarize([Tensor("a", "F32", (1,), 0, 4), Tensor("a", "F32", (1,), 0, 4)], 2, "index")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format":2,"tensors":[]}', '{"format":1,"tensors":[[1]]}', '{"format":1,"tensors":[["a",[],[],1,""]]}'],
)
def test_a_foreign_summary_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        read_summary(text)


def test_layer_ranges_are_bounded() -> None:
    assert layer_numbers("0-2,5") == [0, 1, 2, 5]
    for text in ("0-999999999", "1-99999999999999", "x", "1,-", "-"):
        with pytest.raises(HeaderError):
            layer_numbers(text)
