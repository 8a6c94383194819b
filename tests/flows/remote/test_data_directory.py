"""Data directories on S3-compatible storage, against a store on loopback: the pointer is the switch, readers follow it."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import obstore
import pytest
from obstore.exceptions import PreconditionError
from plain_refresh import leave_prefect_out
from published_set import tables_of
from pyarrow import fs

from flows.cli import main
from flows.lake.lake import LakeError, open_lake, write_requested
from flows.remote.data_directory import checked_out, local_directory, open_remote, readable
from flows.remote.object_store import StorageError
from flows.remote.refresh_lease import LEASE, lease
from flows.versions.retention import Limits
from flows.versions.versions import DATABASE, Versions, read_run
from transforms.tables.contracts import CATALOG_TABLES

pytestmark = pytest.mark.slow(9)

FILES = (DATABASE, "recommendations.parquet", "rejects.parquet")
COUNT = "select count(*) as models from models"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3-compatible store."""
    from moto.server import ThreadedMotoServer  # here: it takes as long to import as the tests of a file to run

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = fs.S3FileSystem(
        access_key="key",
        secret_key="hidden",
        endpoint_override=f"http://{host}:{port}",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    store.create_dir("models")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def refreshed(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """A refresh of one model to the store."""
    from flows import refresh
    from flows.estimate import estimate_flow

    cache = tmp_path_factory.mktemp("refreshed")
    tables = tables_of(shapes=1)
    catalogs = {name: tables[name] for name in CATALOG_TABLES}
    with pytest.MonkeyPatch.context() as patch:
        environment(patch, endpoint, cache)
        for module in (refresh, estimate_flow):
            patch.setattr(module, "load_catalogs", lambda **data: catalogs)
        leave_prefect_out(patch.setattr)
        report = refresh.refresh(["Qwen/Qwen2.5-7B-Instruct"], "s3://models/refreshed", offline=True)
        local = local_directory("s3://models/refreshed")
    return Refreshed(report.run_id, Versions(local).root / report.run_id)


@pytest.fixture
def url(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own in a bucket of the store, and the environment that leads there."""
    environment(monkeypatch, endpoint, tmp_path / "writer")
    return f"s3://models/{tmp_path.name}"


@dataclass(frozen=True)
class Refreshed:
    """A version that a refresh published to the store: its run id, and its files on the machine that built it."""

    run_id: str
    version: Path


def environment(patch: pytest.MonkeyPatch, endpoint: str, cache: Path) -> None:
    for name, value in (("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "hidden"), ("AWS_ENDPOINT_URL", endpoint)):
        patch.setenv(name, value)
    patch.setenv("XDG_CACHE_HOME", str(cache))


def on_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


def published(url: str, refreshed: Refreshed, *names: str) -> None:
    """Publish the main files of the refreshed version under these names, one after the other."""
    local = local_directory(url)
    for name in names:
        with checked_out(url) as hand_over:
            version = local / "published" / name
            version.mkdir(parents=True)
            for file in FILES:
                shutil.copyfile(refreshed.version / file, version / file)
            run = read_run(refreshed.version)
            sums = {file: run["files"][file] for file in FILES}
            run |= {"run_id": name, "sequence": len(open_remote(url).versions()) + 1, "files": sums}
            (version / "run.json").write_text(json.dumps(run))
            hand_over(name)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_readers_follow_the_pointer(
    url: str, refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", COUNT, "--data", url]) == 2
    assert f"nothing is published in {url}" in said(capsys)
    published(url, refreshed, "one")
    on_machine(monkeypatch, tmp_path, "reader")
    monkeypatch.setenv("SHAPEFIT_DATA", url)
    assert main(["query", COUNT, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"models": 1}]
    version = Versions(local_directory(url)).latest()
    assert version.name == "one"
    assert not (version / "recommendations.parquet").exists()  # the database holds the same rows
    readable(Path(url), whole=True)
    assert (version / "recommendations.parquet").is_file()
    on_machine(monkeypatch, tmp_path, "writer")
    published(url, refreshed, "two")
    on_machine(monkeypatch, tmp_path, "reader")
    assert readable(Path(url)) == local_directory(url)
    assert Versions(local_directory(url)).latest().name == "two"
    capsys.readouterr()
    assert main(["status", "--format", "json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["run_id"], status["versions"], status["path"]) == ("two", ["one", "two"], f"{url}/published/two")
    assert main(["rollback"]) == 0
    assert "latest is one" in said(capsys)
    assert open_remote(url).current() == "one" == Versions(local_directory(url)).latest().name


def test_a_version_that_is_not_pointed_to_is_not_read(
    url: str, refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.remote.object_store import RemoteDirectory

    published(url, refreshed, "one")

    def dies(remote: RemoteDirectory, run_id: str, seen: str | None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(RemoteDirectory, "point", dies)
        with pytest.raises(KeyboardInterrupt):
            published(url, refreshed, "two")
    on_machine(monkeypatch, tmp_path, "reader")
    assert main(["query", COUNT, "--data", url]) == 0
    assert Versions(local_directory(url)).latest().name == "one"
    on_machine(monkeypatch, tmp_path, "writer")
    published(url, refreshed, "three")
    on_machine(monkeypatch, tmp_path, "reader")
    assert Versions(readable(Path(url))).latest().name == "three"


def test_the_lake_goes_from_machine_to_machine(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with checked_out(url):
        write_requested(open_lake(local_directory(url)), ["org/one"])
    on_machine(monkeypatch, tmp_path, "another")
    with pytest.raises(RuntimeError), checked_out(url):
        lake = open_lake(local_directory(url))
        assert lake.requested.read_text() == "org/one\n"
        write_requested(lake, ["org/two", "org/three"])
        (lake.directory / "hub_files.parquet").write_bytes(b"rows")
        (lake.directory / "models.parquet.damaged").write_bytes(b"?")
        raise RuntimeError  # what a failed run has crawled is kept
    on_machine(monkeypatch, tmp_path, "writer")
    with checked_out(url):
        lake = open_lake(local_directory(url))
        assert lake.requested.read_text() == "org/two\norg/three\n"
        assert sorted(path.name for path in lake.directory.iterdir()) == ["hub_files.parquet", "requested.txt"]
        lake.table("hub_files").unlink()
    assert sorted(open_remote(url)._listed("lake")) == ["lake/requested.txt"]


def test_what_a_killed_run_left_on_this_machine_stays(url: str) -> None:
    lake = open_lake(local_directory(url))
    with checked_out(url):
        write_requested(lake, ["org/one"])
    write_requested(lake, ["org/killed", "org/run"])
    lake.journal.write_text("{}\n")
    with checked_out(url):
        assert lake.requested.read_text() == "org/killed\norg/run\n"
        assert lake.journal.exists()


def leased_by(url: str, owner: str, seconds: float) -> None:
    with open_remote(url).files.open_output_stream(LEASE) as stream:
        stream.write(json.dumps({"owner": owner, "expires": time.time() + seconds}).encode())


def test_one_refresh_at_a_time_holds_the_lease(url: str) -> None:
    leased_by(url, "elsewhere", 60)
    with pytest.raises(LakeError, match=r"another refresh is at work in .* \(elsewhere\)"), checked_out(url):
        pass
    leased_by(url, "elsewhere", -1)
    with checked_out(url), pytest.raises(LakeError), lease(open_remote(url).objects, url, "elsewhere"):
        pass
    with lease(open_remote(url).objects, url, "elsewhere"):  # given back: nobody has to wait
        pass


@pytest.mark.parametrize("left", ["nothing", "a lease that has run out", "nonsense"])
def test_of_many_that_reach_for_the_lease_at_once_one_gets_it_and_the_others_are_told_who(url: str, left: str) -> None:
    if left == "a lease that has run out":
        leased_by(url, "dead", -1)
    if left == "nonsense":
        with open_remote(url).files.open_output_stream(LEASE) as stream:
            stream.write(b'{"owner": 3')
    together, afterwards = Barrier(8), Barrier(8)

    def reach(number: int) -> str:
        objects = open_remote(url).objects
        together.wait()
        try:
            with lease(objects, url, f"machine-{number}"):
                afterwards.wait()
                return ""
        except LakeError as error:
            afterwards.wait()
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(reach, range(8)))
    assert answers.count("") == 1
    told = f"another refresh is at work in {url} (machine-{answers.index('')}); wait for it to end"
    assert set(answers) == {"", told}


@pytest.mark.parametrize("takes_over", ["elsewhere", None])
def test_a_refresh_whose_lease_was_taken_over_publishes_nothing(url: str, refreshed: Refreshed, takes_over: str | None) -> None:
    published(url, refreshed, "one")
    with pytest.raises(LakeError, match="another refresh is at work"), checked_out(url) as hand_over:
        shutil.copytree(local_directory(url) / "published" / "one", local_directory(url) / "published" / "two")
        if takes_over:
            leased_by(url, takes_over, 60)
        else:
            open_remote(url).files.delete_file(LEASE)
        hand_over("two")
    assert open_remote(url).current() == "one"


def test_a_pointer_that_another_has_switched_meanwhile_is_left_alone(url: str, refreshed: Refreshed) -> None:
    published(url, refreshed, "one", "two")
    remote = open_remote(url)
    refused = pytest.raises(StorageError, match="another run has switched to one meanwhile; three is not published")
    with refused, checked_out(url) as hand_over:
        shutil.copytree(local_directory(url) / "published" / "two", local_directory(url) / "published" / "three")
        assert main(["rollback", "--data", url]) == 0
        hand_over("three")
    assert remote.current() == "one"
    with pytest.raises(StorageError, match="another run has switched to one meanwhile"):
        remote.point("two", None)


def test_a_write_whose_answer_was_lost_is_not_taken_for_another_s(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put = obstore.put

    def unheard(*given: object, **options: object) -> None:
        put(*given, **options)
        raise PreconditionError("tried again, and the condition no longer holds")

    monkeypatch.setattr(obstore, "put", unheard)
    remote = open_remote(url)
    with lease(remote.objects, url, "here") as confirm:
        confirm()
    remote.point("one", remote.pointer_version())
    assert remote.current() == "one"


def test_old_versions_are_retired_from_the_store(url: str) -> None:
    remote = open_remote(url)
    for sequence, name in enumerate(("one", "two", "three"), 1):
        with remote.files.open_output_stream(f"published/{name}/run.json") as stream:
            stream.write(json.dumps({"sequence": sequence}).encode())
    remote._retire(Limits(1, float("inf"), 3600), "three")
    assert remote.versions() == ["one", "two", "three"]  # readers may be fetching what was latest a moment ago
    remote._retire(Limits(2, float("inf"), 0), "one")
    assert remote.versions() == ["one", "two", "three"]
    remote._retire(Limits(1, float("inf"), 0), "two")
    assert remote.versions() == ["two", "three"]
    remote._retire(Limits(7, 0, 0), "three")
    assert remote.versions() == ["three"]


def test_what_is_wrong_with_the_store_is_said_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", COUNT, "--data", "s3://no-such-bucket/x"]) == 2
    assert "no such bucket" in said(capsys)
    assert main(["status", "--data", "s3:///x"]) == 2
    assert "write s3://bucket/prefix" in said(capsys)
    with open_remote(url).files.open_output_stream("published/latest") as stream:
        stream.write(b"../../etc")
    assert main(["query", COUNT, "--data", url]) == 2
    assert "holds no run id" in said(capsys)
    with open_remote(url).files.open_output_stream("published/latest") as stream:
        stream.write(b"gone")
    with pytest.raises(StorageError, match="not whole"):
        readable(Path(url))


def test_a_version_that_does_not_arrive_as_written_is_not_read(
    url: str, refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(url, refreshed, "one")
    with open_remote(url).files.open_output_stream(f"published/one/{DATABASE}") as stream:
        stream.write(b"other")
    on_machine(monkeypatch, tmp_path, "reader")
    with pytest.raises(StorageError, match="did not arrive as it was written"):
        readable(Path(url))
    assert Versions(local_directory(url)).latest() is None


def test_a_refresh_publishes_to_the_store(refreshed: Refreshed, url: str) -> None:
    assert Versions(readable(Path("s3://models/refreshed"))).latest().name == refreshed.run_id
    remote = open_remote("s3://models/refreshed")
    assert remote.current() == refreshed.run_id
    assert {"lake/models.parquet", "lake/requested.txt"} <= set(remote._listed("lake"))
