"""Safetensors headers → what tensors a checkpoint holds, checked, and summed up in a few kilobytes.

Format: 8 bytes little-endian header length, a JSON object `name → {dtype, shape, data_offsets}`, then the data
(https://github.com/huggingface/safetensors#format). Nothing here trusts a header.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from math import prod
from operator import attrgetter
from typing import NamedTuple

from transforms.config.json_text import JsonError, parse_json

HEADER_BYTES = 100_000_000
"""Longest header, the format's own limit."""

INDEX_BYTES = 50 * 2**20
"""Largest model.safetensors.index.json that is read."""

MAX_SHARDS = 2_000
MAX_TENSORS = 2_000_000
"""Most tensors of one checkpoint; the largest real ones (whole experts in packed 4 bit) have some 200,000."""

MAX_FORMS = 50_000
"""Most distinct (name without layer numbers, dtype, shape) of one checkpoint; real ones have at most a few thousand."""

_MAX_NAME = 1_000
_MAX_RANK = 32
_MAX_NUMBER = 2**63 - 1

DTYPE_BITS: dict[str, int] = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
"""Bits of one stored element, for every dtype of the format (safetensors 0.7, `Dtype`)."""


class HeaderError(ValueError):
    """A header, index or summary that is refused; `code` is the reject code (unsafe_headers, over_bound, invalid_json)."""

    def __init__(self, message: str, code: str = "unsafe_headers") -> None:
        super().__init__(message)
        self.code = code


