"""The picture of the house shows the house as it is."""

from __future__ import annotations

import re

from house_picture import _SQL, PICTURE, ROOT, arrows, drawn

from tests.test_rooms import FLOORS


def test_the_picture_is_drawn_of_the_rooms_as_they_are() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(), "draw it again: python -m tests.house_picture"


def test_every_room_is_in_the_picture() -> None:
    named = set(re.findall(r">([^<]+)</text>", PICTURE.read_text(encoding="utf-8")))
    assert {room for floors in FLOORS.values() for rooms in floors for room in rooms} - named == set()
    assert set(_SQL) - named == set()
    assert {path.name for path in (ROOT / "sql").iterdir() if path.is_dir() and not path.name.startswith("_")} == set(_SQL)


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    for hall in FLOORS:
        drawn_arrows = arrows(hall)
        for room, below in drawn_arrows.items():
            assert not {far for near in below for far in drawn_arrows[near]} & below, room
