"""SQL files run in the order in which they need each other."""

from __future__ import annotations

from flows.database.connection import files_in_order


def test_a_file_runs_after_those_that_it_reads() -> None:
    order = files_in_order("published")
    place = {name: position for position, name in enumerate(order)}
    for earlier, later in (
        ("fits_of", "fits"),
        ("publication", "best_shapes"),
        ("architecture_best_shapes", "best_shapes"),
    ):
        assert place[f"published/{earlier}.sql"] < place[f"published/{later}.sql"]
    assert len(order) == len(place)
