"""How far estimates are from measured runs: tables of errors, and intervals that hold a share of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from tests.benchmarks.speed_runs import output_rate

MEASURES = ("tpot_ms", "ttft_ms", "output_tokens_per_s")
APART = "openai/gpt-oss-120b"
"""Reported apart: its checkpoint's experts are mxfp4, and the engines' kernels for them changed by large factors."""

SHARE = 0.8
"""Share of real runs that an interval is to hold: a tenth lies below, a tenth above."""

GROUPS = {
    "model": "model",
    "GPU": "gpu",
    "engine": "engine",
    "precision": "precision",
    "kind of model": "kind",
    "requests a replica": "batch_bucket",
    "tp": "tp",
}


def judged(runs: pl.DataFrame, predicted: pl.DataFrame) -> pl.DataFrame:
    """The runs that got an estimate, with it and the ratio estimate / measurement of each measure (`tpot_ms_ratio`, …)."""
    joined = runs.join(predicted, on="run").filter(pl.col("predicted_tpot_ms").is_not_null())
    joined = joined.with_columns(
        predicted_output_tokens_per_s=output_rate(pl.col("predicted_ttft_ms"), pl.col("predicted_tpot_ms"), "predicted_requests")
    )
    return joined.with_columns((pl.col(f"predicted_{name}") / pl.col(name)).alias(f"{name}_ratio") for name in MEASURES)


def overall(errors: pl.DataFrame) -> dict[str, float]:
    """Mean and median absolute error of each measure, every model weighing the same: tpot_ms_mean, tpot_ms_median, …"""
    found = {}
    weighed = errors.with_columns(weight=1 / pl.len().over("model"))
    for name in MEASURES:
        miss = weighed.select("weight", "model", miss=(pl.col(f"{name}_ratio") - 1).abs()).sort("miss")
        reached = miss.with_columns(reached=pl.col("weight").cum_sum() / pl.col("weight").sum())
        found[f"{name}_mean"] = float((miss["miss"] * miss["weight"]).sum() / miss["weight"].sum())
        found[f"{name}_median"] = float(reached.filter(pl.col("reached") >= 0.5)["miss"][0])
    return found


def lines(title: str, errors: pl.DataFrame) -> Iterator[str]:
    """The errors over all models but the one apart, that one, and by group: percent, mean / median."""
    yield ""
    yield f"{title}: absolute error in percent, mean / median"
    yield f"{'':44}{'runs':>6}{'TPOT':>16}{'TTFT':>16}{'tokens/s':>16}"
    rest = errors.filter(pl.col("model") != APART)
    sound = rest.filter(~pl.col("suspect"))
    yield _line("all, each model weighing the same", rest)
    yield _line("  without runs marked suspect", sound)
    yield _line(APART, errors.filter(pl.col("model") == APART))
    for heading, column in GROUPS.items():
        yield f"  by {heading}"
        groups = rest.with_columns(pl.col(column).cast(pl.String))
        for name in groups[column].unique().sort():
            yield _line(f"    {name}", groups.filter(pl.col(column) == name))


def _line(name: str, errors: pl.DataFrame) -> str:
    if not errors.height:
        return f"{name:44}{0:>6}"
    found = overall(errors)
    cells = "".join(f"{100 * found[f'{measure}_mean']:>9.1f} /{100 * found[f'{measure}_median']:>5.1f}" for measure in MEASURES)
    return f"{name:44}{errors.height:>6}{cells}"


def interval(errors: pl.DataFrame, name: str, share: float = SHARE) -> tuple[float, float]:
    """Factors on an estimate between which the measurement lies in a share of the runs, every model weighing the same."""
    truth = errors.select(factor=1 / pl.col(f"{name}_ratio"), weight=1 / pl.len().over("model")).sort("factor")
    reached = truth.with_columns(reached=pl.col("weight").cum_sum() / pl.col("weight").sum())
    tail = (1 - share) / 2
    low = reached.filter(pl.col("reached") >= tail)["factor"][0]
    high = reached.filter(pl.col("reached") >= 1 - tail)["factor"][0]
    return min(float(low), 1.0), max(float(high), 1.0)


def coverage(errors: pl.DataFrame, name: str, bounds: tuple[float, float]) -> float:
    """Share of the runs whose measurement lies within the factors of its estimate, every model weighing the same."""
    held = errors.with_columns(held=(1 / pl.col(f"{name}_ratio")).is_between(*bounds))
    return float(held.group_by("model").agg(pl.col("held").mean())["held"].mean())


def held_interval(errors: pl.DataFrame, name: str) -> tuple[float, float]:
    """The narrowest interval, in steps of a point, that holds SHARE of the runs of models it was not taken from.

    Runs of few models say too little of the tails: what holds SHARE of them holds less of the next model's.
    """
    wider = (SHARE + step / 100 for step in range(int(100 * (1 - SHARE)) - 1))
    share = next((share for share in wider if coverage_left_out(errors, name, share) >= SHARE), 0.98)
    return interval(errors, name, share)


def coverage_left_out(errors: pl.DataFrame, name: str, share: float = SHARE) -> float:
    """`coverage` where the interval of each model is taken from the others' runs."""
    models: Sequence[str] = errors["model"].unique().sort().to_list()
    found = [
        coverage(errors.filter(pl.col("model") == model), name, interval(errors.filter(pl.col("model") != model), name, share))
        for model in models
    ]
    return sum(found) / len(found)
