"""What `recommend` can be asked: each condition declared once, with its bounds and what it means.

The command line, `flows.asking` and the policies of other tools read this declaration; `sql/recommend` takes the fields by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from cyclopts import Parameter, Token, validators


class QuestionError(ValueError):
    """The question cannot be asked like this; the message says what to change."""


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """A whole number as it is written: 1.5 is refused rather than cut."""
    text = tokens[0].value
    if not text.removeprefix("-").isdecimal():
        raise ValueError(f"a whole number is needed, not {text}")
    return int(text)


Count = Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=10**9), converter=_whole)]
Bound = Annotated[float | None, Parameter(validator=validators.Number(gt=0, lt=math.inf))]
Objective = Literal["cost", "performance", "balanced"]
Policy = Literal["vllm", "aqua", "kaito", "lmi", "config_recommender"]

Percentile = Literal[50, 95]

_BOUNDS = ("max_ttft_ms", "max_tpot_ms", "max_usd_per_hour")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a deployment must do, and which shapes count. None means no such condition."""

    context: Annotated[
        Count, Parameter(help="Prompt and answer tokens of one sequence. Default: the model's own default length.")
    ] = None
    input_tokens: Annotated[Count, Parameter(help="Prompt tokens of a request of the load; goes with --output-tokens.")] = None
    output_tokens: Annotated[Count, Parameter(help="Answer tokens of a request of the load.")] = None
    cached_share: Annotated[
        float | None,
        Parameter(
            validator=validators.Number(gte=0, lt=1), help="Share of the prompt that is found in the prefix cache. Default: 0."
        ),
    ] = None
    requests_per_s: Annotated[
        Bound, Parameter(help="Requests that arrive in a second, at random moments, instead of a number of users.")
    ] = None
    users: Annotated[Count, Parameter(help="Concurrent requests that the deployment must hold.")] = None
    quantization: Annotated[
        str | None,
        Parameter(
            help="Weight precision: native, bf16, fp8, int8, awq-4bit, …, or any. Default: the checkpoint as it is published; "
            "where that fits nowhere, what the engine makes of it or somebody is known to publish."
        ),
    ] = None
    provider: Annotated[str | None, Parameter(help="Only shapes of this provider.")] = None
    shape: Annotated[str | None, Parameter(help="Only this shape.")] = None
    max_ttft_ms: Annotated[Bound, Parameter(help="Bound on the time to the first token.")] = None
    max_tpot_ms: Annotated[Bound, Parameter(help="Bound on the time per output token.")] = None
    max_usd_per_hour: Annotated[Bound, Parameter(help="Bound on the price of all the deployments that carry the users.")] = None
    percentile: Annotated[
        Percentile | None,
        Parameter(
            help="What the bounds must hold for: 95 is the high end of the estimate and the peaks of random arrivals, 50 their "
            "middle. Default: 95 where a bound on the times or a rate of requests is stated."
        ),
    ] = None
    objective: Annotated[
        Objective | None,
        Parameter(
            help="What the best is: cost (dollars an hour), performance (time per token of one request) or balanced (dollars per "
            "token). Default: cost; with --policy config_recommender performance."
        ),
    ] = None
    workload: Annotated[
        str | None, Parameter(help="Kind of load that speed and cost are quoted for: a row of the workloads catalog.")
    ] = None
    region: Annotated[str | None, Parameter(help="Only prices that were read in this region.")] = None
    spot: Annotated[bool, Parameter(negative=(), help="Count spot prices; shapes without one come last.")] = False
    shapes_file: Annotated[
        Path | None,
        Parameter(
            help="CSV of your own shapes, in the columns of the shapes catalog (prices in usd_per_hour), instead of the "
            "catalogued ones."
        ),
    ] = None
    policy: Annotated[
        Policy,
        Parameter(help="The rules of fit: vllm is the engine's own; the others are those of the tools they are named for."),
    ] = "vllm"

    def stated(self) -> dict[str, object]:
        """The conditions that are stated, by name; the policy apart."""
        return {
            field.name: value
            for field in fields(Conditions)
            if (value := getattr(self, field.name)) != field.default and field.name != "policy"
        }

    def bounds(self) -> tuple[str, ...]:
        """The bounds that are stated, in the words of the command."""
        stated = self.stated()
        return tuple(f"--{name.replace('_', '-')} {stated[name]:g}" for name in _BOUNDS if name in stated)

    @property
    def bounds_the_times(self) -> bool:
        """Whether bounds of its own are stated on the times, which then hold instead of the default service level."""
        return self.max_ttft_ms is not None or self.max_tpot_ms is not None

    @property
    def states_a_load(self) -> bool:
        """Whether the requests are stated by their own tokens or their rate, rather than as long as the context."""
        stated = (self.workload, self.input_tokens, self.output_tokens, self.cached_share, self.requests_per_s)
        return any(condition is not None for condition in stated)

    @property
    def is_estimated(self) -> bool:
        """Whether the question is estimated for its own load or bounds, rather than answered from the published figures."""
        return self.states_a_load or self.bounds_the_times or self.percentile is not None

    @property
    def held_percentile(self) -> int:
        """What the bounds must hold for, in percent of requests and of estimates."""
        return self.percentile or (95 if self.bounds_the_times or self.requests_per_s is not None else 50)

    @property
    def best_by(self) -> str:
        """The objective, cost unless another is stated."""
        return self.objective or "cost"


