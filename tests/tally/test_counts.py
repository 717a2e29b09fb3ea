"""Tallies against plain walks over records that pysam reads."""

from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.formats.bam import BamFile
from colonnade.formats.fasta import Fasta
from colonnade.records.filters import ReadFilter
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches, evidence
from colonnade.tally.indels import indel_table

LENGTH = 300
FILTER = ReadFilter(min_mapq=0)


def load(path: Path, region: Region, reference: str, *, left_align: bool):
    bam = BamFile(path)
    batches = list(read_batches([bam], region, FILTER))
    bam.close()
    path = path.with_suffix(".fa")
    path.write_text(f">c\n{reference}\n")
    fasta = Fasta(path)
    counts = count_batches(batches, Tally.zeros(region), min_baseq=5, reference=fasta if left_align else None)
    stretch = fasta.stretch(Region("c", region.start, len(reference)))
    fasta.close()
    return stretch, counts


def random_reads(rng: np.random.Generator, reference: str, n: int) -> list[str]:
    """SAM lines of single reads with indels, cut from a reference of few distinct words so that indels can move."""
    lines = []
    for number in range(n):
        start = int(rng.integers(0, LENGTH - 120))
        position, cigar, sequence = start, "", ""
        for block in range(int(rng.integers(1, 4))):
            if block:
                length = int(rng.integers(1, 5))
                if rng.random() < 0.5:
                    cigar += f"{length}D"
                    position += length
                else:
                    cigar += f"{length}I"
                    # Often a copy of what stands before, as in a repeat.
                    copied = (
                        sequence[-length:]
                        if len(sequence) >= length and rng.random() < 0.7
                        else "".join(rng.choice(list("ACGT"), length))
                    )
                    sequence += copied
            length = int(rng.integers(2, 30))
            cigar += f"{length}M"
            sequence += reference[position : position + length]
            position += length
        lines.append(f"r{number}\t0\tc\t{start + 1}\t60\t{cigar}\t*\t0\t0\t{sequence}\t{'I' * len(sequence)}")
    return lines


def moved_left(record: pysam.AlignedSegment, reference: str) -> list[tuple[int, int, str]]:
    """The aligned blocks (start, end) of a read and the event after each, every indel moved left step by step."""
    blocks = []
    position, query = record.reference_start, 0
    start = position
    for operation, length in record.cigartuples:
        if operation == 0:
            position += length
            query += length
        elif operation == 1:
            letters = record.query_sequence[query : query + length]
            anchor = position - 1
            while anchor > start and reference[anchor] == letters[-1]:
                letters = letters[-1] + letters[:-1]
                anchor -= 1
            blocks.append((start, anchor + 1, "+" + letters))
            query += length
            start = anchor + 1
            start_of_run = position
            blocks.append((start, position, ""))  # joined with what follows
            start = start_of_run
        elif operation == 2:
            anchor = position - 1
            while anchor > start and reference[anchor] == reference[anchor + length]:
                anchor -= 1
            blocks.append((start, anchor + 1, "-" + reference[anchor + 1 : anchor + 1 + length]))
            blocks.append((anchor + 1 + length, position + length, ""))
            position += length
            start = position
    blocks.append((start, position, "end"))
    return blocks


