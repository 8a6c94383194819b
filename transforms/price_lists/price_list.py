"""Providers' price lists, whatever their form, and what they change in the catalogs of prices and shapes.

The forms (`transforms.price_lists.formats`) turn documents into a `PriceList`; `take_prices` compares the lists of one provider
with the present prices and gives every price its outcome. Nothing is ever removed: a price that a list no
longer names stays, with its old date, until it is marked stale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from transforms.tables.contracts import frame_of


class PriceListError(ValueError):
    """A price list cannot be used: it is not in its documented form, cut off, or names too little; nothing of it is taken."""


@dataclass(frozen=True)
class ListedPrice:
    """One price of one shape for one machine, and what the list says of the machine where it says anything.

    `accelerated` says that the machine has accelerators, whether or not their number is stated.
    """

    shape: str
    price_kind: str
    usd_per_hour: float
    accelerated: bool = False
    gpu_count: float | None = None
    vcpu: float | None = None
    host_memory_gib: float | None = None


@dataclass(frozen=True)
class PriceList:
    """The prices of one list in one region; `dated` is the day that the list itself states, `source` where it was read."""

    provider: str
    price_region: str
    prices: tuple[ListedPrice, ...]
    source: str
    dated: date | None = None


@dataclass(frozen=True)
class PriceLimits:
    """The sanity rules: rows `catalogs` of the policies catalog."""

    max_price_ratio: float
    min_listed_share: float
    confirm_days: float


@dataclass(frozen=True)
class PriceOutcome:
    """The outcome for one price or shape: new, moved, same, held, not_listed, new_shape or unknown_shape."""

    provider: str
    shape: str
    price_kind: str
    outcome: str
    was: float | None = None
    now: float | None = None
    message: str = ""


@dataclass(frozen=True)
class CatalogChanges:
    """The changes by one provider's lists: rows for the catalogs of prices and shapes, and the outcome of each."""

    prices: pl.DataFrame
    shapes: pl.DataFrame
    outcomes: tuple[PriceOutcome, ...]


def listed_once(prices: Iterable[ListedPrice]) -> tuple[ListedPrice, ...]:
    """The prices, each shape and kind once; those that a list states twice, differently, are left out."""
    found: dict[tuple[str, str], ListedPrice] = {}
    contradicted = set()
    for price in prices:
        if not math.isfinite(price.usd_per_hour) or price.usd_per_hour <= 0:
            continue
        key = (price.shape, price.price_kind)
        if found.setdefault(key, price).usd_per_hour != price.usd_per_hour:
            contradicted.add(key)
    return tuple(price for key, price in found.items() if key not in contradicted)


def rounded_usd(usd: float) -> float:
    """Dollars without the tail that products and sums of decimals have in binary: 4.3 × 8 is 34.4."""
    return round(usd, 6)


def stated_day(moment: object) -> date | None:
    """The day of an ISO moment that a list states, None where it states none."""
    try:
        return date.fromisoformat(str(moment)[:10])
    except ValueError:
        return None


def sold(price_list: PriceList, unsold: pl.DataFrame) -> PriceList:
    """The list without the prices at which nobody can buy: rows (provider, shape, price_kind) of the unsold_prices catalog."""
    left_out = set(unsold.filter(pl.col("provider") == price_list.provider).select("shape", "price_kind").rows())
    prices = tuple(price for price in price_list.prices if (price.shape, price.price_kind) not in left_out)
    return replace(price_list, prices=prices)


