"""Fitting the speed coefficients: a robust Gauss-Newton search in the logarithms of the coefficients.

What is minimized is the sum over runs of a soft absolute error of log(estimate / measurement), time per output token in units of
5 % and time to first token in units of 25 %, plus each coefficient's squared distance from its anchor in units of its spread
(`speed_anchors.csv`: what kernel measurements and earlier fits say of it, in logarithms). The runs of one model share their
errors, so together they count as one observation, its accelerators by the root of their rows. Spreads were chosen by the error
on models and accelerators left out: 0.03 for what kernel measurements pin down, 0.15 for what only served runs show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests.benchmarks.speed_runs import Coefficient, SpeedMacros

TPOT_UNIT, TTFT_UNIT = 0.05, 0.25

_STEP = 0.02
_REWEIGHTINGS, _SWEEPS = 12, 200


@dataclass(frozen=True)
class Anchor:
    """One fitted coefficient: where the search starts and how far, in the logarithm, it may be expected to end."""

    coefficient: Coefficient
    value: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Slopes:
    """Log predictions at a point, and how they change with each coefficient's logarithm: TPOT of every run, then TTFT."""

    point: list[float]
    values: pl.Series
    slopes: list[pl.Series]


def read_anchors(data: str) -> list[Anchor]:
    """The anchors of the coefficients fitted to one kind of data: `runs` or `other`."""
    rows = pl.read_csv(Path(__file__).parent / "speed_anchors.csv").filter(pl.col("data") == data)
    return [
        Anchor((row["scope"], row["key"], row["name"]), row["anchor"], row["low"], row["high"], row["spread"])
        for row in rows.iter_rows(named=True)
    ]


def weights(runs: pl.DataFrame, used: pl.Series) -> pl.Series:
    """What each run counts for: all runs of a model 1 together, its accelerators by the root of their runs; 0 where unused."""
    counted = runs.select("model", "gpu", used=used.cast(pl.Float64))
    per_gpu = pl.col("used").sum().over("model", "gpu")
    counted = counted.with_columns(weight=pl.col("used") / per_gpu.clip(1.0).sqrt())
    total = pl.col("weight").sum().over("model")
    return counted.select((pl.col("weight") / total.clip(1e-9)).alias("weight"))["weight"]


def fit(macros: SpeedMacros, runs: pl.DataFrame, used: pl.Series, anchors: Sequence[Anchor], rounds: int = 4) -> Slopes:
    """Search from the anchors; the slopes at the end allow refits without some runs (`refit`)."""
    point = [math.log(anchor.value) for anchor in anchors]
    best = slopes_at(macros, anchors, point)
    for _ in range(rounds):
        ahead = _solve(best, runs, used, anchors)
        if max(abs(new - old) for new, old in zip(ahead, best.point, strict=True)) < 0.003:
            break
        best = slopes_at(macros, anchors, ahead)
    return best


def refit(slopes: Slopes, runs: pl.DataFrame, used: pl.Series, anchors: Sequence[Anchor]) -> dict[Coefficient, float]:
    """The coefficients that the used runs alone would give, along the slopes of the whole fit."""
    return named(anchors, _solve(slopes, runs, used, anchors))


def named(anchors: Sequence[Anchor], point: Sequence[float]) -> dict[Coefficient, float]:
    """Coefficients of a point in logarithms."""
    return {anchor.coefficient: math.exp(value) for anchor, value in zip(anchors, point, strict=True)}


def slopes_at(macros: SpeedMacros, anchors: Sequence[Anchor], point: list[float]) -> Slopes:
    """Evaluate the macros at a point and one step beside it in every direction."""
    values = _log_predictions(macros, named(anchors, point))
    slopes = []
    for number, anchor in enumerate(anchors):
        step = _STEP if math.exp(point[number] + _STEP) <= anchor.high else -_STEP
        beside = [value + step * (number == other) for other, value in enumerate(point)]
        slopes.append((_log_predictions(macros, named(anchors, beside)) - values) / step)
    return Slopes(point, values, slopes)


