"""What listings say of a run's models: which hold the commit that the lake has, and which are new or changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from huggingface_hub.errors import HfHubHTTPError

from flows.budget import BudgetSpentError
from flows.fetch import Known, described, refreshed, settled
from flows.hub import Hub, OverBoundError
from flows.lake import Lake, read_queries, write_queries
from flows.listing import Metadata, list_authors, list_query
from flows.run_log import say
from flows.throttle import HubFailureError
from transforms.model_list import HubQuery, ModelList, is_model_id
from transforms.records import HubFiles

_TROUBLE = (HfHubHTTPError, HubFailureError, OverBoundError, BudgetSpentError)


@dataclass
class Survey:
    """The models of a run, in the order in which they were named, and what listings say of them.

    `confirmed` are (model_id, gated, private, disabled, downloads, likes, last_modified, fetched_at) of models at the commit that
    the lake holds; `changed` rows of new and changed models; the others were not listed.
    """

    ids: dict[str, None]
    confirmed: dict[str, tuple[object, ...]] = field(default_factory=dict)
    changed: dict[str, HubFiles] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)


def survey(lake: Lake, hub: Hub, models: ModelList, commits: dict[str, Known]) -> Survey:
    """Answer the queries of a list, and what listings can tell of the models that it names by id.

    A query that the Hub does not answer stands for its last known answer; ids that no listing names are left to be asked for.
    """
    found = Survey(dict.fromkeys(models.ids))
    answers = read_queries(lake)
    asked = False
    for query in models.queries:
        listed: list[str] | None = _answer(hub, query, commits, found)
        if listed is not None:
            answers[query.text] = listed
            asked = True
        found.ids.update(dict.fromkeys(answers.get(query.text, [])))
    if asked:
        write_queries(lake, answers)
    wanted = [model_id for model_id in models.ids if model_id not in found.confirmed and model_id not in found.changed]
    try:
        for entry in list_authors(hub, wanted):
            _note(hub, entry, commits, found, datetime.now(UTC))
    except _TROUBLE:
        pass  # each model is then asked for by itself
    return found


def _answer(hub: Hub, query: HubQuery, commits: dict[str, Known], found: Survey) -> list[str] | None:
    listed: dict[str, None] = {}
    try:
        for page in list_query(hub, query):
            now = datetime.now(UTC)
            for entry in page:
                model_id = entry.get("id")
                if isinstance(model_id, str) and (model_id in commits or is_model_id(model_id)):
                    listed[model_id] = None
                    _note(hub, entry, commits, found, now)
    except _TROUBLE as error:
        say(f"{query.text}: {str(error).splitlines()[0]}; its last known answer is used")
        return None
    return list(listed)


def _note(hub: Hub, entry: Metadata, commits: dict[str, Known], found: Survey, now: datetime) -> None:
    """Take down one entry of a listing. An entry without commit or files, as some mirrors give, says too little."""
    model_id, sha = entry["id"], entry.get("sha")
    if not isinstance(model_id, str) or not isinstance(sha, str) or entry.get("siblings") is None:
        return
    known = commits.get(model_id)
    if known is not None and known.sha == sha and not entry.get("disabled") and settled(hub, known):
        if model_id not in found.confirmed:
            found.statuses[known.status] += 1
        found.confirmed[model_id] = (model_id, *refreshed(entry).values(), now)
        return
    try:
        found.changed[model_id] = described(HubFiles(model_id, "ok", "hub", now), entry)
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # what cannot be read here is asked for by itself