def compare_prices(
    lists: Sequence[PriceList], prices: pl.DataFrame, shapes: pl.DataFrame, limits: PriceLimits, today: date, accept: bool = False
) -> CatalogChanges:
    """Compare the lists of one provider with the present prices.

    Args:
        lists: the provider's lists, one for each region, the preferred first.
        prices, shapes: the catalogs as they are.
        limits: the sanity rules.
        today: the day of reading, which dates the lists that state none; no price is dated later.
        accept: take prices that moved further than the limit as well.

    A price is compared in its own region where a list has that, else taken from the first list that names the shape. Raises
    PriceListError where a list names too few of the shapes that it priced before.
    """
    provider = lists[0].provider
    present = {(row["shape"], row["price_kind"]): row for row in prices.filter(pl.col("provider") == provider).to_dicts()}
    for price_list in lists:
        _check_share(price_list, present, limits.min_listed_share)
    added = _new_sizes(lists, shapes.filter(pl.col("provider") == provider), today)
    known = set(shapes.filter(pl.col("provider") == provider)["shape"]) | set(added["shape"])
    outcomes = [PriceOutcome(provider, row["shape"], "", "new_shape", message=row["source"]) for row in added.to_dicts()]
    taken: list[dict[str, object]] = []
    listed = _by_key(lists)
    for (shape, kind), offers in sorted(listed.items()):
        if shape not in known:
            if kind == "on_demand" and offers[0][1].accelerated:
                outcomes.append(_unknown(provider, offers[0][1]))
            continue
        before = present.get((shape, kind))
        region = before["price_region"] if before else None
        price_list, price = next((offer for offer in offers if offer[0].price_region == region), offers[0])
        dated = min(price_list.dated or today, today)
        outcome = _compared(provider, price, before, limits.max_price_ratio, accept)
        outcomes.append(outcome)
        if outcome.outcome in ("new", "moved") or (outcome.outcome == "same" and _aged(before, dated, limits.confirm_days)):
            taken.append(
                {
                    "provider": provider,
                    "shape": shape,
                    "price_kind": kind,
                    "usd_per_hour": price.usd_per_hour,
                    "price_region": price_list.price_region,
                    "price_as_of": dated,
                    "source": price_list.source,
                }
            )
    outcomes += _not_listed(provider, present, listed, {price_list.price_region for price_list in lists})
    return CatalogChanges(frame_of("prices", taken), added, tuple(outcomes))


def compare_rows(rows: pl.DataFrame, prices: pl.DataFrame, limits: PriceLimits, accept: bool = False) -> CatalogChanges:
    """Compare rows of the prices catalog that someone wrote, by the same sanity rules; each keeps its own source and date."""
    present = {(row["provider"], row["shape"], row["price_kind"]): row for row in prices.to_dicts()}
    outcomes = []
    taken: list[dict[str, object]] = []
    for row in rows.drop_nulls("usd_per_hour").to_dicts():
        price = ListedPrice(row["shape"], row["price_kind"], row["usd_per_hour"])
        before = present.get((row["provider"], row["shape"], row["price_kind"]))
        outcomes.append(_compared(row["provider"], price, before, limits.max_price_ratio, accept))
        if outcomes[-1].outcome != "held":
            taken.append(row)
    return CatalogChanges(frame_of("prices", taken), frame_of("shapes", []), tuple(outcomes))


