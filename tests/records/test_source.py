"""Damaged files give one kind of error, whole ones the counts that pysam gives; nothing else ever."""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.errors import FormatError
from colonnade.formats.bam import BamFile
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import Flag, ReadFilter
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches

LENGTH = 60_000
CONTIGS = {"c": LENGTH, "d": 500}
EVERYTHING = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=Flag.UNMAP)


WHOLE = Region("c", 0, LENGTH)


def load(
    path: Path, region: Region = WHOLE, read_filter: ReadFilter = EVERYTHING, *, size: int = 1 << 20, threads: int = 1
) -> RecordBatch:
    bam = BamFile(path)
    try:
        return whole(read_batches([bam], region, read_filter, size=size, threads=threads))
    finally:
        bam.close()


def whole(batches: Iterable[RecordBatch]) -> RecordBatch:
    return RecordBatch.concatenated([RecordBatch.empty(), *batches])


def counts(batch: RecordBatch, region: Region, min_baseq: int = 0) -> np.ndarray:
    return count_batches([batch], Tally.zeros(region), min_baseq=min_baseq).bases


def pysam_counts(path: Path, region: Region) -> np.ndarray:
    with pysam.AlignmentFile(str(path)) as file:
        columns = file.count_coverage(
            region.contig, region.start, region.end, quality_threshold=0, read_callback=lambda r: not r.is_unmapped
        )
    return np.array(columns, np.int64).T


# Records written byte by byte.


def record(
    position: int = 10,
    *,
    contig: int = 0,
    name: bytes = b"r\0",
    flag: int = 0,
    cigar: tuple[int, ...] = (4 << 4,),
    sequence: bytes = b"\x12\x48",
    qualities: bytes = b"\x1e" * 4,
    tags: bytes = b"",
    l_seq: int | None = None,
    l_name: int | None = None,
    n_cigar: int | None = None,
    next_contig: int = -1,
    size: int | None = None,
) -> bytes:
    body = struct.pack(
        "<iiBBHHHiiii",
        contig,
        position,
        len(name) if l_name is None else l_name,
        60,
        4681,
        len(cigar) if n_cigar is None else n_cigar,
        flag,
        len(qualities) if l_seq is None else l_seq,
        next_contig,
        -1,
        0,
    )
    body += name + struct.pack(f"<{len(cigar)}I", *cigar) + sequence + qualities + tags
    return struct.pack("<I", len(body) if size is None else size) + body


GOOD = [record(position) for position in range(10, 20)]


def header() -> bytes:
    text = b"@HD\tVN:1.6\tSO:coordinate\n"
    names = b"".join(
        struct.pack("<I", len(name) + 1) + name.encode() + b"\0" + struct.pack("<I", n) for name, n in CONTIGS.items()
    )
    return b"BAM\x01" + struct.pack("<I", len(text)) + text + struct.pack("<I", len(CONTIGS)) + names


def write_raw(path: Path, records: list[bytes]) -> Path:
    """A BAM of any records, and an index that says they are all on the first contig."""
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(header())
        file.flush()
        start = file.tell()
        file.write(b"".join(records))
        file.flush()
        end = file.tell()
    contig = struct.pack("<IIIQQ", 1, 4681, 1, start, end) + struct.pack("<IQ", 1, start)
    Path(f"{path}.bai").write_bytes(b"BAI\x01" + struct.pack("<I", 2) + contig + bytes(8) + bytes(8))
    return path


def test_records_written_by_hand_are_read(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "raw.bam", GOOD)
    batch = load(path)
    assert batch.records["start"].tolist() == list(range(10, 20))
    assert counts(batch, Region("c", 10, 14)).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


