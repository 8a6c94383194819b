"""config.json as text: what is read and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.config.config import ConfigError, parse_config


def test_reads_what_python_writes() -> None:
    assert parse_config('﻿{"time_step_limit": [0.0, Infinity], "a": 1, "a": 2}') == {
        "time_step_limit": [0.0, float("inf")],
        "a": 2,
    }
    assert parse_config(b'{"a": "\xc3\xa9"}') == {"a": "é"}


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "invalid_json", "empty"),
        ("  \n", "invalid_json", "empty"),
        ("[]", "invalid_json", "object"),
        ("3", "invalid_json", "object"),
        ('{"a": 1,}', "invalid_json", "not valid JSON"),
        ("// comment\n{}", "invalid_json", "not valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", "invalid_json", "not valid JSON"),
        ('{"a":' * 101 + "1" + "}" * 101, "over_bound", "deeper than 100"),
        ("[" * 100_000, "over_bound", "deeper"),
        ('{"a": "' + "x" * (16 * 2**20) + '"}', "over_bound", "bytes"),
        ('{"a": [' + "[]," * 1_000_001 + "1]}", "over_bound", "objects and arrays"),
        (b"\xff", "invalid_json", "not valid JSON"),
        ('{"a": "\ud800"}', "invalid_json", "surrogates"),
    ],
)
def test_refuses_with_a_code_and_a_reason(text: str | bytes, code: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        parse_config(text)
    assert refused.value.code == code


def test_a_hundred_levels_are_read() -> None:
    assert parse_config('{"a":' * 100 + "1" + "}" * 100)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_anything_is_read_or_refused(text: str | bytes) -> None:
    try:
        assert isinstance(parse_config(text), dict)
    except ConfigError as error:
        assert error.code in ("invalid_json", "over_bound")
