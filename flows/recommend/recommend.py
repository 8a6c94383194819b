"""`shapefit recommend`: the best shapes for one model, and why not where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.database.sql_files import fetch, run_sql
from flows.printing.rows import Rows
from flows.recommend.load import load_of
from flows.recommend.names import names_meant
from flows.recommend.question import Question, QuestionError
from flows.versions.versions import DATABASE, Versions, answering, open_version
from transforms.catalogs.model_list import spelling_note

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_STEPS = (
    "bounds",
    "asked_replicas",
    "capacities",
    "carrying_layouts",
    "loaded_replicas",
)
"""Files of `sql/recommend` that estimate a load, in order; then comes `answer`."""

_ANY = "any"
"""The quantization that stands for every weight precision."""

_SHOWN_MISSES = 5
_NOTHING = Rows((), [])


@dataclass(frozen=True)
class Answer:
    """The rows that answer, best first, or why there are none.

    Attributes:
        offers: how many answer in all, of which `rows` may be the first.
        nearest: the cheapest or fastest rows where none is within the bounds, and where the model starts on no shape that the
            question allows, those that lack least.
        passed_over: a row on the shapes that cost less than the first answer (`sql/recommend/passed_over.sql`).
        alternatives: the best rows of the precisions that the first answer is not in.
        precisions: what is known of each precision (`sql/recommend/precisions.sql`).
        notes: how the question was taken where that is not plain.
        service_level: the default one for the load, TTFT and TPOT in ms.
        why_not: why there are no rows, in one sentence.
    """

    model_id: str
    context: int
    rows: Rows
    offers: int = 0
    nearest: Rows = field(default=_NOTHING)
    passed_over: Rows = field(default=_NOTHING)
    alternatives: Rows = field(default=_NOTHING)
    precisions: Rows = field(default=_NOTHING)
    notes: tuple[str, ...] = ()
    service_level: tuple[float | None, float | None] = (None, None)
    why_not: str | None = None


def recommend(question: Question, data: Path, shown: int | None = None) -> Answer:
    """Answer a question from the published version, or for a model that is not published from its facts; the first `shown` rows.

    Figures are those of the layout that the objective takes: as published, at the best batch within the default service level; or
    estimated for the load, where the question states one by its tokens or its rate, or bounds on the times, which then hold in
    that level's place.

    Raises QuestionError for conditions that name nothing known, RejectedModelError for a model that has no estimate.
    """
    with ExitStack() as stack:
        connection, known = stack.enter_context(_database(question, data))
        model = fetch(connection, "ask/model.sql", {"model": known}).records()[0]
        notes = [note for note in (spelling_note(question.model, known),) if note is not None]
        question = replace(question, model=known)
        conditions = _conditions(connection, question, model, notes)
        if conditions["quantization"] is not None and not _in_grid(connection, conditions):
            connection, _ = stack.enter_context(_made_for(question, data, str(conditions["quantization"])))
        run_sql(connection, "recommend/asked_shapes.sql", conditions)
        rows, alternatives, offers = _rows(connection, conditions, shown)
        if rows.rows:
            first: dict[str, Any] = dict(zip(rows.columns, rows.rows[0], strict=True))
            passed_over = _passed_over(connection, conditions, first)
            level: tuple[Any, ...] = fetch(connection, "recommend/service_level.sql", first).rows[0]
            return Answer(
                question.model,
                first["context"],
                rows,
                offers,
                passed_over=passed_over,
                alternatives=alternatives,
                precisions=fetch(connection, "recommend/precisions.sql", conditions),
                notes=tuple(notes),
                service_level=(level[0], level[1]),
            )
        nearest, why_not = _why_not(connection, question, conditions)
    return Answer(question.model, conditions["context"], rows, nearest=nearest, notes=tuple(notes), why_not=why_not)


def _rows(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any], shown: int | None = None) -> tuple[Rows, Rows, int]:
    """The first rows of the answer, the best of each precision that it does not offer, and how many rows it has in all."""
    asked = conditions | {"shown": shown}
    if not asked["estimated"]:
        found = fetch(connection, "recommend/published.sql", asked)
    else:
        for step in _STEPS:
            run_sql(connection, f"recommend/{step}.sql", asked)
        found = fetch(connection, "recommend/answer.sql", asked)
    columns = found.columns[:-2]
    rows, alternatives = ([row[:-2] for row in found.rows if row[-1] is offered] for offered in (True, False))
    offers = int(str(found.rows[0][-2])) if rows else 0
    return Rows(columns, rows), Rows(columns, alternatives), offers


def _passed_over(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any], first: dict[str, Any]) -> Rows:
    """The row on shapes that cost less than the first answer; none where price is not the objective or not known."""
    if conditions["objective"] != "cost" or first["total_usd_per_hour"] is None:
        return _NOTHING
    asked = conditions | {"answered_context": first["context"], "answered_quantization": first["quantization"]}
    asked["usd_per_hour"] = first["total_usd_per_hour"]
    run_sql(connection, f"recommend/{'loaded' if conditions['estimated'] else 'published'}_holders.sql", asked)
    return fetch(connection, "recommend/passed_over.sql", asked)


def _in_grid(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any]) -> bool:
    """Whether the precision is one that the database looks at, or none that could be made of the checkpoint."""
    return bool(fetch(connection, "recommend/in_grid.sql", conditions).rows)


def _conditions(
    connection: duckdb.DuckDBPyConnection, question: Question, model: dict[str, Any], notes: list[str]
) -> dict[str, Any]:
    """The question as parameters of the SQL, names resolved, defaults filled in; remarks go to `notes`."""
    every = question.quantization == _ANY
    meant = names_meant(connection, replace(question, quantization=None) if every else question)
    workload: dict[str, Any] | None = None
    if question.workload is not None:
        workload = fetch(connection, "recommend/workload.sql", {"workload": meant["workload"]}).records()[0]
    load = load_of(question, model["max_model_len_default"], model["max_model_len_limit"], workload, notes)
    quantization = meant["quantization"]
    if quantization is not None and quantization != "native" and quantization == model["own_precision"]:
        notes.append(f"{question.model} is published in {quantization}: that is its native precision")
        quantization = "native"
    return {
        **asdict(question),
        **meant,
        "architecture": model["architecture_key"],
        "estimated": question.is_estimated,
        "objective": question.best_by,
        "percentile": question.held_percentile,
        "quantization": quantization,
        "any_precision": every,
        **asdict(load),
    }


def _why_not(connection: duckdb.DuckDBPyConnection, question: Question, conditions: dict[str, Any]) -> tuple[Rows, str]:
    """What came nearest, and one sentence on why nothing answers."""
    context = conditions["context"]
    if question.bounds():
        timed = question.bounds_the_times
        unbounded = {**conditions, "max_ttft_ms": None, "max_tpot_ms": None, "max_usd_per_hour": None}
        nearest, _, offers = _rows(connection, unbounded | {"objective": "performance" if timed else "cost"}, _SHOWN_MISSES)
        if nearest.rows:
            first = nearest.records()[0]
            return nearest, (
                f"{offers:,} {'offer holds' if offers == 1 else 'offers hold'} {question.model} at {context:,} tokens, "
                f"none within {', '.join(question.bounds())}; "
                f"{_closest(first, timed)}"
            )
    misses = fetch(connection, "recommend/misses.sql", conditions)
    if not misses.rows:
        remarks = fetch(connection, "recommend/remarks.sql", conditions).records()
        named = "; ".join(f"{row['provider']} {row['shape']}: {row['reason']}" for row in remarks)
        quantized = f" in {conditions['quantization']} (`shapefit estimate` answers for any precision)"
        asked = ", ".join(f"--{name} {conditions[name]}" for name in ("provider", "shape", "region") if conditions[name])
        return misses, (
            f"no shape is looked at for {question.model}{quantized if conditions['quantization'] else ''}"
            f"{f' that meets {asked}' if asked else ''}"
            f"{f' ({named})' if named and question.shape else ''}"
        )
    first = misses.records()[0]
    longest = fetch(connection, "recommend/longest_context.sql", conditions).rows[0][0]
    missing = first["missing_gib_per_gpu"]
    cache = "" if first["kv_dtype"] == "auto" else f" with {first['kv_dtype']} KV cache"
    nearest_shape = f"nearest is {first['provider']} {first['shape']} in {first['quantization']}{cache}"
    cure = str(first["reason"]).rpartition("; ")[2]
    cured = f" and {cure}" if cure.startswith("fits with --") else ""
    lacking = (
        f", which lacks {max(missing, 0.1):.1f} GiB a GPU{cured}"
        if missing is not None and missing > 0
        else f": {first['reason']}"
    )
    return misses, (
        f"{question.model} fits no shape that was asked for at {context:,} tokens; {nearest_shape}{lacking}"
        + (f"; it fits up to {longest:,} tokens" if longest else "; no published context fits either")
    )


def _closest(row: dict[str, Any], timed: bool) -> str:
    """What the offer that comes nearest to the bounds does: the fastest where times are bounded, else the cheapest."""
    machines = f"{row['machines']:,} × " if row["machines"] > 1 else ""
    offer = f"{machines}{row['provider']} {row['shape']} in {row['quantization']}"
    price = f"{row['total_usd_per_hour']:.2f} USD an hour" if row["total_usd_per_hour"] is not None else "no catalogued price"
    if not timed:
        return f"the cheapest, {offer}, is at {price}"
    if row["single_stream_tpot_ms"] is None:
        return "the speed of none is known"
    return (
        f"the fastest, {offer}, takes {row['single_stream_ttft_ms']:,.0f} ms to the first token and "
        f"{row['single_stream_tpot_ms']:.1f} ms for each further one of a single request, at {price}"
    )


@contextmanager
def _database(question: Question, data: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The published database where it holds the model, else one made for it alone (and for the shapes file); and its id there."""
    latest = Versions(data).latest()
    if latest is not None and question.shapes_file is None and not Path(question.model).is_dir():
        with answering(latest) as connection:
            for find in ("ask/model.sql", "ask/model_spelling.sql"):
                if found := fetch(connection, find, {"model": question.model}).rows:
                    yield connection, str(found[0][0])
                    return
    with _made_for(question, data) as made:
        yield made


