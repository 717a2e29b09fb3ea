"""A file that changed is told from the one that a run began with."""

import re
from pathlib import Path

import pytest

from colonnade.errors import InputError
from colonnade.formats.fingerprint import Fingerprint


@pytest.mark.parametrize("size", [0, 1, 65536, 100_000, 5_000_000])
def test_the_same_bytes_pass(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    seen = Fingerprint.of(path)
    assert seen.size == size
    path.write_bytes(path.read_bytes())
    seen.check()


@pytest.mark.parametrize("at", [0, 2_499_999, 4_999_999])
def test_another_byte_at_the_start_or_end_or_half_way_is_seen(tmp_path: Path, at: int) -> None:
    data = bytearray(5_000_000)
    path = tmp_path / "a"
    path.write_bytes(data)
    seen = Fingerprint.of(path)
    data[at] = 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="another file than the one that the run began with"):
        seen.check()


def test_another_size_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    seen = Fingerprint.of(path)
    path.write_bytes(b"abc")
    with pytest.raises(InputError, match=r"found 3 bytes, checksum .* expected 2 bytes, checksum"):
        seen.check()


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    seen = Fingerprint.of(path)
    path.unlink()
    with pytest.raises(InputError, match=f"{re.escape(str(path))}: cannot be read by this worker; found No such file"):
        seen.check()
