"""`shapefit status` and `rollback`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_set import copied_versions, small_published_set

from flows.cli import main
from flows.versions.versions import Versions

pytestmark = pytest.mark.slow(4)


def test_status_says_how_fresh_and_how_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--format", "json", "--data", str(small_published_set())]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["run_id"] == status["versions"][-1]
    assert 0 <= status["age_hours"] < 1
    assert status["coverage"]["models"] == 4
    assert status["coverage"]["models_by_source"] == {"snapshot": 4}
    assert status["coverage"]["providers"] > 20
    assert status["freshness"]["prices_as_of_to"] >= status["freshness"]["prices_as_of_from"]
    assert sum(status["freshness"]["models_by_age"].values()) == 4
    assert 0 <= status["freshness"]["prices_stale"] <= status["prices"]["priced"]
    assert status["disk"]["versions_gib"] > 0
    assert main(["status", "--data", str(small_published_set())]) == 0
    assert "coverage.providers" in capsys.readouterr().out


def test_status_counts_prices_that_have_grown_old(capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(small_published_set())]
    assert main(["status", "--format", "json", *data]) == 0
    prices = json.loads(capsys.readouterr().out)["prices"]
    query = "select provider, count(usd_per_hour) as priced, count(*) filter (price_stale) as stale from shape_prices group by 1"
    assert main(["query", query, "--format", "json", *data]) == 0
    rows = sorted(json.loads(capsys.readouterr().out), key=lambda row: row["provider"])
    assert prices["priced"] == sum(row["priced"] for row in rows)
    assert prices["stale"] == sum(row["stale"] for row in rows) > 0
    assert prices["stale_by_provider"] == ", ".join(f"{row['provider']} {row['stale']}" for row in rows if row["stale"])


def test_rollback_points_latest_to_the_version_before_or_the_one_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied_versions(tmp_path, "one", "two", "three")

    def rolled_back(*tokens: str) -> int:
        return main(["rollback", *tokens, "--data", str(tmp_path)])

    def current() -> str:
        return Versions(tmp_path).latest().name

    assert (rolled_back(), current()) == (0, "two")
    assert (rolled_back(), current()) == (0, "one")
    assert (rolled_back("three"), current()) == (0, "three")
    capsys.readouterr()
    assert rolled_back("four") == 2
    assert "one, two, three" in capsys.readouterr().err
    assert rolled_back("../published/one") == 2
    assert (rolled_back("one"), rolled_back(), current()) == (0, 2, "one")
