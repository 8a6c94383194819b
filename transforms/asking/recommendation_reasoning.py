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
    """What an answer was asked for, as far as its reasoning names it.

    Attributes:
        bounds: bounds that are stated, in words; without any on the times the default service level holds.
        times_are_bounded: whether some of these bound the times.
        percentile: what the bounds hold for: 95 is the high end of the estimate, 50 its middle.
        default_ttft_ms, default_tpot_ms: the default service level for the load.
        estimated_for_load: whether figures are those of the load as it is spread, or of the published load at its best batch.
    """

    model_id: str
    context: int
    objective: str
    users: int | None = None
    workload: str | None = None
    requests_per_s: float | None = None
    bounds: Sequence[str] = ()
    times_are_bounded: bool = False
    percentile: int = 50
    default_ttft_ms: float | None = None
    default_tpot_ms: float | None = None
    estimated_for_load: bool = False


def reasoning(
    asked: Asked,
    best: Row,
    second: Row | None,
    offers: int,
    passed_over: Row | None = None,
    alternatives: Sequence[Row] = (),
    precisions: Mapping[str, Row] | None = None,
) -> str:
    """One paragraph on the recommended row: what it is, why it, what it holds, how fast, at what price, and what comes next.

    The rows are those of `sql/recommend`; `offers` is how many fit the question, `passed_over` the row of
    `sql/recommend/passed_over.sql` on the shapes that cost less, `alternatives` the best rows of other precisions and
    `precisions` what is known of each, by its name.
    """
    return " ".join(
        part
        for part in (
            _choice(asked, best, offers),
            _memory(best),
            _speed(asked, best),
            _bounds(asked, best),
            _price(best),
            _passed_over(asked, passed_over),
            _runner_up(asked, second),
            _other_precisions(asked, best, alternatives, precisions or {}),
        )
        if part
    )


def _choice(asked: Asked, best: Row, offers: int) -> str:
    load = f" under the workload {asked.workload}" if asked.workload else ""
    users = f" for {_counted(asked.users, 'concurrent request')}" if asked.users else ""
    rate = f" for {_number(asked.requests_per_s)} requests a second" if asked.requests_per_s else ""
    bounds = f" within {', '.join(asked.bounds)}" if asked.bounds else ""
    why = f"of {offers:,} offers that fit{bounds} it {_merit(asked, best)}" if offers > 1 else f"it alone fits{bounds}"
    return f"To serve {asked.model_id} at a context of {asked.context:,} tokens{load}{users}{rate}, take {_named(best)}: {why}."


def _merit(asked: Asked, best: Row) -> str:
    """Why it is the first: by the objective, where that is known of it."""
    unknown = {
        "cost": best["total_usd_per_hour"] is None,
        "performance": best["single_stream_tpot_ms"] is None,
        "balanced": best["usd_per_million_output_tokens"] is None,
    }
    if unknown[asked.objective]:
        return f"has the fewest accelerators; {'no price' if asked.objective != 'performance' else 'no speed'} is known of any"
    return f"has {_BEST[asked.objective]}"


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
        f"a deployment holds {_counted(sequences, 'such request')} at once."
    )


def _speed(asked: Asked, best: Row) -> str:
    if best["output_tokens_per_s"] is None:
        return "Its speed is not estimated: the GPU's rates are not catalogued."
    carried = int(str(best["batch_per_replica"])) * int(str(best["dp"]))
    running = float(str(best["requests_per_deployment"])) if asked.estimated_for_load else float(carried)
    limit = _LIMITS.get(str(best["bound_by"]), str(best["bound_by"]).replace("_", " "))
    several = int(str(best["deployments"])) > 1
    spread = running < carried and asked.estimated_for_load
    of_all = f" (of {carried:,} that {'each' if several else 'it'} carries within the bounds)" if spread else ""
    where = " on each deployment" if several and asked.estimated_for_load else ""
    requests = f"{_counted(running, 'request')} at once{where}{of_all} {'reaches' if running == 1 else 'reach'}"
    single = (_number(best["single_stream_ttft_ms"]), _number(best["single_stream_tpot_ms"]))
    trust = _CALIBRATIONS.get(str(best["calibration"]), str(best["calibration"]))
    return (
        f"With {best['input_tokens']:,} tokens in and {best['output_tokens']:,} out, {requests} an "
        f"estimated {_number(best['output_tokens_per_s'])} output tokens/s, {_number(best['ttft_ms'])} ms to the first token and "
        f"{_number(best['tpot_ms'])} ms for each further one; a single request takes "
        f"{single[0]} and {single[1]} ms. The limit is {limit} ({trust})."
    )


