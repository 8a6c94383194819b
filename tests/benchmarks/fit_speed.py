"""Refit the speed coefficients from measured runs; write the catalog's rows and the report of their errors.

Run from the checkout: `python -m tests.benchmarks.fit_speed [--dry]` (about a minute; `--dry` writes nothing). The runs are those
of `../shared/calibration` (`SHAPEFIT_CALIBRATION` names another place). Coefficients that no run bears on stay as they are.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from flows.system.whole_file import write_whole
from tests.benchmarks.calibration import CalibrationError, calibration_directory
from tests.benchmarks.speed_errors import MEASURES, SHARE, held_interval, judged, lines
from tests.benchmarks.speed_fitting import fit, left_out, named, read_anchors
from tests.benchmarks.speed_runs import Coefficient, MeasuredRuns, read_other_runs, read_runs, speed_macros

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "speed_coefficients.csv"
REPORT = Path(__file__).parent / "speed_errors.txt"
LEAST_RUNS = 10
"""Complete runs that a generation outside the main file needs before its coefficients are fitted to them."""

_NAMES = {"tpot_ms": "tpot", "ttft_ms": "ttft", "output_tokens_per_s": "rate"}


@dataclass(frozen=True)
class Fitted:
    """A new value of one coefficient and what it rests on."""

    value: float
    basis: str
    source: str


def main() -> int:
    """Fit, report, write; 2 without measurements."""
    try:
        directory = calibration_directory()
    except CalibrationError as error:
        print(error, file=sys.stderr)
        return 2
    twins = directory / "model_twins.csv"
    fitted, report = fit_runs(read_runs(directory / "throughput.csv", twins))
    fitted |= fit_generations(read_other_runs(directory / "throughput_other.csv", twins), values_of(fitted))
    print("\n".join(report))
    if "--dry" not in sys.argv:
        write_whole(CATALOG, rewritten(CATALOG.read_text(encoding="utf-8"), fitted, date.today()).encode())
        write_whole(REPORT, ("\n".join(report) + "\n").encode())
        print(f"{CATALOG}: {len(fitted)} rows fitted")
    return 0


def values_of(fitted: Mapping[Coefficient, Fitted]) -> dict[Coefficient, float]:
    """The plain values."""
    return {coefficient: row.value for coefficient, row in fitted.items()}


def fit_runs(measured: MeasuredRuns) -> tuple[dict[Coefficient, Fitted], list[str]]:
    """Coefficients and intervals from the main file, and the report of errors with models and accelerators left out.

    An interval of a class that rests on less is nowhere narrower than that of the class before it.
    """
    runs, anchors = measured.runs, read_anchors("runs")
    used = ~runs["suspect"]
    with speed_macros(measured) as macros:
        whole = fit(macros, runs, used, anchors)
        values = named(anchors, whole.point)
        inside = judged(runs, macros.predict(values))
        by_model = judged(runs, left_out(macros, whole, runs, used, anchors, "model"))
        by_gpu = judged(runs, left_out(macros, whole, runs, used, anchors, "gpu"))
        by_generation = judged(runs, left_out(macros, whole, runs, used, anchors, "generation"))
        unknown = {
            generation: {
                ("generation", generation, name): macros.shipped["generation", "other", name] for name in ("e_mem", "e_pf")
            }
            for generation in runs["generation"].unique()
        }
        by_default = judged(runs, left_out(macros, whole, runs, used, anchors, "generation", unknown))
    models, rows = runs.filter(used)["model"].n_unique(), int(used.sum())
    basis = f"measured: fitted to {rows} closed-loop runs of {models} models towards kernel measurements"
    source = "closed-loop runs of InferenceX and of NVIDIA's gap analysis (aiconfigurator-core 0.12.0 samples)"
    fitted = {coefficient: Fitted(value, basis, source) for coefficient, value in values.items()}
    bounds = dict.fromkeys(MEASURES, (1.0, 1.0))
    for calibration, errors, how in (
        ("measured", by_model, "errors with the model left out"),
        ("kernel", by_generation, "errors with the accelerator's generation left out"),
        ("default", by_default, "errors with the generation left out and the row `other` in its place"),
    ):
        fitted["interval", calibration, "share"] = Fitted(SHARE, f"measured: {how}", source)
        for measure in MEASURES:
            own = held_interval(errors, measure)
            bounds[measure] = (min(own[0], bounds[measure][0]), max(own[1], bounds[measure][1]))
            for side, factor in zip(("low", "high"), bounds[measure], strict=True):
                fitted["interval", calibration, f"{_NAMES[measure]}_{side}"] = Fitted(factor, f"measured: {how}", source)
    report = [
        f"{measured.runs.height} of {measured.given} rows used, {int(runs['suspect'].sum())} marked suspect and left out of fits"
    ]
    for title, errors in (
        ("fit to all", inside),
        ("model left out", by_model),
        ("GPU left out", by_gpu),
        ("generation left out", by_generation),
    ):
        report.extend(lines(title, errors))
    return fitted, report


def fit_generations(measured: MeasuredRuns, values: dict[Coefficient, float]) -> dict[Coefficient, Fitted]:
    """Efficiencies of generations outside the main file that have enough complete runs, all else as fitted."""
    counts = measured.runs.group_by("generation").len()
    known = set(counts.filter(pl.col("len") >= LEAST_RUNS)["generation"])
    anchors = [anchor for anchor in read_anchors("other") if anchor.coefficient[1] in known]
    if not anchors:
        return {}
    runs = measured.runs
    used = runs["generation"].is_in([anchor.coefficient[1] for anchor in anchors])
    with speed_macros(measured) as macros:
        macros.shipped.update((name, value) for name, value in values.items() if name in macros.shipped)
        point = fit(macros, runs, used, anchors).point
    return {
        coefficient: Fitted(
            value,
            f"measured: fitted to {counts.filter(pl.col('generation') == coefficient[1])['len'].item()} served runs",
            "InferenceX dashboard snapshot, 2026",
        )
        for coefficient, value in named(anchors, point).items()
    }


def rewritten(text: str, fitted: Mapping[Coefficient, Fitted], today: date) -> str:
    """The catalog's text with the fitted rows in place (new ones at the end), values to four digits."""
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = list(rows[0])
    by_key = {(row["scope"], row["key"], row["name"]): row for row in rows}
    for (scope, key, name), new in fitted.items():
        value = f"{new.value:.4g}"
        cells = {"scope": scope, "key": key, "name": name, "value": value, "basis": new.basis, "source": new.source}
        by_key[scope, key, name] = {**cells, "as_of": today.isoformat()}
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(by_key.values())
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
