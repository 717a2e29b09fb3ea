"""The index finds exactly the records that pysam's fetch finds, BAI and CSI alike, and one that does not fit is refused."""

import gzip
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from index_files import CONTIGS, UNPLACED, Placed, bai_bytes, csi_bytes, made_lines, packed, spread_lines

from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats.bam import BamFile
from colonnade.formats.binning import BAI, Geometry
from colonnade.formats.index import BinningIndex
from colonnade.formats.index_kernels import NO_LIMIT

REAL = (
    "hiv_caprisa/CAP188_wk4.bwamem.bam",
    "tumour_normal_colo829_chr20/Colo829.18.chr20.MissedStrongLoh.bam",
    "taps_mouse_lambda/test.bam",
    "sarscov2_twist/pos_MN908947_3_1.bwamem.bam",
    "ebola_ubam/G5012.3.bwaaln.bam",
    "samtools_mpileup/ce#5b.bam",
)
KINDS = ["-b", "-m14", "-m10", "-m4", "-m17", "-m23"]


def with_index(path: Path, kind: str) -> Path:
    """Leave one index beside a BAM file: BAI, or CSI with so many bits in its smallest bins."""
    for suffix in (".bai", ".csi"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    pysam.samtools.index("-b" if kind == "-b" else "-c", *([] if kind == "-b" else [kind]), str(path))
    return Path(f"{path}.{'bai' if kind == '-b' else 'csi'}")


def random_regions(placed: Placed, lengths: dict[str, int], *, n: int, seed: int) -> list[tuple[int, int, int]]:
    """Whole contigs, and regions wide and narrow, most of them near records."""
    rng = np.random.default_rng(seed)
    regions = []
    for contig, length in enumerate(lengths.values()):
        starts = placed.starts[placed.contigs == contig]
        regions.append((contig, 0, length))
        for _ in range(n):
            near = (
                int(rng.choice(starts)) + int(rng.integers(-500, 500)) if starts.size and rng.random() < 0.7 else None
            )
            start = int(rng.integers(0, length)) if near is None else min(max(near, 0), length - 1)
            regions.append((contig, start, min(length, start + int(10 ** rng.uniform(0, np.log10(length) + 0.1)))))
    return regions


def check_region(index: BinningIndex, placed: Placed, region: tuple[int, int, int]) -> int:
    """Chunks hold every record that overlaps, are disjoint and within the limits; returns how many overlap."""
    chunks = index.chunks(*region)
    expected = placed.overlapping(*region)
    assert not (expected & ~placed.inside(chunks)).any(), region
    contig, start, end = region
    for first, last in packed(chunks):
        assert index.min_offset(contig, start) <= first < last <= index.max_offset(contig, end)
        assert first in placed.offsets
        assert last in placed.offsets_after
    for one, other in pairwise(chunks):
        assert one.end.block < other.start.block
    return int(expected.sum())


def check_limits(index: BinningIndex, placed: Placed, region: tuple[int, int, int]) -> None:
    """No record comes before ``min_offset`` that overlaps or follows; none from ``max_offset`` on starts before the end."""
    contig, start, end = region
    own = placed.contigs == contig
    assert (placed.offsets[own & (placed.ends > start)] >= index.min_offset(contig, start)).all()
    assert (placed.starts[own & (placed.offsets >= index.max_offset(contig, end))] >= end).all()


def slow_min_offset(index: BinningIndex, contig: int, position: int) -> int:
    """What htslib's ``hts_itr_query`` makes of the same numbers, step by step."""
    geometry = index.geometry
    own = slice(index.bin_starts[contig], index.bin_starts[contig + 1])
    loffs = dict(zip(index.bins[own].tolist(), index.loffs[own].tolist(), strict=True))
    windows = index.windows[index.window_starts[contig] : index.window_starts[contig + 1]].tolist()
    number = geometry.first_bin(geometry.depth) + (position >> geometry.min_shift)
    while number and number not in loffs:
        number = number - 1 if number > geometry.parent(number) * 8 + 1 else geometry.parent(number)
    loff = loffs.get(number)
    smallest = loff or 0
    window = position >> geometry.min_shift
    if window < len(windows):
        smallest = max(smallest, windows[window])
        if index.unmapped[contig]:
            before = [offset for offset in windows[:window] if offset < smallest]
            if before:
                smallest = before[-1]
            if loff is not None and (not before or smallest < loff):
                smallest = loff
    elif index.unmapped[contig] and loff is not None:
        smallest = loff
    return smallest


def slow_max_offset(index: BinningIndex, contig: int, end: int) -> int:
    geometry = index.geometry
    own = slice(index.bin_starts[contig], index.bin_starts[contig + 1])
    firsts = zip(index.bins[own].tolist(), index.chunk_array[index.chunk_starts[own], 0].tolist(), strict=True)
    return min((first for number, first in firsts if geometry.interval(number)[0] >= end), default=NO_LIMIT)


def check_against_htslib(path: Path, placed: Placed, lengths: dict[str, int], *, n: int, seed: int) -> int:
    """Open a BAM with the index beside it and compare random regions with pysam's fetch; returns the records seen."""
    bam = BamFile(path)
    seen = 0
    with pysam.AlignmentFile(str(path)) as file:
        for region in random_regions(placed, lengths, n=n, seed=seed):
            contig, start, end = region
            fetched = [f"{r.query_name} {r.flag}" for r in file.fetch(file.get_reference_name(contig), start, end)]
            assert placed.names[placed.overlapping(*region)].tolist() == fetched
            seen += check_region(bam.index, placed, region)
            check_limits(bam.index, placed, region)
            assert bam.index.min_offset(contig, start) == slow_min_offset(bam.index, contig, start)
            assert bam.index.max_offset(contig, end) == slow_max_offset(bam.index, contig, end)
    bam.close()
    return seen


@pytest.mark.parametrize("name", REAL)
def test_records_of_random_regions_equal_fetch_on_real_data(shared_data: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "real.bam"
    shutil.copyfile(shared_data / name, path)
    placed = Placed.of(path)
    with pysam.AlignmentFile(str(path)) as file:
        lengths = dict(zip(file.references, file.lengths, strict=True))
    for kind in ("-b", "-m14", "-m10"):
        with_index(path, kind)
        assert check_against_htslib(path, placed, lengths, n=3, seed=1) > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_records_of_random_regions_equal_fetch_on_made_data(make_bam, kind: str, seed: int) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(seed), index=False)
    with_index(path, kind)
    assert check_against_htslib(path, Placed.of(path), CONTIGS, n=60, seed=seed) > 1000


@pytest.mark.parametrize("kind", KINDS)
def test_one_contig_with_everything(make_bam, kind: str) -> None:
    lengths = {"all": 40_000_000}
    path = make_bam("one.bam", lengths, spread_lines("all", 40_000_000, 12_000, seed=1), index=False)
    with_index(path, kind)
    assert check_against_htslib(path, Placed.of(path), lengths, n=60, seed=1) > 1000


@pytest.mark.parametrize("kind", ["-m14", "-m10", "-m20"])
def test_positions_beyond_what_bai_can_hold(make_bam, kind: str) -> None:
    lengths = {"short": 1000, "huge": 2_000_000_000}
    path = make_bam("huge.bam", lengths, spread_lines("huge", 2_000_000_000, 3000, seed=1), index=False)
    with_index(path, kind)
    placed = Placed.of(path)
    assert (placed.starts > BAI.max_position).sum() > 1000
    assert check_against_htslib(path, placed, lengths, n=60, seed=1) > 1000


def test_bai_for_a_contig_beyond_its_end_is_refused(make_bam) -> None:
    lengths = {"huge": (1 << 29) + 1}
    path = make_bam("huge.bam", lengths, spread_lines("huge", 1000, 9, seed=1), index=False)
    with_index(path, "-b")
    with pytest.raises(IndexMismatchError, match=r"huge: the index ends before a contig does; .*samtools index -c"):
        BamFile(path)


@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_positions_outside_give_no_chunks(make_bam, kind: str) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    index = BinningIndex.read(with_index(path, kind))
    assert index.chunks(0, 0, 3_000_000) == index.chunks(0, -5, 1 << 40) != []
    assert index.chunks(0, 1000, 1000) == index.chunks(0, 1 << 29, 1 << 30) == index.chunks(0, -5, 0) == []
    assert index.chunks(1, 0, 5000) == []
    assert index.max_offset(0, 1 << 40) == NO_LIMIT


def test_csi_may_stand_uncompressed_and_bai_compressed(make_bam, tmp_path: Path) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    pysam.samtools.index("-c", str(path))
    plain = tmp_path / "plain.csi"
    plain.write_bytes(gzip.decompress(Path(f"{path}.csi").read_bytes()))
    compressed = tmp_path / "compressed.bai"
    with pysam.BGZFile(str(compressed), "wb") as file:
        file.write(Path(f"{path}.bai").read_bytes())
    for one, other in ((plain, Path(f"{path}.csi")), (compressed, Path(f"{path}.bai"))):
        a, b = BinningIndex.read(one), BinningIndex.read(other)
        assert a.geometry == b.geometry
        assert all(
            np.array_equal(getattr(a, name), getattr(b, name))
            for name in ("bin_starts", "bins", "loffs", "chunk_starts", "chunk_array", "windows", "unmapped")
        )


@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_facts_are_those_of_the_bam(make_bam, kind: str) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    index = BinningIndex.read(with_index(path, kind))
    placed = Placed.of(path)
    unmapped = [int(name.split()[1]) & 4 > 0 for name in placed.names.tolist()]
    for contig in range(len(CONTIGS)):
        n_records = (placed.contigs == contig).sum()
        expected = (placed.contigs[unmapped] == contig).sum() if n_records else -1
        assert index.unmapped[contig] == expected
    assert (index.n_contigs, index.unplaced) == (len(CONTIGS), UNPLACED)
    assert index.geometry == BAI if kind == "-b" else index.geometry.min_shift == 14
    last = index.last_offset()
    assert last is not None
    assert last.block << 16 | last.within == placed.offsets_after[-1]
    assert (index.windows.size > 0) == (kind == "-b")


def test_loffs_made_from_a_linear_index_are_those_of_csi(make_bam) -> None:
    path = make_bam("one.bam", {"c": 1 << 28}, spread_lines("c", 1 << 28, 9000, seed=2))
    index = BinningIndex.read(f"{path}.bai")
    # With bins as in BAI, htslib gives CSI the same loffs, though it joins small bins to their parents before BAI ones too.
    pysam.samtools.index("-c", str(path))
    csi = BinningIndex.read(f"{path}.csi")
    found = {index.geometry.interval(b): o for b, o in zip(index.bins.tolist(), index.loffs.tolist(), strict=True)}
    expected = {csi.geometry.interval(b): o for b, o in zip(csi.bins.tolist(), csi.loffs.tolist(), strict=True)}
    common = found.keys() & expected.keys()
    assert len(common) > 100
    assert all(found[interval] == expected[interval] for interval in common)


@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_many_contigs(tmp_path: Path, kind: str) -> None:
    n = 100_000
    chunks = [((i + 1) << 20, (i + 2) << 20) for i in range(n)]
    path = tmp_path / "many"
    if kind == "-b":
        path.write_bytes(bai_bytes([({4681: (0, [chunk])}, [chunk[0]]) for chunk in chunks]))
    else:
        path.write_bytes(csi_bytes([{4681: (chunk[0], [chunk])} for chunk in chunks]))
    index = BinningIndex.read(path)
    assert index.n_contigs == n
    for contig in (0, 1, n // 2, n - 1):
        assert packed(index.chunks(contig, 0, 100)) == [chunks[contig]]
        assert index.chunks(contig, 1 << 20, 1 << 21) == []


def test_index_without_its_number_of_unplaced_records_is_fine(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    index = Path(f"{path}.bai")
    index.write_bytes(index.read_bytes()[:-8])
    assert BinningIndex.read(index).unplaced is None
    assert check_against_htslib(path, Placed.of(path), CONTIGS, n=5, seed=0) > 0


def test_minimum_goes_behind_no_record_of_its_own_bin(tmp_path: Path) -> None:
    """As in indexes of old samtools, whose linear index leaves out unmapped records."""
    path = tmp_path / "old.bai"
    path.write_bytes(bai_bytes([({4681: (0, [(100, 900)])}, [500])]))
    assert BinningIndex.read(path).min_offset(0, 0) == 100
    assert packed(BinningIndex.read(path).chunks(0, 0, 9)) == [(100, 900)]


# Files that are no index, or a damaged one


@pytest.mark.parametrize("raw", [b"", b"BAI", b"garbage " * 40, b"CRAI" + bytes(40), b"TBI\x01" + bytes(40)])
def test_other_files_are_not_an_index(make_bam, raw: bytes) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    Path(f"{path}.bai").write_bytes(raw)
    with pytest.raises(IndexMismatchError, match=re.escape(f"{path}.bai: not a BAI or CSI index; found b")):
        BamFile(path)


def test_compressed_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csi"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"TBI\x01" + bytes(40))
    with pytest.raises(IndexMismatchError, match="not a BAI or CSI index"):
        BinningIndex.read(path)
    path.write_bytes(gzip.compress(b"CSI\x01" + bytes(40)))
    with pytest.raises(IndexMismatchError, match="index is cut short or damaged"):
        BinningIndex.read(path)


def raw_of(path: Path, kind: str) -> tuple[Path, bytes]:
    """The index of a BAM, not compressed."""
    index = with_index(path, kind)
    raw = index.read_bytes()
    return index, raw if kind == "-b" else gzip.decompress(raw)


@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_index_cut_anywhere_is_refused(make_bam, kind: str) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    index, raw = raw_of(path, kind)
    cuts = {*np.random.default_rng(1).integers(4, len(raw), 60).tolist(), len(raw) - 1, len(raw) - 16} - {len(raw) - 8}
    for cut in cuts:
        index.write_bytes(raw[:cut])
        with pytest.raises(IndexMismatchError, match=re.escape(f"{index}: ")):
            BamFile(path)


def test_compressed_index_cut_or_damaged_anywhere_is_refused(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    index = with_index(path, "-m14")
    raw = index.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(18, len(raw) - 28, 40).tolist():
        for damaged in (raw[:place], raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]):
            index.write_bytes(damaged)
            with pytest.raises(IndexMismatchError, match=re.escape(f"{index}: ")):
                BamFile(path)


def test_flipped_bits_of_bai_are_refused_or_change_nothing(make_bam) -> None:
    """A chunk that begins or ends amid a record counts as refused: whoever reads it finds no record there."""
    lines = [line for line in made_lines(3) if line[0] != "u"] + [line for line in made_lines(3) if line[0] == "u"][:5]
    path = make_bam("made.bam", CONTIGS, lines, index=False)
    placed = Placed.of(path)
    regions = random_regions(placed, CONTIGS, n=15, seed=1)
    index, raw = raw_of(path, "-b")
    rng = np.random.default_rng(2)
    boundaries = {*placed.offsets.tolist(), *placed.offsets_after.tolist()}
    refused = kept = 0
    for _ in range(1500):
        place, bit = int(rng.integers(len(raw))), int(rng.integers(8))
        index.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :])
        try:
            bam = BamFile(path)
        except IndexMismatchError:
            refused += 1
            continue
        bam.close()
        kept += 1
        for region in regions:
            chunks = bam.index.chunks(*region)
            if all(offset in boundaries for chunk in packed(chunks) for offset in chunk):
                missing = placed.overlapping(*region) & ~placed.inside(chunks)
                assert not missing.any(), (place, bit, region, placed.names[missing])
    assert refused > 300
    assert kept > 100


@pytest.mark.parametrize("n_contigs", [-1, -(1 << 31), (1 << 31) - 1, 0, 4, 6])
@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_absurd_number_of_contigs_is_refused(make_bam, n_contigs: int, kind: str) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    index, raw = raw_of(path, kind)
    at = 4 if kind == "-b" else 16
    index.write_bytes(raw[:at] + n_contigs.to_bytes(4, "little", signed=True) + raw[at + 4 :])
    with pytest.raises(IndexMismatchError, match=re.escape(f"{index}: ")):
        BamFile(path)


@pytest.mark.parametrize("number", [1 << 31, (1 << 32) - 1, (1 << 31) - 1, 1000])
def test_absurd_counts_are_refused_at_once(tmp_path: Path, number: int) -> None:
    path = tmp_path / "absurd"
    count = number.to_bytes(4, "little")
    for raw in (
        b"BAI\x01" + bytes([1, 0, 0, 0]) + count + bytes(99),  # bins
        b"BAI\x01" + bytes([1, 0, 0, 0, 1, 0, 0, 0]) + bytes(4) + count + bytes(99),  # chunks
        b"BAI\x01" + bytes([1, 0, 0, 0]) + bytes(4) + count + bytes(99),  # windows
        b"CSI\x01" + bytes([14, 0, 0, 0, 5, 0, 0, 0]) + count + bytes(99),  # auxiliary bytes
        b"CSI\x01" + count + bytes([5, 0, 0, 0]) + bytes(99),  # min_shift
        b"CSI\x01" + bytes([14, 0, 0, 0]) + count + bytes(99),  # depth
    ):
        path.write_bytes(raw)
        with pytest.raises(IndexMismatchError, match="index is cut short or damaged"):
            BinningIndex.read(path)


CHUNKS = [(1 << 16, 2 << 16), (3 << 16, 4 << 16), (5 << 16, 6 << 16)]
A, B, C = CHUNKS


@pytest.mark.parametrize(
    "raw",
    [
        bai_bytes([({}, [])]),
        bai_bytes([({4681: (0, [A, B])}, [A[0]]), ({}, []), ({4690: (0, [C])}, [])]),
        bai_bytes([({4681: (0, [B, A])}, [A[0]])]),  # chunks in any order
        bai_bytes(
            [({4690: (0, [C]), 4681: (0, [A])}, [A[0], *[0] * 8, C[0]])]
        ),  # bins in any order, windows without offset
        bai_bytes([({4683: (0, [A])}, [0, 0, A[0]])]),
        bai_bytes([({4683: (0, [A])}, [A[0], A[0], A[0]])]),  # filled from the right, as htslib does now
        bai_bytes([({4681: (0, [A]), 4683: (0, [B])}, [A[0], A[0], B[0]])]),  # filled from the left
        bai_bytes([({0: (0, [A]), 4683: (0, [B])}, [A[0], A[0], A[0], A[0]])]),
        # The first record is an unmapped one of the third window: htslib before 1.13 gave its offset to the windows before.
        bai_bytes([({4683: (0, [A, B])}, [A[0], A[0], B[0]])]),
        bai_bytes([({4681: (0, [A]), 37450: (0, [A, (9, 2)])}, [A[0]])], tail=bytes(8)),
        csi_bytes([{585: (A[0], [A]), 4681: (A[0], [B]), 4682: (B[0], [C])}]),
        csi_bytes([{585: (0, [A]), 4681: (0, [B]), 4682: (0, [C])}]),
        csi_bytes([{4681: (A[0], [A])}, {}, {4681: (B[0], [B])}], auxiliary=b"any bytes", tail=bytes(8)),
        csi_bytes([{0: (A[0], [A, B])}], min_shift=20, depth=0),
        csi_bytes([{(1 << 27) - 1: (A[0], [A])}], min_shift=3, depth=9),
    ],
)
def test_what_writers_may_write_is_accepted(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "index"
    path.write_bytes(raw)
    index = BinningIndex.read(path)
    for contig in range(index.n_contigs):
        chunks = [
            chunk
            for b in range(index.bin_starts[contig], index.bin_starts[contig + 1])
            for chunk in index.chunk_array[index.chunk_starts[b] : index.chunk_starts[b + 1]].tolist()
        ]
        assert packed(index.chunks(contig, 0, 1 << 40)) == sorted(map(tuple, chunks))


@pytest.mark.parametrize(
    "raw",
    [
        bai_bytes([({37449: (0, [A])}, [A[0]])]),  # no such bin
        bai_bytes([({37451: (0, [A])}, [A[0]])]),
        bai_bytes([({1 << 31: (0, [A])}, [A[0]])]),
        bai_bytes([({37450: (0, [A])}, [])]),  # metadata are two pairs
        csi_bytes([{4681: (A[0], [A])}], depth=4),
        bai_bytes([({4681: (0, [(A[1], A[0])])}, [A[0]])]),  # reversed
        bai_bytes([({4681: (0, [(A[0], 1 << 63)])}, [A[0]])]),
        bai_bytes([({4681: (0, [(1 << 63, A[1])])}, [A[0]])]),
        bai_bytes([({4681: (0, [A, (A[1] - 9, B[1])])}, [A[0]])]),  # overlap
        bai_bytes([({4681: (0, [B]), 4682: (0, [A])}, [A[0]])]),  # against the order of positions
        bai_bytes([({4681: (0, [B]), 4682: (0, [(A[0], C[0])])}, [A[0]])]),
        bai_bytes([({4681: (0, [B]), 586: (0, [A])}, [A[0]])]),
        bai_bytes([({4681: (0, [(A[0], C[1])]), 586: (0, [B])}, [A[0]])]),
        bai_bytes([({4681: (0, [B])}, [B[0]]), ({4681: (0, [A])}, [A[0]])]),  # contigs
        bai_bytes([({4681: (0, [(A[0], C[1])])}, [A[0]]), ({4681: (0, [B])}, [B[0]])]),
        bai_bytes([({4681: (0, [A]), 4682: (0, [B])}, [B[0], A[0]])]),  # windows fall
        bai_bytes([({4681: (0, [A]), 4682: (0, [B])}, [B[0], B[0]]), ({}, [A[0]])]),  # in no chunk of the contig
        bai_bytes([({4681: (0, [A]), 4682: (0, [C])}, [A[0], A[1]])]),  # in no chunk
        bai_bytes([({4681: (0, [A]), 4683: (0, [B])}, [A[0], B[0], C[0]])]),
        bai_bytes([({4681: (0, [A]), 4684: (0, [B])}, [B[0], B[0], B[0]])]),  # in a chunk of a bin elsewhere
        bai_bytes([({4681: (0, [A])}, [1 << 63])]),
        csi_bytes([{4681: (B[0], [A, B]), 4682: (A[0], [C])}]),  # loffs fall
        csi_bytes([{585: (A[0], [A]), 4681: (B[0], [B])}]),  # differ though the bins begin together
        csi_bytes([{4681: (A[1], [A, C])}]),  # in no chunk
        csi_bytes([{4681: (1 << 63, [A])}]),
    ],
)
def test_what_sorted_records_cannot_have_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "index"
    path.write_bytes(raw)
    with pytest.raises(IndexMismatchError, match=re.escape(f"{path}: index is ") + ".*damaged"):
        BinningIndex.read(path)


@pytest.mark.parametrize("number", [4681, 37450])
def test_bin_named_twice_is_refused(tmp_path: Path, number: int) -> None:
    path = tmp_path / "index"
    once = bai_bytes([({number: (0, [A, B])}, [])])
    path.write_bytes(once[:8] + (2).to_bytes(4, "little") + once[12:-4] * 2 + bytes(4))
    with pytest.raises(IndexMismatchError, match="index is damaged"):
        BinningIndex.read(path)


@pytest.mark.parametrize(("min_shift", "depth"), [(13, 1), (15, 1), (14, 2), (11, 2), (17, 1), (4, 5)])
def test_csi_of_another_geometry_is_refused(make_bam, min_shift: int, depth: int) -> None:
    path = make_bam("c.bam", {"c": 100_000}, spread_lines("c", 100_000, 30_000, seed=1), index=False)
    index, raw = raw_of(path, "-m14")
    assert BinningIndex.read(index).geometry == Geometry(14, 1)
    header = b"".join(number.to_bytes(4, "little") for number in (min_shift, depth))
    index.write_bytes(raw[:4] + header + raw[12:])
    with pytest.raises(IndexMismatchError, match=re.escape(f"{index}: ")):
        BamFile(path)


def test_bai_with_one_window_too_many_is_refused(make_bam) -> None:
    """The window swallows the counts of the empty contig that follows, and all later contigs move up by one."""
    path = make_bam("made.bam", CONTIGS, [line for line in made_lines(7) if line[0] != "u"])
    raw = Path(f"{path}.bai").read_bytes()
    n_windows = int((BinningIndex.read(f"{path}.bai")).window_starts[1])
    place = raw.index(n_windows.to_bytes(4, "little"))
    Path(f"{path}.bai").write_bytes(raw[:place] + (n_windows + 1).to_bytes(4, "little") + raw[place + 4 :])
    index = BinningIndex.read(f"{path}.bai")
    assert index.unplaced is None
    assert index.bin_starts[1] < index.bin_starts[2]  # the empty contig has got the bins of the next
    with pytest.raises(IndexMismatchError, match="does not fit its BAM"):
        BamFile(path)


# Which index is taken, and whether it fits


def test_index_may_lack_bam_in_its_name(make_bam) -> None:
    for kind, suffix in (("-b", ".bai"), ("-m14", ".csi")):
        path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
        with_index(path, kind).rename(path.with_suffix(suffix))
        assert BamFile(path).index.path == str(path.with_suffix(suffix))
        path.with_suffix(suffix).unlink()


def test_index_is_taken_in_the_order_of_htslib(make_bam, monkeypatch) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    pysam.samtools.index("-c", str(path))
    shutil.copyfile(f"{path}.bai", path.with_suffix(".bai"))
    shutil.copyfile(f"{path}.csi", path.with_suffix(".csi"))
    for place in (Path(f"{path}.csi"), path.with_suffix(".csi"), Path(f"{path}.bai"), path.with_suffix(".bai")):
        opened = BamFile(path)
        assert opened.index.path == str(place)
        opened.close()
        place.unlink()


def test_without_an_index_one_is_made_and_nothing_is_left(make_bam, caplog) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    caplog.set_level("INFO", "colonnade")
    before = sorted(path.parent.iterdir())
    bam = BamFile(path)
    bam.close()
    assert sorted(path.parent.iterdir()) == before
    assert [record.getMessage() for record in caplog.records] == [
        f"no index beside {path}; reading it once to make one (samtools index saves this)"
    ]
    beside = BinningIndex.read(with_index(path, "-m14"))
    assert bam.index.path == str(path)
    assert bam.index.unplaced == beside.unplaced
    assert bam.index.geometry == beside.geometry
    for region in random_regions(Placed.of(path), CONTIGS, n=30, seed=1):
        assert bam.index.chunks(*region) == beside.chunks(*region)


def test_records_out_of_order_are_found_out_without_an_index(make_bam) -> None:
    lines = ["b\t0\tlong\t100\t60\t4M\t*\t0\t0\tACGT\tIIII", "a\t0\tlong\t50\t60\t4M\t*\t0\t0\tACGT\tIIII"]
    path = make_bam("unsorted.bam", CONTIGS, lines, sort=False, index=False)
    with pytest.raises(
        FormatError, match=r"found Unsorted positions on sequence #1: 100 followed by 50; .*samtools sort"
    ):
        BamFile(path)


def test_damaged_bam_is_found_out_without_an_index(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    with pytest.raises(FormatError, match=re.escape(f"{path}: no index, and none can be made; found ")):
        BamFile(path)


def swap_index(path: Path, other: Path) -> None:
    shutil.copyfile(f"{other}.bai", f"{path}.bai")
    os.utime(f"{path}.bai")


def test_index_of_a_bam_with_other_contigs_is_refused(make_bam) -> None:
    path = make_bam("a.bam", CONTIGS, made_lines(0))
    other = make_bam("b.bam", {**CONTIGS, "more": 9}, made_lines(0))
    swap_index(path, other)
    with pytest.raises(IndexMismatchError, match=r"does not fit its BAM; found 6 contigs; expected 5"):
        BamFile(path)


@pytest.mark.parametrize("kind", ["-b", "-m14"])
def test_index_of_another_bam_is_refused(make_bam, kind: str) -> None:
    paths = [make_bam(f"{seed}.bam", CONTIGS, made_lines(seed), index=False) for seed in range(4)]
    places = [with_index(path, kind) for path in paths]
    indexes = [place.read_bytes() for place in places]
    for i, (path, place) in enumerate(zip(paths, places, strict=True)):
        for j, raw in enumerate(indexes):
            place.write_bytes(raw)
            if i == j:
                BamFile(path).close()
                continue
            with pytest.raises(IndexMismatchError, match="does not fit its BAM"):
                BamFile(path)


def test_index_of_an_empty_bam_is_refused_beside_one_with_records(make_bam) -> None:
    path = make_bam("a.bam", CONTIGS, made_lines(0))
    swap_index(path, make_bam("b.bam", CONTIGS, []))
    with pytest.raises(IndexMismatchError, match="does not fit its BAM"):
        BamFile(path)


@pytest.mark.parametrize("unplaced", [False, True])
def test_index_older_than_records_at_the_end_of_its_bam_is_refused(make_bam, unplaced: bool) -> None:
    lines = [line for line in made_lines(0) if unplaced or line[0] != "u"]
    late = [line for line in lines if line[0] == "x"]
    early = make_bam("early.bam", CONTIGS, [line for line in lines if line not in late])
    path = make_bam("grown.bam", CONTIGS, lines)
    swap_index(path, early)
    with pytest.raises(IndexMismatchError, match="does not fit its BAM"):
        BamFile(path)


def test_index_of_a_longer_bam_is_refused(make_bam) -> None:
    lines = made_lines(0)
    path = make_bam("short.bam", CONTIGS, lines[:500])
    swap_index(path, make_bam("long.bam", CONTIGS, lines))
    with pytest.raises(IndexMismatchError, match="does not fit its BAM"):
        BamFile(path)


def test_index_older_than_its_bam_is_warned_about(make_bam, caplog) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    os.utime(f"{path}.bai", (1, 1))
    BamFile(path).close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{path}.bai is older than its BAM file" in caplog.text


def test_queryname_sorted_bam_is_refused_before_its_index_is_looked_for(make_bam, tmp_path: Path) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    by_name = tmp_path / "by_name.bam"
    pysam.samtools.sort("-n", "-o", str(by_name), str(path), catch_stdout=False)
    with pytest.raises(FormatError, match=r"header: not sorted by coordinate; found SO:queryname"):
        BamFile(by_name)


def test_wrong_number_of_the_last_bin_of_a_contig_is_refused(make_bam) -> None:
    contigs = {"a": 10_000_000, "b": 10_000_000, "c": 10_000_000}
    lines = [line for number, contig in enumerate(contigs) for line in spread_lines(contig, 700_000, 900, number)]
    path = make_bam("made.bam", contigs, lines, index=False)
    pysam.samtools.index("-b", str(path))
    index_path = Path(f"{path}.bai")
    index, placed, raw = BinningIndex.read(index_path), Placed.of(path), index_path.read_bytes()
    refused = 0
    for contig in range(3):
        last = int(index.bins[index.bin_starts[contig + 1] - 1])
        at = -1
        for _ in range(contig + 1):
            at = raw.find(last.to_bytes(4, "little"), at + 1)
        for bit in range(15):
            mutant = bytearray(raw)
            mutant[at : at + 4] = (last ^ 1 << bit).to_bytes(4, "little")
            index_path.write_bytes(mutant)
            try:
                bam = BamFile(path)
            except IndexMismatchError:
                refused += 1
                continue
            for number in range(3):
                for start in range(0, 800_000, 20_000):
                    chunks = np.array(packed(bam.index.chunks(number, start, start + 20_000))).reshape(-1, 2)
                    offsets = placed.offsets[placed.overlapping(number, start, start + 20_000)]
                    inside = (offsets[:, None] >= chunks[:, 0]) & (offsets[:, None] < chunks[:, 1])
                    assert inside.any(axis=1).all(), (contig, bit, number, start)
            bam.close()
    assert refused > 30
