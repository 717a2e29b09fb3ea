"""The index finds exactly the records that pysam's fetch finds, and one that does not fit is refused."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats.bai import BaiIndex
from colonnade.formats.bam import BamFile
from colonnade.records.filters import Flag, ReadFilter
from colonnade.records.source import read_batch
from colonnade.regions import Region

EVERYTHING = ReadFilter(min_mapq=0, exclude_flags=Flag.UNMAP)

REAL = (
    "hiv_caprisa/CAP188_wk4.bwamem.bam",
    "tumour_normal_colo829_chr20/Colo829.18.chr20.MissedStrongLoh.bam",
    "taps_mouse_lambda/test.bam",
    "sarscov2_twist/pos_MN908947_3_1.bwamem.bam",
    "ebola_ubam/G5012.3.bwaaln.bam",
    "samtools_mpileup/ce#5b.bam",
)
CONTIGS = {"long": 3_000_000, "empty": 5000, "x:1-9": 200_000, "single": 40_000, "last_empty": 100}


def names(batch) -> list[tuple[str, int, int]]:
    return [
        (
            batch.data[r["name"] : r["name"] + r["l_name"] - 1].tobytes().decode(),
            int(r["flag"]),
            int(r["start"]),
        )
        for r in batch.records
    ]


def fetched(path: Path, region: Region) -> list[tuple[str, int, int]]:
    with pysam.AlignmentFile(str(path)) as file:
        records = file.fetch(contig=region.contig, start=region.start, stop=region.end)
        return [
            (r.query_name, r.flag, r.reference_start)
            for r in records
            if not r.is_unmapped and r.cigartuples is not None
        ]


def check_random_regions(path: Path, *, n: int, seed: int) -> int:
    """Compare with pysam on random regions, wide and narrow, and on whole contigs; returns the records seen."""
    rng = np.random.default_rng(seed)
    bam = BamFile(path)
    seen = 0
    for contig, length in bam.header.lengths.items():
        with pysam.AlignmentFile(str(path)) as file:
            starts = [r.reference_start for r in file.fetch(contig)] or [0]
        regions = [Region(contig, 0, length)]
        for _ in range(n):
            start = int(rng.choice(starts)) + int(rng.integers(-500, 500)) if rng.random() < 0.7 else None
            start = int(rng.integers(0, length)) if start is None else min(max(start, 0), length - 1)
            end = min(length, start + int(10 ** rng.uniform(0, 6)))
            regions.append(Region(contig, start, end))
        for region in regions:
            expected = fetched(path, region)
            assert names(read_batch(bam, region, EVERYTHING)) == expected, region
            seen += len(expected)
    bam.close()
    return seen


def made_lines(seed: int) -> list[str]:
    """SAM lines with long reads, gaps of every size, long skips, duplicates and unmapped reads in every place."""
    rng = np.random.default_rng(seed)
    lines = []
    for contig, length, n in (("long", 3_000_000, 900), ("x:1-9", 200_000, 400), ("single", 40_000, 1)):
        centres = rng.integers(0, length - 1000, 12)
        for number in range(n):
            start = int(np.clip(rng.choice(centres) + rng.normal(0, 3000), 1, length - 300))
            size = int(10 ** rng.uniform(1, 3.5))
            skip = int(10 ** rng.uniform(2, 6)) if rng.random() < 0.05 else 0
            if start + 2 * size + skip >= length:
                size, skip = 50, 0
            cigar = f"{size}M{skip}N{size}M" if skip else f"{2 * size}M"
            flag = int(rng.choice([0, 16, 256, 1024, 2048, 4], p=[0.4, 0.4, 0.05, 0.05, 0.05, 0.05]))
            sequence = "".join(rng.choice(list("ACGT"), 2 * size))
            lines.append(
                f"{contig[0]}{number}\t{flag}\t{contig}\t{start}\t{int(rng.integers(0, 61))}\t{'*' if flag & 4 else cigar}"
                f"\t*\t0\t0\t{sequence}\t*"
            )
    lines += [f"u{number}\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII" for number in range(300)]
    return lines


@pytest.mark.parametrize("name", REAL)
def test_records_of_random_regions_equal_fetch_on_real_data(shared_data: Path, name: str) -> None:
    assert check_random_regions(shared_data / name, n=25, seed=1) > 0


@pytest.mark.parametrize("seed", range(3))
def test_records_of_random_regions_equal_fetch_on_made_data(make_bam, seed: int) -> None:
    assert check_random_regions(make_bam("made.bam", CONTIGS, made_lines(seed)), n=60, seed=seed) > 1000


def test_bai_may_lack_bam_in_its_name(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    Path(f"{path}.bai").rename(path.with_suffix(".bai"))
    BamFile(path).close()


def test_number_of_unplaced_records_is_known(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    assert BaiIndex(f"{path}.bai").unplaced == 300


def test_index_without_its_number_of_unplaced_records_is_fine(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    index = Path(f"{path}.bai")
    index.write_bytes(index.read_bytes()[:-8])
    assert BaiIndex(index).unplaced is None
    assert check_random_regions(path, n=5, seed=0) > 0


@pytest.mark.parametrize("raw", [b"", b"BAI", b"garbage " * 40, b"CSI\x01" + bytes(40), b"TBI\x01" + bytes(40)])
def test_other_files_are_not_an_index(make_bam, raw: bytes) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    Path(f"{path}.bai").write_bytes(raw)
    with pytest.raises(IndexMismatchError, match=re.escape(f"{path}.bai: not a BAI index")):
        BamFile(path)


def test_index_cut_anywhere_is_refused(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    raw = Path(f"{path}.bai").read_bytes()
    cuts = {*np.random.default_rng(1).integers(8, len(raw), 60).tolist(), len(raw) - 1, len(raw) - 16} - {len(raw) - 8}
    for cut in cuts:
        Path(f"{path}.bai").write_bytes(raw[:cut])
        with pytest.raises(IndexMismatchError, match=re.escape(f"{path}.bai: ")):
            BamFile(path)


@pytest.mark.parametrize("n_contigs", [-1, -(1 << 31), (1 << 31) - 1, 0, 4, 6])
def test_absurd_number_of_contigs_is_refused(make_bam, n_contigs: int) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0))
    raw = Path(f"{path}.bai").read_bytes()
    Path(f"{path}.bai").write_bytes(raw[:4] + n_contigs.to_bytes(4, "little", signed=True) + raw[8:])
    with pytest.raises(IndexMismatchError, match=re.escape(f"{path}.bai: ")):
        BamFile(path)


def test_missing_index_says_how_to_make_it(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    with pytest.raises(IndexMismatchError, match=re.escape(f"{path}: no index; expected made.bam.bai")):
        BamFile(path)


def test_csi_alone_says_what_to_do(make_bam) -> None:
    path = make_bam("made.bam", CONTIGS, made_lines(0), index=False)
    pysam.samtools.index("-c", str(path))
    with pytest.raises(IndexMismatchError, match="CSI indexes cannot be read yet; samtools index -b"):
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


def test_index_of_another_bam_is_refused(make_bam) -> None:
    paths = [make_bam(f"{seed}.bam", CONTIGS, made_lines(seed)) for seed in range(4)]
    indexes = [Path(f"{path}.bai").read_bytes() for path in paths]
    for i, path in enumerate(paths):
        for j, raw in enumerate(indexes):
            Path(f"{path}.bai").write_bytes(raw)
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


def test_header_that_is_not_bam_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sam.bam"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:100\nr\t0\tc\t1\t60\t4M\t*\t0\t0\tACGT\tIIII\n")
    with pytest.raises(FormatError, match=re.escape(f"{path}: ") + ".*BAM"):
        BamFile(path)


def test_garbage_in_bgzf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "garbage.bam"
    for content in (b"", b"BAM", b"BAM\x01\xff\xff\xff\x7f", b"BAM\x01" + bytes(4) + b"\xff\xff\xff\xff", bytes(99)):
        with pysam.BGZFile(str(path), "wb") as file:
            file.write(content)
        with pytest.raises(FormatError, match=re.escape(f"{path}: ")):
            BamFile(path)


def test_contig_named_twice_in_the_header_is_refused(tmp_path: Path) -> None:
    text = b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:100\n@SQ\tSN:c\tLN:100\n"
    contig = (2).to_bytes(4, "little") + b"c\x00" + (100).to_bytes(4, "little")
    content = b"BAM\x01" + len(text).to_bytes(4, "little") + text + (2).to_bytes(4, "little") + contig * 2
    path = tmp_path / "twice.bam"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(content)
    Path(f"{path}.bai").write_bytes(b"BAI\x01" + (2).to_bytes(4, "little") + bytes(16) + bytes(8))
    with pytest.raises(FormatError, match=re.escape(f"{path}: ")):
        BamFile(path)
