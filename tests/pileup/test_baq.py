"""Qualities after BAQ equal those of htslib, bit for bit: on real reads, and on made-up ones of every kind."""

from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pysam
import pytest

from colonnade.formats.bam import BamFile
from colonnade.pileup import baq
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import NO_FLAGS, ReadFilter
from colonnade.records.source import read_batches
from colonnade.regions import Region

EVERYTHING = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)
CONSUMES_QUERY, CONSUMES_REFERENCE = "MIS=X", "MDN=X"
LENGTH = 3000
N_READS = 15 if numba.config.DISABLE_JIT else 400
REAL = [
    ("anopheles_amplicon/MUT011_S351.bam", "anopheles_amplicon/sba_vgsc_mapping_ref_oneline.fa"),
    ("ecoli_k12_pe100/ecoli_1K.bwaaln.bam", "ecoli_k12_pe100/U00096.2.fasta"),
    ("hiv_caprisa/CAP188_wk4.bwamem.bam", "hiv_caprisa/HXB2.fasta"),
    ("hiv_caprisa/CAP217_wk4390.bwamem.bam", "hiv_caprisa/HXB2.fasta"),
    ("na12878_chr22_tiny/NA12878.chr22.tiny.bam", "na12878_chr22_tiny/q.fa"),
    ("na12878_chr22_tiny/splice_1_883884-887618.bam", "na12878_chr22_tiny/splice_1_883884-887618.fa"),
    ("sarscov2_twist/pos_MN908947_3_1.bwamem.bam", "sarscov2_twist/NC_045512.2.fasta"),
    ("westnile_454_multiRG/in.bam", "westnile_454_multiRG/ref.fasta"),
]


@pytest.mark.parametrize(("bam", "fasta"), REAL, ids=[Path(bam).stem for bam, _ in REAL])
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="millions of bases take hours without JIT")
def test_real_reads_get_the_qualities_of_calmd(shared_data: Path, tmp_path: Path, bam: str, fasta: str) -> None:
    expected = _calmd(shared_data / bam, shared_data / fasta, tmp_path)
    assert _lowered(shared_data / bam, shared_data / fasta) == expected
    assert expected != _stored(shared_data / bam, shared_data / fasta) or "splice" in bam


