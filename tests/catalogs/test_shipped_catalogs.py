"""The facts that come with shapefit: whole, consistent, each with its source."""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pytest

from flows.lake.catalogs import load_catalogs, lookup_gpu
from transforms.tables.contracts import CATALOG_TABLES, TABLES

CATALOGS = load_catalogs()
FIRST_FACT = date(2024, 1, 1)
FACTS_OF_OURS = ("gpus", "gpu_aliases", "shapes", "providers", "quantization_support", "aqua_shapes")


def gpu(key: str) -> dict[str, object]:
    return CATALOGS["gpus"].row(by_predicate=pl.col("gpu") == key, named=True)


def shape(provider: str, name: str) -> dict[str, object]:
    return CATALOGS["shapes"].row(by_predicate=(pl.col("provider") == provider) & (pl.col("shape") == name), named=True)


def price(provider: str, name: str, kind: str) -> dict[str, object]:
    where = (pl.col("provider") == provider) & (pl.col("shape") == name) & (pl.col("price_kind") == kind)
    return CATALOGS["prices"].row(by_predicate=where, named=True)


@pytest.mark.parametrize("table", CATALOG_TABLES)
def test_every_row_says_where_it_is_from(table: str) -> None:
    sources = CATALOGS[table]["source"]
    assert sources.len() > 0
    assert sources.str.len_chars().min() > 2
    assert sources.str.strip_chars().equals(sources)


@pytest.mark.parametrize("table", FACTS_OF_OURS)
def test_every_fact_says_of_when_it_is(table: str) -> None:
    assert CATALOGS[table]["as_of"].null_count() == 0
    assert CATALOGS[table]["as_of"].min() >= FIRST_FACT


@pytest.mark.parametrize("table", CATALOG_TABLES)
def test_text_has_no_stray_spaces_or_line_breaks(table: str) -> None:
    text = CATALOGS[table].select(pl.col(pl.String))
    stray = text.select(pl.all().str.contains(r"^\s|\s$|[\r\n\t]").fill_null(False).any())
    assert [column for column in stray.columns if stray[column].item()] == []


def test_seven_hundred_shapes_of_twenty_five_providers() -> None:
    shapes, providers = CATALOGS["shapes"], CATALOGS["providers"]
    assert shapes.height >= 700
    assert providers.height == 25
    assert set(shapes["provider"]) == set(providers["provider"])
    assert {"oci", "aws", "sagemaker", "azure", "gcp", "on-prem"} <= set(providers["provider"])


def test_every_shape_has_a_known_accelerator() -> None:
    assert set(CATALOGS["shapes"]["gpu"]) <= set(CATALOGS["gpus"]["gpu"])


def test_single_accelerators_need_no_interconnect_and_several_name_theirs_or_nothing() -> None:
    shapes = CATALOGS["shapes"]
    single = shapes.filter(pl.col("gpu_count") <= 1)
    assert set(single["interconnect_kind"]) == {"none"}
    assert single["interconnect_gb_per_s"].null_count() == single.height
    assert "none" not in set(shapes.filter(pl.col("gpu_count") > 1)["interconnect_kind"])


@pytest.mark.parametrize(
    ("provider", "name", "kind", "gb_per_s"),
    [
        ("oci", "BM.GPU.H100.8", "nvlink", 450),
        ("oci", "BM.GPU4.8", "nvlink", 300),
        ("oci", "BM.GPU.GB200.4", "nvlink", 900),
        ("oci", "BM.GPU.MI300X.8", "xgmi", 448),
        ("oci", "BM.GPU.A10.4", "pcie", 32),
        ("aws", "trn2.48xlarge", "other", 640),
    ],
)
def test_links_are_counted_in_one_direction(provider: str, name: str, kind: str, gb_per_s: float) -> None:
    """Vendors and the shape tables print both directions together."""
    row = shape(provider, name)
    assert (row["interconnect_kind"], row["interconnect_gb_per_s"]) == (kind, gb_per_s)


