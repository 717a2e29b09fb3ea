"""What is spooled comes back as it was, in order."""

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
from colonnade.align.insert_sizes import Observed
from colonnade.align.reads import SMALL
from colonnade.align.spool import Located, Spool, pack, pack_batch, unpack, unpack_batch
from colonnade.align.summary import Counts
from colonnade.errors import OutputError
from colonnade.formats.frames import Frames


def batch(sizes: list[int], *, seed: int = 1) -> Batch:
    """Records of random bytes."""
    offsets = np.cumsum([0, *sizes], dtype=np.int64)
    return Batch.of_records(np.random.default_rng(seed).integers(0, 256, offsets[-1], np.uint8), offsets)


BATCHES = [batch([3, 0, 7]), batch([]), batch([100_000, 1], seed=2), batch([5])]


def located(original: Batch, *, counts: Counts | None = None, units: int = 2, sizes: tuple[int, ...] = ()) -> Located:
    observed = Observed(
        np.arange(units, dtype=np.uint64) + (1 << 63), np.arange(units) - 1, np.full(units, len(original))
    )
    return Located(7, len(original), observed, counts, pack_batch(original), sizes)


def same(one: Located, other: Located) -> bool:
    """Whether all of both is equal."""
    arrays = zip(one.observed, other.observed, strict=True)
    return (
        all(a.dtype == b.dtype and a.tolist() == b.tolist() for a, b in arrays)
        and one._replace(observed=None, data=None) == other._replace(observed=None, data=None)
        and unpack(one.data) == unpack(other.data)
    )


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
    again = unpack_batch(pack_batch(original))
    assert again.phase == original.phase
    assert again.table.equals(original.table)


@pytest.mark.parametrize("data", [b"", b"a", bytes(1000), os.urandom(1000)])
def test_bytes_that_cannot_be_fewer_stay_as_they_are(data: bytes) -> None:
    packed = pack(data)
    assert packed.data.size <= packed.size == len(data)
    assert unpack(packed).to_pybytes() == data


def test_bytes_that_compression_leaves_as_many_come_back_as_well() -> None:
    noise = np.random.default_rng(3).bytes(100)
    sizes = set()
    for zeros in range(60):
        data = noise + bytes(zeros)
        packed = pack(data)
        sizes.add(packed.data.size - packed.size)
        assert unpack(packed).to_pybytes() == data
    assert {0, -1} <= sizes


@pytest.mark.parametrize("is_kept", [False, True])
def test_results_come_back_in_order_as_often_as_wanted(tmp_path: Path, is_kept: bool) -> None:
    given = [located(original, units=units) for units, original in enumerate(BATCHES)]
    with Spool(Frames.create(tmp_path / "kept", {}) if is_kept else None, tmp_path, SMALL) as spool:
        for one in given:
            spool.add(one)
        for _ in range(2):
            assert all(map(same, spool, given))
        assert len(list(spool)) == len(spool) == len(BATCHES)
        assert spool.size > sum(one.data.data.size for one in given)


def test_final_records_are_spooled_only_where_all_is_kept(tmp_path: Path) -> None:
    final = located(BATCHES[0], counts=Counts(reads=3, rescued=1), sizes=(5, -1 << 40, 0))
    with Spool(None, Path("/no/such/folder"), SMALL) as spool:
        spool.add(final)
        assert list(spool) == []
    with Spool(Frames.create(tmp_path / "kept", {}), None, SMALL) as spool:
        spool.add(final)
        spool.add(located(BATCHES[2]))
        first, second = spool
        assert (first.counts, second.counts) == (Counts(reads=3, rescued=1), None)
        assert same(first, final)


def test_records_that_are_alike_take_less_room() -> None:
    alike = Batch.of_records(np.zeros(100_000, np.uint8), np.arange(0, 100_001, 100, dtype=np.int64))
    packed = pack_batch(alike)
    assert packed.data.size * 10 < packed.size


def test_the_file_has_no_name(tmp_path: Path) -> None:
    with Spool(None, tmp_path, SMALL) as spool:
        spool.add(located(BATCHES[0]))
        assert os.listdir(tmp_path) == []


def test_without_a_folder_that_of_temporary_files_is_used(monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/temporary")
    with Spool(None, None, SMALL) as spool, pytest.raises(OutputError, match=r"^/no/such/temporary: "):
        spool.add(located(BATCHES[0]))


def test_a_full_disk_is_told_and_nothing_else_is(tmp_path: Path) -> None:
    with Spool(None, tmp_path, SMALL) as spool:
        spool.add(located(BATCHES[0]))
        with limited(50_000), pytest.raises(OutputError, match=re.escape(f"{tmp_path}: cannot be written; found")):
            spool.add(located(BATCHES[2]))
    assert os.listdir(tmp_path) == []
