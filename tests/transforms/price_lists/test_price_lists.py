"""Price lists in their documented forms: what is read of them, what is refused, and what they change."""

from __future__ import annotations

import io
from datetime import date

import polars as pl
import pytest
from price_documents import aws_offer, azure_item, azure_page, oci_item, oci_list

from flows.lake.catalogs import load_catalogs
from transforms.price_lists import azure
from transforms.price_lists.formats import FORMATS
from transforms.price_lists.list_format import ListedRegion
from transforms.price_lists.price_list import (
    ListedPrice,
    PriceLimits,
    PriceList,
    PriceListError,
    compare_prices,
    compare_rows,
    listed_once,
)
from transforms.tables.contracts import frame_of

TODAY = date(2026, 11, 21)
LIMITS = PriceLimits(max_price_ratio=3, min_listed_share=0.5, confirm_days=30)
PARTS = load_catalogs()["price_parts"]


def price_list(form: str, text: str, region: ListedRegion) -> PriceList:
    """The prices of a region in a list of one document."""
    page = FORMATS[form].parse(io.BytesIO(text.encode()))
    return FORMATS[form].price([page.content], region, PARTS)


def of_aws(text: str) -> PriceList:
    return price_list("aws_offer_csv", text, ListedRegion("aws", "us-east-1", "offer"))


def of_azure(text: str) -> PriceList:
    return price_list("azure_retail", text, ListedRegion("azure", "eastus", "api"))


def test_an_offer_file_gives_price_hardware_and_its_date() -> None:
    read = of_aws(aws_offer({}))
    assert read.dated == date(2026, 11, 19)
    assert read.prices == (ListedPrice("p5.48xlarge", "on_demand", 55.04, True, 8, 192, 2048),)


@pytest.mark.parametrize(
    "other",
    [
        {"TermType": "Reserved", "PricePerUnit": "240000"},
        {"Operating System": "Windows"},
        {"Operating System": "RHEL"},
        {"Tenancy": "Dedicated"},
        {"Tenancy": "Host", "Product Family": "Dedicated Host"},
        {"Pre Installed S/W": "SQL Ent"},
        {"CapacityStatus": "UnusedCapacityReservation"},
        {"CapacityStatus": "AllocatedCapacityReservation", "PricePerUnit": "0.0000000000"},
        {"MarketOption": "CapacityBlock", "PricePerUnit": "0.0000000000"},
        {"License Model": "Bring your own license"},
        {"Currency": "CNY"},
        {"Region Code": "us-west-2"},
        {"Unit": "Quantity"},
        {"Instance Type": "m5.large", "GPU": ""},
        {"PricePerUnit": "0.0000000000"},
        {"PricePerUnit": "NaN"},
    ],
    ids=lambda change: next(iter(change.values())),
)
def test_only_a_plain_accelerated_linux_machine_by_the_hour_is_read_of_an_offer_file(other: dict[str, str]) -> None:
    assert [price.usd_per_hour for price in of_aws(aws_offer({"PricePerUnit": "99", **other}, {})).prices] == [55.04]


def test_accelerators_that_are_no_gpus_are_read_too() -> None:
    (price,) = of_aws(aws_offer({"Instance Type": "trn2.48xlarge", "GPU": "", "PricePerUnit": "35.7608"})).prices
    assert (price.shape, price.gpu_count, price.accelerated) == ("trn2.48xlarge", None, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 'Instance Type' is missing"),
        ("<html>sorry</html>", "column 'Instance Type' is missing"),
        (aws_offer({}).replace('"PricePerUnit"', '"Price"'), "column 'PricePerUnit' is missing"),
        (aws_offer({}) + '"unfinished', "is not CSV"),
        (aws_offer({"PriceDescription": "x" * 200_000}), "is not CSV"),
    ],
)
def test_what_is_no_offer_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(PriceListError, match=message):
        of_aws(text)


def test_a_row_of_another_length_is_passed_over() -> None:
    assert len(of_aws(aws_offer({}) + '"short","row"\n').prices) == 1


