"""Model lists: what a line may be, and what is said of one that is none."""

from __future__ import annotations

import pytest

from transforms.catalogs.model_list import HubQuery, ModelList, ModelListError, check_model_id, join_lists, parse_model_list


def test_ids_comments_blank_lines_and_queries() -> None:
    text = "\ufeff# a comment\n\nQwen/Qwen3-8B   # with a remark\ngpt2\nQwen/Qwen3-8B\nhub: author=Qwen\n"
    text += "hub:  pipeline_tag=text-generation  sort=downloads limit=500\r\n"
    assert parse_model_list(text, "list.txt") == ModelList(
        ("Qwen/Qwen3-8B", "gpt2"),
        (
            HubQuery("hub: author=Qwen", author="Qwen"),
            HubQuery(
                "hub: pipeline_tag=text-generation sort=downloads limit=500",
                pipeline_tag="text-generation",
                sort="downloads",
                limit=500,
            ),
        ),
    )


@pytest.mark.parametrize(
    "line",
    [
        "../etc/passwd", "/etc/passwd", "a/b/c", "a b", "https://huggingface.co/a/b", ".hidden/x", "a/..", "a/b.git", "a--b/c",
        "-a/b", "a/b?x=1", "a/b#c", "a\\b", "x" * 97, "hub:", "hub: limit", "hub: limit=ten", "hub: limit=0", "hub: colour=red",
        "hub: sort=size", "hub: author=a author=b", "modèle/x",
    ],
)  # fmt: skip
def test_a_bad_line_is_named_by_file_and_line(line: str) -> None:
    with pytest.raises(ModelListError, match=r"^my list\.txt line 2: .+"):
        parse_model_list(f"gpt2\n{line}\n", "my list.txt")


@pytest.mark.parametrize("model_id", ["gpt2", "Qwen/Qwen3-8B", "01-ai/Yi-34B", "a/b_c.d-e", "_x/y_"])
def test_ids_as_the_hub_allows_them(model_id: str) -> None:
    assert check_model_id(model_id) == model_id


def test_lists_join_in_order_without_repeats() -> None:
    first, second = parse_model_list("b\na\nhub: author=x\n", "1"), parse_model_list("c\nb\nhub: author=x\n", "2")
    joined = join_lists([first, second])
    assert joined.ids == ("b", "a", "c")
    assert [query.author for query in joined.queries] == ["x"]
