"""A fitted sweep for a reader: the answer, the plain words and the summary table, from the rows of `sql/sizing`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from transforms.sizing.metric_fit import MetricFit
from transforms.sizing.pipe_table import digits, pipe_table

Row = Mapping[str, object]

METRICS: dict[str, str] = {"llm_latency": "LLM Latency", "workflow_runtime": "Workflow Runtime"}
"""The metrics by name, as the summary table writes them."""

ALERTS: dict[str, str] = {
    "!W": "Workflow interrupted",
    "!L": "LLM latency outlier, left out of the line",
    "!R": "Workflow runtime outlier, left out of the line",
    "!H": "Highest load far off the line, kept",
    "!Z": "No time above zero, left out",
}


@dataclass(frozen=True)
class SizingAnswer:
    """The size of the cluster: GPUs by the metric that needs most, or the first reason why there is no such number.

    `gpus` is the estimate, `whole_gpus` the next whole replica, `gpus_low` and `gpus_high` the interval that holds
    `interval_level` of the bootstrap replicates (a high end of None: no upper end).
    """

    status: str
    metric: str | None = None
    gpus: float | None = None
    whole_gpus: int | None = None
    gpus_low: float | None = None
    gpus_high: float | None = None
    interval_level: float | None = None
    messages: list[str] = field(default_factory=list)


def answer_of(sizing: Sequence[MetricFit], settings: Mapping[str, float]) -> SizingAnswer:
    """The answer over all targets: the greatest of the estimates, or none if one of the targets has none.

    Args:
        sizing: rows of the `sizing` table, one per metric.
        settings: the `sizing_settings` catalog by key.
    """
    asked = [row for row in sizing if row["target_s"] is not None]
    messages = [message for row in asked for message in messages_of(row, settings)]
    if not asked:
        return SizingAnswer(
            "no_target",
            messages=["No target was given; `shapefit size estimate` sizes a cluster."],
        )
    missing = next((row for row in asked if row["sizing_status"] != "estimated"), None)
    if missing is not None:
        return SizingAnswer(missing["sizing_status"], missing["metric"], messages=messages)
    largest = max(asked, key=lambda row: row["gpus"] or 0.0)
    return SizingAnswer(
        "estimated",
        largest["metric"],
        largest["gpus"],
        largest["whole_gpus"],
        largest["gpus_low"],
        largest["gpus_high"],
        settings["interval_level"],
        messages,
    )


def messages_of(row: MetricFit, settings: Mapping[str, float]) -> list[str]:
    """One metric's fit in plain words: why there is no number, or what the number rests on."""
    name = METRICS[row["metric"]]
    reason = _reason(row, name)
    return [reason] if reason else _caveats(row, name, settings)


def _reason(row: MetricFit, name: str) -> str | None:
    match row["sizing_status"]:
        case "all_failed":
            return f"{name}: every concurrency was interrupted by a failing item, so there is nothing to fit."
        case "not_measured":
            return f"{name}: it was not measured (a workflow endpoint that hides its model calls, or a file without it)."
        case "zero_time":
            return f"{name}: no concurrency has a time above zero, so there is nothing to fit."
        case "one_point":
            return f"{name}: only one usable concurrency; a line needs two at least, and ten are advised. {_bound(row)}"
        case "no_target":
            return f"{name}: users and test GPUs are needed as well to count GPUs."
        case "falling":
            return (
                f"{name}: times fall as load rises ({digits(row['slope_s'])} s per user), which no serving system does for long: "
                f"warm-up or caching is being measured. {_bound(row)}"
            )
        case "flat":
            return (
                f"{name}: times do not rise with load up to the highest concurrency measured: the system was never saturated, "
                f"and a line through flat points says nothing about where it ends. {_bound(row)}"
            )
        case "noisy":
            return (
                f"{name}: load explains only {_percent(row['r_squared'])} of the times' variation over {row['points']} "
                f"concurrencies: too noisy to extrapolate. Measure more passes. {_bound(row)}"
            )
        case "unreachable":
            return (
                f"{name}: the target of {digits(row['target_s'])} s cannot be met by adding GPUs: {_floor(row)}. More GPUs take "
                "more users, they do not make one request faster: relax the target, or shorten the request (faster GPU, smaller "
                "model, fewer tokens)."
            )
    return None


def _floor(row: MetricFit) -> str:
    target, intercept, knee = row["target_s"] or 0.0, row["intercept_s"], row["knee_base_s"]
    if knee is not None and target <= knee and (intercept is None or target > intercept):
        return f"below saturation it already takes {digits(knee)} s"
    if intercept is not None and target > intercept:
        return f"by the line a single user already waits {digits(intercept + (row['slope_s'] or 0.0))} s"
    return f"the time at no load at all (the line's intercept) is {digits(intercept)} s"


def _bound(row: MetricFit) -> str:
    proven, users, test = row["proven_concurrency"], row["target_users"], row["test_gpu_count"]
    if proven is None:
        return "No measured concurrency met the target."
    if users is None or test is None:
        return f"Concurrency {proven} met the target."
    return (
        f"Concurrency {proven} was measured within the target, so {digits(row['proven_gpus'])} GPUs are enough for {users} "
        "users; measure higher concurrencies to find fewer."
    )


