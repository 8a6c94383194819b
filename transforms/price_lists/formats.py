"""Every form of price list that can be read, by its word in the column list_format of the price_sources catalog.

A new form is one file beside this one, which ends in a `ListFormat`, and one row here: the words that the catalog may hold
follow from it.
"""

from __future__ import annotations

from typing import Any

from transforms.price_lists import aws, azure, gcp, oci
from transforms.price_lists.list_format import ListFormat
from transforms.price_lists.price_list import PriceListError

FORMATS: dict[str, ListFormat[Any]] = {
    "aws_offer_csv": aws.FORMAT,
    "azure_retail": azure.FORMAT,
    "gcp_skus": gcp.FORMAT,
    "oci_products": oci.FORMAT,
}


def list_format(name: str) -> ListFormat[Any]:
    """The form of this name. Raises PriceListError, with the names there are, for another."""
    if name not in FORMATS:
        raise PriceListError(f"the list format {name!r} is unknown; known are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]
