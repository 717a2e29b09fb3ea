"""BGZF reading: the same bytes as gzip, and an error with path and place for every kind of damage."""

import gzip
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.errors import FormatError
from colonnade.formats.bgzf import EOF_BLOCK, BgzfFile, Chunk, VirtualOffset

N_BYTES = 1_500_000


def write_bgzf(path: Path, content: bytes) -> Path:
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(content)
    return path


def block_offsets(path: Path) -> list[int]:
    """Where each block starts, and last the size of the file."""
    raw = path.read_bytes()
    offsets = [0]
    while offsets[-1] < len(raw):
        at = offsets[-1] + 16
        offsets.append(offsets[-1] + int.from_bytes(raw[at : at + 2], "little") + 1)
    return offsets


def read(
    file: BgzfFile, chunks: Sequence[Chunk], *, threads: int = 1, size: int = 1 << 30
) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of all chunks, one after the other, and where each chunk's begin and end."""
    parts, segments, total = [np.empty(0, np.uint8)], [], 0
    for chunk in chunks:
        start = total
        for piece in file.pieces([chunk], size=size):
            data = np.empty(piece.size, np.uint8)
            piece.inflate(data, threads=threads)
            parts.append(data[piece.wanted])
            total += len(parts[-1])
        segments.append((start, total))
    return np.concatenate(parts), np.array(segments, np.int64).reshape(-1, 2)


def whole(path: Path) -> Chunk:
    return Chunk(VirtualOffset(0, 0), VirtualOffset(path.stat().st_size, 0))


@pytest.fixture(scope="module")
def content() -> bytes:
    rng = np.random.default_rng(1)
    return rng.choice(np.frombuffer(b"ACGT\x00\xff", np.uint8), N_BYTES).tobytes()


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    return write_bgzf(tmp_path / "some.bam", content)


@pytest.mark.parametrize("threads", [1, 2])
def test_whole_file_equals_gzip(path: Path, threads: int) -> None:
    with BgzfFile(path) as file:
        data, segments = read(file, [whole(path)], threads=threads)
    assert data.tobytes() == gzip.decompress(path.read_bytes())
    assert segments.tolist() == [[0, N_BYTES]]


@pytest.mark.parametrize("threads", [1, 2])
def test_real_bam_equals_gzip(shared_data: Path, threads: int) -> None:
    path = shared_data / "hiv_caprisa" / "CAP188_wk4.bwamem.bam"
    with BgzfFile(path) as file:
        data, _ = read(file, [whole(path)], threads=threads)
    assert data.tobytes() == gzip.decompress(path.read_bytes())


def test_random_chunks_hold_the_bytes_between_their_virtual_offsets(path: Path, content: bytes) -> None:
    offsets = block_offsets(path)[:-2]  # without the empty block
    sizes = [len(gzip.decompress(path.read_bytes()[a:b])) for a, b in pairwise(offsets)]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    rng = np.random.default_rng(2)
    with BgzfFile(path) as file:
        for threads in (1, 2):
            for _ in range(30):
                places = [sorted(rng.integers(0, starts[-1], 2).tolist()) for _ in range(3)]
                chunks = [Chunk(*(virtual(place, starts, offsets) for place in pair)) for pair in places]
                data, segments = read(file, chunks, threads=threads)
                found = [data[a:b].tobytes() for a, b in segments.tolist()]
                assert found == [content[a:b] for a, b in places]


def virtual(place: int, starts: np.ndarray, offsets: list[int]) -> VirtualOffset:
    block = int(np.searchsorted(starts, place, side="right")) - 1
    return VirtualOffset(offsets[block], int(place - starts[block]))


def test_no_chunks_give_no_bytes(path: Path) -> None:
    with BgzfFile(path) as file:
        data, segments = read(file, [])
    assert data.size == 0
    assert segments.shape == (0, 2)


def test_empty_blocks_amid_the_file_are_passed_over(tmp_path: Path) -> None:
    first, second = write_bgzf(tmp_path / "1", b"abc"), write_bgzf(tmp_path / "2", b"defg")
    path = tmp_path / "joined.bam"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with BgzfFile(path) as file:
        data, segments = read(file, [whole(path)])
    assert data.tobytes() == b"abcdefg"
    assert segments.tolist() == [[0, 7]]


