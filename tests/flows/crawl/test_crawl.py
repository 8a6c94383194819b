"""The crawl against a loopback Hub with the real client: resuming, faults, outages, queries, and no Hub at all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from journalled import journal, row
from loopback_hub import Faults, LoopbackHub, Repo
from small_repos import crawled, quick_hub, sharded_repo, small_repo

from flows.crawl.crawl import crawl
from flows.hub import client as hub_module
from flows.hub.client import TokenRefusedError, open_hub, reachable
from flows.lake.lake import Lake, open_lake, read_requested
from flows.lake.model_lists import read_model_lists
from transforms.catalogs.model_list import ModelList, ModelListError, parse_model_list

pytestmark = pytest.mark.slow(12)

Serve = Callable[..., LoopbackHub]

CRAWL = """
    import sys
    from pathlib import Path
    from flows.crawl.crawl import crawl
    from flows.hub.client import open_hub
    from flows.lake.lake import open_lake
    from flows.hub.pauses_and_retries import Retries
    from transforms.catalogs.model_list import ModelList
    crawl(open_lake(Path(sys.argv[1])), ModelList(tuple(sys.argv[2:])), hub=open_hub(retries=Retries(8, 0.001, 0.01)))
"""


def many_repos(count: int) -> dict[str, Repo]:
    return {f"org/model-{number:03}": (sharded_repo if number % 3 == 0 else small_repo)() for number in range(count)}


def rows(lake: Lake) -> pl.DataFrame:
    """The table without what differs between two crawls of the same Hub."""
    return crawled(lake).drop("fetched_at", "read_at")


def crawl_apart(server: LoopbackHub, data: Path, ids: list[str], **environment: str) -> subprocess.Popen[str]:
    """A crawl in a process of its own, which reads HF_ENDPOINT as a user's would."""
    command = [sys.executable, "-c", textwrap.dedent(CRAWL), str(data), *ids]
    variables = {**os.environ, "HF_ENDPOINT": server.url, **environment}
    return subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_second_run_asks_for_no_file(serve: Serve, lake: Lake) -> None:
    repos = many_repos(20)
    server = serve(repos)
    first = crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    assert (first.hub, first.fetched, first.unchanged, first.statuses) == ("reached", 20, 0, {"ok": 20})
    before = rows(lake)
    server.forget()
    second = crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    assert (second.fetched, second.unchanged) == (0, 20)
    assert server.requests == {"metadata": 1, "listing": 1}  # one to see that the Hub is there, one for all models of one owner
    assert rows(lake).equals(before)
    assert read_requested(lake) == list(repos)


def test_a_changed_commit_is_fetched_again_and_full_fetches_all(serve: Serve, lake: Lake) -> None:
    repos = many_repos(4)
    server = serve(repos)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    repos["org/model-001"] = small_repo({"vocab_size": 999})
    report = crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    assert (report.fetched, report.unchanged) == (1, 3)
    config = rows(lake).filter(pl.col("model_id") == "org/model-001")["config_json"][0]
    assert json.loads(config)["vocab_size"] == 999
    assert crawl(lake, ModelList(tuple(repos)), full=True, hub=quick_hub(server)).fetched == 4


def test_a_tenth_of_all_answers_failing_changes_no_row(serve: Serve, lake: Lake, tmp_path: Path) -> None:
    repos = many_repos(60)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(serve(repos)))
    server = serve(repos, faults=Faults(0.1, seed=11))
    faulty = open_lake(tmp_path / "faulty")
    report = crawl(faulty, ModelList(tuple(repos)), hub=quick_hub(server))
    assert server.faulted > 5
    assert report.statuses == {"ok": 60}
    assert rows(faulty).equals(rows(lake))


def test_a_killed_run_goes_on_and_fetches_no_model_twice(serve: Serve, lake: Lake, tmp_path: Path) -> None:
    repos = many_repos(60)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(serve(repos)))
    server = serve(repos, latency_s=0.02)
    killed = open_lake(tmp_path / "killed")
    process = crawl_apart(server, killed.root, list(repos))
    while not killed.journal.exists() or killed.journal.read_bytes().count(b"\n") < 15:
        time.sleep(0.005)
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lines = [json.loads(line) for line in killed.journal.read_text().splitlines()[1:-1]]
    arrived = {line["row"]["model_id"] for line in lines if "row" in line}
    assert 10 <= len(arrived) < 60
    server.forget()
    again = crawl_apart(server, killed.root, list(repos))
    _, said = again.communicate()
    assert again.returncode == 0, said
    assert "interrupted run" in said
    asked = {entry[1].split("/resolve/")[0].removeprefix("/") for entry in server.log if "/resolve/" in entry[1]}
    assert asked and not asked & arrived
    assert rows(killed).equals(rows(lake))


def test_a_hub_that_goes_away_in_the_middle_is_noticed_and_facts_stay(serve: Serve, lake: Lake) -> None:
    repos = many_repos(200)
    server = serve(repos)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    before = rows(lake)
    server.forget()
    server.faults = Faults(1.0, kinds=("500",))
    report = crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    assert report.hub == "lost"
    assert report.statuses["network_failure"] < 100
    assert rows(lake).equals(before)


def test_one_models_trouble_is_its_own(serve: Serve, lake: Lake) -> None:
    repos = {**many_repos(3), "org/odd": small_repo(metadata=b"\xff\xfe"), "org/closed": small_repo(closed_files=frozenset("*"))}
    report = crawl(lake, ModelList((*repos, "org/absent")), hub=quick_hub(serve(repos)))
    assert report.statuses == {"ok": 3, "network_failure": 1, "gated": 1, "not_found": 1}
    assert rows(lake).height == 6


