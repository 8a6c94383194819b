"""A crawl that is begun before its flow: taken over by it once, and ended with the run that began it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from loopback_hub import LoopbackHub
from small_repos import crawled, quick_hub, small_repo

from flows.crawl import crawl as crawl_module
from flows.crawl.crawl import begin_crawl, crawl
from flows.crawl.early_crawl import run_lock
from flows.crawl.fetch_model import FetchedModel
from flows.crawl.fetch_threads import FetchThreads
from flows.lake.lake import Lake, LakeError, read_requested, refresh_lock
from transforms.catalogs.model_list import parse_model_list
from transforms.tables.records import HubFiles

pytestmark = pytest.mark.slow(2)

Serve = Callable[..., LoopbackHub]
ORG = parse_model_list("hub: author=org", "list")


@pytest.fixture
def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """The Hub of this process: twenty models, listed one a page."""
    hub = serve({f"org/model-{number:02}": small_repo({"vocab_size": 100 + number}) for number in range(20)}, page=1)
    monkeypatch.setattr(crawl_module, "open_hub", lambda: quick_hub(hub))
    return hub


def test_a_flow_takes_over_the_crawl_that_was_begun_and_crawls_itself_when_tried_again(server: LoopbackHub, lake: Lake) -> None:
    with begin_crawl(lake.root, ORG, offline=False, full=False):
        assert crawl(lake, ORG, offline=False, full=False).fetched == 20
        asked = server.requests["listing"]
        assert crawl(lake, ORG, offline=False, full=False).unchanged == 20
        assert server.requests["listing"] == 2 * asked
    assert crawl(lake, ORG, offline=True, full=False).hub == "offline"


def test_it_is_taken_in_its_own_data_directory_only(server: LoopbackHub, lake: Lake) -> None:
    other = Lake(lake.root.parent / "other")
    other.directory.mkdir(parents=True)
    with begin_crawl(lake.root, ORG, offline=False, full=False):
        assert crawl(other, ORG, offline=True, full=False).hub == "offline"
        with run_lock(other.root), pytest.raises(LakeError, match="another refresh"), refresh_lock(other.root):
            pass


def test_the_lock_is_held_for_its_flow_and_against_others(server: LoopbackHub, lake: Lake) -> None:
    refused = threading.Event()

    def elsewhere() -> None:
        try:
            with run_lock(lake.root):
                pass
        except LakeError:
            refused.set()

    with begin_crawl(lake.root, ORG, offline=False, full=False):
        with run_lock(lake.root):
            pass
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert refused.is_set()
    with refresh_lock(lake.root):
        pass


def test_a_run_that_ends_early_asks_no_more_and_keeps_what_it_has(server: LoopbackHub, lake: Lake) -> None:
    with begin_crawl(lake.root, ORG, offline=False, full=False):
        crawl(lake, ORG, offline=False, full=False)
    server.forget()
    server.latency_s = 0.05

    class GoneError(Exception):
        """The run that began the crawl has failed."""

    with pytest.raises(GoneError), begin_crawl(lake.root, ORG, offline=False, full=True):
        while not server.requests["files"]:
            time.sleep(0.002)
        raise GoneError
    assert server.requests["listing"] < 20
    asked = server.requests.total()
    time.sleep(0.1)
    assert server.requests.total() == asked
    assert len(read_requested(lake)) == crawled(lake).height == 20


def test_what_fails_in_it_fails_where_it_is_taken(server: LoopbackHub, lake: Lake) -> None:
    lake.requested.mkdir()
    with begin_crawl(lake.root, ORG, offline=True, full=False), pytest.raises(LakeError, match=r"requested\.txt"):
        crawl(lake, ORG, offline=True, full=False)


def test_models_are_named_to_the_end_even_when_no_more_are_fetched() -> None:
    """Who is asked for is a fact by itself: a run without the Hub goes on with it."""
    stopped, ended = threading.Event(), threading.Event()

    def named() -> Iterator[list[str]]:
        yield ["a/b"]
        stopped.wait()
        yield ["c/d"]
        ended.set()

    def fetch(model_id: str) -> FetchedModel:
        return FetchedModel(HubFiles(model_id, "ok", "hub", None))

    with FetchThreads(fetch, named()) as fetchers:
        for results in fetchers.batches():
            assert [each.files.model_id for each in results] == ["a/b"]
            fetchers.stop()
            stopped.set()
    assert ended.is_set() and fetchers.named == 2