def merge_rows(present: pl.DataFrame, taken: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows of `present` with those of `taken` in place of rows of the same key, and the rest of `taken` after them."""
    return pl.concat([present.join(taken, on=list(key), how="anti", maintain_order="left"), taken]).sort(key)


def _by_key(lists: Sequence[PriceList]) -> dict[tuple[str, str], list[tuple[PriceList, ListedPrice]]]:
    found: dict[tuple[str, str], list[tuple[PriceList, ListedPrice]]] = {}
    for price_list in lists:
        for price in price_list.prices:
            found.setdefault((price.shape, price.price_kind), []).append((price_list, price))
    return found


def _check_share(price_list: PriceList, present: dict[tuple[str, str], dict[str, object]], least: float) -> None:
    """A list must name the stated share of the shapes that were priced in its region before, and at least one shape."""
    before = {
        shape for (shape, kind), row in present.items() if kind == "on_demand" and row["price_region"] == price_list.price_region
    }
    named = {price.shape for price in price_list.prices if price.price_kind == "on_demand"}
    if not named or len(before & named) < least * len(before):
        raise PriceListError(
            f"the list names {len(before & named)} of the {len(before)} shapes that have a price in {price_list.price_region}: "
            f"it is cut off or has changed its form"
        )


def _compared(provider: str, price: ListedPrice, before: dict[str, object] | None, ratio: float, accept: bool) -> PriceOutcome:
    was = before["usd_per_hour"] if before else None
    outcome = PriceOutcome(provider, price.shape, price.price_kind, "new", None, price.usd_per_hour)
    if not isinstance(was, float):
        return outcome
    if math.isclose(was, price.usd_per_hour, rel_tol=1e-9):
        return replace(outcome, outcome="same", was=was)
    factor = max(was / price.usd_per_hour, price.usd_per_hour / was)
    if factor > ratio and not accept:
        message = f"moved {factor:.1f} times, more than {ratio:g}: look at it, then take it with --accept"
        return replace(outcome, outcome="held", was=was, message=message)
    return replace(outcome, outcome="moved", was=was)


def _aged(before: dict[str, object] | None, dated: date, days: float) -> bool:
    known = before["price_as_of"] if before else None
    return not isinstance(known, date) or (dated - known).days > days


def _unknown(provider: str, price: ListedPrice) -> PriceOutcome:
    message = "not in the shapes catalog, and no other size of its family is: its accelerator is not known"
    return PriceOutcome(provider, price.shape, price.price_kind, "unknown_shape", None, price.usd_per_hour, message)


def _not_listed(
    provider: str,
    present: dict[tuple[str, str], dict[str, object]],
    listed: dict[tuple[str, str], list[tuple[PriceList, ListedPrice]]],
    regions: set[str],
) -> Iterable[PriceOutcome]:
    """Prices of the lists' regions, of kinds that the lists state, that no list names any more."""
    kinds = {kind for _, kind in listed}
    for (shape, kind), row in sorted(present.items()):
        if kind in kinds and row["price_region"] in regions and (shape, kind) not in listed:
            was = row["usd_per_hour"]
            message = f"the price of {row['price_as_of'] or 'no stated date'} is kept"
            yield PriceOutcome(provider, shape, kind, "not_listed", was if isinstance(was, float) else None, None, message)


def _new_sizes(lists: Sequence[PriceList], shapes: pl.DataFrame, today: date) -> pl.DataFrame:
    """Machines that a list names and the catalog lacks, where the other sizes of their family tell the accelerator.

    A family is what stands before the last dot of a shape's name. Its sizes must agree on the accelerator and its memory; the
    link of several accelerators is taken over only where all its larger sizes agree on that, else it stays unknown, and the shape
    is listed but not recommended.
    """
    known = set(shapes["shape"])
    rows: dict[str, dict[str, object]] = {}
    for price_list in lists:
        for price in price_list.prices:
            family = price.shape.rpartition(".")[0]
            if price.shape in known or price.shape in rows or not family or not price.gpu_count:
                continue
            sizes = shapes.filter(pl.col("shape").str.starts_with(f"{family}.")).to_dicts()
            if len({(size["gpu"], size["accelerator"], size["memory_gib_per_gpu"]) for size in sizes}) != 1:
                continue
            rows[price.shape] = {
                "provider": price_list.provider,
                "shape": price.shape,
                **{name: sizes[0][name] for name in ("accelerator", "gpu", "memory_gib_per_gpu", "provider_memory_gib_per_gpu")},
                "gpu_count": price.gpu_count,
                "vcpu": price.vcpu,
                "host_memory_gib": price.host_memory_gib,
                **_link(sizes, price.gpu_count),
                "source": f"{price_list.source}; accelerator as in the catalogued sizes of {family}",
                "as_of": min(price_list.dated or today, today),
            }
    return frame_of("shapes", rows.values())


def _link(sizes: Sequence[dict[str, object]], gpu_count: float) -> dict[str, object]:
    names = ("interconnect", "interconnect_kind", "interconnect_gb_per_s")
    if gpu_count <= 1:
        return {"interconnect": None, "interconnect_kind": "none", "interconnect_gb_per_s": None}
    links = {
        tuple(size[name] for name in names) for size in sizes if isinstance(size["gpu_count"], float) and size["gpu_count"] > 1
    }
    return dict(zip(names, links.pop(), strict=True)) if len(links) == 1 else dict.fromkeys(names)
