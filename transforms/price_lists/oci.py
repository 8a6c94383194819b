"""The price list of OCI: one JSON document of parts for all commercial regions.

Form: `{"lastUpdated", "items": [{"partNumber", "displayName", "metricName", "serviceCategory", "currencyCodeLocalizations":
[{"currencyCode", "prices": [{"model", "value"}]}]}]}` (OCI documentation, "Estimating costs", price list API). Accelerators are
priced by the hour each; which part a shape is billed by, and how many, are rows of the price_parts catalog. Preemptible prices
are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

import polars as pl

from transforms.config.json_text import JsonError, parse_json
from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once, rounded_usd, stated_day

_LIST_BYTES = 64 * 2**20
_LIST_PARTS = 1_000_000
_MODEL = "PAY_AS_YOU_GO"


@dataclass(frozen=True)
class PartPrices:
    """The contents of the list: dollars by part number and unit, and its date."""

    usd: dict[tuple[str, str], float]
    dated: date | None


def parse(document: BinaryIO) -> Page[PartPrices]:
    """The prices of all parts. Raises PriceListError."""
    try:
        products = parse_json(document.read(), "the list", _LIST_BYTES, _LIST_PARTS, allow_constants=False)
    except JsonError as error:
        raise PriceListError(f"no OCI price list: {error}") from None
    items = products.get("items") if isinstance(products, dict) else None
    if not isinstance(products, dict) or not isinstance(items, list):
        raise PriceListError("no OCI price list: it has no list of items")
    usd = {
        (str(item.get("partNumber")), str(item.get("metricName"))): value
        for item in items
        if isinstance(item, dict) and (value := _usd(item)) is not None
    }
    return Page(PartPrices(usd, stated_day(products.get("lastUpdated"))))


def price(lists: Sequence[PartPrices], region: ListedRegion, parts: pl.DataFrame) -> PriceList:
    """The on-demand prices of the shapes that the price_parts catalog knows."""
    of_provider = parts.filter(pl.col("provider") == region.provider)
    prices = [
        ListedPrice(shape, "on_demand", rounded_usd(listed.usd[part, unit] * quantity))
        for listed in lists
        for shape, part, unit, quantity in of_provider.select("shape", "part", "part_unit", "part_quantity").rows()
        if (part, unit) in listed.usd
    ]
    dated = max((listed.dated for listed in lists if listed.dated), default=None)
    return PriceList(region.provider, region.price_region, listed_once(prices), region.source, dated)


FORMAT = ListFormat(parse, price)


def _usd(item: dict[str, Any]) -> float | None:
    """The one pay-as-you-go price in dollars; None where there is no such price, or several (tiers)."""
    found = [
        price["value"]
        for localized in _records(item.get("currencyCodeLocalizations"))
        if localized.get("currencyCode") == "USD"
        for price in _records(localized.get("prices"))
        if price.get("model") == _MODEL and isinstance(price.get("value"), int | float) and not isinstance(price["value"], bool)
    ]
    return float(found[0]) if len(found) == 1 else None


def _records(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
