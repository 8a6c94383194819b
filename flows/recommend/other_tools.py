"""`shapefit recommend --policy`: what the tools that users come from would answer, by their own rules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.ask.estimate_database import estimating
from flows.ask.model_facts import facts_of
from flows.database.sql_files import fetch
from flows.lake.catalogs import load_catalogs
from flows.printing.rows import Format, Rows, emit, rows_of_records, write_object
from flows.recommend.names import NAMES, names_meant
from flows.recommend.question import Question, QuestionError, refuse_unknown
from flows.recommend.recommend import own_shapes
from flows.versions.versions import RejectedModelError
from transforms.asking.aqua_report import aqua_report, troubleshoot
from transforms.catalogs.model_list import spelling_note

_FITS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "aqua": lambda row: True,
    "kaito": lambda row: row["nodes_needed"] is not None,
    "lmi": lambda row: row["batch_size"] >= 1,
}
"""Whether a row of a policy says yes."""

_CONDITIONS = {
    "aqua": ("shape", "shapes_file"),
    "kaito": ("provider", "shape", "context", "shapes_file"),
    "lmi": ("provider", "shape", "context", "shapes_file"),
}
"""The conditions that a policy knows."""

_NAMES_OF = {"aqua": "recommend/aqua_names.sql"}
"""The query of the names that a policy knows, where it has a catalog of its own."""

_LMI_TABLE = (
    "shapefit: the guide's table by parameter counts, beside its own arithmetic: shapefit query 'from lmi_instance_table'"
)


def print_policy_answer(question: Question, data: Path, form: Format | None, output: Path | None) -> int:
    """Print a policy's answer; 1 when it finds no room. `aqua` has its tool's own JSON.

    Raises QuestionError for a condition that the policy does not know.
    """
    as_report = question.policy == "aqua" and form == "json" and output is None
    try:
        notes: list[str] = []
        rows = policy_rows(question, data, notes)
    except RejectedModelError as error:
        if as_report:
            write_object(aqua_report([], troubleshoot(error.code, str(error))))
        print(f"shapefit: {error}", file=sys.stderr)
        return 1
    for note in notes:
        print(f"shapefit: {note}", file=sys.stderr)
    fitting = [row for row in rows.records() if _FITS[question.policy](row)]
    if as_report:
        write_object(aqua_report(fitting))
    else:
        emit(rows_of_records(fitting or rows.records(), rows.columns), form, output)
    if question.policy == "lmi":
        print(_LMI_TABLE, file=sys.stderr)
    if not fitting:
        print(f"shapefit: by the policy {question.policy} {question.model} fits no shape that was asked for", file=sys.stderr)
    return 0 if fitting else 1


def fitting_rows(question: Question, data: Path, notes: list[str]) -> Rows:
    """The rows of a policy that say yes. Arguments and errors as of `policy_rows`."""
    rows = policy_rows(question, data, notes)
    return rows_of_records([row for row in rows.records() if _FITS[question.policy](row)], rows.columns)


def policy_rows(question: Question, data: Path, notes: list[str]) -> Rows:
    """The rows of a policy for one model; remarks on how the question was taken are added to `notes`.

    Raises QuestionError for a condition that the policy does not know and for a name of nothing known, RejectedModelError.
    """
    if question.policy not in _CONDITIONS:
        raise QuestionError("config_recommender answers by its own names: from flows.config_recommender import GPURecommender")
    refuse_unknown(question, _CONDITIONS[question.policy])
    catalogs = load_catalogs(data=data)
    if question.shapes_file is not None:
        catalogs |= own_shapes(question.shapes_file, catalogs)
    facts = facts_of(question.model, data)
    known = str(facts.models["model_id"][0])
    notes.extend(note for note in (spelling_note(question.model, known),) if note is not None)
    asked = f"recommend/{question.policy}.sql"
    names = _NAMES_OF.get(question.policy, "recommend/names.sql")
    with estimating(facts, catalogs, [asked, names, *NAMES]) as connection:
        meant = names_meant(connection, question, names)
        return fetch(
            connection,
            asked,
            {
                "architecture": facts.models["architecture_key"][0],
                "context": question.context,
                "provider": meant["provider"],
                "shape": meant["shape"],
            },
        )
