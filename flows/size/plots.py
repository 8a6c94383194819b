"""The two plots of a sweep: times against concurrency, and the analysis with fits, target and points left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from transforms.sizing.answer import METRICS
from transforms.sizing.metric_fit import MetricFit

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]


class Point(TypedDict):
    """A point of a plot: a load, a time and the series that it is of; a target alone has no load."""

    concurrency: NotRequired[float]
    seconds: float
    series: str


SIMPLE, ANALYSIS = "concurrency_vs_p95_simple", "concurrency_vs_p95_analysis"

_COLOURS = {"measured": "#1b6ca8", "left out": "#c0392b", "line": "#7f8c8d", "saturation": "#27ae60", "target": "#e67e22"}
_WIDTH, _HEIGHT, _SCALE = 440, 300, 2.0


def write_plots(directory: Path, sizing: Sequence[MetricFit], per_concurrency: Sequence[Row]) -> list[Path]:
    """Write both plots as PNG and SVG into the directory and return the files. Without any time there is nothing to draw."""
    points = {metric: _points(metric, per_concurrency) for metric in reversed(METRICS)}
    drawn = [metric for metric, rows in points.items() if rows]
    if not drawn:
        return []
    by_metric = {row["metric"]: row for row in sizing}
    charts: dict[str, list[alt.Chart | alt.LayerChart | alt.FacetChart]] = {
        SIMPLE: [_simple(METRICS[metric], points[metric]) for metric in drawn],
        ANALYSIS: [_analysis(METRICS[metric], points[metric], by_metric[metric]) for metric in drawn],
    }
    import altair as alt
    import vl_convert

    files = []
    for name, panels in charts.items():
        whole = (
            alt.hconcat(*panels)
            .resolve_scale(color="independent")
            .configure_view(stroke=None)
            .configure_axis(grid=True, gridColor="#e8e8e8")
        )
        drawn_once = vl_convert.vegalite_to_svg(whole.to_json())
        for suffix, content in (("png", vl_convert.svg_to_png(drawn_once, scale=_SCALE)), ("svg", drawn_once.encode())):
            path = directory / f"{name}.{suffix}"
            path.write_bytes(content)
            files.append(path)
    return files


def _points(metric: str, per_concurrency: Sequence[Row]) -> list[Point]:
    left_out = {
        row["concurrency"]: row["workflow_interrupted"] or row["zero_time"] or row[f"outlier_{metric}"] for row in per_concurrency
    }
    return [
        {
            "concurrency": row["concurrency"],
            "seconds": row[f"p95_{metric}_s"],
            "series": "left out" if left_out[row["concurrency"]] else "measured",
        }
        for row in per_concurrency
        if row[f"p95_{metric}_s"] is not None
    ]


def _axes(name: str, highest_s: float) -> tuple[alt.X, alt.Y]:
    import altair as alt

    return (
        alt.X("concurrency:Q", title="Concurrency (users)", scale=alt.Scale(domainMin=0, nice=True)),
        alt.Y("seconds:Q", title=f"p95 {name} (s)", scale=alt.Scale(domain=[0, highest_s * 1.08], nice=True)),
    )


def _simple(name: str, points: list[Point]) -> alt.Chart:
    import altair as alt

    x, y = _axes(name, _highest(points))
    chart = alt.Chart(alt.Data(values=points), width=_WIDTH, height=_HEIGHT, title=f"Concurrency against p95 {name}")
    marks = {"size": 60, "filled": True, "color": _COLOURS["measured"]}
    return chart.mark_line(color=_COLOURS["measured"], point=marks).encode(x, y)


def _analysis(name: str, points: list[Point], row: MetricFit) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    lines = _fit_lines(row, max(point["concurrency"] for point in points))
    target: list[Point] = [] if row["target_s"] is None else [{"seconds": row["target_s"], "series": "target"}]
    meeting: list[Point] = []
    if target and row["required_concurrency"]:
        meeting = [{**target[0], "concurrency": row["required_concurrency"]}]
    x, y = _axes(name, _highest([*points, *lines, *target]))
    present = [series for series in _COLOURS if any(entry["series"] == series for entry in [*points, *lines, *target])]
    scale = alt.Scale(domain=present, range=[_COLOURS[series] for series in present])
    colour = alt.Color("series:N", title=None, scale=scale, legend=alt.Legend(orient="bottom", symbolOpacity=1))

    def layer(rows: list[Point]) -> alt.Chart:
        return alt.Chart(alt.Data(values=rows))

    layers = [
        layer([entry for entry in lines if entry["series"] == series])
        .mark_line(strokeWidth=2, strokeDash=dash)
        .encode(x, y, colour, order="concurrency:Q")
        for series, dash in (("line", [6, 3]), ("saturation", [1, 0]))
        if series in present
    ]
    if target:
        layers.append(layer(target).mark_rule(strokeDash=[2, 3], strokeWidth=2).encode(y, colour))
    layers += [
        layer([entry for entry in points if entry["series"] == series])
        .mark_point(shape=shape, size=80, filled=True, opacity=1)
        .encode(x, y, colour)
        for series, shape in (("measured", "circle"), ("left out", "cross"))
        if series in present
    ]
    if meeting:
        layers.append(layer(meeting).mark_point(shape="diamond", size=140, filled=True, opacity=1).encode(x, y, colour))
    title = alt.TitleParams(f"p95 {name}: fit and target", subtitle=_described(row))
    return alt.layer(*layers, width=_WIDTH, height=_HEIGHT, title=title)


def _highest(rows: list[Point]) -> float:
    return max(row["seconds"] for row in rows) or 1.0


def _fit_lines(row: MetricFit, highest: float) -> list[Point]:
    """The ends of the fitted lines, up to the highest load or a little further where the target lies beyond it."""
    lines: list[Point] = []
    end = max(highest, min(row["required_concurrency"] or 0.0, 2 * highest))
    if row["slope_s"] is not None and row["intercept_s"] is not None:
        intercept, slope = row["intercept_s"], row["slope_s"]
        start = max(0.0, -intercept / slope) if slope > 0 else 0.0
        lines += [{"series": "line", "concurrency": at, "seconds": max(0.0, intercept + slope * at)} for at in (start, end)]
    if row["fit"] == "knee":
        knee, base, slope = row["knee_concurrency"] or 0.0, row["knee_base_s"] or 0.0, row["knee_slope_s"] or 0.0
        lines += [
            {"series": "saturation", "concurrency": at, "seconds": base + slope * max(0.0, at - knee)} for at in (0.0, knee, end)
        ]
    return lines


def _described(row: MetricFit) -> list[str]:
    if row["slope_s"] is None:
        return [f"no line: {row['sizing_status'].replace('_', ' ')}"]
    r_squared = "–" if row["r_squared"] is None else f"{row['r_squared']:.4f}"
    lines = [f"line: {row['slope_s']:.4g} s per user, {row['intercept_s']:.4g} s at none, R² = {r_squared}"]
    if row["fit"] == "knee":
        lines.append(
            f"saturation: {row['knee_base_s']:.4g} s up to {row['knee_concurrency']:.4g} users, then "
            f"{row['knee_slope_s']:.4g} s per user, R² = {row['knee_r_squared']:.4f}"
        )
    if row["gpus"] is not None:
        lines.append(f"{row['gpus']:.1f} GPUs for {row['target_users']} users")
    elif row["target_s"] is not None:
        lines.append(f"no number of GPUs: {row['sizing_status'].replace('_', ' ')}")
    return lines
