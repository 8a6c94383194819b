"""Which architectures are estimated together: stable ranges of their keys, so that a new one touches its own bucket only."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 64
"""Architectures of one bucket at most. Its memory grows with them: 48 of them on 237 kinds of machines take 1.0 GiB, and a bucket
costs half a second whatever it holds. Buckets are split in halves, so that most hold 32 to 64."""


def buckets(keys: Iterable[str], most: int = MOST) -> list[list[str]]:
    """Keys in groups of at most `most`, each sorted, all in the order of the keys.

    A bucket is a range of keys with the same first bits, halved at the next bit as long as it holds too many: adding or
    removing a key changes the bucket that it falls into and, where that one is halved or joined with its other half, no other.
    """
    return _halved(sorted(set(keys)), 0, most)


def _halved(keys: list[str], bit: int, most: int) -> list[list[str]]:
    if len(keys) <= most:
        return [keys] if keys else []
    zeros = [key for key in keys if not _bit(key, bit)]
    return _halved(zeros, bit + 1, most) + _halved(keys[len(zeros) :], bit + 1, most)


def _bit(key: str, bit: int) -> bool:
    """A bit of the key's text, from its first; the order of the bits is the order of the keys. No bit beyond its end is set."""
    place, shift = divmod(bit, 8)
    text = key.encode()
    return place < len(text) and bool(text[place] >> (7 - shift) & 1)
