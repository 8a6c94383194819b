"""The picture of the house, `docs/house.svg`: every room, on its floor, with the arrows that its imports make.

Rooms, floors and arrows are those of `tests/test_rooms.py`, and a room's docstring says what it is for: the picture cannot differ
from the code. An arrow that follows from two others is left out. After a change of rooms:

    python -m tests.house_picture        writes the file
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from tests.test_rooms import FLOORS, IMPORTS, ROOT

PICTURE = ROOT / "docs" / "house.svg"

_BOX, _HEIGHT, _LANE = 202, 80, 14
"""Width and height of a room, and width of the lane in which an arrow passes a floor."""

_GAP, _FLOOR = 18, 120
"""Space between neighbours, and from the top of a floor to the top of the next."""

_KINDS = {
    "door": (
        "#1f2d3a",
        "#ffffff",
        "#c9d3dc",
        "cli nightly refresh asking config_recommender",
        "doors: where people and clocks come in",
    ),
    "night": ("#dcebf7", "#12446b", "#3c5a73", "crawl extract estimate publish", "the night's way: ids become a version"),
    "answer": ("#e2f1e4", "#1d5430", "#466650", "ask recommend export size prices", "what is asked, exported, measured, priced"),
    "ground": ("#f4efe6", "#4f4433", "#766b58", "", "what the others stand on"),
}
"""Of each kind of room: its colour, those of its name and its purpose, its rooms, and what the legend calls it."""

_SQL = {
    "machines": "kinds of machines, layouts, offers",
    "estimate": "the grid's steps, a bucket at a time",
    "published": "tables and views that readers see",
    "publish": "files of a version, changes since the last",
    "recommend": "the answer to one question",
    "ask": "a reader's session, and small answers",
    "export": "the star schema for BI tools",
    "checks": "rows that must not be published",
    "sizing": "measured sweeps → cluster size",
    "macros": "one formula each: source, units, examples",
    "policies": "the rules of other tools",
    "views": "catalogs and models as formulas read them",
}
"""What lies in each folder of `sql`."""

_PULL = 0.25
"""How much each room and lane is drawn to the middle of the house, beside one arrow: without it floors slide apart."""

Arrows = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Place:
    """Where a room, or an arrow on its way past a floor, is drawn: the middle of its upper edge."""

    x: float
    y: float


def arrows(hall: str) -> Arrows:
    """The rooms of a hall that each room imports, but those that it reaches over another as well."""
    every: dict[str, set[str]] = {room: set() for rooms in FLOORS[hall] for room in rooms}
    for module, imports in IMPORTS.items():
        home, room, *_ = module.split(".")
        if home == hall:
            every[room] |= {target.split(".")[1] for target in imports if target.split(".")[0] == hall} - {room}

    def reached(room: str) -> set[str]:
        return every[room].union(*(reached(below) for below in every[room]))

    return {room: frozenset(below - {far for near in below for far in reached(near)}) for room, below in every.items()}


def purpose(hall: str, room: str) -> str:
    """The first sentence of a room's docstring; of a door, which is one file, that file's."""
    package = ROOT / hall / room / "__init__.py"
    path = package if package.is_file() else ROOT / hall / f"{room}.py"
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].replace("`", "")
    return " ".join(first.split()).split(". ")[0].removesuffix(".")


def laid_out(hall: str, left: float, top: float) -> tuple[dict[str, Place], list[list[Place]]]:
    """Where the rooms of a hall are, and the way of each arrow, so that arrows cross and bend little.

    An arrow that passes floors has a lane in each of them; floors are then ordered by the middle of what each room is joined to,
    and drawn as near to it as their neighbours let them.
    """
    floors: list[list[str]] = [sorted(rooms) for rooms in reversed(FLOORS[hall])]
    floor_of = {room: number for number, rooms in enumerate(floors) for room in rooms}
    ways: list[list[str]] = []
    for room, below in sorted(arrows(hall).items()):
        for target in sorted(below):
            lanes = [f"{room}>{target}@{number}" for number in range(floor_of[room] + 1, floor_of[target])]
            for number, lane in enumerate(lanes, floor_of[room] + 1):
                floors[number].append(lane)
            ways.append([room, *lanes, target])
    near: dict[str, list[str]] = {name: [] for names in floors for name in names}
    for upper, lower in (step for way in ways for step in pairwise(way)):
        near[upper].append(lower)
        near[lower].append(upper)
    x = _ordered(floors, near)
    places = {name: Place(x[name] + left, top + number * _FLOOR) for number, names in enumerate(floors) for name in names}
    rooms = {name: place for name, place in places.items() if name in floor_of}
    return rooms, [[places[name] for name in way] for way in ways]


def _width(name: str) -> int:
    return _LANE if "@" in name else _BOX


def _ordered(floors: list[list[str]], near: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The middle of each name along its floor, from 0; the floors are put in order."""
    x = {name: float(place * _BOX) for names in floors for place, name in enumerate(names)}
    number = {name: floor for floor, names in enumerate(floors) for name in names}
    best, least = [list(names) for names in floors], _crossings(floors, near, number)
    for turn in range(40):
        for names in floors if turn % 2 else reversed(floors):
            wanted = {name: _middle([x[other] for other in near[name]], x[name]) for name in names}
            names.sort(key=lambda name: (wanted[name], name))
            x |= _apart(names, wanted, near)
        crossed = _crossings(floors, near, number)
        if crossed < least:
            best, least = [list(names) for names in floors], crossed
    for floor, names in enumerate(best):
        floors[floor] = names
        x |= _apart(names, dict.fromkeys(names, 0.0), near)
    for turn in range(600):
        for names in floors if turn % 2 else reversed(floors):
            x |= _apart(names, {name: sum(x[other] for other in near[name]) / (len(near[name]) + _PULL) for name in names}, near)
    start = min(x[name] - _width(name) / 2 for name in x)
    return {name: round(place - start, 1) for name, place in x.items()}


