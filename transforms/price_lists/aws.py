"""The price list of EC2: the service price list file of one region in its CSV form.

Form: five rows of metadata (name, value), a row of column names, then one row a price (AWS Billing user guide, "Reading the
service price list file for an AWS service"). The JSON form has the same content but must be held whole to be read; this one is
read line by line. Spot prices are not in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date

from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once

_METADATA_ROWS = 5

_WANTED = {
    "TermType": ("OnDemand",),
    "Unit": ("Hrs",),
    "Currency": ("USD",),
    "Product Family": ("Compute Instance", "Compute Instance (bare metal)"),
    "Operating System": ("Linux",),
    "Tenancy": ("Shared",),
    "Pre Installed S/W": ("NA", ""),
}
"""A plain Linux machine, paid by the hour."""

_WANTED_WHERE_STATED = {
    "CapacityStatus": ("Used",),
    "operation": ("RunInstances",),
    "MarketOption": ("OnDemand", ""),
    "License Model": ("No License required",),
}
"""Columns that older files lack: no capacity reservations or blocks, no licences."""

_NEEDED = ("Instance Type", "PricePerUnit", "Region Code", *_WANTED)


def parse_aws_offer(lines: Iterable[str], provider: str, price_region: str, source: str) -> PriceList:
    """The on-demand prices of the accelerated machines of one region.

    Args: the file's lines; the catalog's names of provider and region; where the file was read. Raises PriceListError.
    """
    reader = csv.reader(lines, strict=True)
    try:
        metadata = {row[0]: row[1] for row in _head(reader) if len(row) == 2}
        header = next(reader, [])
        missing = [column for column in _NEEDED if column not in header]
        if missing:
            raise PriceListError(f"no EC2 offer file: column {missing[0]!r} is missing")
        prices = listed_once(_prices(reader, header, price_region))
    except csv.Error as error:
        raise PriceListError(f"no EC2 offer file: line {reader.line_num} is not CSV ({error})") from None
    return PriceList(provider, price_region, prices, source, _day(metadata.get("Publication Date", "")))


def _head(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for _ in range(_METADATA_ROWS):
        yield next(reader, [])


def _prices(reader: Iterator[list[str]], header: list[str], region: str) -> Iterator[ListedPrice]:
    place = {column: index for index, column in enumerate(header)}
    wanted = {
        **_WANTED,
        "Region Code": (region,),
        **{name: values for name, values in _WANTED_WHERE_STATED.items() if name in place},
    }
    tests = [(place[column], values) for column, values in wanted.items()]

    def cell(row: list[str], column: str) -> str:
        return row[place[column]] if column in place else ""

    for row in reader:
        if len(row) != len(header) or any(row[index] not in values for index, values in tests):
            continue
        gpu_count = _number(cell(row, "GPU"))
        if gpu_count is None and not row[place["Instance Type"]].startswith(_ACCELERATED_WITHOUT_GPU):
            continue
        usd = _number(row[place["PricePerUnit"]])
        if usd is not None:
            memory = _number(cell(row, "Memory").removesuffix("GiB"))
            yield ListedPrice(row[place["Instance Type"]], "on_demand", usd, True, gpu_count, _number(cell(row, "vCPU")), memory)


_ACCELERATED_WITHOUT_GPU = ("inf", "trn", "dl")
"""Families whose accelerators are no GPUs, so that the column GPU may be empty (Inferentia, Trainium, Gaudi)."""


def _number(text: str) -> float | None:
    cleaned = text.strip().replace(",", "")
    return float(cleaned) if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", cleaned) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
