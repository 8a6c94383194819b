"""A loopback endpoint whose capacity is known: so many slots, each request holding one for a fixed time, the rest queueing.

Below saturation every request takes the service time; with c closed-loop users above it, c / slots times that. It answers as
an OpenAI-compatible server does (streamed) and as a workflow does, and misbehaves on request.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TOKENS = 4
"""Pieces of an answer; half of the service time passes before the first."""


@dataclass
class QueueingServer:
    """The server's knobs, and what it saw. `misbehave` writes a bad answer and returns True, or False to answer well."""

    slots: int = 4
    service_s: float = 0.02
    misbehave: Callable[[QueueingServer, asyncio.StreamWriter, bytes], bool] | None = None
    port: int = 0
    requests: list[tuple[str, dict[str, str], object]] = field(default_factory=list)
    most_at_once: int = 0
    _under_way: int = 0

    @property
    def address(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self.port}"


def answer(writer: asyncio.StreamWriter, body: bytes, status: str = "200 OK", headers: str = "") -> bool:
    """Write a whole answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    writer.write(head.encode() + body)
    return True


@contextmanager
def serving(server: QueueingServer) -> Iterator[QueueingServer]:
    """Serve on a free loopback port, in a thread of its own, while the block runs."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        free = asyncio.Semaphore(server.slots)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await _answer_one(server, free, reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        listening = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=512)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def serving_apart(slots: int, service_s: float) -> Iterator[str]:
    """Serve in a process of its own, so that the client's work does not slow the server down; yields the address."""
    command = [sys.executable, __file__, str(slots), str(service_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate()  # closing its input ends it


async def _answer_one(
    server: QueueingServer, free: asyncio.Semaphore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    path = head[0].split()[1]
    server.requests.append((path, headers, json.loads(body) if body else None))
    server._under_way += 1
    server.most_at_once = max(server.most_at_once, server._under_way)
    try:
        if server.misbehave is None or not server.misbehave(server, writer, body):
            if path.endswith("/models"):
                answer(writer, b'{"object": "list", "data": [{"id": "queue-1"}]}')
            else:
                async with free:
                    await _serve(server, path, writer)
        await writer.drain()
    finally:
        server._under_way -= 1
    return True


async def _serve(server: QueueingServer, path: str, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def until(share: float) -> None:
        await asyncio.sleep(start + share * server.service_s - loop.time())

    if path.startswith("/generate"):
        await until(1)
        answer(writer, b'{"value": "done"}')
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for number in range(TOKENS):
        await until(0.5 + 0.5 * number / (TOKENS - 1))
        _event(writer, {"choices": [_choice(path, f" word{number}", None)]})
    _event(writer, {"choices": [_choice(path, "", "stop")]})
    _event(writer, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": TOKENS}})
    _chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")


def _choice(path: str, text: str, finish_reason: str | None) -> dict[str, object]:
    said: dict[str, object] = {"delta": {"content": text}} if path.endswith("/chat/completions") else {"text": text}
    return {"index": 0, **said, "finish_reason": finish_reason}


def _event(writer: asyncio.StreamWriter, event: dict[str, object]) -> None:
    _chunk(writer, b"data: " + json.dumps(event).encode() + b"\n\n")


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


if __name__ == "__main__":
    with serving(QueueingServer(slots=int(sys.argv[1]), service_s=float(sys.argv[2]))) as here:
        print(here.address, flush=True)
        sys.stdin.read()
