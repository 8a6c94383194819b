"""The models that a refresh is asked for: ids, Hub queries and files of them, as given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from transforms.catalogs.model_list import ModelList, ModelListError, check_model_id, join_lists, parse_model_list

_LONGEST_LIST_BYTES = 100 * 2**20


def read_model_lists(arguments: Sequence[str]) -> ModelList:
    """Ids, queries and files of them, as given on the command line; without any, the bundled list.

    An argument is a file if one of that name exists, else an id or a `hub:` query. Raises ModelListError.
    """
    if not arguments:
        return parse_model_list(files("catalogs").joinpath("models.txt").read_text(encoding="utf-8"), "catalogs/models.txt")
    return join_lists([_read_argument(argument) for argument in arguments])


def _read_argument(argument: str) -> ModelList:
    path = Path(argument)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        if argument.startswith("hub:"):
            return parse_model_list(argument, "argument")
        try:
            return ModelList(ids=(check_model_id(argument),))
        except ModelListError as error:
            raise ModelListError(f"no such file, and {error}") from None
    if path.stat().st_size > _LONGEST_LIST_BYTES:
        raise ModelListError(f"{argument} is longer than {_LONGEST_LIST_BYTES:,} bytes; it is no list of models")
    try:
        return parse_model_list(path.read_text(encoding="utf-8"), argument)
    except UnicodeDecodeError:
        raise ModelListError(f"{argument} is no text file; write one model id a line") from None
    except OSError as error:
        raise ModelListError(f"{argument} cannot be read: {error.strerror}") from None
