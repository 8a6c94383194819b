"""Releases and the rows of the engines catalog that hold for them."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.catalogs.engine_versions import EngineVersionError, resolve_engine_version

ENGINES = pl.DataFrame(
    {
        "engine": ["vllm"] * 5 + ["sglang"],
        "version_from": ["0", "0", "0.17", "0.20", "0.18", "0"],
        "version_below": ["0.14", None, None, None, "0.20", None],
    }
)
"""A setting may hold over several ranges: a range begins wherever one does or ends."""


@pytest.mark.parametrize(
    ("version", "row"),
    [
        ("0.13.3", "0"),
        ("0.16.0", "0.14"),
        ("0.17.0", "0.17"),
        ("0.19.1", "0.18"),
        ("0.20.0", "0.20"),
        ("0.9.2.dev364+gb432b7a28", "0"),
        ("0.20.1rc1.dev16+g7a1eb8ac2", "0.20"),
        ("0.20.0rc1", "0.20"),
        ("v0.18.0", "0.18"),
        ("1.0", "0.20"),
        (None, "0.20"),
        (" ", "0.20"),
    ],
)
def test_a_release_finds_its_row(version: str | None, row: str) -> None:
    assert resolve_engine_version(ENGINES, "vllm", version) == row


def test_each_engine_has_its_own_rows() -> None:
    assert resolve_engine_version(ENGINES, "sglang", "0.5.2") == "0"


@pytest.mark.parametrize(
    ("engine", "version", "message"),
    [
        ("llama.cpp", None, "engine 'llama.cpp' is not catalogued"),
        ("vllm", "latest", "engine_version 'latest' is no version"),
    ],
)
def test_what_the_catalog_does_not_know_is_refused_by_name(engine: str, version: str | None, message: str) -> None:
    with pytest.raises(EngineVersionError, match=message):
        resolve_engine_version(ENGINES, engine, version)


def test_a_release_below_every_row_is_refused() -> None:
    with pytest.raises(EngineVersionError, match=r"no row of the engines catalog holds for vllm 0\.1"):
        resolve_engine_version(ENGINES.filter(pl.col("version_from") != "0"), "vllm", "0.1")
