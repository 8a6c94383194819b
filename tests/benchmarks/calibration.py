"""Measured vLLM start-ups as configurations: which rows can be asked, under which names, and what each row counts for.

The measurements lie beside the checkout (`../shared/calibration`) and are no part of it; `SHAPEFIT_CALIBRATION` names
another place.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import polars as pl
from packaging.version import InvalidVersion, Version

MEASURES = ("weights_gib_per_gpu", "activation_peak_gib", "non_torch_gib", "kv_cache_gib_per_gpu", "kv_tokens")
"""What a start-up log states, GiB of one GPU and tokens."""

_SERIES = re.compile(r"\b(\d+\.\d+) series\b")
_ERRATIC = re.compile(r"one boot of|succeeded once|erratic|sometimes|the loader, not the weights")
_NOT_THE_ENGINE = re.compile(r"do not score|fork for|vLLM fork|revision not pinned", re.IGNORECASE)
_GRAPHS = re.compile(r"cudagraph_gib=(-?[\d.]+)(?: actual/([\d.]+) estimated)?")
_UNKNOWN_SHAPES = re.compile(r"decode context parallel|speculative|draft model")
_DRAFTED = re.compile(r"draft model|speculative decoding")
_V0 = re.compile(r"\bV0\b")
_FIRST_V1, _LAST_V0 = Version("0.9"), "0.8"
_CLOSEST_GIB = 0.15
"""Cards of one kind report the same memory within this; where a log names no card, its memory does."""

TWINS = {
    "poolside/Laguna-S-2.1-INT4": ("poolside/Laguna-S-2.1-FP8", "int4"),
    "Qwen3.8-27B-FP8": ("Qwen/Qwen3.8-27B-FP8", "native"),
    "unsloth/Qwen3.8-27B-NVFP4": ("Qwen/Qwen3.8-27B-FP8", "nvfp4"),
}
"""Further models published in another form: model, and the form in which its twin is to be asked."""
_NEVER_ANSWERED = {
    "exl3": "EXL3 weights are a format of a fork; no engine of the catalog reads them",
}


class CalibrationError(ValueError):
    """The measurements are not where they are looked for; the message says where that is."""


def calibration_directory() -> Path:
    """Where the measurements lie. Raises CalibrationError when they do not."""
    given = os.environ.get("SHAPEFIT_CALIBRATION")
    directory = Path(given) if given else Path(__file__).resolve().parents[2].parent / "shared" / "calibration"
    if not (directory / "vllm_memory.csv").is_file():
        raise CalibrationError(f"no measurements at {directory}: put them there or set SHAPEFIT_CALIBRATION to their folder")
    return directory


def read_startups(directory: Path, known: pl.Series, cards: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every measured start-up, one row each, as measured and as it is to be asked.

    Args:
        directory: as `calibration_directory` finds it.
        known: the model ids whose facts are known.
        cards: gpu and reported_memory_gib, to name the card of a log that states only its memory; null leaves it unnamed.

    Columns besides the file's own: `asked_model` and `asked_quantization` (null when no facts are known), `left_out` (why a row
    is not asked, else null), `kind` (versioned, unversioned, v0, other_engine, draft_model, card_by_memory), `asked_version` and
    `release` (0.19, or null), `group` (source, model and GPU: rows that are no independent measurements), `erratic`, `scored`
    (false for logs that contradict themselves or each other, or come from a fork), `graphs_gib` measured and
    `graphs_estimated_gib` as the engine estimated them, `shapes_known` (false where a draft model or decode context parallel,
    which no configuration can state, share the cache).
    """
    rows = pl.read_csv(directory / "vllm_memory.csv", infer_schema_length=None)
    twins = pl.concat(
        [
            pl.read_csv(directory / "model_twins.csv").select("model_id", "corpus_model_id", twin_quantization="quantization"),
            pl.DataFrame(
                [(model, *twin) for model, twin in TWINS.items()],
                schema=["model_id", "corpus_model_id", "twin_quantization"],
                orient="row",
            ),
        ]
    ).unique("model_id", keep="first", maintain_order=True)
    spelled = pl.DataFrame({"lowered": known.str.to_lowercase(), "known_model": known}).unique("lowered")
    rows = rows.join(twins, on="model_id", how="left", maintain_order="left")
    for source, target in (("model_id", "own"), ("corpus_model_id", "twin")):
        rows = rows.join(
            spelled.rename({"known_model": target}),
            left_on=pl.col(source).str.to_lowercase(),
            right_on="lowered",
            how="left",
            maintain_order="left",
        ).drop("lowered", strict=False)
    named = rows["gpu"].is_not_null()
    if cards is not None:
        rows = rows.with_columns(gpu=pl.coalesce("gpu", _cards_by_memory(rows["gpu_memory_gib_reported"], cards)))
    graphs = [_graphs(note) for note in rows["notes"]]
    releases = [_release(version, note) for version, note in rows.select("engine_version", "notes").iter_rows()]
    return rows.with_columns(
        asked_model=pl.coalesce("own", "twin"),
        asked_quantization=pl.coalesce(_online_quantization(), pl.when(pl.col("own").is_null()).then("twin_quantization")),
        kind=pl.Series(
            [
                _kind(*facts) if stated else "card_by_memory"
                for *facts, stated in zip(rows["engine"], rows["notes"], releases, named, strict=True)
            ]
        ),
        release=pl.Series([f"{release.major}.{release.minor}" if release else None for release in releases], dtype=pl.String),
        asked_version=pl.when(pl.col("notes").str.contains(_V0.pattern))
        .then(pl.lit(_LAST_V0))
        .otherwise(pl.coalesce(pl.col("notes").str.extract(_SERIES.pattern), "engine_version")),
        group=pl.concat_str(_source(), "model_id", pl.col("gpu").fill_null("?"), separator=" | "),
        erratic=pl.col("notes").fill_null("").str.contains(_ERRATIC.pattern),
        scored=~pl.col("notes").fill_null("").str.contains(f"(?i){_NOT_THE_ENGINE.pattern}"),
        graphs_gib=pl.Series([actual for actual, _ in graphs], dtype=pl.Float64),
        graphs_estimated_gib=pl.Series([estimated for _, estimated in graphs], dtype=pl.Float64),
        shapes_known=~pl.col("notes").fill_null("").str.contains(_UNKNOWN_SHAPES.pattern),
    ).with_columns(left_out=_why_left_out())


