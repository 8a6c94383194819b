"""One model from the Hub → one row of `hub_files`: metadata, config text and header summary, or the status of its reject."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from flows.crawl.known_headers import KnownHeaders
from flows.hub.client import Hub, OverBoundError, is_file_list, model_information, read_file
from flows.hub.headers import HeadersUnread, formats_found, loadable, read_headers
from flows.hub.pauses_and_retries import HubFailureError
from transforms.architecture.content_keys import totals_agree
from transforms.config.config import CONFIG_BYTES
from transforms.config.decoders import refusal
from transforms.config.json_text import storable
from transforms.tables.records import HubFiles
from transforms.weights.safetensors import HeaderError

QUANTIZATION_FILES = ("hf_quant_config.json", "quantize_config.json")

_MOST_FILES = 5_000
_LONGEST_TEXT = 1_000
_LONGEST_TAGS = 20_000
_COMMIT = re.compile(r"[0-9A-Za-z]{1,64}")


_TOLD_BY_SUMMARY = ("speech", "encoder_only", "encoder_decoder")
"""Rejects that model_type and class name decide alone, so that a listing's summary of the config is enough."""


class KnownCommit(NamedTuple):
    """The commit of a model that the lake holds, and the status that reading it had."""

    sha: str | None
    status: str


@dataclass(frozen=True)
class FetchedModel:
    """A row of `hub_files`. When `unchanged`, its texts (config, headers) are null: those of the lake still hold."""

    files: HubFiles
    unchanged: bool = False