def test_queries_page_through_the_listing_and_need_no_metadata_request(serve: Serve, lake: Lake) -> None:
    repos = {**many_repos(25), "other/model": small_repo(downloads=5000)}
    server = serve(repos, page=10)
    models = parse_model_list("hub: author=org\nhub: sort=downloads limit=1\n", "list")
    report = crawl(lake, models, hub=quick_hub(server))
    assert set(read_requested(lake)) == set(repos) and report.models == len(repos)
    assert server.requests["listing"] == 3 + 1 + 1  # three pages, the limited query, and one to see that the Hub is there
    assert server.requests["metadata"] == 0
    server.forget()
    assert crawl(lake, models, hub=quick_hub(server)).unchanged == 26
    assert set(server.requests) == {"listing"}


def test_without_a_hub_queries_stand_for_their_last_answer(serve: Serve, lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    models = parse_model_list("hub: author=org\nhub: author=never-asked\n", "list")
    crawl(lake, parse_model_list("hub: author=org\n", "list"), hub=quick_hub(serve(many_repos(5))))
    report = crawl(lake, models, offline=True)
    assert report.models == 5 and report.hub == "offline"
    assert "1 Hub queries have never been answered" in capsys.readouterr().err


def test_offline_asks_nothing_and_says_so_once(serve: Serve, lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve(many_repos(3))
    report = crawl(lake, ModelList(("org/model-001",)), offline=True, hub=quick_hub(server))
    assert report.hub == "offline" and not server.requests
    assert capsys.readouterr().err.splitlines() == ["offline: the Hub is not asked; going on with the last known facts"]


def test_a_journal_left_behind_is_merged_even_offline(serve: Serve, lake: Lake) -> None:
    from flows.crawl.fetch_model import FetchedModel

    journal(lake, FetchedModel(row("a/b")))
    crawl(lake, ModelList(("a/b",)), offline=True)
    assert rows(lake)["model_id"].to_list() == ["a/b"]


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers, like a network that swallows packets."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_unreachable_hub_is_noticed_once(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    hub = open_hub("http://127.0.0.1:9", token=False)
    report = crawl(lake, ModelList(("a/b", "c/d", "e/f")), hub=hub)
    assert report.hub == "unreachable" and read_requested(lake) == ["a/b", "c/d", "e/f"]
    assert hub.requests.by_kind["metadata"] == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "cannot be reached" in said


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_refused_connections_and_unknown_names_are_no_hub(endpoint: str) -> None:
    assert not reachable(open_hub(endpoint, token=False))


def test_silence_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_PROBE_SECONDS", 0.3)
    with silent_server() as endpoint:
        assert not reachable(open_hub(endpoint, token=False))


def test_a_name_lookup_that_hangs_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_PROBE_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: time.sleep(5))
    assert not reachable(open_hub("http://hub.example", token=False))


@pytest.mark.parametrize(("kind", "answers"), [("500", True), ("429", True), ("503", True), ("drop", False)])
def test_an_error_of_the_hub_is_an_answer(serve: Serve, kind: str, answers: bool) -> None:
    server = serve({}, faults=Faults(1.0, kinds=(kind,)))
    assert reachable(quick_hub(server)) is answers


def test_a_hub_that_fails_at_first_is_reached(serve: Serve) -> None:
    server = serve({}, faults=Faults(0.7, seed=2, kinds=("drop",)))
    assert reachable(quick_hub(server))


def test_a_token_that_the_hub_refuses_ends_the_run_before_any_fact_is_lost(serve: Serve, lake: Lake) -> None:
    repos = many_repos(3)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(serve(repos)))
    before = rows(lake)
    server = serve(repos, refused_tokens=frozenset({"hf_old"}))
    with pytest.raises(TokenRefusedError, match="renew HF_TOKEN") as refusal:
        crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server, "hf_old"))
    assert "hf_old" not in str(refusal.value)
    assert rows(lake).equals(before)


def test_the_token_is_never_printed(serve: Serve, tmp_path: Path) -> None:
    server = serve(many_repos(2), faults=Faults(0.3, seed=5, kinds=("500", "drop")))
    process = crawl_apart(server, tmp_path / "data", ["org/model-000", "org/absent"], HF_TOKEN="hf_secret", HF_DEBUG="")
    printed, said = process.communicate()
    assert process.returncode == 0, said
    assert {entry[3] for entry in server.log} == {"Bearer hf_secret"}
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert "hf_secret" not in printed + said and b"hf_secret" not in stored
    assert "Traceback" not in said and "Retrying" not in said


def test_arguments_are_files_where_such_exist_else_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("gpt2\nQwen/Qwen3-8B\n")
    assert read_model_lists(["list.txt", "a/b", "hub: author=x"]).ids == ("gpt2", "Qwen/Qwen3-8B", "a/b")
    with pytest.raises(ModelListError, match=r"no such file, and .*no model id"):
        read_model_lists(["lists/absent/list.txt"])
    Path("bad.txt").write_text("gpt2\nno id\n")
    with pytest.raises(ModelListError, match=r"bad\.txt line 2"):
        read_model_lists(["bad.txt"])
    Path("binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelListError, match="no text file"):
        read_model_lists(["binary"])
    with pytest.raises(ModelListError):
        read_model_lists(["x" * 5000])


def test_the_bundled_list_is_the_default() -> None:
    assert len(read_model_lists([]).ids) >= 180
