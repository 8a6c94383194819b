"""Listings as they travel: a page is asked for while the one before still arrives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from loopback_hub import LoopbackHub, Repo

from flows.hub.client import open_hub
from flows.hub.listing import _parsed as parsed
from flows.hub.listing import list_query
from flows.hub.pauses_and_retries import HubFailureError
from transforms.catalogs.model_list import HubQuery

_PATIENCE_S = 10.0


@contextmanager
def two_pages() -> Iterator[tuple[str, threading.Event]]:
    """A Hub whose first page comes to an end once the second was asked for; its address, and whether that was in vain."""
    second_asked, in_vain = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = 2 if "cursor" in self.path else 1
            body = b'[{"id": "org/model-%d"}]' % page
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if page == 1:
                self.send_header("link", f'<http://{self.headers["host"]}/api/models?cursor=2>; rel="next"')
            self.end_headers()
            self.wfile.flush()
            if page == 2:
                second_asked.set()
            elif not second_asked.wait(_PATIENCE_S):
                in_vain.set()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", in_vain
        server.shutdown()


def test_the_next_page_is_asked_for_while_one_still_arrives() -> None:
    with two_pages() as (address, in_vain):
        pages = list(list_query(open_hub(address, token=False), HubQuery("hub: author=org", author="org")))
    assert [[entry.whole() for entry in page] for page in pages] == [[{"id": "org/model-1"}], [{"id": "org/model-2"}]]
    assert not in_vain.is_set()


def test_several_tags_are_all_asked_for(serve: Callable[..., LoopbackHub]) -> None:
    quantized = "base_model:quantized:maker/base"
    tagged = {"a/fp8": (quantized, "safetensors"), "a/gguf": (quantized, "gguf"), "a/other": ("safetensors",)}
    hub = open_hub(serve({model_id: Repo({}, tags=tags) for model_id, tags in tagged.items()}).url, token=False)

    def listed(tags: str) -> list[object]:
        return [entry.fields["id"] for page in list_query(hub, HubQuery("hub:", filter=tags)) for entry in page]

    assert listed(quantized) == ["a/fp8", "a/gguf"]
    assert listed(f"{quantized},safetensors") == ["a/fp8"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'[{"id": "a/b", "sha": "1", "tags": [{}]}, "c/d", 7, {"sha": 5}]', [{"id": "a/b", "sha": "1"}, {"sha": 5}]),
        (b'[{"id": "a/b", "tags": ["\\ud800"]}, {"id": "c/d"}]', [{"id": "a/b"}, {"id": "c/d"}]),
        (b"[]", []),
    ],
)
def test_a_page_is_read_entry_by_entry(body: bytes, fields: list[dict[str, object]]) -> None:
    entries = list(parsed(body))
    assert [entry.fields for entry in entries] == fields
    assert all(entry.whole().items() >= entry.fields.items() for entry in entries)


@pytest.mark.parametrize("body", [b"[{]", b"[" * 100_000 + b"]" * 100_000, b'[{"id": NaN}]', b"[" + b"[]," * 5_000_000 + b"[]]"])
def test_a_page_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(HubFailureError, match="the Hub's listing"):
        list(parsed(body))
