"""Requests under load, against a server that behaves and one that does not: it is trusted with nothing."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

import pytest
from queueing_server import TOKENS, QueueingServer, answer, serving

from flows.size import endpoint as size_endpoint
from flows.size.endpoint import Endpoint, EndpointError, TimedRequest, open_client, request_url, send, served_model

KEY = "sk-secret-0123456789"


def ask(server: QueueingServer, api: str = "chat", turn: object = "hello", **changes: object) -> TimedRequest:
    endpoint = Endpoint(request_url(server.address, api), api, "queue-1", timeout_s=5, key=KEY)  # type: ignore[arg-type]
    endpoint = replace(endpoint, **changes)

    async def once() -> TimedRequest:
        async with open_client(endpoint, 1) as client:
            return await send(client, endpoint, turn)

    return asyncio.run(once())


def misbehaving(write) -> QueueingServer:
    return QueueingServer(misbehave=lambda server, writer, body: write(writer) or True)


def stream(*lines: bytes, status: str = "200 OK"):
    return lambda writer: answer(writer, b"\n".join(lines) + b"\n", status)


@pytest.mark.parametrize(
    ("address", "api", "url"),
    [
        ("http://h:8000", "chat", "http://h:8000/v1/chat/completions"),
        ("h:8000", "chat", "http://h:8000/v1/chat/completions"),
        ("https://h/v1/", "completions", "https://h/v1/completions"),
        ("https://h/openai/v1/chat/completions", "chat", "https://h/openai/v1/chat/completions"),
        ("http://localhost:8000", "workflow", "http://localhost:8000/generate/full"),
        ("http://localhost:8000/run", "workflow", "http://localhost:8000/run"),
    ],
)
def test_address(address: str, api: str, url: str) -> None:
    assert request_url(address, api) == url  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["ftp://h/", "http://user:word@h/", "http:///path", "file:///etc/passwd"])
def test_address_refused(address: str) -> None:
    with pytest.raises(EndpointError):
        request_url(address, "chat")


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_streamed_answer_is_timed_and_counted(api: str) -> None:
    with serving(QueueingServer(service_s=0.1)) as server:
        timed = ask(server, api, max_tokens=9)
    assert timed.error is None
    assert (timed.input_tokens, timed.output_tokens, timed.pieces) == (7, TOKENS, TOKENS)
    assert timed.start < timed.first_token < timed.last_token <= timed.end
    path, headers, body = server.requests[0]
    assert path == ("/v1/chat/completions" if api == "chat" else "/v1/completions")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (body["stream"], body["max_tokens"], body["model"]) == (True, 9, "queue-1")


def test_a_workflow_is_one_request() -> None:
    with serving(QueueingServer()) as server:
        timed = ask(server, "workflow", input_field="question")
    assert (timed.error, timed.first_token) == (None, None)
    assert server.requests[0][2] == {"question": "hello"}


def test_a_workflows_own_model_calls_are_timed() -> None:
    step = b'intermediate_data: {"payload": "{\\"event_type\\": \\"LLM_END\\", \\"event_timestamp\\": 5.0, %s}"}'
    short, absurd = (step % (b'\\"span_event_timestamp\\": ' + start) for start in (b"4.9999", b"-100.0"))
    with serving(misbehaving(stream(short, absurd, b"intermediate_data: {}", b'data: {"value": 1}'))) as server:
        timed = ask(server, "workflow")
    assert timed.error is None
    assert [round(end - start, 6) for start, end in timed.llm_calls] == [0.0001]


def test_an_answer_that_is_not_streamed_counts_too() -> None:
    body = b'{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}'
    with serving(misbehaving(lambda writer: answer(writer, body))) as server:
        timed = ask(server)
    assert (timed.error, timed.output_tokens) == (None, 3)


def test_the_served_model_is_asked_for() -> None:
    async def name(server: QueueingServer) -> str:
        endpoint = Endpoint(request_url(server.address, "chat"), "chat", None, timeout_s=5)
        async with open_client(endpoint, 1) as client:
            return await served_model(client, endpoint)

    with serving(QueueingServer()) as server:
        assert asyncio.run(name(server)) == "queue-1"
    with serving(misbehaving(lambda writer: answer(writer, b"{}"))) as server, pytest.raises(EndpointError, match="--model"):
        asyncio.run(name(server))


def test_no_redirect_is_followed() -> None:
    with serving(QueueingServer()) as other:
        location = f"location: {other.address}/v1/chat/completions\r\n"
        with serving(misbehaving(lambda writer: answer(writer, b"", "307 Temporary Redirect", location))) as server:
            timed = ask(server)
        assert timed.error.startswith(f"the endpoint redirects to 127.0.0.1:{other.port}")
        assert other.requests == []


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (stream(b"data: nonsense"), "the answer is not JSON: nonsense"),
        (stream(b"data: [1]"), "the answer is no object"),
        (stream(b"data: " + b"[" * 100_000), "the answer is not JSON"),
        (stream(b'data: {"error": {"message": "overloaded"}}'), "the server reports an error"),
        (stream(b'data: {"choices": [{"delta": {"content": "x"}}]}'), "the answer broke off before its end"),
        (stream(b"try later", status="503 Service Unavailable"), "HTTP 503: try later"),
        (lambda writer: writer.close(), "RemoteProtocolError"),
        (lambda writer: answer(writer, gzip.compress(b"x"), headers="content-encoding: gzip\r\n"), "compressed"),
    ],
    ids=["no json", "no object", "deep", "error event", "cut short", "503", "closed", "compressed"],
)
def test_bad_answers_are_failures(write, error: str) -> None:
    with serving(misbehaving(write)) as server:
        assert error in ask(server).error


def test_answers_are_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_endpoint, "ANSWER_LIMIT_BYTES", 2**20)
    monkeypatch.setattr(size_endpoint, "LINE_LIMIT_BYTES", 2**17)
    comments, line = b": keep-alive\n" * 200_000, b"data: " + b"x" * 2**19
    with serving(misbehaving(stream(comments))) as server:
        assert ask(server).error == "the answer is over 1 MiB"
    with serving(misbehaving(stream(line))) as server:
        assert "a line of the answer is over" in ask(server).error


def test_answers_are_bounded_in_time() -> None:
    def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n:\r\n")

    with serving(misbehaving(trickle)) as server:
        assert ask(server, timeout_s=0.2).error == "no answer within 0.2 s (--endpoint-timeout)"


def test_nobody_there_is_a_failure() -> None:
    with serving(QueueingServer()) as server:
        pass
    assert "ConnectError" in ask(server).error


def test_an_error_that_repeats_the_key_is_struck_out() -> None:
    reply = f"Incorrect API key {KEY} in Bearer {KEY}".encode()
    with serving(misbehaving(stream(reply, status="401 Unauthorized"))) as server:
        timed = ask(server)
    assert timed.error == "HTTP 401: Incorrect API key *** in Bearer ***"
    assert KEY not in repr(Endpoint("http://h", "chat", None, 1, key=KEY))


def test_an_error_holds_no_control_characters() -> None:
    with serving(misbehaving(stream(b"\x1b[31mred\x07", status="500 Oops"))) as server:
        assert ask(server).error == "HTTP 500: [31mred"