def _middle(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _apart(names: Sequence[str], wanted: Mapping[str, float], near: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Places as near to the wanted ones as the widths of neighbours allow, in this order (least squares, by merging blocks).

    A lane insists most, so that arrows are straight; a room without arrows stands beside the one before it.
    """
    offset, offsets = 0.0, []
    for number, name in enumerate(names):
        offset += (_width(names[number - 1]) + _width(name)) / 2 + _GAP if number else 0
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # sum of weighted wishes, of weights, and how many names
    for name, shift in zip(names, offsets, strict=True):
        weight = (4.0 if "@" in name else 1.0) if near[name] else 1e-6
        beside = blocks[-1][0] / blocks[-1][1] if blocks and not near[name] else wanted[name] - shift
        wish, weights, count = beside * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > wish / weights:
            before = blocks.pop()
            wish, weights, count = wish + before[0], weights + before[1], count + before[2]
        blocks.append((wish, weights, count))
    starts = [wish / weights for wish, weights, count in blocks for _ in range(count)]
    return {name: start + shift for name, start, shift in zip(names, starts, offsets, strict=True)}


def _crossings(floors: Sequence[Sequence[str]], near: Mapping[str, Sequence[str]], number: Mapping[str, int]) -> int:
    """How many pairs of arrows cross between neighbouring floors."""
    crossed = 0
    for upper, lower in pairwise(floors):
        place = {name: where for where, name in enumerate(lower)}
        ends = [sorted(place[other] for other in near[name] if number[other] == number[name] + 1) for name in upper]
        for first, left in enumerate(ends):
            crossed += sum(1 for right in ends[first + 1 :] for one in left for other in right if other < one)
    return crossed


def _kind(hall: str, room: str) -> str:
    return next((kind for kind, (*_, rooms, _said) in _KINDS.items() if hall == "flows" and room in rooms.split()), "ground")


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _box(x: float, y: float, width: float, height: float, fill: str, edge: str = "none") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9" fill="{fill}" stroke="{edge}"/>'


def _room(hall: str, room: str, place: Place) -> list[str]:
    fill, name, words, *_ = _KINDS[_kind(hall, room)]
    lines = textwrap.wrap(purpose(hall, room), 37)
    if len(lines) > 4:
        lines = [*lines[:3], f"{lines[3][:35].rstrip(' ,;:')} …"]
    left = place.x - _BOX / 2
    return [
        _box(left, place.y, _BOX, _HEIGHT, fill, "#00000022"),
        _text(left + 10, place.y + 19, room, 14, name, "bold"),
        *(_text(left + 10, place.y + 35 + 13 * number, line, 10.5, words) for number, line in enumerate(lines)),
    ]


def _arrow(way: Sequence[Place], start: float, end: float) -> str:
    """A smooth line from under a room, straight through its lanes, to the room that it names."""
    x, y = way[0].x + start, way[0].y + _HEIGHT
    path = [f"M{x:g},{y:g}"]
    for step in way[1:]:
        to = step.x + (end if step is way[-1] else 0)
        below = step.y - (5 if step is way[-1] else 0)
        bend = (below - y) / 2
        path.append(f"C{x:g},{y + bend:g} {to:g},{below - bend:g} {to:g},{below:g}")
        x, y = to, below
        if step is not way[-1]:
            y = step.y + _HEIGHT
            path.append(f"V{y:g}")
    return f'<path d="{"".join(path)}" marker-end="url(#head)"/>'


def _arrows(ways: Sequence[Sequence[Place]]) -> Iterable[str]:
    """Every arrow, those of one room side by side in the order in which they go or come."""

    def shifts(key: int, toward: int) -> dict[tuple[int, int], float]:
        found: dict[tuple[int, int], float] = {}
        for room in {way[key] for way in ways}:
            mine = sorted((way for way in ways if way[key] == room), key=lambda way: way[toward].x)
            step = min(22.0, (_BOX - 40) / max(1, len(mine)))
            for place, way in enumerate(mine):
                found[id(way), key] = (place - (len(mine) - 1) / 2) * step
        return found

    moved = shifts(0, 1) | shifts(-1, -2)
    return (_arrow(way, moved[id(way), 0], moved[id(way), -1]) for way in ways)


def _shelf(x: float, y: float, width: float, name: str, about: str, entries: Mapping[str, str]) -> tuple[list[str], float]:
    """A hall without floors: its name, what it is, and what lies in it, in columns; and its lower edge."""
    columns = 2 if any(entries.values()) else 5
    rows = -(-len(entries) // columns)
    height = 58 + 24 * rows
    parts = [
        _box(x, y, width, height, "#faf7f0", "#d8cdb8"),
        _text(x + 20, y + 28, name, 19, "#4f4433", "bold"),
        _text(x + 20 + 12 * len(name), y + 28, about, 12, "#766b58"),
    ]
    for number, (entry, said) in enumerate(entries.items()):
        left, top = x + 20 + (number // rows) * (width - 40) / columns, y + 58 + 24 * (number % rows)
        parts.append(_text(left, top, entry, 12.5, "#4f4433", "bold" if said else "normal"))
        parts += [_text(left + 84, top, said, 12.5, "#766b58")] if said else []
    return parts, y + height


def _hall(
    rooms: Mapping[str, Place], name: str, about: str, ways: Iterable[Sequence[Place]], side: float = 26
) -> tuple[list[str], float]:
    """The ground that a hall stands on, with its name; and its right edge."""
    left = min(place.x for place in rooms.values()) - _BOX / 2
    right = max(place.x for place in rooms.values()) + _BOX / 2
    lanes = [place.x for way in ways for place in way]
    left, right = min([left, *lanes]) - side, max([right, *lanes]) + side
    top = min(place.y for place in rooms.values()) - 62
    bottom = max(place.y for place in rooms.values()) + _HEIGHT + side
    ground = _box(left, top, right - left, bottom - top, "#ffffff", "#cfd6dc")
    title = _text(left + 20, top + 28, name, 19, "#1f2d3a", "bold")
    return [ground, title, _text(left + 20 + 11 * len(name), top + 28, about, 12, "#5c6b78")], right


def drawn() -> str:
    """The picture as SVG: the floors of `flows` on the left, beside them how to read it and the other halls."""
    flows, flow_ways = laid_out("flows", 60, 172)
    flows_ground, flows_right = _hall(flows, "flows/", "all input and output", flow_ways)
    aside = flows_right + 34
    transforms, transform_ways = laid_out("transforms", aside + 26, 486)
    about = "pure functions: no network, no disk, no Prefect"
    transforms_ground, right = _hall(transforms, "transforms/", about, transform_ways)
    shelf_width = right - aside
    facts = dict.fromkeys(sorted(path.stem for path in (ROOT / "catalogs").glob("*.csv")), "")
    shelf_y = max(place.y for place in transforms.values()) + _HEIGHT + 60
    sql_shelf, next_y = _shelf(aside, shelf_y, shelf_width, "sql/", "DuckDB SQL: a file is one statement, run by its name", _SQL)
    facts_shelf, _ = _shelf(aside, next_y + 24, shelf_width, "catalogs/", "facts as CSV, every row with its source", facts)
    width, height = right + 34, max(place.y for place in flows.values()) + _HEIGHT + 60
    subtitle = "A room imports only rooms below it. Arrows are imports; those that follow from others are left out."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        'font-family="Helvetica, Arial, sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0.8 L7,4 L0,7.2 z" fill="#8795a1"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="#f7f9fa"/>',
        _text(34, 50, "The house of shapefit", 28, "#1f2d3a", "bold"),
        _text(34, 78, subtitle, 14, "#5c6b78"),
        *flows_ground,
        *transforms_ground,
        '<g fill="none" stroke="#8795a1" stroke-width="1.3">',
        *_arrows(flow_ways),
        *_arrows(transform_ways),
        "</g>",
    ]
    for hall, rooms in (("flows", flows), ("transforms", transforms)):
        for room, place in sorted(rooms.items()):
            parts += _room(hall, room, place)
    parts += [*_kinds(aside + 20, 152), *_way(aside + 400, 152), *sql_shelf, *facts_shelf, "</svg>"]
    return "\n".join(parts) + "\n"


def _kinds(x: float, y: float) -> list[str]:
    """What the colours mean."""
    parts = [_text(x, y, "Kinds of rooms", 16, "#1f2d3a", "bold")]
    for number, (fill, *_, said) in enumerate(_KINDS.values()):
        top = y + 20 + 44 * number
        parts += [_box(x, top, 34, 26, fill, "#00000022"), _text(x + 46, top + 18, said, 13, "#3a4752")]
    return parts


def _way(x: float, y: float) -> list[str]:
    """The way of the data, in four steps."""
    steps = (
        ("crawl", "model ids → configs and headers of the Hub"),
        ("extract", "→ architectures, models, rejects"),
        ("estimate", "× shapes, layouts, contexts → figures, ranks"),
        ("publish", "→ one database, Parquet, checks, then latest"),
    )
    parts = [_text(x, y, "The night's way", 16, "#1f2d3a", "bold")]
    fill, name, *_ = _KINDS["night"]
    for number, (step, said) in enumerate(steps):
        top = y + 20 + 44 * number
        parts += [_box(x, top, 96, 28, fill, "#00000022"), _text(x + 48, top + 19, step, 13.5, name, "bold", "middle")]
        parts.append(_text(x + 110, top + 19, said, 13, "#3a4752"))
        if number:
            parts.append(
                f'<path d="M{x + 48:g},{top - 16:g} V{top - 4:g}" stroke="#8795a1" fill="none" marker-end="url(#head)"/>'
            )
    return parts


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(), encoding="utf-8")
