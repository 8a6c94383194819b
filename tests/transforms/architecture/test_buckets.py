"""Buckets of architectures: bounded, in order, and stable when one comes or goes."""

from __future__ import annotations

import hashlib
from itertools import chain

from transforms.architecture.buckets import buckets

KEYS = [hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(3000)]


def test_every_key_is_in_one_bucket_in_order() -> None:
    made = buckets(reversed(KEYS), most=48)
    assert list(chain(*made)) == sorted(KEYS)
    assert max(map(len, made)) <= 48
    assert len(made) < 3 * len(KEYS) / 48


def test_a_new_key_touches_its_own_bucket() -> None:
    before = {tuple(bucket) for bucket in buckets(KEYS[:-1], most=48)}
    after = {tuple(bucket) for bucket in buckets(KEYS, most=48)}
    assert sorted(chain(*(after - before))) == sorted([*chain(*(before - after)), KEYS[-1]])
    assert len(before - after) == 1
    assert len(after - before) <= 2


def test_hashes_are_split_at_the_bits_of_their_value() -> None:
    """The text of hexadecimal digits has 10 digits before 6 letters, which would make some buckets twice as large as others."""
    keys = [f"{number:02x}" for number in range(256)]
    assert {len(bucket) for bucket in buckets(keys)} == {64}


def test_keys_that_are_no_hashes_are_split_too() -> None:
    names = [f"org/model-{number}" for number in range(300)]
    made = buckets(names, most=48)
    assert list(chain(*made)) == sorted(names)
    assert max(map(len, made)) <= 48


def test_few_or_short_keys() -> None:
    assert buckets([]) == []
    assert buckets(["b", "a"]) == [["a", "b"]]
    assert buckets(["a", "ab", "abc"], most=1) == [["a"], ["ab"], ["abc"]]