def test_azure_pages_give_on_demand_and_spot() -> None:
    text = azure_page(
        azure_item(),
        azure_item(skuName="ND96isr H100 v5 Spot", meterName="ND96isr H100 v5 Spot", retailPrice=19.5),
        following="https://prices.azure.com:443/api/retail/prices?$skip=1000",
    )
    assert azure.parse(io.BytesIO(text.encode())).link == "https://prices.azure.com:443/api/retail/prices?$skip=1000"
    assert of_azure(text).prices == (
        ListedPrice("Standard_ND96isr_H100_v5", "on_demand", 98.32, True),
        ListedPrice("Standard_ND96isr_H100_v5", "spot", 19.5, True),
    )


@pytest.mark.parametrize(
    "other",
    [
        {"productName": "Virtual Machines NDsr H100 v5 Series Windows"},
        {"productName": "NDsr H100 v5 Series Cloud Services"},
        {"meterName": "ND96isr H100 v5 Low Priority", "skuName": "ND96isr H100 v5 Low Priority"},
        {"type": "Reservation", "reservationTerm": "1 Year"},
        {"type": "DevTestConsumption"},
        {"unitOfMeasure": "1 GB Hour"},
        {"currencyCode": "EUR"},
        {"armRegionName": "westeurope"},
        {"tierMinimumUnits": 100},
        {"armSkuName": ""},
        {"armSkuName": None},
        {"retailPrice": "98"},
        {"retailPrice": True},
        {"retailPrice": 0},
        {"retailPrice": -1},
    ],
    ids=lambda change: str(next(iter(change.values()))),
)
def test_only_a_linux_machine_by_the_hour_is_read_of_azure(other: dict[str, object]) -> None:
    assert of_azure(azure_page(azure_item(**{"retailPrice": 5.0, **other}))).prices == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Items": 3}', '{"Items": [NaN]}', "<html>", "[" * 100_000])
def test_what_is_no_azure_page_is_refused(text: str) -> None:
    with pytest.raises(PriceListError, match="no page of Azure retail prices"):
        of_azure(text)


def of_oci(text: str) -> dict[str, float]:
    read = price_list("oci_products", text, ListedRegion("oci", "us-ashburn-1", "list"))
    assert read.dated in (None, date(2026, 11, 18))
    return {price.shape: price.usd_per_hour for price in read.prices}


def test_oci_parts_are_multiplied_into_shapes() -> None:
    prices = of_oci(oci_list(oci_item("B98415", 10), oci_item("B95909", 2.15), oci_item("B111758", 8.6)))
    assert prices == {
        "BM.GPU.H100.8": 80,
        "VM.GPU.A10.1": 2.15,
        "VM.GPU.A10.2": 4.3,
        "BM.GPU.A10.4": 8.6,
        "BM.GPU.MI355X.8": 68.8,
    }


@pytest.mark.parametrize(
    "item",
    [
        oci_item("B98415", 10, metric="OCPU Per Hour"),
        oci_item(
            "B98415", 10, currencyCodeLocalizations=[{"currencyCode": "EUR", "prices": [{"model": "PAY_AS_YOU_GO", "value": 9}]}]
        ),
        oci_item(
            "B98415", 10, currencyCodeLocalizations=[{"currencyCode": "USD", "prices": [{"model": "MONTHLY_COMMIT", "value": 9}]}]
        ),
        oci_item(
            "B98415",
            10,
            currencyCodeLocalizations=[{"currencyCode": "USD", "prices": [{"model": "PAY_AS_YOU_GO", "value": "9"}]}],
        ),
        oci_item(
            "B98415",
            10,
            currencyCodeLocalizations=[
                {
                    "currencyCode": "USD",
                    "prices": [{"model": "PAY_AS_YOU_GO", "value": 0}, {"model": "PAY_AS_YOU_GO", "value": 9}],
                }
            ],
        ),
        oci_item("B98415", 10, currencyCodeLocalizations=None),
        oci_item("B98415", 0),
        "B98415",
    ],
)
def test_an_oci_part_without_one_price_by_the_accelerator_hour_is_passed_over(item: dict[str, object]) -> None:
    assert of_oci(oci_list(item)) == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"items": {}}', "nonsense"])
