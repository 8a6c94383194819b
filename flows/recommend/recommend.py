"""`shapefit recommend`: the best shapes for one model, and why not where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.database.sql_files import fetch, run_sql
from flows.printing.rows import Rows
from flows.recommend.question import Question, QuestionError
from flows.versions.versions import DATABASE, Versions, answering, open_version

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_NAMED = ("provider", "shape", "quantization", "region", "workload")
"""Conditions that are names of catalogs."""

_SHOWN_MISSES = 5
_LISTED_NAMES = 30
"""So many known names are listed whole by an error; of more, the nearest."""

_NOTHING = Rows((), [])


@dataclass(frozen=True)
class Answer:
    """The rows that answer, best first, or why there are none.

    `offers` counts all that answer, of which `rows` may be the first. `nearest` are the cheapest or fastest rows where none is
    within the bounds, and where the model starts on no shape that the question allows, those that lack least. `cheaper` is a
    row on the shapes that cost less than the first one and do not hold the model (`sql/recommend/cheaper.sql`). `notes` say how
    the question was taken where that is not plain; `why_not` says in one sentence why there are no rows.
    """

    model_id: str
    context: int
    rows: Rows
    offers: int = 0
    nearest: Rows = field(default=_NOTHING)
    cheaper: Rows = field(default=_NOTHING)
    notes: tuple[str, ...] = ()
    why_not: str | None = None


def recommend(question: Question, data: Path, shown: int | None = None) -> Answer:
    """Answer a question from the published version, or for a model that is not published from its facts; the first `shown` rows.

    Figures are those of the layout that the objective takes, at the best batch within the default service level: as published, or
    estimated anew where the question states a workload or bounds on the times, which then take that level's place.

    Raises QuestionError for conditions that name nothing known, RejectedModelError for a model that has no estimate.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(_database(question, data))
        model = fetch(connection, "ask/model.sql", {"model": question.model}).records()[0]
        notes: list[str] = []
        conditions = _conditions(connection, question, model, notes)
        if conditions["quantization"] is not None and not _in_grid(connection, conditions):
            connection = stack.enter_context(_made_for(question, data, str(conditions["quantization"])))
        run_sql(connection, "recommend/asked_shapes.sql", conditions)
        rows, offers = _rows(connection, conditions, shown)
        if rows.rows:
            first: dict[str, Any] = dict(zip(rows.columns, rows.rows[0], strict=True))
            cheaper = _cheaper(connection, conditions, first)
            return Answer(question.model, first["context"], rows, offers, cheaper=cheaper, notes=tuple(notes))
        nearest, why_not = _why_not(connection, question, conditions)
    return Answer(question.model, conditions["context"], rows, nearest=nearest, notes=tuple(notes), why_not=why_not)


def _rows(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any], shown: int | None = None) -> tuple[Rows, int]:
    """The first rows of the answer and how many there are in all."""
    asked = conditions | {"shown": shown}
    if all(asked[name] is None for name in ("input_tokens", "max_ttft_ms", "max_tpot_ms")):
        answer = fetch(connection, "recommend/published.sql", asked)
    else:
        for step in ("chosen", "bounds", "configurations", "evaluated"):
            run_sql(connection, f"recommend/{step}.sql", asked)
        answer = fetch(connection, "recommend/answer.sql", asked)
    offers = int(str(answer.rows[0][-1])) if answer.rows else 0
    return Rows(answer.columns[:-1], [row[:-1] for row in answer.rows]), offers


def _cheaper(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any], first: dict[str, Any]) -> Rows:
    """The row on cheaper shapes that do not hold the model; none where there is no such shape, or price is not the objective."""
    if conditions["objective"] != "cost" or first["total_usd_per_hour"] is None:
        return _NOTHING
    asked = conditions | {"context": first["context"], "usd_per_hour": first["total_usd_per_hour"]}
    return fetch(connection, "recommend/cheaper.sql", asked)


def _in_grid(connection: duckdb.DuckDBPyConnection, conditions: dict[str, Any]) -> bool:
    """Whether the precision is one that the database looks at, or none that could be made of the checkpoint."""
    return bool(fetch(connection, "recommend/in_grid.sql", conditions).rows)