def _bounds(asked: Asked, best: Row) -> str:
    """Which bounds decided, and how they were held."""
    if best["ttft_ms"] is None:
        return ""
    high = (
        f" by the high end of the estimate ({_number(best['ttft_high_ms'])} and {_number(best['tpot_high_ms'])} ms)"
        if asked.percentile > 50
        else ""
    )
    if not asked.times_are_bounded:
        if asked.default_ttft_ms is None or asked.default_tpot_ms is None:
            return ""
        level = f"{_number(asked.default_ttft_ms)} ms to the first token and {_number(asked.default_tpot_ms)} ms a token"
        kept = "is met" if best["within_slo"] else "is missed, even by one request alone"
        return (
            f"No bound on the times was stated: the default service level, {level}, {kept}{high if best['within_slo'] else ''}."
        )
    stated = " ".join(asked.bounds)
    unstated = [
        f"{_number(best[f'{time}_ms'])} ms {words}"
        for time, words in (("ttft", "to the first token"), ("tpot", "for each further token"))
        if f"--max-{time}-ms" not in stated
    ]
    free = f"; none was stated on its {unstated[0]}" if unstated else ""
    return f"The bounds on the times are held{high or ' by the middle of the estimate'}{free}."


def _price(best: Row) -> str:
    if best["total_usd_per_hour"] is None:
        return "No price is catalogued for it."
    read = f", read {best['price_as_of']}" if best["price_as_of"] else ", undated"
    region = f" in {best['price_region']}" if best["price_region"] else ""
    deployments = int(str(best["deployments"]))
    together = f" for {deployments:,} deployments" if deployments > 1 else ""
    stale = " (an old price: check it)" if best["price_stale"] else ""
    per = [
        f"USD {float(str(value)):,.{digits}f} per {unit}"
        for value, digits, unit in (
            (best["usd_per_million_output_tokens"], 2, "million output tokens"),
            (best["usd_per_1000_requests"], 3, "1,000 requests"),
        )
        if value is not None
    ]
    return (
        f"It costs USD {float(str(best['total_usd_per_hour'])):,.2f} per hour, "
        f"USD {float(str(best['total_usd_per_month'])):,.0f} a month{together}{region}{read}{stale}"
        f"{', ' + ' and '.join(per) + ' at that load' if per else ''}."
    )


def _passed_over(asked: Asked, cheaper: Row | None) -> str:
    """Why none of the shapes that cost less: how many do not hold the model, miss the bounds, or are needed in number."""
    if cheaper is None:
        return ""
    reasons = []
    without_room, missing = int(str(cheaper["shapes_without_room"])), int(str(cheaper["shapes_missing_bounds"]))
    needed = int(str(cheaper["shapes_needed_in_number"]))
    if without_room:
        count = f"{float(str(cheaper['largest_gpu_count'])):g} × {cheaper['largest_gpu']}"
        memory = float(str(cheaper["largest_memory_gib"]))
        reasons.append(
            f"{without_room:,} {'does' if without_room == 1 else 'do'} not hold it at this context (the largest, "
            f"{cheaper['largest_shape']}: {count}, {memory:,.0f} GiB; --shape says what it lacks)"
        )
    if other := int(str(cheaper["shapes_of_other_precisions"])):
        reasons.append(f"{other:,} {'holds' if other == 1 else 'hold'} it in another precision alone")
    if missing:
        ttft, tpot = _number(cheaper["nearest_ttft_ms"]), _number(cheaper["nearest_tpot_ms"])
        reasons.append(
            f"{missing:,} {'holds it and misses' if missing == 1 else 'hold it and miss'} the bounds (the nearest, "
            f"{cheaper['nearest_shape']}: {ttft} ms to the first token and {tpot} ms a token for a single request"
            f"{', at the high end' if asked.percentile > 50 else ''})"
        )
    if needed:
        reasons.append(f"{needed:,} would cost more in the number that is needed")
    return f"Of the shapes whose machine costs less, {'; '.join(reasons)}." if reasons else ""


def _counted(number: float | None, thing: str) -> str:
    """A number of things in words: `1 request`, `32 requests`, `2.5 requests`."""
    value = float(number or 0)
    text = f"{value:,.0f}" if value == int(value) or value >= 10 else f"{value:.2g}"
    return f"{text} {thing}" if text == "1" else f"{text} {thing}s"


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


def _other_precisions(asked: Asked, best: Row, alternatives: Sequence[Row], precisions: Mapping[str, Row]) -> str:
    """What another precision would save, who makes it, and what is known of the quality that it costs; the two that save most."""
    column = {"cost": "total_usd_per_hour", "performance": "single_stream_tpot_ms", "balanced": "usd_per_million_output_tokens"}
    figure = column[asked.objective]
    if best[figure] is None:
        return ""
    value = _float(best[figure])
    better = [row for row in alternatives if row[figure] is not None and _float(row[figure]) < value]
    said = []
    for row in sorted(better, key=lambda row: _float(row[figure]))[:2]:
        known = precisions.get(str(row["quantization"]), {})
        maker = "which the engine makes on loading" if known.get("engine_makes_it") else _publisher(row)
        loss = f"known loss: {known['known_loss']}, {known['loss_source']}" if known.get("known_loss") else "loss not known"
        price = "" if row["total_usd_per_hour"] is None else f" at USD {_float(row['total_usd_per_hour']):,.2f} per hour"
        said.append(f"{row['quantization']}, {maker} ({loss}): {_named(row)}{price}")
    return f"Better by this objective in another precision: {'; '.join(said)} (--quantization asks for it)." if said else ""


def _publisher(row: Row) -> str:
    checkpoint = row.get("checkpoint")
    return f"published as {checkpoint}" if checkpoint else "of which no publication is known here"


def _float(value: object) -> float:
    return float(str(value))


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