@pytest.mark.parametrize("seed", range(12))
def test_made_up_reads_get_the_qualities_of_htslib(make_bam, make_fasta, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = _contig(rng)
    fasta = make_fasta("c.fa", {"c": sequence})
    bam = make_bam("r.bam", {"c": LENGTH}, [_read(rng, f"r{i}", sequence) for i in range(N_READS)])
    _assert_equal_to_htslib(bam, fasta, n_reads=0.9 * N_READS)


@pytest.mark.parametrize("seed", range(3))
def test_reads_around_and_above_a_thousand_bases_get_the_qualities_of_htslib(make_bam, make_fasta, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = _contig(rng)
    fasta = make_fasta("c.fa", {"c": sequence})
    lengths = [1000, 1001] if numba.config.DISABLE_JIT else [999, 1000, 1001, 1002, 1500, 2400] * 5
    lines = [_read(rng, f"r{i}", sequence, length) for i, length in enumerate(lengths)]
    _assert_equal_to_htslib(make_bam("r.bam", {"c": LENGTH}, lines), fasta, n_reads=0.9 * len(lines))


@pytest.mark.parametrize("length", [None, 1200])
def test_qualities_do_not_depend_on_how_much_is_held_of_a_read(
    make_bam, make_fasta, monkeypatch, length: int | None
) -> None:
    rng = np.random.default_rng(20)
    sequence = _contig(rng)
    fasta = make_fasta("c.fa", {"c": sequence})
    n_reads = N_READS if length is None else N_READS // 15
    bam = make_bam("r.bam", {"c": LENGTH}, [_read(rng, f"r{i}", sequence, length) for i in range(n_reads)])
    expected = _lowered(bam, fasta)
    assert expected != _stored(bam, fasta)
    monkeypatch.setattr(baq, "_MOST_CELLS", 1)
    assert _lowered(bam, fasta) == expected


@pytest.mark.parametrize("redo", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_tags_change_qualities_as_in_htslib(make_bam, make_fasta, seed: int, redo: bool) -> None:
    rng = np.random.default_rng(100 + seed)
    sequence = _contig(rng)
    fasta = make_fasta("c.fa", {"c": sequence})
    lines = [_tagged(rng, _read(rng, f"r{i}", sequence)) for i in range(N_READS)]
    _assert_equal_to_htslib(make_bam("r.bam", {"c": LENGTH}, lines), fasta, n_reads=0.9 * N_READS, redo=redo)


@pytest.mark.parametrize("redo", [False, True])
def test_aligned_bases_have_the_qualities_that_mpileup_writes(make_bam, make_fasta, redo: bool) -> None:
    rng = np.random.default_rng(7)
    sequence = _contig(rng)
    fasta = make_fasta("c.fa", {"c": sequence})
    reads = [_read(rng, f"r{i}", sequence) for i in range(N_READS)]
    bam = make_bam("r.bam", {"c": LENGTH}, [f"{read}\tBQ:Z:{_text(rng, read)}" for read in reads])
    options = ["-E"] if redo else []
    text = pysam.samtools.mpileup(
        "-x", "-A", "-Q0", "-d0", "--ff", "0x4", "-O", "--output-QNAME", *options, "-f", str(fasta), str(bam)
    )
    lowered = dict(_lowered(bam, fasta, redo=redo))
    n_bases = 0
    for line in text.splitlines():
        _, position, _, depth, _, qualities, numbers, names = line.split("\t")
        if depth == "0":
            continue
        for name, number, quality in zip(names.split(","), numbers.split(","), qualities, strict=True):
            # In a deletion or skip that is the quality of the base after it, which mpileup numbers so too.
            if int(number) <= len(lowered[name]):
                assert ord(quality) - 33 == min(93, lowered[name][int(number) - 1]), (position, name)
                n_bases += 1
    assert n_bases > 20 * N_READS


def test_reads_that_baq_is_not_for_are_left_alone(make_bam, make_fasta) -> None:
    rng = np.random.default_rng(3)
    sequence = "".join(rng.choice(list("ACGT"), LENGTH))
    fasta = make_fasta("c.fa", {"c": sequence})
    bases, qualities = "ACGTACGTAC", "5" * 10
    lines = [
        f"skip\t0\tc\t11\t60\t5M20N5M\t*\t0\t0\t{bases}\t{qualities}",
        f"clip\t0\tc\t11\t60\t10S\t*\t0\t0\t{bases}\t{qualities}",
        f"no_cigar\t0\tc\t11\t60\t*\t*\t0\t0\t{bases}\t{qualities}",
        f"no_quality\t0\tc\t11\t60\t10M\t*\t0\t0\t{bases}\t*",
        "no_sequence\t0\tc\t11\t60\t10M\t*\t0\t0\t*\t*",
        f"done\t0\tc\t11\t60\t10M\t*\t0\t0\t{bases}\t{qualities}\tZQ:Z:{'@' * 10}",
    ]
    bam = make_bam("r.bam", {"c": LENGTH}, lines)
    assert _lowered(bam, fasta) == _stored(bam, fasta)


def test_bases_beyond_the_contig_get_quality_0(make_bam, make_fasta) -> None:
    fasta = make_fasta("c.fa", {"c": "ACGT" * 5})
    bam = make_bam("r.bam", {"c": 20}, ["beyond\t0\tc\t15\t60\t1S15D3M1I\t*\t0\t0\tACGTA\t55555"])
    assert _lowered(bam, fasta) == [("beyond", bytes([20, 0, 0, 0, 20]))]


def test_letters_outside_the_reach_change_nothing(make_bam) -> None:
    rng = np.random.default_rng(5)
    sequence = _contig(rng)
    whole_contig = np.frombuffer(sequence.encode(), np.uint8)
    for i in range(N_READS // 5):
        bam = make_bam(f"r{i}.bam", {"c": LENGTH}, [_read(rng, "r", sequence)])
        (batch,) = _batches(bam, "c", LENGTH)
        first, last = baq.reach(batch)
        other = RecordBatch(batch.data.copy(), batch.records)
        baq.apply_baq(other, whole_contig, 0, LENGTH)
        baq.apply_baq(batch, whole_contig[first:last], first, LENGTH)
        np.testing.assert_array_equal(batch.data, other.data)


def test_letters_that_do_not_cover_the_reach_are_refused(make_bam) -> None:
    bam = make_bam("r.bam", {"c": 100}, ["r\t0\tc\t51\t60\t2S10M2S\t*\t0\t0\tACGTACGTACGTAC\t55555555555555"])
    (batch,) = _batches(bam, "c", 100)
    assert baq.reach(batch) == (45, 65)
    letters = np.full(20, ord("A"), np.uint8)
    baq.apply_baq(batch, letters, 45, 100)
    baq.apply_baq(batch, letters[:15], 45, 60)  # the contig ends there
    for part, origin in ((letters, 46), (letters[:19], 45)):
        with pytest.raises(ValueError, match="letters cover"):
            baq.apply_baq(batch, part, origin, 100)


def test_an_empty_batch_needs_no_reference() -> None:
    batch = RecordBatch.empty()
    assert baq.reach(batch) == (0, 0)
    baq.apply_baq(batch, np.empty(0, np.uint8), 0, 0)


def _batches(bam: Path, contig: str, length: int) -> Iterator[RecordBatch]:
    file = BamFile(bam)
    yield from read_batches([file], Region(contig, 0, length), EVERYTHING, as_stored=True)
    file.close()


def _lowered(bam: Path, fasta: Path, *, redo: bool = False, does_apply: bool = True) -> list[tuple[str, bytes]]:
    """Names and qualities of mapped records."""
    reads = []
    with pysam.AlignmentFile(bam) as file, pysam.FastaFile(str(fasta)) as reference:
        for contig in (contig for contig in file.references if contig in reference.references):
            length = reference.get_reference_length(contig)
            for batch in _batches(bam, contig, length):
                first, last = baq.reach(batch)
                if does_apply:
                    letters = np.frombuffer(reference.fetch(contig)[first:last].encode(), np.uint8)
                    baq.apply_baq(batch, letters, first, length, redo=redo)
                reads += [_read_of(batch.data, record) for record in batch.records]
    return reads


def _read_of(data: np.ndarray, record: np.void) -> tuple[str, bytes]:
    name = data[record["name"] : record["name"] + record["l_name"] - 1].tobytes().decode()
    return name, data[record["qual"] : record["qual"] + record["l_seq"]].tobytes()


def _stored(bam: Path, fasta: Path) -> list[tuple[str, bytes]]:
    return _lowered(bam, fasta, does_apply=False)


def _calmd(bam: Path, fasta: Path, folder: Path) -> list[tuple[str, bytes]]:
    """Names and qualities of mapped records after samtools calmd: it calls sam_prob_realn with BAQ_APPLY and BAQ_EXTEND."""
    path = folder / "calmd.bam"
    pysam.samtools.calmd("-A", "-r", "-E", "-b", "-Q", str(bam), str(fasta), save_stdout=str(path))
    with pysam.AlignmentFile(path) as file:
        return [(read.query_name, _qualities(read)) for read in file if not read.is_unmapped]


def _qualities(read: pysam.AlignedSegment) -> bytes:
    stored = read.query_qualities
    return b"\xff" * len(read.query_sequence or "") if stored is None else bytes(stored)


def _assert_equal_to_htslib(bam: Path, fasta: Path, *, n_reads: float, redo: bool = False) -> None:
    expected = _piled_up(bam, fasta, redo=redo)
    assert len(expected) > n_reads
    lowered = {name: qualities for name, qualities in _lowered(bam, fasta, redo=redo) if name in expected}
    assert lowered == expected
    assert lowered != dict(_stored(bam, fasta))


def _piled_up(bam: Path, fasta: Path, *, redo: bool) -> dict[str, bytes]:
    """Qualities of reads that have columns, after sam_prob_realn with BAQ_APPLY, BAQ_EXTEND and maybe BAQ_REDO."""
    found: dict[str, bytes] = {}
    with pysam.AlignmentFile(bam) as file, pysam.FastaFile(str(fasta)) as reference:
        columns = file.pileup(
            stepper="samtools",
            fastafile=reference,
            compute_baq=True,
            redo_baq=redo,
            ignore_orphans=False,
            ignore_overlaps=False,
            min_base_quality=0,
            flag_filter=0x4,
            max_depth=1_000_000,
        )
        for column in columns:
            for read in column.pileups:
                found.setdefault(read.alignment.query_name, _qualities(read.alignment))
    return found


def _contig(rng: np.random.Generator) -> str:
    """Letters with repeats, in both cases, with some that are ambiguous and a gap."""
    letters = rng.choice(list("ACGT"), LENGTH)
    for start in rng.integers(0, LENGTH - 60, 40):
        unit = rng.choice(list("ACGT"), int(rng.integers(1, 4)))
        n = int(rng.integers(5, 40))
        letters[start : start + n] = np.resize(unit, n)
    for start in rng.integers(0, LENGTH - 200, 4):
        letters[start : start + 200] = np.char.lower(letters[start : start + 200])
    some = rng.integers(0, LENGTH, 40)
    letters[some] = rng.choice(list("NRYKMSWBDHVnrykmU"), 40)
    letters[1500:1530] = "N"
    return "".join(letters)


def _read(rng: np.random.Generator, name: str, sequence: str, length: int | None = None) -> str:
    """SAM line of a read that resembles what it is aligned to, in the middle of the contig or at its ends or over the last."""
    # The first aligned base is on the contig: else htslib takes what is left in memory for its result.
    if length is None:
        length = int(rng.choice([1, 2, 5, 10, 40, 80, 120, 250], p=[0.05, 0.03, 0.05, 0.07, 0.3, 0.3, 0.15, 0.05]))
    cigar = _cigar(rng, length)
    span = sum(n for n, operation in cigar if operation in CONSUMES_REFERENCE)
    place = rng.random()
    if place < 0.1:
        start = int(rng.integers(0, 12))
    elif place < 0.2:
        start = max(0, LENGTH - span - int(rng.integers(0, 12)))
    elif place < 0.25:
        lead = next((i for i, (_, operation) in enumerate(cigar) if operation in "M=X"), 0)
        start = LENGTH - int(rng.integers(1, 30)) - sum(n for n, operation in cigar[:lead] if operation in "DN")
    else:
        start = int(rng.integers(0, max(1, LENGTH - span)))
    bases = []
    position = start
    for n, operation in cigar:
        if operation in "M=X":
            bases += [sequence[at] if at < LENGTH else "A" for at in range(position, position + n)]
        elif operation in CONSUMES_QUERY:
            bases += list(rng.choice(list("ACGT"), n)) if rng.random() < 0.5 else ["A"] * n
        position += n if operation in CONSUMES_REFERENCE else 0
    wrong = rng.random(len(bases)) < rng.choice([0, 0.01, 0.1, 0.5])
    bases = np.where(wrong, rng.choice(list("ACGTN"), len(bases)), np.char.upper(bases))
    qualities = rng.choice(
        [[0, 93, 30, 2], [30, 35, 40, 41], [0, 0, 0, 1], [93, 93, 92, 60]][int(rng.integers(4))], len(bases)
    )
    text = "*" if rng.random() < 0.02 else "".join(chr(33 + q) for q in qualities)
    letters = "".join(bases)
    if rng.random() < 0.02:
        letters = text = "*"
    flag = int(rng.choice([0, 16]))
    cigar_text = "".join(f"{n}{operation}" for n, operation in cigar)
    return f"{name}\t{flag}\tc\t{start + 1}\t60\t{cigar_text}\t*\t0\t0\t{letters}\t{text}"


def _cigar(rng: np.random.Generator, length: int) -> list[tuple[int, str]]:
    """Operations over so many bases: clips, indels short and long also at the ends, skips, adjoining matches, padding."""
    left, right = (int(rng.integers(0, max(1, length // 3))) if rng.random() < 0.2 else 0 for _ in range(2))
    rest = length - left - right
    cigar: list[tuple[int, str]] = []
    while rest:
        kind = str(rng.choice(list("MMM=XIDNP"), p=[0.2, 0.2, 0.12, 0.12, 0.12, 0.11, 0.11, 0.005, 0.015]))
        if length > 500 and kind == "N":
            continue
        n = int(rng.integers(1, 60)) if kind in "M=X" else int(rng.choice([1, 1, 2, 3, 9, 20]))
        if kind in CONSUMES_QUERY:
            n = min(n, rest)
            rest -= n
        if cigar and cigar[-1][1] == kind and kind not in "M=X":
            continue
        cigar.append((n, kind))
    hard = [(5, "H")] if rng.random() < 0.05 else []
    return [*hard, *([(left, "S")] if left else []), *cigar, *([(right, "S")] if right else [])]


def _text(rng: np.random.Generator, read: str, lowest: int = 64, highest: int = 110) -> str:
    """What a BQ or ZQ tag may say of a read."""
    sequence = read.split("\t")[9]
    return "".join(map(chr, rng.integers(lowest, highest, 0 if sequence == "*" else len(sequence))))


def _tagged(rng: np.random.Generator, read: str) -> str:
    """A read with BQ, ZQ, both in either order or none, right and wrong, before and after other tags."""
    tags = []
    for name in rng.permutation(["BQ", "ZQ"]):
        kinds = ["none", "right", "right", "low", "short", "long", "number", "letter", "hex"]
        p = [0.25, 0.2, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05]
        if name == "ZQ":
            p = [0.7, 0.1, 0.1, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01]
        kind = rng.choice(kinds, p=p)
        value = {
            "right": "Z:" + _text(rng, read),
            "low": "Z:" + _text(rng, read, 40, 70),
            "short": "Z:" + _text(rng, read)[1:],
            "long": "Z:" + _text(rng, read) + "@",
            "number": "i:70000",
            "letter": "A:x",
            "hex": "H:40",
        }.get(str(kind))
        if value is not None:
            tags.append(f"{name}:{value}")
        if rng.random() < 0.5:
            tags.append(f"X{name[0]}:Z:{'x' * int(rng.integers(0, 60))}")
        if rng.random() < 0.2:
            tags.append(f"Y{name[0]}:B:S,1,2,3")
    return "\t".join([read, *tags])
