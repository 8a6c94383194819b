"""The command `shapefit`. Each command imports what it needs when it runs, so that asking stays quick.

Exit status: 0 done; 1 ran but the answer is "no", or models were rejected under --strict; 2 bad usage or input, with one line on
standard error.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from inspect import BoundArguments
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter

from flows.printing.rows import Format
from flows.recommend.question import Bound, Conditions, Count, Question, refuse_unknown

Data = Annotated[
    Path, Parameter(env_var="SHAPEFIT_DATA", help="Lake and published versions: a directory, or s3://bucket/prefix.")
]
Form = Annotated[Format | None, Parameter(name="--format", help="How to print rows: table (default), json, csv or markdown.")]
Output = Annotated[Path | None, Parameter(help="Write to this file instead; its extension names the format.")]


_DATA = Path("data")

app = App(
    name="shapefit",
    help="Which GPU shape should serve an open model, at which context and quantization, how fast, and for how many dollars.",
    version=lambda: _version(),
    help_format="plaintext",
)


def _version() -> str:
    from importlib.metadata import version

    return version("shapefit")


def run() -> NoReturn:
    """Run the process's own command line and end the process as soon as it is done.

    Python would take apart all that was imported, object by object: half a second for what the system frees at once.
    """
    status = main()
    threading._shutdown()  # type: ignore[attr-defined]  # Python has no public name for what it calls as it ends
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(tokens: list[str] | None = None) -> int:
    """Run one command line (the process's own by default) and return its exit status."""
    try:
        command, given, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        result = _run(command, given)
        sys.stdout.flush()
    except CycloptsError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _run(command: Callable[..., object], given: BoundArguments) -> object:
    """Run a parsed command, its --data being a local directory for those that know of no other."""
    data: Path = given.arguments.get("data", _DATA)
    if str(data).startswith("s3:/") and command not in (refresh, schedule, status, rollback):
        from flows.remote.data_directory import readable, working_copy

        if command is refresh_catalogs:
            with working_copy(data) as given.arguments["data"]:
                return command(*given.args, **given.kwargs)
        if command.__module__ != __name__:
            raise ValueError("size keeps its measurements in a directory: name one with --data")
        given.arguments["data"] = readable(data, whole=command is export)
    return command(*given.args, **given.kwargs)


def _refuse(message: str) -> int:
    print("shapefit:", " ".join(message.split()), file=sys.stderr)
    return 2


def _refuse_given(options: Mapping[str, object], why: str) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{', '.join(given)} {why}")


@app.command
def refresh(
    *,
    models: Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())] = None,
    data: Data = _DATA,
    offline: Annotated[bool, Parameter(negative=())] = False,
    full: Annotated[bool, Parameter(negative=())] = False,
    strict: Annotated[bool, Parameter(negative=())] = False,
    form: Form = None,
) -> int:
    """Crawl, extract, estimate and publish, once.

    Parameters
    ----------
    models
        Files of model ids, or ids. Default: the bundled list.
    offline
        Ask no Hub; work from the last known facts.
    full
        Fetch every model again, changed or not.
    strict
        Exit with status 1 when any model was rejected.
    """
    from flows.nightly.run_once import run_refresh

    report = run_refresh(models=models or [], data=data, offline=offline, full=full, strict=strict)

    from flows.publish.first_rows import print_first_rows
    from flows.remote.data_directory import local_directory

    print_first_rows(local_directory(data), form)
    return report.exit_status


@app.command
def refresh_catalogs(
    *,
    provider: Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())] = None,
    source: Annotated[str | None, Parameter(name="--from")] = None,
    accept: Annotated[bool, Parameter(negative=())] = False,
    data: Data = _DATA,
    form: Form = None,
) -> int:
    """Refresh prices and shapes from the providers' public price lists; the next refresh estimates with them.

    Parameters
    ----------
    provider
        Only these providers. Default: every one with a price list; GCP where GCP_BILLING_API_KEY holds an API key.
    source
        File or URL to read instead: the price list of one --provider, or CSV in the columns of the prices or shapes catalog.
    accept
        Take prices that moved so far that they were held back.
    """
    from flows.prices.refresh_catalogs import print_catalog_refresh

    return print_catalog_refresh(data, provider or [], source, accept, form)


@app.command
def explain(model: str, /, *, data: Data = _DATA, form: Form = None) -> int:
    """Say what a model weighs, caches, computes and splits into, and how that is known.

    Parameters
    ----------
    model
        Hugging Face id, or a directory with a config.json and safetensors files.
    """
    from flows.ask.explain import print_explanation

    return print_explanation(model, data, form)


@app.command
def status(*, data: Data = _DATA, form: Form = None) -> int:
    """Say how fresh and how complete the published table is, and which versions are kept."""
    from flows.ask.status import print_status

    return print_status(data, form)


