"""Where a model's facts are: a local directory, the published version, the lake, the bundled snapshot, and else the Hub.

Every question about a model by name comes through here; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.ask.known_models import known_models, known_spelling, nearest_models, with_nearest
from flows.versions.versions import OtherVersionError, RejectedModelError, Versions
from transforms.catalogs.model_list import ModelListError, check_model_id
from transforms.tables import contracts
from transforms.tables.records import HubFiles

FACT_TABLES = ("models", "architectures", "parameter_groups", "layer_groups", "rejects")

_ASK_AGAIN = ("network_failure", "not_found", "gated")
"""Rejects that may no longer hold: the Hub is asked once more."""

_NOWHERE = ("network_failure", "not_found")
"""Rejects that may come of a name that is misspelt."""

_THREADS = 8


@dataclass(frozen=True)
class ModelFacts:
    """The tables of the models asked for, each as its contract says; a model is in `models` or in `rejects`."""

    models: pl.DataFrame
    architectures: pl.DataFrame
    parameter_groups: pl.DataFrame
    layer_groups: pl.DataFrame
    rejects: pl.DataFrame

    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in FACT_TABLES}


def find_models(model_ids: Iterable[str], data: Path) -> ModelFacts:
    """The facts of every model asked for, from the first place that knows it.

    The Hub is asked last, once for each model that no place knows, and not again after it proves unreachable. Never raises for a
    model's trouble: that is its row of `rejects`. Raises OtherVersionError for facts that lack what this version needs.
    """
    found, missing = _looked_up(model_ids, data)
    if missing:
        found.append(_crawled(missing, data))
    return _together(found)


def facts_of(model: str, data: Path) -> ModelFacts:
    """The facts of one model, under its known id where the name differs from that in the case of letters alone.

    Raises ModelListError for what is no model's name, RejectedModelError for a refused model; both name the nearest known models
    where the name is of none.
    """
    if not Path(model).is_dir():
        _check_name(model, data)
    found, missing = _looked_up([model], data)
    if missing and (meant := known_spelling(model, known_models(data))) != model:
        found, missing = _looked_up([meant], data)
    if missing:
        found.append(_crawled(missing, data))
    facts = _together(found)
    if facts.models.is_empty():
        reject = facts.rejects.row(0, named=True)
        raise RejectedModelError(f"{reject['model_id']}: {reject['message']} ({reject['code']})", reject["code"])
    return facts


def _check_name(model: str, data: Path) -> None:
    try:
        check_model_id(model)
    except ModelListError as error:
        nearest = nearest_models([model], known_models(data))
        raise ModelListError(with_nearest(str(error), model, nearest)) from None


def _looked_up(model_ids: Iterable[str], data: Path) -> tuple[list[ModelFacts], list[str]]:
    """The facts of models that a place here knows, and the ids that none does."""
    wanted = list(dict.fromkeys(model_ids))
    local = [model_id for model_id in wanted if Path(model_id).is_dir()]
    found = [_extracted(_read_local(local))] if local else []
    missing = [model_id for model_id in wanted if model_id not in set(local)]
    for place in (_published, _lake, _snapshot):
        if missing:
            try:
                facts = _facts_of(place(data), missing)
            except contracts.ContractError as error:
                raise OtherVersionError(
                    f"the facts in {data} were written by another version of shapefit ({error}): run `shapefit refresh`"
                ) from error
            found.append(facts)
            known = {*facts.models["model_id"], *facts.rejects["model_id"]}
            missing = [model_id for model_id in missing if model_id not in known]
    return found, missing


def _crawled(model_ids: Sequence[str], data: Path) -> ModelFacts:
    """The facts of models as the Hub has them; of those that it does not have, a reject with the known ones that may be meant."""
    return _told_the_nearest(_extracted(_crawl(model_ids)), data)


def _told_the_nearest(facts: ModelFacts, data: Path) -> ModelFacts:
    """The facts, where a model was not found with the known ones that may be meant."""
    lost = facts.rejects.filter(pl.col("code").is_in(_NOWHERE))
    if lost.is_empty():
        return facts
    nearest = nearest_models(lost["model_id"], known_models(data))
    messages = [
        with_nearest(message, model_id, nearest) if code in _NOWHERE else message
        for model_id, code, message in facts.rejects.select("model_id", "code", "message").iter_rows()
    ]
    return replace(facts, rejects=facts.rejects.with_columns(pl.Series("message", messages, dtype=pl.String)))


def _facts_of(tables: dict[str, pl.LazyFrame], model_ids: Sequence[str]) -> ModelFacts:
    """The rows of a place's tables that belong to the models."""
    asked = pl.LazyFrame({"model_id": model_ids})
    if not tables:
        return ModelFacts(*(contracts.empty_frame(name) for name in FACT_TABLES))
    models = _conformed("models", tables["models"].join(asked, on="model_id", how="semi"))
    keys = models.lazy().select("architecture_key").unique()
    rejects = tables.get("rejects", contracts.empty_frame("rejects").lazy()).join(asked, on="model_id", how="semi")
    return ModelFacts(
        models=models,
        rejects=_conformed("rejects", rejects.filter(~pl.col("code").is_in(_ASK_AGAIN))),
        **{
            name: _conformed(name, tables[name].join(keys, on="architecture_key", how="semi"))
            for name in ("architectures", "parameter_groups", "layer_groups")
        },
    )


