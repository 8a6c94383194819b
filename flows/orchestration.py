"""Prefect, made to run unnoticed: its server starts with the flow, keeps its files in the data directory and stays silent.

Import this module before Prefect: most of its settings are read while it is imported.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = {
    # On two cores the embedded server takes up to 30 s to start; Prefect gives up after 20.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # At exit the server's services are cancelled and uvicorn logs each as an error with its traceback.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # Run logs go to Prefect's own store; the terminal shows the lines of `flows.run_log`, and errors the command line's.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}

# Prefect makes its default home directory on import, though the data directory is used; without a writable home it would say so.
warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")

for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)


@contextmanager
def prefect_home(data: Path) -> Iterator[None]:
    """Keep Prefect's database and logs in `<data>/prefect`, unless PREFECT_HOME or a server of one's own is set."""
    if "PREFECT_HOME" in os.environ or "PREFECT_API_URL" in os.environ:
        yield
        return
    from prefect.settings import PREFECT_HOME, temporary_settings

    home = (data / "prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    with temporary_settings({PREFECT_HOME: home}):
        yield
