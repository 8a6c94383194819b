"""The safetensors headers of one repository: which root files the engine loads, and their tensors, never a byte of weights.

A sharded model costs one request where the Hub answers its sharded-metadata route. Elsewhere a header is read in two exact
ranges, first its 8-byte length, then the header itself: a probe of a guessed length would save the second request, but
would fetch weights whenever the header is shorter than the guess, as most are.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RemoteEntryNotFoundError

from flows.hub.client import Hub, open_file, open_url, read_body, read_file, read_some, total_bytes
from flows.hub.pauses_and_retries import HubFailureError, NonsenseAnswerError, with_retries
from flows.system.processes import module_command, module_environment
from transforms.weights.safetensors import (
    HEADER_BYTES,
    INDEX_BYTES,
    MAX_SHARDS,
    HeaderError,
    Tensor,
    parse_header,
    parse_index,
    summarize,
)
from transforms.weights.sharded_headers import summarize_sharded

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"

_MODEL_HEADER_BYTES = 2 * HEADER_BYTES  # all headers of one model; a real one with 200,000 tensors has some 30 MB
_LARGE_BYTES = 2**22
_PLAIN_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,240}\.safetensors")
_NUMBERED_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5,6})-of-(?P<count>\d{5,6})\.safetensors")

_large = threading.Semaphore(1)
"""One long header is parsed at a time: as Python objects it takes ten times its size."""

_LONG_BYTES = 2**20  # shorter sharded metadata is parsed sooner than a process starts
_parsers = threading.Semaphore(2)


@dataclass(frozen=True)
class HeadersUnread:
    """The reason why a repository's headers were not read; the model is then sized from its config."""

    message: str


def read_headers(hub: Hub, model_id: str, sha: str, files: Sequence[str]) -> str | HeadersUnread:
    """The header summary of the files that the engine loads (some are `loadable`), or why there is none.

    Raises HeaderError or OverBoundError for headers that are refused, HubFailureError when the Hub does not answer.
    """
    try:
        if INDEX_FILE in files:
            return _read_sharded(hub, model_id, sha, files)
        weights = single_weights(files)
        tensors = _read_files(hub, model_id, sha, weights)
        return summarize(tensors, len(weights), "single")
    except GatedRepoError:
        return HeadersUnread("the weights are gated: sizes are from the config; ask for access on the model's page, set HF_TOKEN")
    except RemoteEntryNotFoundError:
        return HeadersUnread("a listed safetensors file is not there: sizes are from the config")
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status == 416:
            raise HeaderError("a safetensors file is empty") from None
        return HeadersUnread(f"the Hub refused the safetensors headers (HTTP {status}): sizes are from the config")


def loadable(files: Sequence[str]) -> bool:
    """True where a repository holds safetensors files that an engine would load."""
    return INDEX_FILE in files or bool(single_weights(files))


def single_weights(files: Sequence[str]) -> list[str]:
    """The root safetensors files that an engine loads when there is no index; empty where that is not certain.

    model.safetensors, else one complete numbered set, else the only file that is neither an adapter nor a consolidated copy.
    """
    root = sorted(name for name in files if _PLAIN_FILE.fullmatch(name))
    if SINGLE_FILE in root:
        return [SINGLE_FILE]
    shards = [(match, name) for name in root if (match := _NUMBERED_SHARD.fullmatch(name))]
    model_shards = [(match, name) for match, name in shards if match["stem"] == "model"] or shards
    if model_shards:
        stems = {(match["stem"], match["count"]) for match, _ in model_shards}
        complete = len(stems) == 1 and len(model_shards) == int(model_shards[0][0]["count"]) <= MAX_SHARDS
        return [name for _, name in model_shards] if complete else []
    others = [name for name in root if not name.startswith(("adapter", "consolidated", "optimizer", "training", "scheduler"))]
    candidates = others or [name for name in root if name.startswith("consolidated")]
    return candidates if len(candidates) == 1 else []


def formats_found(files: Sequence[str]) -> str:
    """A message that names the weights of a repository without readable safetensors headers."""
    kinds = {
        "GGUF": any(name.endswith(".gguf") for name in files),
        "pytorch .bin": any(re.fullmatch(r"pytorch_model.*\.bin", name) for name in files),
        ".pt or .pth": any(name.endswith((".pt", ".pth")) for name in files),
        "TensorFlow .h5": any(name.endswith(".h5") for name in files),
        "Flax .msgpack": any(name.endswith(".msgpack") for name in files),
        "ONNX": any(name.endswith(".onnx") for name in files),
        "safetensors outside the root or without an index": any(name.endswith(".safetensors") for name in files),
    }
    found = [kind for kind, present in kinds.items() if present]
    return f"no safetensors headers to read (found: {', '.join(found) or 'no weights'}): sizes are from the config"


def _read_sharded(hub: Hub, model_id: str, sha: str, files: Sequence[str]) -> str | HeadersUnread:
    if hub.sharded_route.worth_asking and (summary := _read_sharded_route(hub, model_id, sha)) is not None:
        return summary
    weight_map = parse_index(read_file(hub, "index", model_id, sha, INDEX_FILE, INDEX_BYTES))
    shards = sorted(set(weight_map.values()))
    absent = [shard for shard in shards if shard not in set(files)]
    if absent:
        return HeadersUnread(f"the index names {absent[0][:80]}, which the repository does not hold: sizes are from the config")
    tensors = _read_files(hub, model_id, sha, shards)
    return summarize(tensors, len(shards), "index")


