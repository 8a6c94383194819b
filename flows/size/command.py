"""`shapefit size`: cluster size from a measured concurrency sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from flows.printing.progress import say
from flows.printing.rows import Format
from flows.size.measure import LevelResult, SweepWatcher
from flows.size.questions import MeasureConfig, ServedBy, SizingConfig, SizingError
from flows.size.size import SizingOutput, estimate_sweep, import_sweep, measure_to_store, require_targets

Data = Annotated[Path, Parameter(env_var="SHAPEFIT_DATA", help="Directory of the sweeps, in its folder sizing.")]
Form = Annotated[Format | None, Parameter(name="--format", help="How to print: table (default), json, csv or markdown.")]
Append = Annotated[bool, Parameter(negative=(), help="Add to the latest sweep; by default a new one is started.")]

_DATA = Path("data")

app = App(
    name="size",
    help="Cluster size from a measured concurrency sweep: how many GPUs, on which shapes, for how many dollars.",
    help_format="plaintext",
)


@dataclass(frozen=True)
class SubjectOptions:
    """What served the sweep; each is optional and ties the measurement to the tables of models, GPUs and shapes."""

    model_id: Annotated[str | None, Parameter(help="Hugging Face id of the model that is served.")] = None
    gpu: Annotated[str | None, Parameter(help="GPU that serves it.")] = None
    test_gpu_count: Annotated[int | None, Parameter(help="GPUs that serve it, all together.")] = None
    tp: Annotated[int | None, Parameter(help="GPUs of one copy of the engine.")] = None
    quantization: Annotated[str | None, Parameter(help="Weight precision that is served.")] = None
    kv_dtype: Annotated[str | None, Parameter(help="Precision of the KV cache.")] = None
    engine: Annotated[str | None, Parameter(help="Engine that serves it.")] = None
    engine_version: Annotated[str | None, Parameter(help="The engine's release.")] = None


@dataclass(frozen=True)
class MeasureOptions:
    """How the sweep is sent."""

    endpoint: Annotated[str, Parameter(help="Address of an OpenAI-compatible server, or of a workflow (--api workflow).")]
    dataset: Annotated[
        Path,
        Parameter(
            name=["--dataset", "--config-file"],
            help="Inputs: JSON, JSONL, CSV or Parquet, or a YAML file whose eval.general.dataset names them.",
        ),
    ]
    concurrencies: Annotated[str, Parameter(help="Users at once, separated by commas; ten values or more are advised.")] = (
        "1,2,4,8,16,32"
    )
    num_passes: Annotated[
        int, Parameter(help="Times that each concurrency's worth of inputs is sent; 0: as many as the dataset fills.")
    ] = 0
    api: Annotated[
        Literal["chat", "completions", "workflow"],
        Parameter(help="chat and completions are streamed; a workflow is sent one input and answers once."),
    ] = "chat"
    model: Annotated[str | None, Parameter(help="Model name to ask for; by default the first that the server lists.")] = None
    max_tokens: Annotated[int | None, Parameter(help="Greatest length of an answer, tokens.")] = None
    endpoint_timeout: Annotated[float, Parameter(help="Seconds that one request may take.")] = 300.0
    retries: Annotated[int, Parameter(help="Further attempts of a failing request.")] = 0
    dataset_field: Annotated[str | None, Parameter(help="Column of the input; by default question, prompt, input, …")] = None
    input_field: Annotated[str, Parameter(help="Name of the input in a workflow's request.")] = "input_message"
    api_key_env: Annotated[str, Parameter(help="Environment variable that holds the endpoint's key.")] = "OPENAI_API_KEY"


@dataclass(frozen=True)
class TargetOptions:
    """What the cluster is to meet."""

    target_users: Annotated[int, Parameter(help="Users to be served at once.")] = 0
    target_workflow_runtime: Annotated[
        float, Parameter(help="Greatest acceptable p95 of a workflow item's time, seconds; 0 to ignore.")
    ] = 0.0
    target_llm_latency: Annotated[
        float, Parameter(help="Greatest acceptable p95 of a model call's time, seconds; 0 to ignore.")
    ] = 0.0


SubjectArguments = Annotated[SubjectOptions, Parameter(name="*")]
MeasureArguments = Annotated[MeasureOptions, Parameter(name="*")]
TargetArguments = Annotated[TargetOptions, Parameter(name="*")]


@app.command
def measure(
    *,
    options: MeasureArguments,
    subject: SubjectArguments = SubjectOptions(),
    append: Append = False,
    data: Data = _DATA,
    form: Form = None,
) -> int:
    """Measure a concurrency sweep of an endpoint. Everything measured is kept as it ends, whatever happens then."""
    run, levels = _measured(options, subject, append, data)
    _print(estimate_sweep(SizingConfig(), data, run), form)
    return 0 if any(not level.failed_items for level in levels) else 1


@app.command(name="import")
def import_files(
    *files: Path,
    concurrency: Annotated[int | None, Parameter(help="Concurrency of a file that does not state it.")] = None,
    subject: SubjectArguments = SubjectOptions(),
    append: Append = False,
    data: Data = _DATA,
    form: Form = None,
) -> int:
    """Import what another tool measured: the sizing calculator, vllm bench serve, GuideLLM, AIPerf, GenAI-Perf, or CSV.

    Parameters
    ----------
    files
        Files of one sweep, of which each may hold one concurrency or several.
    """
    if not files:
        raise SizingError("name the files to import")
    run, notes = import_sweep(files, data, concurrency, ServedBy(**asdict(subject)), append)
    for note in notes:
        say(note)
    _print(estimate_sweep(SizingConfig(), data, run), form)
    return 0


@app.command
def estimate(
    run: str | None = None,
    *,
    targets: TargetArguments = TargetOptions(),
    test_gpu_count: Annotated[int | None, Parameter(help="GPUs that served the sweep; by default as recorded.")] = None,
    tp: Annotated[int | None, Parameter(help="GPUs of one copy of the engine; by default as recorded, else 1.")] = None,
    gpu: Annotated[str | None, Parameter(help="GPU that served the sweep; by default as recorded.")] = None,
    append: Annotated[bool, Parameter(negative=(), help="Keep earlier estimates of this sweep beside this one.")] = False,
    data: Data = _DATA,
    form: Form = None,
) -> int:
    """Estimate the cluster from a sweep that is kept, with any targets.

    Parameters
    ----------
    run
        The sweep; by default the latest.
    """
    config = SizingConfig(**asdict(targets), test_gpu_count=test_gpu_count, gpus_per_replica=tp, gpu=gpu, append=append)
    require_targets(config, data, run)
    return _answered(estimate_sweep(config, data, run), form)


@app.command(name="run")
def measure_and_estimate(
    *,
    options: MeasureArguments,
    targets: TargetArguments = TargetOptions(),
    subject: SubjectArguments = SubjectOptions(),
    append: Append = False,
    data: Data = _DATA,
    form: Form = None,
) -> int:
    """Measure a concurrency sweep, then estimate the cluster from it."""
    config = SizingConfig(**asdict(targets), test_gpu_count=subject.test_gpu_count)
    require_targets(config, data, None)
    run, _ = _measured(options, subject, append, data)
    return _answered(estimate_sweep(config, data, run), form)


def _answered(output: SizingOutput, form: Format | None) -> int:
    _print(output, form)
    return 0 if output.answer.gpus is not None else 1


def _measured(options: MeasureOptions, subject: SubjectOptions, append: bool, data: Path) -> tuple[str, list[LevelResult]]:
    settings = asdict(options) | {"concurrencies": _concurrencies(options.concurrencies)}
    config = MeasureConfig(**settings, append=append, subject=ServedBy(**asdict(subject)))
    with _progress() as watcher:
        try:
            return measure_to_store(config, data, watcher)
        except KeyboardInterrupt:
            say(f"stopped; what was measured is kept in {data / 'sizing'}: shapefit size estimate answers from it")
            raise


def _concurrencies(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise SizingError(f"--concurrencies {text!r}: give whole numbers with commas, such as 1,2,4,8,16,32") from None


@contextmanager
def _progress() -> Iterator[SweepWatcher]:
    """A progress bar on standard error where that is a terminal; one line for each concurrency everywhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("measuring", total=None)

        def level_started(concurrency: int, items: int) -> None:
            bar.reset(task, description=f"concurrency {concurrency}", total=items)

        def item_ended(concurrency: int, ok: bool) -> None:
            bar.advance(task)

        def level_ended(level: LevelResult) -> None:
            trouble = f"; interrupted by a failing item: {level.error}" if level.failed_items else ""
            line = f"concurrency {level.concurrency}: {level.items} items in {level.total_runtime_s:.1f} s{trouble}"
            console.print(line, markup=False, soft_wrap=True)

        yield SweepWatcher(level_started, item_ended, level_ended)


def _print(output: SizingOutput, form: Format | None) -> None:
    from flows.printing.rows import Rows, emit, rows_of_records, write_object

    if form == "json":
        write_object(output.document)
        return
    if form in ("csv", "markdown"):
        emit(Rows(tuple(output.columns), [tuple(row) for row in output.rows]), form)
        return
    print(output.summary)
    shapes = output.document["shapes"]
    if shapes:
        shown = ("provider", "shape", "nodes", "gpu_count", "usd_per_hour", "usd_per_hour_high", "price_region", "price_as_of")
        print(f"\nShapes that supply them ({len(shapes)}, the cheapest first):")
        emit(rows_of_records(shapes[:10], shown), "table")
    print(f"\nWritten to {output.directory}")
