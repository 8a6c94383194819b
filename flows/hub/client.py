"""The Hugging Face Hub, through huggingface_hub's own client: metadata, listings and bounded reads of files.

`HF_ENDPOINT`, `HF_TOKEN` and proxies are honoured as huggingface_hub reads them. Every request goes out with a timeout, waits
for the shared throttle, and is tried again when the Hub stumbles; every answer is bounded, whatever length it claims.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeGuard, cast

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, set_client_factory, validate_repo_id
from huggingface_hub.utils import logging as hub_logging

from flows.hub.pauses_and_retries import NonsenseAnswerError, Retries, Throttle, with_retries
from flows.hub.request_budget import RequestBudget
from transforms.config.json_text import JsonError, parse_json
from transforms.weights.safetensors import HEADER_BYTES

LISTED = (
    "author", "config", "disabled", "downloads", "gated", "lastModified", "likes", "pipeline_tag", "private", "safetensors",
    "sha", "siblings", "tags",
)  # fmt: skip
"""The fields of each model that a listing brings. License and base model are among the tags."""

ASKED = (*LISTED, "cardData")
"""The fields that one metadata request asks for."""

_TIMEOUT = httpx2.Timeout(20.0, connect=10.0)
_PROBE_TIMEOUT = httpx2.Timeout(4.0)
_PROBE_SECONDS = 8.5
_READ_SECONDS = 300.0  # one file's header or config, however slowly it drips
_ANSWER_BYTES = HEADER_BYTES + 2**20
_ERROR_BYTES = 2**20
_METADATA_BYTES = 50 * 2**20
_METADATA_PARTS = 500_000
_BAD_TOKEN = "Invalid credentials in Authorization header"


class OverBoundError(ValueError):
    """An answer longer than anything that is read; the message names it and its bound."""


class TokenRefusedError(ValueError):
    """The Hub does not accept the token; every request would fail."""


@dataclass(frozen=True)
class Hub:
    """One Hub: its client, the shared throttle, and the requests sent to it against the day's budget."""

    api: HfApi
    throttle: Throttle = field(default_factory=Throttle)
    retries: Retries = field(default_factory=Retries)
    requests: RequestBudget = field(default_factory=RequestBudget)
    sharded_route: ShardedRoute = field(default_factory=lambda: ShardedRoute())

    @property
    def endpoint(self) -> str:
        """Address of the Hub, without a trailing slash."""
        return self.api.endpoint

    @property
    def has_token(self) -> bool:
        """True where requests carry a token."""
        return "authorization" in self.headers

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Headers of a request: user agent, and the token where there is one (looked up once, not for each request)."""
        return build_hf_headers(token=self.api.token, library_name="shapefit")


@dataclass
class ShardedRoute:
    """The route that delivers the headers of all shards at once, and whether this Hub answers it; mirrors do not."""

    refusals: int = 0
    answers: int = 0

    @property
    def worth_asking(self) -> bool:
        """False once the route was refused thrice without one answer."""
        return self.answers > 0 or self.refusals < 3


def open_hub(endpoint: str | None = None, token: str | bool | None = None, retries: Retries | None = None) -> Hub:
    """A Hub; without arguments the one that `HF_ENDPOINT` names, with the token of `HF_TOKEN` or the login.

    `token` False sends none.
    """
    address = (endpoint or constants.ENDPOINT).rstrip("/")
    hub = Hub(HfApi(endpoint=address, token=token, library_name="shapefit"), retries=retries or Retries())
    constants.HF_HUB_DISABLE_TELEMETRY = True  # it would ask the Hub what program is calling, before the first request
    hub_logging.set_verbosity_error()  # its warnings on each retry are not for a user's terminal
    set_client_factory(lambda: _client(hub))
    return hub


def _client(hub: Hub) -> httpx2.Client:
    home = httpx2.URL(hub.endpoint)

    def prepare(request: httpx2.Request) -> None:
        # The token goes to the Hub's own host only, wherever a redirect or the link to the next page leads.
        upgraded = request.url.host == home.host and request.url.scheme == "https" and request.url.port is None
        if request.url.origin != home.origin and not upgraded:
            request.headers.pop("authorization", None)
        timeout = request.extensions.get("timeout") or {}
        if not timeout or None in timeout.values():  # list_models asks for none
            request.extensions["timeout"] = _TIMEOUT.as_dict()

    def bound(response: httpx2.Response) -> None:
        hub.throttle.observe(response.status_code, response.headers)
        stream = cast(httpx2.SyncByteStream, response.stream)  # a client that is not asynchronous has no other
        response.stream = _BoundedStream(stream, _ERROR_BYTES if response.is_error else _ANSWER_BYTES)

    return httpx2.Client(event_hooks={"request": [prepare], "response": [bound]}, follow_redirects=True, timeout=_TIMEOUT)


class _BoundedStream(httpx2.SyncByteStream):
    """A body that ends with an error once it is longer than the bound, whatever length its headers claim."""

    def __init__(self, stream: httpx2.SyncByteStream, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for chunk in self._stream:
            read += len(chunk)
            if read > self._limit:
                raise OverBoundError(f"an answer of the Hub is longer than {self._limit:,} bytes")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def reachable(hub: Hub, model_id: str | None = None) -> bool:
    """True where the Hub itself answers, decided within ten seconds by asking for one model's metadata (or a listing).

    An error of the Hub counts as an answer; a portal's web page, a proxy's refusal and a dead gateway do not. Raises
    TokenRefusedError when the Hub answers that the token is invalid.
    """
    if constants.HF_HUB_OFFLINE:
        return False
    url = f"{hub.endpoint}/api/models/{model_id}" if model_id else f"{hub.endpoint}/api/models"
    answered = threading.Event()
    refused = threading.Event()
    finished = threading.Event()

    def probe() -> None:
        for pause in (0.0, 0.3, 0.7):
            time.sleep(pause)
            try:
                hub.requests.spend("probe")
                with get_session().stream(
                    "GET", url, params={"expand": "sha"}, headers=hub.headers, timeout=_PROBE_TIMEOUT
                ) as response:
                    if _is_hub_answer(response):
                        if response.headers.get("x-error-message") == _BAD_TOKEN and hub.has_token:
                            refused.set()
                        answered.set()
                        break
            except Exception:
                continue  # any error means that the Hub was not reached
        finished.set()

    # A thread, because looking up a name can hang for longer than any timeout of the client.
    threading.Thread(target=probe, name="hub-probe", daemon=True).start()
    finished.wait(_PROBE_SECONDS)
    if refused.is_set():
        raise TokenRefusedError(f"{hub.endpoint} refuses the token; renew HF_TOKEN, or unset it")
    return answered.is_set()


def _is_hub_answer(response: httpx2.Response) -> bool:
    if "x-error-code" in response.headers or "x-error-message" in response.headers:
        return True
    if response.status_code in (403, 407, 502, 503, 504, 511):
        return False
    return response.is_error or "json" in response.headers.get("content-type", "")


def model_information(hub: Hub, model_id: str) -> Mapping[str, object]:
    """A model's metadata as the Hub describes it, unchecked.

    Raises huggingface_hub's errors, HubFailureError when the Hub does not answer, OverBoundError, BudgetSpentError.
    """
    validate_repo_id(model_id)
    url = str(httpx2.URL(f"{hub.endpoint}/api/models/{model_id}", params=[("expand", name) for name in ASKED]))

    def ask() -> Mapping[str, object]:
        with open_url(hub, "metadata", url, hub.headers) as response:
            body = read_body(response, _METADATA_BYTES, "the model's metadata")
        try:
            answer = parse_json(body, "the metadata", _METADATA_BYTES, _METADATA_PARTS, allow_constants=True)
        except JsonError:
            answer = None
        if not isinstance(answer, dict) or "id" not in answer or not is_file_list(answer.get("siblings")):
            raise NonsenseAnswerError("an answer that is not what the Hub sends")
        return answer

    return with_retries(ask, "api", hub.throttle, hub.retries)


def is_file_list(siblings: object) -> TypeGuard[list[dict[str, str]] | None]:
    """True where the files of a model's metadata are as the Hub sends them: absent, or a list of objects with a name each."""
    return siblings is None or (
        isinstance(siblings, list) and all(isinstance(each, dict) and isinstance(each.get("rfilename"), str) for each in siblings)
    )