def test_what_is_no_oci_list_is_refused(text: str) -> None:
    with pytest.raises(PriceListError, match="no OCI price list"):
        of_oci(text)


def test_the_parts_of_an_oci_shape_are_its_accelerators() -> None:
    shapes = load_catalogs()["shapes"]
    parts = PARTS.filter(pl.col("provider") == "oci")
    joined = parts.join(shapes, on=["provider", "shape"])
    assert joined.height == parts.height > 10
    assert joined["part_quantity"].equals(joined["gpu_count"])


def test_two_prices_of_one_machine_are_neither() -> None:
    listed = [ListedPrice("a", "on_demand", 1.0), ListedPrice("b", "on_demand", 1.0), ListedPrice("a", "on_demand", 2.0)]
    assert [price.shape for price in listed_once(listed)] == ["b"]


SHAPES = frame_of(
    "shapes",
    [
        {"provider": "x", "shape": shape, "accelerator": "H100", "gpu": "H100-SXM5-80GB", "gpu_count": count,
         "memory_gib_per_gpu": 80.0, "interconnect_kind": "nvlink" if count > 1 else "none",
         "interconnect_gb_per_s": 450.0 if count > 1 else None, "source": "s"}
        for shape, count in (("f.8", 8), ("f.4", 4), ("f.1", 1), ("g.1", 1))
    ],
)  # fmt: skip
PRICES = frame_of(
    "prices",
    [
        {"provider": "x", "shape": shape, "price_kind": "on_demand", "usd_per_hour": usd, "price_region": "east",
         "price_as_of": dated, "source": "s"}
        for shape, usd, dated in (("f.8", 80.0, date(2026, 6, 1)), ("f.4", 40.0, date(2026, 11, 1)), ("f.1", 10.0, None))
    ],
)  # fmt: skip


def listing(region: str = "east", dated: date | None = date(2026, 11, 20), **usd: float) -> PriceList:
    prices = tuple(ListedPrice(shape.replace("_", "."), "on_demand", value, True) for shape, value in usd.items())
    return PriceList("x", region, prices, "the list", dated)


def taken(*lists: PriceList, accept: bool = False) -> tuple[dict[str, tuple[float, date]], dict[str, str]]:
    result = compare_prices(lists, PRICES, SHAPES, LIMITS, TODAY, accept)
    prices = {row["shape"]: (row["usd_per_hour"], row["price_as_of"]) for row in result.prices.to_dicts()}
    return prices, {outcome.shape: outcome.outcome for outcome in result.outcomes}


def test_a_price_moves_is_new_or_is_confirmed_with_the_list_s_date() -> None:
    prices, outcomes = taken(listing(f_8=60.0, f_4=40.0, f_1=10.0, g_1=9.0))
    assert outcomes == {"f.8": "moved", "f.4": "same", "f.1": "same", "g.1": "new"}
    day = date(2026, 11, 20)
    # f.4 was dated this month already: an unchanged price does not change every night for its date.
    assert prices == {"f.8": (60.0, day), "f.1": (10.0, day), "g.1": (9.0, day)}


def test_a_list_without_a_date_or_of_tomorrow_is_of_today() -> None:
    for dated in (None, date(2027, 1, 1)):
        assert taken(listing(dated=dated, f_8=60.0, f_4=40.0))[0]["f.8"] == (60.0, TODAY)


@pytest.mark.parametrize(("usd", "outcome"), [(240.1, "held"), (26.6, "held"), (240.0, "moved"), (26.7, "moved")])
def test_a_price_that_moves_too_far_is_held_back_until_accepted(usd: float, outcome: str) -> None:
    prices, outcomes = taken(listing(f_8=usd, f_4=40.0))
    assert outcomes["f.8"] == outcome
    assert ("f.8" in prices) == (outcome == "moved")
    assert taken(listing(f_8=usd, f_4=40.0), accept=True)[0]["f.8"][0] == usd


