"""One model from the Hub → one row of `hub_files`: metadata, config text and header summary, or the status of its reject."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo

from flows.headers import HeadersUnread, read_headers
from flows.hub import Hub, OverBoundError, model_information, read_file
from flows.throttle import HubFailureError
from transforms.config import CONFIG_BYTES
from transforms.records import HubFiles
from transforms.safetensors import HeaderError

QUANTIZATION_FILES = ("hf_quant_config.json", "quantize_config.json")

_MOST_FILES = 5_000
_LONGEST_TEXT = 1_000
_LONGEST_TAGS = 20_000


@dataclass(frozen=True)
class Known:
    """What the lake holds of a model: the commit that was read and what came of it."""

    sha: str | None
    status: str


@dataclass(frozen=True)
class Fetched:
    """A row of `hub_files`. When `unchanged`, its texts (config, headers) are null: those of the lake still hold."""

    files: HubFiles
    unchanged: bool = False


def fetch_model(hub: Hub, model_id: str, known: Known | None = None, information: ModelInfo | None = None) -> Fetched:
    """Fetch a model; never raises for the model's or the Hub's trouble, which becomes the row's status and message.

    `known` is what the lake holds: an unchanged commit costs no request beyond metadata. `information` is the metadata where
    a listing has already brought it.
    """
    row = HubFiles(model_id=model_id, status="ok", source="hub", fetched_at=datetime.now(UTC))
    try:
        row = described(row, information or model_information(hub, model_id))
        if row.disabled:
            return Fetched(_disabled(row))
        if known is not None and row.sha is not None and row.sha == known.sha and _settled(hub, known):
            return Fetched(replace(row, status=known.status), unchanged=True)
        return Fetched(_read_files(hub, row))
    except GatedRepoError:
        return Fetched(_gated(hub, row))
    except DisabledRepoError:
        return Fetched(_disabled(row))
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError):
        return Fetched(_not_found(hub, row))
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 404):
            return Fetched(_not_found(hub, row))
        if status == 403:
            return Fetched(_gated(hub, row))
        return Fetched(replace(row, status="network_failure", message=f"the Hub answered HTTP {status}; refresh again later"))
    except HubFailureError as error:
        return Fetched(replace(row, status="network_failure", message=f"{error}; refresh again later"))
    except OverBoundError as error:
        return Fetched(replace(row, status="over_bound", message=str(error)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return Fetched(
            replace(row, status="network_failure", message="the Hub's answer is none that it should give; refresh later")
        )


def described(row: HubFiles, information: ModelInfo) -> HubFiles:
    """The row with the listing metadata filled in; values of the wrong type are left out, texts are cut to sane lengths."""
    card = information.card_data.to_dict() if information.card_data is not None else {}
    tags = [tag for tag in information.tags or [] if isinstance(tag, str)]
    names = [sibling.rfilename for sibling in information.siblings or [] if isinstance(sibling.rfilename, str)]
    names.sort(key=lambda name: (name.count("/"), name))
    sha = _text(information.sha)
    totals = information.safetensors.parameters if information.safetensors is not None else None
    return replace(
        row,
        sha=sha if sha is not None and re.fullmatch(r"[0-9A-Za-z]{1,64}", sha) else None,
        author=_text(information.author) or (row.model_id.split("/")[0] if "/" in row.model_id else None),
        license=_text(card.get("license")) or _tagged(tags, "license:"),
        gated=_text({False: "false", True: "true"}.get(information.gated, information.gated)),  # type: ignore[arg-type]
        private=information.private if isinstance(information.private, bool) else None,
        disabled=information.disabled if isinstance(information.disabled, bool) else None,
        downloads=_count(information.downloads),
        likes=_count(information.likes),
        last_modified=information.last_modified if isinstance(information.last_modified, datetime) else None,
        pipeline_tag=_text(information.pipeline_tag),
        base_model=_base_model(card.get("base_model"), tags),
        tags=_json_list(tags, _LONGEST_TAGS),
        files=json.dumps(names[:_MOST_FILES], ensure_ascii=False) if information.siblings is not None else None,
        safetensors_totals=json.dumps(totals) if isinstance(totals, dict) and len(totals) < 100 else None,
    )


def _settled(hub: Hub, known: Known) -> bool:
    # A network failure says nothing about the model, and access may have been granted since a gate was met.
    return known.status != "network_failure" and not (known.status == "gated" and hub.has_token)


def _read_files(hub: Hub, row: HubFiles) -> HubFiles:
    files: list[str] | None = json.loads(row.files) if row.files is not None else None
    revision = row.sha or "main"
    if files is not None and "config.json" not in files:
        return without_config(row, files)
    try:
        config = read_file(hub, "config", row.model_id, revision, "config.json", CONFIG_BYTES)
    except RemoteEntryNotFoundError:
        return without_config(row, files or [])
    row = replace(row, config_json=_decoded(config))
    for name in QUANTIZATION_FILES:
        if name in (files or []):
            row = replace(row, quantization_json=_read_optional(hub, row.model_id, revision, name))
            break
    try:
        headers = read_headers(hub, row.model_id, revision, files or [])
    except HeaderError as error:
        return replace(row, status=error.code, message=f"{error}; ask the publisher for sound safetensors files")
    except OverBoundError as error:
        return replace(row, status="over_bound", message=str(error))
    if isinstance(headers, HeadersUnread):
        return replace(row, message=headers.message)
    return replace(row, header_summary=headers)


def _read_optional(hub: Hub, model_id: str, revision: str, name: str) -> str | None:
    try:
        return _decoded(read_file(hub, "config", model_id, revision, name, CONFIG_BYTES))
    except (GatedRepoError, RemoteEntryNotFoundError):
        return None


def without_config(row: HubFiles, files: list[str]) -> HubFiles:
    """The row of a repository without config.json: GGUF only, or what else it holds, and where to look instead."""
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
    # Bytes that are no UTF-8 become U+FFFD: the text stays storable, and a broken JSON stays broken.
    return data.decode("utf-8-sig", errors="replace")


def _text(value: object) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _json_list(values: list[str], longest: int) -> str:
    kept: list[str] = []
    length = 2
    for value in values:
        length += len(value) + 4
        if length > longest:
            break
        kept.append(value)
    return json.dumps(kept, ensure_ascii=False)


def _tagged(tags: list[str], prefix: str) -> str | None:
    return next((_text(tag.removeprefix(prefix)) for tag in tags if tag.startswith(prefix)), None)


def _base_model(stated: object, tags: list[str]) -> str | None:
    first = stated[0] if isinstance(stated, list) and stated else stated
    if isinstance(first, str) and first:
        return _text(first)
    tag = _tagged(tags, "base_model:")
    return tag.rsplit(":", 1)[-1] if tag else None
