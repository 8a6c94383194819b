"""One timed request to an endpoint under load: OpenAI-compatible chat or completions, streamed, or a whole workflow.

The endpoint is trusted with nothing: answers are bounded in bytes and time, redirects are never followed, compressed answers
are refused, and the key is sent to the endpoint's own address only and struck out of every error.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import httpx2

Api = Literal["chat", "completions", "workflow"]

ANSWER_LIMIT_BYTES = 64 * 2**20
LINE_LIMIT_BYTES = 8 * 2**20
ERROR_LIMIT_BYTES = 2000
ERROR_SHOWN = 300

_PATHS = {"chat": "/chat/completions", "completions": "/completions"}


class EndpointError(ValueError):
    """The endpoint's address or answer is of no use; the message says what to do."""


class RequestFailedError(Exception):
    """One request failed: the reason, and the HTTP status where there was one."""

    def __init__(self, reason: str, http_status: int | None = None) -> None:
        super().__init__(reason)
        self.http_status = http_status


@dataclass(frozen=True)
class Endpoint:
    """An endpoint and the form of its requests. `url` is their full address, `key` a secret that only headers may carry.

    `timeout_s` bounds one request from first byte sent to last byte received, in seconds; `input_field` is the name of the
    input in a workflow's request; `max_tokens` bounds an answer, None for the server's default.
    """

    url: str
    api: Api
    model: str | None
    timeout_s: float
    max_tokens: int | None = None
    input_field: str = "input_message"
    key: str | None = field(default=None, repr=False)


@dataclass
class TimedRequest:
    """One request as it was seen: moments of the monotonic clock in seconds, and what the server counted.

    `llm_calls` are the start and end (seconds after `start`) of the model calls that a workflow reported of itself.
    """

    start: float
    first_token: float | None = None
    last_token: float | None = None
    end: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    pieces: int = 0
    text: str = ""
    http_status: int | None = None
    error: str | None = None
    llm_calls: list[tuple[float, float]] = field(default_factory=list)


def request_url(address: str, api: Api) -> str:
    """The address of requests from what the user gave: a server, its `/v1`, or the full path.

    Examples: `http://h:8000` → `http://h:8000/v1/chat/completions`; for a workflow → `http://h:8000/generate/full`.
    Raises EndpointError for an address that is not http(s) or carries credentials.
    """
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EndpointError(f"{address!r} is no http or https address")
    if parts.username or parts.password:
        raise EndpointError("put no credentials into the endpoint's address: a key comes from an environment variable")
    path = parts.path.rstrip("/")
    if api == "workflow":
        path = path or "/generate/full"
    elif not path.endswith(_PATHS[api]):
        path = (path or "/v1") + _PATHS[api]
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def public_address(url: str) -> str:
    """The address without its query, which may hold a secret: what is written down."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def open_client(endpoint: Endpoint, concurrency: int) -> httpx2.AsyncClient:
    """A client that follows no redirect and keeps one connection for each concurrent request."""
    import httpx2

    headers = {"accept-encoding": "identity"}
    if endpoint.key:
        headers["authorization"] = f"Bearer {endpoint.key}"
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency, keepalive_expiry=600)
    return httpx2.AsyncClient(headers=headers, limits=limits, follow_redirects=False, timeout=httpx2.Timeout(endpoint.timeout_s))


async def served_model(client: httpx2.AsyncClient, endpoint: Endpoint) -> str:
    """The first model that the server lists. Raises EndpointError when it lists none."""
    url = endpoint.url.removesuffix(_PATHS[endpoint.api]) + "/models"
    try:
        async with asyncio.timeout(endpoint.timeout_s):
            body = await _body(client, "GET", url, None)
        names = [entry["id"] for entry in json.loads(body)["data"]]
        return str(names[0])
    except (RequestFailedError, ValueError, LookupError, TypeError, TimeoutError) as error:
        reason = _struck(str(error) or type(error).__name__, endpoint.key)
        raise EndpointError(f"{public_address(url)} lists no model ({reason}): name it with --model") from None


async def send(client: httpx2.AsyncClient, endpoint: Endpoint, turn: object) -> TimedRequest:
    """Send one request and time it. A failure is told in the result's `error`, never raised.

    Args: turn: a text or, for chat, a list of messages; for a workflow any JSON value.
    """
    timed = TimedRequest(time.perf_counter())
    try:
        async with asyncio.timeout(endpoint.timeout_s):
            await _exchange(client, endpoint, turn, timed)
    except TimeoutError:
        timed.error = f"no answer within {endpoint.timeout_s:g} s (--endpoint-timeout)"
    except RequestFailedError as error:
        timed.http_status, timed.error = error.http_status or timed.http_status, _struck(str(error), endpoint.key)
    timed.end = time.perf_counter()
    return timed


async def _exchange(client: httpx2.AsyncClient, endpoint: Endpoint, turn: object, timed: TimedRequest) -> None:
    lines = _lines(client, endpoint.url, _payload(endpoint, turn), timed)
    whole: list[bytes] = []
    finished = False
    async for line in lines:
        prefix, _, rest = line.partition(b":")
        if prefix == b"data":
            finished = _take(rest.strip(), endpoint.api, timed) or finished
        elif prefix == b"intermediate_data":
            _take_step(rest.strip(), timed)
        elif line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
            whole.append(line)
    if whole:
        finished = _take(b"\n".join(whole), endpoint.api, timed) or finished
    if not finished:
        raise RequestFailedError("the answer broke off before its end")
    if timed.output_tokens is None and endpoint.api != "workflow":
        timed.output_tokens = timed.pieces


def _payload(endpoint: Endpoint, turn: object) -> dict[str, object]:
    if endpoint.api == "workflow":
        return {endpoint.input_field: turn}
    payload: dict[str, object] = {"model": endpoint.model, "stream": True, "stream_options": {"include_usage": True}}
    if endpoint.max_tokens is not None:
        payload["max_tokens"] = endpoint.max_tokens
    if endpoint.api == "completions":
        return {**payload, "prompt": turn}
    return {**payload, "messages": turn if isinstance(turn, list) else [{"role": "user", "content": turn}]}


def _take(data: bytes, api: Api, timed: TimedRequest) -> bool:
    """Read one event (or a whole unstreamed answer) into `timed`; whether the answer is complete with it."""
    if data == b"[DONE]":
        return True
    moment = time.perf_counter()
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        if api == "workflow":  # a workflow may answer with plain text
            return True
        raise RequestFailedError(f"the answer is not JSON: {_shown(data)}") from None
    if api == "workflow":
        if isinstance(event, dict) and event.get("error"):
            raise RequestFailedError(f"the workflow reports an error: {_shown(json.dumps(event['error']))}")
        return True
    if not isinstance(event, dict):
        raise RequestFailedError(f"the answer is no object: {_shown(data)}")
    if event.get("error"):
        raise RequestFailedError(f"the server reports an error: {_shown(json.dumps(event['error']))}")
    return _take_choices(event, timed, moment)


def _take_choices(event: dict[str, object], timed: TimedRequest, moment: float) -> bool:
    usage = event.get("usage")
    if isinstance(usage, dict):
        timed.input_tokens = _count(usage.get("prompt_tokens"), timed.input_tokens)
        timed.output_tokens = _count(usage.get("completion_tokens"), timed.output_tokens)
    finished = False
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if not isinstance(choice, dict):
            continue
        said = choice.get("delta") or choice.get("message") or {}
        text = choice.get("text")
        if isinstance(said, dict):
            text = text or said.get("content")
            thought = said.get("reasoning_content") or said.get("reasoning") or said.get("tool_calls")
        else:
            thought = None
        if text or thought:
            timed.pieces += 1
            timed.first_token = timed.first_token or moment
            timed.last_token = moment
            timed.text += text if isinstance(text, str) else ""
        finished = finished or choice.get("finish_reason") is not None
    return finished


def _take_step(data: bytes, timed: TimedRequest) -> None:
    """A workflow's own report of an intermediate step: the end of a model call says when the call began and ended."""
    try:
        payload = json.loads(data)["payload"]
        step = json.loads(payload) if isinstance(payload, str) else payload
        if step["event_type"] == "LLM_END":
            seconds = float(step["event_timestamp"]) - float(step["span_event_timestamp"])
            end = time.perf_counter() - timed.start
            if 0 <= seconds <= end:
                timed.llm_calls.append((end - seconds, end))
    except (ValueError, LookupError, TypeError, RecursionError):
        return  # a step of another kind