def fetch_model(
    hub: Hub,
    model_id: str,
    known: KnownCommit | None = None,
    listed: HubFiles | None = None,
    headers: KnownHeaders | None = None,
) -> FetchedModel:
    """Fetch a model. What is wrong with the model or the Hub is not raised: it becomes the row's status and message.

    Args:
        hub: the Hub.
        model_id: the model.
        known: what the lake holds: an unchanged commit costs no request beyond metadata.
        listed: the row as a listing described it, which saves the metadata request.
        headers: headers of other models, which save reading those of a model with the same config and totals.

    Raises BudgetSpentError when the day's budget of requests ends before the model is read.
    """
    row = listed or HubFiles(model_id=model_id, status="ok", source="hub", fetched_at=datetime.now(UTC))
    try:
        if listed is None:
            row = with_metadata(row, model_information(hub, model_id))
        if row.status != "ok":  # the listing alone tells why it is refused
            return FetchedModel(row)
        if row.disabled:
            return FetchedModel(_disabled(row))
        if known is not None and row.sha is not None and row.sha == known.sha and is_settled(hub, known):
            return FetchedModel(replace(row, status=known.status), unchanged=True)
        return FetchedModel(_read_files(hub, row, KnownHeaders() if headers is None else headers))
    except GatedRepoError:
        return FetchedModel(_gated(hub, row))
    except DisabledRepoError:
        return FetchedModel(_disabled(row))
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError):
        return FetchedModel(_not_found(hub, row))
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 404):
            return FetchedModel(_not_found(hub, row))
        if status == 403:
            return FetchedModel(_gated(hub, row))
        return FetchedModel(
            replace(row, status="network_failure", message=f"the Hub answered HTTP {status}; refresh again later")
        )
    except HubFailureError as error:
        return FetchedModel(replace(row, status="network_failure", message=f"{error}; refresh again later"))
    except OverBoundError as error:
        return FetchedModel(replace(row, status="over_bound", message=str(error)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return FetchedModel(replace(row, status="network_failure", message="the Hub's answer is malformed; refresh later"))


def with_metadata(row: HubFiles, metadata: Mapping[str, object]) -> HubFiles:
    """The row with the Hub's metadata filled in; values of the wrong type are left out, texts are cut to sane lengths.

    A model that the summary of its config shows to be no decoder has the status of its reject at once, unless it is gated: then
    what is behind the gate is not known.
    """
    card = metadata.get("cardData")
    card = card if isinstance(card, dict) else {}
    tags = [tag for tag in _list(metadata.get("tags")) if isinstance(tag, str)]
    siblings = metadata.get("siblings")
    if not is_file_list(siblings):
        raise ValueError("the list of files is malformed")
    names = [storable(each["rfilename"]) for each in siblings or []]
    names.sort(key=lambda name: (name.count("/"), name))
    sha = _text(metadata.get("sha"))
    gated = metadata.get("gated")
    row = replace(
        row,
        sha=sha if sha is not None and _COMMIT.fullmatch(sha) else None,
        author=_text(metadata.get("author")) or (row.model_id.split("/")[0] if "/" in row.model_id else None),
        license=_text(card.get("license")) or _tagged(tags, "license:"),
        pipeline_tag=_text(metadata.get("pipeline_tag")),
        base_model=_base_model(card.get("base_model"), tags),
        tags=_json_list(tags, _LONGEST_TAGS),
        files=json.dumps(names[:_MOST_FILES], ensure_ascii=False) if siblings is not None else None,
        safetensors_totals=_totals(metadata.get("safetensors")),
        **changing_facts(metadata)._asdict(),
    )
    summary = metadata.get("config")
    if not gated and isinstance(summary, dict) and "config.json" in names:
        refused = refusal(row, {key: summary[key] for key in ("model_type", "architectures") if key in summary})
        if refused is not None and refused.code in _TOLD_BY_SUMMARY:
            return replace(row, status=refused.code, message=refused.message)
    return row


class ChangingFacts(NamedTuple):
    """Facts that may change while the commit stays the same: columns of `hub_files`."""

    gated: str | None
    private: bool | None
    disabled: bool | None
    downloads: int | None
    likes: int | None
    last_modified: datetime | None


def changing_facts(metadata: Mapping[str, object]) -> ChangingFacts:
    """The facts that may change while the commit stays the same; values of the wrong type are None."""
    gated, private, disabled = metadata.get("gated"), metadata.get("private"), metadata.get("disabled")
    modified = metadata.get("lastModified")
    try:
        time = datetime.fromisoformat(modified) if isinstance(modified, str) else None
    except ValueError:
        time = None
    return ChangingFacts(
        gated={False: "false", True: "true"}[gated] if isinstance(gated, bool) else _text(gated),
        private=private if isinstance(private, bool) else None,
        disabled=disabled if isinstance(disabled, bool) else None,
        downloads=_count(metadata.get("downloads")),
        likes=_count(metadata.get("likes")),
        last_modified=time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC),
    )


def is_settled(hub: Hub, known: KnownCommit) -> bool:
    """True where an unchanged commit needs no second look.

    A network failure says nothing about the model, and access may have been granted since a gate was met.
    """
    return known.status != "network_failure" and not (known.status == "gated" and hub.has_token)


def _read_files(hub: Hub, row: HubFiles, known_headers: KnownHeaders) -> HubFiles:
    files: list[str] | None = json.loads(row.files) if row.files is not None else None
    revision = row.sha or "main"
    if files is not None and "config.json" not in files:
        return without_config(row, files)
    try:
        config = read_file(hub, "config", row.model_id, revision, "config.json", CONFIG_BYTES)
    except RemoteEntryNotFoundError:
        return without_config(row, files or [])
    config_json, quantization_json = _decoded(config), None
    for name in QUANTIZATION_FILES:
        if name in (files or []):
            quantization_json = _read_optional(hub, row.model_id, revision, name)
            break
    key = known_headers.key(config_json, quantization_json)
    row = replace(row, config_json=config_json, quantization_json=quantization_json, config_key=key)
    if not loadable(files or []):
        return replace(row, message=formats_found(files or []))
    with known_headers.found(row) as found:
        if found is not None:
            return replace(row, header_summary=found[0], headers_of=found[1])
        row = _with_headers(hub, row, revision, files or [])
        known_headers.add(row)
        return row


def _with_headers(hub: Hub, row: HubFiles, revision: str, files: list[str]) -> HubFiles:
    try:
        headers = read_headers(hub, row.model_id, revision, files)
    except HeaderError as error:
        return replace(row, status=error.code, message=storable(f"{error}; ask the publisher for sound safetensors files"))
    except OverBoundError as error:
        return replace(row, status="over_bound", message=str(error))
    if isinstance(headers, HeadersUnread):
        return replace(row, message=headers.message)
    agree = totals_agree(headers, row.safetensors_totals)
    return replace(row, header_summary=headers, headers_of=row.model_id if agree else None)


def _read_optional(hub: Hub, model_id: str, revision: str, name: str) -> str | None:
    try:
        return _decoded(read_file(hub, "config", model_id, revision, name, CONFIG_BYTES))
    except (GatedRepoError, RemoteEntryNotFoundError):
        return None


def without_config(row: HubFiles, files: list[str]) -> HubFiles:
    """The row of a repository without config.json, whose message names what it holds and where to look instead."""
    base = f" its base model is {row.base_model}: ask for that." if row.base_model else " name the model it was made from."
    if any(name.endswith(".gguf") for name in files):
        return replace(row, status="gguf_only", message=f"the repository holds only GGUF files;{base}")
    if "adapter_config.json" in files:
        found = f"it holds an adapter;{base}"
    elif "model_index.json" in files:
        found = "it holds a diffusion pipeline, no language model."
    elif "params.json" in files:
        found = "it holds a checkpoint in its maker's own format; name the repository converted for transformers."
    else:
        found = "name the repository that holds the model in transformers format."
    return replace(row, status="no_config", message=f"the repository has no config.json; {found}")


def _gated(hub: Hub, row: HubFiles) -> HubFiles:
    page = f"{hub.endpoint}/{row.model_id}"
    if hub.has_token:
        message = f"the token has no access to this gated model; ask for it at {page}"
    else:
        message = f"the model is gated; ask for access at {page}, then set HF_TOKEN"
    return replace(row, status="gated", message=message)


def _disabled(row: HubFiles) -> HubFiles:
    return replace(row, status="disabled", message="the Hub has disabled this repository; take it off the list")


def _not_found(hub: Hub, row: HubFiles) -> HubFiles:
    if hub.has_token:
        message = "no such repository, or a private one that the token may not read; check the id"
    else:
        message = "no such repository, or a private one; check the id, or set HF_TOKEN"
    return replace(row, status="not_found", message=message)


def _decoded(data: bytes) -> str:
    # Bytes that are not UTF-8 become U+FFFD: the text stays storable, and a broken JSON stays broken.
    return data.decode("utf-8-sig", errors="replace")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _totals(stated: object) -> str | None:
    counts = stated.get("parameters") if isinstance(stated, dict) else None
    if not isinstance(counts, dict) or not 0 < len(counts) < 100:
        return None
    return json.dumps({dtype: count for dtype in sorted(counts) if (count := _count(counts[dtype])) is not None})


def _text(value: object) -> str | None:
    return storable(value[:_LONGEST_TEXT]) if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _json_list(values: list[str], longest: int) -> str:
    kept: list[str] = []
    length = 2
    for value in values:
        length += len(value) + 4
        if length > longest:
            break
        kept.append(storable(value))
    return json.dumps(kept, ensure_ascii=False)


def _tagged(tags: list[str], prefix: str) -> str | None:
    return next((_text(tag.removeprefix(prefix)) for tag in tags if tag.startswith(prefix)), None)


def _base_model(stated: object, tags: list[str]) -> str | None:
    first = stated[0] if isinstance(stated, list) and stated else stated
    if isinstance(first, str) and first:
        return _text(first)
    tag = _tagged(tags, "base_model:")
    return tag.rsplit(":", 1)[-1] if tag else None
