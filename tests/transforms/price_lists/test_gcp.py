"""The price list of GCP: parts of machines by their description and unit, and the sums that are prices of shapes."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from price_documents import gcp_page, gcp_sku

from flows.lake.catalogs import load_catalogs
from transforms.price_lists import gcp
from transforms.price_lists.list_format import ListedRegion, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, sold

CATALOGS = load_catalogs()
PARTS = CATALOGS["price_parts"].filter(pl.col("provider") == "gcp")
SHAPES = CATALOGS["shapes"].filter(pl.col("provider") == "gcp")
PRICES = CATALOGS["prices"].filter(pl.col("provider") == "gcp")
UNSOLD = CATALOGS["unsold_prices"]


def read(text: str) -> Page[list[gcp.UnitPrice]]:
    return gcp.parse(io.BytesIO(text.encode()))


def of_region(text: str, region: str, source: str = "list") -> PriceList:
    return gcp.price([read(text).content], ListedRegion("gcp", region, source), PARTS)


def priced(*skus: dict[str, object], region: str = "us-central1") -> dict[tuple[str, str], float]:
    return {(price.shape, price.price_kind): price.usd_per_hour for price in of_region(gcp_page(*skus), region).prices}


def l4_machine(**changed: dict[str, object]) -> dict[tuple[str, str], float]:
    """What is priced of three SKUs that make a g2-standard-4, one or all of them changed."""
    skus = {
        "core": gcp_sku("G2 Instance Core running in Americas", 0.02),
        "ram": gcp_sku("G2 Instance Ram running in Americas", 0.003, "GiBy.h"),
        "gpu": gcp_sku("Nvidia L4 GPU running in Americas", 0.5),
    }
    return {key: usd for key, usd in priced(*(skus | changed).values()).items() if key[0] == "g2-standard-4"}


def test_a_machine_costs_the_sum_of_its_parts() -> None:
    assert l4_machine() == {("g2-standard-4", "on_demand"): 0.628}


def test_spot_is_a_sum_of_its_own() -> None:
    spot = (
        gcp_sku("Spot Preemptible A2 Instance Core running in Americas", 0.01),
        gcp_sku("Spot Preemptible A2 Instance Ram running in Americas", 0.002, "GiBy.h"),
        gcp_sku("Nvidia Tesla A100 80GB GPU attached to Spot Preemptible VMs running in Americas", 1.5),
    )
    assert priced(*spot) == {}  # the machine brings a local disk, whose price is missing
    disk = gcp_sku("SSD backed Local Storage attached to Spot Preemptible VMs", 0.0365, "GiBy.mo")
    prices = priced(*spot, disk)
    assert set(prices) == {(f"a2-ultragpu-{count}g", "spot") for count in (1, 2, 4, 8)}
    assert prices["a2-ultragpu-2g", "spot"] == round(24 * 0.01 + 340 * 0.002 + 2 * 1.5 + 750 * 0.0365 / 730, 6)


def test_a_spot_part_that_is_filed_as_on_demand_is_spot() -> None:
    odd = gcp_sku("TpuV5e attached to Spot Preemptible VMs running in Iowa", 0.6)
    odd["category"] = {"usageType": "OnDemand"}
    prices = priced(odd, gcp_sku("TpuV5e running in Americas", 1.2))
    assert (prices["v5litepod-4", "on_demand"], prices["v5litepod-4", "spot"]) == (4.8, 2.4)


def test_a_part_that_is_filed_as_preemptible_is_spot_whatever_its_description() -> None:
    assert set(priced(gcp_sku("TpuV6e running in Iowa", 1.4, category={"usageType": "Preemptible"}))) == {
        (shape, "spot") for shape in SHAPES["shape"] if shape.startswith("v6e-")
    }


@pytest.mark.parametrize(
    "description",
    [
        "Nvidia L4 GPU attached to DWS Defined Duration VMs running in Americas",
        "Commitment v1: Nvidia L4 GPU running in Americas for 1 Year",
        "Reserved Nvidia L4 GPU in Americas in Calendar Mode",
        "Nvidia L4 GPU running in Americas in Calendar Mode",
        "Nvidia L4 Virtual Workstation GPU running in Americas",
        "Nvidia L40 GPU running in Americas",
        "Nvidia L4 GPU attached to Sole Tenancy VMs running in Americas",
    ],
)
def test_a_part_is_taken_only_by_its_exact_description(description: str) -> None:
    assert l4_machine(gpu=gcp_sku(description, 0.3)) == {}


@pytest.mark.parametrize("place", ["", " in Paris", " running in Americas", " running in Salt Lake City"])
def test_a_description_names_its_region_in_several_ways(place: str) -> None:
    assert len(l4_machine(gpu=gcp_sku(f"Nvidia L4 GPU{place}", 0.5))) == 1


def rates(*entries: dict[str, object]) -> list[dict[str, object]]:
    return [{"pricingExpression": {"usageUnit": "h", "tieredRates": list(entries)}}]


USD: dict[str, Any] = {"currencyCode": "USD", "units": "0", "nanos": 500_000_000}


@pytest.mark.parametrize(
    "change",
    [
        {"category": {"usageType": "Commit1Yr"}},
        {"category": None},
        {"serviceRegions": ["europe-west4"]},
        {"serviceRegions": None},
        {"description": None},
        {"pricingInfo": []},
        {"pricingInfo": None},
        {"pricingInfo": [{"pricingExpression": None}]},
        {"pricingInfo": rates()},
        {"pricingInfo": rates({"unitPrice": USD}, {"startUsageAmount": 100, "unitPrice": USD})},
        {"pricingInfo": rates({"startUsageAmount": 100, "unitPrice": USD})},
        {"pricingInfo": rates({"unitPrice": USD | {"currencyCode": "EUR"}})},
        {"pricingInfo": rates({"unitPrice": USD | {"nanos": 0}})},
        {"pricingInfo": rates({"unitPrice": USD | {"nanos": -5}})},
        {"pricingInfo": rates({"unitPrice": USD | {"nanos": 0.5}})},
        {"pricingInfo": rates({"unitPrice": USD | {"nanos": True}})},
        {"pricingInfo": rates({"unitPrice": USD | {"nanos": 10**9}})},
        {"pricingInfo": rates({"unitPrice": USD | {"units": 1}})},
        {"pricingInfo": rates({"unitPrice": USD | {"units": "-1"}})},
        {"pricingInfo": rates({"unitPrice": USD | {"units": "9" * 5000}})},
        {"pricingInfo": [{"pricingExpression": {"usageUnit": "mo", "tieredRates": [{"unitPrice": USD}]}}]},
    ],
    ids=str,
)
def test_a_machine_with_a_part_without_one_price_in_its_unit_has_none(change: dict[str, object]) -> None:
    assert l4_machine(gpu=gcp_sku("Nvidia L4 GPU running in Americas", 0.5) | change) == {}


def test_money_may_leave_out_whole_dollars_or_parts_of_one_and_the_latest_pricing_counts() -> None:
    for money, usd in (({"currencyCode": "USD", "nanos": 250_000_000}, 0.25), ({"currencyCode": "USD", "units": "2"}, 2.0)):
        timeline = rates({"unitPrice": USD}) + rates({"unitPrice": money})
        gpu = gcp_sku("Nvidia L4 GPU running in Americas", 0, pricingInfo=timeline)
        assert l4_machine(gpu=gpu) == {("g2-standard-4", "on_demand"): 0.128 + usd}


def test_a_part_at_two_prices_in_one_region_has_none() -> None:
    broad = gcp_sku("Nvidia L4 GPU running in Americas", 0.5)
    assert len(l4_machine(again=gcp_sku("Nvidia L4 GPU running in Iowa", 0.5), gpu=broad)) == 1
    assert l4_machine(again=gcp_sku("Nvidia L4 GPU running in Iowa", 0.6), gpu=broad) == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"skus": {}}', '{"skus": [NaN]}', "<html>", '{"skus": [], "nextPageToken": 3}', "[" * 100_000]
)
def test_what_is_no_page_is_refused(text: str) -> None:
    with pytest.raises(PriceListError, match="no page of the Cloud Billing catalog"):
        read(text)


def test_a_page_names_the_token_of_the_next_and_strangers_are_passed_over() -> None:
    page = json.loads(gcp_page(gcp_sku("A2 Instance Core running in Americas", 0.03), token="next"))
    page["skus"] += ["text", None, 3]
    first = read(json.dumps(page))
    assert (len(first.content), first.parameters) == (1, {"pageToken": "next"})
    assert read(gcp_page()) == Page([])
    with pytest.raises(PriceListError, match="no token"):
        read(gcp_page(token="t" * 5000))


PUBLIC = (
    # As opencost's test of its parser quotes an answer of services.skus.list; the 80 GB as a public test quotes July 2026.
    gcp_sku("A2 Instance Core running in Americas", 0.031611),
    gcp_sku("A2 Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Nvidia Tesla A100 GPU running in Americas", 2.933908),
    gcp_sku("Nvidia Tesla A100 80GB GPU running in Americas", 3.92808),
    # As public notes read them from the catalog in 2026; the GPU's also from a price file of July 2026.
    gcp_sku("A3 Instance Core running in Americas", 0.025498003),
    gcp_sku("A3 Instance Ram running in Americas", 0.00222034, "GiBy.h"),
    gcp_sku("Nvidia H100 80GB GPU running in Americas", 9.796550569),
    # As sparecores' tests of its crawler quote them.
    gcp_sku("G4 Instance Core running in Iowa", 0.04891),
    gcp_sku("G4 Instance Ram running in Iowa", 0.00587, "GiBy.h"),
    gcp_sku("RTX 6000 96GB running in Iowa", 1.09565),
    gcp_sku("SSD backed Local Storage", 0.08, "GiBy.mo"),
    # As a public worked example of g2-standard-8 states them, to six digits.
    gcp_sku("G2 Instance Core running in Americas", 0.024988),
    gcp_sku("G2 Instance Ram running in Americas", 0.002927, "GiBy.h"),
    gcp_sku("Nvidia L4 GPU running in Americas", 0.56004),
    # Google's list prices of N1 and T4, as several collectors quote them.
    gcp_sku("N1 Predefined Instance Core running in Americas", 0.031611),
    gcp_sku("N1 Predefined Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Nvidia Tesla T4 GPU running in Americas", 0.35),
    gcp_sku("TpuV5e running in Americas", 1.2),
)
"""Unit prices of us-central1 that public projects have read from the catalog; the bundled prices come from other collectors."""


def test_the_sums_of_public_unit_prices_are_the_bundled_prices() -> None:
    listed = sold(of_region(gcp_page(*PUBLIC), "us-central1"), UNSOLD)
    sums = {(price.shape, price.price_kind): price.usd_per_hour for price in listed.prices}
    bundled = {
        row["shape"]: row["usd_per_hour"]
        for row in PRICES.filter(pl.col("price_kind") == "on_demand", pl.col("price_region") == "us-central1").to_dicts()
    }
    assert {shape for shape, _ in sums} == {
        shape
        for shape in bundled
        if shape.startswith(("a2-", "a3-highgpu-", "g2-", "v5litepod-")) or shape.endswith("T4")
        or shape in ("g4-standard-48", "g4-standard-96", "g4-standard-192", "g4-standard-384")
    }  # fmt: skip
    for (shape, _), usd in sums.items():
        # The unit prices of G2 are rounded; the others have all their digits.
        assert usd == pytest.approx(bundled[shape], rel=5e-5 if shape.startswith("g2-") else 3e-7), shape


def test_what_nobody_can_buy_at_is_no_price() -> None:
    listed = of_region(gcp_page(*PUBLIC), "us-central1")
    unsold = set(UNSOLD.select("shape", "price_kind").rows())
    assert unsold == {(f"a3-highgpu-{count}g", "on_demand") for count in (1, 2, 4)}
    left = {(price.shape, price.price_kind) for price in sold(listed, UNSOLD).prices}
    assert {(price.shape, price.price_kind) for price in listed.prices} - left == unsold
    assert ("a3-highgpu-8g", "on_demand") in left
    assert sold(replace(listed, provider="aws"), UNSOLD).prices == listed.prices
    assert PRICES.join(UNSOLD, on=["provider", "shape", "price_kind"], how="semi").is_empty()


def test_the_parts_of_a_shape_are_its_accelerators_its_cores_and_its_memory() -> None:
    billed = PARTS.join(SHAPES, on=["provider", "shape"])
    assert billed.height == PARTS.height
    cores = billed.filter(pl.col("part").str.ends_with(" Core"))
    memory = billed.filter(pl.col("part").str.ends_with(" Ram"))
    disks = billed.filter(pl.col("part") == "SSD backed Local Storage")
    accelerators = billed.filter(~pl.col("part").str.contains(r" (Core|Ram|Storage)$"))
    assert cores["part_quantity"].equals(cores["vcpu"])
    assert memory["part_quantity"].equals(memory["host_memory_gib"])
    assert accelerators["part_quantity"].equals(accelerators["gpu_count"])
    gib = disks.select(pl.col("part_quantity") * 730 / pl.col("gpu_count"), pl.col("shape").str.slice(0, 3))
    assert {(round(size), family) for size, family in gib.rows()} == {(375, "a2-"), (750, "a3-")}
    assert {unit for (unit,) in accelerators.select("part_unit").rows()} == {"h"}
    # A machine type has all three, a TPU slice is billed by its chips alone.
    machines = billed.filter(~pl.col("part").str.starts_with("Tpu"))["shape"].n_unique()
    assert cores.height == memory.height == machines
    assert accelerators.height == PARTS["shape"].n_unique()


def test_shapes_whose_parts_are_not_known_for_certain_keep_their_price() -> None:
    left = set(SHAPES["shape"]) - set(PARTS["shape"])
    assert left == {
        "a3-megagpu-8g", "a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g", "g4-standard-6", "g4-standard-12", "g4-standard-24"
    }  # fmt: skip


def test_a_price_says_where_and_from_what() -> None:
    text = gcp_page(gcp_sku("TpuV5e running in Americas", 1.2))
    listed = of_region(text, "us-central1", "address")
    assert (listed.provider, listed.price_region, listed.source, listed.dated) == ("gcp", "us-central1", "address", None)
    assert listed.prices[0] == ListedPrice("v5litepod-1", "on_demand", 1.2)
    assert of_region(text, "us-east5", "address").prices == ()
