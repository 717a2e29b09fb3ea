"""``tally``: the same counts for every kind of file, number of threads and memory, equal to pysam's."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest

import colonnade as cn
from colonnade.errors import FormatError, InputError, UsageError
from colonnade.formats.fasta import Fasta

LENGTH = 40_000
EVERYTHING = cn.ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=cn.Flag.UNMAP)


def made_reads(reference: str, n: int = 2500, seed: int = 1) -> list[str]:
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(n):
        start = int(rng.integers(0, LENGTH - 200))
        flag = int(rng.choice([0, 16]))
        cigar, sequence = "60M", reference[start : start + 60]
        if rng.random() < 0.1:
            cigar, sequence = "30M3I30M", reference[start : start + 30] + "ACG" + reference[start + 30 : start + 60]
        elif rng.random() < 0.1:
            cigar, sequence = "30M2D30M", reference[start : start + 30] + reference[start + 32 : start + 62]
        qualities = "".join(chr(33 + q) for q in rng.integers(2, 41, len(sequence)))
        lines.append(
            f"r{number}\t{flag}\tc\t{start + 1}\t{int(rng.integers(0, 61))}\t{cigar}\t*\t0\t0\t{sequence}\t{qualities}"
        )
    return lines


@pytest.fixture
def reference(make_fasta) -> Path:
    rng = np.random.default_rng(7)
    return make_fasta("ref.fa", {"c": "".join(rng.choice(list("ACGT"), LENGTH)), "d": "ACGT" * 25})


@pytest.fixture
def bam(make_bam, reference: Path) -> Path:
    sequence = pysam.FastaFile(str(reference)).fetch("c")
    return make_bam("made.bam", {"c": LENGTH, "d": 100}, made_reads(sequence))


def assert_same(one: cn.RegionTally, other: cn.RegionTally) -> None:
    for name in ("strands", "low_quality", "matches", "indel_positions", "indel_counts"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert (one.region, one.indel_names, one.records) == (other.region, other.indel_names, other.records)


def test_bases_equal_count_coverage(bam: Path) -> None:
    found = cn.tally(bam, "c:101-39,000", read_filter=EVERYTHING)
    with pysam.AlignmentFile(str(bam)) as file:
        for strand, is_reverse in enumerate((False, True)):
            columns = file.count_coverage(
                "c", 100, 39_000, quality_threshold=0, read_callback=lambda r, rev=is_reverse: r.is_reverse == rev
            )
            assert np.array_equal(found.strands[strand], np.array(columns).T)
    assert found.bases.tolist() == (found.strands[0] + found.strands[1]).tolist()
    assert found.depth.tolist() == found.bases.sum(axis=1).tolist()
    assert found.positions[[0, -1]].tolist() == [100, 38_999]


def test_indels_carry_letters_and_numbers(bam: Path, reference: Path) -> None:
    found = cn.tally(bam, "c", read_filter=EVERYTHING)
    expected: Counter[tuple[int, str]] = Counter()
    with pysam.AlignmentFile(str(bam)) as file:
        for read in file:
            if (text := read.cigarstring) != "60M":
                expected[read.reference_start + 29, "+ACG" if "I" in text else "-NN"] += 1
    listed = zip(found.indel_positions.tolist(), found.indel_names, strict=True)
    assert dict(zip(listed, found.indel_counts.tolist(), strict=True)) == expected
    assert found.records == {"kept": 2500, "unmapped": 0, "exclude_flags": 0}
    named = cn.tally(bam, "c", reference=reference, read_filter=EVERYTHING)
    bases = pysam.FastaFile(str(reference)).fetch("c")
    deletions = [
        (p, name) for p, name in zip(named.indel_positions.tolist(), named.indel_names, strict=True) if name[0] == "-"
    ]
    assert deletions
    assert all(name[1:] == bases[p + 1 : p + 1 + len(name) - 1] for p, name in deletions)
    assert named.indel_counts.sum() == found.indel_counts.sum()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("memory", [1, 100_000, 1 << 30])
def test_threads_and_memory_do_not_change_counts(bam: Path, reference: Path, threads: int, memory: int) -> None:
    expected = cn.tally(bam, "c", reference=reference)
    assert_same(cn.tally(bam, "c", reference=reference, threads=threads, memory=memory), expected)


@pytest.mark.parametrize("kind", ["csi", "no index", "sam", "sam.gz", "cram", "cram without index"])
def test_every_kind_of_file_gives_the_same_counts(
    bam: Path, reference: Path, tmp_path: Path, kind: str, caplog
) -> None:
    expected = cn.tally(bam, "c:5,000-35,000", reference=reference)
    path = tmp_path / f"other.{kind.split()[0]}"
    if kind in ("csi", "no index"):
        path = tmp_path / "other.bam"
        path.write_bytes(bam.read_bytes())
        if kind == "csi":
            pysam.samtools.index("-c", str(path))
    elif kind == "sam.gz":
        pysam.samtools.view("-h", "--output-fmt", "sam.gz", "-o", str(path), str(bam), catch_stdout=False)
    else:
        options = ("-C", "-T", str(reference)) if path.suffix == ".cram" else ("-h",)
        pysam.samtools.view(*options, "-o", str(path), str(bam), catch_stdout=False)
        if kind == "cram":
            pysam.samtools.index(str(path))
    assert_same(cn.tally(path, "c:5,000-35,000", reference=reference), expected)
    assert_same(cn.tally(path, "c:5,000-35,000", reference=reference, threads=2, memory=200_000), expected)


def test_several_files_add_up(bam: Path, make_bam, reference: Path) -> None:
    sequence = pysam.FastaFile(str(reference)).fetch("c")
    other = make_bam("other.bam", {"c": LENGTH}, made_reads(sequence, seed=2))
    one, two, both = (cn.tally(paths, "c") for paths in (bam, other, [bam, other]))
    assert np.array_equal(both.strands, one.strands + two.strands)
    assert both.records == {name: one.records[name] + two.records[name] for name in one.records}


def test_a_region_object_and_a_mask_file_are_taken(bam: Path, tmp_path: Path) -> None:
    bed = tmp_path / "mask.bed"
    bed.write_text("c\t100\t200\n")
    found = cn.tally(bam, cn.Region("c", 50, 300), read_filter=cn.ReadFilter(mask=bed))
    plain = cn.tally(bam, "c:51-300")
    assert not found.bases[50:150].any()
    assert np.array_equal(found.bases[150:], plain.bases[150:])
    assert repr(plain).startswith("RegionTally(c:51-300, ")


def test_contig_without_reads_gives_zeros(bam: Path) -> None:
    found = cn.tally(bam, "d")
    assert found.bases.shape == (100, 4)
    assert not found.bases.any()


def test_wrong_questions_are_told(bam: Path, make_bam, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names an unknown contig"):
        cn.tally(bam, "nowhere:1-5")
    with pytest.raises(InputError, match="c: contig has another length in another file"):
        cn.tally([bam, make_bam("short.bam", {"c": 50}, [])], "c")
    bed = tmp_path / "mask.bed"
    bed.write_text("elsewhere\t1\t5\n")
    with pytest.raises(FormatError, match=re.escape(f"{bed}: line 1: unknown contig")):
        cn.tally(bam, "c", read_filter=cn.ReadFilter(mask=bed))


def test_cram_needs_its_reference(bam: Path, reference: Path, tmp_path: Path) -> None:
    path = tmp_path / "made.cram"
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(path), str(bam), catch_stdout=False)
    with pytest.raises(InputError, match="a CRAM needs its reference"):
        cn.tally(path, "c")


def test_unsorted_sam_is_refused(bam: Path, tmp_path: Path) -> None:
    path = tmp_path / "unsorted.sam"
    lines = pysam.samtools.view("-h", str(bam)).splitlines()
    header = [line for line in lines if line.startswith("@")]
    path.write_text("\n".join([*header, *reversed(lines[len(header) :])]).replace("SO:coordinate", "SO:unknown") + "\n")
    with pytest.raises(FormatError, match=re.escape(f"{path}: no index, and none can be made")):
        cn.tally(path, "c")


def test_counts_near_a_cut_do_not_depend_on_records_far_away(make_bam) -> None:
    # A supplementary record, a mate that reaches far by a skip, and the other mate there.
    sequence, qualities = "ACGTA" * 20, "I" * 100
    lines = [
        f"t\t2145\tc\t101\t60\t50M50S\t=\t20160\t0\t{sequence}\t{qualities}",
        f"t\t97\tc\t121\t60\t50M19980N50M\t=\t20160\t20139\t{sequence}\t{qualities}",
        f"t\t145\tc\t20160\t60\t100M\t=\t121\t-20139\t{sequence}\t{qualities}",
    ]
    path = make_bam("skip.bam", {"c": LENGTH}, lines)
    whole = cn.tally(path, "c")
    assert whole.depth.max() == 2  # the supplementary record and its own read; mates nowhere
    assert whole.depth[20_159:20_250].tolist() == [1] * 91
    for start in (0, 5000, 20_000, 20_170):
        part = cn.tally(path, cn.Region("c", start, LENGTH))
        assert np.array_equal(part.bases, whole.bases[start:])
    assert_same(cn.tally(path, "c", memory=1, threads=2), whole)


def test_records_of_one_name_take_no_longer_than_others(make_bam) -> None:
    sequence, qualities = "ACGTA" * 20, "I" * 100
    rng = np.random.default_rng(1)
    starts = np.sort(rng.integers(1, 300, 60_000)).tolist()
    lines = [f"x\t99\tc\t{s}\t60\t100M\t=\t{s + 30}\t130\t{sequence}\t{qualities}" for s in starts]
    path = make_bam("same.bam", {"c": LENGTH}, lines)
    small, large = (cn.tally(path, "c", memory=memory) for memory in (1 << 22, 1 << 30))
    assert_same(small, large)
    assert large.records["kept"] == 60_000


def test_deletion_over_the_end_of_a_contig_keeps_its_length(make_bam, make_fasta) -> None:
    reference = make_fasta("short.fa", {"s": "ACGTACGTAC" * 2})
    path = make_bam("over.bam", {"s": 20}, ["r\t0\ts\t6\t60\t10M8D2M\t*\t0\t0\tCGTACGTACGTT\tIIIIIIIIIIII"])
    assert cn.tally(path, "s", reference=reference).indel_names == ["-CGTACNNN"]
    assert cn.tally(path, "s").indel_names == ["-" + "N" * 8]


def test_a_long_skip_does_not_load_the_reference_under_it(make_bam, make_fasta, monkeypatch) -> None:
    reference = make_fasta("long.fa", {"c": "ACGTT" * (LENGTH // 5)})
    sequence, qualities = "ACGTT" * 4, "I" * 20
    path = make_bam("skip.bam", {"c": LENGTH}, [f"r\t0\tc\t1\t60\t10M39000N5M2D5M\t*\t0\t0\t{sequence}\t{qualities}"])
    asked: list[int] = []
    fetch = Fasta.stretch
    monkeypatch.setattr(Fasta, "stretch", lambda self, region: asked.append(len(region)) or fetch(self, region))
    assert cn.tally(path, "c:39,001-39,100", reference=reference).indel_counts.tolist() == [1]
    assert max(asked) < 200