@dataclass(frozen=True)
class Question(Conditions):
    """A model (Hugging Face id, or a directory with a config.json and safetensors files) and the conditions on its deployment."""

    model: str


def refuse_unknown(conditions: Conditions, known: Sequence[str]) -> None:
    """Refuse conditions that a policy does not know: with them it would not be that tool's answer. Raises QuestionError."""
    foreign = [f"--{name.replace('_', '-')}" for name in conditions.stated() if name not in known]
    if foreign:
        are = "is no condition" if len(foreign) == 1 else "are no conditions"
        raise QuestionError(f"{', '.join(foreign)} {are} of --policy {conditions.policy}: leave it out, or ask the policy vllm")


def question_of(model: str, conditions: Mapping[str, Any]) -> Question:
    """A question asked from Python, its conditions held against what is declared. Raises QuestionError for one that is not."""
    declared = get_type_hints(Conditions, include_extras=True)
    unknown = sorted(conditions.keys() - declared.keys())
    if unknown:
        raise QuestionError(f"no condition {', '.join(unknown)}; known: {', '.join(declared)}")
    given = {name: _converted(name, value) for name, value in conditions.items()}
    for name, value in given.items():
        for problem in _problems(declared[name], value):
            raise QuestionError(f"{name}: {problem}, not {value!r}")
    return Question(model, **given)


def _converted(name: str, value: Any) -> Any:
    return Path(value) if name == "shapes_file" and isinstance(value, str) else value


def _problems(declared: object, value: object) -> Iterator[str]:
    """Why a value is not what an annotation declares."""
    kind, *annotations = get_args(declared)
    if value is None and type(None) in _kinds(kind):
        return
    choices = [choice for part in _kinds(kind) if get_origin(part) is Literal for choice in get_args(part)]
    plain = [part for part in _kinds(kind) if isinstance(part, type)]
    if choices and value not in choices:
        yield f"one of {', '.join(map(str, choices))} is needed"
    if not choices and not any(_is_a(value, part) for part in plain):
        yield f"{' or '.join(part.__name__ for part in plain if part is not type(None))} is needed"
        return
    for annotation in annotations:
        for check in _checks(annotation):
            try:
                check(type(value), value)
            except ValueError as error:
                yield str(error).rstrip(".")


def _checks(annotation: object) -> tuple[Callable[[type, object], object], ...]:
    """The bounds that an annotation states, as cyclopts calls them: with a type and a value, raising ValueError."""
    stated = annotation.validator if isinstance(annotation, Parameter) else None
    if stated is None:
        return ()
    return (stated,) if callable(stated) else tuple(check for check in stated if callable(check))


def _kinds(kind: object) -> tuple[object, ...]:
    """The alternatives of a declared type."""
    return (kind,) if get_origin(kind) is Literal or isinstance(kind, type) else get_args(kind)


def _is_a(value: object, kind: type) -> bool:
    """Whether a value is of a declared type; a whole number is a number, and a truth value is neither."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
