"""The FM-index as searching wants it: true to the text, made once, and never from damaged or other data."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_index import BASES, both_strands, bwt_bytes, last_column, write_bwt

from colonnade.align import repacked
from colonnade.align.bwa_files import BwtFile
from colonnade.align.fm_kernels import base_of, step, step_all
from colonnade.align.repacked import open_repacked
from colonnade.errors import FormatError, OutputError

TEXT = both_strands("".join(np.random.default_rng(7).choice(list(BASES), 201)))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "colonnade"


@pytest.fixture
def bwt(tmp_path: Path) -> BwtFile:
    return BwtFile.read(str(write_bwt(tmp_path / "ref.bwt", TEXT)))


@pytest.fixture
def read_only(monkeypatch) -> None:
    """No folder can be written that is there already."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)


def texts(most: int) -> st.SearchStrategy[str]:
    sizes = st.one_of(st.integers(1, most), st.sampled_from([127, 128, 129, 255, 256, 257]))
    return sizes.flatmap(lambda size: st.text(BASES, min_size=size, max_size=size))


def raw_occurrences(data: bytes, row: int, base: int) -> int:
    """``bwt_occ`` (bwt.c) of the bytes of a .bwt file: how often a base is in rows 0 to ``row``, both included."""
    primary, *ends = np.frombuffer(data, np.int64, 5).tolist()
    if row == ends[3]:
        return ends[base] - (ends[base - 1] if base else 0)
    if row == -1:
        return 0
    row -= row >= primary
    block = 40 + row // 128 * 64
    words = np.frombuffer(data, np.uint32, (row % 128 + 16) // 16, block + 32).tolist()
    codes = [word >> 30 - 2 * i & 3 for word in words for i in range(16)]
    return int(np.frombuffer(data, np.int64, 4, block)[base]) + codes[: row % 128 + 1].count(base)


@given(texts(300))
@settings(max_examples=60)
def test_steps_go_where_the_sorted_suffixes_say(tmp_path_factory, text: str) -> None:
    path = write_bwt(tmp_path_factory.mktemp("bwt") / "ref.bwt", text)
    fm = open_repacked(BwtFile.read(str(path)))
    column = last_column(text)
    first_rows = [1 + sum(text.count(smaller) for smaller in BASES[:base]) for base in range(4)]
    assert (fm.length, column[fm.primary]) == (len(text), "")
    for row in range(len(text) + 2):
        expected = [first + column[:row].count(base) for first, base in zip(first_rows, BASES, strict=True)]
        assert [*step_all(fm, row)] == expected
        assert [step(fm, row, base) for base in range(4)] == expected
        if row <= len(text) and row != fm.primary:
            assert BASES[base_of(fm, row)] == column[row]


@given(texts(700), st.data())
@settings(max_examples=40)
def test_intervals_become_those_of_bwa(tmp_path_factory, text: str, data) -> None:
    path = write_bwt(tmp_path_factory.mktemp("bwt") / "ref.bwt", text)
    bwt = BwtFile.read(str(path))
    fm = open_repacked(bwt)
    raw = path.read_bytes()
    for _ in range(20):
        first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        base = data.draw(st.integers(0, 3))
        expected = (
            bwt.smaller[base] + raw_occurrences(raw, first - 1, base) + 1,
            bwt.smaller[base] + raw_occurrences(raw, last, base),
        )
        assert (step(fm, first, base), step(fm, last + 1, base) - 1) == expected


def test_pieces_of_any_size_give_the_same_bytes(bwt: BwtFile, monkeypatch) -> None:
    open_repacked(bwt)
    target = Path(bwt.path).with_suffix(".colonnade")
    whole = target.read_bytes()
    for blocks in (1, 2, 3):
        target.unlink()
        monkeypatch.setattr(repacked, "_PIECE_BLOCKS", blocks)
        open_repacked(bwt)
        assert target.read_bytes() == whole


def test_file_is_one_cache_line_longer_than_its_blocks(bwt: BwtFile) -> None:
    blocks = open_repacked(bwt).blocks
    assert blocks.nbytes == (len(TEXT) // 128 + 1) * 64
    assert Path(bwt.path).with_suffix(".colonnade").stat().st_size == 64 + blocks.nbytes
    assert blocks.ctypes.data % 64 == 0
    assert not blocks.flags.writeable


def test_nothing_else_is_left_in_the_folder(bwt: BwtFile, tmp_path: Path, cache: Path) -> None:
    open_repacked(bwt)
    assert {path.name for path in tmp_path.iterdir()} == {"ref.bwt", "ref.colonnade"}


def made_again(bwt: BwtFile, monkeypatch) -> bool:
    made = []
    write = repacked._write
    monkeypatch.setattr(repacked, "_write", lambda *arguments: made.append(write(*arguments)))
    open_repacked(bwt)
    return bool(made)


def test_it_is_made_once(bwt: BwtFile, monkeypatch) -> None:
    open_repacked(bwt)
    os.utime(bwt.path, (0, 0))
    assert not made_again(bwt, monkeypatch)


@pytest.mark.parametrize("size", [0, 63, 64, 200])
def test_one_that_is_cut_short_is_made_again(bwt: BwtFile, monkeypatch, size: int) -> None:
    open_repacked(bwt)
    os.truncate(Path(bwt.path).with_suffix(".colonnade"), size)
    assert made_again(bwt, monkeypatch)
    assert not made_again(bwt, monkeypatch)


def test_one_of_another_layout_is_made_again(bwt: BwtFile, monkeypatch) -> None:
    open_repacked(bwt)
    target = Path(bwt.path).with_suffix(".colonnade")
    data = bytearray(target.read_bytes())
    data[7] += 1
    target.write_bytes(data)
    assert made_again(bwt, monkeypatch)


def test_one_of_another_genome_is_made_again(bwt: BwtFile, monkeypatch) -> None:
    open_repacked(bwt)
    other = TEXT[:99] + BASES[BASES.index(TEXT[99]) - 1] + TEXT[100:]
    again = BwtFile.read(str(write_bwt(Path(bwt.path), other)))
    assert again.length == bwt.length
    assert made_again(again, monkeypatch)
    assert [*step_all(open_repacked(again), 57)] == [
        first + last_column(other)[:57].count(base) for first, base in zip(again.first_rows, BASES, strict=True)
    ]


def test_it_goes_to_the_cache_folder_where_its_own_is_read_only(bwt: BwtFile, cache: Path, read_only) -> None:
    before = {path.name for path in Path(bwt.path).parent.iterdir()}
    blocks = open_repacked(bwt).blocks
    (made,) = cache.iterdir()
    assert {path.name for path in Path(bwt.path).parent.iterdir()} - before == {"cache"}
    assert (made.name.startswith("ref."), made.suffix) == (True, ".colonnade")
    assert np.array_equal(np.fromfile(made, np.uint64)[8:], blocks)


def test_one_in_the_cache_folder_is_used_again(bwt: BwtFile, read_only, monkeypatch) -> None:
    open_repacked(bwt)
    monkeypatch.chdir(Path(bwt.path).parent)
    assert not made_again(BwtFile.read("ref.bwt"), monkeypatch)


def test_genomes_of_one_name_do_not_meet_in_the_cache_folder(bwt: BwtFile, cache: Path, read_only) -> None:
    (Path(bwt.path).parent / "other").mkdir()
    other = BwtFile.read(str(write_bwt(Path(bwt.path).parent / "other" / "ref.bwt", TEXT[::-1])))
    open_repacked(bwt)
    open_repacked(other)
    assert len([*cache.iterdir()]) == 2


def test_a_cache_folder_that_cannot_be_made_is_told(bwt: BwtFile, read_only, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="XDG_CACHE_HOME"):
        open_repacked(bwt)


def test_every_changed_bit_is_noticed(bwt: BwtFile, tmp_path: Path) -> None:
    data = bwt_bytes(TEXT)
    rng = np.random.default_rng(1)
    for place in rng.integers(40, len(data), 60).tolist():
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        Path(bwt.path).write_bytes(damaged)
        with pytest.raises(FormatError, match=r"ref\.bwt: (block [0-3]|end): counts of A, C, G, T"):
            open_repacked(bwt)
        assert {path.name for path in tmp_path.iterdir()} == {"ref.bwt"}


def test_error_names_the_block(bwt: BwtFile) -> None:
    data = bytearray(bwt_bytes(TEXT))
    data[40 + 64 + 32] ^= 3  # a base of block 1
    Path(bwt.path).write_bytes(data)
    with pytest.raises(FormatError, match=r"ref\.bwt: block 2: counts of A, C, G, T are not those of the bases before"):
        open_repacked(bwt)


def test_two_processes_make_it_once(bwt: BwtFile) -> None:
    program = (
        "import logging, sys, time\n"
        "from colonnade.align import repacked\n"
        "from colonnade.align.bwa_files import BwtFile\n"
        "logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        "write = repacked._write\n"
        "repacked._write = lambda *arguments: (print('made', flush=True), time.sleep(1), write(*arguments))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read(1)\n"
        "print(repacked.open_repacked(BwtFile.read(sys.argv[1])).blocks.sum())\n"
    )
    command = [sys.executable, "-c", program, bwt.path]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in processes]
    assert sorted(out.count("made") for out, _ in said) == [0, 1]
    assert len({out.split()[-1] for out, _ in said}) == 1
    waiting = [err for out, err in said if "made" not in out]
    assert waiting == [f"waiting for another process that makes {Path(bwt.path).with_suffix('.colonnade')}\n"]