async def _lines(client: httpx2.AsyncClient, url: str, payload: dict[str, object], timed: TimedRequest) -> AsyncIterator[bytes]:
    """The answer's lines as they arrive, within the bounds. Raises RequestFailedError."""
    pending = b""
    async for piece in _pieces(client, "POST", url, payload, timed):
        *lines, pending = (pending + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
        if len(pending) > LINE_LIMIT_BYTES:
            raise RequestFailedError(f"a line of the answer is over {LINE_LIMIT_BYTES // 2**20} MiB")
    if pending:
        yield pending


async def _body(client: httpx2.AsyncClient, method: str, url: str, payload: dict[str, object] | None) -> bytes:
    return b"".join([piece async for piece in _pieces(client, method, url, payload, TimedRequest(0.0))])


async def _pieces(
    client: httpx2.AsyncClient, method: str, url: str, payload: dict[str, object] | None, timed: TimedRequest
) -> AsyncIterator[bytes]:
    import httpx2

    received = 0
    try:
        async with client.stream(method, url, json=payload) as response:
            timed.http_status = response.status_code
            if response.is_redirect:
                where = urlsplit(response.headers.get("location", "")).netloc or "another path"
                raise RequestFailedError(f"the endpoint redirects to {where}; name the final address", response.status_code)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise RequestFailedError("the answer is compressed, which was not asked for", response.status_code)
            failed, error = response.status_code >= 400, b""
            async for piece in response.aiter_raw():
                received += len(piece)
                if received > ANSWER_LIMIT_BYTES:
                    raise RequestFailedError(f"the answer is over {ANSWER_LIMIT_BYTES // 2**20} MiB", response.status_code)
                if not failed:
                    yield piece
                    continue
                error += piece[: ERROR_LIMIT_BYTES - len(error)]
                if len(error) >= ERROR_LIMIT_BYTES:
                    break
            if failed:
                raise RequestFailedError(f"HTTP {response.status_code}: {_shown(error)}", response.status_code)
    except httpx2.HTTPError as error:
        raise RequestFailedError(f"{type(error).__name__}: {error}".rstrip(": ")) from None


def _count(value: object, otherwise: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else otherwise


def _shown(data: bytes | str) -> str:
    """A server's answer as printable characters, cut short."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return "".join(char if char.isprintable() else " " for char in text[:ERROR_LIMIT_BYTES]).strip()


def _struck(text: str, key: str | None) -> str:
    """The reason without the key, should a server repeat it, and short enough for one line."""
    return (text.replace(key, "***") if key else text)[:ERROR_SHOWN]
