"""BGZF writing: what was written comes back, cut as htslib cuts it, the same for any number of threads and writes."""

import gzip
import io
import re
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.errors import FormatError, OutputError, UsageError
from colonnade.formats import bgzf_writer
from colonnade.formats.bgzf import BLOCKS_PER_TASK, EOF_BLOCK, BgzfFile, VirtualOffset
from colonnade.formats.bgzf_writer import BLOCK_CONTENT, MAX_LEVEL, BgzfWriter, deflate_blocks

TASK = BLOCKS_PER_TASK * BLOCK_CONTENT
NOISE = np.random.default_rng(1).bytes(3 * TASK)
TEXT = np.random.default_rng(2).choice(np.frombuffer(b"ACGT\n", np.uint8), 3 * TASK).tobytes()

contents = st.builds(
    lambda source, start, length: source[start : start + length],
    st.sampled_from([NOISE, TEXT, bytes(3 * TASK)]),
    st.integers(0, TASK),
    st.integers(0, 5) | st.integers(0, 2 * TASK) | st.sampled_from([n * BLOCK_CONTENT for n in (1, 2, 15, 16, 17)]),
)


def written(content: bytes, cuts: list[int] | None = None, *, level: int = 1, threads: int = 1) -> bytes:
    """A file made by several writes, cut where told."""
    file = io.BytesIO()
    with BgzfWriter(file, level=level, threads=threads) as stream:
        for start, end in pairwise([0, *sorted(cuts or []), len(content)]):
            assert stream.write(content[start:end]) == end - start
    return file.getvalue()


def content_sizes(raw: bytes) -> list[int]:
    """ISIZE of each block; every block is a whole gzip member of at most 64 KiB with the BC field first."""
    sizes = []
    while raw:
        assert raw[:16] == EOF_BLOCK[:16]
        size = int.from_bytes(raw[16:18], "little") + 1
        sizes.append(len(gzip.decompress(raw[:size])))
        assert sizes[-1] == int.from_bytes(raw[size - 4 : size], "little")
        raw = raw[size:]
    return sizes


@settings(max_examples=60)
@given(contents, st.data())
def test_bytes_come_back_for_any_content_writes_and_threads(content: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=8))
    raw = written(content, cuts, threads=data.draw(st.sampled_from([1, 2, 3])))
    assert gzip.decompress(raw) == content
    assert raw == written(content)


