"""The price list of GCP: pages of the Cloud Billing Catalog API for Compute Engine.

Form: `{"skus": [{"description", "category": {"usageType", …}, "serviceRegions", "pricingInfo": [{"pricingExpression":
{"usageUnit", "tieredRates": [{"startUsageAmount", "unitPrice": {"currencyCode", "units", "nanos"}}]}}]}], "nextPageToken"}`
(Cloud Billing reference, services.skus.list). It prices parts, not machines: a core, a GiB of memory, an accelerator, a
GiB-month of local SSD. Which parts a shape is billed by, and how many, are rows of the price_parts catalog. A SKU is found there
by its unit and by its description without the words for region and spot: "Spot Preemptible A2 Instance Core running in Americas"
is "A2 Instance Core".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from transforms.config.json_text import JsonError, parse_json
from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once, rounded_usd

_PAGE_BYTES = 64 * 2**20
_PAGE_PARTS = 500_000
_TOKEN_LENGTH = 2048
_USAGE_TYPES = ("OnDemand", "Preemptible")
_SPOT_BEFORE = "Spot Preemptible "
_SPOT_AFTER = " attached to Spot Preemptible VMs"


@dataclass(frozen=True)
class UnitPrice:
    """The price of one unit of a part, on demand or spot, in some regions."""

    part: str
    part_unit: str
    price_kind: str
    usd: float
    regions: frozenset[str]


def parse(document: BinaryIO) -> Page[list[UnitPrice]]:
    """The unit prices of one page, and the token that names the next. Raises PriceListError."""
    try:
        page = parse_json(document.read(), "the page", _PAGE_BYTES, _PAGE_PARTS, allow_constants=False)
    except JsonError as error:
        raise PriceListError(f"no page of the Cloud Billing catalog: {error}") from None
    skus = page.get("skus") if isinstance(page, dict) else None
    if not isinstance(page, dict) or not isinstance(skus, list):
        raise PriceListError("no page of the Cloud Billing catalog: it has no list of skus")
    token = page.get("nextPageToken") or None
    if token is not None and (not isinstance(token, str) or len(token) > _TOKEN_LENGTH):
        raise PriceListError("no page of the Cloud Billing catalog: its nextPageToken is no token")
    return Page(list(_unit_prices(skus)), parameters={"pageToken": token} if token else {})


def price(pages: Sequence[list[UnitPrice]], region: ListedRegion, parts: pl.DataFrame) -> PriceList:
    """The on-demand and spot prices of one region of the shapes all of whose parts are priced there."""
    usd = _of_region([unit for units in pages for unit in units], region.price_region)
    billed: dict[str, list[tuple[str, str, float]]] = {}
    of_provider = parts.filter(pl.col("provider") == region.provider)
    for shape, part, unit, quantity in of_provider.select("shape", "part", "part_unit", "part_quantity").rows():
        billed.setdefault(shape, []).append((part, unit, quantity))
    prices = [
        ListedPrice(shape, kind, rounded_usd(sum(usd[part, unit, kind] * quantity for part, unit, quantity in of_shape)))
        for shape, of_shape in billed.items()
        for kind in ("on_demand", "spot")
        if all((part, unit, kind) in usd for part, unit, _ in of_shape)
    ]
    return PriceList(region.provider, region.price_region, listed_once(prices), region.source)


FORMAT = ListFormat(parse, price, key_header="X-Goog-Api-Key")
"""The header is that of Google Cloud, "Use API keys to access APIs"."""


def _unit_prices(skus: Sequence[object]) -> Iterator[UnitPrice]:
    for sku in skus:
        category = sku.get("category") if isinstance(sku, dict) else None
        if not isinstance(sku, dict) or not isinstance(category, dict) or category.get("usageType") not in _USAGE_TYPES:
            continue
        description, regions = sku.get("description"), sku.get("serviceRegions")
        if not isinstance(description, str) or not isinstance(regions, list):
            continue
        unit, usd = _unit_price(sku.get("pricingInfo"))
        if usd is None:
            continue
        billed = _without_region(description)
        part = billed.removeprefix(_SPOT_BEFORE).removesuffix(_SPOT_AFTER)
        # Some spot parts are filed as OnDemand: their description is what tells.
        kind = "spot" if part != billed or category["usageType"] == "Preemptible" else "on_demand"
        yield UnitPrice(part, unit, kind, usd, frozenset(region for region in regions if isinstance(region, str)))


def _without_region(description: str) -> str:
    """A description without its region: some end in "… running in Americas", some in "… in Paris", some in neither."""
    name, found, _ = description.rpartition(" in ")
    return name.removesuffix(" running") if found else description


def _unit_price(timeline: object) -> tuple[str, float | None]:
    """Unit and price in dollars of the latest pricing; no price where it has tiers, another currency or another form."""
    latest = timeline[-1] if isinstance(timeline, list) and timeline else None
    expression = latest.get("pricingExpression") if isinstance(latest, dict) else None
    rates = expression.get("tieredRates") if isinstance(expression, dict) else None
    rate = rates[0] if isinstance(rates, list) and len(rates) == 1 else None
    if not isinstance(expression, dict) or not isinstance(rate, dict) or rate.get("startUsageAmount", 0) != 0:
        return "", None
    return str(expression.get("usageUnit")), _usd(rate.get("unitPrice"))


def _usd(price: object) -> float | None:
    """Dollars of a sum of money: `units` are whole ones, as text, `nanos` billionths, as a number; either may be missing."""
    if not isinstance(price, dict) or price.get("currencyCode") != "USD":
        return None
    units, nanos = price.get("units", "0"), price.get("nanos", 0)
    if not isinstance(units, str) or not units.isdecimal() or len(units) > 9:
        return None
    if isinstance(nanos, bool) or not isinstance(nanos, int) or not 0 <= nanos < 10**9:
        return None
    return (int(units) * 10**9 + nanos) / 10**9 or None


def _of_region(units: Sequence[UnitPrice], region: str) -> dict[tuple[str, str, str], float]:
    """Dollars by part, unit and kind; a part that the region has at two prices has none."""
    found: dict[tuple[str, str, str], float] = {}
    contradicted = set()
    for unit in units:
        key = (unit.part, unit.part_unit, unit.price_kind)
        if region in unit.regions and found.setdefault(key, unit.usd) != unit.usd:
            contradicted.add(key)
    return {key: usd for key, usd in found.items() if key not in contradicted}
