"""Pieces of bytes come back as they were; what was cut short or damaged is told, or dropped where work goes on behind it."""

import json
import resource
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.errors import FormatError, OutputError, UsageError
from colonnade.formats.frames import Frames

FACTS = {"version": "1", "options": {"a": [1, 2.5, None]}}
PIECES = [b"one", b"", b"three" * 1000]


def write(path: Path, pieces: list[bytes] = PIECES, *, complete: bool = True) -> Path:
    with Frames.create(path, FACTS) as frames:
        for piece in pieces:
            frames.append(piece)
        if complete:
            frames.complete()
    return path


@given(st.lists(st.lists(st.binary(max_size=100), max_size=3), max_size=5))
def test_pieces_come_back_as_often_as_wanted_and_between_appends(pieces: list[list[bytes]]) -> None:
    with Frames.create(None, FACTS) as frames:
        for number, parts in enumerate(pieces):
            assert list(frames) == [b"".join(parts) for parts in pieces[:number]]
            frames.append(*parts)
        assert list(frames) == list(frames) == [b"".join(parts) for parts in pieces]
        assert len(frames) == len(pieces)


def test_of_a_nameless_file_nothing_is_seen(tmp_path: Path) -> None:
    with Frames.create(None, FACTS, folder=tmp_path) as frames:
        frames.append(b"data")
        assert list(tmp_path.iterdir()) == []


def test_a_complete_file_is_read_with_its_facts(tmp_path: Path) -> None:
    with Frames.read(write(tmp_path / "a")) as frames:
        assert frames.facts == FACTS
        assert list(frames) == PIECES
        assert frames.size <= (tmp_path / "a").stat().st_size


def test_what_is_appended_outlives_the_process(tmp_path: Path) -> None:
    frames = Frames.create(tmp_path / "a", FACTS)
    frames.append(b"kept")
    other = tmp_path / "b"  # as another process would see it now
    other.write_bytes((tmp_path / "a").read_bytes())
    with Frames.reopen(other) as seen:
        assert list(seen) == [b"kept"]
    frames.close()


def test_work_goes_on_behind_the_last_piece(tmp_path: Path) -> None:
    path = write(tmp_path / "a", complete=False)
    with Frames.reopen(path) as frames:
        assert not frames.is_complete
        assert list(frames) == PIECES
        frames.append(b"four")
        frames.complete()
    with Frames.read(path) as frames:
        assert list(frames) == [*PIECES, b"four"]


def ends_of_pieces() -> list[int]:
    head = len(b"colonnade frames 1\n") + 12 + len(json.dumps(FACTS))
    ends = [head]
    for piece in PIECES:
        ends.append(ends[-1] + 12 + len(piece))
    return ends


def test_a_file_cut_anywhere_keeps_its_whole_pieces_and_can_be_added_to(tmp_path: Path) -> None:
    data = write(tmp_path / "whole").read_bytes()
    ends = ends_of_pieces()
    for cut in (*range(ends[0], ends[2] + 20), *range(ends[3] - 2, len(data))):
        path = tmp_path / "cut"
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends[1:])
        with Frames.reopen(path) as frames:
            assert list(frames) == PIECES[:whole]
            assert not frames.is_complete
            frames.append(b"new")
        with Frames.reopen(path) as frames:
            assert list(frames) == [*PIECES[:whole], b"new"]


def test_a_damaged_piece_is_dropped_with_all_behind_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a", complete=False)
    data = bytearray(path.read_bytes())
    data[ends_of_pieces()[0] + 12] ^= 1
    path.write_bytes(data)
    with Frames.reopen(path) as frames:
        assert list(frames) == []


@pytest.mark.parametrize("cut", [0, 5, 25, 40])
def test_a_file_without_whole_facts_is_refused(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:cut])
    for opened in (Frames.read, Frames.reopen):
        with pytest.raises(FormatError, match=r"not a file of|head is damaged"):
            opened(path)


def test_a_file_without_its_end_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not complete; found 3 good pieces"):
        Frames.read(write(tmp_path / "a", complete=False))


def test_bytes_behind_the_end_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FormatError, match="not complete"):
        Frames.read(path)


def test_a_piece_that_claims_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [], complete=False)
    path.write_bytes(path.read_bytes() + struct.pack("<QI", 1 << 60, zlib.crc32(b"")))
    with Frames.reopen(path) as frames:
        assert len(frames) == 0


@pytest.mark.parametrize("n", [12, 4096])
def test_zeros_that_a_crash_has_left_at_the_end_are_no_pieces(tmp_path: Path, n: int) -> None:
    path = write(tmp_path / "a", complete=False)
    path.write_bytes(path.read_bytes() + bytes(n))
    with Frames.reopen(path) as frames:
        assert list(frames) == PIECES


def test_two_do_not_work_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with Frames.create(path, FACTS), pytest.raises(UsageError, match="another process is at work on it"):
        Frames.reopen(path)
    with Frames.reopen(path):
        pass


def test_what_exists_is_not_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        Frames.create(path, FACTS)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does the folder exist"):
        Frames.create(tmp_path / "none" / "a", FACTS)


def test_a_disk_that_is_full_at_once_keeps_nothing_that_would_be_in_the_way(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        with pytest.raises(OutputError, match=r"a: cannot be written.*File too large"):
            Frames.create(tmp_path / "a", FACTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 5, 25])
def test_a_file_that_was_hardly_begun_is_to_be_removed(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match="cut short; remove it"):
        Frames.reopen(path)


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Frames.create(None, FACTS) as frames, open("/dev/full", "r+b", buffering=0) as full:
        monkeypatch.setattr(frames, "_file", full)
        with pytest.raises(OutputError, match="cannot be written"):
            frames.append(b"x")
        monkeypatch.undo()
