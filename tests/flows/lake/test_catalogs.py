"""Loading stops with one clear line before anything is computed from a bad catalog."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from flows.lake.catalogs import CatalogError, load_catalogs
from transforms.tables.contracts import CATALOG_TABLES, polars_schema


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for table in CATALOG_TABLES:
        shutil.copy(str(files("catalogs") / f"{table}.csv"), tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> int:
    """Replaces the first `old` by `new` and returns the line where it stood."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def test_every_declared_catalog_is_loaded_with_its_types() -> None:
    catalogs = load_catalogs()
    assert tuple(catalogs) == CATALOG_TABLES
    assert all(catalogs[table].schema == polars_schema(table) for table in CATALOG_TABLES)


def test_a_folder_of_one_s_own_reads_the_same(folder: Path) -> None:
    ours, theirs = load_catalogs(), load_catalogs(folder)
    assert all(theirs[table].equals(ours[table]) for table in CATALOG_TABLES)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "prices.csv").unlink()
    with pytest.raises(CatalogError, match=r"^prices\.csv: no such file in"):
        load_catalogs(folder)


def test_a_bad_cell_is_named_by_file_line_and_column(folder: Path) -> None:
    line = change(folder / "gpus.csv", "T4,NVIDIA,T4,Turing,turing,7.5,7.5,16,", "T4,NVIDIA,T4,Turing,turing,7.5,7.5,-16,")
    with pytest.raises(CatalogError) as error:
        load_catalogs(folder)
    assert str(error.value) == f"gpus.csv line {line}, column memory_gib: -16 is negative"


def test_a_wrong_provider_is_named_once_for_its_shape_and_once_for_its_price(folder: Path) -> None:
    change(folder / "shapes.csv", "oci,BM.GPU.H100.8", "ocl,BM.GPU.H100.8")
    with pytest.raises(CatalogError, match=r"column provider: 'ocl' is not in providers\.csv") as error:
        load_catalogs(folder)
    assert "'oci BM.GPU.H100.8' is not in shapes.csv" in str(error.value)


def test_many_faults_are_counted_and_the_first_shown(folder: Path) -> None:
    path = folder / "providers.csv"
    path.write_text(path.read_text().replace("oci,", "OCI,"))
    with pytest.raises(CatalogError) as error:
        load_catalogs(folder)
    message = str(error.value)
    assert message.count("column") == 5
    assert message.endswith(f"; {len(error.value.violations)} faults in all")
    assert len(error.value.violations) > 5
    assert "\n" not in message


def test_text_that_is_not_utf_8_is_named(folder: Path) -> None:
    with (folder / "providers.csv").open("ab") as file:
        file.write(b"caf\xe9,Caf\xe9,list,\n")
    with pytest.raises(CatalogError, match=r"^providers\.csv: not UTF-8 text"):
        load_catalogs(folder)


def test_a_spreadsheet_s_byte_order_mark_is_no_fault(folder: Path) -> None:
    path = folder / "providers.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_catalogs(folder)["providers"].height == 25


def test_an_unsold_price_that_an_older_refresh_wrote_is_dropped_and_a_user_s_own_stays(tmp_path: Path) -> None:
    listed = load_catalogs()["price_sources"].filter(pl.col("provider") == "gcp")["url"][0].split("?")[0]
    header = "provider,shape,price_kind,usd_per_hour,price_region,price_as_of,source,note\n"
    row = "gcp,a3-highgpu-{}g,on_demand,12.5,us-central1,2026-11-30,{},\n"
    (tmp_path / "catalogs").mkdir()
    (tmp_path / "catalogs" / "prices.csv").write_text(header + row.format(1, listed) + row.format(2, "a reservation of ours"))
    prices = load_catalogs(data=tmp_path)["prices"].filter(pl.col("price_kind") == "on_demand")
    assert prices.filter(pl.col("shape") == "a3-highgpu-1g").is_empty()
    assert prices.filter(pl.col("shape") == "a3-highgpu-2g")["usd_per_hour"].to_list() == [12.5]