class Tensor(NamedTuple):
    """One tensor of a header: its name, dtype, shape and byte range in the file's data part."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class TensorForm(NamedTuple):
    """Tensors that differ only in the numbers within their names.

    `template` is the name with every numeric component as `*`, `layers` the values of the first such component as
    ranges ("0-2,5"; "" without one), `tensors` how many tensors there are.
    """

    template: str
    dtype: str
    shape: tuple[int, ...]
    tensors: int
    layers: str

    @property
    def elements(self) -> int:
        """Stored elements of all tensors of the form."""
        return prod(self.shape) * self.tensors

    @property
    def stored_bytes(self) -> int:
        """Bytes of all tensors of the form."""
        return prod(self.shape) * DTYPE_BITS[self.dtype] // 8 * self.tensors


class HeaderSummary(NamedTuple):
    """All tensors of a checkpoint, by form."""

    source: str
    files: int
    tensors: tuple[TensorForm, ...]


def parse_header(data: bytes, file_bytes: int | None = None) -> list[Tensor]:
    """The tensors of one file, in order of their data.

    `data` begins with the 8-byte length and holds the whole header; `file_bytes` is the whole file's size where known.
    Raises HeaderError when the header is too long, not JSON, or its offsets overlap, leave gaps or exceed the file.
    """
    if len(data) < 8:
        raise HeaderError("the safetensors file is shorter than its 8-byte header length")
    (length,) = struct.unpack_from("<Q", data)
    if length > HEADER_BYTES:
        raise HeaderError(f"the header claims {length:,} bytes, more than the format's {HEADER_BYTES:,}", "over_bound")
    if file_bytes is not None and 8 + length > file_bytes:
        raise HeaderError(f"the header claims {length:,} bytes in a file of {file_bytes:,}")
    if len(data) < 8 + length:
        raise HeaderError(f"the header claims {length:,} bytes, only {len(data) - 8:,} are there")
    try:
        entries = parse_json(
            data[8 : 8 + length], "the header", HEADER_BYTES, 3 * MAX_TENSORS, allow_constants=False, pairs_hook=_unique
        )
    except JsonError as error:
        raise HeaderError(str(error), "over_bound" if error.code == "over_bound" else "unsafe_headers") from None
    if not isinstance(entries, dict):
        raise HeaderError("the header is not a JSON object")
    tensors = check_tensors(entries)
    end = tensors[-1].end if tensors else 0
    if file_bytes is not None and 8 + length + end != file_bytes:
        raise HeaderError(f"the tensors end at byte {8 + length + end:,} of a file of {file_bytes:,}")
    return tensors


def check_tensors(entries: Mapping[str, object]) -> list[Tensor]:
    """Header entries (name → dtype, shape, data_offsets) of one file as tensors in order of their data.

    Raises HeaderError on an unknown dtype, a size that disagrees with shape and dtype, overlaps and gaps.
    """
    if len(entries) > MAX_TENSORS:
        raise HeaderError(f"the header has {len(entries):,} tensors, more than {MAX_TENSORS:,}", "over_bound")
    tensors = [_tensor(name, entry) for name, entry in entries.items() if name != "__metadata__"]
    tensors.sort(key=attrgetter("start", "end"))
    position = 0
    for tensor in tensors:
        if tensor.start != position:
            wrong = "overlaps the tensor before it" if tensor.start < position else "leaves a gap before it"
            raise HeaderError(f"tensor {tensor.name[:100]!r} {wrong} (starts at {tensor.start:,}, expected {position:,})")
        position = tensor.end
    return tensors


def _tensor(name: str, entry: object) -> Tensor:
    if len(name) > _MAX_NAME:
        raise HeaderError(f"tensor {_shown(name)}… has a name of {len(name):,} characters", "over_bound")
    if not isinstance(entry, dict):
        raise HeaderError(f"tensor {_shown(name)} is not described by an object")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise HeaderError(f"tensor {_shown(name)} has dtype {str(dtype)[:40]!r}, which the format does not know")
    if not isinstance(shape, list) or len(shape) > _MAX_RANK or not all(map(_is_size, shape)):
        raise HeaderError(f"tensor {_shown(name)} has a shape that is not a short list of sizes")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)) or offsets[0] > offsets[1]:
        raise HeaderError(f"tensor {_shown(name)} has offsets that are no byte range")
    size_bits = prod(shape) * DTYPE_BITS[dtype]
    if size_bits % 8 or offsets[1] - offsets[0] != size_bits // 8:
        raise HeaderError(
            f"tensor {_shown(name)} spans {offsets[1] - offsets[0]:,} bytes, its shape and dtype make {size_bits // 8:,}"
        )
    return Tensor(name, dtype, tuple(shape), offsets[0], offsets[1])


def _shown(name: str) -> str:
    return repr(name[:100])


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_NUMBER


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise JsonError("unsafe_headers", "the header repeats a key")
    return entries


def parse_index(text: bytes) -> dict[str, str]:
    """The weight_map (tensor name → shard file) of a model.safetensors.index.json.

    Raises HeaderError when it is over a bound, no JSON, has no weight_map, or names a shard by anything but a plain file name.
    """
    try:
        index = parse_json(text, "the safetensors index", INDEX_BYTES, 1_000, allow_constants=False, pairs_hook=_unique)
    except JsonError as error:
        raise HeaderError(str(error), error.code) from None
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise HeaderError("the safetensors index has no weight_map", "invalid_json")
    shards = set()
    for name, shard in weight_map.items():
        if not isinstance(shard, str):
            raise HeaderError(f"the safetensors index maps {name[:100]!r} to something that is no file name", "invalid_json")
        shards.add(shard)
    if len(shards) > MAX_SHARDS:
        raise HeaderError(f"the safetensors index names {len(shards):,} shards, more than {MAX_SHARDS:,}", "over_bound")
    for shard in shards:
        if not _is_plain_file_name(shard):
            raise HeaderError(f"the safetensors index names a shard {shard[:100]!r}, which is no plain file name")
    return weight_map


def _is_plain_file_name(name: str) -> bool:
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return name.endswith(".safetensors") and len(name) <= 255 and not name.startswith(".") and plain.isascii() and plain.isalnum()


def summarize(tensors: Iterable[Tensor], files: int, source: str) -> str:
    """All tensors of a checkpoint (over all its files) as the JSON text of `hub_files.header_summary`.

    `source` says how the headers were read: sharded_metadata, index, single or local. Raises HeaderError when one name
    occurs twice or there are more tensors or forms than any real checkpoint has.
    """
    forms: dict[tuple[str, str, tuple[int, ...]], dict[int, None]] = {}
    counts: dict[tuple[str, str, tuple[int, ...]], int] = {}
    names: set[str] = set()
    for tensor in tensors:
        if tensor.name in names:
            raise HeaderError(f"tensor {tensor.name[:100]!r} is stored in two files")
        names.add(tensor.name)
        if len(names) > MAX_TENSORS:
            raise HeaderError(f"the checkpoint has more than {MAX_TENSORS:,} tensors", "over_bound")
        template, layer = _template(tensor.name)
        form = (template, tensor.dtype, tensor.shape)
        counts[form] = counts.get(form, 0) + 1
        layers = forms.setdefault(form, {})
        if layer is not None:
            layers[layer] = None
        if len(forms) > MAX_FORMS:
            raise HeaderError(f"the checkpoint has more than {MAX_FORMS:,} forms of tensors", "over_bound")
    rows = [
        [template, dtype, list(shape), counts[template, dtype, shape], _ranges(layers)]
        for (template, dtype, shape), layers in sorted(forms.items())
    ]
    return json.dumps({"format": 1, "source": source, "files": files, "tensors": rows}, separators=(",", ":"))


def _template(name: str) -> tuple[str, int | None]:
    parts = name.split(".")
    layer = None
    for position, part in enumerate(parts):
        if part.isascii() and part.isdigit():
            if layer is None and len(part) <= 9:
                layer = int(part)
            parts[position] = "*"
    return ".".join(parts), layer


def _ranges(layers: Iterable[int]) -> str:
    spans: list[list[int]] = []
    for layer in sorted(layers):
        if spans and layer == spans[-1][1] + 1:
            spans[-1][1] = layer
        else:
            spans.append([layer, layer])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def layer_numbers(layers: str) -> list[int]:
    """The numbers of a compact range text ("0-2,5" → 0, 1, 2, 5). Raises HeaderError on malformed text."""
    numbers: list[int] = []
    for span in layers.split(",") if layers else []:
        first, _, last = span.partition("-")
        if not (first.isascii() and first.isdigit()) or (last and not (last.isascii() and last.isdigit())):
            raise HeaderError(f"{layers[:60]!r} is no range of layers")
        if len(first) > 9 or len(last) > 9 or int(last or first) - int(first) + len(numbers) >= MAX_TENSORS:
            raise HeaderError(f"{layers[:60]!r} spans too many layers", "over_bound")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def read_summary(text: str) -> HeaderSummary:
    """A `hub_files.header_summary` as records. Raises HeaderError when it is not what `summarize` writes."""
    try:
        summary = parse_json(text.encode(), "the header summary", HEADER_BYTES, 3 * MAX_FORMS, allow_constants=False)
    except (JsonError, UnicodeEncodeError) as error:
        raise HeaderError(str(error)) from None
    if not isinstance(summary, dict) or summary.get("format") != 1 or not isinstance(summary.get("tensors"), list):
        raise HeaderError("the header summary is of no known format; crawl the model again")
    files = summary.get("files")
    forms = tuple(map(_form, summary["tensors"]))
    return HeaderSummary(str(summary.get("source", "")), files if isinstance(files, int) else 0, forms)


def _form(row: object) -> TensorForm:
    if not isinstance(row, list) or len(row) != 5:
        raise HeaderError("the header summary holds a row of the wrong form; crawl the model again")
    template, dtype, shape, count, layers = row
    sizes = isinstance(shape, list) and len(shape) <= _MAX_RANK and all(map(_is_size, shape)) and _is_size(count)
    if not (isinstance(template, str) and isinstance(dtype, str) and dtype in DTYPE_BITS and sizes and isinstance(layers, str)):
        raise HeaderError("the header summary holds a row of the wrong form; crawl the model again")
    return TensorForm(template, dtype, tuple(shape), count, layers)