def test_a_file_that_nobody_has_any_more_is_closed(path: Path) -> None:
    file = BgzfFile(path)
    descriptor = file._descriptor
    os.fstat(descriptor)
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_closing_twice_is_fine(path: Path) -> None:
    file = BgzfFile(path)
    file.close()
    file.close()


@pytest.mark.parametrize(
    ("raw", "message", "place"),
    [
        (b"", "file is empty", ""),
        (b"@HD\tVN:1.6\n" * 9, "not a BAM file", "offset 0"),
        (gzip.compress(b"BAM\x01" * 99, mtime=0), "gzip, but not BGZF", "offset 0"),
        (b"\x1f\x8b", "gzip, but not BGZF", "offset 0"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, raw: bytes, message: str, place: str) -> None:
    path = tmp_path / "other.bam"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=re.escape(f"{path}: {place and place + ': '}{message}")):
        BgzfFile(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        BgzfFile(tmp_path / "none.bam")
    assert caught.value.filename == str(tmp_path / "none.bam")


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=re.escape(f"{tmp_path}: cannot be read; found Is a directory")):
        BgzfFile(tmp_path)


def test_missing_end_of_file_block_is_found(path: Path) -> None:
    raw = path.read_bytes().removesuffix(EOF_BLOCK)
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=re.escape(f"{path}: offset {len(raw)}: file is truncated")):
        BgzfFile(path)


def test_file_cut_in_a_block_is_found(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: block_offsets(path)[2] + 99])
    with pytest.raises(FormatError, match=re.escape(f"{path}: offset {path.stat().st_size}: file is truncated")):
        BgzfFile(path)


def test_block_cut_amid_the_file_is_found(path: Path) -> None:
    offsets = block_offsets(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: offsets[2] + 99] + EOF_BLOCK)
    with (
        BgzfFile(path) as file,
        pytest.raises(FormatError, match=re.escape(f"{path}: compressed offset {offsets[2]}: a block is cut short")),
    ):
        read(file, [whole(path)])


def test_every_flipped_byte_of_deflate_data_is_found(path: Path) -> None:
    offsets = block_offsets(path)
    raw = path.read_bytes()
    rng = np.random.default_rng(3)
    for at in rng.integers(offsets[3] + 18, offsets[4] - 8, 40).tolist():
        path.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << int(rng.integers(8)))]) + raw[at + 1 :])
        for threads in (1, 2):
            with BgzfFile(path) as file, pytest.raises(FormatError) as caught:
                read(file, [whole(path)], threads=threads)
            assert str(caught.value).startswith(f"{path}: compressed offset {offsets[3]}: ")
            assert re.search("does not inflate|checksum of a block is wrong", str(caught.value))


def test_every_flipped_bit_of_header_and_trailer_is_found_or_harmless(path: Path, content: bytes) -> None:
    offsets = block_offsets(path)
    raw = path.read_bytes()
    found = []
    inert = {4, 5, 6, 7, 8, 9}  # MTIME, XFL, OS say nothing about the data
    for at in [*range(18), *range(-8, 0)]:
        for bit in range(8):
            place = (offsets[3] if at >= 0 else offsets[4]) + at
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :])
            with BgzfFile(path) as file:
                if at in inert:
                    assert read(file, [whole(path)])[0].tobytes() == content
                    continue
                try:
                    data, _ = read(file, [whole(path)])
                except FormatError as error:
                    found.append(str(error))
                else:
                    assert at == 3, (at, bit)  # FLG bits that are not BGZF's
                    assert data.tobytes() == content
    assert all(text.startswith(f"{path}: compressed offset ") for text in found)
    assert len(found) > 100


def test_block_whose_trailer_says_empty_is_not_dropped_in_silence(path: Path) -> None:
    offsets = block_offsets(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: offsets[4] - 4] + bytes(4) + raw[offsets[4] :])
    with BgzfFile(path) as file, pytest.raises(FormatError, match=f"compressed offset {offsets[3]}: "):
        read(file, [whole(path)])