@app.command
def rollback(run: str | None = None, /, *, data: Data = _DATA) -> int:
    """Point `latest` to an older published version.

    Parameters
    ----------
    run
        The version to go back to. Default: the one before the current.
    """
    from flows.ask.status import print_rollback

    return print_rollback(data, run)


@app.command
def recommend(
    model: str | None = None,
    /,
    *,
    conditions: Annotated[Conditions | None, Parameter(name="*")] = None,
    models: Path | None = None,
    gpus: Path | None = None,
    latency_bound: Bound = None,
    batch_size: Count = None,
    sequence_length: Count = None,
    precision: Literal["fp16", "bf16", "fp32", "fp8", "int8"] | None = None,
    plot: Path | None = None,
    data: Data = _DATA,
    output: Output = None,
    form: Form = None,
) -> int:
    """Recommend shapes for a model: the best first, with layout, memory, speed and cost.

    Parameters
    ----------
    model
        Hugging Face id, or a directory with a config.json and safetensors files.
    models
        With --policy config_recommender: a JSON file of models, instead of MODEL.
    gpus
        With --policy config_recommender: a JSON file of GPUs; default the catalogued ones.
    latency_bound
        With --policy config_recommender: bound on the milliseconds per token.
    batch_size
        With --policy config_recommender: sequences at once.
    sequence_length
        With --policy config_recommender: tokens of a sequence.
    precision
        With --policy config_recommender: precision of weights and cache.
    plot
        Draw cost against throughput, with the frontier and the one recommended, into this PNG or SVG file.
    """
    asked = conditions or Conditions()
    own: dict[str, object] = {"models": models, "gpus": gpus, "latency-bound": latency_bound, "batch-size": batch_size}
    own |= {"sequence-length": sequence_length, "precision": precision}
    if asked.policy != "vllm":
        _refuse_given({"plot": plot}, f"is no condition of --policy {asked.policy}: leave it out, or ask the policy vllm")
    if asked.policy == "config_recommender":
        from flows.config_recommender import GPURecommender, ModelArchitecture, print_gpus, read_models

        refuse_unknown(asked, ("objective",))
        if model is not None and models is not None:
            raise ValueError("recommend takes a model or a file of them with --models, not both")
        if not model and models is None:
            raise ValueError("recommend needs a model, or a file of them with --models")
        objective = asked.objective or "performance"
        recommender = GPURecommender(latency_bound, batch_size, sequence_length, precision, objective, data)
        return print_gpus(recommender, read_models(models) if models else (ModelArchitecture(str(model)),), gpus, form, output)
    _refuse_given(own, "needs --policy config_recommender")
    from flows.recommend.output import print_recommendations

    if not model:
        raise ValueError("recommend needs a model: a Hugging Face id or a local directory")
    if model.startswith("ocid1."):
        raise ValueError(f"{model[:60]} is an OCI id: pass the Hugging Face id of the model, or a directory that holds it")
    return print_recommendations(Question(model, **vars(asked)), data, form, output, plot)


@app.command
def estimate(configurations: Path, /, *, output: Output = None, data: Data = _DATA, form: Form = None) -> int:
    """Evaluate an explicit list of configurations, one output row for each input row.

    Parameters
    ----------
    configurations
        CSV or Parquet, one configuration a row; a blank cell takes its default.
    """
    from flows.ask.estimate import print_estimates

    return print_estimates(configurations, data, form, output)


@app.command
def query(sql: str, /, *, data: Data = _DATA, output: Output = None, form: Form = None) -> int:
    """Run SQL over the published tables.

    Parameters
    ----------
    sql
        Any DuckDB query; the tables are recommendations, fits, models, architectures, shapes, prices, rejects, changes, …
    """
    from flows.ask.query import query as run_query
    from flows.printing.rows import emit

    emit(run_query(sql, data), form, output)
    return 0


@app.command
def export(
    *,
    output: Path,
    form: Annotated[Literal["csv", "parquet"], Parameter(name="--format")] = "parquet",
    grid: Annotated[bool, Parameter(negative=())] = False,
    star: Annotated[bool, Parameter(negative=())] = False,
    data: Data = _DATA,
) -> int:
    """Write the published tables as files for BI tools.

    Parameters
    ----------
    output
        Directory to write into.
    form
        csv or parquet.
    grid
        Write the whole grid as well, rows that do not fit included.
    star
        Write a star schema instead: dimension and fact tables, their data dictionary, and SQL that loads them into PostgreSQL.
    """
    from flows.export.export import print_export

    return print_export(data, output, form, grid, star)


@app.command
def schedule(*, cron: str = "0 3 * * *", data: Data = _DATA) -> int:
    """Serve the nightly refresh until interrupted.

    Parameters
    ----------
    cron
        When to run, as five cron fields.
    """
    from flows.nightly.schedule import serve

    serve(cron, data)
    return 0


app.command("flows.size.command:app", name="size")


if __name__ == "__main__":
    run()