BAD_RECORDS = {
    "size below the fixed part": (record(15, size=31), "size is impossible"),
    "size of zero": (record(15, size=0), "size is impossible"),
    "size beyond the data": (record(15, size=1 << 20), "record is cut short"),
    "largest size": (record(15, size=0xFFFFFFFF), "size is impossible"),
    "sequence beyond the record": (record(15, l_seq=1000), "parts do not fit"),
    "largest sequence": (record(15, l_seq=0x7FFFFFFF), "parts do not fit"),
    "negative sequence": (record(15, l_seq=-1), "parts do not fit"),
    "CIGAR beyond the record": (record(15, n_cigar=65535), "parts do not fit"),
    "no name": (record(15, name=b"", l_name=0), "parts do not fit"),
    "name beyond the record": (record(15, l_name=255), "parts do not fit"),
    "name without NUL": (record(15, name=b"rr"), "name does not end with NUL"),
    "operation 9": (record(15, cigar=(4 << 4, 1 << 4 | 9)), "unknown CIGAR operation; found code 9"),
    "operation 15": (record(15, cigar=(4 << 4 | 15,)), "unknown CIGAR operation; found code 15"),
    "CIGAR longer than the sequence": (record(15, cigar=(5 << 4,)), "CIGAR and sequence differ"),
    "CIGAR shorter than the sequence": (record(15, cigar=(3 << 4,)), "CIGAR and sequence differ"),
    "longest CIGAR operation": (record(15, cigar=(0xFFFFFFF << 4,)), "CIGAR and sequence differ"),
    "contig outside the header": (record(15, contig=2), "contig that the header lacks; found contig number 2"),
    "contig -2": (record(15, contig=-2), "contig that the header lacks; found contig number -2"),
    "contig of the mate": (record(15, next_contig=7), "contig that the header lacks; found contig number 7"),
    "position -2": (record(-2), "impossible position; found -2"),
    "position before the one before": (record(9), "not in coordinate order; found position 9"),
    "position after the next one": (record(50_000), "not in coordinate order; found position 15"),
    "position after all contigs": (record(0x7FFFFFFF), "not in coordinate order; found position 15"),
    "next contig amid this one": (record(15, contig=1), "not in coordinate order; found position 15"),
    "no contig amid this one": (record(-1, contig=-1), "not in coordinate order; found position 15"),
    "unknown tag where a CG tag may be": (
        record(15, cigar=(4 << 4 | 4, 4 << 4 | 3), tags=b"XX?1"),
        "tags of a record cannot be read",
    ),
    "CG tag beyond the record": (
        record(15, cigar=(4 << 4 | 4, 4 << 4 | 3), tags=b"CGBI" + struct.pack("<II", 1 << 30, 64)),
        "tags of a record cannot be read",
    ),
    "CG tag whose CIGAR does not fit": (
        record(15, cigar=(4 << 4 | 4, 4 << 4 | 3), tags=b"CGBI" + struct.pack("<II", 1, 5 << 4)),
        "CIGAR and sequence differ",
    ),
}


@pytest.mark.parametrize("kind", BAD_RECORDS)
def test_bad_record_is_named(tmp_path: Path, kind: str) -> None:
    bad, message = BAD_RECORDS[kind]
    path = write_raw(tmp_path / "raw.bam", [*GOOD[:5], bad, *GOOD[5:]])
    for region in (Region("c", 0, LENGTH), Region("c", 0, 40)):
        with pytest.raises(FormatError) as caught:
            load(path, region)
        assert str(caught.value).startswith(f"{path}: region {region}")
        assert message in str(caught.value)


def test_record_out_of_order_behind_the_region_is_found(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "raw.bam", [record(10), record(500), record(20)])
    with pytest.raises(FormatError, match="not in coordinate order; found position 20"):
        load(path, Region("c", 0, 100))


def test_unplaced_records_behind_the_last_contig_are_in_order(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "raw.bam", [*GOOD, record(5, contig=1), *[record(-1, contig=-1, flag=4)] * 2])
    assert len(load(path)) == len(GOOD)
    assert len(load(path, Region("d", 0, 500))) == 0  # the index says that it has none


# Records of odd but valid kinds.


def test_cigar_of_more_than_65535_operations_counts_its_bases(make_bam) -> None:
    n = 70_000
    rng = np.random.default_rng(1)
    sequence = "".join(rng.choice(list("ACGT"), 3 * n + 1))
    line = f"long\t0\tc\t101\t60\t{'2M1I' * n}1M\t*\t0\t0\t{sequence}\t*"
    around = [f"r{p}\t0\tc\t{p}\t60\t4M\t*\t0\t0\tACGT\tIIII" for p in (90, 120)]
    path = make_bam("long.bam", {"c": 200_000}, [line, *around])
    region = Region("c", 0, 200_000)
    with pysam.AlignmentFile(str(path)) as file:
        assert max(len(read.cigartuples) for read in file) == 2 * n + 1
    batch = load(path, region)
    assert batch.records["end"].max() == 100 + 2 * n + 1
    found = counts(batch, region)
    assert found.sum() == 2 * n + 1 + 8
    assert np.array_equal(found, pysam_counts(path, region))
    far = Region("c", 100 + 2 * n, 100 + 2 * n + 1)
    assert counts(load(path, far), far).sum() == 1


def test_two_operations_that_look_like_a_long_cigar_may_be_all(make_bam) -> None:
    path = make_bam("odd.bam", CONTIGS, ["r\t0\tc\t11\t60\t4S9N\t*\t0\t0\tACGT\tIIII\tXX:i:5\tXY:Z:text\tXZ:B:s,1,2"])
    batch = load(path)
    assert batch.records["n_cigar"].tolist() == [2]
    assert counts(batch, Region("c", 0, 50)).sum() == 0


