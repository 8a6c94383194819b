"""The price list of GCP over loopback HTTP: pages, and the key that it asks for, which nobody else gets to see."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from price_documents import gcp_page, gcp_sku, served

from flows.cli import main
from flows.lake.catalogs import load_catalogs
from flows.prices import price_list_download
from flows.prices import refresh_catalogs as refresh_catalogs_module
from flows.prices.refresh_catalogs import refresh_catalogs

BUNDLED = load_catalogs()
GCP = BUNDLED["prices"].filter(pl.col("provider") == "gcp")
VARIABLE = "GCP_BILLING_API_KEY"
KEY = "key-of-a-test_0123456789"
NO_KEY = (
    "gcp: its price list asks for a free API key in GCP_BILLING_API_KEY: in console.cloud.google.com enable the Cloud Billing"
)

SKUS = (
    gcp_sku("A2 Instance Core running in Americas", 0.031611),
    gcp_sku("A2 Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Nvidia Tesla A100 GPU running in Americas", 2.933908),
    gcp_sku("Nvidia Tesla A100 80GB GPU running in Americas", 3.92808),
    gcp_sku("SSD backed Local Storage", 0.08, "GiBy.mo"),
    gcp_sku("G2 Instance Core running in Americas", 0.02499),
    gcp_sku("G2 Instance Ram running in Americas", 0.002927, "GiBy.h"),
    gcp_sku("Nvidia L4 GPU running in Americas", 0.7),
    gcp_sku("N1 Predefined Instance Core running in Americas", 0.031611),
    gcp_sku("N1 Predefined Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Nvidia Tesla T4 GPU running in Americas", 0.35),
    gcp_sku("Nvidia Tesla V100 GPU running in Americas", 2.48),
    gcp_sku("A3 Instance Core running in Americas", 0.025),
    gcp_sku("A3 Instance Ram running in Americas", 0.00222, "GiBy.h"),
    gcp_sku("Nvidia H100 80GB GPU running in Americas", 9.8),
    gcp_sku("TpuV5e running in Americas", 1.2),
    gcp_sku("TpuV6e running in Columbus", 2.7, serviceRegions=["us-east5"]),
)
ELSEWHERE = gcp_sku("TpuV6e attached to Spot Preemptible VMs running in Columbus", 1.4, serviceRegions=["us-east5"])


@dataclass
class Catalog:
    """A loopback Cloud Billing catalog: its address, its pages by token, and the path and key of each request."""

    address: str
    pages: dict[str, str]
    asked: list[tuple[str, str | None]]


@contextmanager
def served_catalog() -> Iterator[Catalog]:
    """A catalog of two pages that answers no key but one."""
    catalog = Catalog("", {"": gcp_page(*SKUS[:7], token="second/page=&"), "second/page=&": gcp_page(*SKUS[7:], ELSEWHERE)}, [])
    heard: list[Message] = []

    def answer(path: str, _: int) -> tuple[int, str, dict[str, str]]:
        key = heard[-1]["X-Goog-Api-Key"]
        catalog.asked.append((path, key))
        token = parse_qs(urlsplit(path).query).get("pageToken", [""])[0]
        return (200, catalog.pages[token], {}) if key == KEY else (400, '{"error": {"message": "API key not valid."}}', {})

    with served(answer, heard) as catalog.address:
        yield catalog


@pytest.fixture(autouse=True)
def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_list_download, "_FIRST_DELAY_S", 0.01)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    """A loopback catalog in the place of Google's; no other provider has a list."""
    with served_catalog() as server:
        url = server.address + pl.col("url").str.replace("https://cloudbilling.googleapis.com", "", literal=True)
        sources = BUNDLED["price_sources"].filter(pl.col("provider") == "gcp").with_columns(url=url)
        catalogs = {**BUNDLED, "price_sources": sources}
        monkeypatch.setattr(refresh_catalogs_module, "load_catalogs", lambda data: catalogs)
        yield server


def price(data: Path, shape: str, kind: str = "on_demand") -> dict[str, object]:
    where = (pl.col("provider") == "gcp") & (pl.col("shape") == shape) & (pl.col("price_kind") == kind)
    return load_catalogs(data=data)["prices"].row(by_predicate=where, named=True)