def test_shapes_link_no_faster_than_their_accelerators() -> None:
    nvlinked = CATALOGS["shapes"].filter(pl.col("interconnect_kind") == "nvlink").join(CATALOGS["gpus"], on="gpu")
    assert nvlinked.filter(pl.col("interconnect_gb_per_s") > pl.col("link_gb_per_s"))["shape"].to_list() == []


def test_networks_are_in_bytes() -> None:
    assert shape("oci", "BM.GPU.GB200.4")["network_gb_per_s"] == 1600 / 8


def test_a_fraction_of_an_accelerator_is_a_fraction() -> None:
    row = shape("aws", "g6f.large")
    assert (row["gpu_count"], row["memory_gib_per_gpu"], row["provider_memory_gib_per_gpu"]) == (0.125, 24, 2.79)


def test_the_shape_decides_between_boards_of_one_name() -> None:
    assert shape("azure", "Standard_NC24s_v3")["gpu"] == "V100-PCIE-16GB"
    assert shape("aws", "p3.16xlarge")["gpu"] == "V100-SXM2-16GB"


def test_unknown_counts_and_interconnects_stay_unknown() -> None:
    row = shape("azure", "Standard_NC128ds_xl_RTXPRO6000BSE_v6")
    assert (row["gpu_count"], row["interconnect_kind"], row["interconnect_gb_per_s"]) == (None, None, None)


def test_prices_belong_to_shapes_and_stay_sane() -> None:
    prices = CATALOGS["prices"]
    assert prices.join(CATALOGS["shapes"], on=["provider", "shape"], how="anti").height == 0
    assert prices["usd_per_hour"].null_count() == 0
    per_gpu = prices.join(CATALOGS["shapes"], on=["provider", "shape"]).select(
        usd=pl.col("usd_per_hour") / pl.max_horizontal("gpu_count", 1)
    )["usd"]
    assert per_gpu.is_between(0.02, 60).all()


def test_585_shapes_have_a_price_and_405_of_these_a_date() -> None:
    on_demand = CATALOGS["prices"].filter(pl.col("price_kind") == "on_demand")
    assert (on_demand.height, on_demand["price_as_of"].count()) == (585, 405)


def test_on_demand_and_spot_are_two_prices_with_their_dates() -> None:
    on_demand, spot = price("oci", "VM.GPU2.1", "on_demand"), price("oci", "VM.GPU2.1", "spot")
    assert (on_demand["usd_per_hour"], spot["usd_per_hour"]) == (1.275, 0.6375)
    assert on_demand["price_as_of"] == date(2025, 5, 19)
    assert on_demand["price_region"] == "us-ashburn-1"


def test_an_undated_price_has_no_date() -> None:
    assert price("oci", "BM.GPU.GB300.4", "on_demand")["price_as_of"] is None


def test_accelerators_report_less_than_they_are_sold_with() -> None:
    gpus = CATALOGS["gpus"]
    assert gpus.filter(pl.col("reported_memory_gib") > pl.col("memory_gib"))["gpu"].to_list() == []
    assert gpus.filter(pl.col("reported_memory_gib") < 0.9 * pl.col("memory_gib"))["gpu"].to_list() == []
    assert gpus.filter(pl.col("reported_memory_gib") > pl.col("driver_memory_gib"))["gpu"].to_list() == []


@pytest.mark.parametrize(
    ("key", "reported"),
    [("H100-SXM5-80GB", 79.2), ("A100-SXM4-40GB", 39.5), ("T4", 14.56), ("MI300X-192GB", 191.98), ("H200-SXM-141GB", 139.8)],
)
def test_measured_memory_is_marked_as_measured(key: str, reported: float) -> None:
    assert gpu(key)["reported_memory_gib"] == reported
    assert str(gpu(key)["reported_memory_basis"]).startswith("measured in vLLM logs")


def test_memory_without_a_log_says_how_it_was_estimated() -> None:
    basis = CATALOGS["gpus"].select("reported_memory_gib", "reported_memory_basis").drop_nulls()["reported_memory_basis"]
    assert basis.str.contains("^(measured|estimated: )").all()
    unknown = CATALOGS["gpus"].filter(pl.col("reported_memory_gib").is_null())["reported_memory_basis"]
    assert unknown.str.starts_with("unknown: ").all()