def _read_sharded_route(hub: Hub, model_id: str, sha: str) -> str | None:
    url = f"{hub.endpoint}/api/models/{model_id}/safetensors-metadata/{INDEX_FILE}"

    def ask() -> tuple[bytes, str]:
        with open_url(hub, "sharded metadata", url, hub.headers) as response:
            return read_body(response, HEADER_BYTES, "the sharded metadata"), response.headers.get("x-repo-commit", sha)

    try:
        body, commit = with_retries(ask, "api", hub.throttle, hub.retries)
    except HfHubHTTPError:
        hub.sharded_route.refusals += 1
        return None
    if commit != sha:  # the route knows only main, which has moved on
        return None
    summary = _summarized(body)
    if summary is None:
        return None
    hub.sharded_route.answers += 1
    return summary


def _summarized(answer: bytes) -> str | None:
    """The result of `summarize_sharded`; a long answer is parsed in a separate process (`flows.hub.header_process`).

    Raises HeaderError like it, and HubFailureError when that process ends without a result: the model is asked for again.
    """
    if len(answer) < _LONG_BYTES:
        return summarize_sharded(answer)
    with _parsers, tempfile.TemporaryFile() as file:
        file.write(answer)
        file.seek(0)
        command, environment = module_command("flows.hub.header_process"), module_environment()
        ended = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    if ended.returncode:
        raise HubFailureError(f"its headers could not be parsed (the process ended with {ended.returncode})")
    result = json.loads(ended.stdout)
    if "refused" in result:
        raise HeaderError(*result["refused"])
    return result["summary"]


def _read_files(hub: Hub, model_id: str, sha: str, names: Sequence[str]) -> Iterator[Tensor]:
    budget = _MODEL_HEADER_BYTES
    for name in names:
        data, file_bytes = _read_header(hub, model_id, sha, name)
        budget -= len(data)
        if budget < 0:
            raise HeaderError(f"the model's headers are longer than {_MODEL_HEADER_BYTES:,} bytes together", "over_bound")
        with _parsing(len(data)):
            tensors = parse_header(data, file_bytes)
        yield from tensors


def _read_header(hub: Hub, model_id: str, sha: str, name: str) -> tuple[bytes, int | None]:
    """Length and JSON of one file's header, and the file's size where the Hub states it."""

    def first_range() -> tuple[bytes, int | None]:
        return _read_length(hub, model_id, sha, name)

    begin, file_bytes = with_retries(first_range, "resolvers", hub.throttle, hub.retries)
    length = _checked_length(begin[:8], file_bytes)
    if len(begin) > 8 or length == 0:
        return begin, file_bytes

    def second_range() -> bytes:
        return _read_json(hub, model_id, sha, name, length)

    return begin + with_retries(second_range, "resolvers", hub.throttle, hub.retries), file_bytes


def _read_length(hub: Hub, model_id: str, sha: str, name: str) -> tuple[bytes, int | None]:
    """The 8 bytes that hold the header's length, and the file's size; from a server that ignores ranges the header as well."""
    with open_file(hub, "headers", model_id, sha, name, (0, 7)) as response:
        file_bytes = total_bytes(response)
        if file_bytes is not None and file_bytes < 8:
            raise HeaderError(f"the safetensors file {name} has {file_bytes} bytes, less than its 8-byte header length")
        chunks = response.iter_bytes(2**16)
        prefix, rest = read_some(chunks, b"", 8)
        length = _checked_length(prefix, file_bytes)
        if response.status_code == 206:
            return prefix, file_bytes
        # The server ignores ranges and sends the file: read on to the header's end, then hang up.
        header, _ = read_some(chunks, rest, length)
        return prefix + header, file_bytes


def _read_json(hub: Hub, model_id: str, sha: str, name: str, length: int) -> bytes:
    """The header's JSON, which follows the 8 bytes of its length."""
    with open_file(hub, "headers", model_id, sha, name, (8, 7 + length)) as response:
        chunks = response.iter_bytes(2**16)
        if response.status_code != 206:
            _, rest = read_some(chunks, b"", 8)
            return read_some(chunks, rest, length)[0]
        if not response.headers.get("content-range", "").strip().startswith("bytes 8-"):
            raise NonsenseAnswerError("a range that was not asked for")
        return read_some(chunks, b"", length)[0]


def _checked_length(prefix: bytes, file_bytes: int | None) -> int:
    (length,) = struct.unpack("<Q", prefix)
    if length > HEADER_BYTES:
        raise HeaderError(f"the header claims {length:,} bytes, more than the format's {HEADER_BYTES:,}", "over_bound")
    if file_bytes is not None and 8 + length > file_bytes:
        raise HeaderError(f"the header claims {length:,} bytes in a file of {file_bytes:,}")
    return length


@contextmanager
def _parsing(size: int) -> Iterator[None]:
    if size < _LARGE_BYTES:
        yield
        return
    with _large:
        yield
