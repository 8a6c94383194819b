"""Architectures that are estimated together: stable ranges of their keys, so that a new one touches its own bucket only."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 64
"""Architectures of one bucket at most. Its memory grows with them: 48 of them on 237 kinds of machines take 1.0 GiB, and a bucket
costs half a second whatever it holds. Buckets are split in halves, so that most hold 32 to 64."""

_HEXADECIMAL = frozenset("0123456789abcdef")


def buckets(keys: Iterable[str], most: int = MOST) -> list[list[str]]:
    """Keys in groups of at most `most`, each sorted, all in the order of the keys.

    A bucket is a range of keys with the same first bits, halved at the next bit as long as it holds too many: adding or
    removing a key changes the bucket that it falls into and, where that one is halved or joined with its other half, no other.
    Hashes in hexadecimal are split at the bits of their value, so that buckets are nearly alike and keep all workers busy;
    other keys at the bits of their text.
    """
    distinct = sorted(set(keys))
    width = 4 if all(_HEXADECIMAL.issuperset(key) for key in distinct) else 8
    return _halved(distinct, 0, width, most)


def _halved(keys: list[str], bit: int, width: int, most: int) -> list[list[str]]:
    if len(keys) <= most:
        return [keys] if keys else []
    zeros = [key for key in keys if not _bit(key, bit, width)]
    return _halved(zeros, bit + 1, width, most) + _halved(keys[len(zeros) :], bit + 1, width, most)


def _bit(key: str, bit: int, width: int) -> bool:
    """A bit of a key, counted from its first, with `width` bits a character; the order of the bits is the order of the keys.

    No bit beyond a key's end is set.
    """
    place, from_first = divmod(bit, width)
    values = bytes(int(character, 16) for character in key) if width == 4 else key.encode()
    return place < len(values) and bool(values[place] >> (width - 1 - from_first) & 1)