def test_reads_without_sequence_cover_but_do_not_count(make_bam) -> None:
    lines = ["r\t0\tc\t11\t60\t4M2I3M\t*\t0\t0\t*\t*", "s\t0\tc\t12\t60\t4M\t*\t0\t0\tACGT\tIIII"]
    path = make_bam("star.bam", CONTIGS, lines)
    batch = load(path)
    assert batch.records[["start", "end", "l_seq"]].tolist() == [(10, 17, 0), (11, 15, 4)]
    region = Region("c", 0, 50)
    assert np.array_equal(counts(batch, region), pysam_counts(path, region))


@pytest.mark.parametrize(("assumed", "n_good"), [(None, 0), (4, 0), (5, 4), (30, 4)])
def test_reads_without_qualities_get_the_assumed_one(make_bam, assumed: int | None, n_good: int) -> None:
    path = make_bam("star.bam", CONTIGS, ["r\t0\tc\t11\t60\t4M\t*\t0\t0\tACGT\t*"])
    batch = load(path, read_filter=ReadFilter(assume_quality=assumed))
    quality = int(batch.records["qual"][0])
    assert set(batch.data[quality : quality + 4].tolist()) == {assumed or 0}
    assert counts(batch, Region("c", 0, 50), min_baseq=5).sum() == n_good


def test_unmapped_records_with_a_place_never_count(make_bam) -> None:
    lines = [
        "p\t69\tc\t11\t0\t*\t=\t11\t0\tACGT\tIIII",
        "p\t137\tc\t11\t60\t4M\t=\t11\t0\tACGT\tIIII",
        "q\t4\tc\t12\t60\t4M\t*\t0\t0\tACGT\tIIII",
        "no_cigar\t0\tc\t13\t60\t*\t*\t0\t0\tACGT\tIIII",
    ]
    path = make_bam("placed.bam", CONTIGS, lines)
    for exclude in (Flag.UNMAP, Flag(0)):
        batch = load(path, read_filter=ReadFilter(min_mapq=0, exclude_flags=exclude))
        assert batch.records["flag"].tolist() == [137]


@pytest.mark.parametrize(
    ("read_filter", "expected"),
    [
        (ReadFilter(min_mapq=0), "abcdf"),
        (ReadFilter(min_mapq=30), "abcf"),
        (ReadFilter(min_mapq=61), ""),
        (ReadFilter(min_mapq=0, require_flags=Flag.PAIRED | Flag.REVERSE), "b"),
        (ReadFilter(min_mapq=0, exclude_flags=Flag.REVERSE), "acdef"),
        (ReadFilter(min_mapq=0, drop_orphans=True), "bcd"),
    ],
)
def test_filter_keeps_exactly_what_it_says(make_bam, read_filter: ReadFilter, expected: str) -> None:
    lines = [
        f"{name}\t{flag}\tc\t{11 + i}\t{mapq}\t4M\t{'=' if flag & 1 else '*'}\t{'90' if flag & 1 else '0'}\t0\tACGT\tIIII"
        for i, (name, flag, mapq) in enumerate(
            [("a", 1, 60), ("b", 1 | 2 | 16, 60), ("c", 0, 30), ("d", 0, 29), ("e", 1024, 60), ("f", 1 | 2048, 60)]
        )
    ]
    batch = load(make_bam("f.bam", CONTIGS, lines), read_filter=read_filter)
    assert "".join(chr(batch.data[name]) for name in batch.records["name"]) == expected


def test_contig_that_the_file_lacks_gives_no_records(make_bam) -> None:
    path = make_bam("one.bam", CONTIGS, ["r\t0\tc\t11\t60\t4M\t*\t0\t0\tACGT\tIIII"])
    assert len(load(path, Region("elsewhere", 0, 100))) == 0
    assert len(load(path, Region("d", 0, 100))) == 0


@pytest.mark.parametrize("size", [1, 100_000, 1 << 30])
def test_threads_and_sizes_do_not_change_the_records(shared_data: Path, size: int) -> None:
    path = shared_data / "sarscov2_twist" / "pos_MN908947_3_1.bwamem.bam"
    region = Region("MN908947.3", 0, 29_000)
    one = load(path, region, size=1 << 30).taken(slice(None))
    other = load(path, region, size=size, threads=2).taken(slice(None))
    assert np.array_equal(one.data, other.data)
    assert np.array_equal(one.records, other.records)