def _conditions(
    connection: duckdb.DuckDBPyConnection, question: Question, model: dict[str, Any], notes: list[str]
) -> dict[str, Any]:
    """The question as parameters of the SQL, names resolved, defaults filled in; remarks go to `notes`."""
    meant = _meant(connection, question)
    load: dict[str, Any] = {"input_tokens": None, "output_tokens": None, "cached_share": None}
    bounds = {"max_ttft_ms": question.max_ttft_ms, "max_tpot_ms": question.max_tpot_ms}
    if question.workload is not None:
        workload = fetch(connection, "recommend/workload.sql", {"workload": meant["workload"]}).records()[0]
        load = {name: workload[name] for name in load}
    quantization = meant["quantization"]
    if quantization is not None and quantization != "native" and quantization == model["own_precision"]:
        notes.append(f"{question.model} is published in {quantization}: that is its native precision")
        quantization = "native"
    if meant["shape"] is not None and meant["provider"] is not None:
        offering = [str(row[0]) for row in fetch(connection, "recommend/shape_providers.sql", meant).rows]
        if meant["provider"] not in offering:
            raise QuestionError(f"{meant['shape']} is a shape of {', '.join(offering)}, not of {meant['provider']}")
    return {
        "model": question.model,
        "architecture": model["architecture_key"],
        "context": _context(question, model, load, notes),
        "objective": question.best_by,
        "users": question.users,
        "provider": meant["provider"],
        "shape": meant["shape"],
        "quantization": quantization,
        "region": meant["region"],
        "spot": question.spot,
        "max_usd_per_hour": question.max_usd_per_hour,
        **bounds,
        **load,
    }


def _meant(connection: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    """The catalog names that the question's names mean. Raises QuestionError with the nearest known ones."""
    asked: dict[str, str | None] = {kind: getattr(question, kind) for kind in _NAMED}
    if not any(asked.values()):
        return asked
    known = fetch(connection, "recommend/names.sql").records()
    meant: dict[str, Any] = {}
    for kind, name in asked.items():
        names: dict[str, str] = {row["name"].casefold(): row["meant"] for row in known if row["kind"] == kind}
        if name is not None and name.casefold() not in names:
            every = sorted(set(names.values()))
            import difflib

            near = [names[close] for close in difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.4)]
            listed = every if len(every) <= _LISTED_NAMES else list(dict.fromkeys(near))
            raise QuestionError(f"no {kind} {name}; {'known' if len(every) <= _LISTED_NAMES else 'nearest'}: {', '.join(listed)}")
        meant[kind] = None if name is None else names[name.casefold()]
    return meant


def _context(question: Question, model: dict[str, Any], load: dict[str, Any], notes: list[str]) -> int:
    """Tokens of one sequence: as asked, at most the model's own limit; else what the workload needs; else the model's default."""
    longest = int(model["max_model_len_limit"])
    needed = int(load["input_tokens"] or 0) + int(load["output_tokens"] or 0)
    asked = question.context if question.context is not None else needed or longest
    if asked < needed:
        raise QuestionError(
            f"a context of {asked:,} does not hold a request of the workload {question.workload}: {needed:,} tokens"
        )
    if needed > longest:
        raise QuestionError(
            f"the workload {question.workload} needs {needed:,} tokens, {question.model} takes {longest:,} at most"
        )
    if asked > longest:
        notes.append(f"a context of {asked:,} is longer than {question.model} takes: answered for its maximum of {longest:,}")
    return min(asked, longest)


def _why_not(connection: duckdb.DuckDBPyConnection, question: Question, conditions: dict[str, Any]) -> tuple[Rows, str]:
    """What came nearest, and one sentence on why nothing answers."""
    context = conditions["context"]
    if question.bounds():
        timed = question.max_ttft_ms is not None or question.max_tpot_ms is not None
        unbounded = {**conditions, "max_ttft_ms": None, "max_tpot_ms": None, "max_usd_per_hour": None}
        nearest, offers = _rows(connection, unbounded | {"objective": "performance" if timed else "cost"}, _SHOWN_MISSES)
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
    offer = f"{row['provider']} {row['shape']} in {row['quantization']}"
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
def _database(question: Question, data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published database where it holds the model, else one made for this model alone (and for the shapes file)."""
    latest = Versions(data).latest()
    if latest is not None and question.shapes_file is None and not Path(question.model).is_dir():
        with answering(latest) as connection:
            if fetch(connection, "ask/model.sql", {"model": question.model}).rows:
                yield connection
                return
    with _made_for(question, data) as connection:
        yield connection


@contextmanager
def _made_for(question: Question, data: Path, quantization: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database as it is published, of this model alone, with the user's shapes and one more precision where they are named."""
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
            yield connection


def own_shapes(path: Path, catalogs: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The catalogs shapes, prices and providers of a user's shapes file. Raises ShapesFileError."""
    from transforms.catalogs.shapes_file import read_shapes

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise QuestionError(f"{path} is no text file: a CSV of shapes is needed") from None
    return read_shapes(text, path.name, catalogs["gpus"], catalogs["gpu_aliases"], catalogs["providers"])