def test_rates_are_dense_and_in_proportion() -> None:
    """8 bits run at twice the 16-bit rate and 4 bits at four to eight times; a sparse figure would double that."""
    gpus = CATALOGS["gpus"].filter(pl.col("vendor") == "NVIDIA", pl.col("fp16_tflops").is_not_null())
    fp8 = gpus.select(ratio=pl.col("fp8_tflops") / pl.col("fp16_tflops"))["ratio"].drop_nulls()
    fp4 = gpus.select(ratio=pl.col("fp4_tflops") / pl.col("fp16_tflops"))["ratio"].drop_nulls()
    assert fp8.is_between(1.95, 2.05).all()
    assert fp4.is_between(3.9, 8.05).all()


def test_precision_follows_capability() -> None:
    gpus = CATALOGS["gpus"]
    assert gpus.filter(pl.col("capability") < 8, pl.col("bf16_tflops").is_not_null())["gpu"].to_list() == []
    assert gpus.filter(pl.col("capability") < 8.9, pl.col("fp8_tflops").is_not_null())["gpu"].to_list() == []
    assert gpus.filter(pl.col("capability") < 10, pl.col("fp4_tflops").is_not_null())["gpu"].to_list() == []
    assert gpus.filter((pl.col("vendor") == "NVIDIA") & pl.col("capability").is_null())["gpu"].to_list() == []
    assert set(gpus.filter(pl.col("capability").is_not_null())["vendor"]) == {"NVIDIA"}


def test_capability_decides_the_generation() -> None:
    generations = dict(
        CATALOGS["gpus"]
        .filter(pl.col("capability") >= 7, pl.col("capability") != 11)
        .group_by("capability")
        .agg(pl.col("generation").unique().str.join("|"))
        .rows()
    )
    assert generations == {
        7.0: "volta", 7.5: "turing", 8.0: "ampere_ga100", 8.6: "ampere_ga102", 8.9: "ada", 9.0: "hopper",
        10.0: "blackwell_dc", 10.3: "blackwell_dc", 12.0: "blackwell_rtx", 12.1: "blackwell_rtx",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("H100", "H100-SXM5-80GB"),
        ("A100", "A100-SXM4-80GB"),
        ("A100-40GB", "A100-SXM4-40GB"),
        ("H200", "H200-SXM-141GB"),
        ("V100", "V100-SXM2-32GB"),
        ("V100-16GB", "V100-SXM2-16GB"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM5-80GB"),
        ("a100-80gb", "A100-SXM4-80GB"),
        ("l40s", "L40S"),
        ("rtx4090", "RTX-4090"),
        ("RTX PRO 6000", "RTX-PRO-6000-SERVER"),
        ("DGX Spark (GB10)", "GB10"),
        ("MI50-32GB", "MI50-32GB"),
        ("Jetson Thor", "JETSON-THOR"),
        ("GB300", "GB300-279GB"),
        ("A800", "A800-SXM4-80GB"),
        ("NVIDIA A800-SXM4-80GB", "A800-SXM4-80GB"),
        ("H800", "H800-SXM5-80GB"),
        ("H800 PCIe", "H800-PCIE-80GB"),
        ("NVIDIA L20", "L20"),
        ("RTX 3060", "RTX-3060"),
        ("GeForce RTX 3090 Ti", "RTX-3090-TI"),
        ("RTX 4060 Ti 16GB", "RTX-4060-TI-16GB"),
        ("NVIDIA GeForce RTX 4080 SUPER", "RTX-4080-SUPER"),
        ("RTX 5070 Ti", "RTX-5070-TI"),
    ],
)
def test_usual_names_mean_the_usual_boards(name: str, key: str) -> None:
    assert lookup_gpu(name, CATALOGS["gpus"], CATALOGS["gpu_aliases"]).gpu == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("H100-80GB (board not stated)", "H100-PCIE-80GB"),
        ("A100-80GB (board not stated)", "A100-PCIE-80GB"),
        ("A100-40GB (board not stated)", "A100-PCIE-40GB"),
        ("H200-141GB (board not stated)", "H200-NVL-141GB"),
        ("RTX 4060 Ti", "RTX-4060-TI-8GB"),
    ],
)
def test_an_unstated_board_is_the_slower_one_and_marked(name: str, key: str) -> None:
    match = lookup_gpu(name, CATALOGS["gpus"], CATALOGS["gpu_aliases"])
    assert match.gpu == key
    assert "slower" in str(match.assumption)


