"""How `shapefit recommend` prints its answer: a table to compare shapes by, or rows and one JSON object for machines."""

from __future__ import annotations

import sys
from pathlib import Path

from flows.output import Format, Rows, emit, form_of, rows_of_frame, rows_of_records, shown, write_object, write_rows
from flows.published import RejectedModelError
from flows.recommend import Answer, Question, recommend

_SHOWN_ROWS = 20
"""Rows of a table for people; the other forms list all."""


def print_recommendations(question: Question, data: Path, form: Format | None, output: Path | None) -> int:
    """Print the answer; 1 when nothing fits or the model has no estimate, with the reason."""
    if output is not None:
        form_of(output)
    if question.policy != "vllm":
        from flows.policy_answers import print_policy_answer

        return print_policy_answer(question, data, form, output)
    try:
        answer = recommend(question, data)
    except RejectedModelError as error:
        print(f"shapefit: {error}", file=sys.stderr)
        return 1
    if form == "json" and output is None:
        write_object(_document(question, answer) | {"measured": _measured(answer.model_id, data).records()})
    elif form in (None, "table") and output is None:
        _print_for_people(question, answer)
        _print_measured(_measured(answer.model_id, data))
    else:
        emit(answer.rows, form, output)
        _say_on_stderr(answer)
    return 0 if answer.rows.rows else 1


def _document(question: Question, answer: Answer) -> dict[str, object]:
    """The answer as one JSON object."""
    document: dict[str, object] = {
        "model_id": answer.model_id,
        "context": answer.context,
        "objective": question.objective,
        "policy": question.policy,
        "notes": list(answer.notes),
        "recommendations": answer.rows.records(),
    }
    if answer.why_not is not None:
        document |= {"reason": answer.why_not, "nearest": answer.misses.records()}
    return document


def _measured(model_id: str, data: Path) -> Rows:
    """What sweeps of the model measured, beside the estimate for the same GPU, layout and load."""
    from flows.size_measured import measured_beside_estimated

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
        if answer.misses.rows:
            out.write("\n")
            write_rows(_readable(answer.misses), "table", out)
        return
    rows = answer.rows.records()
    load = f"{rows[0]['input_tokens']:,} tokens in, {rows[0]['output_tokens']:,} out, best batch within the bounds"
    out.write(f"{answer.model_id} at {answer.context:,} tokens, best {question.objective} first ({load})\n\n")
    write_rows(_readable(Rows(answer.rows.columns, answer.rows.rows[:_SHOWN_ROWS])), "table", out)
    if len(rows) > _SHOWN_ROWS:
        out.write(f"and {len(rows) - _SHOWN_ROWS:,} more (--format json, csv or markdown lists all)\n")
    out.write(f"\nThe first, ready to run: {_ready_to_run(answer.model_id, rows[0])}\n")
    if any(row["price_stale"] for row in rows[:_SHOWN_ROWS]):
        out.write("* an undated or old price\n")


def _readable(rows: Rows) -> Rows:
    """The columns that a person compares, several of them joined into one."""
    return rows_of_records([_line(row) for row in rows.records()])


def _line(row: dict[str, object]) -> dict[str, object]:
    nodes = row.get("nodes", 1)
    shape = f"{nodes} × {row['shape']}" if nodes > 1 else row["shape"]
    ways = "×".join(f"{name}{row[name]}" for name in ("tp", "pp", "dp") if row[name] > 1) or "tp1"
    line = {
        "provider": row["provider"],
        "shape": shape,
        "GPUs": f"{row['gpu_count']:g} × {row['gpu']}",
        "layout": f"{ways} ep{row['ep']}" if row["ep"] > 1 else ways,
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
    return line | {
        "GiB/GPU": f"{row['memory_used_gib_per_gpu']:.1f} of {row['memory_allowed_gib_per_gpu']:.1f}",
        "max context": row["max_context"],
        "sequences": row["concurrent_sequences"],
        "$/h": f"{price}*" if row["price_stale"] else price,
        "verdict": row["verdict"],
        "tokens/s": row["output_tokens_per_s"],
        "TPOT ms": row["tpot_ms"],
        "TTFT ms": row["ttft_ms"],
        "$/M out": shown(row["usd_per_million_output_tokens"], "usd"),
    }


def _ready_to_run(model_id: str, row: dict[str, object]) -> str:
    """The command that serves the row; where the engine cannot make the precision itself, a checkpoint in it is named."""
    served = shown(model_id)
    if row["needs_checkpoint"]:
        served = f"<a checkpoint of {served} in {row['quantization']}>"
    return f"vllm serve {served} {row['vllm_arguments']}"


def _say_on_stderr(answer: Answer) -> None:
    for remark in (*answer.notes, answer.why_not):
        if remark:
            print(f"shapefit: {remark}", file=sys.stderr)
