"""`shapefit recommend --plot`: the offers' cost against their throughput, the frontier through the best, and the one taken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.printing.rows import OutputError, shown
from flows.system.whole_file import whole_file

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, object]

FORMS = (".png", ".svg")

_COLOURS = {"offer": "#b8c4ce", "frontier": "#1b6ca8", "taken": "#c0392b"}
_WIDTH, _HEIGHT, _SCALE = 760, 460, 2.0
_LABELS = 9
"""The most offers of the frontier that are named: more would run into each other."""

_APART = (0.35, 0.07)
"""Shares of the two axes by one of which named offers are apart at least."""


def check_plot(path: Path) -> None:
    """Raises OutputError for a suffix that names no kind of plot."""
    if path.suffix.lower() not in FORMS:
        raise OutputError(f"cannot tell the kind of plot of {path}: end its name in {' or '.join(FORMS)}")


def write_plot(path: Path, model_id: str, context: int, objective: str, rows: Sequence[Row]) -> int:
    """Draw the rows of an answer, best first, into a PNG or SVG file; how many could be drawn.

    Cost is USD per hour, for the objective `balanced` USD per million output tokens; throughput is output tokens per second of
    all the deployments that the row counts. Rows without price or speed are left out; without any there is no file. The frontier
    is of what is drawn: nothing costs less and yields as much. Raises OutputError.
    """
    check_plot(path)
    cost, axis = (
        ("usd_per_million_output_tokens", "USD per million output tokens")
        if objective == "balanced"
        else ("total_usd_per_hour", "USD per hour")
    )
    points = [_point(row, cost) for row in rows if row[cost] and row["output_tokens_per_s"]]
    if not points:
        return 0
    frontier = _frontier(points)
    taken = _point(rows[0], cost) if rows[0][cost] and rows[0]["output_tokens_per_s"] else None
    subtitle = [
        f"{len(points):,} offers at a context of {context:,} tokens ({rows[0]['input_tokens']:,} in, "
        f"{rows[0]['output_tokens']:,} out), each at its best batch",
        "line: nothing cheaper yields as much" + ("; diamond: the one recommended" if taken else ""),
    ]
    chart = _chart(points, frontier, taken, axis).properties(
        width=_WIDTH,
        height=_HEIGHT,
        title={"text": f"Cost against throughput of {shown(model_id)}", "subtitle": subtitle, "anchor": "start"},
    )
    image = chart.configure_view(stroke=None).configure_axis(gridColor="#e8e8e8", labelFontSize=12, titleFontSize=13)
    _save(image.configure_title(fontSize=16, subtitleFontSize=12, subtitleColor="#555555"), path)
    return len(points)


def _save(chart: alt.LayerChart | alt.FacetChart, path: Path) -> None:
    import vl_convert

    document = chart.to_dict()
    with whole_file(path) as stream:
        if path.suffix.lower() == ".svg":
            stream.write(vl_convert.vegalite_to_svg(document).encode())
        else:
            stream.write(vl_convert.vegalite_to_png(document, scale=_SCALE))


def _chart(
    points: list[dict[str, object]], frontier: list[dict[str, object]], taken: dict[str, object] | None, cost_axis: str
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    fast, dear = ([float(str(point[name])) for point in points] for name in ("throughput", "cost"))
    across, up = _domain(fast, above=4.0), _domain(dear)
    x = alt.X(
        "throughput:Q",
        title="Output tokens per second",
        scale=alt.Scale(type="log", domain=across, nice=False),
        axis=alt.Axis(values=_ticks(across), format="~s"),
    )
    y = alt.Y(
        "cost:Q",
        title=cost_axis,
        scale=alt.Scale(type="log", domain=up, nice=False),
        axis=alt.Axis(values=_ticks(up), format="~g"),
    )

    def layer(rows: list[dict[str, object]]) -> alt.Chart:
        return alt.Chart(alt.Data(values=rows))

    named = _named(frontier, taken, across, up)
    layers = [
        layer(points).mark_circle(size=22, color=_COLOURS["offer"], opacity=0.55).encode(x, y),
        layer(frontier).mark_line(color=_COLOURS["frontier"], interpolate="step-before", strokeWidth=2).encode(x, y),
        layer(frontier).mark_circle(size=42, color=_COLOURS["frontier"], opacity=1).encode(x, y),
        layer([point for point in named if point != taken])
        .mark_text(align="left", dx=7, dy=9, fontSize=11, color="#22313f")
        .encode(x, y, text="label:N"),
    ]
    if taken is not None:
        layers.append(
            layer([taken]).mark_point(shape="diamond", size=190, filled=True, color=_COLOURS["taken"], opacity=1).encode(x, y)
        )
        layers.append(
            layer([taken])
            .mark_text(align="left", dx=11, dy=11, fontSize=12, fontWeight="bold", color=_COLOURS["taken"])
            .encode(x, y, text="label:N")
        )
    return alt.layer(*layers)


def _point(row: Row, cost: str) -> dict[str, object]:
    shape = f"{row['nodes']} × {row['shape']}" if int(str(row["nodes"])) > 1 else row["shape"]
    many = f"{row['deployments']} × " if int(str(row["deployments"])) > 1 else ""
    return {
        "throughput": float(str(row["output_tokens_per_s"])) * int(str(row["deployments"])),
        "cost": float(str(row[cost])),
        "label": shown(f"{many}{row['provider']} {shape}, {row['quantization']}"),
    }


def _frontier(points: list[dict[str, object]]) -> list[dict[str, object]]:
    """The points than which none is cheaper and yields as much, from the slowest to the fastest."""
    found: list[dict[str, object]] = []
    for point in sorted(points, key=lambda entry: (-float(str(entry["throughput"])), float(str(entry["cost"])))):
        if not found or float(str(point["cost"])) < float(str(found[-1]["cost"])):
            found.append(point)
    return found[::-1]


def _named(
    frontier: list[dict[str, object]],
    taken: dict[str, object] | None,
    across: tuple[float, float],
    up: tuple[float, float],
) -> list[dict[str, object]]:
    """The points to name: the one taken, the ends of the frontier, and others as far as they are apart."""

    def places(point: dict[str, object]) -> tuple[float, float]:
        return _share(float(str(point["throughput"])), across), _share(float(str(point["cost"])), up)

    kept = [taken] if taken is not None else []
    for point in [*frontier[:1], *frontier[-1:], *frontier[1:-1]]:
        here = places(point)
        apart = all(any(abs(a - b) >= least for a, b, least in zip(here, places(other), _APART, strict=True)) for other in kept)
        if apart and len(kept) < _LABELS:
            kept.append(point)
    return kept


def _share(value: float, domain: tuple[float, float]) -> float:
    return math.log(value / domain[0]) / math.log(domain[1] / domain[0])


def _domain(values: list[float], above: float = 1.25) -> tuple[float, float]:
    return min(values) / 1.6, max(values) * above


def _ticks(domain: tuple[float, float]) -> list[float]:
    """1, 2 and 5 of every power of ten within the domain; of many powers only the 1."""
    low, high = math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1]))
    steps = (1, 2, 5) if high - low <= 4 else (1,)
    ticks = [float(f"{step}e{power}") for power in range(low, high + 1) for step in steps]
    return [tick for tick in ticks if domain[0] <= tick <= domain[1]]
