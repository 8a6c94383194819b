"""A Hugging Face Hub on 127.0.0.1 that speaks what huggingface_hub's client asks, for tests and by hand.

    python -m tests.loopback_hub --corpus ../shared/hub-corpus --port 8642
    HF_ENDPOINT=http://127.0.0.1:8642 shapefit refresh --models …

It serves metadata with `expand`, listings with `Link` paging, files with ranges, the sharded-metadata route and the Hub's
error headers; it counts requests by route and, on demand, answers late, fails at a seeded rate or misbehaves. Weights are
never materialised: a safetensors file is its header followed by zeros that exist only as a length.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

INDEX_FILE = "model.safetensors.index.json"
_PAGE = 1_000


@dataclass(frozen=True)
class VirtualFile:
    """A file of which only the beginning exists; the rest, up to `size`, is zeros."""

    head: bytes
    size: int


class _Headed(Protocol):
    @property
    def head(self) -> bytes: ...
    @property
    def size(self) -> int: ...


Content = bytes | _Headed
"""A file's bytes, or its beginning and its size."""


@dataclass
class Repo:
    """One repository and how the Hub treats it."""

    files: Mapping[str, Content]
    sha: str = ""
    gated: bool | str = False
    closed_files: frozenset[str] = frozenset()  # gated for these files only; "*" for all
    private: bool = False
    disabled: bool = False
    disabled_error: bool = False
    tags: tuple[str, ...] = ()
    card: Mapping[str, object] | None = None
    pipeline_tag: str | None = "text-generation"
    downloads: int | None = 1000
    likes: int | None = 10
    last_modified: str | None = "2025-01-02T03:04:05.000Z"
    totals: Mapping[str, int] | None = None
    summary: Mapping[str, object] | None = None  # what a listing says of the config
    listed: bool = True  # whether metadata names the files
    redirects: Mapping[str, str] = field(default_factory=dict)
    ignores_ranges: bool = False
    metadata: bytes | None = None  # sent instead of the metadata

    def __post_init__(self) -> None:
        if not self.sha:
            digest = hashlib.sha1(usedforsecurity=False)
            for name, content in sorted(self.files.items()):
                digest.update(f"{name}\0".encode() + (content if isinstance(content, bytes) else content.head))
            self.sha = digest.hexdigest()


@dataclass
class Faults:
    """Which share of answers fails, and how: 429 with rate-limit headers, 500, 503, a dropped connection."""

    rate: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = ("429", "500", "503", "drop")
    reset_s: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def draw(self) -> str | None:
        """The fault of the next answer, if any."""
        with self._lock:
            return self._random.choice(self.kinds) if self._random.random() < self.rate else None


