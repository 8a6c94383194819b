"""What listings say of a run's models: which hold the commit that the lake has, and which are new or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from huggingface_hub.errors import HfHubHTTPError

from flows.crawl.fetch_model import Known, described, refreshed, settled
from flows.hub.client import Hub, OverBoundError
from flows.hub.listing import Entry, list_authors, list_query
from flows.hub.pauses_and_retries import HubFailureError
from flows.hub.request_budget import BudgetSpentError
from flows.lake.lake import Lake, read_queries, write_queries
from flows.printing.progress import say
from transforms.catalogs.model_list import ModelList, is_model_id
from transforms.tables.records import HubFiles

_TROUBLE = (HfHubHTTPError, HubFailureError, OverBoundError, BudgetSpentError)


@dataclass
class Survey:
    """What listings say of a run's models; it is complete once `survey` has ended.

    `ids` are the models in the order in which they were named; `confirmed` are (model_id, gated, private, disabled, downloads,
    likes, last_modified, fetched_at) of models at the commit that the lake holds; `changed` rows of new and changed models, each
    taken out by whoever fetches it; the others were not listed.
    """

    ids: dict[str, None]
    confirmed: dict[str, tuple[object, ...]] = field(default_factory=dict)
    changed: dict[str, HubFiles] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)


def survey(lake: Lake, hub: Hub, models: ModelList, commits: Mapping[str, Known], found: Survey) -> Iterator[list[str]]:
    """Answer the queries of a list, and what listings can tell of the models that it names by id; write down what is `found`.

    Yields the models that are to be fetched, each once: new and changed ones page by page, at last those that no listing told of.
    A query that the Hub does not answer stands for its last known answer.
    """
    named: set[str] = set()
    answers = read_queries(lake)
    asked = False
    for query in models.queries:
        listed: dict[str, None] = {}
        try:
            for page in list_query(hub, query):
                told = [entry for entry in page if _names_a_model(entry.brief.get("id"), commits)]
                listed.update(dict.fromkeys(entry.brief["id"] for entry in told))
                yield _open(hub, told, commits, found, named)
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
            yield _open(hub, page, commits, found, named)
    except _TROUBLE:
        pass  # each model is then asked for by itself
    yield [model_id for model_id in found.ids if model_id not in found.confirmed and model_id not in named]


def _names_a_model(stated: object, commits: Mapping[str, Known]) -> bool:
    return isinstance(stated, str) and (stated in commits or is_model_id(stated))


def _open(hub: Hub, page: Iterable[Entry], commits: Mapping[str, Known], found: Survey, named: set[str]) -> list[str]:
    """Take down a page of a listing; returns its models that are to be fetched and were not `named` before."""
    now = datetime.now(UTC)
    noted = (_note(hub, entry, commits, found, now) for entry in page)
    fresh = list(dict.fromkeys(model_id for model_id in noted if model_id is not None and model_id not in named))
    named.update(fresh)
    return fresh


def _note(hub: Hub, entry: Entry, commits: Mapping[str, Known], found: Survey, now: datetime) -> str | None:
    """Take down one entry of a listing; returns its model's id where it is new or changed.

    An entry without commit or, for what is new, files, as some mirrors give, says too little.
    """
    brief = entry.brief
    model_id, sha = brief["id"], brief.get("sha")
    if not isinstance(sha, str):
        return None
    known = commits.get(model_id)
    if known is not None and known.sha == sha and not brief.get("disabled") and settled(hub, known):
        if model_id not in found.confirmed:
            found.statuses[known.status] += 1
        found.confirmed[model_id] = (model_id, *refreshed(brief).values(), now)
        return None
    try:
        whole = entry.whole()
        if whole.get("siblings") is None:
            return None
        found.changed[model_id] = described(HubFiles(model_id, "ok", "hub", now), whole)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None  # what cannot be read here is asked for by itself
    return model_id