def test_virtual_offset_beyond_the_file_is_found(path: Path) -> None:
    size = path.stat().st_size
    for chunk in (
        Chunk(VirtualOffset(size + 1, 0), VirtualOffset(size + 2, 0)),
        Chunk(VirtualOffset(0, 0), VirtualOffset(size + 1, 0)),
        Chunk(VirtualOffset(0, 0), VirtualOffset(size, 5)),
        Chunk(VirtualOffset(-1, 0), VirtualOffset(size, 0)),
    ):
        with BgzfFile(path) as file, pytest.raises(FormatError) as caught:
            read(file, [chunk])
        assert re.match(re.escape(str(path)) + r": compressed offset -?\d+: ", str(caught.value))
        assert "virtual offset" in str(caught.value)


def test_virtual_offset_behind_the_end_of_its_block_is_found(path: Path) -> None:
    offsets = block_offsets(path)
    last = VirtualOffset(offsets[-3], 0xFFFF)  # the last block with data is not full
    for chunk in (Chunk(VirtualOffset(0, 0), last), Chunk(last, VirtualOffset(offsets[-1], 0))):
        with (
            BgzfFile(path) as file,
            pytest.raises(FormatError, match=r"compressed offset \d+: a virtual offset points"),
        ):
            read(file, [chunk])


@pytest.mark.parametrize("within", [0, 7])
def test_virtual_offset_not_at_a_block_is_found(path: Path, within: int) -> None:
    offsets = block_offsets(path)
    wrong = VirtualOffset(offsets[3] + 5, within)
    with BgzfFile(path) as file:
        with pytest.raises(
            FormatError, match=f"{path}: compressed offset {wrong.block}: not the start of a BGZF block"
        ):
            read(file, [Chunk(wrong, VirtualOffset(offsets[5], 0))])
        with pytest.raises(FormatError, match=f"{path}: compressed offset "):
            read(file, [Chunk(VirtualOffset(0, 0), wrong)])


def test_only_ends_of_blocks_and_empty_blocks_are_nothing(path: Path) -> None:
    offsets = block_offsets(path)
    in_last = N_BYTES % 0xFF00
    end = VirtualOffset(offsets[-1], 0)
    with BgzfFile(path) as file:
        assert file.is_empty_between(end, end)
        assert file.is_empty_between(VirtualOffset(offsets[-2], 0), end)
        assert file.is_empty_between(VirtualOffset(offsets[-3], in_last), end)
        assert file.is_empty_between(VirtualOffset(0, 0xFF00), VirtualOffset(offsets[1], 0))
        assert not file.is_empty_between(VirtualOffset(offsets[-3], in_last - 1), end)
        assert not file.is_empty_between(VirtualOffset(offsets[-4], 0xFF00), end)
        assert not file.is_empty_between(VirtualOffset(offsets[-2] + 1, 0), end)
        assert not file.is_empty_between(VirtualOffset(0, 0), VirtualOffset(0, 1))


def test_taking_crosses_blocks_and_ends_with_the_file(path: Path, content: bytes) -> None:
    offsets = block_offsets(path)
    in_last = N_BYTES % 0xFF00
    with BgzfFile(path) as file:
        assert file.take(VirtualOffset(offsets[1], 5), 9) == (content[0xFF00 + 5 :][:9], (offsets[1], 14))
        assert file.take(VirtualOffset(0, 0xFF00 - 4), 9) == (content[0xFF00 - 4 :][:9], (offsets[1], 5))
        assert file.take(VirtualOffset(0, 0xFF00 - 4), 4) == (content[0xFF00 - 4 :][:4], (offsets[1], 0))
        assert file.take(VirtualOffset(offsets[-3], in_last - 2), 9) == (content[-2:], (offsets[-1], 0))
        assert file.take(VirtualOffset(offsets[-1], 0), 9) == (b"", (offsets[-1], 0))
        with pytest.raises(FormatError, match=f"compressed offset {offsets[1] + 1}: not the start of a BGZF block"):
            file.take(VirtualOffset(offsets[1] + 1, 0), 9)
