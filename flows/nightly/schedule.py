"""The nightly refresh as a service in the foreground: a Prefect server, a cron schedule, one run at a time.

`prefect.yaml` deploys the same flow to a work pool of a server that exists already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.lake.lake import open_lake, refresh_lock
from flows.prefect_runtime import settings  # noqa: F401 - sets Prefect up: before Prefect itself
from flows.prefect_runtime.server import prefect_server
from flows.printing.progress import say
from flows.remote.data_directory import is_remote, local_directory


class ScheduleError(ValueError):
    """The schedule cannot be served; the message says why."""


def serve(cron: str, data: Path, models: Sequence[str] = ()) -> None:
    """Serve the nightly refresh until interrupted.

    Args:
        cron: when to run, five fields, UTC.
        data: the data directory, or `s3://bucket/prefix`.
        models: files of model ids, or ids; none for the bundled list.

    With PREFECT_API_URL that server keeps the schedule, else one is started on loopback and ends with this process. Raises
    ScheduleError for a bad cron line, ServerError when the server does not start.
    """
    _check_cron(cron)
    local = local_directory(data)
    with refresh_lock(local):
        open_lake(local)
    if not is_remote(data):
        data = data.resolve()
    with _server(local) as address:
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
    # Runs start in separate processes, perhaps in another directory.
    return str(Path(name).resolve()) if Path(name).is_file() else name


@contextmanager
def _server(data: Path) -> Iterator[str]:
    """A Prefect server: the one that is configured, else one on loopback that ends with this process."""
    if "PREFECT_API_URL" in os.environ:
        yield os.environ["PREFECT_API_URL"]
        return
    home = Path(os.environ.get("PREFECT_HOME", data / "prefect")).resolve()
    with prefect_server(home, scheduler=True) as address:
        yield address
