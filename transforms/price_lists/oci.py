"""The price list of OCI: one JSON document of parts for all commercial regions.

Form: `{"lastUpdated", "items": [{"partNumber", "displayName", "metricName", "serviceCategory", "currencyCodeLocalizations":
[{"currencyCode", "prices": [{"model", "value"}]}]}]}` (OCI documentation, "Estimating costs", price list API). Accelerators are
priced by the hour each; which part a shape is billed by, and how many, are rows of the price_parts catalog. Preemptible prices
are not in it.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from transforms.config.json_text import JsonError, parse_json
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once

_LIST_BYTES = 64 * 2**20
_LIST_PARTS = 1_000_000
_MODEL = "PAY_AS_YOU_GO"


def parse_oci_products(text: bytes, provider: str, price_region: str, source: str, parts: pl.DataFrame) -> PriceList:
    """The on-demand prices of the shapes that the price_parts catalog knows.

    Args: the document; the catalog's names of provider and region; where it was read; the price_parts catalog. Raises
    PriceListError.
    """
    try:
        document = parse_json(text, "the list", _LIST_BYTES, _LIST_PARTS, allow_constants=False)
    except JsonError as error:
        raise PriceListError(f"no OCI price list: {error}") from None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(items, list):
        raise PriceListError("no OCI price list: it has no list of items")
    usd = {
        (str(item.get("partNumber")), str(item.get("metricName"))): value
        for item in items
        if isinstance(item, dict) and (value := _usd(item)) is not None
    }
    prices = [
        ListedPrice(shape, "on_demand", _rounded(usd[part, unit] * quantity))
        for shape, part, unit, quantity in parts.filter(pl.col("provider") == provider)
        .select("shape", "part", "part_unit", "part_quantity")
        .rows()
        if (part, unit) in usd
    ]
    return PriceList(provider, price_region, listed_once(prices), source, _day(document.get("lastUpdated")))


def _usd(item: dict[str, object]) -> float | None:
    """The one pay-as-you-go price in dollars; none where there is no such price, or several (tiers)."""
    found = [
        price["value"]
        for localized in _records(item.get("currencyCodeLocalizations"))
        if localized.get("currencyCode") == "USD"
        for price in _records(localized.get("prices"))
        if price.get("model") == _MODEL and isinstance(price.get("value"), int | float) and not isinstance(price["value"], bool)
    ]
    return float(found[0]) if len(found) == 1 else None  # type: ignore[arg-type]


def _records(value: object) -> list[dict[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _rounded(usd: float) -> float:
    """Without the tail that the product of two decimals has in binary: 4.3 × 8 is 34.4."""
    return round(usd, 6)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
