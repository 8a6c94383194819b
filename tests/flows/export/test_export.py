"""`shapefit export`: files that hold the numbers that `query` gives."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from published_set import copied_versions, small_published_set

from flows.cli import main
from flows.export.export import export

pytestmark = pytest.mark.slow(2)

COUNTS = "select provider, count(distinct shape) as shapes from recommendations group by 1 order by 1"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("exported")
    for form in ("csv", "parquet"):
        assert main(["export", "--format", form, "--output", str(directory), "--data", str(small_published_set())]) == 0
    return directory


def test_csv_and_parquet_give_the_numbers_of_query(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", COUNTS, "--format", "json", "--data", str(small_published_set())]) == 0
    asked = [(row["provider"], row["shapes"]) for row in json.loads(capsys.readouterr().out)]
    assert asked

    def counted(frame: pl.DataFrame) -> list[tuple[str, int]]:
        return frame.group_by("provider").agg(pl.col("shape").n_unique().cast(pl.Int64)).sort("provider").rows()

    parquet = pl.read_parquet(exported / "recommendations.parquet")
    text = pl.read_csv(exported / "recommendations.csv", schema_overrides=parquet.schema, try_parse_dates=True)
    assert counted(parquet) == asked
    assert counted(text) == asked
    key = ["model_id", "provider", "shape", "nodes", "quantization", "kv_dtype", "context"]
    numbers = [*key, "memory_used_gib_per_gpu", "output_tokens_per_s", "usd_per_million_output_tokens"]
    assert text.select(numbers).sort(key).equals(parquet.select(numbers).sort(key))


def test_the_csv_opens_right_in_a_spreadsheet(exported: Path) -> None:
    with (exported / "models.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0][0] == "model_id"
    for path in exported.glob("*.csv"):
        with path.open(newline="") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    assert not cell.startswith(("=", "+", "@")), (path.name, cell)
                    if cell.startswith("-"):
                        float(cell)


def test_every_exported_table_has_its_header_even_when_empty(exported: Path) -> None:
    assert (exported / "changes.csv").read_text() == "change,model_id,provider,shape,quantization,context,was,now\n"


def test_a_long_csv_is_split_by_provider_and_what_is_still_long_in_numbered_parts(tmp_path: Path) -> None:
    data = small_published_set()
    export(data, tmp_path, "csv")
    whole = pl.read_csv(tmp_path / "recommendations.csv", infer_schema=False)
    written = export(data, tmp_path, "csv", rows_per_file=100)
    parts = [(name, rows) for name, rows in written if name.startswith("recommendations")]
    assert sorted(path.name for path in tmp_path.glob("recommendations*.csv")) == sorted(name for name, _ in parts)
    assert all(0 < rows <= 100 for _, rows in parts)
    expected = []
    for provider, rows in whole.group_by("provider").len().sort("provider").iter_rows():
        count = -(-rows // 100)
        expected += (
            [f"recommendations-{provider}.csv"]
            if count == 1
            else [f"recommendations-{provider}-{n + 1}.csv" for n in range(count)]
        )
    assert [name for name, _ in parts] == expected
    assert any(name.endswith("-2.csv") for name in expected)
    assert any(not name[:-4].endswith(("-1", "-2", "-3", "-4")) for name in expected)
    together = pl.concat([pl.read_csv(tmp_path / name, infer_schema=False) for name, _ in parts])
    assert together.sort(together.columns).equals(whole.sort(whole.columns))
    assert [name for name, _ in written if name.startswith("shapes")] == ["shapes.csv"]


def test_nothing_half_written_is_left(exported: Path) -> None:
    assert [path.name for path in exported.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rows_per_model_that_were_too_many_to_publish_are_exported_per_architecture(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    copied_versions(data, "one")
    latest = data / "published" / "one"
    (latest / "recommendations.parquet").unlink()
    run = json.loads((latest / "run.json").read_text())
    (latest / "run.json").write_text(json.dumps(run | {"recommendations_left_out": "too many rows"}))
    written = dict(export(data, tmp_path / "out", form))
    assert "too many rows" in capsys.readouterr().err
    assert f"models.{form}" in written
    assert not list((tmp_path / "out").glob("recommendations.*"))
    if form == "parquet":
        rows = pl.scan_parquet(tmp_path / "out" / "architecture_recommendations").select(pl.len()).collect().item()
        assert rows == written["architecture_recommendations"] > 0


def test_the_grid_holds_what_does_not_fit_too(tmp_path: Path) -> None:
    data = tmp_path / "data"
    copied_versions(data, "one")
    assert main(["export", "--format", "csv", "--grid", "--output", str(tmp_path / "out"), "--data", str(data)]) == 0
    files = {path.name: pl.read_csv(path, infer_schema_length=None) for path in (tmp_path / "out" / "fits").iterdir()}
    assert sorted(name.split("-", 1)[1] for name in files) == ["fp8-auto.csv", "native-auto.csv"]
    every = pl.concat([frame.select("fits", "reason", "context") for frame in files.values()])
    assert set(every["fits"]) == {True, False}
    assert every.filter(~pl.col("fits"))["reason"].null_count() == 0