def _conformed(name: str, frame: pl.LazyFrame) -> pl.DataFrame:
    return contracts.conform(name, frame.collect())


def _published(data: Path) -> dict[str, pl.LazyFrame]:
    latest = Versions(data).latest()
    return _parquet_tables(latest) if latest else {}


def _lake(data: Path) -> dict[str, pl.LazyFrame]:
    return _parquet_tables(data / "lake")


def _snapshot(data: Path) -> dict[str, pl.LazyFrame]:
    from flows.lake.snapshot import read_snapshot

    return {name: frame.lazy() for name, frame in read_snapshot().items()}


def _parquet_tables(directory: Path) -> dict[str, pl.LazyFrame]:
    paths = {name: directory / f"{name}.parquet" for name in FACT_TABLES}
    needed = [name for name in FACT_TABLES if name != "rejects"]
    if not all(paths[name].is_file() for name in needed):
        return {}
    return {name: pl.scan_parquet(path) for name, path in paths.items() if path.is_file()}


def _read_local(model_ids: Sequence[str]) -> list[HubFiles]:
    from flows.ask.local_model import read_local_model

    return [replace(read_local_model(Path(model_id)), model_id=model_id) for model_id in model_ids]


def _crawl(model_ids: Sequence[str]) -> list[HubFiles]:
    """The models as the Hub has them; where it cannot be reached, one status for all of them."""
    from flows.crawl.fetch_model import fetch_model
    from flows.hub.client import open_hub, reachable

    refused = {model_id: problem for model_id in model_ids if (problem := _no_model_id(model_id))}
    rows = [_unread(model_id, "not_found", problem) for model_id, problem in refused.items()]
    asked = [model_id for model_id in model_ids if model_id not in refused]
    if not asked:
        return rows
    hub = open_hub()
    if not reachable(hub, asked[0]):
        message = f"not known: neither published nor in the lake or the snapshot, and {hub.endpoint} cannot be reached"
        return rows + [_unread(model_id, "network_failure", message) for model_id in asked]
    with ThreadPoolExecutor(_THREADS, "crawl") as pool:
        return rows + [fetched.files for fetched in pool.map(lambda model_id: fetch_model(hub, model_id), asked)]


def _no_model_id(model_id: str) -> str | None:
    try:
        check_model_id(model_id)
    except ModelListError as error:
        return str(error)
    return None


def _unread(model_id: str, status: str, message: str) -> HubFiles:
    return HubFiles(model_id=model_id, status=status, source="hub", fetched_at=datetime.now(UTC), message=message)


def _extracted(rows: Sequence[HubFiles]) -> ModelFacts:
    from flows.extract.extract import extract_tables

    return ModelFacts(**extract_tables(rows))


def _together(found: Sequence[ModelFacts]) -> ModelFacts:
    """The facts of several places as one: each architecture once."""
    return ModelFacts(
        **{
            name: pl.concat([getattr(facts, name) for facts in found] or [contracts.empty_frame(name)]).unique(
                contracts.TABLES[name].key, keep="first", maintain_order=True
            )
            for name in FACT_TABLES
        }
    )
