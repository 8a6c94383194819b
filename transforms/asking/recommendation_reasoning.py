"""Why the first row of an answer is recommended: one paragraph to paste into a design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]

_BEST = {
    "cost": "the lowest price per hour",
    "performance": "the least time per output token of a single request",
    "balanced": "the lowest cost per output token",
}
_LIMITS = {
    "memory_bandwidth": "reading weights from memory",
    "kv_traffic": "reading the KV cache",
    "compute": "arithmetic",
    "communication": "communication between GPUs",
    "overhead": "the engine's fixed overheads",
}
_CALIBRATIONS = {
    "measured": "speed coefficients fitted to measured runs of this GPU",
    "kernel": "speed coefficients from kernel measurements of this GPU",
    "default": "default speed coefficients, as no run of this GPU was measured",
}


@dataclass(frozen=True)
class Asked:
    """What an answer was asked for, as far as its reasoning names it. `bounds` are conditions in words."""

    model_id: str
    context: int
    objective: str
    users: int | None = None
    workload: str | None = None
    bounds: Sequence[str] = ()


def reasoning(asked: Asked, best: Row, second: Row | None, offers: int, cheaper: Row | None = None) -> str:
    """One paragraph on the recommended row: what it is, why it, what it holds, how fast, at what price, and what comes next.

    The rows are those of `sql/recommend/published.sql`; `offers` is how many fit the question, `cheaper` the row of
    `sql/recommend/cheaper.sql` on the shapes that cost less and were passed over.
    """
    return " ".join(
        part
        for part in (
            _choice(asked, best, offers),
            _memory(best),
            _speed(best),
            _price(asked, best),
            _passed_over(best, cheaper),
            _runner_up(asked, second),
        )
        if part
    )


def _choice(asked: Asked, best: Row, offers: int) -> str:
    load = f" under the workload {asked.workload}" if asked.workload else ""
    users = f" for {asked.users:,} concurrent requests" if asked.users else ""
    bounds = f" within {', '.join(asked.bounds)}" if asked.bounds else ""
    why = f"of {offers:,} offers that fit{bounds} it has {_BEST[asked.objective]}" if offers > 1 else f"it alone fits{bounds}"
    return f"To serve {asked.model_id} at a context of {asked.context:,} tokens{load}{users}, take {_named(best)}: {why}."


def _named(row: Row) -> str:
    machines = int(str(row["nodes"])) * int(str(row["deployments"]))
    shape = f"{row['provider']} {row['shape']}" if machines == 1 else f"{machines} × {row['provider']} {row['shape']}"
    count = f"{float(str(row['gpu_count'])):g} × {row['gpu']}"
    cache = "" if row["kv_dtype"] == "auto" else f" and {row['kv_dtype']} KV cache"
    weights = "the checkpoint as it is" if row["quantization"] == "native" else f"{row['quantization']} weights"
    each = " each" if int(str(row["deployments"])) > 1 else ""
    return f"{shape} ({count}{each}, {layout(row)}) with {weights}{cache}"


def layout(row: Row) -> str:
    """The ways in which a deployment is parallel: tensor, pipeline, data, expert; those of 1 left out."""
    ways = [f"{name} {row[name]}" for name in ("tp", "pp", "dp") if int(str(row[name])) > 1] or ["tp 1"]
    return ", ".join([*ways, f"ep {row['ep']}"] if int(str(row["ep"])) > 1 else ways)


def _memory(best: Row) -> str:
    used, allowed = float(str(best["memory_used_gib_per_gpu"])), float(str(best["memory_allowed_gib_per_gpu"]))
    sequences = int(str(best["concurrent_sequences"]))
    tight = " (tight: less is free than the estimate may err)" if best["verdict"] == "tight" else ""
    return (
        f"Each GPU holds {used:.1f} of the {allowed:.1f} GiB that the engine may use, with one request of full length{tight}; "
        f"a deployment holds {sequences:,} such request{'s' if sequences != 1 else ''} at once."
    )


def _speed(best: Row) -> str:
    if best["output_tokens_per_s"] is None:
        return "Its speed is not estimated: the GPU's rates are not catalogued."
    batch = int(str(best["batch_per_replica"])) * int(str(best["dp"]))
    limit = _LIMITS.get(str(best["bound_by"]), str(best["bound_by"]).replace("_", " "))
    missed = "" if best["within_slo"] in (None, True) else " (the default service level is missed)"
    requests = "one request reaches" if batch == 1 else f"{batch:,} requests at once reach"
    single = (_number(best["single_stream_ttft_ms"]), _number(best["single_stream_tpot_ms"]))
    trust = _CALIBRATIONS.get(str(best["calibration"]), str(best["calibration"]))
    return (
        f"With {best['input_tokens']:,} tokens in and {best['output_tokens']:,} out, {requests} an "
        f"estimated {_number(best['output_tokens_per_s'])} output tokens/s, {_number(best['ttft_ms'])} ms to the first token and "
        f"{_number(best['tpot_ms'])} ms for each further one{missed}; a single request takes "
        f"{single[0]} and {single[1]} ms. The limit is {limit} ({trust})."
    )


def _price(asked: Asked, best: Row) -> str:
    if best["total_usd_per_hour"] is None:
        return "No price is catalogued for it."
    read = f", read {best['price_as_of']}" if best["price_as_of"] else ", undated"
    region = f" in {best['price_region']}" if best["price_region"] else ""
    deployments = int(str(best["deployments"]))
    together = f" for {deployments:,} deployments" if deployments > 1 else ""
    token = best["usd_per_million_output_tokens"]
    per_token = f", USD {float(str(token)):,.2f} per million output tokens at that load" if token is not None else ""
    stale = " (an old price: check it)" if best["price_stale"] else ""
    return f"It costs USD {float(str(best['total_usd_per_hour'])):,.2f} per hour{together}{region}{read}{stale}{per_token}."


def _passed_over(best: Row, cheaper: Row | None) -> str:
    """Why not a shape that costs less: none of those holds the model, and the largest of them has so much memory."""
    if cheaper is None:
        return ""
    shapes, memory = int(str(cheaper["shapes"])), float(str(cheaper["memory_gib"]))
    held = float(str(best["memory_used_gib_per_gpu"])) * max(1.0, float(str(best["gpu_count"])))
    count = f"{float(str(cheaper['gpu_count'])):g} × {cheaper['gpu']}"
    few = "The one shape that costs less does" if shapes == 1 else f"The {shapes:,} shapes that cost less do"
    return (
        f"{few} not hold it at this context: the largest, {cheaper['provider']} {cheaper['shape']} ({count}), has "
        f"{memory:,.0f} GiB in all, where this layout uses {held:,.0f} (--shape says what a shape lacks)."
    )


def _runner_up(asked: Asked, second: Row | None) -> str:
    if second is None:
        return ""
    figures = []
    if second["total_usd_per_hour"] is not None:
        figures.append(f"USD {float(str(second['total_usd_per_hour'])):,.2f} per hour")
    if asked.objective == "balanced" and second["usd_per_million_output_tokens"] is not None:
        figures.append(f"USD {float(str(second['usd_per_million_output_tokens'])):,.2f} per million output tokens")
    if asked.objective == "performance" and second["single_stream_tpot_ms"] is not None:
        figures.append(f"{_number(second['single_stream_tpot_ms'])} ms per token of a single request")
    stated = f" at {', '.join(figures)}" if figures else ""
    return f"The next shape is {_named(second)}{stated}."


def arguments_explained(row: Row) -> str:
    """Why the arguments of a row are as they are, for who pastes them."""
    said = (
        "The share of memory, the sequences and the tokens of a step are the newest engine's defaults on this GPU, "
        "said because the fit was estimated at them and other releases differ."
    )
    if "--trust-remote-code" in str(row["vllm_arguments"]):
        said += " --trust-remote-code lets the engine run Python code of the repository: read that code first."
    return said


def _number(value: object) -> str:
    if value is None:
        return "–"
    number = float(str(value))
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