def test_aliases_are_unique_whatever_their_case() -> None:
    lower = CATALOGS["gpu_aliases"]["alias"].str.to_lowercase()
    assert lower.n_unique() == lower.len()


def test_every_accelerator_of_a_shape_is_a_key_or_an_alias() -> None:
    known = set(CATALOGS["gpus"]["gpu"].str.to_lowercase()) | set(CATALOGS["gpu_aliases"]["alias"].str.to_lowercase())
    assert set(CATALOGS["shapes"]["accelerator"].str.to_lowercase()) - known == set()


def test_aqua_keeps_its_own_names_and_figures() -> None:
    rows = CATALOGS["aqua_shapes"].rows_by_key("shape", named=True, unique=True)
    assert len(rows) == 19
    assert rows["BM.GPU.A100-V2.8"]["catalog_shape"] == "BM.GPU.A100-v2.8"
    assert rows["VM.GPU3.8"]["catalog_shape"] is None
    assert (rows["BM.GPU.GB200.4"]["memory_gib"], rows["BM.GPU.GB200.4"]["memory_gb"]) == (192, 768)
    cheapest, fastest = rows["VM.GPU2.1"], rows["BM.GPU.B200.8"]
    assert (cheapest["cost_rank"], cheapest["cost_rank_value"]) == (1, 10)
    assert (fastest["performance_rank"], fastest["performance_rank_value"]) == (1, 130)


def test_aqua_totals_are_counts_times_memory() -> None:
    aqua = CATALOGS["aqua_shapes"]
    assert (aqua["gpu_count"] * aqua["memory_gib"]).equals(aqua["memory_gb"], check_names=False)


@pytest.mark.parametrize(
    ("method", "capability", "supported"),
    [("awq", "7.0", "no"), ("awq", "9.0", "yes"), ("gptq", "7.0", "yes")],
)
def test_quantization_support_by_capability(method: str, capability: str, supported: str) -> None:
    rows = CATALOGS["quantization_support"].filter(pl.col("method") == method, pl.col("compute_capability") == capability)
    assert rows["supported"].to_list() == [supported]


def test_no_source_is_a_place_on_somebody_s_machine() -> None:
    for table in CATALOG_TABLES:
        for column in {"source", "note", "basis"} & set(TABLES[table].columns):
            text = CATALOGS[table][column].drop_nulls()
            assert not text.str.contains(r"localhost|127\.0\.0\.1|/home/|/tmp/|\.\./").any(), (table, column)


def test_shapes_are_named_as_providers_name_them() -> None:
    assert CATALOGS["shapes"].filter(pl.col("shape").str.contains(r"[;,|\"]"))["shape"].to_list() == []
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in CATALOGS["providers"]["provider"])


@pytest.mark.parametrize(("cut", "whole"), [("A800-SXM4-80GB", "A100-SXM4-80GB"), ("H800-SXM5-80GB", "H100-SXM5-80GB")])
def test_a_card_with_slower_links_is_else_the_same(cut: str, whole: str) -> None:
    one, other = (CATALOGS["gpus"].row(by_predicate=pl.col("gpu") == key, named=True) for key in (cut, whole))
    same = (
        "capability",
        "generation",
        "memory_gib",
        "reported_memory_gib",
        "memory_bandwidth_gb_per_s",
        "bf16_tflops",
        "fp8_tflops",
    )
    assert [one[column] for column in same] == [other[column] for column in same]
    assert one["link_gb_per_s"] == 200 < other["link_gb_per_s"]
