"""A data directory on S3-compatible storage, and its local copy.

    <prefix>/lake/…, catalogs/…        the lake and the refreshed catalogs, file for file
    <prefix>/published/<run id>/…      versions, as in a data directory
    <prefix>/published/latest          the pointer: an object that holds the run id of the current version
    <prefix>/refresh.lease             which refresh is at work, or was last (`flows.remote.refresh_lease`)

The pointer is written last: one object, replaced whole by the store, is the switch. It is replaced only if it is still the one
that was read before the work began.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore
from pyarrow import ArrowException, fs

from flows.printing.progress import say
from flows.system.whole_file import whole_file, write_whole
from flows.versions.integrity import damage
from flows.versions.pointer import point_latest
from flows.versions.retention import Limits, limits_of, retire
from flows.versions.versions import RUN, Versions

if TYPE_CHECKING:
    from obstore import UpdateVersion

POINTER = "published/latest"
_MIRRORED = ("lake", "catalogs")
_STATE = ".s3.json"
_CACHED = Limits(versions=2, disk_bytes=float("inf"), grace_s=3600)
"""The versions that the local copy keeps; the store has them all."""
_LARGE = "recommendations.parquet"
"""The rows that the database holds as well: fetched only to be exported."""
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


class StorageError(ValueError):
    """The store cannot be used; the message says why."""


@dataclass(frozen=True)
class RemoteDirectory:
    """A data directory on a store, and its local copy: `files` are its objects as files, `objects` the same with conditions."""

    url: str
    files: fs.FileSystem
    objects: ObjectStore
    local: Path

    def current(self) -> str | None:
        """The run id that the pointer holds, or None where nothing is published. Raises StorageError."""
        with telling(self.url):
            try:
                with self.files.open_input_stream(POINTER) as stream:
                    run_id = stream.read(256).decode("utf-8", "replace").strip()
            except FileNotFoundError:
                return None
        if not _NAME.fullmatch(run_id) or run_id == "latest":
            raise StorageError(f"{self.url}/{POINTER} holds no run id")
        return run_id

    def versions(self) -> list[str]:
        """Run ids of the complete versions, oldest first."""
        return [str(run["run_id"]) for run, _, _ in self._runs()]

    def pointer_version(self) -> str | None:
        """The pointer's entity tag, which every change of it replaces; None where nothing is published. Raises StorageError."""
        with telling(self.url):
            try:
                return obstore.head(self.objects, POINTER)["e_tag"]
            except FileNotFoundError:
                return None

    def point(self, run_id: str, seen: str | None) -> None:
        """Make a version the current one, if the pointer is still the one that was seen. Raises StorageError."""
        with telling(self.url):
            mode: Literal["create"] | UpdateVersion = {"e_tag": seen} if seen else "create"
            try:
                obstore.put(self.objects, POINTER, run_id.encode(), mode=mode, attributes={"Content-Type": "text/plain"})
            except (AlreadyExistsError, PreconditionError):
                current = self.current()
                if current != run_id:  # else written, but the answer was lost and the write was tried again
                    raise StorageError(
                        f"{self.url}: another run has switched to {current} meanwhile; {run_id} is not published"
                    ) from None

    def fetch_version(self, run_id: str, whole: bool = False) -> None:
        """Have a version in the local copy and make it latest there.

        Raises FileNotFoundError when it is not, or not wholly, on the store, StorageError when it does not arrive as written.
        """
        root = Versions(self.local).root
        root.mkdir(parents=True, exist_ok=True)
        target = root / run_id
        listed = self._listed(f"published/{run_id}")
        if f"published/{run_id}/{RUN}" not in listed:
            raise FileNotFoundError(run_id)
        names = [path.removeprefix(f"published/{run_id}/") for path in listed]
        wanted = [name for name in names if whole or name != _LARGE]
        partial = root / f".{run_id}.{os.getpid()}.partial"
        try:
            for name in wanted:
                if not (target / name).is_file():
                    self._download(f"published/{run_id}/{name}", partial / name)
            target.mkdir(exist_ok=True)
            for name in sorted(wanted, key=lambda name: name == RUN):
                if (partial / name).is_file():
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    (partial / name).replace(target / name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        damaged = set(damage(target)) & {*wanted, RUN}
        if damaged:
            shutil.rmtree(target, ignore_errors=True)
            raise StorageError(f"{self.url}: version {run_id} did not arrive as it was written ({', '.join(sorted(damaged))})")
        if Versions(self.local).latest() != target:
            point_latest(Versions(self.local), run_id)
            retire(self.local, _CACHED)

    def pull(self) -> None:
        """Bring the local copy up to date: files of the lake and the refreshed catalogs that differ, and the current version.

        What a run on this machine wrote and did not bring back stays: the next run continues from it.
        """
        with telling(self.url):
            known, listed = self._state(), self._mirrored()
            for path, mark in listed.items():
                if known.get(path, {}).get("remote") != mark or not (self.local / path).is_file():
                    self._download(path, self.local / path)
                    known[path] = {"remote": mark, "local": _mark(self.local / path)}
            for path in [path for path in known if path not in listed]:
                (self.local / path).unlink(missing_ok=True)
                del known[path]
            self._write_state(known)
            run_id = self.current()
            if run_id is not None:
                self.fetch_version(run_id, whole=True)

    def push(self) -> None:
        """Bring back the files of the lake and of the refreshed catalogs that changed. Raises StorageError."""
        with telling(self.url):
            known = self._state()
            files = [path for directory in _MIRRORED for path in (self.local / directory).rglob("*") if _is_kept(path)]
            marks = {str(path.relative_to(self.local)): _mark(path) for path in sorted(files)}
            changed = [path for path, mark in marks.items() if known.get(path, {}).get("local") != mark]
            for path in changed:
                self._upload(self.local / path, path)
            for path in [path for path in known if path not in marks]:
                self.files.delete_file(path)
            listed = self._mirrored()
            self._write_state({path: {"remote": listed[path], "local": marks[path]} for path in marks if path in listed})

    def publish(self, run_id: str, seen: str | None, confirm: Callable[[], None]) -> None:
        """Bring a version to the store, then switch the pointer to it, then retire old ones.

        Args:
            run_id: the version.
            seen: the pointer's version when the work began.
            confirm: raises where another refresh may be at work on the store.

        Raises StorageError.
        """
        from flows.lake.catalogs import load_catalogs

        version = Versions(self.local).root / run_id
        paths = sorted((path for path in version.rglob("*") if path.is_file()), key=lambda path: (path.name == RUN, str(path)))
        with telling(self.url):
            for path in paths:
                self._upload(path, f"published/{run_id}/{path.relative_to(version)}")
        confirm()
        self.point(run_id, seen)
        say(f"published {self.url}/published/{run_id}")
        with telling(self.url):
            self._retire(limits_of(load_catalogs()["policies"]), run_id)

    def _runs(self) -> list[tuple[dict[str, object], int, float]]:
        """run.json, bytes and time of arrival (seconds) of every complete version, oldest first."""
        found = []
        with telling(self.url):
            listed = self._listed("published")
            for path, (_, moment) in listed.items():
                parts = path.split("/")
                if len(parts) == 3 and parts[2] == RUN and _NAME.fullmatch(parts[1]):
                    with self.files.open_input_stream(path) as stream:
                        run = json.loads(stream.read())
                    size = sum(mark[0] for other, mark in listed.items() if other.startswith(f"published/{parts[1]}/"))
                    found.append(({**run, "run_id": parts[1]}, size, moment / 1e9))
        return sorted(
            found, key=lambda entry: (entry[0].get("sequence", 0), str(entry[0].get("published_at")), entry[0]["run_id"])
        )

    def _retire(self, limits: Limits, current: str) -> None:
        used = sum(size for size, _ in self._listed("lake").values())
        within, superseded = True, float("inf")
        for position, (run, size, arrived) in enumerate(reversed(self._runs())):
            within = within and position < limits.versions and used + size <= limits.disk_bytes
            if within or run["run_id"] == current or abs(time.time() - superseded) < limits.grace_s:
                used += size
            else:
                self.files.delete_file(f"published/{run['run_id']}/{RUN}")  # first: without it this is no version
                self.files.delete_dir(f"published/{run['run_id']}")
            superseded = arrived

    def _mirrored(self) -> dict[str, list[int]]:
        return {path: mark for directory in _MIRRORED for path, mark in self._listed(directory).items()}

    def _listed(self, directory: str) -> dict[str, list[int]]:
        """Size and time of change (ns) of every object below a directory, by path."""
        found = self.files.get_file_info(fs.FileSelector(directory, recursive=True, allow_not_found=True))
        files = [info for info in found if info.type == fs.FileType.File and ".." not in info.path.split("/")]
        return {info.path: [info.size or 0, info.mtime_ns or 0] for info in files}

    def _download(self, path: str, target: Path) -> None:
        with self.files.open_input_stream(path) as source, whole_file(target) as stream:
            shutil.copyfileobj(source, stream, 2**20)

    def _upload(self, source: Path, path: str) -> None:
        with source.open("rb") as stream, self.files.open_output_stream(path) as target:
            shutil.copyfileobj(stream, target, 2**20)

    def _state(self) -> dict[str, dict[str, list[int]]]:
        try:
            return json.loads((self.local / _STATE).read_bytes())
        except (OSError, ValueError):
            return {}

    def _write_state(self, state: dict[str, dict[str, list[int]]]) -> None:
        write_whole(self.local / _STATE, json.dumps(state).encode())


def _is_kept(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and not path.name.endswith(".damaged")


def _mark(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


@contextmanager
def telling(url: str) -> Iterator[None]:
    """Name the store in its errors. Raises StorageError, and FileNotFoundError as it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ArrowException, BaseError) as error:
        raise StorageError(f"{url} cannot be used: {str(error).splitlines()[0][:300]}") from error
