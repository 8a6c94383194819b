"""The whole refresh on Prefect's embedded server, as a user starts it; and what is refused before it starts."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from loopback_hub import LoopbackHub
from small_repos import sharded_repo, small_repo

from flows.crawl.crawl_report import CrawlReport
from flows.estimate.grid import GridReport
from flows.extract.extract import ExtractReport
from flows.lake.lake import LakeError, refresh_lock
from flows.publish.publish import Published
from transforms.catalogs.model_list import ModelListError

pytestmark = pytest.mark.slow(10)


@dataclass(frozen=True)
class Ran:
    """A refresh that has ended: its data directory, the Hub it asked, its exit status and what it said."""

    data: Path
    status: int
    said: str
    requests: dict[str, int]


REFRESHED_PRICE = """provider,shape,price_kind,usd_per_hour,price_region,price_as_of,source,note
aws,p5.48xlarge,on_demand,44.25,us-east-1,2026-11-20,a price list,
"""


REFRESH_ON_FEW_SHAPES = """
import sys
import polars as pl
import flows.lake.catalogs as catalogs

def few(directory=None, data=None):
    tables = whole(directory, data)
    tables["shapes"] = tables["shapes"].filter(pl.col("shape").is_in(["p5.48xlarge", "g6.12xlarge", "g5.xlarge"]))
    tables["prices"] = tables["prices"].join(tables["shapes"], on=["provider", "shape"], how="semi")
    tables["contexts"] = tables["contexts"].head(2)
    return tables