@pytest.mark.parametrize("seed", range(6))
def test_indels_move_left_and_matches_count_reads_that_cross(make_bam, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = "".join(rng.choice(["A", "AC", "ACC", "TTT", "G"], LENGTH))[:LENGTH]
    path = make_bam("r.bam", {"c": LENGTH}, random_reads(rng, reference, 200))
    crossing = np.zeros(LENGTH, int)
    events: Counter[tuple[int, str]] = Counter()
    for record in pysam.AlignmentFile(path):
        for start, end, event in moved_left(record, reference):
            joined = event == ""
            crossing[start : end if joined else end - 1] += 1
            if not joined and event != "end":
                events[end - 1, event] += 1

    region = Region("c", 0, LENGTH)
    codes, counts = load(path, region, reference, left_align=True)
    table = indel_table([counts], region, codes)
    found = Counter(
        {
            (int(position), table.names[k]): int(table.counts[k, 0])
            for j, position in enumerate(table.positions)
            for k in range(table.starts[j], table.starts[j + 1])
        }
    )
    assert found == events
    assert counts.matches.tolist() == crossing.tolist()
    for j in range(len(table.positions)):
        names = table.names[table.starts[j] : table.starts[j + 1]]
        assert names == sorted(names)


@pytest.mark.parametrize("step", [1, 7, 64])
def test_cutting_a_region_changes_nothing(make_bam, step: int) -> None:
    rng = np.random.default_rng(9)
    reference = "".join(rng.choice(["A", "AC", "TTT"], LENGTH))[:LENGTH]
    path = make_bam("r.bam", {"c": LENGTH}, random_reads(rng, reference, 200))
    _, whole = load(path, Region("c", 0, LENGTH), reference, left_align=True)
    parts = [
        load(path, Region("c", s, min(s + step, LENGTH)), reference, left_align=True)[1] for s in range(0, LENGTH, step)
    ]
    assert np.concatenate([part.bases for part in parts]).tolist() == whole.bases.tolist()
    assert np.concatenate([part.matches for part in parts]).tolist() == whole.matches.tolist()
    found = [e for part in parts for e in part.events[["position", "length", "count"]].tolist()]
    assert sorted(found) == sorted(whole.events[["position", "length", "count"]].tolist())


def test_evidence_adds_up_to_base_counts(shared_data: Path) -> None:
    path = shared_data / "hiv_caprisa" / "CAP188_wk4.cons.bwamem.bam"
    bam = BamFile(path)
    contig, length = next(iter(bam.header.lengths.items()))
    region = Region(contig, 0, length)
    batches = list(read_batches([bam], region, ReadFilter()))
    bam.close()
    counts = count_batches(batches, Tally.zeros(region), min_baseq=5)
    loci = np.flatnonzero(counts.bases.sum(axis=1) > 0)[::3]
    seen = evidence(batches, loci, min_baseq=5)
    assert seen.sum(axis=(2, 3)).tolist() == counts.bases[loci].tolist()
    assert seen[:, :, :5].sum() == 0
    assert seen.sum(axis=2).transpose(2, 0, 1).tolist() == counts.strands[:, loci].tolist()
    assert (seen.sum(axis=(0, 1, 2)) > 0).all()  # both strands


def test_low_quality_and_ambiguous_bases_are_counted_apart(make_bam) -> None:
    line = "r\t0\tc\t1\t60\t6M\t*\t0\t0\tACGTNN\tII%&I!"  # qualities 40 40 4 5 40 0
    path = make_bam("r.bam", {"c": LENGTH}, [line])
    _, counts = load(path, Region("c", 0, 10), "A" * LENGTH, left_align=True)
    assert counts.bases[:4].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert counts.low_quality[:6].tolist() == [0, 0, 1, 0, 1, 1]
    assert counts.matches[:6].tolist() == [1, 1, 0, 1, 1, 0]


def test_same_insertion_in_two_samples_is_one_event_and_others_are_not(make_bam) -> None:
    reference = "CGTACGTTGCATCG" * 20
    reads = ["ACGT", "ACGA", "ACG"]
    lines = [
        f"r{k}\t0\tc\t1\t60\t10M{len(ins)}I10M\t*\t0\t0\t{reference[:10]}{ins}{reference[10:20]}\t{'I' * (20 + len(ins))}"
        for k, ins in enumerate(reads)
    ]
    one = make_bam("one.bam", {"c": LENGTH}, lines)
    two = make_bam("two.bam", {"c": LENGTH}, lines[:1])
    region = Region("c", 0, 40)
    tallies = []
    for path in (one, two):
        codes, counts = load(path, region, reference[:LENGTH], left_align=False)
        tallies.append(counts)
    table = indel_table(tallies, region, codes)
    assert table.positions.tolist() == [9]
    assert table.names == ["+ACG", "+ACGA", "+ACGT"]
    assert table.counts.tolist() == [[1, 0], [1, 0], [1, 1]]
    assert table.matches.tolist() == [[0, 0]]


def test_many_events_of_one_place_are_sorted_by_name(make_bam) -> None:
    rng = np.random.default_rng(12)
    reference = "".join(rng.choice(list("ACGT"), LENGTH))
    lines = []
    for number in range(300):
        inserted = "".join(rng.choice(list("AC"), rng.integers(1, 8)))
        cigar, bases = f"10M{len(inserted)}I10M", reference[:10] + inserted + reference[10:20]
        if number % 3 == 0:
            size = int(rng.integers(1, 9))
            cigar, bases = f"10M{size}D10M", reference[:10] + reference[10 + size : 20 + size]
        lines.append(f"r{number}\t0\tc\t1\t60\t{cigar}\t*\t0\t0\t{bases}\t{'I' * len(bases)}")
    region = Region("c", 0, 60)
    codes, counts = load(make_bam("r.bam", {"c": LENGTH}, lines), region, reference, left_align=False)
    table = indel_table([counts], region, codes)
    assert len(table.names) > 50
    assert table.names == sorted(table.names)
    assert table.counts.sum() == 300
