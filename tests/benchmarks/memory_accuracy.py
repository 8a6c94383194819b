"""The memory answer measured against start-up logs: `shapefit estimate` over every measured start-up that can be asked.

Run from the checkout: `python -m tests.benchmarks.memory_accuracy [--rows]`. Rows of unknown version and of the V0 engine
are kept apart; the policies of other tools answer the same rows beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.ask.estimate import estimate
from flows.ask.estimate_database import estimating
from flows.ask.model_facts import find_models
from flows.lake.catalogs import load_catalogs
from flows.lake.snapshot import read_snapshot
from tests.benchmarks.calibration import (
    CalibrationError,
    as_configurations,
    calibration_directory,
    is_answerable,
    read_startups,
)

NEWER = ("0.17", "0.18", "0.19", "0.20", "0.21", "0.22", "0.23", "0.24", "0.25", "0.26")
POOL_AIM_GIB, POOL_AIM_SHARE, TOKENS_AIM, WRONG_AIM = 0.5, 0.85, 0.05, 0.05
POLICIES = ("aqua", "kaito", "lmi")


def main() -> int:
    """Print the tables; 1 when an aim is missed, 2 without measurements."""
    try:
        directory = calibration_directory()
    except CalibrationError as error:
        print(error, file=sys.stderr)
        return 2
    known = read_snapshot()["models"]["model_id"]
    startups = read_startups(directory, known, load_catalogs()["gpus"])
    with TemporaryDirectory() as data:
        answers = estimate(as_configurations(startups), Path(data))
        judged = judge(startups, answers, _policies(startups, answers, Path(data)))
    _print_coverage(startups, judged)
    scored = judged.filter("scored")
    versioned = scored.filter(pl.col("kind") == "versioned")
    _print_table("by engine version", versioned, "release")
    _print_table("by GPU", versioned, "gpu")
    _print_table("kept apart", scored.filter(pl.col("kind") != "versioned"), "kind")
    _print_policies(versioned)
    _print_worst(versioned, whole="--rows" in sys.argv)
    return _print_aims(scored)


def judge(startups: pl.DataFrame, answers: pl.DataFrame, policies: pl.DataFrame) -> pl.DataFrame:
    """Each asked start-up with the estimate beside the log: errors (estimate less measured; GiB, and share of the tokens).

    A verdict is right when a start that the log shows is not `does_not_fit`, a failure that it shows is not `fits`, and a start
    that its note calls erratic is `tight`. A start whose context is not stated was asked with the model's own, which it may not
    have had, so it is not judged.
    """
    told = answers.select(
        "id",
        "status",
        "verdict",
        "outcome",
        "reason",
        **{f"estimated_{column}": column for column in _ESTIMATED},
    ).rename({"outcome": "estimated_outcome"})
    joined = startups.join(told, on="id", maintain_order="left").join(policies, on="id", how="left", maintain_order="left")
    started = pl.col("outcome") == "started"
    verdict = pl.col("verdict")
    overhead = pl.col("activation_peak_gib") + pl.col("non_torch_gib")
    estimated_overhead = pl.col("estimated_activation_gib_per_gpu") + pl.col("estimated_non_torch_gib_per_gpu")
    return joined.with_columns(
        weights_error=pl.col("estimated_weights_gib_per_gpu") - pl.col("weights_gib_per_gpu"),
        overhead_error=estimated_overhead - overhead,
        pool_error=pl.col("estimated_kv_cache_gib_per_gpu") - pl.col("kv_cache_gib_per_gpu"),
        tokens_error=pl.when("shapes_known").then(pl.col("estimated_kv_cache_tokens") / pl.col("kv_tokens") - 1),
        right=pl.when(pl.col("outcome").is_null() | (pl.col("status") != "ok"))
        .then(pl.lit(None, pl.Boolean))
        .when(pl.col("erratic"))
        .then(verdict == "tight")
        .when(started & pl.col("max_model_len").is_null())
        .then(pl.lit(None, pl.Boolean))
        .when(started)
        .then(verdict != "does_not_fit")
        .otherwise(verdict != "fits"),
    )


_ESTIMATED = (
    "weights_gib_per_gpu",
    "activation_gib_per_gpu",
    "non_torch_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "kv_cache_tokens",
    "max_context",
)


def _policies(startups: pl.DataFrame, answers: pl.DataFrame, data: Path) -> pl.DataFrame:
    """What the other tools' rules say of the same rows, through the policies' own macros."""
    catalogs = load_catalogs()
    facts = find_models(answers["model_id"].unique(), data)
    keys = facts.models.select("model_id", "architecture_key")
    asked = answers.filter(pl.col("status") == "ok").join(keys, on="model_id")
    asked = asked.join(catalogs["gpus"].select("gpu", "memory_gib"), on="gpu")
    with estimating(facts, catalogs) as connection:
        connection.register("asked", asked)
        return connection.sql(Path(__file__).with_name("policy_answers.sql").read_text(encoding="utf-8")).pl()


def _print_coverage(startups: pl.DataFrame, judged: pl.DataFrame) -> None:
    print(f"{judged.filter(pl.col('status') == 'ok').height} of {startups.height} rows answered")
    for row in startups.filter(~is_answerable()).iter_rows(named=True):
        print(f"left out: {row['id']} {row['model_id']} on {row['gpu'] or 'an unnamed GPU'}: {row['left_out']}")
    for row in judged.filter(pl.col("status") != "ok").iter_rows(named=True):
        print(f"not answered: {row['id']} {row['model_id']}: {row['reason']}")
    for row in judged.filter(~pl.col("scored")).iter_rows(named=True):
        print(f"not scored: {row['id']} {row['model_id']}: the log contradicts itself or others of the model, or is of a fork")


def _print_table(title: str, rows: pl.DataFrame, by: str) -> None:
    """Mean absolute errors and verdicts by one column."""
    print(
        f"\n{title}\n{by:<16} {'rows':>5} {'weights':>8} {'overhead':>9} {'pool':>7} {'<=0.5':>7} {'tokens':>8}"
        f" {'verdicts right':>15}"
    )
    for name, part in sorted(rows.group_by(by), key=lambda pair: _release_order(str(pair[0][0]))):
        right = part["right"].drop_nulls()
        print(
            f"{name[0]!s:<16} {part.height:>5} {_mean(part['weights_error']):>8} {_mean(part['overhead_error']):>9}"
            f" {_mean(part['pool_error']):>7} {_share(part['pool_error'], POOL_AIM_GIB):>7}"
            f" {_percent(part['tokens_error']):>8} {f'{int(right.sum())}/{right.len()}':>15}"
        )


def _release_order(name: str) -> tuple[int, ...] | tuple[int, str]:
    parts = name.split(".")
    return (0, *map(int, parts)) if all(part.isdigit() for part in parts) else (1, name)  # type: ignore[return-value]


def _print_policies(rows: pl.DataFrame) -> None:
    print(
        "\nbeside other tools' rules, the same rows\n"
        f"{'policy':<16} {'pool':>7} {'<=0.5':>7} {'tokens':>9} {'verdicts right':>15}"
    )
    started = pl.col("outcome") == "started"
    for policy in ("vllm", *POLICIES):
        if policy == "vllm":
            pool, tokens, right = rows["pool_error"], rows["tokens_error"], rows["right"].drop_nulls()
        else:
            pool = rows[f"{policy}_pool_gib"] - rows["kv_cache_gib_per_gpu"]
            tokens = rows[f"{policy}_tokens"] / rows["kv_tokens"] - 1
            says = rows.filter(pl.col("outcome").is_not_null() & pl.col(f"{policy}_fits").is_not_null())
            right = says.select(pl.col(f"{policy}_fits") == started).to_series()
        print(
            f"{policy:<16} {_mean(pool):>7} {_share(pool, POOL_AIM_GIB):>7} {_percent(tokens):>9}"
            f" {f'{int(right.sum())}/{right.len()}':>15}"
        )


def _print_worst(rows: pl.DataFrame, whole: bool) -> None:
    worst = rows.filter(pl.col("pool_error").is_not_null() | pl.col("tokens_error").is_not_null()).sort(
        pl.col("pool_error").abs().fill_null(0), descending=True
    )
    print(f"\n{'all rows' if whole else 'worst rows'} (estimate less measured)")
    print(
        f"{'row':<5} {'model':<48} {'gpu':<12} {'release':<7} {'tp':>3} {'pool':>7} {'weights':>8}"
        f" {'activ.':>7} {'other':>7} {'tokens':>8}"
    )
    for row in (worst if whole else worst.head(12)).iter_rows(named=True):
        print(
            f"{row['id']:<5} {row['model_id'][:48]:<48} {row['gpu']:<12} {row['release'] or '-':<7} {row['tp'] or 1:>3}"
            f" {_signed(row['pool_error']):>7} {_signed(row['weights_error']):>8}"
            f" {_signed(_difference(row, 'activation_gib_per_gpu', 'activation_peak_gib')):>7}"
            f" {_signed(_difference(row, 'non_torch_gib_per_gpu', 'non_torch_gib')):>7} {_signed_percent(row['tokens_error']):>8}"
        )


def _print_aims(scored: pl.DataFrame) -> int:
    """The aims, each met or missed; 1 when one is missed."""
    amd = pl.col("gpu").str.starts_with("MI") | pl.col("gpu").str.starts_with("RX")
    newer = scored.filter(pl.col("kind").is_in(["versioned", "draft_model"]) & pl.col("release").is_in(NEWER) & ~amd)
    with_drafts = newer["pool_error"].drop_nulls().abs()
    pools = newer.filter(pl.col("kind") == "versioned")["pool_error"].drop_nulls().abs()
    tokens = scored.filter(pl.col("kind") == "versioned")["tokens_error"].drop_nulls().abs()
    stated = scored.filter(
        (pl.col("kind") == "versioned") & pl.col("gpu_memory_utilization").is_not_null() & pl.col("right").is_not_null()
    )
    wrong = stated.filter(~pl.col("right"))
    failed = scored.filter((pl.col("outcome") != "started") & ~pl.col("erratic") & pl.col("gpu_memory_utilization").is_not_null())
    undated = failed.filter((pl.col("kind") == "unversioned") & (pl.col("verdict") == "fits"))
    failed = failed.filter(pl.col("kind").is_in(["versioned", "v0"]))
    rash = failed.filter(pl.col("verdict") == "fits")
    erratic = scored.filter("erratic")
    unsteady = erratic.filter(pl.col("verdict") != "tight")
    within = (pools <= POOL_AIM_GIB).mean() or 0.0
    lines = [
        (
            f"pool within {POOL_AIM_GIB} GiB, 0.17 and newer on NVIDIA: {within:.0%} of {pools.len()} rows"
            f" (aim {POOL_AIM_SHARE:.0%}; {(with_drafts <= POOL_AIM_GIB).mean():.0%} of {with_drafts.len()} with those that load"
            " a draft model, which no configuration states)",
            within >= POOL_AIM_SHARE,
        ),
        (
            f"KV tokens, mean absolute error: {tokens.mean():.1%} of {tokens.len()} rows (aim {TOKENS_AIM:.0%})",
            tokens.mean() <= TOKENS_AIM,
        ),
        (
            f"wrong verdicts: {wrong.height} of {stated.height} rows {wrong['id'].to_list()} (aim {WRONG_AIM:.0%})",
            wrong.height <= WRONG_AIM * stated.height,
        ),
        (
            f"'fits' for a determinate failure: {rash.height} of {failed.height} {rash['id'].to_list()} (aim none;"
            f" of unknown version {undated['id'].to_list()})",
            rash.is_empty(),
        ),
        (
            f"erratic starts not tight: {unsteady.height} of {erratic.height} {unsteady['id'].to_list()} (aim none)",
            unsteady.is_empty(),
        ),
    ]
    print("\naims")
    for line, met in lines:
        print(f"{'met   ' if met else 'MISSED'} {line}")
    return 0 if all(met for _, met in lines) else 1


def _mean(errors: pl.Series) -> str:
    errors = errors.drop_nulls().abs()
    return f"{errors.mean():.2f}" if errors.len() else "-"


def _percent(errors: pl.Series) -> str:
    errors = errors.drop_nulls().abs()
    return f"{errors.mean():.1%}" if errors.len() else "-"


def _share(errors: pl.Series, bound: float) -> str:
    errors = errors.drop_nulls().abs()
    return f"{(errors <= bound).mean():.0%}" if errors.len() else "-"


def _difference(row: dict[str, float | None], estimated: str, measured: str) -> float | None:
    ours, theirs = row[f"estimated_{estimated}"], row[measured]
    return None if ours is None or theirs is None else ours - theirs


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _signed_percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"


if __name__ == "__main__":
    sys.exit(main())