whole, catalogs.load_catalogs = catalogs.load_catalogs, few
from flows.cli import run
run()
"""
"""The command as it is, but for the catalogs: three shapes and two contexts of them."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One refresh of four models through the command, on a loopback Hub."""
    directory = tmp_path_factory.mktemp("refresh")
    (directory / "list.txt").write_text("# four models\norg/small\norg/sharded\norg/absent\nhub: author=query\n")
    repos = {"org/small": small_repo(), "org/sharded": sharded_repo(), "query/found": small_repo({"vocab_size": 512})}
    (directory / "data" / "catalogs").mkdir(parents=True)
    (directory / "data" / "catalogs" / "prices.csv").write_text(REFRESHED_PRICE)
    with LoopbackHub(repos) as server:
        done = subprocess.run(
            [sys.executable, "-c", REFRESH_ON_FEW_SHAPES, "refresh", "--models", "list.txt", "--data", "data", "--strict"],
            cwd=directory, env={**os.environ, "HF_ENDPOINT": server.url, "HF_TOKEN": "hf_secret"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return Ran(directory / "data", done.returncode, done.stdout + done.stderr, dict(server.requests))


def test_a_refresh_publishes_and_says_what_was_rejected(ran: Ran) -> None:
    assert ran.status == 1, ran.said  # strict, and one model is not there
    latest = ran.data / "published" / "latest"
    assert pl.read_parquet(latest / "models.parquet")["model_id"].to_list() == ["org/sharded", "org/small", "query/found"]
    assert pl.read_parquet(latest / "rejects.parquet").select("model_id", "code").rows() == [("org/absent", "not_found")]
    run = json.loads((latest / "run.json").read_text())
    assert run["crawl"]["hub"] == "reached" and run["crawl"]["models"] == 4
    assert run["requested"] == ["list.txt"]
    assert "rejected not_found 1" in ran.said
    assert "everything, with macros (DuckDB 2.0 or newer)" in ran.said and "for older clients too" in ran.said


def test_the_crawl_begins_before_the_flow(ran: Ran) -> None:
    run = json.loads((ran.data / "published" / "latest" / "run.json").read_text())
    flow_began = datetime.strptime(run["run_id"], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    assert datetime.fromisoformat(run["crawl"]["began_at"]) < flow_began


def test_a_refresh_estimates_with_the_refreshed_prices(ran: Ran) -> None:
    latest = ran.data / "published" / "latest"
    of_p5 = pl.col("shape") == "p5.48xlarge"
    assert pl.read_parquet(latest / "prices.parquet").filter(of_p5)["usd_per_hour"].to_list() == [44.25]
    estimated = pl.read_parquet(latest / "recommendations.parquet").filter(of_p5 & (pl.col("nodes") == 1))
    assert set(estimated["usd_per_hour"]) == {44.25}


def test_nothing_on_the_terminal_that_is_not_for_a_person(ran: Ran) -> None:
    assert "Traceback" not in ran.said and "hf_secret" not in ran.said
    assert not [line for line in ran.said.splitlines() if "prefect" in line.lower() or "| ERROR" in line or "Warning" in line]


def test_the_run_is_named_counted_and_reported(ran: Ran) -> None:
    with sqlite3.connect(ran.data / "prefect" / "prefect.db") as store:
        runs = store.execute("select flow.name, flow_run.state_type from flow join flow_run on flow_run.flow_id = flow.id")
        flows = dict(runs)
        tasks = [name for (name,) in store.execute("select name from task_run")]
        logged = " ".join(text for (text,) in store.execute("select message from log"))
        artifacts = dict(store.execute("select key, data from artifact"))
        events = Counter(event for (event,) in store.execute("select event from events"))
    assert events["prefect.flow-run.Completed"] == 5 and not events["prefect.flow-run.heartbeat"]
    assert flows == dict.fromkeys(["refresh", "crawl", "extract", "estimate", "publish"], "COMPLETED")
    assert {"fetch data", "extract data", f"publish {(ran.data / 'published' / 'latest').resolve().name}"} <= set(tasks)
    assert "4 models, Hub reached" in logged and "hf_secret" not in logged
    report = json.loads(artifacts["refresh"])
    assert "## Rejected\n\n| code | models |\n| --- | --- |\n| not_found | 1 |" in report
    assert all(step in report for step in ("| crawl (", "| publish (", "| publish | "))


def test_the_token_is_written_nowhere(ran: Ran) -> None:
    holding = [path for path in ran.data.rglob("*") if path.is_file() and b"hf_secret" in path.read_bytes()]
    assert holding == []


def test_bad_input_is_refused_before_anything_starts(tmp_path: Path) -> None:
    from flows.nightly.run_once import run_refresh

    with pytest.raises(ModelListError, match="no such file"):
        run_refresh(["no/such/file.txt"], tmp_path / "data")
    assert not (tmp_path / "data").exists()
    with refresh_lock(tmp_path), pytest.raises(LakeError, match="another refresh"):
        run_refresh(["a/b"], tmp_path)


def test_the_report_says_what_was_refused_new_changed_and_slow(tmp_path: Path) -> None:
    from flows.publish.run_report import RefreshReport, report_markdown

    for name, previous, models in (("one", None, {"a/b": "old"}), ("two", "one", {"a/b": "old", "c/d": "new", "e/f": "new"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"previous": previous}))
        downloads = list(range(len(models)))
        table = pl.DataFrame({"model_id": list(models), "architecture_key": list(models.values()), "downloads": downloads})
        table.write_parquet(tmp_path / name / "models.parquet")
        table.select("architecture_key").unique().write_parquet(tmp_path / name / "architectures.parquet")
    crawled = CrawlReport("reached", 2, fetched=2, requests={"metadata": 2}, seconds=3.0)
    extracted = ExtractReport({"models": 1}, {"hub": 1}, {"gated": 1, "not_found": 2}, ())
    published = Published("two", tmp_path / "two", {"recommendations": 1234}, {"model_added": 2, "fit_gained": 5}, seconds=9.0)
    grid = GridReport(2, 90, 0, 1, 1, {"plan": 1.0, "chunk_figures": 20.0})
    text = report_markdown(RefreshReport("two", crawled, extracted, grid, published))
    assert "| crawl (3 s) | Hub reached; 2 models: 2 fetched, 0 unchanged, 0 resumed, 0 postponed; 2 requests |" in text
    assert "2 buckets: figures 90 computed, 0 reused; ranks 1 computed, 1 reused |" in text
    assert "| not_found | 2 |\n| gated | 1 |" in text and "recommendations 1,234" in text
    assert "| fit_gained | 5 |\n| model_added | 2 |" in text
    assert "## New architectures: 1\n\n| architecture | a model of it |\n| --- | --- |\n| new | e/f |" in text
    assert "| estimate: chunk_figures | 20.0 |\n| publish | 9.0 |\n| crawl | 3.0 |" in text
    first = RefreshReport("one", crawled, extracted, grid, Published("one", tmp_path / "one", {}))
    assert "## New architectures: 0\n\nnone" in report_markdown(first)


def test_a_run_is_tried_again_for_the_networks_sake_only() -> None:
    from prefect.states import Failed

    from flows.prefect_runtime.retries import worth_retrying

    def ended(error: Exception) -> object:
        state = Failed(message="x")
        state.data = error
        return state

    assert worth_retrying(None, None, ended(OSError("x")))  # type: ignore[arg-type]
    assert not worth_retrying(None, None, ended(LakeError("x")))  # type: ignore[arg-type]


def test_the_deployment_names_the_flow_and_its_parameters() -> None:
    import inspect

    from flows.prices.refresh_catalogs_flow import refresh_price_lists
    from flows.refresh import refresh

    root = Path(__file__).parents[2]
    deployments = {entry["name"]: entry for entry in yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]}
    for name, flow in {"nightly": refresh, "prices": refresh_price_lists}.items():
        deployment = deployments.pop(name)
        assert deployment["entrypoint"] == f"{flow.fn.__module__}.{flow.fn.__name__}"
        assert set(deployment["parameters"]) == set(inspect.signature(flow.fn).parameters)
        assert deployment["concurrency_limit"]["limit"] == 1
    assert not deployments


def test_a_bad_cron_line_is_refused(tmp_path: Path) -> None:
    from flows.nightly.schedule import ScheduleError, serve

    with pytest.raises(ScheduleError, match="is no cron line"):
        serve("every night", tmp_path)
