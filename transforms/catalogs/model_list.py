"""Lists of models as people write them: ids, comments and Hub queries, one a line.

# comments and blank lines are skipped; a comment may follow an id
Qwen/Qwen3-8B
gpt2
hub: pipeline_tag=text-generation sort=downloads limit=500
hub: author=Qwen
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|_[A-Za-z0-9._-]*[A-Za-z0-9_]")
_QUERY_KEYS = ("pipeline_tag", "author", "search", "filter", "sort", "limit")
_KEYS = ", ".join(_QUERY_KEYS)
_SORTS = ("downloads", "likes", "last_modified", "created_at", "trending_score")
_LONGEST_ID = 96


class ModelListError(ValueError):
    """A model id or a line of a list that cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class HubQuery:
    """A question to the Hub's listing. `text` is the query as written; empty fields do not restrict.

    `filter` is a tag that the models have, or several with commas between them.
    """

    text: str
    pipeline_tag: str | None = None
    author: str | None = None
    search: str | None = None
    filter: str | None = None
    sort: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class ModelList:
    """Models in the order in which they were first named, without repeats, and the Hub queries that add to them."""

    ids: tuple[str, ...] = ()
    queries: tuple[HubQuery, ...] = ()


def check_model_id(model_id: str) -> str:
    """The id itself if it is one: `owner/name`, or the single name of an old repository.

    The rule is the Hub's own: letters, digits, `-`, `_`, `.`; no `--`, no `..`, at most 96 characters. Anything that could
    read as a path or an address is refused. Raises ModelListError.
    """
    parts = model_id.split("/")
    plain = len(parts) <= 2 and all(_NAME.fullmatch(part) for part in parts)
    if not plain or "--" in model_id or ".." in model_id or model_id.endswith(".git") or len(model_id) > _LONGEST_ID:
        raise ModelListError(f"{model_id[:120]!r} is no model id: write owner/name as on the Hub, for example Qwen/Qwen3-8B")
    return model_id


def is_model_id(model_id: object) -> bool:
    """True where a text from outside is a model id."""
    try:
        return isinstance(model_id, str) and bool(check_model_id(model_id))
    except ModelListError:
        return False


def spelling_note(asked: str, known: str) -> str | None:
    """What to tell of an id that was taken as a known one, None where it is that one."""
    return None if asked == known else f"{asked} is taken as {known}: ids of the Hub do not differ by case"


def parse_model_list(text: str, name: str) -> ModelList:
    """The ids and queries of a list; `name` is the file's name for messages. Raises ModelListError with file and line."""
    ids: list[str] = []
    queries: list[HubQuery] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        entry = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if not entry:
            continue
        try:
            if entry.startswith("hub:"):
                queries.append(parse_query(entry))
            else:
                ids.append(check_model_id(entry))
        except ModelListError as error:
            raise ModelListError(f"{name} line {number}: {error}") from None
    return ModelList(tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(queries)))


def parse_query(entry: str) -> HubQuery:
    """A line `hub: key=value …` as a query. Raises ModelListError on an unknown key, sort order or limit."""
    terms: dict[str, str] = {}
    for term in entry.removeprefix("hub:").split():
        key, equals, value = term.partition("=")
        if not equals or not value or key not in _QUERY_KEYS or key in terms:
            raise ModelListError(
                f"{term[:80]!r} is no term of a Hub query: write each of {', '.join(_QUERY_KEYS)} once, key=value"
            )
        terms[key] = value
    if not terms:
        raise ModelListError(f"an empty Hub query would list every model: name at least one of {_KEYS}")
    if terms.get("sort", _SORTS[0]) not in _SORTS:
        raise ModelListError(f"{terms['sort'][:80]!r} is no sort order: use one of {', '.join(_SORTS)}")
    limit = terms.pop("limit", None)
    if limit is not None and not (limit.isascii() and limit.isdigit() and 0 < int(limit) < 10**9):
        raise ModelListError(f"limit={limit[:80]} is not a number of models")
    text = "hub: " + " ".join(entry.removeprefix("hub:").split())
    return HubQuery(text, limit=None if limit is None else int(limit), **terms)


def join_lists(lists: list[ModelList]) -> ModelList:
    """Several lists as one, each id and query where it was first named."""
    ids = dict.fromkeys(model_id for each in lists for model_id in each.ids)
    queries = dict.fromkeys(query for each in lists for query in each.queries)
    return ModelList(tuple(ids), tuple(queries))
