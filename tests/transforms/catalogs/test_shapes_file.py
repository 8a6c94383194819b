"""A user's own shapes."""

from __future__ import annotations

import pytest

from flows.lake.catalogs import load_catalogs
from transforms.catalogs.shapes_file import ShapesFileError, read_shapes

CATALOGS = load_catalogs()


def read(text: str) -> dict[str, list[dict[str, object]]]:
    frames = read_shapes(text, "mine.csv", CATALOGS["gpus"], CATALOGS["gpu_aliases"], CATALOGS["providers"])
    return {name: frame.to_dicts() for name, frame in frames.items()}


def test_three_columns_are_enough_and_the_gpu_says_the_rest() -> None:
    tables = read("shape,gpu,gpu_count\nbox,H100,8\ntiny,L4,1\n")
    box, tiny = tables["shapes"]
    assert (box["provider"], box["gpu"], box["gpu_count"], box["memory_gib_per_gpu"]) == ("own", "H100-SXM5-80GB", 8.0, 80.0)
    assert (box["interconnect_kind"], box["interconnect_gb_per_s"]) == ("nvlink", 450.0)
    assert (tiny["interconnect_kind"], tiny["interconnect_gb_per_s"]) == ("none", None)
    assert [price["usd_per_hour"] for price in tables["prices"]] == [None, None]
    assert [provider["provider"] for provider in tables["providers"]] == ["own"]


def test_prices_and_stated_facts_are_taken() -> None:
    tables = read(
        "provider,shape,gpu,gpu_count,interconnect_kind,interconnect_gb_per_s,usd_per_hour,spot_usd_per_hour,price_as_of\n"
        "lab,box,A100,4,pcie,31.5,6.5,2.5,2026-01-31\n"
    )
    assert (tables["shapes"][0]["interconnect_kind"], tables["shapes"][0]["interconnect_gb_per_s"]) == ("pcie", 31.5)
    assert {price["price_kind"]: price["usd_per_hour"] for price in tables["prices"]} == {"on_demand": 6.5, "spot": 2.5}
    assert str(tables["prices"][0]["price_as_of"]) == "2026-01-31"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shape,gpu\nbox,H100\n", "columns are missing: gpu_count"),
        ("shape,gpu,gpu_count,colour\nbox,H100,8,red\n", "no such columns: colour"),
        ("shape,gpu,gpu_count\nbox,H1000,8\n", "line 2, column gpu: unknown gpu 'H1000'"),
        ("shape,gpu,gpu_count\nbox,H100,8\nbox,L4,1\n", "line 3, column"),
        ("shape,gpu,gpu_count\nbox,H100,-8\n", "line 2, column gpu_count"),
        ("shape,gpu,gpu_count,usd_per_hour\nbox,H100,8,-1\n", "line 2, column usd_per_hour"),
        ("shape,gpu,gpu_count,usd_per_hour\nbox,H100,8,free\n", "line 2, column usd_per_hour"),
        ("shape,gpu,gpu_count\n,H100,8\n", "line 2, column shape"),
        ("shape,gpu,gpu_count\nbox,H100,8,9\n", "more cells"),
        ("shape,gpu,gpu_count\n", "no shapes"),
        ("", "columns are missing"),
    ],
)
def test_a_fault_is_named_by_line_and_column(text: str, said: str) -> None:
    with pytest.raises(ShapesFileError, match=r"^mine\.csv") as error:
        read(text)
    assert said in str(error.value)
