"""Prefect, made to run unnoticed: its server starts with the flow, keeps its files in the data directory and stays silent.

Import this module before Prefect: most of its settings are read while it is imported.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.prefect_runtime.server import PrefectServer, starting_server

_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # At exit the server's services are cancelled and uvicorn logs each as an error with its traceback.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # Run logs go to Prefect's own store; the terminal shows the lines of `flows.printing.progress` and the command's errors.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}

# Prefect makes its default home directory on import, though the data directory is used; without a writable home it would say so.
warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")

for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)


def start_server(data: Path) -> PrefectServer | None:
    """Start a server of this process's own, its files in `<data>/prefect`; None where PREFECT_API_URL names another.

    It boots while the caller continues, and ends with this process: Prefect sends the last events of its runs at exit.
    PREFECT_HOME, where set, is kept.
    """
    if "PREFECT_API_URL" in os.environ:
        return None
    home = Path(os.environ.get("PREFECT_HOME", data / "prefect")).resolve()
    running = ExitStack()
    server = running.enter_context(starting_server(home, scheduler=False))
    atexit.register(running.close)
    return server


@contextmanager
def prefect_home(server: PrefectServer | None) -> Iterator[None]:
    """Run flows on a server that was started; on None, as the environment says."""
    if server is None:
        yield
        return
    from prefect.settings import (
        PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        temporary_settings,
    )

    server.await_health()
    quick = {
        # Nobody waits for heartbeats on a server that ends with the run, but each flow would wait up to a second for its last.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        # This server speaks plain HTTP on loopback, but each of the run's many clients would first read all certificates.
        PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True,
    }
    with temporary_settings({PREFECT_HOME: server.home, PREFECT_API_URL: server.address, **quick}):
        yield
