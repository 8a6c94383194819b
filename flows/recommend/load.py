"""The load of a question: what a request is, how long the longest may be, and what of it was stated."""

from __future__ import annotations

from dataclasses import dataclass

from flows.recommend.question import Question, QuestionError


@dataclass(frozen=True)
class Load:
    """Tokens of a request of the load and of the longest that is accepted (max_model_len).

    Where no load is stated, input and output are None: the SQL then splits the context, as the published table does.
    """

    context: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_share: float | None = None


def load_of(question: Question, default: int, longest: int, workload: dict[str, object] | None, notes: list[str]) -> Load:
    """The load that is asked for.

    Args:
        question: what is asked.
        default: tokens of the longest sequence where none is stated, as the engine derives it from the model's config.
        longest: tokens of the longest sequence that may be stated.
        workload: the row of the workloads catalog that the question names.
        notes: remarks on how the question was taken are added here.

    The context is as asked, at most the model's own limit; else what a request of the load needs; else the model's default.
    Raises QuestionError where the stated parts contradict each other or the model.
    """
    _refuse_contradictions(question)
    tokens = _tokens(question, workload)
    needed = sum(tokens) if tokens else 0
    asked = question.context if question.context is not None else needed or default
    of_what = f"the workload {question.workload}" if question.workload else "the load"
    if asked < needed:
        raise QuestionError(f"a context of {asked:,} does not hold a request of {of_what}: {needed:,} tokens")
    if needed > longest:
        raise QuestionError(f"{of_what} needs {needed:,} tokens, {question.model} takes {longest:,} at most")
    if asked > longest:
        notes.append(f"a context of {asked:,} is longer than {question.model} takes: answered for its maximum of {longest:,}")
    share = question.cached_share
    if share is None and workload is not None:
        share = float(str(workload["cached_share"]))
    input_tokens, output_tokens = tokens or (None, None)
    return Load(min(asked, longest), input_tokens, output_tokens, share)


def _refuse_contradictions(question: Question) -> None:
    if (question.input_tokens is None) != (question.output_tokens is None):
        raise QuestionError("--input-tokens and --output-tokens go together: state both, or a --workload")
    if question.workload is not None and question.input_tokens is not None:
        raise QuestionError("--workload states the tokens of a request: leave out --input-tokens and --output-tokens, or it")
    if question.users is not None and question.requests_per_s is not None:
        raise QuestionError("--users and --requests-per-s both state how much load there is: leave one out")


def _tokens(question: Question, workload: dict[str, object] | None) -> tuple[int, int] | None:
    if question.input_tokens is not None and question.output_tokens is not None:
        return question.input_tokens, question.output_tokens
    return (int(str(workload["input_tokens"])), int(str(workload["output_tokens"]))) if workload else None
