"""Extraction measured against the corpus: counts by group, cache and state, config-only counts.

Run from the checkout: `python -m tests.benchmarks.extraction_accuracy`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.benchmarks.corpus import CorpusError, corpus_directory, read_corpus, read_odd, read_rows
from transforms.architecture.extract_models import extract_model
from transforms.tables.records import Extracted, Reject

GROUPS = {
    "embedding": "embedding",
    "lm_head": "lm_head",
    "attention": "attention",
    "dense_mlp": "dense_mlp",
    "routed_experts": "routed_experts",
    "shared_experts": "shared_experts",
    "router": "router",
    "norms": "norms",
    "linear_or_mamba": "linear_attention",
    "vision_audio": "vision_audio",
    "other": "other",
}
CACHE = {
    "kv_bytes_per_token_bf16": "kv_bytes_per_token",
    "kv_bytes_per_token_unbounded": "kv_bytes_per_token_unbounded",
    "state_bytes_per_seq": "state_bytes_per_sequence",
}
GROUP_TOLERANCE, DERIVED_TOLERANCE = 0.001, 0.005


@dataclass
class Score:
    """How many rows were checked and which failed."""

    checked: int = 0
    failed: list[str] = field(default_factory=list)

    def note(self, name: str, right: bool, detail: str) -> None:
        self.checked += 1
        if not right:
            self.failed.append(f"{name}: {detail}")


def main() -> int:
    """Print the table; 1 when something is off, 2 without a corpus."""
    try:
        directory = corpus_directory()
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    oracle = {row["model_id"]: row for row in read_rows(directory / "oracle_params.csv")}
    kinds = {row["model_id"]: row["headers"] for row in read_rows(directory / "index.csv")}
    scores = {name: Score() for name in ("total, unquantised headers", "total, quantised headers", "active",
    "groups within 0.1 %",
                                         "tied", "KV bytes per token", "KV bytes unbounded", "state bytes", "window",
                                         "config only within 0.5 %")}  # fmt: skip
    others: list[tuple[float, str]] = []
    errors: list[tuple[float, str]] = []
    rejects: list[tuple[str, Reject]] = []
    for files in read_corpus(directory):
        name, truth = files.model_id, oracle[files.model_id]
        result = extract_model(files)
        if isinstance(result, Reject):
            rejects.append((name, result))
            continue
        row = result.architecture
        if truth["total_params"] and files.header_summary:
            _check_counts(name, row, truth, kinds[name], scores)
            others.append((row["parameters_other"] / row["parameters_total"], name))
        _check_cache(name, result, truth, scores)
        alone = extract_model(replace(files, header_summary=None))
        if truth["total_params"] and isinstance(alone, Extracted):
            error = alone.architecture["parameters_total"] / int(truth["total_params"]) - 1
            errors.append((error, name))
            scores["config only within 0.5 %"].note(name, abs(error) <= DERIVED_TOLERANCE, f"{error:+.3%}")
        elif truth["total_params"]:
            scores["config only within 0.5 %"].note(name, False, str(alone))
    _print(scores, others, errors, rejects)
    print("\nodd files")
    for files in read_odd(directory):
        result = extract_model(files)
        said = (
            f"{result.code}: {result.message}" if isinstance(result, Reject) else f"{result.architecture['parameters_total']:,}"
        )
        print(f"  {files.model_id:45} {said}")
    return int(any(score.failed for score in scores.values()))


def _check_counts(name: str, row: Mapping[str, int], truth: Mapping[str, str], kind: str, scores: Mapping[str, Score]) -> None:
    total, expected = row["parameters_total"], int(truth["total_params"])
    which = "total, unquantised headers" if kind == "unquantised" else "total, quantised headers"
    scores[which].note(name, total == expected, f"{total:,} for {expected:,} ({total - expected:+,})")
    off = {}
    for theirs, ours in GROUPS.items():
        right, counted = int(truth[theirs] or 0), row[f"parameters_{ours}"]
        if abs(counted - right) > GROUP_TOLERANCE * right:
            off[ours] = counted - right
    scores["groups within 0.1 %"].note(name, not off, str(off))
    active = int(truth["active_params"] or 0)
    if active:
        scores["active"].note(name, row["parameters_active"] == active, f"{row['parameters_active']:,} for {active:,}")
    if truth["tied"]:
        scores["tied"].note(name, row["tied_embeddings"] == (truth["tied"] == "1"), f"{row['tied_embeddings']}")


def _check_cache(name: str, result: Extracted, truth: Mapping[str, str], scores: Mapping[str, Score]) -> None:
    if truth["kv_rule"].startswith(("not covered", "none")) or not truth["kv_rule"]:
        return
    labels = ("KV bytes per token", "KV bytes unbounded", "state bytes")
    for (theirs, ours), label in zip(CACHE.items(), labels, strict=True):
        right, counted = int(truth[theirs] or 0), result.architecture[ours]
        scores[label].note(name, counted == right, f"{counted:,} for {right:,}")
    windows = {str(group["window_tokens"]) for group in result.layer_groups if group["window_tokens"] and
               group["kv_bytes_per_token_per_layer"]}  # fmt: skip
    expected = set(truth["window"].replace(",", ";").split(";")) - {""}
    scores["window"].note(name, windows == expected, f"{windows} for {expected}")


def _print(
    scores: Mapping[str, Score],
    others: list[tuple[float, str]],
    errors: list[tuple[float, str]],
    rejects: list[tuple[str, Reject]],
) -> None:
    print(f"{'check':30} {'right':>6} {'of':>5}")
    for label, score in scores.items():
        print(f"{label:30} {score.checked - len(score.failed):6} {score.checked:5}")
    for label, score in scores.items():
        for failure in score.failed:
            print(f"  {label}: {failure}")
    print("\nworst shares of other:", ", ".join(f"{name} {share:.2%}" for share, name in sorted(others, reverse=True)[:5]))
    worst = sorted(errors, key=lambda item: -abs(item[0]))[:10]
    print("worst config-only counts:", ", ".join(f"{name} {error:+.3%}" for error, name in worst))
    print("\nrejected")
    for name, reject in rejects:
        print(f"  {name:45} {reject.code}: {reject.message}")


if __name__ == "__main__":
    sys.exit(main())
