"""A stream gives the bytes of what it reads, whatever packs them, and never fewer without an error."""

import errno
import gzip
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pysam
import pytest

from colonnade.errors import FormatError
from colonnade.formats import stream
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.formats.stream import FileSource, InputStream
from colonnade.run.ahead import ahead

N_BYTES = 300_000


class Memory(io.BytesIO):
    """Bytes as a source."""

    path = "a file"
    size = None


@pytest.fixture(scope="module")
def content() -> bytes:
    return np.random.default_rng(3).choice(np.frombuffer(b"ACGT\n", np.uint8), N_BYTES).tobytes()


@pytest.fixture(scope="module")
def blocks(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("stream") / "file.gz"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(content)
    return path.read_bytes()


@pytest.fixture(params=[200, 1 << 20], autouse=True)
def chunk(request: pytest.FixtureRequest) -> Iterator[None]:
    """Bytes read at a time: fewer than a block has, and all."""
    with mock.patch.object(stream, "CHUNK", request.param):
        yield


def read(raw: bytes, *, threads: int = 1) -> bytes:
    file = InputStream(Memory(raw), threads=threads)
    taken = file.take(1 << 30)
    assert file.consumed == len(raw)
    return taken


def the_error(raw: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read(raw)
    return str(caught.value)


def test_plain_bytes_come_as_they_are(content: bytes):
    assert read(content) == content
    assert read(b"") == b""
    assert read(b"\x1f") == b"\x1f"


def test_gzip_may_have_several_members_and_zeros_behind_them(content: bytes):
    head, tail = content[:1000], content[1000:]
    raw = gzip.compress(head) + gzip.compress(b"") + b"\0" * 1000 + gzip.compress(tail) + b"\0" * 500
    assert read(raw) == content


def test_what_inflates_a_thousandfold_comes_in_pieces():
    file = InputStream(Memory(gzip.compress(bytes(50_000_000))))
    assert file.extend()
    assert file.data.size <= 1 << 20


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_are_inflated_by_any_number_of_threads(content: bytes, blocks: bytes, threads: int):
    assert read(blocks, threads=threads) == content
    assert read(blocks + blocks, threads=threads) == content * 2


def test_blocks_and_other_gzip_may_follow_each_other(content: bytes, blocks: bytes):
    assert read(blocks + gzip.compress(b"tail")) == content + b"tail"
    assert read(gzip.compress(b"head") + blocks) == b"head" + content


def test_end_block_is_there_or_not(blocks: bytes):
    for raw, has_end in ((blocks, True), (blocks.removesuffix(EOF_BLOCK), False), (blocks + gzip.compress(b""), False)):
        file = InputStream(Memory(raw))
        file.take(1 << 30)
        assert file.has_end_block == has_end
    with pytest.raises(FormatError, match=r"a file: offset .*: truncated; found no end-of-file block"):
        file.require_end_block()


def test_every_cut_of_gzip_is_found(content: bytes):
    raw = gzip.compress(content[:500])
    for size in range(2, len(raw)):
        assert "a file: offset" in the_error(raw[:size])
        assert "truncated" in the_error(raw[:size])


def test_every_cut_within_a_block_is_found(blocks: bytes):
    for size in (len(blocks) - 1, len(blocks) - 27, len(blocks) - 30, 1000, 60, 19):
        assert "truncated; found a BGZF block that ends too early" in the_error(blocks[:size])


def test_damage_is_found(content: bytes, blocks: bytes):
    raw = bytearray(gzip.compress(content[:5000]))
    raw[-6] ^= 1
    assert "a file: compressed offset" in the_error(bytes(raw))
    assert "does not inflate" in the_error(bytes(raw))
    assert "does not inflate" in the_error(gzip.compress(b"text") + b"tail")
    raw = bytearray(blocks)
    raw[40] ^= 255
    assert "a file: compressed offset 0: " in the_error(bytes(raw))
    assert "not the start of a BGZF block" in the_error(blocks + b"something else that is long enough")


def test_wrong_checksum_of_a_block_is_found(blocks: bytes):
    raw = bytearray(blocks)
    raw[int.from_bytes(raw[16:18], "little") + 1 - 8] ^= 1
    assert "a file: compressed offset 0: checksum of a block is wrong; found CRC32" in the_error(bytes(raw))


def test_bytes_can_be_looked_at_before_they_are_taken(content: bytes):
    file = InputStream(Memory(content))
    assert file.peek(700) == content[:700]
    assert file.take(500) == content[:500]
    assert file.take(500) == content[500:1000]
    assert file.peek(1 << 30) == content[1000:]


def test_pipe_that_has_a_name_is_read_to_its_end(tmp_path: Path, content: bytes):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    source = FileSource(path)
    assert source.size is None
    assert InputStream(source).take(1 << 30) == content
    source.close()
    writer.join()


def test_errors_of_the_system_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_bytes(b"x")
    source = FileSource(tmp_path / "file")
    os.dup2(os.open(tmp_path, os.O_RDONLY), source._file.fileno())
    with pytest.raises(IsADirectoryError, match=r"file'$"):
        source.read(1)
    source.close()
    monkeypatch.setattr("builtins.open", mock.Mock(side_effect=OSError(errno.EBADF, "Bad file descriptor")))
    with pytest.raises(OSError, match=r"'standard input'$"):
        FileSource("-")


def test_size_of_a_file_is_known(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"12345")
    source = FileSource(tmp_path / "file")
    assert source.size == 5
    source.close()


def test_a_pipe_that_stays_silent_keeps_no_thread_that_is_to_end() -> None:
    reading, writing = os.pipe()
    gave_up = threading.Event()

    def give_up() -> None:  # else a failure would last for ever
        gave_up.set()
        os.write(writing, b"x")

    timer = threading.Timer(20, give_up)
    timer.start()
    source = FileSource(f"/dev/fd/{reading}")
    try:
        parts = ahead(_parts(source))
        assert next(parts) == b"first"
        parts.close()
        assert not gave_up.is_set()
    finally:
        timer.cancel()
        source.close()
        os.close(writing)
        os.close(reading)


def _parts(source: FileSource) -> Iterator[bytes]:
    yield b"first"
    yield source.read(1)
