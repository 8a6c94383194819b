"""Checksums of files."""

from __future__ import annotations

from pathlib import Path

from flows.system.checksum import file_sha256


def test_the_sum_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # the first example of FIPS 180-2
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
