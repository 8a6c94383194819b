"""Listings compared with the lake: which models of a run hold the commit that the lake has, and which are new or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from huggingface_hub.errors import HfHubHTTPError

from flows.crawl.fetch_model import KnownCommit, changing_facts, is_settled, with_metadata
from flows.hub.client import Hub, OverBoundError
from flows.hub.listing import PageEntry, list_authors, list_query
from flows.hub.pauses_and_retries import HubFailureError
from flows.hub.request_budget import BudgetSpentError
from flows.lake.lake import Lake, read_queries, write_queries
from flows.printing.progress import say
from transforms.catalogs.model_list import ModelList, is_model_id
from transforms.tables.records import HubFiles

_TROUBLE = (HfHubHTTPError, HubFailureError, OverBoundError, BudgetSpentError)


@dataclass
class ListedModels:
    """A run's models as listings show them; complete once `models_to_fetch` has ended.

    Attributes:
        ids: the models in the order in which they were named.
        confirmed: (model_id, *ChangingFacts, fetched_at) of models at the commit that the lake holds.
        changed: rows of new and changed models; the thread that fetches one takes its row out.
        statuses: the statuses of confirmed models, counted.
    """

    ids: dict[str, None]
    confirmed: dict[str, tuple[object, ...]] = field(default_factory=dict)
    changed: dict[str, HubFiles] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)


def models_to_fetch(
    lake: Lake, hub: Hub, models: ModelList, commits: Mapping[str, KnownCommit], found: ListedModels
) -> Iterator[list[str]]:
    """Ask the listings that a list's queries and ids need, and record in `found` what they show.

    Yields the models that are to be fetched, each once: new and changed ones page by page, then those that no listing showed. A
    query that the Hub does not answer keeps its last known answer.
    """
    named: set[str] = set()
    answers = read_queries(lake)
    asked = False
    for query in models.queries:
        listed: dict[str, None] = {}
        try:
            for page in list_query(hub, query):
                told = [entry for entry in page if _names_a_model(entry.fields.get("id"), commits)]
                listed.update(dict.fromkeys(entry.fields["id"] for entry in told))
                yield _new_on_page(hub, told, commits, found, named)
        except _TROUBLE as error:
            say(f"{query.text}: {str(error).splitlines()[0]}; its last known answer is used")
        else:
            answers[query.text] = list(listed)
            asked = True
        found.ids.update(dict.fromkeys(answers.get(query.text, [])))
    if asked:
        write_queries(lake, answers)
    wanted = [model_id for model_id in models.ids if model_id not in found.confirmed and model_id not in named]
    try:
        for page in list_authors(hub, wanted):
            yield _new_on_page(hub, page, commits, found, named)
    except _TROUBLE:
        pass  # each model is then asked for by itself
    yield [model_id for model_id in found.ids if model_id not in found.confirmed and model_id not in named]


def _names_a_model(stated: object, commits: Mapping[str, KnownCommit]) -> bool:
    return isinstance(stated, str) and (stated in commits or is_model_id(stated))


def _new_on_page(
    hub: Hub, page: Iterable[PageEntry], commits: Mapping[str, KnownCommit], found: ListedModels, named: set[str]
) -> list[str]:
    """Record a page of a listing; returns its models that are to be fetched and were not `named` before."""
    now = datetime.now(UTC)
    noted = (_new_in_entry(hub, entry, commits, found, now) for entry in page)
    fresh = list(dict.fromkeys(model_id for model_id in noted if model_id is not None and model_id not in named))
    named.update(fresh)
    return fresh


def _new_in_entry(
    hub: Hub, entry: PageEntry, commits: Mapping[str, KnownCommit], found: ListedModels, now: datetime
) -> str | None:
    """Record one entry of a listing; returns its model's id where it is new or changed.

    An entry without a commit says too little, and so does one of a new model without files; some mirrors give such entries.
    """
    fields = entry.fields
    model_id, sha = fields["id"], fields.get("sha")
    if not isinstance(sha, str):
        return None
    known = commits.get(model_id)
    if known is not None and known.sha == sha and not fields.get("disabled") and is_settled(hub, known):
        if model_id not in found.confirmed:
            found.statuses[known.status] += 1
        found.confirmed[model_id] = (model_id, *changing_facts(fields), now)
        return None
    try:
        whole = entry.whole()
        if whole.get("siblings") is None:
            return None
        found.changed[model_id] = with_metadata(HubFiles(model_id, "ok", "hub", now), whole)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None  # an entry that cannot be read is asked for by itself
    return model_id
