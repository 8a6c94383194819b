"""Cluster size from a measured concurrency sweep: measure, import and estimate, for programs as for the command line.

from pathlib import Path
from flows.size.questions import MeasureConfig, SizingConfig
from flows.size.size import run_sizing

output = run_sizing(
    MeasureConfig(endpoint="http://localhost:8000", dataset=Path("questions.json"), concurrencies=(1, 2, 4, 8, 16, 32)),
    SizingConfig(test_gpu_count=8, target_workflow_runtime=10, target_users=100),
    Path("data"),
)
print(output.gpu_estimates, output.answer.whole_gpus)
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.size.dataset import read_dataset
from flows.size.endpoint import Endpoint, public_address, request_url
from flows.size.measure import LevelResult, SweepPlan, SweepWatcher, measure_sweep
from flows.size.questions import MeasureConfig, ServedBy, SizingConfig, SizingError
from flows.size.sweep_store import create_run, latest_run, name_of_moment, read_group, read_sweep
from flows.system.whole_file import write_whole

if TYPE_CHECKING:
    from flows.size.fit import FittedSweep
    from transforms.sizing.answer import SizingAnswer
    from transforms.sizing.document import SizingDocument

OUTPUT_FILE = "calc_runner_output.json"
SUMMARY_FILE = "summary.txt"


@dataclass(frozen=True)
class SizingOutput:
    """The answer to a sizing: the JSON document and its parts, the summary (text, and its table), where all was written."""

    run: str
    gpu_estimates: dict[str, float | None]
    per_concurrency_data: dict[str, Any]
    answer: SizingAnswer
    document: SizingDocument
    summary: str
    columns: list[str]
    rows: list[list[object]]
    directory: Path
    files: tuple[Path, ...]


def measure_to_store(config: MeasureConfig, data: Path, watcher: SweepWatcher | None = None) -> tuple[str, list[LevelResult]]:
    """Measure a sweep into `<data>/sizing/<run>/` and return the run and how each concurrency ended.

    Raises DatasetError, EndpointError or SizingError before anything is sent; failing requests raise nothing.
    """
    plan = checked_plan(config)
    dataset = read_dataset(config.dataset, config.dataset_field)
    endpoint = Endpoint(
        url=request_url(config.endpoint, config.api),
        api=config.api,
        model=config.model,
        timeout_s=config.endpoint_timeout,
        max_tokens=config.max_tokens,
        input_field=config.input_field,
        key=os.environ.get(config.api_key_env) or None,
    )
    facts = _facts(config.subject) | {
        "sweep_source": "measured",
        "api": config.api,
        "served_model": config.model,
        "endpoint": public_address(endpoint.url),
        "dataset": str(config.dataset),
        "dataset_items": len(dataset),
        "concurrencies": list(plan.concurrencies),
        "num_passes": plan.num_passes,
        "max_tokens": config.max_tokens,
    }
    with create_run(data, facts, config.append) as writer:
        try:
            levels = asyncio.run(measure_sweep(endpoint, dataset, plan, writer, watcher))
        except ExceptionGroup as group:  # of the workers; what they had measured is kept
            raise _first(group) from None
    return writer.run, levels


def checked_plan(config: MeasureConfig) -> SweepPlan:
    """The plan of a sweep. Raises SizingError for concurrencies, passes or times that mean nothing."""
    if not config.concurrencies or any(concurrency < 1 for concurrency in config.concurrencies):
        raise SizingError("concurrencies must be whole numbers of at least 1, such as 1,2,4,8,16,32")
    if len(set(config.concurrencies)) < len(config.concurrencies):
        raise SizingError("a concurrency is named twice")
    if config.num_passes < 0 or config.retries < 0:
        raise SizingError("passes and retries cannot be negative")
    if not config.endpoint_timeout > 0:
        raise SizingError("the endpoint's timeout must be above 0 seconds")
    return SweepPlan(tuple(config.concurrencies), config.num_passes, config.retries)


def import_sweep(
    paths: Sequence[Path], data: Path, concurrency: int | None = None, subject: ServedBy | None = None, append: bool = False
) -> tuple[str, list[str]]:
    """Import files that other tools measured as one sweep and return the run and what is to be known of them.

    Raises FormatError where a file is of no known format or lacks what a sizing needs, and then keeps nothing of any.
    """
    from dataclasses import replace

    from transforms.sizing.formats import parse_sweep_file

    subject = subject or ServedBy()
    imports = [parse_sweep_file(str(path), _text(path), concurrency) for path in paths]
    seen: dict[object, Path] = {}
    for path, imported in zip(paths, imports, strict=True):
        for level in imported.measurements:
            if level["concurrency"] in seen:
                raise SizingError(
                    f"{path}: concurrency {level['concurrency']} is already in {seen[level['concurrency']]}; "
                    "import repeated measurements one by one with --append: the last one counts"
                )
            seen[level["concurrency"]] = path
    models = {imported.model for imported in imports if imported.model}
    if subject.model_id is None and len(models) == 1:
        subject = replace(subject, model_id=models.pop())
    facts = _facts(subject) | {
        "sweep_source": imports[0].source,
        "files": [str(path) for path in paths],
        "served_model": subject.model_id,
    }
    with create_run(data, facts, append) as writer:
        for imported in imports:
            writer.append("workflow_items", imported.workflow_items)
            writer.append("measurements", imported.measurements)
    return writer.run, [note for imported in imports for note in imported.notes]


def estimate_sweep(config: SizingConfig, data: Path, run: str | None = None) -> SizingOutput:
    """Estimate the cluster from a sweep that is kept (the latest by default) and write answer and plots beside it.

    Raises SweepStoreError without such a sweep, UnknownGpuError for a GPU that no catalog has.
    """
    from flows.lake.catalogs import load_catalogs, lookup_gpu
    from flows.size.fit import fit_sweep
    from flows.size.plots import write_plots
    from flows.size.supply import supply
    from transforms.sizing.answer import answer_of, summary_rows, summary_text
    from transforms.sizing.document import document

    run = run or latest_run(data)
    tables = read_group(data, run)
    sweep = read_sweep(data, str(run))
    catalogs = load_catalogs()
    gpu_name = config.gpu or sweep.get("gpu")
    gpu = lookup_gpu(str(gpu_name), catalogs["gpus"], catalogs["gpu_aliases"]).gpu if gpu_name else None
    targets = checked_targets(config, sweep)
    fitted = fit_sweep(tables, targets, catalogs["sizing_settings"])
    sizing, levels = fitted.by_metric(), fitted.per_concurrency.to_dicts()
    answer = answer_of(sizing, fitted.settings)
    shapes: list[dict[str, Any]] = []
    if answer.gpus is not None and gpu is not None:
        shapes = supply(catalogs, gpu, answer.gpus, answer.gpus_high, targets.gpus_per_replica).to_dicts()
        if not shapes:
            answer.messages.append(f"No catalogued shape holds {targets.gpus_per_replica} × {gpu} in one machine.")
    elif answer.gpus is not None:
        answer.messages.append("Name the GPU that was measured with --gpu to see the shapes that supply them, with price.")
    named = {
        "target_llm_latency_s": targets.llm_latency_s,
        "target_workflow_runtime_s": targets.workflow_runtime_s,
        "target_users": targets.users,
        "test_gpu_count": targets.test_gpu_count,
        "gpus_per_replica": targets.gpus_per_replica,
    }
    answered = document(named, sizing, levels, fitted.workflow_items.to_dicts(), answer, {**sweep, "gpu": gpu}, shapes)
    summary = summary_text(named, sizing, levels, answer)
    columns, rows = summary_rows(named, levels)
    directory = _answer_directory(data, str(run), config.append)
    files = [_write_json(directory / OUTPUT_FILE, answered), _write_text(directory / SUMMARY_FILE, summary + "\n")]
    files += _write_tables(directory, fitted)
    files += write_plots(directory, sizing, levels)
    return SizingOutput(
        run=str(run),
        gpu_estimates=answered["gpu_estimates"],
        per_concurrency_data=answered["per_concurrency_data"],
        answer=answer,
        document=answered,
        summary=summary,
        columns=columns,
        rows=rows,
        directory=directory,
        files=tuple(files),
    )


def run_sizing(
    measure_config: MeasureConfig, config: SizingConfig, data: Path, watcher: SweepWatcher | None = None
) -> SizingOutput:
    """Measure a sweep, then estimate from it."""
    run, _ = measure_to_store(measure_config, data, watcher)
    return estimate_sweep(config, data, run)


def require_targets(config: SizingConfig, data: Path, run: str | None) -> None:
    """Raise SizingError unless there is something to size for: users, a target time and the GPUs that served the sweep."""
    recorded = latest_run(data) if run is None else run
    sweep = read_sweep(data, recorded) if recorded and config.test_gpu_count is None else {}
    targets = checked_targets(config, sweep)
    missing = {
        "--target-users": targets.users,
        "--target-workflow-runtime or --target-llm-latency": targets.workflow_runtime_s or targets.llm_latency_s,
        "--test-gpu-count": targets.test_gpu_count,
    }
    if not all(missing.values()):
        raise SizingError(f"a size needs {', '.join(option for option, value in missing.items() if not value)}")


def checked_targets(config: SizingConfig, sweep: dict[str, Any]) -> Any:
    """The targets with what the sweep itself says filled in. Raises SizingError for negative ones."""
    from flows.size.fit import SizingTargets

    if min(config.target_users, config.target_workflow_runtime, config.target_llm_latency) < 0:
        raise SizingError("targets cannot be negative; 0 ignores one")
    test_gpu_count = config.test_gpu_count if config.test_gpu_count is not None else sweep.get("test_gpu_count")
    gpus_per_replica = config.gpus_per_replica or sweep.get("tp") or 1
    if (test_gpu_count or 0) < 0 or gpus_per_replica < 1:
        raise SizingError("GPU counts must be whole numbers of at least 1")
    return SizingTargets(
        llm_latency_s=config.target_llm_latency or None,
        workflow_runtime_s=config.target_workflow_runtime or None,
        users=config.target_users or None,
        test_gpu_count=test_gpu_count or None,
        gpus_per_replica=gpus_per_replica,
    )


def _facts(subject: ServedBy) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(subject)


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SizingError(f"{path}: not UTF-8 text") from None
    if path.suffix.lower() in (".yaml", ".yml"):
        import yaml

        return json.dumps(yaml.safe_load(text), default=str)
    return text


def _answer_directory(data: Path, run: str, append: bool) -> Path:
    directory = data / "sizing" / run
    if append:
        directory = directory / "estimates" / name_of_moment(datetime.now(UTC))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write_tables(directory: Path, fitted: FittedSweep) -> list[Path]:
    files = []
    for name in ("measurements", "sizing"):
        path = directory / f"{name}.parquet"
        getattr(fitted, name).write_parquet(path)
        files.append(path)
    return files


def _write_json(path: Path, value: object) -> Path:
    import io

    from flows.printing.rows import write_object

    text = io.StringIO()
    write_object(value, text)
    write_whole(path, text.getvalue().encode())
    return path


def _write_text(path: Path, text: str) -> Path:
    write_whole(path, text.encode())
    return path


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
