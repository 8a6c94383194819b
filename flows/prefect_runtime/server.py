"""A Prefect server on loopback that ends with the process that started it, however that ends.

Prefect's own embedded server outlives a parent that is killed. This one reads a pipe whose other end only the parent holds: when
the kernel closes that end, the server is gone too, on any system and whichever thread started it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.system.processes import module_command, module_environment

_START_SECONDS = 120  # on two busy cores the server takes up to 30 s
_STOP_SECONDS = 10
_LOG = "server.log"


class ServerError(ValueError):
    """Prefect's server did not start; the message says where its log is."""


@dataclass(frozen=True)
class PrefectServer:
    """A server that was started: its process, where it keeps its files, and the address of its API, which answers before long."""

    process: subprocess.Popen[bytes]
    home: Path
    address: str

    def await_health(self) -> None:
        """Wait until it answers. Raises ServerError."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise ServerError(f"Prefect's server did not start; {self.home / _LOG} says why")


@contextlib.contextmanager
def prefect_server(home: Path, scheduler: bool) -> Iterator[str]:
    """Run a server while the block runs; yields the address of its API, which answers.

    Args:
        home: where Prefect keeps its database, and the server its log.
        scheduler: whether it also keeps schedules, late runs and automations; a single run needs none of them.

    Raises ServerError.
    """
    with starting_server(home, scheduler) as server:
        server.await_health()
        yield server.address


@contextlib.contextmanager
def starting_server(home: Path, scheduler: bool) -> Iterator[PrefectServer]:
    """Run a server while the block runs, which begins while the server still boots."""
    home.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = module_command("flows.prefect_runtime.server", str(port), "all" if scheduler else "single")
    environment = {**module_environment(), "PREFECT_HOME": str(home), "PREFECT_UI_ENABLED": "0"}
    if not scheduler:
        environment["PREFECT_API_BLOCKS_REGISTER_ON_START"] = "false"  # blocks are for automations
    with (home / _LOG).open("wb") as written:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=written, stderr=written, env=environment, start_new_session=True
        )
    try:
        yield PrefectServer(process, home, f"http://127.0.0.1:{port}/api")
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # nothing is ever written: this returns when the parent is gone
    os._exit(0)


def main(port: str, services: str) -> None:
    """Serve until the parent ends or asks to stop."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()  # what is imported stays: looking for garbage among it takes a fifth of the time
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=services == "single", final=True)
    gc.freeze()
    gc.enable()
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error", lifespan="on")


if __name__ == "__main__":
    main(*sys.argv[1:])
