"""How `shapefit recommend` prints its answer: a table to compare shapes by, or rows and one JSON object for machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flows.printing.rows import Format, Rows, emit, form_of, rows_of_frame, rows_of_records, shown, write_object, write_rows
from flows.recommend.question import Question
from flows.recommend.recommend import Answer, recommend
from flows.versions.versions import RejectedModelError
from transforms.asking.recommendation_reasoning import Asked, arguments_explained, layout, reasoning

_SHOWN_ROWS = 20
"""Rows of a table for people; the other forms list all."""

_WRAPPED = 120
"""Characters of a line of running text."""


def print_recommendations(
    question: Question, data: Path, form: Format | None, output: Path | None, plot: Path | None = None
) -> int:
    """Print the answer, and draw it into `plot`; 1 when nothing fits or the model has no estimate, with the reason."""
    if output is not None:
        form_of(output)
    if question.policy != "vllm":
        from flows.recommend.other_tools import print_policy_answer

        return print_policy_answer(question, data, form, output)
    if plot is not None:
        from flows.recommend.plot import check_plot

        check_plot(plot)
    for_people = form in (None, "table") and output is None
    try:
        answer = recommend(question, data, _SHOWN_ROWS if for_people and plot is None else None)
    except RejectedModelError as error:
        print(f"shapefit: {error}", file=sys.stderr)
        return 1
    if form == "json" and output is None:
        write_object(document(question, answer) | {"measured": _measured(answer.model_id, data).records()})
    elif for_people:
        _print_for_people(question, answer)
        _print_measured(_measured(answer.model_id, data))
    else:
        emit(answer.rows, form, output)
        _say_on_stderr(answer)
    if plot is not None:
        _draw(question, answer, plot)
    return 0 if answer.rows.rows else 1


def document(question: Question, answer: Answer) -> dict[str, object]:
    """The answer as one JSON object."""
    found: dict[str, object] = {
        "model_id": answer.model_id,
        "context": answer.context,
        "objective": question.best_by,
        "policy": question.policy,
        "notes": list(answer.notes),
        "reasoning": _reasoning(question, answer),
        "recommendations": answer.rows.records(),
    }
    if answer.why_not is not None:
        found |= {"reason": answer.why_not, "nearest": answer.nearest.records()}
    return found


def _reasoning(question: Question, answer: Answer) -> str | None:
    if not answer.rows.rows:
        return answer.why_not
    asked = Asked(
        shown(answer.model_id),
        answer.context,
        question.best_by,
        users=question.users,
        workload=question.workload,
        requests_per_s=question.requests_per_s,
        bounds=question.bounds(),
        times_are_bounded=question.bounds_the_times,
        percentile=question.held_percentile,
        default_ttft_ms=answer.service_level[0],
        default_tpot_ms=answer.service_level[1],
        estimated_for_load=question.is_estimated,
    )
    first, *others = Rows(answer.rows.columns, answer.rows.rows[:_SHOWN_ROWS]).records()
    elsewhere = (row for row in others if (row["provider"], row["shape"]) != (first["provider"], first["shape"]))
    return reasoning(
        asked,
        first,
        next(elsewhere, None),
        answer.offers,
        next(iter(answer.passed_over.records()), None),
        answer.alternatives.records(),
        {str(row["quantization"]): row for row in answer.precisions.records()},
    )


def _draw(question: Question, answer: Answer, plot: Path) -> None:
    from flows.recommend.plot import write_plot

    rows = answer.rows.records()
    drawn = write_plot(plot, answer.model_id, answer.context, question.best_by, rows) if rows else 0
    why = "" if drawn else ": no offer with both a price and a speed, nothing is drawn"
    print(f"shapefit: {plot}{why or f' shows {drawn:,} offers'}", file=sys.stderr)


def _measured(model_id: str, data: Path) -> Rows:
    """What sweeps of the model measured, beside the estimate for the same GPU, layout and load."""
    if not (data / "sizing").is_dir():
        return Rows((), [])
    from flows.recommend.measured_beside_estimated import measured_beside_estimated

    rows = measured_beside_estimated(data, model_id)
    return Rows((), []) if rows is None else rows_of_frame(rows)


def _print_measured(measured: Rows) -> None:
    if measured.rows:
        sys.stdout.write("\nMeasured, beside the estimate for the same GPU, layout and load:\n\n")
        write_rows(measured, "table", sys.stdout)


def _print_for_people(question: Question, answer: Answer) -> None:
    out = sys.stdout
    for note in answer.notes:
        out.write(f"{note}\n")
    if answer.why_not is not None:
        out.write(f"{answer.why_not}\n")
        if answer.nearest.rows:
            out.write("\n")
            write_rows(_readable(answer.nearest), "table", out)
        return
    rows = Rows(answer.rows.columns, answer.rows.rows[:_SHOWN_ROWS]).records()
    level = "your bounds" if question.bounds_the_times else "the default service level"
    sized = question.users is not None or question.requests_per_s is not None
    batch = f"within {level}" if question.is_estimated and sized else f"at the best batch within {level}"
    load = f"{rows[0]['input_tokens']:,} tokens in, {rows[0]['output_tokens']:,} out, {batch}"
    out.write(f"{shown(answer.model_id)} at {answer.context:,} tokens, best by {question.best_by} first ({load})\n\n")
    write_rows(rows_of_records([_line(row, many=sized) for row in rows]), "table", out)
    if answer.offers > len(rows):
        out.write(f"and {answer.offers - len(rows):,} more (--format json, csv or markdown lists all)\n")
    if any(row["price_stale"] for row in rows):
        out.write("* an undated or old price\n")
    out.write(f"\n{_filled(str(_reasoning(question, answer)))}\n")
    for remark, shapes in _remarks(rows).items():
        out.write(f"\n{_filled(remark + ': ' + '; '.join(shapes))}\n")
    out.write(f"\nReady to run: {_ready_to_run(answer.model_id, rows[0])}\n")
    out.write(f"{_filled(arguments_explained(rows[0]))}\n")


def _remarks(rows: list[dict[str, object]]) -> dict[str, list[str]]:
    """What a reader should know of rows of the table, and of which."""
    remarks: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"] is not None:
            remarks.setdefault(str(row["reason"]), []).append(f"{row['provider']} {row['shape']} in {row['quantization']}")
    return remarks


def _filled(text: str) -> str:
    import textwrap

    return textwrap.fill(text, _WRAPPED, break_long_words=False, break_on_hyphens=False)


def _readable(rows: Rows) -> Rows:
    """The columns that a person compares, several of them joined into one."""
    return rows_of_records([_line(row) for row in rows.records()])


def _line(row: dict[str, Any], many: bool = False) -> dict[str, object]:
    nodes = row.get("nodes", 1)
    shape = f"{nodes} × {row['shape']}" if nodes > 1 else row["shape"]
    line = {
        "provider": row["provider"],
        "shape": shape,
        "GPUs": f"{row['gpu_count']:g} × {row['gpu']}",
        "layout": layout(row).replace(", ", "×").replace(" ", ""),
        "weights": row["quantization"] if row["kv_dtype"] == "auto" else f"{row['quantization']}, KV {row['kv_dtype']}",
    }
    if "missing_gib_per_gpu" in row:
        return line | {
            "missing GiB/GPU": row["missing_gib_per_gpu"],
            "max context": row["max_context"],
            "verdict": row["verdict"],
            "reason": row["reason"],
        }
    if row["deployments"] > 1:
        line["shape"] = f"{row['deployments']} × ({shape})" if nodes > 1 else f"{row['deployments']} × {shape}"
    price = shown(row["total_usd_per_hour"], "usd")
    speed = row["output_tokens_per_s"]
    return line | {
        "$/h": f"{price}*" if row["price_stale"] else price,
        **({"used": f"{row['utilization']:.0%}"} if many else {}),
        "$/M out": _cents(row["usd_per_million_output_tokens"]),
        "tokens/s": speed if speed is None else speed * row["deployments"],
        "TTFT ms": _whole(row["ttft_ms"]),
        "TPOT ms": row["tpot_ms"],
        "batch": row["batch_per_replica"] * row["dp"] * row["deployments"],
        "GiB/GPU": f"{row['memory_used_gib_per_gpu']:.1f} of {row['memory_allowed_gib_per_gpu']:.1f}",
        "max context": row["max_context"],
        "verdict": row["verdict"],
    }


def _cents(usd: object) -> object:
    """Dollars to the tenth of a cent, all alike, so that a column of them can be compared at a glance."""
    return None if usd is None else f"{float(str(usd)):,.3f}"


def _whole(value: object) -> object:
    return None if value is None else round(float(str(value)))


def _ready_to_run(model_id: str, row: dict[str, object]) -> str:
    """The command that serves the row; where the engine cannot make the precision itself, a checkpoint in it is named."""
    served = shown(model_id)
    if row["needs_checkpoint"]:
        served = shown(row["checkpoint"] or f"<a checkpoint of {served} in {row['quantization']}: none is known here>")
    return f"vllm serve {served} {row['vllm_arguments']}"


def _say_on_stderr(answer: Answer) -> None:
    for remark in (*answer.notes, answer.why_not):
        if remark:
            print(f"shapefit: {remark}", file=sys.stderr)