class LoopbackHub:
    """The server. Use as a context manager; `url` is its address, `requests` counts by route, `log` holds every request."""

    def __init__(
        self,
        repos: Mapping[str, Repo],
        port: int = 0,
        faults: Faults | None = None,
        latency_s: float = 0.0,
        sharded_route: bool = True,
        page: int = _PAGE,
        refused_tokens: frozenset[str] = frozenset(),
    ) -> None:
        self.repos = repos
        self.faults = faults or Faults()
        self.latency_s = latency_s
        self.sharded_route = sharded_route
        self.page = page
        self.refused_tokens = refused_tokens
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str, str | None, str | None]] = []
        self.weight_bytes = 0
        self.faulted = 0
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", port), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def forget(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.requests.clear()
            self.log.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were dropped on purpose."""


class CorpusRepos(Mapping[str, Repo]):
    """A directory of configs and gzipped headers as repositories, read when asked for; `odd/` files are models `odd/<name>`."""

    def __init__(self, corpus: Path) -> None:
        self._folders = {folder.name.replace("__", "/", 1): folder for folder in sorted((corpus / "configs").iterdir())}
        self._folders |= {f"odd/{folder.name}": folder for folder in sorted((corpus / "odd").iterdir()) if folder.is_dir()}
        self._headers = corpus / "headers"
        self._repos: dict[str, Repo] = {}
        self._lock = threading.Lock()

    def __getitem__(self, model_id: str) -> Repo:
        folder = self._folders[model_id]
        with self._lock:
            if model_id not in self._repos:
                self._repos[model_id] = self._read(folder)
            return self._repos[model_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)

    def _read(self, folder: Path) -> Repo:
        files: dict[str, Content] = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        headers = self._headers / folder.name
        totals: dict[str, int] | None = None
        for file in sorted(headers.iterdir()) if headers.is_dir() else []:
            if file.name.endswith(".header.gz"):
                files[file.name.removesuffix(".header.gz")] = GzippedHeader(file)
            elif file.name == "summary.json":
                summary = json.loads(file.read_text())
                totals = summary.get("elements_by_dtype") or None
            elif file.name.endswith(".json.gz"):
                files[file.name.removesuffix(".gz")] = gzip.decompress(file.read_bytes())
            else:
                files[file.name] = file.read_bytes()
        if "pytorch_model.bin.index.json" in files:
            shards = json.loads(files["pytorch_model.bin.index.json"])["weight_map"].values()  # type: ignore[arg-type]
            files |= {name: VirtualFile(b"", 1000) for name in sorted(set(shards))}
        digest = hashlib.sha1(files["config.json"] if isinstance(files["config.json"], bytes) else b"", usedforsecurity=False)
        digest.update("\0".join(sorted(files)).encode())
        unknown = {"downloads": None, "likes": None, "last_modified": None, "pipeline_tag": None}
        return Repo(files, sha=digest.hexdigest(), totals=totals, **unknown)


@dataclass(frozen=True)
class GzippedHeader:
    """A safetensors file of which a gzip of length and header exists; read when asked for."""

    path: Path

    @property
    def head(self) -> bytes:
        return _unzipped(self.path)

    @cached_property
    def size(self) -> int:
        head = self.head
        return len(head) + max((int(end) for end in re.findall(rb'"data_offsets":\s*\[\d+,\s*(\d+)\]', head)), default=0)


@lru_cache(maxsize=64)
def _unzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def safetensors_file(tensors: Mapping[str, tuple[str, list[int]]], metadata: Mapping[str, str] | None = None) -> VirtualFile:
    """A safetensors file of tensors (name → dtype, shape), laid out one after another."""
    widths = {"F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "U8": 1, "I8": 1, "I32": 4, "I64": 8}
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        elements = 1
        for size in shape:
            elements *= size
        end = position + elements * widths[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    return raw_header(json.dumps(header).encode(), position)


def raw_header(text: bytes, data_bytes: int) -> VirtualFile:
    """A safetensors file with exactly this header text, followed by `data_bytes` zeros."""
    return VirtualFile(struct.pack("<Q", len(text)) + text, 8 + len(text) + data_bytes)


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.hub = hub
    return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 2**16

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            self._route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _route(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        query = parse_qs(url.query)
        sharded = re.fullmatch(r"/api/models/(.+)/safetensors-metadata/(.+)", path)
        resolved = re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path)
        model = re.fullmatch(r"/api/models/(.+?)(?:/revision/([^/]+))?", path)
        if path == "/counts":
            self._counts()
            return
        route = "other"
        if sharded:
            route = "sharded metadata"
        elif path == "/api/models":
            route = "listing"
        elif model:
            route = "metadata"
        elif resolved:
            route = "headers" if resolved[3].endswith(".safetensors") else "files"
        with self.hub.lock:
            self.hub.requests[route] += 1
            self.hub.log.append((self.command, path, self.headers.get("range"), self.headers.get("authorization")))
        if self.hub.latency_s:
            time.sleep(self.hub.latency_s)
        fault = self.hub.faults.draw()
        if fault is not None:
            self._fail(fault)
        elif (self.headers.get("authorization") or "").removeprefix("Bearer ") in self.hub.refused_tokens:
            self._error(401, None, "Invalid credentials in Authorization header")
        elif sharded:
            self._sharded(sharded[1], sharded[2])
        elif path == "/api/models":
            self._list(query)
        elif model:
            self._metadata(model[1], query)
        elif resolved:
            self._file(resolved[1], resolved[2], resolved[3])
        else:
            self._error(404, None, "Sorry, we can't find the page you are looking for.")

    def _counts(self) -> None:
        """Requests by route since the last time: for whoever has the Hub in another process."""
        with self.hub.lock:
            counts = {**self.hub.requests, "weight bytes": self.hub.weight_bytes}
        self.hub.forget()
        self._send(200, json.dumps(counts).encode(), {"Content-Type": "application/json"})

    def _fail(self, fault: str) -> None:
        with self.hub.lock:
            self.hub.faulted += 1
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault == "429":
            reset = self.hub.faults.reset_s
            headers = {"RateLimit": f'"api";r=0;t={reset}', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
            self._error(429, None, "We had to rate limit you", headers)
        else:
            self._error(int(fault), None, "Internal Server Error")

    def _authorized(self) -> bool:
        return bool(self.headers.get("authorization"))

    def _repo(self, model_id: str) -> Repo | None:
        repo = self.hub.repos.get(model_id)
        if repo is None or (repo.private and not self._authorized()):
            # The Hub does not tell strangers which repositories exist.
            self._error(404 if self._authorized() else 401, "RepoNotFound", "Repository not found")
            return None
        if repo.disabled_error:
            self._error(403, None, "Access to this resource is disabled.")
            return None
        return repo

    def _metadata(self, model_id: str, query: dict[str, list[str]]) -> None:
        repo = self._repo(model_id)
        if repo is None:
            return
        body = repo.metadata if repo.metadata is not None else json.dumps(_described(model_id, repo, query)).encode()
        self._send(200, body, {"Content-Type": "application/json; charset=utf-8"})

    def _list(self, query: dict[str, list[str]]) -> None:
        ids = [model_id for model_id in self.hub.repos if _matches(model_id, self.hub.repos[model_id], query)]
        if "downloads" in query.get("sort", []):
            ids.sort(key=lambda model_id: -(self.hub.repos[model_id].downloads or 0))
        start = int(query.get("cursor", ["0"])[0])
        size = min(self.hub.page, int(query.get("limit", [str(self.hub.page)])[0]))
        body = json.dumps([_described(each, self.hub.repos[each], query) for each in ids[start : start + size]]).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if start + size < len(ids):
            kept = [(key, value) for key, values in query.items() if key != "cursor" for value in values]
            terms = "&".join(f"{quote(key)}={quote(value)}" for key, value in [*kept, ("cursor", str(start + size))])
            headers["Link"] = f'<{self.hub.url}/api/models?{terms}>; rel="next"'
        self._send(200, body, headers)

    def _sharded(self, model_id: str, name: str) -> None:
        if not self.hub.sharded_route:
            self._error(404, None, "Sorry, we can't find the page you are looking for.")
            return
        repo = self._repo(model_id)
        if repo is None:
            return
        index = repo.files.get(name)
        if not isinstance(index, bytes):
            self._error(404, "EntryNotFound", "Entry not found")
            return
        if self._is_closed(repo, name):
            self._error(403 if self._authorized() else 401, "GatedRepo", f"Access to model {model_id} is restricted.")
            return
        try:
            shards = sorted(set(json.loads(index)["weight_map"].values()))
            headers = b",".join(json.dumps(shard).encode() + b":" + _head(repo.files[shard])[8:] for shard in shards)
        except (ValueError, KeyError, TypeError, AttributeError):
            self._error(400, None, "The safetensors index cannot be read")
            return
        metadata = json.dumps({"metadata": json.loads(index).get("metadata")}).encode()
        body = b'{"index":' + metadata + b',"headers":{' + headers + b"}}"
        self._send(200, body, {"Content-Type": "application/json; charset=utf-8", "X-Repo-Commit": repo.sha})

    def _file(self, model_id: str, revision: str, name: str) -> None:
        repo = self._repo(model_id)
        if repo is None:
            return
        if revision not in ("main", repo.sha):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        if self._is_closed(repo, name):
            self._error(403 if self._authorized() else 401, "GatedRepo", f"Access to model {model_id} is restricted.")
            return
        if name in repo.redirects:
            self._send(302, b"", {"Location": repo.redirects[name], "X-Repo-Commit": repo.sha})
            return
        content = repo.files.get(name)
        if content is None:
            self._error(404, "EntryNotFound", "Entry not found")
            return
        size = len(content) if isinstance(content, bytes) else content.size
        head = _head(content)
        headers = {"X-Repo-Commit": repo.sha, "ETag": f'"{repo.sha}-{quote(name)}"', "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "")
        if not asked or repo.ignores_ranges:
            self._send_virtual(200, head, 0, size, headers)
            return
        first = int(asked[1])
        last = min(int(asked[2]) if asked[2] else size - 1, size - 1)
        if first >= size:
            self._error(416, None, "Range not satisfiable", {"Content-Range": f"bytes */{size}"})
            return
        self._send_virtual(206, head, first, last + 1, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"})

    def _is_closed(self, repo: Repo, name: str) -> bool:
        return "*" in repo.closed_files or name in repo.closed_files

    def _send_virtual(self, status: int, head: bytes, first: int, end: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(end - first), "Content-Type": "application/octet-stream"}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(head[first:end])
        position = max(first, len(head))
        while position < end:
            zeros = min(end - position, 2**16)
            with self.hub.lock:
                self.hub.weight_bytes += zeros
            self.wfile.write(bytes(zeros))
            position += zeros
        self.wfile.flush()

    def _error(self, status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> None:
        named = {"X-Error-Code": code} if code else {}
        named |= {"Content-Type": "application/json; charset=utf-8", "X-Error-Message": message}
        self._send(status, json.dumps({"error": message}).encode(), {**named, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


def _head(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.head


def _matches(model_id: str, repo: Repo, query: dict[str, list[str]]) -> bool:
    wanted = {key: query.get(key, [None])[0] for key in ("author", "pipeline_tag", "search")}
    return (
        (wanted["author"] is None or model_id.split("/")[0] == wanted["author"])
        and (wanted["pipeline_tag"] is None or repo.pipeline_tag == wanted["pipeline_tag"])
        and (wanted["search"] is None or wanted["search"].lower() in model_id.lower())
        and all(tag in repo.tags for tag in query.get("filter", []))
        and not repo.private
        and repo.metadata is None
    )


def _described(model_id: str, repo: Repo, query: dict[str, list[str]]) -> dict[str, object]:
    totals = dict(repo.totals) if repo.totals else None
    whole: dict[str, object] = {
        "author": model_id.split("/")[0] if "/" in model_id else None,
        "cardData": dict(repo.card) if repo.card else None,
        "config": dict(repo.summary) if repo.summary else None,
        "disabled": repo.disabled,
        "downloads": repo.downloads,
        "gated": repo.gated,
        "lastModified": repo.last_modified,
        "likes": repo.likes,
        "pipeline_tag": repo.pipeline_tag,
        "private": repo.private,
        "safetensors": {"parameters": totals, "total": sum(totals.values())} if totals else None,
        "sha": repo.sha,
        "siblings": [{"rfilename": name} for name in repo.files] if repo.listed else None,
        "tags": list(repo.tags),
    }
    asked = query.get("expand", list(whole))
    described = {key: value for key, value in whole.items() if key in asked and value is not None}
    return {"_id": hashlib.md5(model_id.encode(), usedforsecurity=False).hexdigest()[:24], "id": model_id, **described}


def main() -> None:
    """Serve a corpus until interrupted; the address is the first line printed."""
    parser = argparse.ArgumentParser(description="A Hub on 127.0.0.1 that serves a corpus of configs and headers.")
    parser.add_argument("--corpus", type=Path, default=Path("../shared/hub-corpus"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of answers that fail")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faults = Faults(arguments.fault_rate, arguments.seed, reset_s=1)
    with LoopbackHub(CorpusRepos(arguments.corpus), arguments.port, faults, arguments.latency) as hub:
        print(hub.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(dict(hub.requests))


if __name__ == "__main__":
    main()