def read_file(hub: Hub, kind: str, model_id: str, revision: str, file_name: str, limit: int) -> bytes:
    """A whole small file in one GET, at most `limit` bytes.

    Raises OverBoundError beyond the limit, huggingface_hub's errors, or HubFailureError.
    """

    def ask() -> bytes:
        with open_file(hub, kind, model_id, revision, file_name) as response:
            return read_body(response, limit, file_name)

    return with_retries(ask, "resolvers", hub.throttle, hub.retries)


@contextmanager
def open_file(
    hub: Hub, kind: str, model_id: str, revision: str, file_name: str, byte_range: tuple[int, int] | None = None
) -> Iterator[httpx2.Response]:
    """A file's answer as a stream; `byte_range` is (first, last). Not tried again: callers wrap it in `with_retries`."""
    url = hf_hub_url(model_id, file_name, revision=revision, endpoint=hub.endpoint)
    # Identity: a compressed answer could unpack to more than was bounded, and ranges count bytes of the file.
    headers = {**hub.headers, "accept-encoding": "identity"}
    if byte_range is not None:
        headers["range"] = f"bytes={byte_range[0]}-{byte_range[1]}"
    with open_url(hub, kind, url, headers) as response:
        yield response


@contextmanager
def open_url(hub: Hub, kind: str, url: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
    """An address of the Hub as a stream, errors raised as huggingface_hub names them."""
    hub.requests.spend(kind)
    with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT) as response:
        hf_raise_for_status(response)
        yield response


def read_body(response: httpx2.Response, limit: int, name: str) -> bytes:
    """The whole body, refused beyond `limit` bytes (OverBoundError) and after five minutes (a timeout)."""
    body = bytearray()
    deadline = time.monotonic() + _READ_SECONDS
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise OverBoundError(f"{name} is longer than the {limit:,} bytes that are read")
        if time.monotonic() > deadline:
            raise httpx2.ReadTimeout(f"{name} took longer than {_READ_SECONDS:.0f} s")
    return bytes(body)


def read_some(chunks: Iterator[bytes], rest: bytes, length: int) -> tuple[bytes, bytes]:
    """Exactly `length` bytes of a stream and what was read beyond them. Raises a dropped connection when it ends before."""
    taken = bytearray(rest)
    deadline = time.monotonic() + _READ_SECONDS
    while len(taken) < length:
        chunk = next(chunks, None)
        if chunk is None:
            raise httpx2.RemoteProtocolError("the answer ended before its header")
        taken += chunk
        if time.monotonic() > deadline:
            raise httpx2.ReadTimeout(f"a header took longer than {_READ_SECONDS:.0f} s")
    return bytes(taken[:length]), bytes(taken[length:])


def total_bytes(response: httpx2.Response) -> int | None:
    """The whole file's size as the answer states it (Content-Range, or Content-Length of the whole file)."""
    if response.status_code == 206:
        match = re.fullmatch(r"bytes \d+-\d+/(\d{1,18})", response.headers.get("content-range", "").strip())
        return int(match[1]) if match else None
    length = response.headers.get("content-length", "").strip()
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None
