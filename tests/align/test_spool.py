"""What is spooled comes back as it was, in order, and leaves no file behind."""

import os
import re
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from colonnade.align.batch import Batch
from colonnade.align.spool import Packed, Spool, pack, unpack
from colonnade.errors import OutputError


def batch(sizes: list[int], *, seed: int = 1) -> Batch:
    """Records of random bytes."""
    offsets = np.cumsum([0, *sizes], dtype=np.int64)
    return Batch.of_records(np.random.default_rng(seed).integers(0, 256, offsets[-1], np.uint8), offsets)


BATCHES = [batch([3, 0, 7]), batch([]), batch([100_000, 1], seed=2), batch([5])]


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may have more bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("original", BATCHES)
def test_what_is_packed_can_be_unpacked(original: Batch) -> None:
    again = unpack(pack(original))
    assert again.phase == original.phase
    assert again.table.equals(original.table)


def test_batches_come_back_in_order_as_often_as_wanted(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for original in BATCHES:
            spool.add(pack(original))
        for _ in range(2):
            assert [unpack(packed).table for packed in spool] == [original.table for original in BATCHES]


def test_size_is_that_of_the_packed_batches(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        assert (spool.size, len(spool)) == (0, 0)
        packed = [pack(original) for original in BATCHES]
        for one in packed:
            spool.add(one)
        assert (spool.size, len(spool)) == (sum(one.data.size for one in packed), len(BATCHES))


def test_records_that_are_alike_take_less_room() -> None:
    alike = Batch.of_records(np.zeros(100_000, np.uint8), np.arange(0, 100_001, 100, dtype=np.int64))
    packed = pack(alike)
    assert packed.data.size * 10 < packed.size


def test_without_batches_there_is_no_file() -> None:
    with Spool(Path("/no/such/folder")) as spool:
        assert list(spool) == []


def test_the_file_has_no_name(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.add(pack(BATCHES[0]))
        assert os.listdir(tmp_path) == []


def test_without_a_folder_that_of_temporary_files_is_used(monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/temporary")
    with Spool(None) as spool, pytest.raises(OutputError, match=r"^/no/such/temporary: "):
        spool.add(pack(BATCHES[0]))


def test_a_folder_that_is_not_there_is_told() -> None:
    with Spool(Path("/no/such/folder")) as spool, pytest.raises(OutputError) as caught:
        spool.add(pack(BATCHES[0]))
    expected = "/no/such/folder: a temporary file cannot be written there; found No such file or directory"
    assert str(caught.value) == f"{expected}; is there space?"


def test_a_full_disk_is_told_and_nothing_else_is(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.add(pack(BATCHES[0]))
        with limited(50_000), pytest.raises(OutputError, match=re.escape(f"{tmp_path}: a temporary file cannot be")):
            spool.add(pack(BATCHES[2]))
    assert os.listdir(tmp_path) == []


def test_a_disk_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch) -> None:
    class Broken:
        def seek(self, _at: int) -> None: ...

        def read(self, _size: int) -> bytes:
            raise OSError(5, "ReadFiles/output error")

    with Spool(tmp_path) as spool:
        spool.add(pack(BATCHES[0]))
        with monkeypatch.context() as patch:
            patch.setattr(spool, "_file", Broken())
            with pytest.raises(OutputError, match="cannot be read there; found ReadFiles/output error"):
                list(spool)


def test_packed_batches_are_bytes_and_a_size() -> None:
    data, size = pack(BATCHES[0])
    assert isinstance(Packed(data, size).data.size, int)
    assert size == len(BATCHES[0].to_bytes())
