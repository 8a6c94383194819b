"""The two plots of a sweep: times against concurrency, and the analysis with fits, target and points left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from transforms.sizing_answer import METRICS

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, object]

SIMPLE, ANALYSIS = "concurrency_vs_p95_simple", "concurrency_vs_p95_analysis"

_POINT_COLOURS = {"in the fit": "#1b6ca8", "left out": "#c0392b"}
_WIDTH, _HEIGHT, _SCALE = 440, 300, 2.0


def write_plots(directory: Path, sizing: Sequence[Row], per_concurrency: Sequence[Row]) -> list[Path]:
    """Write both plots as PNG and SVG into the directory and return the files. Without any time there is nothing to draw."""
    points = {metric: _points(metric, sizing, per_concurrency) for metric in reversed(METRICS)}
    drawn = [metric for metric, rows in points.items() if rows]
    if not drawn:
        return []
    by_metric = {str(row["metric"]): row for row in sizing}
    charts = {
        SIMPLE: [_simple(METRICS[metric], points[metric]) for metric in drawn],
        ANALYSIS: [_analysis(METRICS[metric], points[metric], by_metric[metric]) for metric in drawn],
    }
    import altair as alt

    files = []
    for name, panels in charts.items():
        whole = alt.hconcat(*panels).configure_view(stroke=None).configure_axis(grid=True, gridColor="#e8e8e8")
        for suffix in ("png", "svg"):
            path = directory / f"{name}.{suffix}"
            whole.save(str(path), scale_factor=_SCALE)
            files.append(path)
    return files


def _points(metric: str, sizing: Sequence[Row], per_concurrency: Sequence[Row]) -> list[dict[str, object]]:
    left_out = {
        row["concurrency"]: row["workflow_interrupted"] or row["zero_time"] or row[f"outlier_{metric}"] for row in per_concurrency
    }
    return [
        {
            "concurrency": row["concurrency"],
            "seconds": row[f"p95_{metric}_s"],
            "use": "left out" if left_out[row["concurrency"]] else "in the fit",
        }
        for row in per_concurrency
        if row[f"p95_{metric}_s"] is not None
    ]


def _axes(name: str) -> tuple[alt.X, alt.Y]:
    import altair as alt

    return (
        alt.X("concurrency:Q", title="Concurrency (users)", scale=alt.Scale(domainMin=0)),
        alt.Y("seconds:Q", title=f"p95 {name} (s)", scale=alt.Scale(domainMin=0)),
    )


def _simple(name: str, points: list[dict[str, object]]) -> alt.Chart:
    import altair as alt

    x, y = _axes(name)
    chart = alt.Chart(alt.Data(values=points), width=_WIDTH, height=_HEIGHT, title=f"Concurrency against p95 {name}")
    return chart.mark_line(color=_POINT_COLOURS["in the fit"], point={"size": 60, "filled": True}).encode(x, y)


def _analysis(name: str, points: list[dict[str, object]], row: Row) -> alt.LayerChart:
    import altair as alt

    x, y = _axes(name)
    lines = _fit_lines(row, max(float(str(point["concurrency"])) for point in points))
    layers: list[alt.Chart] = []
    if lines:
        dashes = alt.StrokeDash("fit:N", title=None, scale=alt.Scale(domain=["line", "saturation"], range=[[6, 3], [1, 0]]))
        colours = alt.Color("fit:N", title=None, scale=alt.Scale(domain=["line", "saturation"], range=["#7f8c8d", "#27ae60"]))
        layers.append(
            alt.Chart(alt.Data(values=lines)).mark_line(strokeWidth=2).encode(x, y, dashes, colours, order="concurrency:Q")
        )
    shapes = alt.Shape("use:N", title=None, scale=alt.Scale(domain=list(_POINT_COLOURS), range=["circle", "cross"]))
    fills = alt.Fill("use:N", title=None, scale=alt.Scale(domain=list(_POINT_COLOURS), range=list(_POINT_COLOURS.values())))
    layers.append(
        alt.Chart(alt.Data(values=points)).mark_point(size=80, opacity=1, strokeWidth=0).encode(x, y, shape=shapes, fill=fills)
    )
    layers += _target_layers(row, y)
    title = alt.TitleParams(f"p95 {name}: fit and target", subtitle=_described(row))
    return alt.layer(*layers, width=_WIDTH, height=_HEIGHT, title=title).resolve_scale(color="independent", shape="independent")


def _fit_lines(row: Row, highest: float) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    required = float(str(row["required_concurrency"] or 0.0))
    end = max(highest, min(required, 2 * highest))
    if row["slope_s"] is not None:
        intercept, slope = float(str(row["intercept_s"])), float(str(row["slope_s"]))
        lines += [
            {"fit": "line", "concurrency": at, "seconds": max(0.0, intercept + slope * at)}
            for at in (max(0.0, -intercept / slope if slope > 0 else 0.0), end)
        ]
    if row["fit"] == "knee":
        knee, base, slope = (float(str(row[key])) for key in ("knee_concurrency", "knee_base_s", "knee_slope_s"))
        lines += [
            {"fit": "saturation", "concurrency": at, "seconds": base + slope * max(0.0, at - knee)} for at in (0.0, knee, end)
        ]
    return lines


def _target_layers(row: Row, y: alt.Y) -> list[alt.Chart]:
    import altair as alt

    if row["target_s"] is None:
        return []
    target = [{"seconds": row["target_s"], "text": f"target {float(str(row['target_s'])):g} s"}]
    rule = alt.Chart(alt.Data(values=target)).mark_rule(color="#e67e22", strokeDash=[4, 4], strokeWidth=1.5).encode(y)
    label = (
        alt.Chart(alt.Data(values=target))
        .mark_text(color="#e67e22", align="left", dx=4, dy=-6)
        .encode(y, x=alt.value(0), text="text:N")
    )
    layers = [rule, label]
    if row["required_concurrency"] is not None:
        meeting = [{"concurrency": row["required_concurrency"], "seconds": row["target_s"]}]
        layers.append(
            alt.Chart(alt.Data(values=meeting))
            .mark_point(shape="diamond", size=120, filled=True, color="#e67e22", opacity=1)
            .encode(alt.X("concurrency:Q"), y)
        )
    return layers


def _described(row: Row) -> list[str]:
    if row["slope_s"] is None:
        return [f"no line: {str(row['sizing_status']).replace('_', ' ')}"]
    r_squared = "–" if row["r_squared"] is None else f"{float(str(row['r_squared'])):.4f}"
    lines = [f"line: {float(str(row['slope_s'])):.4g} s per user + {float(str(row['intercept_s'])):.4g} s, R² = {r_squared}"]
    if row["fit"] == "knee":
        lines.append(
            f"saturation: {float(str(row['knee_base_s'])):.4g} s up to {float(str(row['knee_concurrency'])):.4g} users, then "
            f"{float(str(row['knee_slope_s'])):.4g} s per user, R² = {float(str(row['knee_r_squared'])):.4f}"
        )
    if row["gpus"] is not None:
        lines.append(f"{float(str(row['gpus'])):.1f} GPUs for {row['target_users']} users")
    elif row["target_s"] is not None:
        lines.append(f"no number of GPUs: {str(row['sizing_status']).replace('_', ' ')}")
    return lines
