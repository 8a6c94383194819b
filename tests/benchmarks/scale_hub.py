"""A Hub of many fine-tunes on 127.0.0.1, cheap enough to share two processors with the client that is measured.

    python -m tests.benchmarks.scale_hub --models 100000 --latency 0.02

Every fine-tune is a model of the corpus under a name and a commit of its own; most have its config byte for byte, some have only
their own name written into it, a few a doubled context. Listing pages and files are encoded once, connections stay open, and all
of it is one asyncio process. `tests/loopback_hub.py` is the Hub that misbehaves; this one is only fast.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.benchmarks.corpus import CorpusError, corpus_directory, read_rows
from tests.loopback_hub import INDEX_FILE, CorpusRepos, Repo
from transforms.weights.safetensors import parse_header

_PAGE = 1_000
_OWN_NAME_EVERY, _OWN_CONTEXT_EVERY = 10, 50
_CONTEXT = re.compile(rb'"max_position_embeddings": ?(\d+)')
_REASONS = {200: "OK", 206: "Partial Content", 404: "Not Found", 416: "Range Not Satisfiable"}


@dataclass(frozen=True)
class Base:
    """A model of the corpus from which fine-tunes are made: its files and the part of a listing that they share."""

    name: str
    repo: Repo
    config: bytes
    listed: bytes
    sharded: bytes | None


class Fleet:
    """The fine-tunes, their commits, and the pages that list them."""

    def __init__(self, bases: list[Base], models: int) -> None:
        self.bases = bases
        self.ids = [f"author-{number % 997}/{bases[number % len(bases)].name}-ft-{number}" for number in range(models)]
        self.numbers = {model_id: number for number, model_id in enumerate(self.ids)}
        self.commits = [0] * models
        self.pages = [self._page(start) for start in range(0, models, _PAGE)]

    def change(self, count: int) -> int:
        """Give `count` models, spread over all, a new commit; returns how many there were."""
        step = max(1, len(self.ids) // max(1, count))
        changed = range(0, len(self.ids), step)[:count]
        for number in changed:
            self.commits[number] += 1
        for page in {number // _PAGE for number in changed}:
            self.pages[page] = self._page(page * _PAGE)
        return len(changed)

    def sha(self, number: int) -> str:
        """The commit of a model."""
        return hashlib.sha1(f"{number}.{self.commits[number]}".encode(), usedforsecurity=False).hexdigest()

    def base(self, number: int) -> Base:
        """The model that a fine-tune was made from."""
        return self.bases[number % len(self.bases)]

    def config(self, number: int) -> bytes:
        """The config.json of a model."""
        config = self.base(number).config
        if number % _OWN_CONTEXT_EVERY == 1:
            return _CONTEXT.sub(lambda found: b'"max_position_embeddings": %d' % (2 * int(found[1])), config, count=1)
        if number % _OWN_NAME_EVERY == 0:
            return b'{"_name_or_path": "%s",' % self.ids[number].encode() + config.lstrip()[1:]
        return config

    def _page(self, start: int) -> bytes:
        entries = []
        for number in range(start, min(start + _PAGE, len(self.ids))):
            head = f'{{"id":"{self.ids[number]}","author":"author-{number % 997}","sha":"{self.sha(number)}",'
            head += f'"downloads":{number % 5003},"likes":{number % 101},'
            entries.append(head.encode() + self.base(number).listed)
        return b"[" + b",".join(entries) + b"]"


def read_bases(corpus: Path) -> list[Base]:
    """Every model of the corpus as a base of fine-tunes."""
    repos = CorpusRepos(corpus)
    return [_base(row["model_id"], repos[row["model_id"]]) for row in read_rows(corpus / "index.csv")]


def _base(model_id: str, repo: Repo) -> Base:
    listed = {
        "lastModified": "2025-01-02T03:04:05.000Z",
        "gated": False,
        "private": False,
        "disabled": False,
        "pipeline_tag": "text-generation",
        "tags": ["transformers", "safetensors", "text-generation", "license:apache-2.0", f"base_model:finetune:{model_id}"],
        "siblings": [{"rfilename": name} for name in (".gitattributes", "README.md", *repo.files, "tokenizer.json")],
    }
    if totals := repo.totals or _elements(repo.files):
        listed["safetensors"] = {"parameters": dict(totals), "total": sum(totals.values())}
    config = repo.files["config.json"]
    assert isinstance(config, bytes)
    return Base(model_id.split("/")[-1], repo, config, json.dumps(listed).encode()[1:], _sharded(repo.files))


def _elements(files: Mapping[str, object]) -> dict[str, int]:
    """Stored elements by dtype, as the Hub counts them of every safetensors repository."""
    counts: Counter[str] = Counter()
    for name, content in files.items():
        if name.endswith(".safetensors"):
            for tensor in parse_header(content.head):  # type: ignore[attr-defined]
                counts[tensor.dtype] += prod(tensor.shape)
    return dict(counts)


def _sharded(files: Mapping[str, object]) -> bytes | None:
    index = files.get(INDEX_FILE)
    if not isinstance(index, bytes):
        return None
    parsed = json.loads(index)
    shards = sorted(set(parsed["weight_map"].values()))
    headers = b",".join(json.dumps(shard).encode() + b":" + files[shard].head[8:] for shard in shards)  # type: ignore[attr-defined]
    return b'{"index":' + json.dumps({"metadata": parsed.get("metadata")}).encode() + b',"headers":{' + headers + b"}}"


class Connection(asyncio.Protocol):
    """One kept-alive connection: each request is answered after the latency, in order."""

    def __init__(self, fleet: Fleet, latency: float, counts: Counter[str], asked: list[tuple[str, str]]) -> None:
        self.fleet, self.latency, self.counts, self.asked = fleet, latency, counts, asked
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            request, self.received = self.received[:end], self.received[end + 4 :]
            target = request.split(b" ", 2)[1].decode()
            position = request.lower().find(b"\r\nrange:")
            span = request[position + 8 :].split(b"\r\n", 1)[0].strip().decode() if position >= 0 else ""
            if target.startswith("/control/"):
                self.send(self.control(target))
            else:
                self.asked.append((target, span))
                self.loop.call_later(self.latency, self.answer, target, span)

    def answer(self, target: str, span: str) -> None:
        """Answer one request of the client that is measured."""
        if not self.transport.is_closing():
            self.send(*self.route(target, span))

    def send(self, body: bytes, status: int = 200, headers: str = "") -> None:
        """Write an answer."""
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}{headers}\r\n".encode() + body)  # type: ignore[attr-defined]

    def control(self, target: str) -> bytes:
        """What the benchmark asks besides: counts by route since the last time, the requests, a change of models."""
        url = urlsplit(target)
        if url.path == "/control/counts":
            counts = dict(self.counts)
            self.counts.clear()
            return json.dumps(counts).encode()
        if url.path == "/control/requests":
            asked = json.dumps(self.asked).encode()
            self.asked.clear()
            return asked
        return json.dumps(self.fleet.change(int(dict(parse_qsl(url.query))["count"]))).encode()

    def route(self, target: str, span: str) -> tuple[bytes, int, str]:
        """Body, status and further headers of an answer."""
        if target.startswith("/api/models?"):
            return self.listing(target)
        path = unquote(urlsplit(target).path)
        if path.startswith("/api/models/"):
            model_id, _, rest = path.removeprefix("/api/models/").partition("/safetensors-metadata/")
            number = self.fleet.numbers.get(model_id)
            if number is None or not rest or (sharded := self.fleet.base(number).sharded) is None:
                return self.missing()
            self.counts["sharded metadata"] += 1
            return sharded, 200, f"x-repo-commit: {self.fleet.sha(number)}\r\n"
        model_id, _, rest = path[1:].partition("/resolve/")
        number = self.fleet.numbers.get(model_id)
        if number is None:
            return self.missing()
        name = rest.partition("/")[2]
        commit = f"x-repo-commit: {self.fleet.sha(number)}\r\n"
        if name == "config.json":
            self.counts["config"] += 1
            return self.fleet.config(number), 200, commit
        content = self.fleet.base(number).repo.files.get(name)
        if content is None:
            return self.missing()
        self.counts["headers" if name.endswith(".safetensors") else "files"] += 1
        if isinstance(content, bytes):
            return content, 200, commit
        if not span:
            return b"", 416, commit
        first, last = (int(part) for part in span.removeprefix("bytes=").split("-"))
        return content.head[first : last + 1], 206, f"{commit}content-range: bytes {first}-{last}/{content.size}\r\n"

    def listing(self, target: str) -> tuple[bytes, int, str]:
        """One page of the listing, with a link to the next."""
        self.counts["listing"] += 1
        terms = dict(parse_qsl(urlsplit(target).query))
        page = int(terms.get("cursor", 0))
        link = ""
        if page + 1 < len(self.fleet.pages):
            host, port = self.transport.get_extra_info("sockname")[:2]
            bare = re.sub(r"&cursor=\d+", "", target)
            link = f'link: <http://{host}:{port}{bare}&cursor={page + 1}>; rel="next"\r\n'
        return self.fleet.pages[page], 200, link

    def missing(self) -> tuple[bytes, int, str]:
        """The answer for what is not there."""
        self.counts["not found"] += 1
        return b'{"error":"Entry not found"}', 404, "x-error-code: EntryNotFound\r\n"


async def serve(fleet: Fleet, latency: float, port: int) -> None:
    """Serve until cancelled; the address is the first line printed."""
    counts: Counter[str] = Counter()
    asked: list[tuple[str, str]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(fleet, latency, counts, asked), "127.0.0.1", port, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A Hub of many fine-tunes of the corpus, on 127.0.0.1.")
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds before each answer")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        fleet = Fleet(read_bases(corpus_directory()), arguments.models)
    except CorpusError as error:
        sys.exit(str(error))
    gc.freeze()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(fleet, arguments.latency, arguments.port))


if __name__ == "__main__":
    main()
