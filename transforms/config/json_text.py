"""Bounded reading of JSON that strangers wrote: size, nesting and the number of parts are limited before and after parsing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

JSON_DEPTH = 100
"""Deepest nesting that is read; real configs stay under ten."""


class JsonError(ValueError):
    """A text that is not JSON, or not within the bounds; `code` is the reject code, the message says what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_json(
    text: bytes,
    what: str,
    max_bytes: int,
    max_parts: int,
    allow_constants: bool,
    pairs_hook: Callable[[list[tuple[str, object]]], object] | None = None,
) -> object:
    """Parse JSON in bounded time and memory.

    `what` names the text in messages, `max_parts` bounds its objects and arrays together, `allow_constants` accepts the
    NaN and Infinity that Python writes, `pairs_hook` receives the pairs of each object. Raises JsonError.
    """
    if len(text) > max_bytes:
        raise JsonError("over_bound", f"{what} has {len(text):,} bytes, more than the {max_bytes:,} that are read")
    parts = text.count(b"[") + text.count(b"{")
    if parts > max_parts:
        raise JsonError("over_bound", f"{what} has {parts:,} objects and arrays, more than the {max_parts:,} that are read")
    try:
        value = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=pairs_hook,
            parse_constant=None if allow_constants else _refuse_constant,
        )
    except RecursionError:
        raise JsonError("over_bound", f"{what} is nested deeper than {JSON_DEPTH} levels") from None
    except JsonError:
        raise
    except ValueError as error:
        raise JsonError("invalid_json", f"{what} is not valid JSON: {str(error)[:200]}") from None
    if depth_exceeds(value, JSON_DEPTH):
        raise JsonError("over_bound", f"{what} is nested deeper than {JSON_DEPTH} levels")
    return value


def storable(text: str) -> str:
    """A text with U+FFFD in place of lone surrogates, which JSON can spell and neither UTF-8 nor a table can hold."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def depth_exceeds(value: object, limit: int) -> bool:
    """True when lists and dictionaries nest deeper than `limit` levels; walks level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _refuse_constant(constant: str) -> object:
    raise JsonError("invalid_json", f"{constant} is not valid JSON")


def object_in(value: object) -> Mapping[str, object]:
    """A parsed value that is a JSON object; an empty object for anything else."""
    return value if isinstance(value, Mapping) else {}