def _log_predictions(macros: SpeedMacros, coefficients: dict[Coefficient, float]) -> pl.Series:
    predicted = macros.predict(coefficients)
    return pl.concat([predicted["predicted_tpot_ms"].log(), predicted["predicted_ttft_ms"].log()])


def _solve(slopes: Slopes, runs: pl.DataFrame, used: pl.Series, anchors: Sequence[Anchor]) -> list[float]:
    """The best point if predictions followed the slopes exactly: reweighted least squares within the anchors' bounds."""
    models = runs.filter(used)["model"].n_unique()
    weight = weights(runs, used) * models
    whole = (
        pl.concat([weight / TPOT_UNIT**2, weight / TTFT_UNIT**2])
        .to_frame("weight")
        .with_columns(
            unit=pl.concat([pl.repeat(TPOT_UNIT, runs.height, eager=True), pl.repeat(TTFT_UNIT, runs.height, eager=True)]),
            gap=slopes.values - pl.concat([runs["tpot_ms"].log(), runs["ttft_ms"].log()]),
            **{f"s{number}": slope for number, slope in enumerate(slopes.slopes)},
        )
    )
    names = [f"s{number}" for number in range(len(anchors))]
    change = [0.0] * len(anchors)
    for _ in range(_REWEIGHTINGS):
        left = pl.col("gap") + pl.sum_horizontal(pl.col(name) * step for name, step in zip(names, change, strict=True))
        weighed = whole.with_columns(weight=pl.col("weight") / (1 + (left / pl.col("unit")) ** 2).sqrt())
        products = weighed.select(
            *((pl.col(one) * pl.col(other) * pl.col("weight")).sum().alias(f"{one}_{other}") for one, other in _pairs(names)),
            *((pl.col(name) * pl.col("gap") * pl.col("weight")).sum().alias(name) for name in names),
        ).row(0, named=True)
        change = _least(products, names, slopes.point, anchors, change)
    return [value + step for value, step in zip(slopes.point, change, strict=True)]


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, other) for number, one in enumerate(names) for other in names[number:]]


def _least(
    products: dict[str, float], names: Sequence[str], point: Sequence[float], anchors: Sequence[Anchor], start: Sequence[float]
) -> list[float]:
    """The step that minimizes the quadratic form, each coordinate within its bounds: cyclic descent."""
    count = len(names)
    matrix = [[products.get(f"{a}_{b}", products.get(f"{b}_{a}", 0.0)) for b in names] for a in names]
    slope = [products[name] for name in names]
    for number, anchor in enumerate(anchors):
        matrix[number][number] += 1 / anchor.spread**2
        slope[number] += (point[number] - math.log(anchor.value)) / anchor.spread**2
    step = list(start)
    for _ in range(_SWEEPS):
        moved = 0.0
        for number, anchor in enumerate(anchors):
            others = sum(matrix[number][other] * step[other] for other in range(count) if other != number)
            free = -(slope[number] + others) / matrix[number][number]
            bound = min(max(free, math.log(anchor.low) - point[number]), math.log(anchor.high) - point[number])
            moved = max(moved, abs(bound - step[number]))
            step[number] = bound
        if moved < 1e-6:
            break
    return step


def left_out(
    macros: SpeedMacros,
    slopes: Slopes,
    runs: pl.DataFrame,
    used: pl.Series,
    anchors: Sequence[Anchor],
    group: str,
    instead: Mapping[str, Mapping[Coefficient, float]] | None = None,
) -> pl.DataFrame:
    """Predictions of every run with coefficients refitted without its group (a column of the runs), ordered by run.

    `instead` gives coefficients that a group's runs are estimated with in place of the refitted ones.
    """
    parts = []
    for name in runs[group].unique().sort():
        inside = runs[group] == name
        coefficients = {**refit(slopes, runs, used & ~inside, anchors), **(instead or {}).get(name, {})}
        parts.append(macros.predict(coefficients).join(runs.filter(inside).select("run"), on="run", how="semi"))
    return pl.concat(parts).sort("run")
