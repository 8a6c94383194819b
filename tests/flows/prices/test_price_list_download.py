"""A form of price list is one file and one row: an invented one is read, page by page, and its word allowed in the catalog."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pytest
from price_documents import aws_offer, served

from flows.lake.catalogs import CatalogError, load_catalogs
from flows.prices.price_list_download import DownloadBounds, read_price_lists
from transforms.price_lists.formats import FORMATS
from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError

BOUNDS = DownloadBounds(max_bytes=2**16, max_pages=3)
PARTS = load_catalogs()["price_parts"]


def parse(document: BinaryIO) -> Page[list[str]]:
    """Lines of shape and price, the last of which may say where the rest is: "more" for the query more=yes, or an address."""
    lines = document.read().decode().splitlines()
    if lines[-1] == "more":
        return Page(lines[:-1], parameters={"more": "yes"})
    return Page(lines[:-1], link=lines[-1]) if lines[-1].startswith("http") else Page(lines)


def price(pages: Sequence[list[str]], region: ListedRegion, parts: pl.DataFrame) -> PriceList:
    listed = [ListedPrice(line.split()[0], "on_demand", float(line.split()[1])) for lines in pages for line in lines]
    return PriceList(region.provider, region.price_region, tuple(listed), region.source)


@pytest.fixture
def pair_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "pair_lines", ListFormat(parse, price, key_header="X-Key"))


def source(form: str, region: str = "here") -> dict[str, object]:
    return {"provider": "novel", "price_region": region, "list_format": form}


@pytest.mark.usefixtures("pair_lines")
def test_a_file_of_an_invented_form_is_priced_for_every_region(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.8x 3.5\nb.8x 7")
    read = read_price_lists([source("pair_lines"), source("pair_lines", "there")], str(tmp_path / "list.txt"), BOUNDS, PARTS)
    assert [(each.provider, each.price_region, each.source) for each in read] == [
        ("novel", "here", "list.txt"),
        ("novel", "there", "list.txt"),
    ]
    assert {price.shape: price.usd_per_hour for price in read[0].prices} == {"a.8x": 3.5, "b.8x": 7.0}


@pytest.mark.parametrize("text", [aws_offer({}), "no offer"], ids=["an offer", "something else"])
def test_a_pipe_is_read_like_a_file(tmp_path: Path, text: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,), daemon=True).start()
    of_aws = [{"provider": "aws", "price_region": "us-east-1", "list_format": "aws_offer_csv"}]
    if text == "no offer":
        with pytest.raises(PriceListError, match="no EC2 offer file"):
            read_price_lists(of_aws, str(tmp_path / "pipe"), BOUNDS, PARTS)
    else:
        (read,) = read_price_lists(of_aws, str(tmp_path / "pipe"), BOUNDS, PARTS)
        assert [price.shape for price in read.prices] == ["p5.48xlarge"]


@pytest.mark.usefixtures("pair_lines")
def test_pages_are_followed_by_parameters_and_by_link_within_the_bounds() -> None:
    asked = []

    def answer(path: str, number: int) -> tuple[int, str, dict[str, str]]:
        asked.append(path)
        return 200, {"/list": "a 1\nmore", "/list?more=yes": f"b 2\n{address}/last", "/last": "c 3"}.get(path, "a 1\nmore"), {}

    with served(answer) as address:
        (read,) = read_price_lists([source("pair_lines")], f"{address}/list", BOUNDS, PARTS)
        assert [price.shape for price in read.prices] == ["a", "b", "c"]
        assert asked == ["/list", "/list?more=yes", "/last"]
        with pytest.raises(PriceListError, match="more than 3 pages"):
            read_price_lists([source("pair_lines")], f"{address}/endless", BOUNDS, PARTS)


@pytest.mark.usefixtures("pair_lines")
def test_a_link_to_another_host_is_not_followed() -> None:
    def answer(path: str, number: int) -> tuple[int, str, dict[str, str]]:
        return 200, "a 1\nhttp://elsewhere.example/list", {}

    with served(answer) as address, pytest.raises(PriceListError, match="another host"):
        read_price_lists([source("pair_lines")], f"{address}/list", BOUNDS, PARTS)


def test_an_unknown_form_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('{"items": []}')
    with pytest.raises(PriceListError, match="'pair_lines' is unknown; known are aws_offer_csv, azure_retail, gcp_skus, oci"):
        read_price_lists([source("pair_lines")], str(tmp_path / "list.json"), BOUNDS, PARTS)


def test_the_words_of_the_catalog_are_the_forms_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(str(files("catalogs")), tmp_path / "catalogs")
    sources = tmp_path / "catalogs" / "price_sources.csv"
    sources.write_text(sources.read_text(encoding="utf-8").replace("oci_products", "pair_lines"), encoding="utf-8")
    with pytest.raises(CatalogError, match="list_format: 'pair_lines' is none of aws_offer_csv, azure_retail, gcp_skus"):
        load_catalogs(tmp_path / "catalogs")
    monkeypatch.setitem(FORMATS, "pair_lines", ListFormat(parse, price))
    assert "pair_lines" in set(load_catalogs(tmp_path / "catalogs")["price_sources"]["list_format"])
