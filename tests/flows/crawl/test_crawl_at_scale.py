"""What makes a crawl of the whole Hub affordable: listings, headers shared among fine-tunes, budgets, texts kept once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from loopback_hub import LoopbackHub, Repo, safetensors_file
from small_repos import LLAMA, crawled, llama_tensors, quick_hub, sharded_repo, small_repo

from flows.crawl import crawl as crawl_module
from flows.crawl import fetch_threads as fetchers_module
from flows.crawl.crawl import crawl
from flows.extract.extract import extract, read_extracted
from flows.hub import listing as listing_module
from flows.hub.request_budget import note_sent, sent_today
from flows.lake.lake import Lake, open_lake, read_requested, read_table
from transforms.architecture.content_keys import config_key, totals_agree
from transforms.catalogs.model_list import ModelList, parse_model_list
from transforms.weights.safetensors import check_tensors, summarize

pytestmark = pytest.mark.slow(6)

Serve = Callable[..., LoopbackHub]
ORG = parse_model_list("hub: author=org", "list")


def totals_of(repo: Repo) -> dict[str, int]:
    """What the Hub would count of a repository's tensors."""
    return {
        "BF16": sum(content.size - len(content.head) for content in repo.files.values() if not isinstance(content, bytes)) // 2
    }


def fine_tune(number: int, base: Callable[..., Repo] = small_repo, **config: object) -> Repo:
    """A repository with tensors and totals of the small llama, a commit of its own, and a config that names itself."""
    repo = base()
    text = json.dumps({"_name_or_path": f"me/{number}", **LLAMA, **config}).encode()
    return Repo({**repo.files, "config.json": text}, sha=f"{number:040x}", totals=totals_of(repo))