def test_the_catalog_is_read_page_by_page_with_the_key_and_once_for_all_regions(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f" {KEY}\n")
    report = refresh_catalogs(tmp_path)
    assert (report.failed, report.skipped) == ({}, {})
    path = "/v1/services/6F81-5844-456A/skus?currencyCode=USD&pageSize=5000"
    assert catalog.asked == [(path, KEY), (f"{path}&pageToken=second%2Fpage%3D%26", KEY)]
    assert price(tmp_path, "g2-standard-4")["usd_per_hour"] == 0.846792
    assert price(tmp_path, "g2-standard-4")["source"] == f"{catalog.address}/v1/services/6F81-5844-456A/skus"
    spot = price(tmp_path, "v6e-8", "spot")
    assert (spot["usd_per_hour"], spot["price_region"]) == (11.2, "us-east5")
    outcomes = {(outcome.shape, outcome.price_kind): outcome.outcome for outcome in report.outcomes}
    assert outcomes["a2-ultragpu-8g", "on_demand"] == "same"
    assert outcomes["g2-standard-96", "on_demand"] == "moved"
    assert outcomes["a3-highgpu-8g", "on_demand"] == "moved"
    # Their parts are priced on demand, but nobody can buy them so.
    smaller = {f"a3-highgpu-{count}g" for count in (1, 2, 4)}
    assert not {(shape, "on_demand") for shape in smaller} & outcomes.keys()
    priced = load_catalogs(data=tmp_path)["prices"].filter(pl.col("shape").is_in(smaller))
    assert set(priced["price_kind"]) == {"spot"} and priced.height == 3
    assert outcomes["a2-highgpu-1g", "spot"] == "not_listed"
    assert ("a3-megagpu-8g", "on_demand") not in outcomes  # its price is of a region that no list is about


def test_without_a_key_gcp_is_left_out_in_one_line_and_nothing_fails(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "  ")
    assert main(["refresh-catalogs", "--data", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(NO_KEY)
    assert line.endswith("its prices stay as they are, of 2026-08-03 to 2026-08-03")
    assert catalog.asked == []
    assert not (tmp_path / "catalogs" / "prices.csv").exists()


def test_without_a_key_gcp_by_name_is_refused_with_that_line(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["refresh-catalogs", "--provider", "gcp", "--data", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"shapefit: {NO_KEY}")
    assert catalog.asked == []


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("another-secret", "it answers HTTP 400 to the key that was given"),
        ("two secret words", "GCP_BILLING_API_KEY holds no key"),
        ("secret\r\nHost: elsewhere", "GCP_BILLING_API_KEY holds no key"),
        ("secret-é", "GCP_BILLING_API_KEY holds no key"),
        ("secret" * 200, "GCP_BILLING_API_KEY holds no key"),
    ],
)
def test_a_key_that_is_refused_is_not_shown(
    key: str,
    reason: str,
    catalog: Catalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(VARIABLE, key)
    assert main(["refresh-catalogs", "--provider", "gcp", "--data", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith(f"gcp: {catalog.address}/v1/services/6F81-5844-456A/skus: {reason}; ")
    assert "secret" not in captured.out + line + caplog.text


def test_a_key_that_is_taken_is_nowhere_to_be_seen(
    catalog: Catalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(VARIABLE, KEY)
    assert main(["refresh-catalogs", "--data", str(tmp_path), "--format", "json"]) == 0
    captured = capsys.readouterr()
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "g2-standard-4" in captured.out
    assert "g2-standard-4" in written
    assert KEY not in captured.out + captured.err + caplog.text + written


def test_the_key_goes_to_the_catalogued_address_alone(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    with served_catalog() as other:
        report = refresh_catalogs(tmp_path, ["gcp"], f"{other.address}/skus?key=of-ones-own")
    assert other.asked == [("/skus?key=of-ones-own", None)]
    assert report.failed["gcp"].startswith(f"{other.address}/skus: it answers HTTP 400; ")
    assert catalog.asked == []


def test_a_file_needs_no_key(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "skus.json"
    path.write_text(gcp_page(*SKUS, token="of another page"))
    report = refresh_catalogs(tmp_path, ["gcp"], str(path))
    assert (report.failed, report.skipped) == ({}, {})
    assert price(tmp_path, "g2-standard-4")["source"] == "skus.json"


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"": gcp_page(token="again"), "again": gcp_page(token="again")}, "it has more than 500 pages"),
        ({"": "<html>maintenance</html>"}, "no page of the Cloud Billing catalog"),
        ({"": gcp_page(*SKUS[:3])}, "it is cut off or has changed its form"),
        ({"": gcp_page(*SKUS[:7], token="x"), "x": '{"error": {}}'}, "it has no list of skus"),
    ],
    ids=["endless", "no catalog", "cut off", "second page"],
)
def test_a_catalog_that_cannot_be_used_changes_nothing(
    pages: dict[str, str], reason: str, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    catalog.pages = pages
    report = refresh_catalogs(tmp_path)
    assert reason in report.failed["gcp"]
    assert not (tmp_path / "catalogs" / "prices.csv").exists()


def test_the_pages_together_are_bounded(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    setting = refresh_catalogs_module.setting
    size = len(catalog.pages[""]) + 10
    monkeypatch.setattr(
        refresh_catalogs_module,
        "setting",
        lambda p, policy, key: size / 2**30 if key == "max_list_gib" else setting(p, policy, key),
    )
    assert "it is longer than the" in refresh_catalogs(tmp_path).failed["gcp"]
    assert len(catalog.asked) == 2