@contextmanager
def _made_for(question: Question, data: Path, quantization: str | None = None) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database as it is published, of this model alone, with the user's shapes and one more precision where they are named.

    Beside it, the id under which it has the model.
    """
    import tempfile

    import polars as pl

    from flows.ask.model_facts import facts_of
    from flows.lake.catalogs import load_catalogs
    from flows.publish.build_database import build_database

    catalogs = load_catalogs()
    if question.shapes_file is not None:
        catalogs |= own_shapes(question.shapes_file, catalogs)
    if quantization is not None:
        wanted = pl.col("quantization") == quantization
        catalogs["quantizations"] = catalogs["quantizations"].with_columns(nightly=pl.col("nightly") | wanted)
    facts = facts_of(question.model, data)
    with tempfile.TemporaryDirectory(prefix="shapefit-") as directory:
        version = Path(directory)
        build_database(version / DATABASE, {**facts.tables(), **catalogs}, with_comments=False)
        with open_version(version) as connection:
            yield connection, str(facts.models["model_id"][0])


def own_shapes(path: Path, catalogs: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The catalogs shapes, prices and providers of a user's shapes file. Raises ShapesFileError."""
    from transforms.catalogs.shapes_file import read_shapes

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise QuestionError(f"{path} is no text file: a CSV of shapes is needed") from None
    return read_shapes(text, path.name, catalogs["gpus"], catalogs["gpu_aliases"], catalogs["providers"])
