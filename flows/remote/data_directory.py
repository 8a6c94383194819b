"""Data directories on S3-compatible storage: `--data s3://bucket/prefix`.

Work is done in a local copy (`flows.remote.object_store`). A refresh fetches what differs, works, and brings back the new
version, then the pointer to it, then the lake. Readers follow the pointer and fetch a version once. Credentials, region and
endpoint come from the usual AWS_* variables, or from the role of the machine; writing with conditions reads no profile of
~/.aws.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from obstore.store import S3Store
from pyarrow import fs

from flows.lake.lake import refresh_lock
from flows.remote.object_store import POINTER, RemoteDirectory, StorageError, telling
from flows.remote.refresh_lease import lease
from flows.versions.versions import NotPublishedError

_URL = re.compile(r"s3:/{1,2}([a-z0-9][a-z0-9.-]+)((?:/[^/]+)*)/?")  # pathlib makes one slash of two
_ATTEMPTS = 3


def is_remote(data: Path | str) -> bool:
    """True where a data directory is on S3-compatible storage."""
    return str(data).startswith("s3:/")


def local_directory(data: Path | str) -> Path:
    """The directory to work in: a local data directory itself, or this user's copy of a remote one. Raises StorageError."""
    if not is_remote(data):
        return Path(data)
    bucket, prefix = _parsed(data)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "shapefit" / hashlib.sha256(f"{_endpoint()}\n{bucket}/{prefix}".encode()).hexdigest()[:16]


def readable(data: Path, whole: bool = False) -> Path:
    """A local data directory whose latest version is that of `data`, for commands that only read.

    Args:
        data: a directory, returned as it is, or `s3://bucket/prefix`.
        whole: fetch the recommendations as Parquet as well.

    Raises NotPublishedError where nothing is published, StorageError when the store cannot be read.
    """
    if not is_remote(data):
        return data
    remote = open_remote(data)
    for attempt in range(_ATTEMPTS):
        run_id = remote.current()
        if run_id is None:
            raise NotPublishedError(f"nothing is published in {remote.url}: run `shapefit refresh` first, or name another --data")
        try:
            remote.fetch_version(run_id, whole)
            break
        except FileNotFoundError:  # retired while it was fetched: the pointer has moved on
            if attempt == _ATTEMPTS - 1:
                raise StorageError(f"{remote.url}: version {run_id}, which {POINTER} names, is not whole") from None
    return remote.local


@contextmanager
def checked_out(data: Path | str) -> Iterator[Callable[[str], None]]:
    """Work on a data directory under its local lock; yields a function that publishes the version of a run id.

    A remote directory is fetched first and its lake brought back at the end, even of a run that failed. Raises StorageError, or
    LakeError when another refresh holds the lease.
    """
    if not is_remote(data):
        yield lambda run_id: None
        return
    remote = open_remote(data)
    with telling(remote.url), lease(remote.objects, remote.url, f"{socket.gethostname()}:{remote.local}") as confirm:
        seen = remote.pointer_version()
        remote.pull()
        try:
            yield partial(remote.publish, seen=seen, confirm=confirm)
        finally:
            confirm()
            remote.push()


@contextmanager
def working_copy(data: Path) -> Iterator[Path]:
    """The local copy of a remote data directory, brought back when the block ends: for work that publishes no version."""
    local = local_directory(data)
    with refresh_lock(local), checked_out(data):
        yield local


def open_remote(data: Path | str) -> RemoteDirectory:
    """The store that a `s3://` URL names, by the AWS_* variables. Raises StorageError."""
    bucket, prefix = _parsed(data)
    endpoint = _endpoint()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ("us-east-1" if endpoint else None)
    with telling(f"s3://{bucket}"):
        store = fs.S3FileSystem(endpoint_override=endpoint or None, region=region, connect_timeout=10, request_timeout=60)
        if store.get_file_info(bucket).type != fs.FileType.Directory:
            raise StorageError(f"s3://{bucket}: no such bucket at {endpoint or 'AWS'}; make it, or name another --data")
        objects = S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=endpoint or None,
            region=store.region,
            client_options={"allow_http": endpoint.startswith("http://"), "connect_timeout": "10s", "timeout": "60s"},
        )
    url = f"s3://{bucket}/{prefix}".rstrip("/")
    return RemoteDirectory(url, fs.SubTreeFileSystem(f"{bucket}/{prefix}".rstrip("/"), store), objects, local_directory(data))


def _parsed(data: Path | str) -> tuple[str, str]:
    match = _URL.fullmatch(str(data))
    if match is None:
        raise StorageError(f"{data} is no S3 address; write s3://bucket/prefix")
    return match[1], match[2].strip("/")


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
