"""`shapefit refresh-catalogs`: prices and shapes from the providers' own price lists, checked, compared and kept beside the lake.

Every row of the price_sources catalog is one list. Every list goes through the sanity rules of
`transforms.price_lists.price_list`; what passes is written, whole or not at all, to `<data>/catalogs/prices.csv` and
`shapes.csv`, which the next refresh of the recommendations prefers to the bundled rows (`flows.lake.catalogs.load_catalogs`). A
list that cannot be had leaves its provider as it is, and so does one that asks for a key when the environment has none: the key
comes from there, goes to the catalogued address alone, and is never shown.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from flows.lake.catalogs import REFRESHED, load_catalogs, refreshed_directory
from flows.lake.lake import writing
from flows.prices.price_list_download import DownloadBounds, opened, read_price_lists, shown
from flows.printing.progress import say
from flows.printing.rows import Format, emit, rows_of_records
from flows.system.lock import LockHeldError, take_lock
from transforms.catalogs.catalog_checks import check_catalogs
from transforms.catalogs.policy_settings import setting
from transforms.price_lists.price_list import (
    CatalogChanges,
    PriceLimits,
    PriceList,
    PriceListError,
    PriceOutcome,
    compare_prices,
    compare_rows,
    merge_rows,
    sold,
)
from transforms.tables.contracts import TABLES, conform, empty_frame

_SHOWN = ("new_shape", "new", "moved", "held", "unknown_shape", "not_listed")
"""Outcomes that are listed one by one; prices found unchanged are only counted."""

_OWN_BYTES = 2**26

_KEY = re.compile(r"[!-~]{1,512}")
"""The form of a key: printable and without spaces, so that it can be a header's value."""


class CatalogRefreshError(ValueError):
    """The catalogs cannot be refreshed as asked; the message says why and what to do."""


@dataclass(frozen=True)
class CatalogRefresh:
    """The outcomes of one refresh, and by provider the reason why its lists were not taken or not asked for."""

    outcomes: tuple[PriceOutcome, ...]
    failed: dict[str, str]
    skipped: dict[str, str]

    def counts(self) -> dict[str, int]:
        """Outcomes by kind."""
        return dict(sorted(Counter(outcome.outcome for outcome in self.outcomes).items()))


def refresh_catalogs(
    data: Path, providers: Sequence[str] = (), address: str | None = None, accept: bool = False, today: date | None = None
) -> CatalogRefresh:
    """Read price lists, check them and write what they change.

    Args:
        data: the data directory.
        providers: providers to refresh; none for every one that has a price list.
        address: a file or URL to read instead of the catalogued one: that of one provider's list, or else a CSV file in the
            columns of the prices or the shapes catalog.
        accept: take prices that moved further than the sanity rule allows.
        today: the day of reading; by default this one (UTC).

    Raises CatalogRefreshError for providers without a price list or without the key it asks for, or an unusable file of one's
    own; CatalogError for catalogs that cannot be read; LakeError where nothing can be written.
    """
    day = today or datetime.now(UTC).date()
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    with _one_refresh(data):
        catalogs = load_catalogs(data=data)
        limits = _limits(catalogs["policies"])
        if address is not None and not providers:
            taken = [_own_rows(address, catalogs, limits, accept)]
        else:
            sources = _sources(catalogs, providers)
            skipped = {} if address else _without_key(sources, catalogs["prices"])
            if skipped and providers:
                raise CatalogRefreshError("; ".join(f"{provider}: {reason}" for provider, reason in skipped.items()))
            readable = {provider: rows for provider, rows in sources.items() if provider not in skipped}
            taken, failed = _taken_lists(catalogs, readable, address, limits, day, accept)
        _write(data, catalogs, taken)
    return CatalogRefresh(tuple(outcome for each in taken for outcome in each.outcomes), failed, skipped)


def print_catalog_refresh(data: Path, providers: Sequence[str], address: str | None, accept: bool, form: Format | None) -> int:
    """Refresh, list what changed and return the exit status: 1 where a list could not be taken."""
    report = refresh_catalogs(data, providers, address, accept)
    rows = [outcome for outcome in report.outcomes if outcome.outcome in _SHOWN]
    columns = ("provider", "shape", "price_kind", "outcome", "was", "now", "message")
    if rows or form not in (None, "table"):
        emit(rows_of_records([{name: getattr(row, name) for name in columns} for row in rows], columns), form)
    if form in (None, "table"):
        counted = ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in report.counts().items())
        sys.stdout.write(f"{counted or 'no price list was read'}\n")
    for provider, reason in {**report.skipped, **report.failed}.items():
        say(f"{provider}: {reason}")
    return 1 if report.failed else 0


def _limits(policies: pl.DataFrame) -> PriceLimits:
    return PriceLimits(*(setting(policies, "catalogs", key) for key in ("max_price_ratio", "min_listed_share", "confirm_days")))


