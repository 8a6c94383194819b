"""The nightly refresh as a service in the foreground: a Prefect server of its own, a cron schedule, one run at a time.

`prefect.yaml` deploys the same flow to a work pool of a server that exists already.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows import orchestration  # noqa: F401 - sets Prefect up: before Prefect itself
from flows.lake import open_lake, refresh_lock
from flows.run_log import say

_START_SECONDS = 120


class ScheduleError(ValueError):
    """The schedule cannot be served; the message says why."""


def serve(cron: str, data: Path, models: Sequence[str] = ()) -> None:
    """Serve the nightly refresh until interrupted.

    Args:
        cron: when to run, five fields, UTC.
        data: the data directory.
        models: files of model ids, or ids; none for the bundled list.

    With PREFECT_API_URL that server keeps the schedule, else one is started on loopback and ends with this process. Raises
    ScheduleError for a bad cron line or when the server does not start.
    """
    _check_cron(cron)
    with refresh_lock(data):
        open_lake(data)
    data = data.resolve()
    with _server(data) as address:
        from prefect.deployments.runner import EntrypointType
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.refresh import refresh

        say(f"refreshing {data} at {cron!r} (UTC); server {address}; end with Ctrl-C")
        with temporary_settings({PREFECT_API_URL: address}):
            refresh.serve(
                name="nightly",
                cron=cron,
                parameters={"models": [_absolute(name) for name in models], "data": str(data)},
                limit=1,
                print_starting_message=False,
                entrypoint_type=EntrypointType.MODULE_PATH,  # by file, flows/catalogs.py would hide the catalogs package
            )


def _check_cron(cron: str) -> None:
    from prefect.client.schemas.schedules import CronSchedule

    try:
        CronSchedule(cron=cron)
    except ValueError:
        raise ScheduleError(f"{cron!r} is no cron line; write five fields, for example '0 3 * * *'") from None


def _absolute(name: str) -> str:
    # Runs start in a process of their own, perhaps elsewhere.
    return str(Path(name).resolve()) if Path(name).is_file() else name


@contextmanager
def _server(data: Path) -> Iterator[str]:
    """A Prefect server: the one that is configured, else one on loopback. The embedded one of a single run has no scheduler."""
    if "PREFECT_API_URL" in os.environ:
        yield os.environ["PREFECT_API_URL"]
        return
    home = data / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(home))}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}/api"
        _await_health(process, address, home / "server.log")
        yield address
    finally:
        process.terminate()
        process.wait()


def _await_health(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise ScheduleError(f"Prefect's server did not start; {log} says why")