def test_a_fine_tune_costs_one_request_and_has_its_base_models_headers(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": fine_tune(number, sharded_repo) for number in range(40)}
    server = serve(repos)
    report = crawl(lake, ORG, hub=quick_hub(server))
    assert server.requests == {"listing": 2, "files": 40, "sharded metadata": 1}
    assert (report.fetched, report.shared_headers) == (40, 39)
    rows = crawled(lake)
    assert rows["header_summary"].n_unique() == 1 and rows["headers_of"].n_unique() == 1
    assert extract(lake, read_requested(lake)).counts["architectures"] == 1
    assert read_extracted(lake)["architectures"]["sizes_source"].to_list() == ["header"]
    server.forget()
    repos["org/model-new"] = fine_tune(99)
    assert crawl(lake, ORG, hub=quick_hub(server)).shared_headers == 1  # known from the night before
    assert server.requests == {"listing": 2, "files": 1}


@pytest.mark.parametrize(
    "changed",
    [
        fine_tune(1, intermediate_size=129),
        Repo(fine_tune(1).files, sha="1", totals={"BF16": 7}),
        Repo(fine_tune(1).files, sha="1", totals={"F16": totals_of(small_repo())["BF16"]}),
        Repo(fine_tune(1).files, sha="1"),
        Repo({**fine_tune(1).files, "quantize_config.json": b'{"bits": 4}'}, sha="1", totals=totals_of(small_repo())),
    ],
    ids=["another config", "other totals", "another dtype", "no totals", "a quantization file"],
)
def test_a_model_that_is_not_quite_the_same_has_its_own_headers_read(serve: Serve, lake: Lake, changed: Repo) -> None:
    server = serve({"org/base": fine_tune(0)})
    crawl(lake, ORG, hub=quick_hub(server))
    server.repos["org/changed"] = changed
    server.forget()
    assert crawl(lake, ORG, hub=quick_hub(server)).shared_headers == 0
    assert server.requests["headers"] == 2


def test_headers_that_disagree_with_the_stated_totals_are_nobody_elses(serve: Serve, lake: Lake) -> None:
    wrong = Repo(fine_tune(0).files, sha="0" * 40, totals={"BF16": 5})
    server = serve({"org/a": wrong, "org/b": Repo(wrong.files, sha="1" * 40, totals={"BF16": 5})})
    assert crawl(lake, ORG, hub=quick_hub(server)).shared_headers == 0
    assert crawled(lake)["headers_of"].to_list() == [None, None]


def test_without_loadable_weights_nothing_is_shared(serve: Serve, lake: Lake) -> None:
    base, bare = fine_tune(0), fine_tune(1)
    only_config = Repo({"config.json": bare.files["config.json"]}, sha="1" * 40, totals=bare.totals)
    report = crawl(lake, ORG, hub=quick_hub(serve({"org/base": base, "org/bare": only_config})))
    assert report.shared_headers == 0
    assert crawled(lake).filter(pl.col("model_id") == "org/bare")["header_summary"].to_list() == [None]


def test_an_unchanged_listing_costs_nothing_more_and_brings_new_counts(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(5)}
    server = serve(repos, page=2)
    crawl(lake, ORG, hub=quick_hub(server))
    repos["org/model-3"].downloads = 4711
    server.forget()
    report = crawl(lake, ORG, hub=quick_hub(server))
    assert (report.fetched, report.unchanged) == (0, 5)
    assert server.requests == {"listing": 4}  # three pages, and one to see that the Hub is there
    row = crawled(lake).filter(pl.col("model_id") == "org/model-3").to_dicts()[0]
    assert row["downloads"] == 4711 and row["fetched_at"] > row["read_at"]


def test_pages_ask_for_a_thousand_models_and_what_they_need(serve: Serve, lake: Lake) -> None:
    asked: list[str] = []
    server = serve({"org/model": fine_tune(0)})
    hub = quick_hub(server)
    crawl(lake, ORG, hub=hub)
    from huggingface_hub.utils import get_session

    get_session().event_hooks["request"].append(lambda request: asked.append(str(request.url)))
    crawl(lake, ORG, hub=hub)
    assert "limit=1000" in asked[-1] and all(f"expand={name}" in asked[-1] for name in ("sha", "safetensors", "config", "gated"))


@pytest.mark.parametrize("limit", [None, 1_000])
def test_models_are_fetched_while_others_are_listed_unless_a_budget_is_to_go_to_the_oldest(
    serve: Serve, lake: Lake, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr(crawl_module, "daily_limit", lambda: limit)
    server = serve({f"org/model-{number}": fine_tune(number) for number in range(20)}, page=1, latency_s=0.01)
    assert crawl(lake, ORG, hub=quick_hub(server)).fetched == 20
    asked = [entry[1] for entry in server.log]
    first_config = next(place for place, target in enumerate(asked) if target.endswith("config.json"))
    listings_after = asked[first_config:].count("/api/models")
    assert listings_after > 3 if limit is None else listings_after == 0


def test_a_listing_that_breaks_off_keeps_what_was_fetched_and_its_last_answer(
    serve: Serve, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(4)}
    server = serve(repos, page=1)
    crawl(lake, ORG, hub=quick_hub(server))
    too_long = Repo({**fine_tune(8).files, "x" * 20_000: b""}, sha="8")
    repos |= {"org/new": fine_tune(7), "org/too-long": too_long, "org/last": fine_tune(9)}
    monkeypatch.setattr(listing_module, "_PAGE_BYTES", 10_000)
    report = crawl(lake, ORG, hub=quick_hub(server))
    assert (report.models, report.fetched) == (4, 1)
    assert set(crawled(lake)["model_id"]) == {"org/new", *(f"org/model-{number}" for number in range(4))}
    assert "its last known answer is used" in capsys.readouterr().err


def test_ids_of_one_owner_are_listed_and_others_asked_for(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(8)} | {"solo/model": fine_tune(9)}
    server = serve(repos)
    crawl(lake, ModelList(tuple(repos)), hub=quick_hub(server))
    assert (server.requests["listing"], server.requests["metadata"]) == (1, 1 + 1)


def test_a_hub_that_lists_nothing_useful_is_asked_one_by_one(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(5)}
    for repo in repos.values():
        repo.listed = False  # as mirrors do
    server = serve(repos)
    report = crawl(lake, ORG, hub=quick_hub(server))
    assert server.requests["metadata"] == 5 and report.statuses == {"ok": 5}


@pytest.mark.parametrize(("gated", "status"), [(False, "speech"), ("manual", "gated")])
def test_a_summary_that_shows_no_decoder_saves_the_config(serve: Serve, lake: Lake, gated: object, status: str) -> None:
    summary = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}
    closed = frozenset({"*"}) if gated else frozenset()
    server = serve({"org/model": small_repo(summary=summary, gated=gated, closed_files=closed)})
    assert crawl(lake, ORG, hub=quick_hub(server)).statuses == {status: 1}
    assert server.requests["files"] == (1 if gated else 0)


def test_the_days_budget_is_kept_and_the_next_night_goes_on(
    serve: Serve, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crawl_module, "daily_limit", lambda: 15)
    repos = {f"org/model-{number}": fine_tune(number) for number in range(40)}
    server = serve(repos)
    first = crawl(lake, ORG, hub=quick_hub(server))
    assert sum(server.requests.values()) == sent_today(lake) <= 15
    assert 0 < first.fetched < 15 and first.fetched + first.postponed == 40
    assert f"{first.postponed} models wait for the next night" in capsys.readouterr().err
    assert extract(lake, read_requested(lake)).counts["models"] == first.fetched
    note_sent(lake, 15)
    same_day = crawl(lake, ORG, hub=quick_hub(server))
    assert (same_day.hub, same_day.fetched, same_day.models) == ("spent", 0, 40)
    note_sent(lake, 15, datetime(2020, 1, 1, tzinfo=UTC))  # a day has passed
    second = crawl(lake, ORG, hub=quick_hub(server))
    assert second.unchanged == first.fetched and second.fetched > 0


def test_those_that_waited_longest_come_first(serve: Serve, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(6)}
    server = serve(repos)
    for wave in ((0, 1, 2), (3, 4, 5)):
        crawl(lake, ModelList(tuple(f"org/model-{number}" for number in wave)), hub=quick_hub(server))
    repos |= {name: fine_tune(100 + number) for number, name in enumerate(list(repos))} | {"org/new": fine_tune(50)}
    monkeypatch.setattr(crawl_module, "daily_limit", lambda: 8)  # probe, listing, four configs, and what is held for the next
    monkeypatch.setattr(fetchers_module, "THREADS", 1)
    (lake.root / "lake" / "hub_requests.json").unlink(missing_ok=True)
    server.forget()
    crawl(lake, parse_model_list("hub: author=org sort=downloads", "list"), hub=quick_hub(server))
    fetched = {entry[1].split("/resolve/")[0].strip("/") for entry in server.log if entry[1].endswith("config.json")}
    assert {"org/new"} < fetched <= {"org/new", "org/model-0", "org/model-1", "org/model-2"}


def test_a_killed_run_has_spent_its_requests(lake: Lake) -> None:
    note_sent(lake, 7)
    assert sent_today(lake) == 7
    lake.requests.write_text("[")
    assert sent_today(lake) == 0


def test_lost_texts_are_fetched_again(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": fine_tune(number) for number in range(3)}
    server = serve(repos)
    crawl(lake, ORG, hub=quick_hub(server))
    before = crawled(lake).drop("fetched_at", "read_at", "headers_of")
    lake.table("hub_texts").write_bytes(b"damaged")
    assert extract(lake, list(repos)).rejects == {"network_failure": 3}
    assert crawl(lake, ORG, hub=quick_hub(server)).fetched == 3
    assert crawled(lake).drop("fetched_at", "read_at", "headers_of").equals(before)
    assert extract(lake, list(repos)).counts["models"] == 3


def test_only_models_that_were_read_since_are_extracted_and_the_rows_are_those_of_a_full_run(
    serve: Serve, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived = Repo({"config.json": fine_tune(0).files["config.json"]}, sha="d" * 40)
    repos = {"org/a": derived, "org/b": fine_tune(1), "org/c": fine_tune(2, vocab_size=999), "org/d": fine_tune(3)}
    server = serve(repos)
    crawl(lake, ORG, hub=quick_hub(server))
    assert extract(lake, list(repos)).extracted == 4
    assert extract(lake, list(repos)).extracted == 0
    repos["org/b"] = fine_tune(11, max_position_embeddings=4096)  # it stood for the architecture of a, b and d
    crawl(lake, ORG, hub=quick_hub(server))
    assert extract(lake, list(repos)).extracted == 1
    incremental = read_extracted(lake)
    assert extract(lake, list(repos), full=True).extracted == 4
    whole = read_extracted(lake)
    for name, frame in whole.items():
        assert incremental[name].equals(frame), name
    monkeypatch.setattr("flows.extract.extract._extractor", lambda model_types: "other code")
    assert extract(lake, list(repos)).extracted == 4
    assert extract(lake, ["org/a", "org/c"]).counts["architectures"] == 1
    alone = open_lake(tmp_path / "alone")
    crawl(alone, ORG, hub=quick_hub(server))
    extract(alone, ["org/a", "org/c"])
    for name, frame in read_extracted(alone).items():
        if name != "rejects":
            assert read_extracted(lake)[name].drop("fetched_at", strict=False).equals(frame.drop("fetched_at", strict=False)), (
                name
            )


def test_texts_are_kept_once_and_go_when_no_row_names_them(serve: Serve, lake: Lake) -> None:
    repos = {f"org/model-{number}": Repo(small_repo().files, sha=f"{number:040x}", totals={"BF16": 1}) for number in range(4)}
    server = serve(repos)
    crawl(lake, ORG, hub=quick_hub(server))
    texts = read_table(lake, "hub_texts")
    assert texts is not None and texts.height == 2
    repos |= {name: Repo(small_repo({"vocab_size": 7}).files, sha=repo.sha[::-1] + "x") for name, repo in repos.items()}
    crawl(lake, ORG, hub=quick_hub(server))
    later = read_table(lake, "hub_texts")
    assert later is not None and later.height == 2 and set(later["text_hash"]) != set(texts["text_hash"])


def test_keys_ignore_what_no_estimate_reads() -> None:
    text = json.dumps(LLAMA)
    named = json.dumps({"transformers_version": "9", **LLAMA, "_name_or_path": "x/y", "use_cache": False})
    assert config_key(text) == config_key(named) != config_key(json.dumps({**LLAMA, "vocab_size": 1}))
    assert config_key(text, "{}") != config_key(text)
    assert config_key("{") is None


def test_totals_must_be_those_of_the_headers() -> None:
    entries = json.loads(safetensors_file(llama_tensors()).head[8:])
    summary = summarize(check_tensors(entries), 1, "single")
    elements = totals_of(small_repo())
    assert totals_agree(summary, json.dumps({**elements, "F32": 0}))
    assert not totals_agree(summary, json.dumps({"F16": elements["BF16"]}))
    assert not totals_agree(summary, None)


def test_texts_that_no_table_can_hold_are_mended_and_cost_no_other_model(serve: Serve, lake: Lake) -> None:
    odd = Repo({**small_repo().files, "\ud800.txt": b""}, sha="1", tags=("license:\ud800", "\udfff"))
    server = serve({"org/odd": odd, "org/plain": small_repo()})
    for models in (ModelList(("org/odd", "org/plain")), ORG):
        assert crawl(lake, models, full=True, hub=quick_hub(server)).statuses == {"ok": 2}
    row = crawled(lake).filter(pl.col("model_id") == "org/odd").to_dicts()[0]
    assert "\ufffd" in row["license"] and "\ufffd" in row["tags"] and "\ufffd.txt" in row["files"]