def test_a_price_that_a_list_no_longer_names_is_kept_and_named() -> None:
    prices, outcomes = taken(listing(f_8=80.0, f_4=40.0))
    assert outcomes["f.1"] == "not_listed"
    assert "f.1" not in prices


@pytest.mark.parametrize("lists", [{}, {"f_8": 80.0}, {"h_1": 1.0}])
def test_a_list_that_names_too_little_is_refused_whole(lists: dict[str, float]) -> None:
    with pytest.raises(PriceListError, match=r"names \d of the 3 shapes that have a price in east"):
        taken(listing(**lists))


def test_a_price_is_compared_in_its_own_region() -> None:
    prices, outcomes = taken(listing("west", f_8=99.0, g_1=7.0), listing("east", f_8=70.0, f_4=40.0, g_1=8.0))
    assert prices["f.8"][0] == 70.0
    assert prices["g.1"][0] == 7.0
    assert outcomes["f.8"] == "moved"


def test_a_new_size_of_a_known_family_is_added_with_what_its_family_tells() -> None:
    sized = PriceList(
        "x", "east", (*listing(f_8=80.0, f_4=40.0).prices, ListedPrice("f.2", "on_demand", 20.0, True, 2, 24, 256)), "l"
    )
    result = compare_prices([sized], PRICES, SHAPES, LIMITS, TODAY)
    (row,) = result.shapes.to_dicts()
    assert (row["gpu"], row["gpu_count"], row["vcpu"], row["host_memory_gib"]) == ("H100-SXM5-80GB", 2, 24, 256)
    assert (row["interconnect_kind"], row["interconnect_gb_per_s"]) == ("nvlink", 450)
    assert row["as_of"] == TODAY
    assert result.prices.filter(pl.col("shape") == "f.2")["usd_per_hour"].to_list() == [20.0]


@pytest.mark.parametrize(
    ("sizes", "kind"), [((("f.8", "nvlink"), ("f.4", "pcie")), None), ((("f.8", "nvlink"),), "nvlink"), ((), None)]
)
def test_a_link_on_which_a_family_does_not_agree_stays_unknown(sizes: tuple[tuple[str, str], ...], kind: str | None) -> None:
    link = pl.col("shape").replace_strict(dict(sizes), default=pl.col("interconnect_kind"))
    shapes = SHAPES.filter(pl.col("shape").is_in([shape for shape, _ in sizes] + ["f.1"])).with_columns(interconnect_kind=link)
    sized = PriceList("x", "east", (*listing(f_8=80.0, f_4=40.0).prices, ListedPrice("f.2", "on_demand", 20.0, True, 2)), "l")
    rows = compare_prices([sized], PRICES, shapes, LIMITS, TODAY).shapes
    assert rows.filter(pl.col("shape") == "f.2")["interconnect_kind"].to_list() == [kind]


def test_a_machine_of_an_unknown_family_is_named_and_not_guessed() -> None:
    prices, outcomes = taken(listing(f_8=80.0, f_4=40.0, z9_48xlarge=5.0))
    assert outcomes["z9.48xlarge"] == "unknown_shape"
    assert "z9.48xlarge" not in prices


def test_rows_of_one_s_own_keep_their_source_and_obey_the_same_rules() -> None:
    rows = PRICES.with_columns(usd_per_hour=pl.Series([500.0, 39.0, 10.0]), source=pl.lit("our contract"))
    result = compare_rows(rows, PRICES, LIMITS)
    assert [(row["shape"], row["usd_per_hour"], row["source"]) for row in result.prices.to_dicts()] == [
        ("f.4", 39.0, "our contract"),
        ("f.1", 10.0, "our contract"),
    ]
    assert [outcome.outcome for outcome in result.outcomes] == ["held", "moved", "same"]