def as_configurations(startups: pl.DataFrame) -> pl.DataFrame:
    """The start-ups that can be asked, as a user would write them for `shapefit estimate`: blank where the log shows nothing."""
    parallel = pl.when(pl.col("notes").str.contains("expert parallel")).then("tp")
    return startups.filter(is_answerable()).select(
        "id",
        model_id="asked_model",
        gpu="gpu",
        gpu_count=pl.coalesce("gpu_count", pl.lit(1)),
        tp="tp",
        pp="pp",
        dp="dp",
        ep=parallel,
        quantization="asked_quantization",
        kv_dtype="kv_dtype",
        gpu_memory_utilization="gpu_memory_utilization",
        max_model_len="max_model_len",
        max_num_seqs="max_num_seqs",
        max_num_batched_tokens="max_num_batched_tokens",
        enforce_eager="enforce_eager",
        engine="engine",
        engine_version="asked_version",
    )


def is_answerable() -> pl.Expr:
    """Whether the model's facts and the GPU's name are known."""
    return pl.col("left_out").is_null()


def _why_left_out() -> pl.Expr:
    unread = pl.col("weight_quant").replace_strict(_NEVER_ANSWERED, default=None, return_dtype=pl.String)
    return (
        pl.when(unread.is_not_null())
        .then(unread)
        .when(pl.col("asked_model").is_null())
        .then(pl.lit("no facts of the model are known: its config has not been read"))
        .when(pl.col("gpu").is_null())
        .then(pl.lit("the log names no GPU, and its memory belongs to no card"))
    )


def _cards_by_memory(memory: pl.Series, cards: pl.DataFrame) -> pl.Series:
    """The card that reports a log's memory, within the tolerance; null where none does. Of several, the nearest."""
    known = cards.filter(pl.col("reported_memory_gib").is_not_null()).select("gpu", "reported_memory_gib").rows()

    def nearest(gib: float | None) -> str | None:
        near = sorted((abs(reported - gib), gpu) for gpu, reported in known if abs(reported - gib) <= _CLOSEST_GIB) if gib else []
        return near[0][1] if near else None

    return pl.Series([nearest(gib) for gib in memory], dtype=pl.String)


def _source() -> pl.Expr:
    """The repository or document that a measurement came from."""
    return pl.col("source_url").str.extract(r"^(https://[^/]+/[^/]+/[^/]+)").fill_null(pl.col("source_url"))


def _online_quantization() -> pl.Expr:
    """fp8 where the engine quantized a 16-bit checkpoint on loading, which the note says; else the checkpoint as it is."""
    return pl.when(pl.col("notes").str.contains("(?i)online fp8")).then(pl.lit("fp8"))


def _graphs(note: str | None) -> tuple[float | None, float | None]:
    found = _GRAPHS.search(note or "")
    if not found:
        return None, None
    actual = float(found[1])
    return (actual if actual > 0 else None), (float(found[2]) if found[2] else None)


def _release(version: str | None, note: str | None) -> Version | None:
    """The release a row belongs to: as its note names the series, else as the version string says."""
    named = _SERIES.search(note or "")
    if named:
        return Version(named[1])
    try:
        return Version(Version(version).base_version) if version else None
    except InvalidVersion:
        return None


def _kind(engine: str, note: str | None, release: Version | None) -> str:
    if engine != "vllm":
        return "other_engine"
    if _DRAFTED.search(note or ""):
        return "draft_model"
    if _V0.search(note or "") or (release and release < _FIRST_V1):
        return "v0"
    return "versioned" if release else "unversioned"