@pytest.mark.parametrize("threads", [1, 2])
def test_readers_of_htslib_and_our_own_see_the_content(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "some.gz"
    with BgzfWriter(path, threads=threads) as stream:
        stream.write(TEXT)
        stream.write(NOISE)
    with pysam.BGZFile(str(path)) as file:
        assert file.read() == TEXT + NOISE
    with BgzfFile(path) as file:
        taken, _ = file.take(VirtualOffset(0, 0), len(TEXT) + len(NOISE) + 1)
    assert taken == TEXT + NOISE


@pytest.mark.parametrize("size", [0, 1, BLOCK_CONTENT - 1, BLOCK_CONTENT, BLOCK_CONTENT + 1, TASK, TASK + 1, 2 * TASK])
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_are_cut_where_htslib_cuts_them(tmp_path: Path, size: int, threads: int) -> None:
    path = tmp_path / "htslib.gz"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(TEXT[:size])
    expected = [BLOCK_CONTENT] * (size // BLOCK_CONTENT) + [size % BLOCK_CONTENT] * (size % BLOCK_CONTENT > 0) + [0]
    assert content_sizes(path.read_bytes()) == expected
    assert content_sizes(written(TEXT[:size], threads=threads)) == expected


def test_empty_file_is_the_end_of_file_block() -> None:
    assert written(b"") == EOF_BLOCK


@pytest.mark.parametrize("level", range(MAX_LEVEL + 1))
def test_what_does_not_shrink_fits_its_block_at_every_level(level: int) -> None:
    content = NOISE[: 2 * BLOCK_CONTENT]
    raw = written(content, level=level)
    assert content_sizes(raw) == [BLOCK_CONTENT, BLOCK_CONTENT, 0]
    assert gzip.decompress(raw) == content


def test_level_0_stores_and_higher_levels_shrink_more() -> None:
    sizes = [len(written(TEXT[:TASK], level=level)) for level in (0, 1, 12)]
    assert sizes[0] > TASK
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] < TASK / 2


@pytest.mark.parametrize("level", [-1, MAX_LEVEL + 1])
def test_other_levels_are_refused_and_no_file_is_made(tmp_path: Path, level: int) -> None:
    with pytest.raises(UsageError, match=f"no such compression level; found {level}; expected 0 to 12"):
        BgzfWriter(tmp_path / "none.gz", level=level)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("threads", [1, 2])
def test_arrays_can_be_written_and_changed_at_once(threads: int) -> None:
    file = io.BytesIO()
    array = np.frombuffer(TEXT, np.uint8).copy()
    with BgzfWriter(file, threads=threads) as stream:
        assert stream.write(array) == array.size
        array[:] = 0
        assert stream.write(np.arange(4, dtype=np.uint32)) == 16
        assert stream.write(array[:0]) == 0
        assert stream.write(bytearray(b"end")) == 3
    assert gzip.decompress(file.getvalue()) == TEXT + np.arange(4, dtype=np.uint32).tobytes() + b"end"


def test_bytes_that_are_not_contiguous_are_refused() -> None:
    with pytest.raises(TypeError, match="C-contiguous"):
        BgzfWriter(io.BytesIO()).write(np.zeros(9, np.uint8)[::2])


@pytest.mark.parametrize("threads", [1, 2])
def test_told_offsets_lead_a_reader_to_what_was_written_there(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "some.gz"
    lengths = [0, 5, BLOCK_CONTENT - 5, 10, TASK, 3, 2 * BLOCK_CONTENT]
    told = []
    with BgzfWriter(path, threads=threads) as stream:
        for start, end in pairwise([0, *accumulate(lengths)]):
            told.append((stream.tell(), start))
            stream.write(TEXT[start:end])
        told.append((stream.tell(), sum(lengths)))
    assert path.read_bytes() == written(TEXT[: sum(lengths)], level=bgzf_writer.DEFAULT_LEVEL)
    assert told[1][0] == (0, 0)
    assert told[3][0].within == 0 < told[3][0].block
    with BgzfFile(path) as file:
        for offset, start in told:
            assert file.take(offset, 50)[0] == TEXT[start : sum(lengths)][:50]


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_end_where_told_and_those_made_elsewhere_come_in_their_place(threads: int) -> None:
    file = io.BytesIO()
    with BgzfWriter(file, threads=threads) as stream:
        stream.end_block()
        stream.write(TEXT[:10])
        stream.append(deflate_blocks(TEXT[10 : 3 * BLOCK_CONTENT]))
        stream.append(memoryview(deflate_blocks(TEXT[3 * BLOCK_CONTENT : TASK])))
        assert stream.tell().within == 0
        stream.write(TEXT[TASK : 2 * TASK + 1])
        stream.end_block()
        stream.end_block()
        stream.write(TEXT[2 * TASK + 1 : 2 * TASK + 3])
    assert gzip.decompress(file.getvalue()) == TEXT[: 2 * TASK + 3]
    full = [BLOCK_CONTENT]
    expected = [10, *full * 2, BLOCK_CONTENT - 10, *full * (BLOCKS_PER_TASK - 3), *full * BLOCKS_PER_TASK, 1, 2, 0]
    assert content_sizes(file.getvalue()) == expected


def test_writing_takes_a_bounded_number_of_tasks_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, done = [], []
    blocks = bgzf_writer.deflate_blocks

    def counted(content: bytes, level: int) -> bytes:
        begun.append(len(content))
        return blocks(content, level)

    class Sink(io.BytesIO):
        def write(self, data) -> int:
            done.append(data)
            assert len(begun) - len(done) <= 2 + 1
            return len(data)

    monkeypatch.setattr(bgzf_writer, "deflate_blocks", counted)
    with BgzfWriter(Sink(), level=1, threads=2) as stream:
        stream.write(bytes(20 * TASK))
    assert begun == [TASK] * 20
    assert len(done) == 21


def write_and_raise(path: Path, threads: int, error: BaseException) -> None:
    with BgzfWriter(path, threads=threads) as stream:
        stream.write(TEXT)
        raise error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt("stop")])
def test_failed_block_leaves_a_file_that_readers_take_for_truncated(tmp_path: Path, threads: int, error) -> None:
    path = tmp_path / "some.gz"
    with pytest.raises(type(error), match="stop"):
        write_and_raise(path, threads, error)
    assert not path.read_bytes().endswith(EOF_BLOCK)
    with pytest.raises(FormatError, match=r"file is (truncated|empty)"):
        BgzfFile(path)


@pytest.mark.parametrize("threads", [1, 2])
def test_error_while_deflating_ends_the_file_without_its_end(
    tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.gz"
    stream = BgzfWriter(path, threads=threads)
    stream.write(TEXT[: TASK + 1])

    def fail(_content: bytes, _level: int) -> bytes:
        raise MemoryError("none left")

    monkeypatch.setattr(bgzf_writer, "deflate_blocks", fail)
    with pytest.raises(MemoryError, match="none left"):
        stream.close()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write(b"more")
    assert not path.read_bytes().endswith(EOF_BLOCK)


def test_closing_twice_writes_one_end(tmp_path: Path) -> None:
    path = tmp_path / "some.gz"
    stream = BgzfWriter(path)
    stream.close()
    stream.close()
    assert path.read_bytes() == EOF_BLOCK
    with pytest.raises(ValueError, match="closed"):
        stream.tell()


def test_a_file_that_was_given_stays_open_and_keeps_what_it_had() -> None:
    file = io.BytesIO(b"front")
    file.seek(5)
    with BgzfWriter(file) as stream:
        assert stream.tell() == (0, 0)
        stream.write(b"abc")
    assert file.getvalue()[:5] == b"front"
    assert gzip.decompress(file.getvalue()[5:]) == b"abc"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "some.gz"
    with pytest.raises(OutputError, match=re.escape(f"{path}: cannot be written; found No such file")):
        BgzfWriter(path)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [5, 3 * TASK])
def test_full_disk_is_one_line(threads: int, size: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    stream = BgzfWriter("/dev/full", threads=threads)
    with pytest.raises(OutputError) as caught:
        write_noise(stream, size)
    assert str(caught.value) == "/dev/full: cannot be written; found No space left on device"
    stream.close()


def write_noise(stream: BgzfWriter, size: int) -> None:
    stream.write(NOISE[:size])
    stream.close()