def _caveats(row: MetricFit, name: str, settings: Mapping[str, float]) -> list[str]:
    said: list[str] = []
    points, required = row["points"], row["required_concurrency"] or 0.0
    r_squared = row["knee_r_squared"] if row["fit"] == "knee" else row["r_squared"]
    if row["fit"] == "knee":
        said.append(
            f"{name}: flat at {digits(row['knee_base_s'])} s up to concurrency {digits(row['knee_concurrency'])}, then "
            f"{digits(row['knee_slope_s'])} s per user (R² {digits(row['knee_r_squared'])}): the answer rests on this "
            "saturation fit"
            + (f"; the line alone gives {digits(row['line_gpus'])} GPUs." if row["line_gpus"] is not None else ".")
        )
    if points < settings["advised_points"]:
        two = " Two points always lie on a line, so R² proves nothing." if points == 2 else ""
        said.append(f"{name}: {points} concurrencies; at least {settings['advised_points']:.0f} are advised.{two}")
    if r_squared is not None and r_squared < settings["weak_r_squared"]:
        said.append(f"{name}: the fit is weak (R² {digits(r_squared)}): mind the interval, and measure more passes.")
    outliers = json.loads(row["outliers"])
    if outliers:
        said.append(f"{name}: concurrency {', '.join(map(str, outliers))} lies far off the line and is left out of it.")
    proven = row["proven_concurrency"]
    if proven is None:
        said.append(f"{name}: no measured concurrency met the target; the estimate lies below all of them.")
    elif row["proven_gpus"] is not None and row["proven_gpus"] < (row["gpus"] or 0.0):
        said.append(
            f"{name}: concurrency {proven} was measured within the target, so {digits(row['proven_gpus'])} GPUs may do: the fit "
            "is more cautious than that measurement."
        )
    elif required > 2 * proven:
        said.append(
            f"{name}: the target is met up to concurrency {digits(required)}, but only {proven} was measured: extrapolated."
        )
    return said


def summary_text(targets: Row, sizing: Sequence[MetricFit], per_concurrency: Sequence[Row], answer: SizingAnswer) -> str:
    """The summary: targets, test parameters, one line per concurrency, then the estimates."""
    header = [
        f"Targets: LLM Latency ≤ {_seconds(targets['target_llm_latency_s'])}s, "
        f"Workflow Runtime ≤ {_seconds(targets['target_workflow_runtime_s'])}s, Users = {targets['target_users'] or 0}",
        f"Test parameters: GPUs = {targets['test_gpu_count'] or 0}",
        "Per concurrency results:",
    ]
    alerts = [alerts_of(row) for row in per_concurrency]
    present = [code for code in ALERTS if any(code in each for each in alerts)]
    if present:
        header.append("Alerts: " + ", ".join(f"{code} = {ALERTS[code]}" for code in present))
    columns, rows = summary_rows(targets, per_concurrency)
    lines = [*header, *pipe_table(columns, rows)]
    asked = [row for row in sizing if row["target_s"] is not None]
    if asked and targets["target_users"] and targets["test_gpu_count"]:
        lines += ["", "=== GPU ESTIMATES ==="]
        for row in reversed(asked):
            name = METRICS[row["metric"]]
            lines.append(f"Estimated GPU count ({name}): {_estimate(row)}")
        if answer.gpus is not None:
            lines.append(f"Answer: {answer.whole_gpus} GPUs{_interval(answer)}")
    lines += [f"Note: {message}" for message in answer.messages]
    return "\n".join(lines)


def summary_rows(targets: Row, per_concurrency: Sequence[Row]) -> tuple[list[str], list[list[object]]]:
    """Columns and cells of the summary table; alerts and targets that nobody has are left out."""
    columns: list[tuple[str, Callable[[Row], object]]] = []
    if any(alerts_of(row) for row in per_concurrency):
        columns.append(("Alerts", lambda row: ", ".join(alerts_of(row))))
    columns += [
        ("Concurrency", lambda row: row["concurrency"]),
        ("p95 LLM Latency", lambda row: row["p95_llm_latency_s"]),
        ("p95 WF Runtime", lambda row: row["p95_workflow_runtime_s"]),
        ("Total Runtime", lambda row: row["total_runtime_s"]),
    ]
    asked = [
        ("target_llm_latency_s", "LLM Latency", "Latency OOR", "llm_latency"),
        ("target_workflow_runtime_s", "WF Runtime", "Runtime OOR", "workflow_runtime"),
    ]
    asked = [entry for entry in asked if targets[entry[0]] is not None]
    columns += [(oor, itemgetter(f"{key}_out_of_range")) for _, _, oor, key in asked]
    if targets["target_users"] and targets["test_gpu_count"]:
        columns += [(f"GPUs ({name}, Rough)", itemgetter(f"rough_gpus_by_{key}")) for _, name, _, key in asked]
    return [name for name, _ in columns], [[cell(row) for _, cell in columns] for row in per_concurrency]


def alerts_of(row: Row) -> list[str]:
    """The alert codes of one concurrency."""
    flags = {
        "!W": row["workflow_interrupted"],
        "!L": row["outlier_llm_latency"],
        "!R": row["outlier_workflow_runtime"],
        "!H": row["highest_deviates"],
        "!Z": row["zero_time"],
    }
    return [code for code, set_ in flags.items() if set_]


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"


def _seconds(value: object) -> str:
    return repr(float(value)) if isinstance(value, int | float) else "0.0"


def _estimate(row: MetricFit) -> str:
    by_line = row["line_gpus"]
    if row["sizing_status"] != "estimated":
        return "none" if by_line is None else f"none (by the line alone: {by_line:.1f})"
    other = f" (by the line alone: {by_line:.1f})" if row["fit"] == "knee" and by_line else ""
    return f"{row['gpus']:.1f}{other}"


def _interval(answer: SizingAnswer) -> str:
    if answer.gpus_low is None:
        return ""
    high = "without upper end" if answer.gpus_high is None else f"to {answer.gpus_high:.1f}"
    return f" ({_percent(answer.interval_level)} interval {answer.gpus_low:.1f} {high})"
