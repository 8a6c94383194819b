"""One accelerator under many spellings."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.catalogs.gpu_names import GpuMatch, UnknownGpuError, lookup_gpu
from transforms.tables.contracts import frame_of

GPUS = frame_of("gpus", [{"gpu": key} for key in ("H100-SXM5-80GB", "H100-PCIE-80GB", "L4", "L40S", "MI300X-192GB")])
ALIASES = frame_of(
    "gpu_aliases",
    [
        {"alias": "H100", "gpu": "H100-SXM5-80GB", "source": "list", "assumption": "SXM board assumed"},
        {"alias": "H100-80GB (board not stated)", "gpu": "H100-PCIE-80GB", "source": "list", "assumption": "slower board"},
        {"alias": "MI300X", "gpu": "MI300X-192GB", "source": "list"},
    ],
)


def found(text: str, aliases: pl.DataFrame = ALIASES) -> GpuMatch:
    return lookup_gpu(text, GPUS, aliases)


@pytest.mark.parametrize("text", ["H100-SXM5-80GB", "h100-sxm5-80gb", "H100 SXM5 80GB", "h100_sxm5_80gb", " H100SXM5-80GB "])
def test_a_key_is_found_whatever_its_case_and_separators(text: str) -> None:
    assert found(text) == GpuMatch("H100-SXM5-80GB", None)


def test_an_alias_brings_its_assumption() -> None:
    assert found("h100") == GpuMatch("H100-SXM5-80GB", "SXM board assumed")
    assert found("H100 80GB board not stated") == GpuMatch("H100-PCIE-80GB", "slower board")


@pytest.mark.parametrize("text", ["NVIDIA L4", "nvidia-l4", "NVIDIA L40S", "AMD Instinct MI300X", "AMD MI300X"])
def test_the_maker_s_name_may_stand_before_it(text: str) -> None:
    assert found(text).gpu in text.upper().replace("MI300X", "MI300X-192GB")


def test_a_key_wins_over_an_alias_of_the_same_name() -> None:
    shadow = frame_of("gpu_aliases", [{"alias": "l4", "gpu": "L40S", "source": "list", "assumption": "no"}])
    assert found("L4", shadow) == GpuMatch("L4", None)


def test_an_unknown_name_lists_the_nearest_known_ones() -> None:
    with pytest.raises(UnknownGpuError, match=r"^unknown gpu 'H101'; nearest known: H100-SXM5-80GB") as error:
        found("H101")
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("text", ["", "   ", "NVIDIA", "abacus"])
def test_a_name_like_no_other_points_to_the_catalog(text: str) -> None:
    with pytest.raises(UnknownGpuError, match=r"none is close; see catalogs/gpus\.csv"):
        found(text)


def test_similar_names_are_not_taken_for_each_other() -> None:
    assert found("L40S").gpu == "L40S"
    with pytest.raises(UnknownGpuError):
        found("L40")
