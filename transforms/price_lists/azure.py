"""The price list of Azure: pages of the Retail Prices API.

Form: `{"BillingCurrency": "USD", "Items": [{"currencyCode", "retailPrice", "armRegionName", "armSkuName", "meterName",
"productName", "skuName", "unitOfMeasure", "type", …}], "NextPageLink": url or null, "Count"}` (Azure Retail Prices REST API
overview). It does not say which accelerators a machine has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import polars as pl

from transforms.config.json_text import JsonError, parse_json
from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once

_PAGE_BYTES = 32 * 2**20
_PAGE_PARTS = 200_000

Item = dict[str, Any]
"""One price as the API gives it, unchecked."""

_ACCELERATED = "Standard_N"
"""The beginning of the names of machines with accelerators (Azure virtual machine sizes, naming conventions)."""

_OTHER_PRODUCTS = ("windows", "cloud services", "cloudservices")
"""Products of the same machine at another price: with a Windows licence, or under the retired Cloud Services."""


def parse(document: BinaryIO) -> Page[list[Item]]:
    """The items of one page, and the address of the next page. Raises PriceListError."""
    try:
        page = parse_json(document.read(), "the page", _PAGE_BYTES, _PAGE_PARTS, allow_constants=False)
    except JsonError as error:
        raise PriceListError(f"no page of Azure retail prices: {error}") from None
    items = page.get("Items") if isinstance(page, dict) else None
    if not isinstance(page, dict) or not isinstance(items, list):
        raise PriceListError("no page of Azure retail prices: it has no list of Items")
    following = page.get("NextPageLink")
    link = following if isinstance(following, str) and following else None
    return Page([item for item in items if isinstance(item, dict)], link)


def price(pages: Sequence[list[Item]], region: ListedRegion, parts: pl.DataFrame) -> PriceList:
    """The on-demand and spot prices of one region, from the items of all pages."""
    prices = listed_once(listed for items in pages for listed in _prices(items, region.price_region))
    return PriceList(region.provider, region.price_region, prices, region.source)


FORMAT = ListFormat(parse, price)


def _prices(items: Sequence[Item], region: str) -> Iterator[ListedPrice]:
    for item in items:
        shape, usd = item.get("armSkuName"), item.get("retailPrice")
        if not isinstance(shape, str) or not shape or isinstance(usd, bool) or not isinstance(usd, int | float):
            continue
        stated = (item.get("currencyCode"), item.get("armRegionName"), item.get("unitOfMeasure"), item.get("type"))
        if stated != ("USD", region, "1 Hour", "Consumption") or item.get("tierMinimumUnits", 0) != 0:
            continue
        names = " ".join(str(item.get(name)) for name in ("productName", "meterName", "skuName")).lower()
        if "low priority" in names or any(product in names for product in _OTHER_PRODUCTS):
            continue
        yield ListedPrice(shape, "spot" if "spot" in names else "on_demand", float(usd), shape.startswith(_ACCELERATED))
