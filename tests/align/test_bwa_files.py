"""The binary files of an index: what is in them, and that none is taken which is damaged or of another index."""

import os
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from raw_index import BASES, both_strands, bwt_bytes, pac_bytes, packed, sa_bytes, suffix_rows, write_bwt

from colonnade.align.bwa_files import BwtFile, map_packed, map_suffixes
from colonnade.errors import FormatError, IndexMismatchError

FORWARD = "".join(np.random.default_rng(7).choice(list(BASES), 201))
TEXT = both_strands(FORWARD)


@pytest.fixture
def bwt(tmp_path: Path) -> BwtFile:
    return BwtFile.read(str(write_bwt(tmp_path / "ref.bwt", TEXT)))


def test_head_of_a_bwt_file_is_read(bwt: BwtFile) -> None:
    assert suffix_rows(TEXT)[bwt.primary] == 0
    assert bwt.length == len(TEXT)
    assert bwt.counts == tuple(map(TEXT.count, BASES))
    assert bwt.smaller == tuple(sum(TEXT.count(other) for other in BASES[:base]) for base in range(4))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 127, 128, 129, 144, 256])
def test_size_of_a_bwt_file_is_known_to_the_byte(tmp_path: Path, length: int) -> None:
    data = bwt_bytes(TEXT[:length])
    path = tmp_path / "ref.bwt"
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match=r"ref\.bwt: the file is cut short; found \d+ bytes; expected"):
            BwtFile.read(str(path))
    path.write_bytes(data + b"\0")
    with pytest.raises(FormatError, match=r"ref\.bwt: the file is too long"):
        BwtFile.read(str(path))
    path.write_bytes(data)
    assert BwtFile.read(str(path)).length == length


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, 0), (2, 0), (3, 0), *((field, value) for field in range(4) for value in (1 << 40, (1 << 64) - 1))],
)
def test_a_damaged_head_is_refused(tmp_path: Path, field: int, value: int) -> None:
    data = bytearray(bwt_bytes("ACGT" * 20))
    data[8 * field : 8 * field + 8] = pack("<Q", value)
    (tmp_path / "ref.bwt").write_bytes(data)
    with pytest.raises(FormatError, match=r"ref\.bwt: head of the file is damaged"):
        BwtFile.read(str(tmp_path / "ref.bwt"))


def test_checksum_is_of_what_is_in_the_file(bwt: BwtFile, tmp_path: Path) -> None:
    before = bwt.checksum()
    assert len(before) == 32
    os.utime(bwt.path, (0, 0))
    assert bwt.checksum() == before
    for place in (0, 39, 40, len(bwt_bytes(TEXT)) - 1):
        data = bytearray(bwt_bytes(TEXT))
        data[place] ^= 1
        Path(bwt.path).write_bytes(data)
        assert bwt.checksum() != before


@pytest.mark.parametrize("interval", [1, 2, 32, 512])
def test_samples_are_those_of_the_sorted_suffixes(bwt: BwtFile, tmp_path: Path, interval: int) -> None:
    (tmp_path / "ref.sa").write_bytes(sa_bytes(TEXT, interval))
    samples, found = map_suffixes(str(tmp_path / "ref.sa"), bwt)
    assert found == interval
    assert samples.tolist() == [-1, *suffix_rows(TEXT)[::interval][1:]]
    assert not samples.flags.writeable
    assert (tmp_path / "ref.sa").read_bytes() == sa_bytes(TEXT, interval)


def test_a_suffix_array_of_any_other_size_is_refused(bwt: BwtFile, tmp_path: Path) -> None:
    path = tmp_path / "ref.sa"
    data = sa_bytes(TEXT)
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match=r"ref\.sa: the file is cut short"):
            map_suffixes(str(path), bwt)
    path.write_bytes(data + bytes(8))
    with pytest.raises(FormatError, match=r"ref\.sa: the file is too long"):
        map_suffixes(str(path), bwt)


def test_a_suffix_array_of_another_index_is_refused(bwt: BwtFile, tmp_path: Path) -> None:
    path = tmp_path / "ref.sa"
    for other in (TEXT[1:], TEXT[1:] + TEXT[0], both_strands(FORWARD[::-1])):
        path.write_bytes(sa_bytes(other))
        with pytest.raises(IndexMismatchError, match=r"ref\.sa: not of the same index as the \.bwt file"):
            map_suffixes(str(path), bwt)


@pytest.mark.parametrize("interval", [0, 3, 33])
def test_an_interval_that_is_no_power_of_two_is_refused(bwt: BwtFile, tmp_path: Path, interval: int) -> None:
    data = bytearray(sa_bytes(TEXT))
    data[40:48] = pack("<Q", interval)
    (tmp_path / "ref.sa").write_bytes(data)
    with pytest.raises(FormatError, match=r"ref\.sa: sampling interval is damaged"):
        map_suffixes(str(tmp_path / "ref.sa"), bwt)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 100])
def test_packed_bases_are_mapped(tmp_path: Path, length: int) -> None:
    path = tmp_path / "ref.pac"
    data = pac_bytes(FORWARD[:length])
    path.write_bytes(data)
    mapped = map_packed(str(path), length)
    assert mapped.tobytes()[: -(-length // 4)] == packed(FORWARD[:length])
    assert (mapped.size, mapped.flags.writeable) == (length // 4 + 1, False)
    for wrong in (b"", data[:-1], data + b"\0"):
        path.write_bytes(wrong)
        with pytest.raises(FormatError, match=r"ref\.pac: the file is (cut short|too long)"):
            map_packed(str(path), length)


def test_packed_bases_of_another_length_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ref.pac").write_bytes(pac_bytes(FORWARD[:101]))
    with pytest.raises(FormatError, match=r"ref\.pac: does not end as it should; found 1; expected 2"):
        map_packed(str(tmp_path / "ref.pac"), 102)