def _sources(catalogs: dict[str, pl.DataFrame], providers: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """The price lists of the providers that were asked for, of all by default."""
    sources: dict[str, list[dict[str, object]]] = {}
    for row in catalogs["price_sources"].to_dicts():
        if not providers or row["provider"] in providers:
            sources.setdefault(row["provider"], []).append(row)
    without = [provider for provider in providers if provider not in sources]
    if without:
        listed = ", ".join(sorted(set(catalogs["price_sources"]["provider"])))
        raise CatalogRefreshError(
            f"no price list of {', '.join(without)} can be read (those of {listed} can); "
            f"its prices can be given as a CSV file in the columns of the prices catalog: --from FILE, without --provider"
        )
    return sources


def _without_key(sources: dict[str, list[dict[str, object]]], prices: pl.DataFrame) -> dict[str, str]:
    """By provider whose list asks for a key that the environment lacks, what to do about it."""
    return {
        provider: f"its price list asks for a free API key in {rows[0]['key_variable']}: {rows[0]['key_help']}; "
        f"{_kept(prices, provider)}"
        for provider, rows in sources.items()
        if rows[0]["key_variable"] and not os.environ.get(str(rows[0]["key_variable"]), "").strip()
    }


def _key(source: dict[str, object]) -> str | None:
    """The key that a price list asks for, from the environment. Raises PriceListError where that holds something else."""
    if source["key_variable"] is None:
        return None
    key = os.environ.get(str(source["key_variable"]), "").strip()
    if not _KEY.fullmatch(key):
        raise PriceListError(f"{source['key_variable']} holds no key")
    return key


def _taken_lists(
    catalogs: dict[str, pl.DataFrame],
    sources: dict[str, list[dict[str, object]]],
    address: str | None,
    limits: PriceLimits,
    day: date,
    accept: bool,
) -> tuple[list[CatalogChanges], dict[str, str]]:
    """Changes by the providers' lists, and the reasons of those that failed; a provider's lists are taken all or none."""
    if address is not None and len(sources) > 1:
        raise CatalogRefreshError("--from names one list: name its one provider as well")
    gib = setting(catalogs["policies"], "catalogs", "max_list_gib")
    bounds = DownloadBounds(int(gib * 2**30), int(setting(catalogs["policies"], "catalogs", "max_list_pages")))
    taken, failed = [], {}
    for provider, rows in sources.items():
        where = ""
        try:
            lists: list[PriceList] = []
            for url in dict.fromkeys(str(address or row["url"]) for row in rows):
                where = shown(url)
                of_url = [row for row in rows if address or row["url"] == url]
                key = None if address else _key(of_url[0])
                named = read_price_lists(of_url, url, bounds, catalogs["price_parts"], key)
                lists += [sold(price_list, catalogs["unsold_prices"]) for price_list in named]
            if address is not None:  # one document: only the regions that it is about
                lists = [price_list for price_list in lists if price_list.prices] or lists[:1]
            taken.append(compare_prices(lists, catalogs["prices"], catalogs["shapes"], limits, day, accept))
        except PriceListError as error:
            failed[provider] = f"{where}: {error}; {_kept(catalogs['prices'], provider)}"
    return taken, failed


def _kept(prices: pl.DataFrame, provider: str) -> str:
    dates = prices.filter(pl.col("provider") == provider)["price_as_of"].drop_nulls()
    return (
        f"its prices stay as they are, of {dates.dt.min()} to {dates.dt.max()}" if dates.len() else "its prices stay as they are"
    )


def _own_rows(address: str, catalogs: dict[str, pl.DataFrame], limits: PriceLimits, accept: bool) -> CatalogChanges:
    """Changes by a CSV file in the columns of the prices or of the shapes catalog."""
    name = shown(address)
    try:
        with opened(address, _OWN_BYTES) as stream:
            text = stream.read().decode("utf-8-sig")
    except (PriceListError, UnicodeDecodeError) as error:
        raise CatalogRefreshError(f"{name}: {error}") from None
    table = "shapes" if "accelerator" in text.partition("\n")[0] else "prices"
    frames, violations = check_catalogs({table: text})
    if violations:
        fault = violations[0]
        raise CatalogRefreshError(f"{name} line {fault.line}, column {fault.column}: {fault.problem}")
    rows = frames[table]
    targets = {"prices": (("provider", "shape"),), "shapes": (("provider",), ("gpu",))}[table]
    for columns in targets:
        target = {("provider", "shape"): "shapes", ("provider",): "providers", ("gpu",): "gpus"}[columns]
        unknown = rows.join(catalogs[target], on=columns, how="anti")
        if unknown.height:
            raise CatalogRefreshError(f"{name}: {' '.join(unknown.select(columns).row(0))} is not in the {target} catalog")
    if table == "prices":
        return compare_rows(rows, catalogs["prices"], limits, accept)
    outcomes = [PriceOutcome(row["provider"], row["shape"], "", "new_shape", message=row["source"]) for row in rows.to_dicts()]
    return CatalogChanges(empty_frame("prices"), rows, tuple(outcomes))


def _write(data: Path, catalogs: dict[str, pl.DataFrame], taken: Sequence[CatalogChanges]) -> None:
    """Add what was taken to the refreshed rows of the data directory; shapes first, so that no price is without its shape."""
    for table in reversed(REFRESHED):
        added = pl.concat([empty_frame(table), *(getattr(each, table) for each in taken)])
        if added.is_empty():
            continue
        path = refreshed_directory(data) / f"{table}.csv"
        before = check_catalogs({table: path.read_text(encoding="utf-8-sig")})[0][table] if path.is_file() else empty_frame(table)
        text = conform(table, merge_rows(before, added, TABLES[table].key)).write_csv(float_scientific=False).encode()
        with writing(path) as stream:
            stream.write(text)


@contextmanager
def _one_refresh(data: Path) -> Iterator[None]:
    """Hold the lock of the refreshed catalogs; the system frees it when the process ends. Raises CatalogRefreshError."""
    folder = refreshed_directory(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = take_lock(folder / ".lock")
    except LockHeldError:
        raise CatalogRefreshError(f"another refresh of the catalogs is at work in {data}; wait for it to end") from None
    except OSError as error:
        raise CatalogRefreshError(f"{folder} cannot be written: {error.strerror or error}; use another --data") from None
    with held:
        yield
